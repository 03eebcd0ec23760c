"""The table of commands says what is so: each line is compared with the module and the settings that it names."""

from itertools import pairwise
from pathlib import Path

import pytest
import typer

from aigc_cli import commands
from aigc_cli.app import app
from aigc_cli.core.words import messages
from aigc_cli.core.words.plain import cell_width
from aigc_cli.table import COMMANDS, command_module, sections, settings_types

PACKAGE = Path(commands.__file__).parent
ROOT = typer.main.get_command(app)


def leaves(command):
    """Yield the commands below a command, or itself, that do something."""
    children = getattr(command, "commands", {}).values()
    for child in children:
        yield from leaves(child)
    if not children:
        yield command


@pytest.mark.parametrize("name", COMMANDS)
def test_a_line_names_the_module_and_the_settings_of_its_command(name):
    command = ROOT.commands[name]
    assert command.name == name
    taken = {leaf.callback.section: leaf.callback.settings_type for leaf in leaves(command)}
    named = {section: kind for section, kind in settings_types().items() if section in COMMANDS[name].settings}
    assert named == {section: kind for section, kind in taken.items() if kind is not None}


def test_a_module_has_one_line_and_the_table_all_that_have_commands():
    registering = {path.stem for path in PACKAGE.glob("*.py") if "\ndef register(" in path.read_text(encoding="utf-8")}
    named = [command_module(name).__name__.rpartition(".")[2] for name in COMMANDS]
    assert sorted(named) == sorted(registering)


def test_the_lines_of_a_heading_stand_together():
    headings = [entry.heading for entry in COMMANDS.values()]
    assert sum(a != b for a, b in pairwise(headings)) == len(set(headings)) - 1


def test_tables_of_settings_are_named_once():
    assert len(sections()) == len(set(sections())) == len(settings_types())


@pytest.mark.parametrize("language", messages.LANGUAGES)
def test_a_summary_takes_one_line_of_eighty_columns(language):
    messages.set_language(language)
    try:
        beside = 2 + max(map(len, COMMANDS)) + 2
        assert {name for name, each in COMMANDS.items() if beside + cell_width(messages.tr(each.summary)) > 78} == set()
    finally:
        messages.set_language("en")
