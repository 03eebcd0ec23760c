"""The lines that a command ends with on a terminal: folded under their names, a command whole."""

import shlex

import pytest

from aigc_cli.core.screen.summary import Summary
from aigc_cli.core.words.plain import cell_width

FACTS = [("labels", "smile 40, laugh 40"), ("left out", ""), ("许", "图片和聊天记录，" * 8), ("credit", "by " * 40)]
COMMAND = ("aigc", "train-gan", "my data/face", "-o", "runs/face")


def test_facts_stand_in_a_column_and_those_without_words_are_left_out():
    lines = Summary(headline="data/face: 3 pictures", facts=FACTS[:2], next_command=("aigc", "doctor")).lines(80)
    assert lines == ["data/face: 3 pictures", "  labels  smile 40, laugh 40", "  next    aigc doctor"]


@pytest.mark.parametrize("columns", [40, 60, 100])
def test_lines_fit_and_what_is_folded_stands_under_its_name(columns):
    lines = Summary(headline="many words " * 12, facts=FACTS).lines(columns)
    assert all(cell_width(line) <= columns for line in lines)
    words = "".join("".join(line.split()) for line in lines)
    for _, text in FACTS:
        assert "".join(text.split()) in words.replace("许", "").replace("credit", "")
    assert [line for line in lines if line.startswith(" " * 10 + "by")]


@pytest.mark.parametrize("columns", [10, 40])
def test_the_command_is_whole_on_one_line_and_means_what_was_given(columns):
    *_, last = Summary(headline="made", next_command=COMMAND).lines(columns)
    assert shlex.split(last.split(maxsplit=1)[1]) == list(COMMAND)


def test_a_hostile_name_stays_on_its_line():
    lines = Summary(headline="a\nb\x1b[2J", facts=[("name", "c\n  next  rm -rf")], next_command=("x\ny",)).lines(80)
    assert lines == ["a b[2J", "  name  c next rm -rf", "  next  'x y'"]
