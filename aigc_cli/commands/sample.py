"""`aigc sample`: labelled pictures from a face run, labelled texts from a text run."""

import os
import shutil
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from aigc_cli.config.base import Origin, as_json
from aigc_cli.config.sample import SampleSettings, refuse_other_kind
from aigc_cli.core.disk.files import be_private
from aigc_cli.core.disk.own import claim, refuse_foreign
from aigc_cli.core.disk.rundir import output_file, output_folder, read_run
from aigc_cli.core.errors import CannotCreate, UsageProblem
from aigc_cli.core.machine.signals import StopFlag
from aigc_cli.core.screen.console import Console
from aigc_cli.core.screen.pictures import choose_style, draw
from aigc_cli.core.screen.progress import SilentProgress
from aigc_cli.core.words.messages import tr
from aigc_cli.data.samples import content_id, encode_png, write_grid
from aigc_cli.gan.samples import FaceSamples, face_samples
from aigc_cli.gpt.samples import TextSamples, text_samples
from aigc_cli.options import with_settings

UNKNOWN = "unknown until measured"
SHOWN_COLUMNS = 32
TEXT_ESSENCE = ("index", "prompt", "text", "digitalSourceType")  # what a terminal shows of a record

EXAMPLES = """\b
Examples:
  aigc sample runs/face -n 64 -o faces --grid faces.png
  aigc sample runs/face -n 500 --label smile --seed 7 -o smiles
  aigc sample runs/face -n 1 -o - > one.png
  aigc sample runs/face -n 4 --seed 3 --show
  aigc sample runs/face -n 64 -o 'nights/%Y-%m-%d' --keep-days 30 -q      every night, from cron
  aigc sample runs/text --prompt 'how was your day?' -n 3
  aigc sample runs/text --prompts questions.txt -n 1 -o replies.jsonl
  printf 'hello\\n' | aigc sample runs/text --prompts - -n 1 | jq -r .text
"""


def sample(
    console: Console,
    settings: SampleSettings,
    origins: dict[str, Origin],
    run: Annotated[Path, typer.Argument(help="A face run or a text run.", metavar="RUN")],
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", help="Faces: a folder, or - for one PNG. Texts: a JSONL file.", metavar="OUT"),
    ] = None,
) -> None:
    """Draw pictures or write texts; each carries the AI label."""
    record = read_run(run)
    refuse_other_kind(origins, record["kind"])
    if record.get("private"):
        be_private()
    place = None if output in (None, "-") else Path(str(output))
    if record["kind"] == "face":
        _check_place(settings, output)
        _faces(console, face_samples(run, settings), output, place)
    else:
        _texts(console, text_samples(run, settings), output, place)


def _faces(console: Console, samples: FaceSamples, output: str | None, folder: Path | None) -> None:
    settings = samples.settings
    if settings.dry_run:
        _plan(console, samples, output, samples.items if folder is None else samples.missing(folder))
    elif folder is None:
        for item, picture in samples.drawn(samples.items, console.detail):
            png = encode_png(picture, content_id(item))
            if settings.show:
                _show(png)
            if output == "-":
                sys.stdout.buffer.write(png)
                sys.stdout.buffer.flush()
    else:
        with StopFlag() as flag, output_folder(folder, wait_seconds=settings.lock_wait):
            kept = tr("the pictures so far are kept; the same command goes on from there")
            records = samples.fill(folder, console.progress(), lambda: flag.raise_if_requested(kept))
            if settings.grid is not None:
                write_grid(settings.grid, folder, records, force=settings.force)
        for record in records:
            if settings.show:
                _show(Path(record["path"]).read_bytes())
            console.record(record)


def _texts(console: Console, samples: TextSamples, output: str | None, path: Path | None) -> None:
    if path is not None and path.exists() and not path.is_file():
        raise CannotCreate(tr("{path}: is there and not a file", path=path), tr("choose another output"))
    if samples.settings.dry_run:
        _plan(console, samples, output, samples.items if path is None else samples.missing(path))
        return
    if path is None:
        _print(console, samples)
        return
    claim(path, force=samples.settings.force)
    with output_file(path, wait_seconds=samples.settings.lock_wait), StopFlag() as flag:
        kept = tr("the texts so far are kept; the same command goes on from there")
        records = samples.fill(path, console.progress(), lambda: flag.raise_if_requested(kept))
    for record in records if console.json_output else ():  # on a terminal the file is enough
        console.record(record)


def _print(console: Console, samples: TextSamples) -> None:
    """Print the record of each text as it is written."""
    # On a terminal the texts themselves show how far it is, and a bar would run into them.
    progress = console.progress() if console.json_output else SilentProgress()
    progress.stage(tr("writing"), len(samples.items), tr("texts"))
    with StopFlag() as flag:
        for record in samples.written(samples.items, console.detail):
            progress.advance()
            console.data(record, essence=TEXT_ESSENCE)
            flag.raise_if_requested(tr("what was printed is whole"))
    progress.close()


def _plan(
    console: Console, samples: FaceSamples | TextSamples, output: str | None, missing: list[dict[str, Any]]
) -> None:
    """Print what would be computed; what memory and time it takes is not known before something was."""
    console.talk(tr("dry run: nothing is computed or written"))
    kind = "face" if isinstance(samples, FaceSamples) else "text"
    plan: dict[str, Any] = {"schema": "aigc.plan/1", "run": str(samples.run), "kind": kind, "output": output}
    plan |= {"items": len(samples.items), "missing": len(missing), "disk_bytes": len(missing) * samples.item_bytes}
    plan |= {"memory_bytes": UNKNOWN, "seconds": UNKNOWN}
    console.record({**plan, "settings": as_json(samples.settings)})


def _check_place(settings: SampleSettings, output: str | None) -> None:
    """Raise UsageProblem where the pictures cannot go to."""
    if output is None and not settings.show:
        raise UsageProblem(tr("where to put the pictures?"), tr("give -o FOLDER, or -n 1 -o - for stdout"))
    if settings.show and not sys.stderr.isatty():
        raise UsageProblem(tr("--show draws in a terminal, and this is none"), tr("give -o FOLDER"))
    if settings.show and choose_style(os.environ, is_terminal=True).protocol == "none":
        raise UsageProblem(tr("this terminal draws no pictures"), tr("try AIGC_PICTURES=half-blocks, or -o FOLDER"))
    if output == "-":
        if settings.count != 1:
            raise UsageProblem(tr("-o - takes one picture, not {count}", count=settings.count), tr("add -n 1"))
        if sys.stdout.isatty():
            raise UsageProblem(
                tr("PNG bytes do not go to a terminal"), tr("redirect: aigc sample RUN -n 1 -o - > FILE.png")
            )
    if output and settings.grid is not None and Path(output).resolve() in settings.grid.resolve().parents:
        raise UsageProblem(
            tr("--grid {grid} would be among the samples", grid=settings.grid),
            tr("put it outside {output}", output=output),
        )
    if settings.grid is not None:
        refuse_foreign(settings.grid, force=settings.force)


def _show(png: bytes) -> None:
    """Draw the bytes of a PNG on stderr, as the terminal can."""
    columns = max(8, min(SHOWN_COLUMNS, shutil.get_terminal_size().columns))
    print(draw(png, columns, choose_style(os.environ, is_terminal=True)), end="", file=sys.stderr, flush=True)


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("sample", epilog=EXAMPLES)(with_settings(sample, SampleSettings, section="sample"))
