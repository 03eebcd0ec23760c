"""Screenplays, centred or not: names, what is said below them, and scenes; the rest is counted."""

import pytest

from aigc_cli.core.errors import AigcError, BadData
from tests.data.chat.readers.driving import looks, read
from tests.data.chat.readers.mutating import patched

PLAIN = """Title: The Shed
Author: Nobody

FADE IN:

INT. KITCHEN - NIGHT

ANN, forty, looks into the dark.

ANN
Is that you?
(listening)
I said, is that *you*?

BO (O.S.)
It is. [[check this]]

She drops the lamp.

DR. LEE ^
Who else (would
it be)?

/* left out

ANN
Nothing.
*/

EXT. GARDEN - DAY

@Mac
Good morning.

ANN (CONT'D)
(sighs)

BANG!
Something fell.

> ANN <
> & BO <

CUT TO:

ANN
Well.
"""
SAID = [
    ("ANN", "Is that you? I said, is that you?", True),
    ("BO", "It is.", False),
    ("DR. LEE", "Who else ?", False),
    ("Mac", "Good morning.", True),
    ("ANN", "Well.", True),
]


def told(text):
    return [(m.sender, m.text, m.begins) for m in read("screenplay", text).messages]


def centred(text):
    """Return a screenplay as it is typed: names and what is said stand further to the right."""
    lines, is_said = [], False
    for line in text.split("\n"):
        is_name = line.isupper() and not is_said and not line.endswith((":", "!", "NIGHT", "DAY"))
        lines.append(" " * (37 if is_name else 25 if is_said and line else 15 if line else 0) + line)
        is_said = bool(line) and (is_said or is_name)
    return "\n".join(lines)


@pytest.mark.parametrize("layout", [str, centred])
def test_names_and_what_they_say(layout):
    text = layout(PLAIN.replace("@Mac", "MAC"))
    assert looks("screenplay", text)
    assert told(text) == [(who.upper(), what, begins) for who, what, begins in SAID]


def test_fountain_forces_names():
    assert told(PLAIN) == SAID
    result = read("screenplay", PLAIN)
    assert result.log.dropped == {"action": 6}
    assert {m.time for m in result.messages} == {None}


def test_pages_do_not_end_what_is_said():
    text = "INT. X\n\nANN\nOne\n(MORE)\n12.\nand two.\n\nBO\nThree.\n  \nFour.\n"
    assert [text for _, text, _ in told(text)] == ["One and two.", "Three. Four."]


@pytest.mark.parametrize(
    "line", ["INT. ROOM - DAY", "EXT. X", "int./ext. car", "12 INT. X", ".A ROOM", "FADE OUT.", "SMASH CUT TO:"]
)
def test_scenes_begin_anew(line):
    assert told(f"ANN\nOne.\n\n{line}\n\nANN\nTwo.\n") == [("ANN", "One.", True), ("ANN", "Two.", True)]


def test_a_fountain_file_needs_no_scene():
    text = "ANN\nOne.\n\nBO\nTwo.\n"
    assert looks("screenplay", text, "x.fountain")
    assert not looks("screenplay", text, "x.txt")


@pytest.mark.parametrize("text", ["", "hello\nthere\n", "INT. X\n\nNothing happens.\n"])
def test_without_a_speaker_it_is_damaged(text):
    with pytest.raises(BadData, match="nobody speaks"):
        read("screenplay", text)


@pytest.mark.parametrize(
    "text",
    ["", "ANN: hi\nBO: ho\n", "INT. X\n", "[LINE] X\n\nY\nz\n", '{"a": 1}', "1\n00:00:01,000 --> 00:00:02,000\nHI\n"],
)
def test_others_are_not_taken(text):
    assert not looks("screenplay", text)


@pytest.mark.parametrize("sample", [PLAIN, centred(PLAIN)])
def test_damage_raises_nothing_else(sample):
    pieces = [*"\n()[]*_^@/. ", "/*", "*/", "INT. ", "ANN\n", "\x0c", "(MORE)\n"]
    for text in patched(sample, pieces, 200, seed=13):
        try:
            result = read("screenplay", text)
        except AigcError:
            continue
        assert sum(len(m.text) for m in result.messages) <= len(text)


@pytest.mark.parametrize("piece", [*"A(*_[ .", "A ", "(A", "*A", "TO: "])
def test_long_lines_are_read_at_once(piece):
    read("screenplay", f"INT. X\n\nANN\n{piece * 50_000}\n\n{piece * 50_000}\nx\n\nANN\nx\n")
