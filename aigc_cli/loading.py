"""A command is imported and built when it is asked for; until then the program has its line in the table alone.

A module of a command registers as in any Typer application, in one that is made for it alone.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import typer

from aigc_cli.core.words.messages import language, tr
from aigc_cli.help_pages import Command, Group, write_sections
from aigc_cli.shared_options import group_options
from aigc_cli.table import COMMANDS, command_module


class Commands(Mapping[str, Any]):
    """The commands by name, each read and built when it is asked for."""

    def __getitem__(self, name: str) -> Any:
        if name not in COMMANDS:
            raise KeyError(name)
        return _built(name, language())

    def __contains__(self, name: object) -> bool:
        return name in COMMANDS

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class Root(Group):
    """The program itself: its help lists the table of commands and reads none of them."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands: Any = Commands()

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands under their headings."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for name, entry in COMMANDS.items():
            sections.setdefault(entry.heading, []).append((name, tr(entry.summary)))
        write_sections(formatter, sections)


@cache
def _built(name: str, lang: str) -> Any:
    """Import a command's module and return the command, its help in a language."""
    alone = typer.Typer(rich_markup_mode=None)
    command_module(name).register(alone)
    commands = list(alone.registered_commands)
    for group in alone.registered_groups:
        inner = group.typer_instance
        assert inner is not None
        inner.callback()(group_options)
        inner.info.epilog = _first_examples(inner)
        group.cls = Group
        commands += inner.registered_commands
    for command in commands:
        command.cls = Command
    built = typer.main.get_group(alone).commands[name]
    if lang != "en":
        from aigc_cli.localize import translate_command

        translate_command(built)
    return built


def _first_examples(group: typer.Typer) -> str:
    """Return the epilog of a group: the first example of each of its commands."""
    epilogs = [(command.epilog or "").splitlines() for command in group.registered_commands]
    return "\n".join(["\b", "Examples:", *(lines[2] for lines in epilogs if len(lines) > 2)])
