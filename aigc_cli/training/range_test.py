"""Learning rates by trying them: one sweep from far too low to far too high, on weights that are thrown away.

Smith 2017 (arXiv:1506.01186, sec. 3.3). All learning rates of a trainer move together, by one factor on the peaks
that its settings give. Knows no files and no screens.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from aigc_cli.training.trainer import Trainer

LOWEST, HIGHEST = 1e-3, 1e2
POINTS = 100
SMOOTHING = 0.8
HOPELESS = 3.0  # times the lowest smoothed loss: from there on it only explodes
SETTLED = 10


@dataclass(frozen=True)
class Trial:
    """One step of the sweep: the factor, the learning rates that it gives, the loss before the step, and smoothed."""

    factor: float
    rates: dict[str, float]
    loss: float
    smoothed_loss: float


def sweep(trainer: Trainer, points: int = POINTS) -> Iterator[Trial]:
    """Train for `points` steps with rates that grow exponentially, and yield each; ends where the loss explodes.

    The trainer's schedule must be constant and without warm-up. The smoothed loss is an exponential mean, corrected
    for its beginning.
    """
    mean, lowest = 0.0, math.inf
    for step in range(points):
        trainer.lr_scale = LOWEST * (HIGHEST / LOWEST) ** (step / (points - 1))
        metrics = trainer.update(step, None)
        loss = float(metrics["loss"])
        if not math.isfinite(loss):
            return
        mean = SMOOTHING * mean + (1 - SMOOTHING) * loss
        smoothed = mean / (1 - SMOOTHING ** (step + 1))
        rates = {name: float(value) for name, value in metrics.items() if name.endswith("learning_rate")}
        yield Trial(trainer.lr_scale, rates, loss, smoothed)
        lowest = min(lowest, smoothed)
        if step >= SETTLED and smoothed > HOPELESS * lowest:
            return


def suggestions(trials: Sequence[Trial]) -> dict[str, Trial]:
    """Return the trial where the smoothed loss falls steepest, and the one at a tenth of where it is lowest.

    Both are in log learning rate. Nothing where fewer than three trials came before the loss exploded.
    """
    bottom = min(range(len(trials)), key=lambda place: trials[place].smoothed_loss, default=0)
    inner = range(1, min(bottom + 1, len(trials) - 1))
    if not inner:
        return {}
    slopes = {place: trials[place + 1].smoothed_loss - trials[place - 1].smoothed_loss for place in inner}
    steepest = min(inner, key=lambda place: slopes[place])
    wanted = math.log(trials[bottom].factor / 10)
    tenth = min(trials, key=lambda trial: abs(math.log(trial.factor) - wanted))
    return {"steepest": trials[steepest], "lowest / 10": tenth}
