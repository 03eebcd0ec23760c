"""How help pages are laid out: options and commands under headings, within the width of the terminal.

Knows no command; `localize` says the same in other languages.
"""

import shutil
from collections.abc import Iterable
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from aigc_cli.config.base import GROUPS

ARGUMENTS, COMMANDS = "Arguments:", "Commands:"
HEADINGS = (ARGUMENTS, *GROUPS.values())
NARROWEST = 30  # columns that a page keeps to, whatever the terminal
SPACE = 2  # columns between the longest term and what it means


class Context(typer.Context):
    """Pages keep to a terminal narrower than the framework's 50 columns."""

    def make_formatter(self) -> Any:
        """Return an empty page as wide as the terminal, or as `max_content_width` where that is less."""
        width = min(shutil.get_terminal_size().columns, self.max_content_width or 80) - 2
        return self.formatter_class(width=max(width, NARROWEST))


class Command(TyperCommand):
    """A command whose options stand in the sections that they were declared for."""

    context_class = Context

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments and options."""
        write_parameters(self, ctx, formatter)


class Group(TyperGroup):
    """A command of commands, each with the whole first paragraph of its help. Its own options are flags and texts."""

    context_class = Context

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the options, which take their values as they are.

        The framework would load pydantic to make text of text: 0.1 s before any command, help or usage error.
        """
        parameters: list[Any] = super().get_params(ctx)
        for parameter in parameters:
            parameter._runtime_param = _AsGiven()
        return parameters

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write options and commands."""
        rows = [parameter.get_help_record(ctx) for parameter in self.get_params(ctx)]
        write_sections(formatter, {GROUPS["first"]: [row for row in rows if row]})
        self.format_commands(ctx, formatter)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write each command and what it does."""
        texts = {name: (command.help or "").split("\n\n")[0] for name, command in self.commands.items()}
        write_sections(formatter, {COMMANDS: [(name, " ".join(text.split())) for name, text in texts.items()]})


class _AsGiven:
    """The conversion of an option's value that is one already."""

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """Return the value."""
        return value


def write_parameters(command: Any, ctx: Any, formatter: Any) -> None:
    """Write a command's arguments, and its options in the sections that they were declared for."""
    rows: dict[str, list[tuple[str, str]]] = {}
    for parameter in command.get_params(ctx):
        row = parameter.get_help_record(ctx)
        if row is not None:
            rows.setdefault(heading_of(parameter), []).append(row)
    write_sections(formatter, {heading: rows[heading] for heading in HEADINGS if heading in rows})


def heading_of(parameter: Any) -> str:
    """Return the heading that a built argument or option stands under, one of HEADINGS."""
    if parameter.param_type_name == "argument":
        return ARGUMENTS
    if parameter.name == "help":
        return GROUPS["everywhere"]
    return str(parameter.rich_help_panel or GROUPS["first"])


def write_sections(formatter: Any, sections: dict[str, list[tuple[str, str]]]) -> None:
    """Write rows of terms and meanings under headings, which end in a colon; all meanings begin in one column."""
    terms = [term for rows in sections.values() for term, _ in rows]
    column = _column(terms, formatter.width)
    for heading, rows in sections.items():
        if rows:
            with formatter.section(heading.removesuffix(":")):
                formatter.write_dl([(term.ljust(column), text) for term, text in rows], column, SPACE)


def _column(terms: Iterable[str], width: int) -> int:
    """Return the width of the column of terms: of the longest that takes no more than two fifths of the page."""
    most = min(30, width * 2 // 5)
    return max((len(term) for term in terms if len(term) <= most), default=most)
