"""Help pages as people see them: under headings, what most need first, and within the width of the terminal."""

import re

import pytest
import typer

from aigc_cli.app import app, run
from aigc_cli.core.words import messages
from aigc_cli.core.words.plain import cell_width
from aigc_cli.table import COMMANDS

TRAINING = ["train-gan", "train-gpt"]


@pytest.fixture
def page(capsys, monkeypatch):
    """Return what a help page shows on a terminal of so many columns, in a language."""

    def show(*words, columns=80, language="en"):
        monkeypatch.setenv("COLUMNS", str(columns))
        messages.set_language(language)
        try:
            assert run([*words, "--help"]) == 0
        finally:
            messages.set_language("en")
        return capsys.readouterr().out

    return show


def sections(text):
    """Return {heading: first words of its lines} of a page, without its usage, prose and examples."""
    found, heading = {}, ""
    for line in text.splitlines():
        if re.fullmatch(r"\S.*[:：]", line):
            heading = line
        elif heading and re.match(r"  (?=\S)", line):
            found.setdefault(heading, []).append(line.split()[0].rstrip(","))
        elif not line:
            heading = ""
    return found


def test_commands_stand_under_headings_in_the_order_of_the_work(page):
    expected = {}
    for name, entry in COMMANDS.items():
        expected.setdefault(entry.heading, []).append(name)
    found = sections(page())
    assert list(found) == ["Options:", *expected]
    assert {heading: found[heading] for heading in expected} == expected


def test_the_headings_are_said_in_chinese(page):
    found = sections(page(language="zh-CN"))
    assert list(found)[1:] == ["准备：", "训练：", "使用：", "评判：", "维护："]
    assert [name for names in list(found.values())[1:] for name in names] == list(COMMANDS)


@pytest.mark.parametrize("language", messages.LANGUAGES)
@pytest.mark.parametrize("columns", [32, 40, 80, 200])
@pytest.mark.parametrize("words", [(), ("prepare",), ("config", "path")])
def test_a_page_keeps_within_the_terminal_but_for_its_examples(words, columns, language, page):
    body = page(*words, columns=columns, language=language).rsplit("\n\n", 1)[0]
    assert max(map(cell_width, body.splitlines())) <= min(columns, 100)


@pytest.mark.parametrize("name", TRAINING)
def test_what_most_people_need_comes_first(name, page):
    found = sections(page(name))
    first = found["Options:"]
    assert first[:5] == ["-o", "--minutes", "--steps", "--preset", "--init"]
    assert len(first) <= 8
    assert sum(map(len, found.values())) > 40


@pytest.mark.parametrize("name", TRAINING)
def test_headings_are_in_order_and_each_option_stands_once(name, page):
    found = sections(page(name))
    of_training = ["Recipe:", "Data:", "Measuring:", "Saving:", "Machine:"]
    assert list(found) == ["Arguments:", "Options:", *of_training, "Of every command:"]
    assert found["Of every command:"] == ["--json", "-q", "-v", "--color", "--lang", "--debug", "-h"]
    command = typer.main.get_command(app).commands[name]
    names = {
        min((*option.opts, *option.secondary_opts), key=lambda each: each.startswith("--")) for option in command.params
    }
    shown = [each for heading in list(found)[1:] for each in found[heading]]
    assert len(shown) == len(set(shown)) == len(names)


def test_a_small_command_has_its_own_options_and_those_of_every_command(page):
    assert list(sections(page("metrics"))) == ["Arguments:", "Options:", "Of every command:"]


@pytest.mark.parametrize("language", messages.LANGUAGES)
def test_meanings_begin_in_one_column_under_all_headings(language, page):
    lines = page("sample", language=language).split("\n  Examples:")[0].splitlines()
    begins = {
        cell_width(found.group(1)) for line in lines if (found := re.match(r"(  -[^ ]+(?: [^ ]+)* {2,})\S", line))
    }
    assert len(begins) == 1
