"""Subtitles of three formats: who speaks is told by names, voices and dashes; nobody is given another's words."""

import pytest

from aigc_cli.core.errors import AigcError, BadData
from tests.data.chat.readers.driving import looks, read
from tests.data.chat.readers.mutating import patched


def told(text):
    return [(m.sender, m.text or m.removed, m.begins) for m in read("subtitles", text).messages]


SRT = """\ufeff1
00:00:01,000 --> 00:00:02,000
ANN: Where is <i>everybody</i>?

2
00:00:02,500 --> 00:00:04,000
- BO: {\\an8}In the garden, I think,
or was it
the shed?
- The shed!

3
00:00:04,500 --> 00:00:05,000
[door creaks]

4
00:00:05,500 --> 00:00:06,000
ANN (V.O.): We should

5
00:00:06,500 --> 00:00:07,000
(whispering) hide here,
now.

6
00:00:07,500 --> 00:00:08,000
Who said that?

7
00:00:40,000 --> 00:00:41,000
Bo: Much later.

8
00:00:42,000 --> 00:00:43,000
Bo: At 8: it is
"""


def test_names_dashes_and_sentences_of_subrip():
    result = read("subtitles", SRT)
    assert told(SRT) == [
        ("ANN", "Where is everybody?", True),
        ("BO", "In the garden, I think, or was it the shed?", False),
        ("", "unclear_speaker", False),
        ("ANN", "We should hide here, now.", False),
        ("", "unclear_speaker", False),
        ("Bo", "Much later.", True),
        ("Bo", "At 8: it is", False),
    ]
    assert result.log.dropped == {"sound": 1}
    assert {m.time for m in result.messages} == {None}


VTT = """WEBVTT - a film
Kind: captions

NOTE
nothing to see

STYLE
::cue { color: red }

intro
00:01.000 --> 00:02.000 align:start
<v.loud Ann Lee>Where is <b>everybody</b>?

00:02.500 --> 00:04.000
<v Bo>In the <00:03.000>garden &amp; shed.</v>
<v Ann Lee>Ah.

00:04.500 --> 00:05.000
BO: Yes.

a stray line
"""


def test_voices_of_webvtt():
    result = read("subtitles", VTT)
    assert told(VTT) == [
        ("Ann Lee", "Where is everybody?", True),
        ("Bo", "In the garden & shed.", False),
        ("Ann Lee", "Ah.", False),
        ("BO", "Yes.", False),
    ]
    assert result.log.dropped == {"unknown": 1}


ASS = """[Script Info]
; a comment
Title: x

[V4+ Styles]
Format: Name, Fontname
Style: Default,Arial

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: 0,0:00:01.00,0:00:02.00,Default,Ann,0,0,0,,{\\i1}Where, oh where{\\i0} is\\Neverybody?
Dialogue: 0,0:00:02.50,0:00:04.00,Default,Bo,0,0,0,,- In the garden.
Comment: 0,0:00:02.50,0:00:04.00,Default,Bo,0,0,0,,check this
Dialogue: 0,0:00:04.00,0:00:05.00,Signs,,0,0,0,,SHED
Dialogue: 0,0:00:04.00,0:00:05.00,Signs,,0,0,0,,{\\p1}m 0 0 l 1 1
Dialogue: 0,0:01:05.00,0:01:06.00,Default,Ann,0,0,0,,Later.
Dialogue: 0,0:00:03.00,0:00:04.00,Default,Ann,0,0,0,,(sighs)
Dialogue: 0,0:00:03.00,0:00:04.00,Default,Ann,0,0,0,,Before.
Dialogue: broken
"""


def test_names_of_substation():
    result = read("subtitles", ASS)
    assert told(ASS) == [
        ("Ann", "Where, oh where is everybody?", True),
        ("Bo", "In the garden.", False),
        ("", "unclear_speaker", False),
        ("Ann", "Later.", True),
        ("Ann", "Before.", False),
    ]
    assert result.log.dropped == {"comment": 1, "drawing": 1, "unknown": 1, "sound": 1}
    assert result.count == 9


def test_an_older_substation_has_other_columns():
    text = (
        "[Script Info]\n[Events]\nFormat: Marked, Start, End, Style, Actor, Text\n"
        "Dialogue: Marked=0,0:00:01.00,0:00:02.00,Default,Ann,one, two\n"
    )
    assert told(text) == [("Ann", "one, two", True)]


SPOKEN = [(1.0, 2.0, "ANN", "Hello."), (2.5, 3.0, "BO", "Hi, how are you?"), (50.0, 51.5, "ANN", "Well.")]


def clock(seconds, mark, digits):
    whole, part = divmod(round(seconds * 1000), 1000)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}{mark}{f'{part:03}'[:digits]}"


def test_the_formats_converge():
    srt = "\n".join(
        f"{number}\n{clock(begin, ',', 3)} --> {clock(end, ',', 3)}\n{name}: {text}\n"
        for number, (begin, end, name, text) in enumerate(SPOKEN, start=1)
    )
    vtt = "WEBVTT\n\n" + "\n".join(
        f"{clock(begin, '.', 3)} --> {clock(end, '.', 3)}\n<v {name}>{text}</v>\n" for begin, end, name, text in SPOKEN
    )
    ass = "[Script Info]\n[Events]\n" + "".join(
        f"Dialogue: 0,{clock(begin, '.', 2)},{clock(end, '.', 2)},Default,{name},0,0,0,,{text}\n"
        for begin, end, name, text in SPOKEN
    )
    assert read("subtitles", srt).messages == read("subtitles", vtt).messages == read("subtitles", ass).messages
    assert told(srt) == [("ANN", "Hello.", True), ("BO", "Hi, how are you?", False), ("ANN", "Well.", True)]


@pytest.mark.parametrize(
    "line",
    [
        "He said: go",
        "Note: careful",
        "Mind the gap: 5",
        "note: this",
        "http://example.org",
        "10: 30",
        "A very long way to say: x",
    ],
)
def test_what_stands_before_a_colon_once_is_no_name(line):
    text = f"1\n00:00:01,000 --> 00:00:02,000\n{line}\n\n2\n00:00:01,000 --> 00:00:02,000\nANN: yes.\n"
    assert [sender for sender, *_ in told(text)] == ["", "ANN"]


def test_names_in_scripts_without_capitals():
    text = "1\n00:00:01,000 --> 00:00:02,000\n小明：你好。\n\n2\n00:00:02,000 --> 00:00:03,000\n（花）はい。\n\n"
    text += "3\n00:00:03,000 --> 00:00:04,000\n小明: 走吧。\n\n4\n00:00:04,000 --> 00:00:05,000\n（花）うん。\n"
    assert [pair[:2] for pair in told(text)] == [
        ("小明", "你好。"),
        ("花", "はい。"),
        ("小明", "走吧。"),
        ("花", "うん。"),
    ]


def test_names_in_brackets_are_not_sounds():
    lines = ["[Ann] Hello.", "[Bo] Hi.", "[sighs] No.", "[LAUGHS] Yes.", "[Ann] Well.", "[Bo] Ah.", "[LAUGHS] Oh."]
    text = "".join(f"{n}\n00:00:0{n},000 --> 00:00:0{n},900\n{line}\n\n" for n, line in enumerate(lines, start=1))
    assert [sender for sender, *_ in told(text)] == ["Ann", "Bo", "", "", "Ann", "Bo", ""]


def test_a_cue_without_a_time_is_nobodys():
    text = "1\n00:00:01,000 --> 00:00:02,000\nANN: One.\n\nAnd more.\n\n2\nBO: Lost.\n\n"
    text += "3\n00:00:03,000 --> 00:00:04,000\nBO: x."
    result = read("subtitles", text)
    assert result.texts == ["One. And more.", "x."]
    assert result.log.dropped == {"unknown": 1}


def test_numbers_that_are_text():
    text = "1\n00:00:01,000 --> 00:00:02,000\nANN: Count.\n3\n\n2\n00:00:02,000 --> 00:00:03,000\nANN: x.\n"
    text += "3\n00:00:03,000 --> 00:00:04,000\nANN: no empty line.\n"
    assert [text for _, text, _ in told(text)] == ["Count. 3", "x.", "no empty line."]


@pytest.mark.parametrize(
    "text", ["", "1\n00:00:01,000 --> 00:00:02,000\nHello there.\n", "WEBVTT\n\n00:01.0 --> 00:02.0\nHi\n"]
)
def test_without_speakers_it_is_no_dialogue(text):
    with pytest.raises(BadData, match="do not say who speaks"):
        read("subtitles", text)


@pytest.mark.parametrize("text", [SRT, VTT, ASS])
def test_marks_of_byte_order_may_stand_alone(text):
    assert looks("subtitles", "\ufeff\n\ufeff\n" + text.lstrip("\ufeff"))
    assert read("subtitles", "\ufeff\n\ufeff\n" + text).messages == read("subtitles", text).messages


def test_each_is_recognised():
    assert all(looks("subtitles", text) for text in (SRT, VTT, ASS, "WEBVTT\n"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1\n2\n3\n",
        "Ann: hello\nBo: 00:00:01,000 --> 00:00:02,000\n",
        "[LINE] x\n",
        '{"a": 1}',
        "[Ann]: hi\n[Bo]: ho\n",
    ],
)
def test_others_are_not_taken(text):
    assert not looks("subtitles", text)


@pytest.mark.parametrize("sample", [SRT, VTT, ASS])
def test_damage_raises_nothing_else(sample):
    pieces = [*"\n<>{}[]():-,", "\\p1", "00:00:01,000 --> 00:00:02,000\n", "1\n", "<v A>", "&#x110000;", "NOTE ", "♪"]
    for text in patched(sample, pieces, 200, seed=9):
        try:
            result = read("subtitles", text)
        except AigcError:
            continue
        assert sum(len(m.text) for m in result.messages) <= len(text)
        assert result.count > 0


@pytest.mark.parametrize(
    "line", ["1" * 50_000, " " * 50_000, "<" * 50_000, "[" * 50_000, "A: " * 20_000, "♪" * 50_001, "- " * 9_000]
)
def test_long_lines_are_read_at_once(line):
    read("subtitles", f"1\n00:00:01,000 --> 00:00:02,000\nANN: x\n{line}\n{line} --> {line}\n{{\\{line}\n<v {line}")
