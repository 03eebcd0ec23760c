import io
import itertools
import random

import numpy as np
import pyte
import pytest
from PIL import Image

from aigc_cli.avatar.conversation import Turn
from aigc_cli.avatar.expression import Expressions
from aigc_cli.avatar.face import Face
from aigc_cli.avatar.view import READ_AFTER, Look, View, bubble_parts
from aigc_cli.core.screen.pictures import TRUE_COLOURS, PictureStyle

COLOURS = {"smile": (0, 255, 0), "sad": (0, 0, 255), "angry": (255, 0, 0)}
HALF_BLOCKS = PictureStyle("half-blocks", TRUE_COLOURS)


def plain_face():
    """A face of one colour for each expression."""
    pictures = {}
    for name, colour in COLOURS.items():
        buffer = io.BytesIO()
        Image.fromarray(np.full((8, 8, 3), colour, np.uint8)).save(buffer, "PNG")
        pictures[name] = buffer.getvalue()
    return Face(pictures)


def view(out, style=HALF_BLOCKS, face=None, **look):
    expressions = Expressions(tuple(COLOURS))
    return View(out, "Ada", Look(style, 8, **look), expressions, lambda: face, sleep=lambda seconds: None)


def rows(text):
    """What a terminal shows: each row as text, or as the colour of a row of the face."""
    screen = pyte.Screen(80, 40)
    pyte.Stream(screen).feed(text.replace("\n", "\r\n"))
    shown = []
    for row in range(screen.cursor.y):
        first = screen.buffer[row][0]
        shown.append(f"face {first.fg}" if first.data == "▀" else screen.display[row].rstrip())
    return shown


def test_bubbles_stand_under_each_other():
    out = io.StringIO()
    said = view(out).reply(["Hey", " you\nhow", " are", " you\n", "ok?"], "smile")
    assert said == "Hey you\nhow are you\nok?"
    assert out.getvalue() == "Ada  Hey you\n     how are you\n     ok?\n"


def test_chinese_bubbles_stand_under_each_other_in_cells():
    out = io.StringIO()
    chat = View(out, "许麦冬", Look(HALF_BLOCKS, 8), Expressions(()))
    chat.reply(["收到 已", "装裱\n糨糊批", "准了😂\n", "ok"], "")
    screen = pyte.Screen(40, 5)
    pyte.Stream(screen).feed(out.getvalue().replace("\n", "\r\n"))
    bubbles = [(0, "收"), (1, "糨"), (2, "o")]
    assert [screen.buffer[row][8].data for row, _ in bubbles] == [letter for _, letter in bubbles]
    assert all(screen.buffer[row][column].data in " " for row in (1, 2) for column in range(8))


def test_chinese_is_held_back_half_as_many_characters_for_the_face():
    assert list(bubble_parts("我今天补了七个洞", 8)) == [
        (True, "我今天补"),
        *((False, letter) for letter in "了七个洞"),
    ]


def test_a_long_chinese_reply_wraps_between_characters_and_loses_none():
    out = io.StringIO()
    said = "今天修了一页被虫吃了三十七个洞的纸，每一个洞都补上了，顾老师看了半天点了一下头。"
    View(out, "麦", Look(HALF_BLOCKS, 8), Expressions(())).reply(list(said), "")
    screen = pyte.Screen(20, 8)
    pyte.Stream(screen).feed(out.getvalue().replace("\n", "\r\n"))
    shown = "".join(screen.buffer[row][column].data for row in range(8) for column in range(20))
    assert shown.replace(" ", "") == "麦" + said


def test_without_a_face_every_piece_is_shown_as_it_comes():
    out = io.StringIO()
    shown = []

    def pieces():
        for piece in ("a", " b", "\nc"):
            yield piece
            shown.append(out.getvalue())

    view(out).reply(pieces(), "smile")
    assert shown == ["Ada  a", "Ada  a b", "Ada  a b\n     c"]


def test_the_face_comes_before_the_bubble_that_changes_it_and_only_then():
    out = io.StringIO()
    talk = view(out, face=plain_face())
    talk.reply(["hello there"], "smile")
    talk.reply(["fine.\nbut I am so s", "ad, sorry"], "smile")
    talk.reply(["still sad"], "sad")
    assert rows(out.getvalue()) == [
        *["face 00ff00"] * 4,
        "Ada  hello there",
        "Ada  fine.",
        *["face 0000ff"] * 4,
        "     but I am so sad, sorry",
        "Ada  still sad",
    ]


def test_a_change_late_in_a_long_bubble_is_shown_after_it():
    out = io.StringIO()
    talk = view(out, face=plain_face())
    talk.reply(["x" * READ_AFTER, " y" * 5, " and I hate it"], "smile")
    assert [row[:11] for row in rows(out.getvalue())] == [*["face 00ff00"] * 4, "Ada  " + "x" * 6, *["face ff0000"] * 4]


def test_a_settled_reply_has_one_face_above_it():
    out = io.StringIO()
    view(out, face=plain_face()).reply(["fine\nsad"], "angry", settled=True)
    assert rows(out.getvalue()) == [*["face ff0000"] * 4, "Ada  fine", "     sad"]


def test_the_waiting_line_leaves_no_trace():
    out = io.StringIO()
    talk = view(out, colour=True)
    talk.wait("Ada is typing …")
    talk.reply(["ok"], "smile")
    assert "typing" in out.getvalue()
    assert rows(out.getvalue()) == ["Ada  ok"]
    out = io.StringIO()
    talk = view(out)
    talk.wait("Ada is typing …")
    assert talk.reply([], "smile") == ""
    screen = pyte.Screen(80, 4)
    pyte.Stream(screen).feed(out.getvalue())
    assert "".join(screen.display).strip() == ""
    assert (screen.cursor.x, screen.cursor.y) == (0, 0)


def test_colour_is_a_choice():
    for colour in (False, True):
        out = io.StringIO()
        talk = view(out, colour=colour)
        talk.say("notice")
        talk.turn(Turn("user", "hi", ""))
        talk.reply(["ok"], "smile")
        assert ("\x1b[" in out.getvalue()) is colour
        assert rows(out.getvalue()) == ["notice", "you  hi", "Ada  ok"]


def test_reply_speed_waits_for_each_character():
    waits = []
    talk = View(io.StringIO(), "Ada", Look(HALF_BLOCKS, 8, reply_speed=20), Expressions(), sleep=waits.append)
    talk.reply(["12345"], "smile")
    assert waits == [pytest.approx(0.05)] * 5


def test_wide_names_keep_the_bubbles_in_line():
    out = io.StringIO()
    View(out, "小明", Look(HALF_BLOCKS), Expressions()).turn(Turn("assistant", "a\nb", ""))
    assert out.getvalue() == "小明  a\n      b\n"


def test_a_name_from_a_run_cannot_steer_the_terminal():
    out = io.StringIO()
    View(out, "A\x1b[2Jda", Look(HALF_BLOCKS), Expressions()).turn(Turn("assistant", "a", ""))
    assert "\x1b" not in out.getvalue()


def test_parts_are_the_text_however_it_was_cut():
    draw = random.Random(3)
    text = "one\ntwo two two\nthree three three three\n4"
    for read_after in (1, 8, 100):
        for _ in range(100):
            cuts = sorted(draw.sample(range(len(text)), 5))
            pieces = [text[a:b] for a, b in itertools.pairwise([0, *cuts, len(text)])]
            parts = list(bubble_parts(pieces, read_after))
            joined = "".join(("\n" if starts else "") + part for starts, part in parts)
            assert joined == "\n" + text
            for (starts, part), following in itertools.pairwise([*parts, (True, "")]):
                assert not starts or following[0] or len(part) >= read_after
