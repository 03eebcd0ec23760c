"""Courses of the learning rate: pure functions from the step to a factor on its peak. Knows no clock and no trainer.

`total_steps` is None while a time budget has not yet been resolved to a number of steps; every schedule
then holds its peak, so what ran before the resolution stays valid.
"""

import math
from dataclasses import dataclass

from aigc_cli.config.shared import SCHEDULES

SHORTEST_WARMUPS = 10  # a training whose length is known lasts at least so many warm-ups
PLATEAU_FACTOR = 0.5


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """A course of the learning rate.

    Warm-up is linear over `warmup_steps`, at most a tenth of a known length. After it: `constant` stays at 1, as does
    `plateau`, which the loop halves by validation; `linear` falls to `final` at the end; `cosine` falls by
    (1 + cos(pi t)) / 2 (Loshchilov & Hutter 2017, arXiv:1608.03983, eq. 5); `wsd` (warm-up, stable, decay) stays at 1
    and falls linearly over the last `cooldown` share of all steps (Hägele et al. 2024, arXiv:2405.18392).
    """

    kind: str
    warmup_steps: int = 0
    cooldown: float = 0.5
    final: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in SCHEDULES:
            raise ValueError(f"unknown schedule {self.kind!r}")

    def factor(self, step: int, total_steps: int | None) -> float:
        """Return the factor on the peak learning rate, in [0, 1], of a 0-based step."""
        warmup = self._warmup(total_steps)
        if step < warmup:
            return (step + 1) / (warmup + 1)
        if total_steps is None:
            return 1.0
        return self.final + (1.0 - self.final) * self._decay(step, warmup, total_steps)

    def _warmup(self, total_steps: int | None) -> int:
        return self.warmup_steps if total_steps is None else min(self.warmup_steps, total_steps // SHORTEST_WARMUPS)

    def _cooldown_steps(self, total_steps: int) -> int:
        return max(1, round(self.cooldown * total_steps))

    def _decay(self, step: int, warmup: int, total_steps: int) -> float:
        if self.kind == "wsd":
            return min(1.0, max(0, total_steps - step) / self._cooldown_steps(total_steps))
        progress = min(1.0, (step - warmup) / max(1, total_steps - warmup))
        if self.kind == "linear":
            return 1.0 - progress
        if self.kind == "cosine":
            return 0.5 * (1.0 + math.cos(math.pi * progress))
        return 1.0

    def common_steps(self, total_steps: int) -> int:
        """Return how many first steps have the factors that they would have in a training of any greater length.

        So far back a training must go whose length is changed, if it is to be what it would have been.
        """
        if self._warmup(total_steps) < self.warmup_steps:
            return 0
        if self.kind in ("constant", "plateau"):
            return total_steps
        if self.kind == "wsd":
            return max(0, total_steps - self._cooldown_steps(total_steps))
        return min(self.warmup_steps, total_steps)


@dataclass(frozen=True, kw_only=True)
class Plateau:
    """How often the learning rate was halved because validation did not improve, and how long it has not since."""

    waited: int = 0
    reductions: int = 0

    def after(self, improved: bool, patience: int) -> "Plateau":
        """Return what it is after one more evaluation: halved once more than `patience` in a row were no better."""
        waited = 0 if improved else self.waited + 1
        if waited > patience:
            return Plateau(waited=0, reductions=self.reductions + 1)
        return Plateau(waited=waited, reductions=self.reductions)

    def factor(self, final: float) -> float:
        """Return the factor on the learning rate, never below `final`."""
        return max(final, PLATEAU_FACTOR**self.reductions)
