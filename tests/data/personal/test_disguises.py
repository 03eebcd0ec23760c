"""What the rules find in the ways to write a datum that few people use, and what looks like them."""

import pytest

from aigc_cli.data.pii import Redactor, find_personal_data


def found(text):
    return [(item.rule, text[item.start : item.end]) for item in find_personal_data(text)]


@pytest.mark.parametrize(
    ("text", "rule", "value"),
    [
        # telephone numbers
        ("客服800-2233-445没人接", "phone", "800-2233-445"),
        ("他打来的（853）66771122啊", "phone", "（853）66771122"),
        ("回电(852)2345 6789找阿珍", "phone", "(852)2345 6789"),
        ("台北那边(886)912345678记一下", "phone", "(886)912345678"),
        ("打5️⃣5️⃣6️⃣6️⃣1️⃣2️⃣3️⃣4️⃣或者1️⃣5️⃣9️⃣2️⃣2️⃣3️⃣3️⃣4️⃣4️⃣5️⃣5️⃣哈", "phone", "1️⃣5️⃣9️⃣2️⃣2️⃣3️⃣3️⃣4️⃣4️⃣5️⃣5️⃣"),
        ("手机号：一五九二二三三四四五五", "phone", "一五九二二三三四四五五"),
        ("联系方式是八八六六一二三四哦", "phone", "八八六六一二三四"),
        ("就这个幺七七六六五五四四三三别外传", "phone", "幺七七六六五五四四三三"),
        ("номер Ани 921 555-12-34 запиши", "phone", "921 555-12-34"),
        ("звони мастеру: (903)555-77-88", "phone", "(903)555-77-88"),
        # mail and links
        ("发我邮箱张伟@邮局.中国，谢谢", "email", "张伟@邮局.中国"),
        ("寄给hr@某某.公司就行", "email", "hr@某某.公司"),
        ("アドレスは花子@見本.コム です", "email", "花子@見本.コム"),
        ("메일은 철수@예시.한국 이에요", "email", "철수@예시.한국"),
        ("看http://商店.网络/新品 打折", "url", "http://商店.网络/新品"),
        ("https://見本.みんな/メニュー 見て", "url", "https://見本.みんな/メニュー"),
        ("https://某站.餐厅/ 打不开", "url", "https://某站.餐厅/"),
        ("메일은 lee88 골뱅이 example.com 이야", "email", "lee88 골뱅이 example.com"),
        ("пиши anna.k собака example.ru", "email", "anna.k собака example.ru"),
        ("пиши anna [собака] example.ru", "email", "anna [собака] example.ru"),
        ("write to mary at mail dot example dot net thanks", "email", "mary at mail dot example dot net"),
        # handles
        ("加薇kuku_1987聊", "handle", "kuku_1987"),
        ("➕威❤️momo2244", "handle", "momo2244"),
        ("加卫星lanlan_77领资料", "handle", "lanlan_77"),
        ("店家賴@good_tea88", "handle", "@good_tea88"),
        ("她的赖也是xiaoyu_9", "handle", "xiaoyu_9"),
        ("我line是kk7788tw喔", "handle", "kk7788tw"),
        ("디코 아이디 눈사람#1234 추가해", "handle", "눈사람#1234"),
        ("디코는 haru_dev22 야", "handle", "haru_dev22"),
        ("كلمني تلي @huda_77", "handle", "@huda_77"),
        ("vk: id11223344 это я", "handle", "id11223344"),
        ("ВК/id55667788", "handle", "id55667788"),
        # doors in Hong Kong and Macau
        ("寄去香港灣仔莊士敦道66號12樓C室啦", "address", "香港灣仔莊士敦道66號12樓C室"),
        ("佢住旺角亞皆老街8號幸福大廈3樓D座", "address", "旺角亞皆老街8號幸福大廈3樓D座"),
        ("澳門新馬路25號地下等", "address", "澳門新馬路25號地下"),
    ],
)  # fmt: skip
def test_a_disguised_value_is_found_whole(text, rule, value):
    assert (rule, value) in found(text)


@pytest.mark.parametrize(
    "text",
    [
        "2330.TW漲停",
        "买了9988.HK和600519.SS",
        "обновил ватсап 2.23.1045 и всё",
        "واتساب 2.25.1234 نسخة جديدة",
        "一二三四五六七，我们出发",
        "电话一二三四五六七八九十",
        "威力很大2024",
        "卫星FY4A_2发射成功",
        "小薇2024年毕业",
        "賴清德2024年",
        "赖床到1230",
        "QQ号也可以login",
        "line 12 is wrong, line is busy2day",
        "значок собака и точка",
        "моя собака 2019 года",
        "look at the dot on page_3 dot com",
        "look at example dot com",
        "投币看1️⃣2️⃣3️⃣4️⃣5️⃣6️⃣",
        "讨论#2024和디코 서버",
        "디스코드 서버#1234 공지",
    ],
)
def test_look_alikes_of_disguises_are_left_alone(text):
    assert found(text) == []


def test_a_number_has_one_placeholder_however_its_digits_are_written():
    redactor = Redactor()
    texts = ("电话15922334455", "电话一五九二二三三四四五五", "电话1️⃣5️⃣9️⃣2️⃣2️⃣3️⃣3️⃣4️⃣4️⃣5️⃣5️⃣哈")
    assert [redactor.redact(text) for text in texts] == ["电话<PHONE_1>", "电话<PHONE_1>", "电话<PHONE_1>哈"]


def test_a_stock_s_code_behind_a_scheme_is_a_link():
    assert found("https://2330.tw/a 看") == [("url", "https://2330.tw/a")]
