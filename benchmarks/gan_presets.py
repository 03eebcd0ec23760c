"""How fast is each preset of face training, and how much memory does it take? A fresh process each, in turns.

python benchmarks/gan_presets.py DATA [DATA …] [--presets NAME …] [--seconds 20] [--rounds 2] [--device cuda]
    [--set NAME=JSON …]

DATA are image sets, one a size. Speed is the mean of steps at the full resolution, after the first ones, in pictures a
calibrated second (calibrated.py), the best round's; memory is the most that a process has held, an evaluation included.
On a GPU seconds are the clock's and memory is the GPU's. `distance` (on random_conv features) and `spread` are of the
averaged generator after those seconds of the last round; a spread still low after minutes is a collapse. One JSON
line a preset and set, and a table. A preset that cannot make a set's size is said and left out.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import torch
from calibrated import NOMINAL_GIGAFLOPS, Machine, Stopwatch
from gan_faces import finished, settings_of, with_preset

from aigc_cli.config.train_gan import PRESETS
from aigc_cli.core.errors import AigcError
from aigc_cli.core.machine.device import choose_device, set_threads
from aigc_cli.core.machine.platform import keep_freed_memory, peak_memory
from aigc_cli.data.pictures.imageset import open_image_set
from aigc_cli.gan.trainer import build_trainer

FIRST_STEPS = 8
NAMES = [name for name in PRESETS if name != "auto"]  # which is one of the others, with a set


def measured(data: Path, given: dict[str, Any], device: str, seconds: float) -> dict[str, Any]:
    """Train for so many seconds in this process, evaluate, and say what it took; the reason where it cannot."""
    keep_freed_memory()
    try:
        where = choose_device(device)
        trainer = build_trainer(open_image_set(data), with_preset({**given, "grow": 0}), where)
    except AigcError as error:
        return {"problem": str(error)}
    for step in range(FIRST_STEPS):
        trainer.update(step, None)
    finished(trainer)
    began, step = time.perf_counter(), FIRST_STEPS
    while time.perf_counter() - began < seconds:
        trainer.update(step, None)
        step += 1
    finished(trainer)
    elapsed = time.perf_counter() - began
    found = trainer.evaluate(step)
    memory = torch.cuda.max_memory_allocated() if where.type == "cuda" else peak_memory()
    return {
        "size": trainer.config["size"],
        "batch_size": trainer.batch_size,
        "generator_parameters": sum(value.numel() for value in trainer.average.parameters()),
        "images": (step - FIRST_STEPS) * trainer.batch_size,
        "seconds": elapsed,
        "peak_megabytes": round(memory / 1e6),
        "distance": round(found[trainer.objective], 2),
        "spread": round(found["spread"], 2),
    }


def in_a_process(data: Path, preset: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Return what `measured` says in a process of its own."""
    command = [sys.executable, __file__, str(data), "--presets", preset, "--alone", "--seconds", str(arguments.seconds)]
    command += ["--threads", str(arguments.threads)] if arguments.threads else []
    command += ["--device", arguments.device, *(part for pair in arguments.set for part in ("--set", pair))]
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        return {"problem": f"exit status {done.returncode}"}
    record: dict[str, Any] = json.loads(done.stdout)
    return record


def summarised(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """Return one record of all rounds of a preset: the best speed, and the speeds and the memory of each."""
    speeds = [record["images_per_second"] for record in rounds]
    kept = {name: rounds[0][name] for name in ("preset", "data", "size", "batch_size", "generator_parameters")}
    kept |= {name: rounds[-1][name] for name in ("distance", "spread")}
    memory = max(record["peak_megabytes"] for record in rounds)
    return {**kept, "images_per_second": max(speeds), "rounds": speeds, "peak_megabytes": memory}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="+")
    parser.add_argument("--presets", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=JSON")
    parser.add_argument("--alone", action="store_true", help="measure one preset in this process, and no other")
    arguments = parser.parse_args()
    set_threads(arguments.threads)
    if arguments.alone:
        given = {"preset": arguments.presets[0], **settings_of(arguments.set)}
        print(json.dumps(measured(arguments.data[0], given, arguments.device, arguments.seconds)))
        return
    machine = Machine() if arguments.device == "cpu" else None
    found: dict[tuple[Path, str], list[dict[str, Any]]] = {}
    for _ in range(arguments.rounds):
        for key in ((data, preset) for data in arguments.data for preset in arguments.presets):
            record, watch = in_a_process(*key, arguments), Stopwatch()
            if "problem" in record:
                print(json.dumps({"preset": key[1], "data": str(key[0]), **record}), file=sys.stderr)
                continue
            watch.add(record["seconds"], machine.probe() if machine else NOMINAL_GIGAFLOPS)
            record["images_per_second"] = round(record["images"] / watch.calibrated, 1)
            found.setdefault(key, []).append({"preset": key[1], "data": str(key[0]), **record})
    print(
        json.dumps(
            {"device": arguments.device, "set": arguments.set} | ({"machine": machine.record()} if machine else {})
        )
    )
    rows = [summarised(rounds) for rounds in found.values()]
    for row in rows:
        print(json.dumps(row))
    names = ("preset", "size", "batch_size", "generator_parameters", "images_per_second", "peak_megabytes")
    names += ("distance", "spread")
    print("| " + " | ".join(names) + " |\n" + "| --- " * len(names) + "|")
    for row in rows:
        print("| " + " | ".join(str(row[name]) for name in names) + " |")


if __name__ == "__main__":
    main()
