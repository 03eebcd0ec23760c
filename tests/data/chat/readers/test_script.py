"""`NAME: line` text: whoever speaks, nobody is given another's words."""

import unicodedata

import pytest

from aigc_cli.core.errors import BadData
from tests.data.chat.readers.driving import read_found

ODD_NAMES = [
    "🦊",
    "+44 7700 900123",
    "2024",
    "[Mia]",
    "{Mia}",
    "<Mia>",
    'Jo "Bear" Hale',
    '"Mia"',
    "> Mia",
    "~ Bea",
    "…",
    "Maximiliane Alexandrine von und zu Hohenfels",
    "x" * 129,
    "٣",
    "👩\u200d🚀",
]


def said_by(log, name):
    return [item.text for item in log.messages if log.names.get(item.sender) == name]


def read(text, format_name="script"):
    return read_found(text.encode(), "log.txt", format_name, "utf-8")


@pytest.mark.parametrize("name", ODD_NAMES)
@pytest.mark.parametrize("times", [1, 6])
def test_no_turn_goes_on_with_the_words_of_an_odd_name(name, times):
    lines = [f"Tom: did you see it {n}\nAnn: not yet {n}\n{name}: i saw it {n}\n" for n in range(times)]
    log = read("".join(lines), "auto" if times > 1 else "script")
    assert said_by(log, "Ann") == [f"not yet {n}" for n in range(times)]
    theirs = said_by(log, name)
    assert theirs == [f"i saw it {n}" for n in range(times)] or (log.left_out == {"unclear_speaker": 1} and times == 1)


@pytest.mark.parametrize(
    "line",
    [
        "[12:30] Bob: i saw it",
        "12:30 Bob: i saw it",
        "Bob (12:30): i saw it",
        "1/1/21, 12:00 - Bob: i saw it",
        "http://example.org/bob says: i saw it",
        "**Bob:** i saw it",
        'Bob:"i saw it"',
        "Bob:5 of them i saw",
        "Bob:",
        "(:) Bob: i saw it",
    ],
)
def test_a_line_of_which_it_is_not_clear_who_speaks_ends_the_message_and_is_counted(line):
    log = read(f"Tom: did you\nAnn: not yet\n{line}\nand it was i saw it all\nTom: ah\nAnn: oh\n", "auto")
    assert said_by(log, "Ann") == ["not yet", "oh"]
    assert log.left_out == {"unclear_speaker": 1}
    assert [item.removed for item in log.messages] == ["", "", "unclear_speaker", "", ""]


@pytest.mark.parametrize(
    "line", ["it was 8:30 when", "see http://example.org/x", "lovely :)", "i was :-D", "晚上8：30 太晚了", "well... :3"]
)
def test_times_addresses_and_emoticons_go_on_with_the_message(line):
    log = read(f"Tom: did you\nAnn: not yet\n{line}\nTom: ah\n", "auto")
    assert said_by(log, "Ann") == [f"not yet {line}"]
    assert not log.left_out


def test_a_known_name_speaks_whatever_follows_its_colon():
    log = read("Ann: how many\nBob:3 please\nAnn: and eggs\nBob: two\nAnn:\n four then\nBob:30\nAnn:)\n")
    assert said_by(log, "Bob") == ["3 please", "two", "30"]
    assert said_by(log, "Ann") == ["how many", "and eggs", "four then"]  # and not Bob's smile to her
    assert log.left_out == {"unclear_speaker": 1}


def test_a_name_alone_on_its_line_is_followed_by_what_is_said():
    log = read("Ann:\nhello\nyou\n\nBob:\nhi\n\nAnn:\nbye\n\nBob:\nbye bye\n")
    assert (said_by(log, "Ann"), said_by(log, "Bob")) == (["hello you", "bye"], ["hi", "bye bye"])


def test_one_name_spelt_composed_decomposed_and_with_invisible_marks_is_one_speaker():
    name = "Zoë Müller"
    spelt = [name, unicodedata.normalize("NFD", name), name.replace(" ", "\u00a0"), f"\u200e{name}\u200f"]
    log = read("".join(f"Tom: question\n{one}: answer\n" for one in spelt), "auto")
    assert said_by(log, name) == ["answer"] * 4
    assert len(log.names) == 2


def test_a_text_that_begins_with_an_unclear_line_is_refused():
    with pytest.raises(BadData, match="line 1 does not begin with a name"):
        read("[12:30] Ann: hi\n[12:31] Bob: yo\n")
