"""Where the time of a training step of faces goes, and what share of the processor's peak it reaches.

python benchmarks/gan_step.py DATA [--preset projected] [--resolution 64] [--precision fp32] [--threads N] [--steps 32]

DATA is a set made by `aigc prepare images`. The parts of a step are timed from outside, each without what it calls of
the others; the peak is that of the fixed product of calibrated.py, measured before and after; the work is what torch
counts of convolutions and matrix products in a step without penalties. Prints one JSON line, and a table.
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from calibrated import Machine
from torch.utils.flop_counter import FlopCounterMode

from aigc_cli.config.base import resolve
from aigc_cli.config.train_gan import PRESETS, TrainGanSettings
from aigc_cli.core.machine.device import set_threads
from aigc_cli.core.machine.platform import keep_freed_memory
from aigc_cli.data.pictures.imageset import open_image_set
from aigc_cli.gan import generator, sides
from aigc_cli.gan.critics import own, projected
from aigc_cli.gan.trainer import GanTrainer, build_trainer

WARM_STEPS = 8  # one of each kind, with the penalties
PARTS: tuple[tuple[Any, str, str], ...] = (
    (generator.GeneratorSide, "pictures", "generator, forward"),
    (own.OwnSide, "update", "own critic on both, forward and loss"),
    (own.OwnSide, "generator_loss", "own critic for the generator, forward"),
    (projected.ProjectedSide, "views", "pretrained network on both, forward"),
    (projected.ProjectedSide, "update", "critics of features on both, forward and loss"),
    (projected.ProjectedSide, "generator_loss", "critics of features for the generator, forward"),
    (projected, "gradient_penalty", "gradients of the features' penalty"),
    (sides, "backward", "backward"),
    (sides.AdamW, "step", "optimisers"),
)


class Clock:
    """Seconds spent in each part, without the parts that it calls."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self._within: list[float] = []

    def timed(self, part: str, work: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """Do a piece of work, and count its time."""
        began = time.perf_counter()
        self._within.append(0.0)
        try:
            return work(*arguments, **named)
        finally:
            seconds = time.perf_counter() - began
            self.seconds[part] += seconds - self._within.pop()
            if self._within:
                self._within[-1] += seconds

    def watch(self, owner: Any, name: str, part: str) -> None:
        """Time every call of a function; a backward pass by the network that learns from it."""
        work = getattr(owner, name)

        def watched(*arguments: Any, **named: Any) -> Any:
            whose = f"{part}, of {type(arguments[1]).__name__}" if part == "backward" else part
            return self.timed(whose, work, *arguments, **named)

        setattr(owner, name, watched)


def at_resolution(trainer: GanTrainer, resolution: int) -> None:
    """Let a training be where it trains pictures of a resolution."""
    trainer._growth.resolution = resolution
    trainer._work_at(resolution)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--preset", default="projected")
    parser.add_argument("--resolution", type=int)
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--steps", type=int, default=32)
    arguments = parser.parse_args()
    set_threads(arguments.threads)
    keep_freed_memory()
    given = {"preset": arguments.preset, "precision": arguments.precision}
    trainer = build_trainer(
        open_image_set(arguments.data), resolve(TrainGanSettings, given, presets=PRESETS), torch.device("cpu")
    )
    at_resolution(trainer, arguments.resolution or trainer.config["size"])
    for step in range(WARM_STEPS):
        trainer.update(step, None)
    with FlopCounterMode(display=False) as counted:
        trainer.update(1, None)
    clock, machine = Clock(), Machine()
    for owner, name, part in PARTS:
        clock.watch(owner, name, part)
    began = time.perf_counter()
    for step in range(arguments.steps):
        clock.timed("the rest", trainer.update, step, None)
    seconds = (time.perf_counter() - began) / arguments.steps
    machine.probe()
    work = counted.get_total_flops()
    peak = sum(machine.speeds) / len(machine.speeds) * 1e9
    found = {**given, "resolution": arguments.resolution or trainer.config["size"], "threads": torch.get_num_threads()}
    found |= {"ms_a_step": round(1e3 * seconds, 1), "pictures_a_second": round(trainer.batch_size / seconds, 1)}
    found |= {"gigaflop_a_step": round(work / 1e9, 2), "share_of_peak": round(work / seconds / peak, 3)}
    print(json.dumps({**found, "machine": machine.record()}))
    for part, spent in clock.seconds.most_common():
        print(f"| {part} | {1e3 * spent / arguments.steps:.1f} | {spent / arguments.steps / seconds:.0%} |")


if __name__ == "__main__":
    main()
