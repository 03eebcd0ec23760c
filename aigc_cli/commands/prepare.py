"""`aigc prepare images|chat|text|forget`: raw pictures, chat logs and texts become sets to train on, or leave them."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from aigc_cli.config.prepare_chat import PrepareChatSettings
from aigc_cli.config.prepare_forget import PrepareForgetSettings
from aigc_cli.config.prepare_images import PrepareImagesSettings
from aigc_cli.config.prepare_text import PrepareTextSettings
from aigc_cli.core.disk.rundir import output_folder
from aigc_cli.core.errors import NoInput, UsageProblem
from aigc_cli.core.machine.platform import peak_memory
from aigc_cli.core.screen.console import Console
from aigc_cli.core.words.messages import tr
from aigc_cli.options import with_settings

IMAGES_EXAMPLES = """\b
Examples:
  aigc prepare images photos/ -o data/face --size 64
  aigc prepare images portraits.zip holiday/*.jpg -o data/face
  aigc prepare images dicebear:toon-head --count 4096 --size 32 -o data/face
  aigc prepare images dicebear:                      list the styles and their licences
"""
CHAT_EXAMPLES = """\b
Examples:
  aigc prepare chat result.json -o data/chat
  aigc prepare chat result.json -o data/chat --dry-run
  aigc prepare chat talks.txt -o data/chat --me Ada --consent permission
  aigc prepare chat exports/ -o data/chat --me Ada --me '+44 7700 900123' --with Bea --since 2024-01-01
  aigc prepare chat quests.jsonl -o data/smith --persona smith.txt --consent public
  aigc prepare chat result.json -o data/chat --redact names.txt --dry-run      counts what would be redacted
  aigc prepare chat demo:wren -o data/chat
"""
TEXT_EXAMPLES = """\b
Examples:
  aigc prepare text book.txt -o data/text
  cat chapters/*.txt | aigc prepare text - -o data/text
  aigc prepare text notes/ -o 'data/%Y-%m-%d' --keep-days 7 -q       every night, from cron
"""
FORGET_EXAMPLES = """\b
Examples:
  aigc prepare forget data/chat --who Bea --search runs --dry-run
  aigc prepare forget data/chat --who Bea --search runs --search ~/notes --yes
  aigc prepare forget data/chat --since 2019-06-01 --until 2019-09-01 --yes
  aigc prepare forget data/chat --record 3f9c0a71b2d4e865 --yes
"""

Output = Annotated[Path, typer.Option("--output", "-o", help="The set's folder to make.", metavar="DIR")]
_Names = list[str] | None


def images(
    console: Console,
    settings: PrepareImagesSettings,
    sources: Annotated[
        list[str], typer.Argument(help="Folders, pictures, archives, or dicebear:STYLE.", metavar="SRC")
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The set's folder to make.", metavar="DIR")
    ] = None,
) -> None:
    """Make an image set: turned upright, cropped, resized, labelled, broken files reported and skipped."""
    from aigc_cli.data.pictures.dicebear import PREFIX, list_styles

    if sources == [PREFIX]:
        console.rows(list_styles())
        return
    if output is None:
        raise UsageProblem(tr("where to put the set?"), tr("give -o DIR"))
    for source in sources:
        if not source.startswith(PREFIX) and not Path(source).exists():
            raise NoInput(tr("{source}: no such file or folder", source=source), tr("check the path"))
        if Path(source).is_dir() and output.resolve().is_relative_to(Path(source).resolve()):
            raise UsageProblem(  # the next run would take the set's pictures for some of the source's
                tr("-o {output} lies in {source}, which it is made from", output=output, source=source),
                tr("choose a folder outside it"),
            )

    def make(dry_run: bool) -> dict[str, Any]:
        from aigc_cli.data.pictures.images import prepare_images  # loads torch, which a wrong path need not wait for

        return prepare_images(sources, output, settings, console.progress(), force=settings.force, dry_run=dry_run)

    _prepare(console, settings, output, make)


def chat(
    console: Console,
    settings: PrepareChatSettings,
    sources: Annotated[
        list[str], typer.Argument(help="Chat exports, JSONL, NAME: line text, - for stdin.", metavar="SRC")
    ],
    output: Output,
) -> None:
    """Make a dialogue set of one person's answers: turns, personal data redacted, the last tenth held out."""
    from aigc_cli.data.chat.prepare import prepare_chat

    def make(dry_run: bool) -> dict[str, Any]:
        return prepare_chat(sources, output, settings, console.progress(), force=settings.force, dry_run=dry_run)

    _prepare(console, settings, output, make)


def text(
    console: Console,
    settings: PrepareTextSettings,
    sources: Annotated[
        list[str],
        typer.Argument(help="Plain text, Markdown, HTML, EPUB, also .gz; folders, - for stdin.", metavar="SRC"),
    ],
    output: Output,
) -> None:
    """Make a text set; the contiguous last tenth is held out."""
    from aigc_cli.data.text import prepare_text

    def make(dry_run: bool) -> dict[str, Any]:
        return prepare_text(sources, output, settings, console.progress(), force=settings.force, dry_run=dry_run)

    _prepare(console, settings, output, make)


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


def _prepare(console: Console, settings: Any, output: Path, make: Callable[[bool], dict[str, Any]]) -> None:
    """Make a set under the lock of its folder, or say what would be made and what reading it took."""
    if not settings.dry_run:
        with output_folder(output, wait_seconds=settings.lock_wait, private=True):
            record = make(False)
        from aigc_cli.commands.summary.prepare import prepared

        console.conclude(record, prepared(record))
        return
    started = time.monotonic()
    console.talk(tr("dry run: nothing is written to {output}", output=output))
    record = make(True)
    console.record({**record, "seconds": round(time.monotonic() - started, 2), "memory_bytes": peak_memory()})


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    group = typer.Typer(
        help="Turn raw pictures, chat logs and texts into sets to train on.",
        rich_markup_mode=None,
        no_args_is_help=True,
    )
    group.command("images", epilog=IMAGES_EXAMPLES)(
        with_settings(images, PrepareImagesSettings, section="prepare-images")
    )
    group.command("chat", epilog=CHAT_EXAMPLES)(with_settings(chat, PrepareChatSettings, section="prepare-chat"))
    group.command("text", epilog=TEXT_EXAMPLES)(with_settings(text, PrepareTextSettings, section="prepare-text"))
    group.command("forget", epilog=FORGET_EXAMPLES)(
        with_settings(forget, PrepareForgetSettings, section="prepare-forget")
    )
    app.add_typer(group, name="prepare")
