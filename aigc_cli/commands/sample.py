"""`aigc sample`: labelled pictures from a face run, labelled texts from a text run."""

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from aigc_cli.config.base import as_json, did_you_mean
from aigc_cli.config.sample import SampleSettings, refuse_other_kind
from aigc_cli.core.console import Console
from aigc_cli.core.errors import BadData, NoInput, UsageProblem
from aigc_cli.core.files import create_file, make_dir, no_input, sha256_file, write_bytes
from aigc_cli.core.messages import tr
from aigc_cli.core.rundir import FolderLock, read_run
from aigc_cli.core.signals import StopFlag
from aigc_cli.options import with_settings

EXAMPLES = """\b
Examples:
  aigc sample runs/face -n 64 -o faces --grid faces.png
  aigc sample runs/face -n 500 --label smile --seed 7 -o smiles
  aigc sample runs/face -n 1 -o - > one.png
  aigc sample runs/text --prompt 'how was your day?' -n 3
  aigc sample runs/text --prompts questions.txt -n 1 -o replies.jsonl
  printf 'hello\\n' | aigc sample runs/text --prompts - -n 1 | jq -r .text
"""


def sample(
    console: Console,
    settings: SampleSettings,
    run: Annotated[Path, typer.Argument(help="A face run or a text run.", metavar="RUN")],
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", help="Faces: a folder, or - for one PNG. Texts: a JSONL file.", metavar="OUT"),
    ] = None,
) -> None:
    """Draw pictures or write texts; each carries the AI label."""
    record = read_run(run)
    refuse_other_kind(settings, record["kind"])
    if record.get("private"):
        os.umask(0o077)
    if settings.dry_run:
        console.talk(tr("dry run: nothing is computed or written"))
        plan = {"schema": "aigc.plan/1", "run": str(run), "kind": record["kind"], "output": output}
        console.record({**plan, "settings": as_json(settings)})
        return
    if record["kind"] == "face":
        _faces(console, settings, run, output)
    else:
        _texts(console, settings, run, output)


def _faces(console: Console, settings: SampleSettings, run: Path, output: str | None) -> None:
    if output is None:
        raise UsageProblem(tr("where to put the pictures?"), tr("give -o FOLDER, or -n 1 -o - for stdout"))
    if output == "-":
        if settings.count != 1:
            raise UsageProblem(tr("-o - takes one picture, not {count}", count=settings.count), tr("add -n 1"))
        if sys.stdout.isatty():
            raise UsageProblem(
                tr("PNG bytes do not go to a terminal"), tr("redirect: aigc sample RUN -n 1 -o - > FILE.png")
            )
    if settings.grid is not None and Path(output).resolve() in settings.grid.resolve().parents:
        raise UsageProblem(
            tr("--grid {path} would be among the samples", path=settings.grid),
            tr("put it outside {output}", output=output),
        )
    from aigc_cli.core.device import choose_device, set_threads
    from aigc_cli.gan.sampler import load_generator

    set_threads(settings.threads)
    sampler = load_generator(run, device=choose_device(settings.device), batch_size=settings.batch_size)
    run_hash = sha256_file(run / "generator.safetensors")
    items = _face_items(settings, sampler.label_names, run_hash)
    if output == "-":
        from aigc_cli.data.samples import encode_png

        picture = next(iter(_pictures(sampler, items, settings)))[1]
        sys.stdout.buffer.write(encode_png(picture, f"{run_hash[:16]}.{settings.seed}.{settings.start}"))
        sys.stdout.buffer.flush()
        return
    _fill_folder(console, settings, sampler, items, Path(output))


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
    console: Console, settings: SampleSettings, sampler: Any, items: list[dict[str, Any]], folder: Path
) -> None:
    from aigc_cli.data.samples import SampleFolder

    make_dir(folder)
    progress = console.progress()
    with StopFlag() as flag, FolderLock(folder):
        samples = SampleFolder(folder)
        missing = samples.missing(items)
        if not missing:
            console.talk(tr("{folder}: all {count} are there: nothing to do", folder=folder, count=len(items)))
        progress.stage(tr("sampling"), len(items), tr("pictures"))
        progress.advance(len(items) - len(missing))
        for item, picture in _pictures(sampler, missing, settings):
            samples.add(item, picture)
            progress.advance()
            flag.raise_if_requested(tr("the pictures so far are kept; the same command goes on from there"))
        progress.close()
        records = samples.records(item["index"] for item in items)
        if settings.grid is not None:
            _write_grid(settings.grid, folder, records)
    for record in records:
        console.record(record)


def _write_grid(path: Path, folder: Path, records: list[dict[str, Any]]) -> None:
    import numpy
    import torch
    from PIL import Image

    from aigc_cli.data.samples import encode_png, grid_of

    cells = []
    for record in records:
        with Image.open(folder / record["file"]) as image:
            array = numpy.array(image)
        cells.append(torch.from_numpy(array.reshape(*array.shape[:2], -1)).permute(2, 0, 1))
    content_id = f"{records[0]['run_hash'][:16]}.{records[0]['seed']}.grid"
    make_dir(path.absolute().parent)
    write_bytes(path, encode_png(grid_of(torch.stack(cells)), content_id))


def _texts(console: Console, settings: SampleSettings, run: Path, output: str | None) -> None:
    conversations = _conversations(settings)
    if output not in (None, "-"):
        _fill_file(console, settings, run, conversations, Path(output))
        return
    progress = console.progress()
    progress.stage(tr("writing"), len(conversations) * settings.count, tr("texts"))
    with StopFlag() as flag:
        for record in _written(settings, run, conversations):
            progress.advance()
            console.record(record)
            flag.raise_if_requested(tr("what was printed is whole"))
    progress.close()


def _written(
    settings: SampleSettings, run: Path, conversations: list[list[dict[str, str]]]
) -> Iterator[dict[str, Any]]:
    """Yield the labelled record of each text as it is written."""
    from aigc_cli.core.device import choose_device, set_threads
    from aigc_cli.core.provenance import label_record
    from aigc_cli.gpt.decode import load_text_run, sample_texts

    set_threads(settings.threads)
    model = load_text_run(run, choose_device(settings.device))
    common = {"schema": "aigc.sample/1", "kind": "text", "run": str(run), **_how(settings, run)}
    for record in sample_texts(model, conversations, settings):
        yield label_record({**common, **record})


def _how(settings: SampleSettings, run: Path) -> dict[str, Any]:
    """Return what decides a text beside its index, seed, prompt and batch size."""
    names = ("max_new_tokens", "temperature", "top_p", "top_k", "min_p", "repetition_penalty")
    decoding = {name: getattr(settings, name) for name in names}
    return {"run_hash": sha256_file(run / "model.safetensors"), "settings": decoding}


def _fill_file(
    console: Console, settings: SampleSettings, run: Path, conversations: list[list[dict[str, str]]], path: Path
) -> None:
    """Write the texts that are not in the file yet, each as soon as it is there."""
    from aigc_cli.data.samples import SampleFile

    count = len(conversations)
    common = {"seed": settings.seed, "batch_size": settings.batch_size, **_how(settings, run)}
    wanted = []
    for index in range(settings.start * count, (settings.start + settings.count) * count):
        messages = conversations[index % count]
        wanted.append({"index": index, "prompt": messages[-1]["content"] if messages else "", **common})
    is_new = create_file(path)
    with FolderLock(path):
        samples = SampleFile(path)
        missing = {item["index"] for item in samples.missing(wanted)}
        if not missing:
            console.talk(tr("{path}: all {count} are there: nothing to do", path=path, count=len(wanted)))
            return
        start = min(missing) // count  # the first round of prompts that is not whole
        rest = replace(settings, start=start, count=settings.start + settings.count - start)
        progress = console.progress()
        progress.stage(tr("writing"), len(wanted), tr("texts"))
        progress.advance(len(wanted) - len(missing))
        try:
            with StopFlag() as flag:
                for record in _written(rest, run, conversations):
                    if record["index"] in missing:
                        samples.add(record)
                        progress.advance()
                    flag.raise_if_requested(tr("the texts so far are kept; the same command goes on from there"))
        finally:
            progress.close()
            if is_new and path.stat().st_size == 0:
                path.unlink()  # not even one text could be written
    console.talk(tr("{path}: {count} texts", path=path, count=len(wanted)))


def _conversations(settings: SampleSettings) -> list[list[dict[str, str]]]:
    """Return one list of messages a prompt; a plain prompt is one user turn, none at all is an empty list."""
    if settings.prompt is not None and settings.prompts is not None:
        raise UsageProblem(tr("--prompt and --prompts exclude each other"), tr("give one of them"))
    if settings.prompts is None:
        return [[{"role": "user", "content": settings.prompt}] if settings.prompt is not None else []]
    if str(settings.prompts) == "-":
        lines = sys.stdin.read().splitlines()
    else:
        try:
            lines = settings.prompts.read_text(encoding="utf-8-sig").splitlines()
        except UnicodeDecodeError as error:
            raise BadData(
                tr("{path}: not UTF-8 at byte {byte}", path=settings.prompts, byte=error.start), tr("convert it first")
            ) from error
        except OSError as error:
            raise no_input(settings.prompts, error) from error
    conversations = [_messages(line, number) for number, line in enumerate(lines, start=1) if line.strip()]
    if not conversations:
        raise NoInput(tr("{path}: no prompts in it", path=settings.prompts), tr("write one prompt a line"))
    return conversations


def _messages(line: str, number: int) -> list[dict[str, str]]:
    if not line.lstrip().startswith("{"):
        return [{"role": "user", "content": line.strip()}]
    try:
        value = json.loads(line)
    except json.JSONDecodeError as error:
        raise BadData(
            tr("prompts: line {number} is not valid JSON", number=number), tr("mend it or write plain text")
        ) from error
    if isinstance(value.get("messages"), list):
        messages = [_message(message, number) for message in value["messages"]]
        while messages and messages[-1]["role"] == "assistant":
            messages.pop()
        if not messages:
            raise BadData(
                tr("prompts: line {number} has no message to answer", number=number), tr("end it with a user's message")
            )
        return messages
    if isinstance(value.get("prompt"), str):
        return [{"role": "user", "content": value["prompt"]}]
    raise BadData(
        tr("prompts: line {number} has neither prompt nor messages", number=number), tr('write {"prompt": "…"}')
    )


def _message(value: Any, number: int) -> dict[str, str]:
    roles = ("system", "user", "assistant")
    if isinstance(value, dict) and value.get("role") in roles and isinstance(value.get("content"), str):
        return {"role": value["role"], "content": value["content"]}
    raise BadData(
        tr("prompts: line {number} has a message without role or content", number=number),
        tr("roles: {roles}", roles=", ".join(roles)),
    )


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("sample", epilog=EXAMPLES)(with_settings(sample, SampleSettings, section="sample"))
