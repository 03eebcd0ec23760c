"""`aigc prepare images|chat|text`: raw pictures, chat logs and texts become sets to train on."""

from pathlib import Path
from typing import Annotated

import typer

from aigc_cli.config.prepare_chat import PrepareChatSettings
from aigc_cli.config.prepare_images import PrepareImagesSettings
from aigc_cli.config.prepare_text import PrepareTextSettings
from aigc_cli.core.console import Console
from aigc_cli.core.messages import tr
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
  aigc prepare chat demo:wren -o data/chat
"""
TEXT_EXAMPLES = """\b
Examples:
  aigc prepare text book.txt -o data/text
  cat chapters/*.txt | aigc prepare text - -o data/text
"""

Output = Annotated[Path, typer.Option("--output", "-o", help="The set's folder to make.", metavar="DIR")]
Force = Annotated[bool, typer.Option("--force", help="Replace another set that is there.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Read and count everything, write nothing.")]


def images(
    console: Console,
    settings: PrepareImagesSettings,
    sources: Annotated[
        list[str], typer.Argument(help="Folders, pictures, archives, or dicebear:STYLE.", metavar="SRC")
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The set's folder to make.", metavar="DIR")
    ] = None,
    force: Force = False,
    dry_run: DryRun = False,
) -> None:
    """Make an image set: turned upright, cropped, resized, labelled, broken files reported and skipped."""
    from aigc_cli.core.errors import UsageProblem
    from aigc_cli.data.dicebear import list_styles

    if sources == ["dicebear:"]:
        for style in list_styles():
            console.record(style)
        return
    if output is None:
        raise UsageProblem(tr("where to put the set?"), tr("give -o DIR"))
    from aigc_cli.data.images import prepare_images

    console.record(prepare_images(sources, output, settings, console.progress(), force=force, dry_run=dry_run))


def chat(
    console: Console,
    settings: PrepareChatSettings,
    sources: Annotated[
        list[str], typer.Argument(help="Chat exports, JSONL, NAME: line text, - for stdin.", metavar="SRC")
    ],
    output: Output,
    force: Force = False,
    dry_run: DryRun = False,
) -> None:
    """Make a dialogue set of one person's answers: turns, personal data redacted, the last tenth held out."""
    from aigc_cli.data.chat.prepare import prepare_chat

    console.record(prepare_chat(sources, output, settings, console.progress(), force=force, dry_run=dry_run))


def text(
    console: Console,
    settings: PrepareTextSettings,
    sources: Annotated[list[str], typer.Argument(help="Text files, folders of them, - for stdin.", metavar="SRC")],
    output: Output,
    force: Force = False,
    dry_run: DryRun = False,
) -> None:
    """Make a text set; the contiguous last tenth is held out."""
    from aigc_cli.data.text import prepare_text

    console.record(prepare_text(sources, output, settings, console.progress(), force=force, dry_run=dry_run))


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
    app.add_typer(group, name="prepare")
