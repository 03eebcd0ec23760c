import json

import pytest

from aigc_cli.core.errors import BadData
from aigc_cli.core.words.plain import cell_width, clean, json_text, one_line, wrap

HOSTILE = "a\x1b[31mred\x1b]0;title\x07\x9b2Jb\tc\nd\x7f\ud800"


def test_nothing_is_left_that_steers_a_terminal():
    assert clean(HOSTILE) == "a[31mred]0;title2Jb\tc\nd\ufffd"
    assert one_line("  one\n\x85two\u2028three ") == "one two three"


def test_nothing_is_left_that_reorders_what_stands_beside_it():
    assert clean("a\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069b") == "ab"


@pytest.mark.parametrize("text", ["👩\u200d🔬", "مرحبا\u200f (1)\u200e", "e\u0301", "许麦冬", "क्\u200dष", "\U0001f600"])
def test_what_belongs_to_writing_stays(text):
    assert clean(text) == text
    assert json_text(text) == f'"{text}"'


def test_json_holds_the_same_as_escapes_and_loses_nothing():
    value = {f"{HOSTILE}\u202e\u2066": [f"{HOSTILE}\x85\u2028\\u202e", 1.5, None]}
    for indent in (None, 1):
        text = json_text(value, indent)
        assert clean(text) == text and "\u2028" not in text
        assert json.loads(text) == value
    assert json_text("\x1b\x9b\u202e\udc80\\") == r'"\u001b\u009b\u202e\udc80\\"'


def test_an_error_is_one_harmless_line():
    assert str(BadData(f"{HOSTILE}.png: broken", "open\nit")) == "a[31mred]0;title2Jb c d\ufffd.png: broken (open it)"


CHINESE_TEXT = "把图片和聊天记录变成能在终端里对话的“数字分身”（分身）。用 --batch-size 调小：内存不足、太慢，等等。"


def test_wide_characters_take_two_cells():
    assert cell_width("小明a，") == 7


@pytest.mark.parametrize("width", [12, 13, 20, 40, 41, 200])
def test_wrapped_lines_fit_and_lose_nothing(width):
    lines = wrap(CHINESE_TEXT, width)
    assert "".join("".join(lines).split()) == "".join(CHINESE_TEXT.split())
    assert all(cell_width(line) <= width for line in lines)
    assert not any(line[0] in "，。：、）”" or line[-1] in "（" for line in lines)


def test_lines_are_as_full_as_they_can_be():
    assert wrap("一二三四五，六七", 10) == ["一二三四", "五，六七"]
    assert wrap("one two three", 7) == ["one two", "three"]
    assert wrap("a verylongword b", 5) == ["a", "verylongword", "b"]
    assert wrap("", 5) == [""]
