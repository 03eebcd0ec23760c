"""What the loop itself must remember to go on exactly, and how minutes become steps. Pure: no clock, no files."""

from dataclasses import asdict, dataclass, field
from typing import Any

from aigc_cli.training.divergence import LossWatch
from aigc_cli.training.schedule import Plateau

PROBE_STEPS = 10
PROBE_SHARE = 0.08
PROBE_SECONDS = 120.0
PACE_SHARE = 0.01  # of a time budget, to measure what a step costs since its cost changed
EVALUATION_SHARE = 0.15  # of a time budget, at most
TOO_SLOW = 1.25


@dataclass
class Clockwork:
    """The loop's own state, saved in each checkpoint.

    `best` is what the model files in the run's root scored; `reference` is what the next evaluation must better to
    count as progress: another value only after going back to before the best. `paced_since` is the step from which on
    a step has the cost that `total_steps` was last reckoned with. `sums` and `counts` are of what was
    measured since the last line of the log.
    """

    step: int = 0
    total_steps: int | None = None
    minutes: float | None = None
    elapsed_seconds: float = 0.0
    lowered: bool = False
    rollbacks: int = 0
    evaluations: int = 1
    evaluations_seconds: float = 0.0
    evaluated_step: int = -1
    sound_step: int = 0
    paced_since: int = 0
    best: float | None = None
    best_step: int = 0
    reference: float | None = None
    stale_evaluations: int = 0
    plateau: Plateau = field(default_factory=Plateau)
    losses: LossWatch = field(default_factory=LossWatch)
    sums: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the state as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> "Clockwork":
        """Take back what `as_json` returned; TypeError if it is something else. What older versions lack is as new."""
        plateau, losses = Plateau(**saved.get("plateau", {})), LossWatch(**saved.get("losses", {}))
        reference = saved.get("reference", saved["best"])
        return cls(**{**saved, "plateau": plateau, "losses": losses, "reference": reference})

    def probed(self, budget_seconds: float) -> bool:
        """Whether enough has run to know the speed: some steps and a share of the budget, or all of it."""
        enough = self.elapsed_seconds >= min(PROBE_SHARE * budget_seconds, PROBE_SECONDS)
        return (self.step >= PROBE_STEPS and enough) or self.elapsed_seconds >= budget_seconds

    def resolve(self, minutes: float, seconds_per_step: float, evaluations: int) -> None:
        """Turn minutes into steps: the time left, less the evaluations to come, at the speed so far."""
        budget = 60.0 * minutes
        affordable = int(EVALUATION_SHARE * budget / max(self.evaluations_seconds, 1e-9))
        self.evaluations = max(1, min(evaluations, affordable))
        left = budget - self.elapsed_seconds - self.evaluations_seconds * self.evaluations
        self.total_steps = self.step + max(1, int(left / seconds_per_step))

    def repace(self, minutes: float, seconds_per_step: float, since: int) -> None:
        """Reckon the number of steps anew, for from step `since` on a step costs something else."""
        interval = max(1, -(-(self.total_steps or 1) // self.evaluations))
        to_come = max(1, self.evaluations - self.step // interval)
        left = 60.0 * minutes - self.elapsed_seconds - self.evaluations_seconds * to_come
        self.total_steps, self.paced_since = self.step + max(1, int(left / seconds_per_step)), since

    def lower(self, minutes: float) -> bool:
        """Lower the number of steps, once, if the projected time is far beyond the minutes; return whether it did."""
        if self.lowered or self.total_steps is None or not 0 < self.step < self.total_steps:
            return False
        budget, seconds_per_step = 60.0 * minutes, self.elapsed_seconds / self.step
        if seconds_per_step * self.total_steps <= TOO_SLOW * budget:
            return False
        self.total_steps = self.step + max(1, int((budget - self.elapsed_seconds) / seconds_per_step))
        self.lowered = True
        return True

    def evaluation_due(self) -> bool:
        """Whether the step just done is one to evaluate at: evenly spaced ones, and the last."""
        if self.total_steps is None:
            return False
        interval = max(1, -(-self.total_steps // max(1, self.evaluations)))
        return self.step % interval == 0 or self.step == self.total_steps

    def take(self, value: float, plateau_patience: int) -> bool:
        """Count one evaluation's value; return whether it is the best so far."""
        improved = self.reference is None or value < self.reference
        if improved:
            self.reference = value
        self.stale_evaluations = 0 if improved else self.stale_evaluations + 1
        self.plateau = self.plateau.after(improved, plateau_patience)
        self.evaluated_step = self.sound_step = self.step
        if self.best is not None and value >= self.best:
            return False
        self.best, self.best_step = value, self.step
        return True
