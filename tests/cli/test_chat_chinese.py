"""A conversation in Chinese in a terminal: typed, streamed, two cells a character, kept; under LC_ALL=C as well."""

import pytest

from tests.cli.test_chat import GREEDY, Person, records, sessions
from tests.conftest import write_text_run

# So small a vocabulary spells these characters byte by byte: each is streamed in three or four tokens.
EXCHANGES = {
    "吃了吗": "吃了 面线糊\n加醋肉😂",
    "猫呢": "在书架上睡《辞海》！",
    "晚安": "晚安",
}


@pytest.fixture(scope="module")
def maidong_run(tmp_path_factory):
    return write_text_run(tmp_path_factory.mktemp("模型") / "麦冬", EXCHANGES, subject="许麦冬")


def test_talking_in_chinese(maidong_run, tmp_path):
    with Person([maidong_run, *GREEDY], tmp_path, AIGC_LANG="zh-CN") as person:
        person.see("你")
        person.type("吃了吗\r")
        person.see("肉😂")
        person.type("猫x\x7f呢\r")
        person.see("海》！")
        person.see("\n你", count=3)
        person.type("一\x1b\r二")
        person.see("\n    二")  # a second line stands under the first one's words
        person.type("\x03")
        person.see("\n你", count=4)
        assert person.leave() == 0
        lines = person.text().splitlines()
    # The terminal's decoder is strict: half a character would have ended the test. Nor was one replaced.
    said = [line for line in lines if line.startswith(("你", "许麦冬", "        "))]
    assert said == [
        "你  吃了吗",
        "许麦冬  吃了 面线糊",
        "        加醋肉😂",
        "你  猫呢",
        "许麦冬  在书架上睡《辞海》！",
        "你  一",
        "你  /quit",
    ]
    (file,) = sessions(tmp_path)
    assert [record["content"] for record in records(file)] == [
        "吃了吗",
        EXCHANGES["吃了吗"],
        "猫呢",
        EXCHANGES["猫呢"],
    ]
