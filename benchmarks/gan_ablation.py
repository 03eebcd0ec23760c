"""What does a change of the recipe do to faces after equal steps? Every variant is a process; all run at once.

python benchmarks/gan_ablation.py DATA --real REAL --out FOLDER (--steps N | --seconds S [--each]) [--preset NAME]
    [--device cuda] [--set NAME=JSON …] [--vary VARIANT …]

A VARIANT is a comma list of NAME=JSON, each a setting of `aigc train-gan`, or with a dot a constant of the package
(gan.critics.projected.WIDTH=64). One more variant, without changes, is always there; what --set says holds for all.
`data=PATH` and `real=PATH` train and judge that variant on other sets. With --seconds, all make as many steps as the
slowest of them would make in that time while the others run, or each as many as itself with --each; a variant whose
steps cost more is flattered by equal steps: compare images per second on the machine that it is meant for.

Of each, 2,048 samples of the averaged generator are compared with REAL on EfficientNet-Lite0 features, and a sheet is
kept in FOLDER. One JSON line a variant, then a table. One seed: run a variant twice (seed=1) to see what is noise.
"""

import argparse
import importlib
import json
import multiprocessing
import re
import sys
import time
import traceback
from collections.abc import Iterator
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import torch
from gan_faces import EXTRACTOR, finished, keep_samples, sampled, scores, settings_of, with_preset

from aigc_cli.core.disk.files import make_dir
from aigc_cli.core.machine.device import choose_device, set_threads
from aigc_cli.core.machine.platform import keep_freed_memory
from aigc_cli.data.pictures.imageset import open_image_set, open_pictures
from aigc_cli.gan.trainer import build_trainer
from aigc_cli.measure.features import extract, load_extractor

FIRST_STEPS, TIMED_STEPS = 8, 50


def parsed_variant(text: str) -> dict[str, Any]:
    """Return the changes that a variant names."""
    return settings_of(re.split(r",(?=[\w.]+=)", text) if text else [])


def changed_constants(changes: dict[str, Any]) -> None:
    """Set the constants that a variant names, in this process, wherever a module has taken them over by name."""
    for name, value in changes.items():
        module, _, constant = name.rpartition(".")
        where = importlib.import_module(f"aigc_cli.{module}")
        if not hasattr(where, constant):
            raise SystemExit(f"{name}: no such constant")
        old = getattr(where, constant)
        new = {int(key): at for key, at in value.items()} if isinstance(old, dict) else value
        for holder in [held for title, held in sys.modules.items() if title.startswith("aigc_cli.")]:
            if getattr(holder, constant, None) is old:
                setattr(holder, constant, new)


def seconds_a_step(data: Path, given: dict[str, Any], device: torch.device) -> float:
    """Return what a step costs at the full resolution, of a trainer that is dropped again."""
    trainer = build_trainer(open_image_set(data), with_preset({**given, "grow": 0}), device)
    for step in range(FIRST_STEPS):
        trainer.update(step, None)
    finished(trainer)
    began = time.perf_counter()
    for step in range(FIRST_STEPS, FIRST_STEPS + TIMED_STEPS):
        trainer.update(step, None)
    finished(trainer)
    return (time.perf_counter() - began) / TIMED_STEPS


def variant_process(changes: dict[str, Any], arguments: argparse.Namespace, place: int, talk: Connection) -> None:
    """Time a step, hear how many to make, train, and send a record; a reason where it failed."""
    try:
        set_threads(arguments.threads)
        keep_freed_memory()
        changes = {"preset": arguments.preset, **settings_of(arguments.set), **changes}
        data, real = (Path(changes.pop(name, getattr(arguments, name))) for name in ("data", "real"))
        changed_constants({name: value for name, value in changes.items() if "." in name})
        given = {name: value for name, value in changes.items() if "." not in name}
        device = choose_device(arguments.device)
        talk.send(seconds_a_step(data, given, device))
        steps = int(talk.recv())
        trainer = build_trainer(open_image_set(data), with_preset(given), device)
        began = time.perf_counter()
        for step in range(steps):
            trainer.update(step, steps)
        finished(trainer)
        seconds = time.perf_counter() - began
        found: dict[str, Any] = {"steps": steps, "seconds": round(seconds, 1)}
        found["images_per_second"] = round(steps * trainer.batch_size / seconds, 1)
        if device.type == "cuda":
            found["peak_megabytes"] = round(torch.cuda.max_memory_allocated() / 1e6)
        pixels, labels = sampled(trainer, arguments.samples)
        keep_samples(arguments.out / f"{place:02d}.safetensors", pixels, labels)
        extractor = load_extractor(EXTRACTOR, device)
        features = [extract(extractor, pictures).cpu() for pictures in (open_pictures(real), pixels)]
        talk.send(trainer.evaluate(steps) | found | scores(*features))
    except BaseException:
        talk.send({"failed": traceback.format_exc(limit=-3)})
        raise


def heard(talk: Connection) -> Any:
    """Return what a process sends, or that it has gone."""
    try:
        return talk.recv()
    except EOFError:
        return {"failed": "the process was ended"}


def reports(talks: dict[Connection, str], arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Tell every process how many steps to make, from how long one takes in each; yield records as they come in."""
    paces = {talk: heard(talk) for talk in talks}
    slowest = max((pace for pace in paces.values() if isinstance(pace, float)), default=1.0)
    waiting = []
    for talk, pace in paces.items():
        if isinstance(pace, float):
            talk.send(arguments.steps or max(1, int(arguments.seconds / (pace if arguments.each else slowest))))
            waiting.append(talk)
        else:
            yield {"variant": talks[talk], **pace}
    while waiting:
        for talk in wait(waiting):
            assert isinstance(talk, Connection)
            waiting.remove(talk)
            yield {"variant": talks[talk], **heard(talk)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--real", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--each", action="store_true", help="with --seconds: each variant at its own speed")
    parser.add_argument("--preset", default="projected")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=JSON")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--samples", type=int, default=2048)
    parser.add_argument("--vary", nargs="+", default=[], metavar="VARIANT")
    arguments = parser.parse_args()
    make_dir(arguments.out)
    context = multiprocessing.get_context("spawn")
    talks = {}
    for place, text in enumerate(["", *arguments.vary]):
        here, there = context.Pipe()
        given = (parsed_variant(text), arguments, place, there)
        context.Process(target=variant_process, args=given, daemon=True).start()
        there.close()
        talks[here] = text or "as it is"
    rows = []
    for record in reports(talks, arguments):
        rows.append(record)
        print(json.dumps(record), flush=True)
    names = ("variant", "steps", "images_per_second", f"frechet[{EXTRACTOR}]", "spread", "precision", "recall")
    for line in (names, ["---"] * len(names), *([row.get(name, "") for name in names] for row in rows)):
        print("| " + " | ".join(str(value) for value in line) + " |")


if __name__ == "__main__":
    main()
