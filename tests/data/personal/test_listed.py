import re

import pytest

from aigc_cli.core.errors import BadData, NoInput
from aigc_cli.data.personal.listed import Listed, read_listed
from aigc_cli.data.pii import Redactor


def redacted(words, text, **options):
    return Redactor(listed=Listed(words), **options).redact(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Anna came", "<NAME_1> came"),
        ("ANNA, anna and ａｎｎａ's", "<NAME_1>, <NAME_1> and <NAME_1>'s"),
        ("Annabel and Joanna, annas", "Annabel and Joanna, annas"),
        ("我和Anna去", "我和<NAME_1>去"),
        ("Anna1 is a nick, anna_b another", "Anna1 is a nick, <NAME_1>_b another"),
        ("ask Ann Lee, not Ann Leeds", "ask <NAME_3>, not <NAME_2> Leeds"),
        ("ask ann   lee", "ask <NAME_3>"),
        ("小明说王小明来了", "<NAME_4>说王<NAME_4>来了"),
        ("민지가 왔어, 민지야", "<NAME_5>가 왔어, <NAME_5>야"),
        ("ケリーさん", "<NAME_6>さん"),
        ("STRASSE 5, Straße 5", "<NAME_7> 5, <NAME_7> 5"),
        ("Юля звонила Юлям", "<NAME_8> звонила Юлям"),
        ("قالت سارة", "قالت <NAME_9>"),
        ("A\u200bn\u200bna", "<NAME_1>"),
        ("🐼 is here🐼", "<NAME_10> is here<NAME_10>"),
        ("C++ and C", "<NAME_11> and C"),
        ("I ❤️ it, I ❤ it", "I <NAME_12> it, I <NAME_12> it"),
        ("nothing of it", "nothing of it"),
    ],
)
def test_a_word_is_found_in_any_case_and_width_and_whole_where_words_are_set_apart(text, expected):
    words = ["Anna", "Ann", "Ann Lee", "小明", "민지", "ケリー", "Straße", "Юля", "سارة", "🐼", "c++", "❤️"]
    assert redacted(words, text) == expected


def test_the_number_is_that_of_the_word_in_the_file_whichever_is_met_first():
    redactor = Redactor(listed=Listed(["Tess", "tess", "Dev"]))
    assert redactor.redact("dev, Tess, DEV") == "<NAME_2>, <NAME_1>, <NAME_2>"
    assert redactor.counts == {"listed": 3}


def test_what_a_rule_and_a_word_share_is_replaced_as_one_and_nothing_of_either_stays():
    assert redacted(["anna"], "mail anna@example.com or anna") == "mail <EMAIL_1> or <NAME_1>"
    assert redacted(["王芳 13800138000"], "王芳 13800138000好") == "<PHONE_1>好"


def test_without_rules_the_words_alone_go():
    assert redacted(["anna"], "anna 07700 900123", rules=False) == "<NAME_1> 07700 900123"


def test_what_is_no_message_is_replaced_and_not_counted():
    redactor = Redactor(listed=Listed(["Tess"]))
    assert redactor.hide_listed("Chat with Tess 07700 900123.txt") == "Chat with <NAME_1> 07700 900123.txt"
    assert redactor.counts == {}


def test_many_words_are_found_as_one_by_one():
    words = [f"{head}{tail}" for head in "abcdé李" for tail in ("", "x", "xy", " z", "李", "1")]
    text = "ax axy a z ab 李李 éx é z bxy-b1 c李x d dxyz a1 李x"
    slow = text
    for number in sorted(range(len(words)), key=lambda number: -len(words[number])):
        whole = (
            r"(?<![^\W李])" if words[number][0] != "李" else "",
            r"(?![^\W李])" if words[number][-1] != "李" else "",
        )
        slow = re.sub(whole[0] + re.escape(words[number]) + whole[1], chr(0xE000 + number), slow)
    slow = re.sub("[\ue000-\uf8ff]", lambda match: f"<NAME_{ord(match[0]) - 0xE000 + 1}>", slow)
    assert redacted(words, text) == slow


def test_comments_and_blank_lines_are_no_words(tmp_path):
    path = tmp_path / "words.txt"
    path.write_bytes("\ufeff# friends\r\nTess\r\n\r\n  小明  \n#Dev\n".encode())
    assert Redactor(listed=read_listed(path)).redact("Tess, 小明, Dev # friends") == "<NAME_1>, <NAME_2>, Dev # friends"


def test_the_digest_is_of_the_words_alone(tmp_path):
    one, other, changed = (tmp_path / name for name in "abc")
    one.write_text("Tess\nDev\n")
    other.write_text("# a comment\nTess\n\n  Dev")
    changed.write_text("Dev\nTess\n")
    assert read_listed(one).digest == read_listed(other).digest != read_listed(changed).digest


@pytest.mark.parametrize(
    ("content", "error", "said"),
    [
        (None, NoInput, "no such file"),
        (b"Tess\xff\n", BadData, "not a UTF-8 text"),
        (b"PK\x03\x04\0\0", BadData, "not a UTF-8 text"),
        (b"", BadData, "no word to redact"),
        (b"# nobody\n\n  \n", BadData, "no word to redact"),
    ],
)
def test_what_is_no_list_is_said_in_one_line(tmp_path, content, error, said):
    path = tmp_path / "words.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(error, match=r"words\.txt") as raised:
        read_listed(path)
    assert said.lower() in raised.value.message.lower()
    assert "\n" not in raised.value.message
