import re

import pytest

from aigc_cli.data.personal.checked import passes_luhn, passes_mod_11_2, passes_mod_31, passes_mod_97
from aigc_cli.data.pii import Redactor, find_personal_data


def found(text, marked=()):
    return [(item.rule, text[item.start : item.end]) for item in find_personal_data(text, marked)]


@pytest.mark.parametrize(
    ("text", "rule", "value"),
    [
        ("ring me, 07700 900123, after six", "phone", "07700 900123"),
        ("it's +44 20 7946 0123.", "phone", "+44 20 7946 0123"),
        ("call (555) 555-0142!", "phone", "(555) 555-0142"),
        ("on +1 (555) 555-0142 ok", "phone", "+1 (555) 555-0142"),
        ("ring me on 555-0142", "phone", "555-0142"),
        ("+351 912 345 678", "phone", "+351 912 345 678"),
        ("0033612345678", "phone", "0033612345678"),
        ("appelle 06.12.34.56.78 demain", "phone", "06.12.34.56.78"),
        ("我的电话13812345678谢谢", "phone", "13812345678"),
        ("手机：１９９ １２３４ ５６７８。", "phone", "１９９ １２３４ ５６７８"),
        ("身份证11010519491231002X，请收", "chinese_id", "11010519491231002X"),
        ("我住在泉州市鲤城区西街12号3楼，没电梯", "address", "泉州市鲤城区西街12号3楼"),
        ("寄到中山路128号3栋2单元501室吧", "address", "中山路128号3栋2单元501室"),
        ("福建省厦门市思明区民族路７号", "address", "福建省厦门市思明区民族路７号"),
        ("加+8613812345678吧", "phone", "+8613812345678"),
        ("１３８１２３４５６７８", "phone", "１３８１２３４５６７８"),
        ("座机010-62345678转", "phone", "010-62345678"),
        ("\u202a+44\u00a07700\u00a0900123\u202c", "phone", "+44\u00a07700\u00a0900123"),
        ("07700\u2011900123", "phone", "07700\u2011900123"),
        ("write to tess.c+x@example.co.uk.", "email", "tess.c+x@example.co.uk"),
        ("邮箱foo@example.com谢谢", "email", "foo@example.com"),
        ("a.b (at) example [dot] org", "email", "a.b (at) example [dot] org"),
        ("müller@example.de", "email", "müller@example.de"),
        ("see https://example.org/a?b=1#c, ok", "url", "https://example.org/a?b=1#c"),
        ("看https://example.org/a吧。", "url", "https://example.org/a"),
        ("(www.example.net)", "url", "www.example.net"),
        ("menu at example.org/menu", "url", "example.org/menu"),
        ("server 192.0.2.7, port", "ip", "192.0.2.7"),
        ("2001:db8::ff00:42:8329 it is", "ip", "2001:db8::ff00:42:8329"),
        ("GB82 WEST 1234 5698 7654 32 thanks", "iban", "GB82 WEST 1234 5698 7654 32"),
        ("账号de89370400440532013000。", "iban", "de89370400440532013000"),
        ("身份证11010519491231002X号", "chinese_id", "11010519491231002X"),
        ("税号91350100M000100Y43", "company_id", "91350100M000100Y43"),
        ("4111 1111 1111 1111 12/29", "card", "4111 1111 1111 1111"),
        ("pay 2 4111-1111-1111-1111 5", "card", "4111-1111-1111-1111"),
        ("卡5555555555554444", "card", "5555555555554444"),
        ("amex 3782 822463 10005 ok", "card", "3782 822463 10005"),
        ("question 29 07700 900123", "phone", "07700 900123"),
        ("my insta is @wren.calloway ok", "handle", "@wren.calloway"),
        ("微信号abc_123", "handle", "abc_123"),
        ("wechat: wren_b ok", "handle", "wren_b"),
    ],
)
def test_value_is_found_whole_and_alone(text, rule, value):
    assert found(text) == [(rule, value)]


@pytest.mark.parametrize(
    "text",
    [
        "we won 3-2",
        "6-4 7-5 6-7 6-4, 21-15 and 21-19",
        "2025-09-03 18:30",
        "call me at 18:30 on 2025-09-03",
        "01/02/2025 18:30 or 6.12.2025",
        "from 9:00–17:00, 12:30:45",
        "1,000,000 people, 1 000 000 people, 99.5 %",
        "3.14159265358979 and 0.123456789",
        "version 2.10.3 of std::vector",
        "i'm @home, room 101",
        "at 1757000000 exactly",
        "isbn 9780306406157",
        "ok.so fine.no wait",
        "insta is down",
        "<PHONE_1> and <EMAIL_2>",
        "110105194912310021",
        "4111 1111 1111 1112",
        "GB83 WEST 1234 5698 7654 32",
        "999.1.2.3",
        "西街口第2家，往前走50米到解放路",
        "坐3路到人民路2号线换车，8号下午5点",
    ],
)
def test_ordinary_numbers_and_failed_checks_are_left_alone(text):
    assert found(text) == []


def test_published_check_digits():
    assert passes_luhn("79927398713")  # the worked example of the Luhn formula
    assert [digit for digit in "0123456789" if passes_luhn("7992739871" + digit)] == ["3"]
    assert passes_mod_97("GB29NWBK60161331926819")  # the IBAN registry's example
    assert passes_mod_97("NO9386011117947")
    assert not passes_mod_97("GB29NWBK60161331926818")
    assert [last for last in "0123456789X" if passes_mod_11_2("11010519491231002" + last)] == ["X"]  # GB 11643
    assert passes_mod_31("91350100M000100Y43")  # GB 32100
    assert not passes_mod_31("91350100M000100Y42")


def test_any_single_wrong_digit_fails_the_weighted_checks():
    number = "11010519491231002X"
    for place in range(17):
        for digit in "0123456789":
            changed = number[:place] + digit + number[place + 1 :]
            assert passes_mod_11_2(changed) == (changed == number)


def test_same_value_has_the_same_placeholder_in_any_spelling():
    redactor = Redactor()
    assert redactor.redact("07700 900123") == "<PHONE_1>"
    assert redactor.redact("or 07700 900999") == "or <PHONE_2>"
    assert redactor.redact("+44 7700 900123, 07700-900123") == "<PHONE_1>, <PHONE_1>"
    assert redactor.redact("A@example.org a@EXAMPLE.org") == "<EMAIL_1> <EMAIL_1>"
    assert redactor.counts == {"phone": 4, "email": 2}


def test_redaction_keeps_every_other_character_and_is_idempotent():
    text = "１３８１２３４５６７８，“好的！”\u200b x@example.com — ﬁn 🚲"
    once = Redactor().redact(text)
    assert once == "<PHONE_1>，“好的！”\u200b <EMAIL_1> — ﬁn 🚲"
    assert Redactor().redact(once) == once


def test_redactor_remembers_no_value():
    redactor = Redactor()
    redactor.redact("07700 900123, x@example.com")
    assert not re.search("900123|example", repr(vars(redactor)))


def test_what_the_messenger_marked_is_redacted_too():
    text = "ask @wren or wren.bike now"
    assert found(text) == []
    marked = (("handle", "@wren"), ("url", "wren.bike"))
    assert Redactor().redact(text, marked) == "ask <HANDLE_1> or <URL_1> now"


def test_overlapping_finds_are_replaced_once():
    assert Redactor().redact("https://example.org/?mail=a@example.org&tel=07700900123") == "<URL_1>"


# phonenumbers 9.0.43, `example_number_for_type(region, MOBILE)` in international format.
LIBRARY_EXAMPLES = """+376 312 345;+971 50 123 4567;+43 664 123456;+61 412 345 678;+55 11 96123-4567;+86 131 2345 6789
+49 1512 3456789;+45 34 41 23 45;+34 612 34 56 78;+33 6 12 34 56 78;+44 7400 123456;+852 5123 4567;+91 81234 56789
+39 312 345 6789;+81 90-1234-5678;+82 10-2000-0000;+52 200 123 4567;+31 6 12345678;+687 75.12.34;+351 912 345 678
+7 912 345-67-89;+65 8123 4567;+90 501 234 56 78;+1 201-555-0123;+27 71 123 4567;+598 94 231 234;+678 591 2345"""


@pytest.mark.parametrize("number", re.split("[;\n]", LIBRARY_EXAMPLES))
def test_examples_of_the_telephone_library_are_found_between_chinese_characters(number):
    assert found(f"打{number}找我") == [("phone", number)]
