"""The options that every command has, and the one of the program and of groups: `--lang`. Knows no command."""

from typing import Annotated, Any

import typer

from aigc_cli.config.base import GROUPS, did_you_mean
from aigc_cli.core.errors import UsageProblem
from aigc_cli.core.words.messages import LANGUAGES, tr

COLOURS = ("auto", "always", "never")
EVERYWHERE = GROUPS["everywhere"]

LANGUAGE = typer.Option(
    "--lang",
    help="Language of messages and help (default: the locale's).",
    metavar="|".join(LANGUAGES),
    rich_help_panel=EVERYWHERE,
)
# Name -> (type, option, default).
OUTPUT_OPTIONS: dict[str, tuple[Any, Any, Any]] = {
    "json": (
        bool,
        typer.Option("--json", help="Print records as JSON lines even on a terminal.", rich_help_panel=EVERYWHERE),
        False,
    ),
    "quiet": (
        bool,
        typer.Option(
            "--quiet",
            "-q",
            help="Say nothing on success; print records only with --json, or where they are the point.",
            rich_help_panel=EVERYWHERE,
        ),
        False,
    ),
    "verbose": (
        bool,
        typer.Option(
            "--verbose", "-v", help="Say more: where settings come from, times, details.", rich_help_panel=EVERYWHERE
        ),
        False,
    ),
    "color": (
        str,
        typer.Option(
            "--color", help="Colour on stdout and stderr.", metavar="|".join(COLOURS), rich_help_panel=EVERYWHERE
        ),
        "auto",
    ),
    "lang": (str | None, LANGUAGE, None),
    "debug": (bool, typer.Option("--debug", help="Show a traceback on errors.", rich_help_panel=EVERYWHERE), False),
}


def group_options(lang: Annotated[str | None, LANGUAGE] = None) -> None:
    """Take the options of a group of commands, which are those of every command."""
    check_language(lang)


def check_language(name: str | None) -> None:
    """Refuse a `--lang` that is not known; one that is has been chosen before anything was parsed."""
    if name not in (None, *LANGUAGES):
        raise UsageProblem(
            tr("{name} {value!r} is not known", name="--lang", value=name), did_you_mean(str(name), LANGUAGES)
        )
