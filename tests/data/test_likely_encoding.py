"""The encoding of a few lines of a chat is told by what they say in it."""

import pytest

from aigc_cli.data.likely_encoding import decoded_somehow, likely_encoding

CHATS = {
    "simplified": "2024-01-02 阿梅: 晚饭吃什么？\n2024-01-02 海生: 随便，我快到家了\n阿梅: 那就煮面吧\n",
    "traditional": "2024/1/2 阿梅: 晚餐吃什麼？\n2024/1/2 海生: 隨便啊，我快到家了\n阿梅: 那就煮麵吧，謝謝\n",
    "japanese": "10:00\tめい\t夕食は何にする？\n10:01\t海\tなんでもいいよ、もうすぐ帰る\nめい\tじゃあラーメン！\n",
    "korean": "[메이] [10:00] 저녁 뭐 먹을까?\n[해] 아무거나, 거의 다 왔어\n[메이] 그럼 라면 끓일게\n",
    "russian": "02.01.2024, 10:00 - Мая: Что на ужин?\n02.01.2024, 10:01 - Том: Всё равно, я почти дома\n",
    "german": "02.01.24, 10:00 - Mia: Was möchtest du essen?\n02.01.24, 10:01 - Jörg: Ist mir völlig gleich, später\n",
    "french": "02/01/2024, 10:00 - Zoé: On mange quoi ce soir, mémé ?\n02/01/2024, 10:01 - Léa: Ça m’est égal\n",
    "english": "1/2/24, 10:00 - Mia: What's for dinner?\n1/2/24, 10:01 - Tom: Anything, I'm nearly home\n",
}
ENCODED = [
    ("simplified", "gb18030"),
    ("traditional", "cp950"),
    ("japanese", "cp932"),
    ("japanese", "euc_jp"),
    ("korean", "cp949"),
    ("russian", "windows-1251"),
    ("russian", "koi8-r"),
    ("german", "windows-1252"),
    ("french", "windows-1252"),
]
ENCODED += [(chat, encoding) for chat in CHATS for encoding in ("utf-16-le", "utf-16-be")]
ENCODED += [(chat, "utf-8") for chat in CHATS if chat != "english"]


@pytest.mark.parametrize(("chat", "encoding"), ENCODED)
def test_each_encoding_is_told_from_a_few_lines(chat, encoding):
    data = CHATS[chat].encode(encoding)
    assert likely_encoding(data) == encoding
    if not encoding.startswith("utf-16"):  # of which a cut leaves half a character
        assert likely_encoding(data[:-1]) == encoding


def test_ascii_and_noise_are_in_no_encoding():
    assert likely_encoding(CHATS["english"].encode()) is None
    assert likely_encoding(b"") is None
    assert likely_encoding(bytes(range(256)) * 8) is None
    assert likely_encoding(bytes([0x89, 0x50, 0x4E, 0x47, 13, 10, 26, 10, 0, 0, 0, 13]) * 9) is None


@pytest.mark.parametrize(("chat", "encoding"), [pair for pair in ENCODED if not pair[1].startswith("utf-16")])
def test_what_declares_nothing_or_something_wrong_is_read_all_the_same(chat, encoding):
    data = CHATS[chat].encode(encoding)
    assert decoded_somehow(data, "") == CHATS[chat]
    assert decoded_somehow(data, "x-no-such-encoding") == CHATS[chat]
    assert decoded_somehow(data, encoding) == CHATS[chat]
    assert decoded_somehow(data, "us-ascii") == CHATS[chat]


def test_narrow_names_stand_for_the_wider_encoding():
    assert decoded_somehow("①は㍻です".encode("cp932"), "Shift_JIS") == "①は㍻です"
    assert decoded_somehow("똠방각하".encode("cp949"), "euc-kr") == "똠방각하"
    assert decoded_somehow("“quoted”".encode("cp1252"), "ISO-8859-1") == "“quoted”"
    assert decoded_somehow("镕基".encode("gb18030"), "gb2312") == "镕基"
    assert decoded_somehow(b"+ZeVnLIqe-", "utf-7") == "日本語"
    assert decoded_somehow(b"abc", "rot13") == "abc"
    assert decoded_somehow(b"ok \x81\x98\x81\x98", "utf-8") == "ok ����"
