"""What steps measure, as means in the log and as words for the screen; notices what must not be gone on with.

What is logged depends on the step alone: sums since the last line are in the checkpoint. Knows no trainer and no
checkpoints. Of several processes all keep the same sums, and only the first one has lines to write.
"""

import math
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aigc_cli.core.machine.platform import peak_memory
from aigc_cli.core.words.messages import tr
from aigc_cli.training.clockwork import Clockwork
from aigc_cli.training.divergence import Diverged
from aigc_cli.training.events import EventLog
from aigc_cli.training.metrics import MetricsLog

if TYPE_CHECKING:
    from torch import Tensor


class TrainingLog:
    """Sums of what was measured since the last line, and the files that lines go to.

    `counted` is the metric that says how much a step saw, to be logged by the second too. `curve` is what there is to
    draw: the loss of each line, or where there is none the objective of each evaluation.
    """

    def __init__(self, files: list[MetricsLog | EventLog], counted: str) -> None:
        self.curve: list[float] = []
        self._files, self._counted = files, counted
        self._sums: dict[str, Any] = {}  # tensors still, so that a step waits for no device
        self._logged: dict[str, float] = {}
        self._evaluated: dict[str, float] = {}
        self._speed_from = (0, 0.0)

    @property
    def newest(self) -> dict[str, float]:
        """What was logged and evaluated last."""
        return {**self._logged, **self._evaluated}

    def add(self, work: Clockwork, metrics: "Mapping[str, float | Tensor]") -> None:
        """Add what one step measured."""
        for name, value in metrics.items():
            value = value.detach() if hasattr(value, "detach") else value
            self._sums[name] = self._sums[name] + value if name in self._sums else value
            work.counts[name] = work.counts.get(name, 0) + 1

    def read(self, work: Clockwork) -> None:
        """Read the sums into the state; Diverged where one is not finite: it is never evaluated or saved."""
        work.sums = {name: float(value) for name, value in self._sums.items()}
        broken = next((name for name, value in work.sums.items() if not math.isfinite(value)), None)
        if broken is not None:
            raise Diverged(tr("{name} is not finite", name=broken), work.step)

    def write(self, work: Clockwork, machine: Mapping[str, float]) -> None:
        """Log the means of what was read since the last line, and what the machine did meanwhile.

        Diverged where the loss has been too high for long.
        """
        now = time.monotonic()
        means = {name: value / work.counts[name] for name, value in work.sums.items()}
        self._sums, work.sums, work.counts = {}, {}, {}
        step, at = self._speed_from
        if work.step > step and now > at:
            means["steps_per_second"] = (work.step - step) / (now - at)
            if self._counted in means:
                means[f"{self._counted}_per_second"] = means[self._counted] * means["steps_per_second"]
        self._speed_from = (work.step, now)
        self._logged = means
        self._append(work, {**means, "max_resident_bytes": peak_memory(), **machine})
        if "loss" in means:
            self.curve.append(means["loss"])
            if work.losses.diverged(work.step, means["loss"]):
                usual = work.losses.usual
                words = tr("the loss rose to {loss:.4g}, from {usual:.4g}", loss=means["loss"], usual=usual)
                raise Diverged(words, work.losses.sound_step)

    def write_evaluation(self, work: Clockwork, metrics: dict[str, float], objective: str) -> None:
        """Log what an evaluation measured. Its time is none of a step's."""
        self._evaluated = metrics
        if "loss" not in self._logged:
            self.curve.append(metrics[objective])
        self._append(work, metrics)
        self.measure_speed_from(work)

    def measure_speed_from(self, work: Clockwork) -> None:
        """Measure the speed of the steps that come now."""
        self._speed_from = (work.step, time.monotonic())

    def go_on_from(self, work: Clockwork) -> None:
        """Take up the sums of a checkpoint, and cut what was logged after it."""
        self._sums = dict(work.sums)
        self._logged, self._evaluated = {}, {}
        self.cut_after(work.step)

    def cut_after(self, step: int) -> None:
        """Take back what was logged after a step."""
        for file in self._files:
            file.cut_after(step)

    def close(self) -> None:
        """Write what is still in memory."""
        for file in self._files:
            file.close()

    def _append(self, work: Clockwork, metrics: Mapping[str, float]) -> None:
        for file in self._files:
            file.append({"step": work.step, **metrics, "elapsed_seconds": round(work.elapsed_seconds, 3)})
