"""`aigc label show|verify`: whether files carry the AI label, and what it says. No command removes one."""

import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from aigc_cli.core.errors import BadData
from aigc_cli.core.screen.console import Console
from aigc_cli.core.words.messages import tr
from aigc_cli.options import with_settings

SHOW_EXAMPLES = """\b
Examples:
  aigc label show face.png
  aigc sample runs/face -n 1 -o - | aigc label show - | jq .AIGC
"""
VERIFY_EXAMPLES = """\b
Examples:
  aigc label verify faces/ replies.jsonl runs/text
  aigc label verify out/ --json | jq -r 'select(.status == "missing") | .path'
"""
Paths = Annotated[
    list[str],
    typer.Argument(help="PNG, JSONL, safetensors and text files, folders of them; - is stdin.", metavar="PATH"),
]


def show(console: Console, paths: Paths) -> None:
    """Print what each file's AI label says."""
    _report(console, paths, with_label=True)


def verify(console: Console, paths: Paths) -> None:
    """Check that every file is labelled, every record of a JSONL file included; says which are not."""
    _report(console, paths, with_label=False)


def _report(console: Console, paths: list[str], *, with_label: bool) -> None:
    """Print a record a file; BadData if a label is missing or damaged, NoInput if a file is."""
    from aigc_cli.core.disk.labels import files_to_check, label_record_of

    named = [(path, [] if path == "-" else files_to_check(Path(path))) for path in paths]
    records = []
    for path, files in named:
        records += [_of_stdin()] if path == "-" else [label_record_of(file, str(file)) for file in files]
    kept = records if with_label else [_without_label(record) for record in records]
    bad = [record for record in records if record["status"] in ("missing", "damaged")]
    if bad or not console.quiet or console.explicit_json:
        console.rows(kept)
    if bad:
        first = bad[0]
        raise BadData(
            tr(
                "{path}: {problem} ({count} of {total} files)",
                path=first["path"],
                problem=first["problem"],
                count=len(bad),
                total=len(records),
            ),
            tr("it is not as aigc wrote it, or was not written by aigc"),
        )


def _of_stdin() -> dict[str, Any]:
    from aigc_cli.core.disk.labels import label_record_of

    with tempfile.NamedTemporaryFile() as copy:
        copy.write(sys.stdin.buffer.read())
        copy.flush()
        return label_record_of(Path(copy.name), "-")


def _without_label(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in ("AIGC", "digitalSourceType")}


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    group = typer.Typer(help="Read the AI label of what was generated.", rich_markup_mode=None, no_args_is_help=True)
    group.command("show", epilog=SHOW_EXAMPLES)(with_settings(show))
    group.command("verify", epilog=VERIFY_EXAMPLES)(with_settings(verify))
    app.add_typer(group, name="label")
