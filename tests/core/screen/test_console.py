"""What goes where: a terminal is a real pseudo-terminal, read through pyte."""

import json
import os
import pty
import sys
from datetime import datetime, timedelta

import pyte
import pytest

from aigc_cli.core.screen.console import Console, choose_colour, has_colour
from aigc_cli.core.screen.progress import BarProgress, LineProgress, SilentProgress
from aigc_cli.core.screen.summary import Summary

RECORD = {"schema": "aigc.test/1", "name": "Zoë 王", "rates": {"[/red]": 0.123456}, "parts": ["a", "b"], "none": None}


@pytest.fixture
def terminal(monkeypatch):
    """Does something where stdout and stderr are a terminal of 80 x 24; returns its result and the screen's lines."""

    def do(action):
        master, slave = pty.openpty()
        with os.fdopen(slave, "w", encoding="utf-8") as stream, monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", stream)
            patch.setattr(sys, "stderr", stream)
            patch.setenv("COLUMNS", "80")
            result = action()
            stream.write("\n\a")  # a bell at the end: a terminal hands over what was written in several parts
            stream.flush()
            written = b""
            while not written.endswith(b"\a"):
                written += os.read(master, 65536)
            screen = pyte.Screen(80, 24)
            pyte.Stream(screen).feed(written.decode())
        os.close(master)
        return result, [line.rstrip() for line in screen.display if line.strip()]

    return do


def test_a_pipe_gets_one_json_line_a_record(capsys):
    Console().record(RECORD)
    out, err = capsys.readouterr()
    assert out.count("\n") == 1 and "Zoë 王" in out
    assert (json.loads(out), err) == (RECORD, "")


def test_a_terminal_gets_a_table_in_which_names_are_no_markup(terminal):
    _, lines = terminal(lambda: Console().record(RECORD))
    rows = [line.split(maxsplit=1) for line in lines]
    assert ["rates.[/red]", "0.1235"] in rows
    assert ["parts", "a, b"] in rows
    assert "none" not in [row[0] for row in rows]


def test_a_terminal_gets_json_where_it_was_asked_for(terminal):
    assert terminal(lambda: Console(json_output=True).record({"a": 1}))[1] == ['{"a": 1}']


@pytest.mark.parametrize(("json_output", "out"), [(False, ""), (True, '{"a": 1}\n')])
def test_quiet_prints_only_what_was_asked_for(json_output, out, capsys):
    console = Console(quiet=True, json_output=json_output)
    console.talk("talk")
    console.record({"a": 1})
    assert capsys.readouterr() == (out, "")


def test_talk_goes_to_stderr_with_the_time_where_that_is_a_log(capsys, terminal):
    Console().talk("hello\x1b[31m")
    out, err = capsys.readouterr()
    stamp, _, said = err.partition(" ")
    assert (out, said) == ("", "hello[31m\n")
    assert abs(datetime.now() - datetime.fromisoformat(stamp)) < timedelta(minutes=1)
    assert terminal(lambda: Console().talk("hello"))[1] == ["hello"]


def test_details_are_for_those_who_asked(capsys):
    Console().detail("more")
    Console(verbose=True).detail("more")
    Console().progress().detail("more")
    Console(verbose=True).progress().detail("even more")
    said = [line.split(" ", 1)[1] for line in capsys.readouterr().err.splitlines()]
    assert said == ["more", "even more"]


def test_what_a_command_is_for_is_printed_however_quiet(capsys):
    Console(quiet=True).data({"a": 1})
    Console(quiet=True).rows([{"b": 2}, {"b": 3}])
    assert capsys.readouterr() == ('{"a": 1}\n{"b": 2}\n{"b": 3}\n', "")


def test_many_records_are_one_table_on_a_terminal(terminal):
    _, lines = terminal(lambda: Console().rows([{"schema": "s/1", "name": "a", "n": 1}, {"name": "[b]", "n": 22}]))
    assert [line.split() for line in lines] == [["name", "n"], ["a", "1"], ["[b]", "22"]]


@pytest.mark.parametrize(
    ("environment", "choice", "coloured"),
    [
        ({"TERM": "xterm"}, "auto", True),
        ({"TERM": "dumb"}, "auto", False),
        ({"TERM": "xterm", "NO_COLOR": "1"}, "auto", False),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, "auto", True),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, "auto", False),
        ({"NO_COLOR": "1"}, "always", True),
        ({"FORCE_COLOR": "1"}, "never", False),
    ],
)
def test_colour(environment, choice, coloured, terminal, monkeypatch):
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
        if name in environment:
            monkeypatch.setenv(name, environment[name])
    saved = dict(os.environ)
    try:
        choose_colour(choice)
        assert terminal(lambda: has_colour(sys.stdout))[0] is coloured
    finally:
        os.environ.clear()
        os.environ.update(saved)


def test_progress_on_a_terminal_is_bars_or_nothing(terminal):
    assert isinstance(terminal(lambda: Console().progress())[0], BarProgress)
    assert isinstance(terminal(lambda: Console(quiet=True).progress())[0], SilentProgress)


def test_progress_in_a_log_is_lines():
    assert isinstance(Console().progress(), LineProgress)


def test_a_terminal_shows_the_essence_and_a_pipe_the_whole_record(terminal, capsys):
    record = {"schema": "aigc.test/1", "text": "hello", "hash": "0" * 64}
    assert terminal(lambda: Console().data(record, essence=("text",)))[1] == ["text  hello"]
    Console().data(record, essence=("text",))
    assert json.loads(capsys.readouterr().out) == record


def test_a_terminal_ends_with_lines_for_a_person_and_a_pipe_with_the_record(terminal, capsys):
    summary = Summary(headline="made", facts=[("size", "3")], next_command=("aigc", "doctor"))
    lines = ["made", "  size  3", "  next  aigc doctor"]
    assert terminal(lambda: Console().conclude(RECORD, summary))[1] == lines
    assert terminal(lambda: Console(quiet=True).conclude(RECORD, summary))[1] == []
    assert terminal(lambda: Console(quiet=True).conclude(RECORD, summary, always=True))[1] == lines
    assert terminal(lambda: Console(json_output=True).conclude({"a": 1}, summary))[1] == ['{"a": 1}']
    Console().conclude(RECORD, summary)
    Console(quiet=True).conclude(RECORD, summary)
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [RECORD]


def test_few_columns_are_one_table_and_many_a_table_each(terminal):
    few = [{"path": f"{name}.png", "status": "labelled"} for name in "ab"]
    assert terminal(lambda: Console().rows(few))[1] == ["path   status", "a.png  labelled", "b.png  labelled"]
    many = [{f"field{number}": f"{name}{number}" for number in range(10)} for name in "ab"]
    lines = terminal(lambda: Console().rows(many))[1]
    assert len(lines) == 20
    assert lines[0].split() == ["field0", "a0"] and lines[10].split() == ["field0", "b0"]


def test_numbers_in_lists_are_as_short_as_others(terminal):
    assert terminal(lambda: Console().record({"interval": [2.729930357668358, 3]}))[1] == ["interval  2.73, 3"]
