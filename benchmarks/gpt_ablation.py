"""Which settings win for a model made from scratch? One at a time around the preset's, at a fixed number of steps.

usage: python benchmarks/gpt_ablation.py TEXT_SET --preset nano --tokenizer char --steps 300 --seeds 2
           --vary momentum=0.9,0.95 --vary clip=0 [--set layers=3]

The held-out loss depends on the seed and the steps alone; the time of a step (the median) on the machine too, so the
defaults are trained first and last, and compared with themselves.
"""

import argparse
import json
import statistics
import time
import tomllib
from pathlib import Path
from typing import Any

import torch

from aigc_cli.config.base import resolve
from aigc_cli.config.train_gpt import PRESETS, TrainGptSettings
from aigc_cli.core.machine.device import set_threads
from aigc_cli.core.machine.platform import keep_freed_memory
from aigc_cli.data.manifest import open_set
from aigc_cli.gpt.trainer import build_trainer


def trained(data: Path, values: dict[str, Any]) -> tuple[float, float]:
    """Return held-out nats a token after training by the settings, and the median milliseconds of a step."""
    settings = resolve(TrainGptSettings, values, presets=PRESETS)
    trainer = build_trainer(open_set(data), settings, torch.device("cpu"))
    seconds = []
    for step in range(values["steps"]):
        began = time.perf_counter()
        trainer.update(step, values["steps"])
        seconds.append(time.perf_counter() - began)
    return trainer.evaluate(values["steps"])["nats_per_token"], 1000 * statistics.median(seconds)


def parsed(text: str) -> tuple[str, list[Any]]:
    """Return the name and the values of `name=a,b`, numbers as numbers."""
    name, _, values = text.partition("=")
    return name, [_number_or_text(value) for value in values.split(",")]


def _number_or_text(text: str) -> Any:
    try:
        return tomllib.loads(f"x = {text}")["x"]
    except tomllib.TOMLDecodeError:
        return text


def main() -> None:
    """Print a JSON line a variant: mean held-out loss over the seeds, and its difference from the defaults."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--preset", default="nano")
    parser.add_argument("--tokenizer", default="char")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--vary", action="append", default=[], metavar="NAME=A,B")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", dest="fixed")
    arguments = parser.parse_args()
    set_threads(None)
    keep_freed_memory()
    base = {name: getattr(arguments, name) for name in ("preset", "tokenizer", "steps")}
    base |= {name: values[0] for name, values in map(parsed, arguments.fixed)}
    variants: list[dict[str, Any]] = [{}]
    variants += [{name: value} for name, values in map(parsed, arguments.vary) for value in values]
    reference = None
    for variant in [*variants, {}]:
        runs = [trained(arguments.data, {**base, **variant, "seed": seed}) for seed in range(arguments.seeds)]
        nats = statistics.mean(loss for loss, _ in runs)
        reference = nats if reference is None else reference
        milliseconds = statistics.median(time for _, time in runs)
        line = {"variant": variant or "defaults", "steps": {**base, **variant}["steps"], "nats_per_token": nats}
        print(json.dumps({**line, "difference": nats - reference, "step_milliseconds": milliseconds}), flush=True)


if __name__ == "__main__":
    main()
