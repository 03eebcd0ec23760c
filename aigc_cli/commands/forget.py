"""`aigc prepare forget`: people, times and records go from a chat set and from what was copied out of it."""

import os
from pathlib import Path
from typing import Annotated

import typer

from aigc_cli.config.prepare_forget import PrepareForgetSettings
from aigc_cli.core.screen.console import Console

EXAMPLES = """\b
Examples:
  aigc prepare forget data/chat --who Bea --search runs --dry-run
  aigc prepare forget data/chat --who Bea --search runs --search ~/notes --yes
  aigc prepare forget data/chat --since 2019-06-01 --until 2019-09-01 --yes
  aigc prepare forget data/chat --record 3f9c0a71b2d4e865 --yes
"""
_Names = list[str] | None


def forget(
    console: Console,
    settings: PrepareForgetSettings,
    data: Annotated[Path, typer.Argument(help="A set made by aigc prepare chat.", metavar="SET")],
    who: Annotated[
        _Names,
        typer.Option("--who", help="Whose conversations go, by name or id; may be given again.", metavar="NAME"),
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", help="With --until or alone: what was said from then on.", metavar="DATE")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", help="With --since or alone: what was said before then.", metavar="DATE")
    ] = None,
    record: Annotated[
        _Names,
        typer.Option("--record", help="Records by hash, as --dry-run lists them; may be given again.", metavar="HASH"),
    ] = None,
    search: Annotated[
        _Names,
        typer.Option(
            "--search",
            help="Look below this folder for runs and copies: memories, previews and sessions are cleaned, what else "
            "holds the words is listed; may be given again.",
            metavar="DIR",
        ),
    ] = None,
) -> None:
    """Forget people, a time or records: out of a chat set and its copies; names what must be trained again."""
    from aigc_cli.avatar.session import sessions_folder
    from aigc_cli.commands.summary.forget import forgotten
    from aigc_cli.data.forget.forgetting import forget as forget_in
    from aigc_cli.data.forget.selection import selection

    report, records = forget_in(
        data,
        selection(who or (), since, until, record or ()),
        [Path(folder) for folder in search or ()],
        lambda run: sessions_folder(run, os.environ),
        console.progress(),
        yes=settings.yes,
        dry_run=settings.dry_run,
        lock_wait=settings.lock_wait,
    )
    if settings.dry_run and not console.quiet:
        console.rows(records)
    console.conclude(report, forgotten(report))
