"""`aigc sample`: labelled pictures from a face run, labelled texts from a text run."""

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from aigc_cli.config.base import Origin, as_json, did_you_mean
from aigc_cli.config.sample import SampleSettings, refuse_other_kind
from aigc_cli.core.disk.files import (
    be_private,
    check_free_space,
    create_file,
    make_dir,
    read_json,
    sha256_file,
)
from aigc_cli.core.disk.own import claim, refuse_foreign, write_own
from aigc_cli.core.disk.provenance import label_record
from aigc_cli.core.disk.rundir import FolderLock, RunDir, output_folder, read_run
from aigc_cli.core.errors import BadData, CannotCreate, NoInput, UsageProblem
from aigc_cli.core.machine.signals import StopFlag
from aigc_cli.core.screen.console import Console
from aigc_cli.core.screen.pictures import choose_style, draw
from aigc_cli.core.screen.progress import SilentProgress
from aigc_cli.core.words.messages import tr
from aigc_cli.data.prompts import Conversation, read_prompts
from aigc_cli.data.samples import SampleFile, SampleFolder, encode_png
from aigc_cli.options import with_settings

DECODING = ("max_new_tokens", "temperature", "top_p", "top_k", "min_p", "repetition_penalty")
RECORD_BYTES, LABEL_BYTES = 1000, 1500  # a line of the JSONL; the label in a PNG
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
    (_faces if record["kind"] == "face" else _texts)(console, settings, run, output)


def _weights(settings: SampleSettings, run: Path, best: str) -> tuple[int | None, str]:
    """Return the step of the checkpoint that is asked for (None: the best), and the hash of its weights."""
    step = None
    if settings.checkpoint != "best":
        from aigc_cli.core.disk.snapshots import find_snapshot, snapshot_hash  # knows tensors, so it loads torch

        step = find_snapshot(RunDir(run), settings.checkpoint)
    if not (run / best).exists():
        raise NoInput(tr("{run}: no weights yet", run=run), tr("train on: the first evaluation writes them"))
    return step, sha256_file(run / best) if step is None else snapshot_hash(RunDir(run), step)


def _config(run: Path) -> dict[str, Any]:
    """Return a face run's configuration; BadData if what is needed before the model is loaded is not in it."""
    config = read_json(run / "config.json")
    if not isinstance(config, dict) or any(type(config.get(name)) is not int for name in ("size", "channels")):
        problem = tr("not the configuration of a face run")
        raise BadData(f"{run / 'config.json'}: {problem}", tr("restore it or train again"))
    return config


def _plan(
    console: Console, settings: SampleSettings, run: Path, output: str | None, kind: str, total: int, missing: int
) -> None:
    """Print what would be computed; what memory and time it takes is not known before something was."""
    console.talk(tr("dry run: nothing is computed or written"))
    plan: dict[str, Any] = {"schema": "aigc.plan/1", "run": str(run), "kind": kind, "output": output}
    plan |= {"items": total, "missing": missing, "disk_bytes": missing * _item_bytes(settings, run, kind)}
    plan |= {"memory_bytes": UNKNOWN, "seconds": UNKNOWN}
    console.record({**plan, "settings": as_json(settings)})


def _item_bytes(settings: SampleSettings, run: Path, kind: str) -> int:
    """Return about how much an item takes on the disk, at the most: its PNG or text, and its record with the label."""
    if kind == "text":
        return 6 * settings.max_new_tokens + RECORD_BYTES
    config = _config(run)
    return int(config["channels"] * config["size"] ** 2 * config.get("bit_depth", 8) // 8 + LABEL_BYTES + RECORD_BYTES)


def _faces(console: Console, settings: SampleSettings, run: Path, output: str | None) -> None:
    _check_place(settings, output)
    step, run_hash = _weights(settings, run, "generator.safetensors")
    names = tuple(map(str, _config(run).get("label_names") or ()))
    items = _face_items(settings, names, run_hash)
    if settings.dry_run:
        missing = items
        if output not in (None, "-") and Path(str(output)).is_dir():
            missing = SampleFolder(Path(str(output)), repair=False).missing(items)
        _plan(console, settings, run, output, "face", len(items), len(missing))
        return
    if output in (None, "-"):
        for item, picture in _pictures(_sampler(console, settings, run, step), items, settings):
            _show_or_pipe(settings, item, picture, output)
        return
    _fill_folder(console, settings, run, step, items, Path(str(output)))


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


def _sampler(console: Console, settings: SampleSettings, run: Path, step: int | None) -> Any:
    from aigc_cli.core.machine.device import choose_device, set_threads
    from aigc_cli.gan.sampler import load_generator

    threads, device = set_threads(settings.threads), choose_device(settings.device)
    console.detail(tr("computing on {device} with {threads} threads", device=device, threads=threads))
    return load_generator(run, device=device, batch_size=settings.batch_size, step=step)


def _show_or_pipe(settings: SampleSettings, item: dict[str, Any], picture: Any, output: str | None) -> None:
    """Draw a labelled picture in the terminal, write it to stdout, or both."""
    png = encode_png(picture, f"{item['run_hash'][:16]}.{item['seed']}.{item['index']}")
    if settings.show:
        _show(png)
    if output == "-":
        sys.stdout.buffer.write(png)
        sys.stdout.buffer.flush()


def _show(png: bytes) -> None:
    """Draw the bytes of a PNG on stderr, as the terminal can."""
    columns = max(8, min(SHOWN_COLUMNS, shutil.get_terminal_size().columns))
    print(draw(png, columns, choose_style(os.environ, is_terminal=True)), end="", file=sys.stderr, flush=True)


def _face_items(settings: SampleSettings, label_names: tuple[str, ...], run_hash: str) -> list[dict[str, Any]]:
    """Return what each item is: its index, seed, label name (the labels in turn unless one is asked for)."""
    if settings.label is not None and settings.label not in label_names:
        remedy = tr("the run has no labels: leave it out")
        if label_names:
            remedy = did_you_mean(settings.label, label_names)
        raise UsageProblem(tr("--label {label!r} is not a label of this run", label=settings.label), remedy)
    items = []
    for index in range(settings.start, settings.start + settings.count):
        label = settings.label or (label_names[index % len(label_names)] if label_names else None)
        item = {"index": index, "seed": settings.seed, "label": label, "truncation": settings.truncation}
        items.append({**item, "batch_size": settings.batch_size, "run_hash": run_hash})
    return items


def _pictures(
    sampler: Any, items: list[dict[str, Any]], settings: SampleSettings
) -> Iterator[tuple[dict[str, Any], Any]]:
    """Yield (item, uint8 picture), computed a block at a time."""
    names = sampler.label_names
    for begin in range(0, len(items), settings.batch_size):
        block = items[begin : begin + settings.batch_size]
        labels = [names.index(item["label"]) for item in block] if names else None
        pictures = sampler.pictures([item["index"] for item in block], settings.seed, labels, settings.truncation)
        yield from zip(block, pictures, strict=True)


def _fill_folder(
    console: Console, settings: SampleSettings, run: Path, step: int | None, items: list[dict[str, Any]], folder: Path
) -> None:
    """Draw the pictures that are not in the folder yet, each whole as soon as it is there."""
    progress = console.progress()
    with StopFlag() as flag, output_folder(folder, wait_seconds=settings.lock_wait):
        samples = SampleFolder(folder)
        missing = samples.missing(items)
        if missing:
            check_free_space(folder, len(missing) * _item_bytes(settings, run, "face"))
            progress.stage(tr("sampling"), len(items), tr("pictures"))
            progress.advance(len(items) - len(missing))
            for item, picture in _pictures(_sampler(console, settings, run, step), missing, settings):
                samples.add(item, picture)
                progress.advance()
                flag.raise_if_requested(tr("the pictures so far are kept; the same command goes on from there"))
            progress.close()
        else:
            console.talk(tr("{folder}: all {count} are there: nothing to do", folder=folder, count=len(items)))
        records = samples.records(item["index"] for item in items)
        if settings.grid is not None:
            _write_grid(settings.grid, folder, records, settings.force)
    for record in records:
        if settings.show:
            _show(Path(record["path"]).read_bytes())
        console.record(record)


def _write_grid(path: Path, folder: Path, records: list[dict[str, Any]], force: bool) -> None:
    import torch

    from aigc_cli.data.pictures.picture import decode_png
    from aigc_cli.data.samples import grid_of

    cells = []
    for record in records:
        pixels, height, width, channels = decode_png((folder / record["file"]).read_bytes())
        cell_HWC = torch.frombuffer(bytearray(pixels), dtype=torch.uint8).reshape(height, width, channels)
        cells.append(cell_HWC.permute(2, 0, 1))
    content_id = f"{records[0]['run_hash'][:16]}.{records[0]['seed']}.grid"
    make_dir(path.absolute().parent)
    write_own(path, encode_png(grid_of(torch.stack(cells)), content_id), force=force)


def _texts(console: Console, settings: SampleSettings, run: Path, output: str | None) -> None:
    conversations = read_prompts(settings.prompt, settings.prompts)
    step, run_hash = _weights(settings, run, "model.safetensors")
    common = {"seed": settings.seed, "batch_size": settings.batch_size, "run_hash": run_hash}
    common["settings"] = {name: getattr(settings, name) for name in DECODING}
    count, wanted = len(conversations), []
    for index in range(settings.start * count, (settings.start + settings.count) * count):
        messages = conversations[index % count]
        wanted.append({"index": index, "prompt": messages[-1]["content"] if messages else "", **common})
    if output not in (None, "-") and Path(str(output)).exists() and not Path(str(output)).is_file():
        raise CannotCreate(tr("{path}: is there and not a file", path=output), tr("choose another output"))
    task = _Texts(console, settings, run, step, conversations, common)
    if settings.dry_run:
        is_file = output not in (None, "-") and Path(str(output)).exists()
        missing = SampleFile(Path(str(output)), repair=False).missing(wanted) if is_file else wanted
        _plan(console, settings, run, output, "text", len(wanted), len(missing))
    elif output in (None, "-"):
        task.print(wanted)
    else:
        task.fill(wanted, Path(str(output)))


@dataclass(frozen=True)
class _Texts:
    """What is to be written, and by which weights. `common` decides a text beside its index and prompt."""

    console: Console
    settings: SampleSettings
    run: Path
    step: int | None
    conversations: list[Conversation]
    common: dict[str, Any]

    def print(self, wanted: list[dict[str, Any]]) -> None:
        """Print the record of each text as it is written."""
        # On a terminal the texts themselves show how far it is, and a bar would run into them.
        progress = self.console.progress() if self.console.json_output else SilentProgress()
        progress.stage(tr("writing"), len(wanted), tr("texts"))
        with StopFlag() as flag:
            for record in self._written(wanted):
                progress.advance()
                self.console.data(record, essence=TEXT_ESSENCE)
                flag.raise_if_requested(tr("what was printed is whole"))
        progress.close()

    def fill(self, wanted: list[dict[str, Any]], path: Path) -> None:
        """Write the texts that are not in the file yet, each as soon as it is there."""
        claim(path, force=self.settings.force)
        is_new = create_file(path)
        with FolderLock(path, wait_seconds=self.settings.lock_wait):
            samples = SampleFile(path)
            missing = samples.missing(wanted)
            if not missing:
                self.console.talk(tr("{path}: all {count} are there: nothing to do", path=path, count=len(wanted)))
                self._print_records(samples, wanted)
                return
            progress = self.console.progress()
            try:
                check_free_space(path, len(missing) * _item_bytes(self.settings, self.run, "text"))
                progress.stage(tr("writing"), len(wanted), tr("texts"))
                progress.advance(len(wanted) - len(missing))
                with StopFlag() as flag:
                    for record in self._written(missing):
                        samples.add(record)
                        progress.advance()
                        flag.raise_if_requested(tr("the texts so far are kept; the same command goes on from there"))
            finally:
                progress.close()
                if is_new and path.stat().st_size == 0:
                    path.unlink()  # not even one text could be written
        self.console.talk(tr("{path}: {count} texts", path=path, count=len(wanted)))
        self._print_records(samples, wanted)

    def _print_records(self, samples: SampleFile, wanted: list[dict[str, Any]]) -> None:
        """Print what the file holds as JSON lines, as for pictures; on a terminal the file is enough."""
        if self.console.json_output:
            for record in samples.records(wanted):
                self.console.record(record)

    def _written(self, wanted: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Yield the labelled record of each text as it is written."""
        from aigc_cli.core.machine.device import choose_device, set_threads
        from aigc_cli.gpt.decoding.decode import load_text_run, sample_texts

        threads, device = set_threads(self.settings.threads), choose_device(self.settings.device)
        self.console.detail(tr("computing on {device} with {threads} threads", device=device, threads=threads))
        if self.step is None:
            model = load_text_run(self.run, device)
        else:
            from aigc_cli.gpt.stored import load_checkpoint

            model = load_checkpoint(self.run, self.step, device)
        begin = {"schema": "aigc.sample/1", "kind": "text", "run": str(self.run)}
        how = {name: self.common[name] for name in ("run_hash", "settings")}
        items = [item["index"] for item in wanted]
        for record in sample_texts(model, self.conversations, self.settings, items):
            yield label_record({**begin, **how, **record})


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("sample", epilog=EXAMPLES)(with_settings(sample, SampleSettings, section="sample"))
