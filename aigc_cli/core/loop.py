"""The rim of every training: when to log, evaluate, save and stop. Never the step itself.

A trainer is any object with the methods of `Trainer`; the loop owns the step, the clock and the run folder.

Exactness. All randomness of step k is named by k (`core.seeding`), so a checkpoint is the trainer's state and
a few numbers, and N steps, kill -9, resume and N more are bit-equal to 2N. A time budget becomes a number of
steps once, early on, from the speed measured so far; the number is in a checkpoint before any schedule reads it.
"""

import math
import shutil
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from aigc_cli.core.checkpoint import load_tensors, save_tensors
from aigc_cli.core.errors import AigcError, BadData, UsageProblem
from aigc_cli.core.files import atomic_folder, read_json, write_json
from aigc_cli.core.messages import tr
from aigc_cli.core.metrics import MetricsLog
from aigc_cli.core.progress import Progress
from aigc_cli.core.rundir import RunDir
from aigc_cli.core.signals import StopFlag

if TYPE_CHECKING:
    from torch import Tensor

KEPT_CHECKPOINTS = 2
MAX_ROLLBACKS = 2
PROBE_STEPS = 10
PROBE_SHARE = 0.08
PROBE_SECONDS = 120.0
EVALUATION_SHARE = 0.15  # of a time budget, at most


class Trainer(Protocol):
    """What the loop needs of something that trains. `objective` names the validation metric; lower is better."""

    objective: str
    lr_scale: float  # halved by the loop after each roll-back; `update` multiplies every learning rate by it

    def update(self, step: int, total_steps: int | None) -> "Mapping[str, float | Tensor]":
        """Do optimisation step `step` (0-based) and return scalars to log."""

    def evaluate(self, step: int) -> dict[str, float]:
        """Return validation metrics, `objective` among them; must not disturb training."""

    def state(self) -> "tuple[dict[str, Tensor], dict[str, Any]]":
        """Return all tensors and JSON scalars that exact resume needs."""

    def restore(self, tensors: "dict[str, Tensor]", scalars: dict[str, Any]) -> None:
        """Take back what `state` returned."""

    def export(self, root: Path, step: int, metrics: dict[str, float]) -> None:
        """Write the model files in the run's root, each atomically: these are the best weights so far."""

    def preview(self, folder: Path, step: int) -> str:
        """Write previews into a folder and return a line to show ("" for none)."""

    def summary(self, metrics: dict[str, float]) -> str:
        """Say where training stands in a few words, from the last logged or evaluated metrics."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How long to train and how often to look. Exactly one of `steps` and `minutes` is given."""

    steps: int | None
    minutes: float | None
    evaluations: int = 10
    log_every_steps: int = 20
    save_every_seconds: float = 60.0
    patience: int = 0

    def __post_init__(self) -> None:
        if (self.steps is None) == (self.minutes is None):
            raise UsageProblem(tr("how long to train?"), tr("give --steps or --minutes, one of them"))


@dataclass
class _Clockwork:
    """The loop's own state, saved in each checkpoint."""

    step: int = 0
    total_steps: int | None = None
    elapsed_seconds: float = 0.0
    best: float | None = None
    best_step: int = 0
    stale_evaluations: int = 0
    lowered: bool = False
    rollbacks: int = 0
    evaluations: int = 1
    evaluations_seconds: float = 0.0


def train(trainer: Trainer, plan: Plan, run: RunDir, progress: Progress, flag: StopFlag) -> dict[str, Any]:
    """Train until the plan is fulfilled, the metric stops improving, or a signal; return the run's record.

    Resumes from the newest checkpoint in `run`. Raises Interrupted (130, 143) after saving, and AigcError (1)
    when training diverges again after the allowed roll-backs.
    """
    return _Loop(trainer, plan, run, progress, flag).run()


class _Loop:
    def __init__(self, trainer: Trainer, plan: Plan, run: RunDir, progress: Progress, flag: StopFlag) -> None:
        self._trainer, self._plan, self._run, self._progress, self._flag = trainer, plan, run, progress, flag
        self._log = MetricsLog(run.metrics_path)
        self._work = _Clockwork(total_steps=plan.steps, evaluations=max(1, plan.evaluations))
        self._sums: dict[str, Any] = {}
        self._counts: Counter[str] = Counter()
        self._logged_at = (0, time.monotonic())
        self._last_saved = time.monotonic()
        self._evaluated_step = -1
        self._latest: dict[str, float] = {}

    def run(self) -> dict[str, Any]:
        trainer, work = self._trainer, self._work
        if self._run.checkpoint_steps():
            self._restore()
            self._progress.say(tr("resuming at step {step}", step=self._work.step))
        work = self._work
        self._run.update_record(status="training")
        self._clock_zero = time.monotonic() - work.elapsed_seconds
        self._logged_at = (work.step, time.monotonic())
        self._announce()
        while (work.total_steps is None or work.step < work.total_steps) and not self._out_of_patience():
            self._add(trainer.update(work.step, work.total_steps))
            work.step += 1
            self._after_step()
            work = self._work
        return self._finish()

    def _out_of_patience(self) -> bool:
        patience = self._plan.patience
        if not patience or self._work.stale_evaluations < patience:
            return False
        self._progress.say(
            tr(
                "no better {metric} in {patience} evaluations: stopping early",
                metric=self._trainer.objective,
                patience=patience,
            )
        )
        return True

    def _announce(self) -> None:
        work = self._work
        title = "training"
        self._progress.stage(title, work.total_steps, tr("steps"))
        if work.step:
            self._progress.advance(work.step)

    def _after_step(self) -> None:
        work = self._work
        work.elapsed_seconds = time.monotonic() - self._clock_zero
        due_evaluation = work.total_steps is not None and work.step % self._evaluation_interval() == 0
        due_saving = self._flag.requested or time.monotonic() - self._last_saved > self._plan.save_every_seconds
        due_resolution = work.total_steps is None and self._probed()
        logged = work.step % self._plan.log_every_steps == 0 or due_evaluation or due_saving or due_resolution
        if logged and not self._write_log():
            return  # rolled back: nothing that is not finite is ever evaluated or saved
        self._progress.advance(1, self._trainer.summary(self._latest) if logged else "")
        if due_resolution:
            self._resolve_budget()
        elif due_evaluation and work.step != work.total_steps:
            self._evaluate()
            self._keep_to_budget()
        if due_saving:
            self._save("interrupted" if self._flag.requested else "training")
        if self._flag.requested:
            self._progress.close()
            self._flag.raise_if_requested(
                tr("saved at step {step}; the same command goes on from there", step=work.step)
            )

    def _evaluation_interval(self) -> int:
        return max(1, math.ceil((self._work.total_steps or 1) / self._work.evaluations))

    def _probed(self) -> bool:
        """Whether enough has run to know the speed: some steps and a share of the budget, or all of it."""
        work, budget = self._work, 60.0 * (self._plan.minutes or 0.0)
        enough = work.elapsed_seconds >= min(PROBE_SHARE * budget, PROBE_SECONDS)
        return (work.step >= PROBE_STEPS and enough) or work.elapsed_seconds >= budget

    def _resolve_budget(self) -> None:
        """Turn minutes into steps: the time left, less the evaluations to come, at the speed so far."""
        work, budget = self._work, 60.0 * (self._plan.minutes or 0.0)
        seconds_per_step = work.elapsed_seconds / work.step
        self._evaluate()
        work.elapsed_seconds = time.monotonic() - self._clock_zero
        affordable = int(EVALUATION_SHARE * budget / max(work.evaluations_seconds, 1e-9))
        work.evaluations = max(1, min(self._plan.evaluations, affordable))
        left = budget - work.elapsed_seconds - work.evaluations_seconds * work.evaluations
        work.total_steps = work.step + max(1, int(left / seconds_per_step))
        self._save("training")
        self._progress.say(
            tr(
                "{minutes:g} minutes are {total_steps} steps at this speed",
                minutes=self._plan.minutes,
                total_steps=work.total_steps,
            )
        )
        self._announce()

    def _keep_to_budget(self) -> None:
        """Lower the stored number of steps, once, if the projected time passes 1.25 times the budget."""
        work = self._work
        if self._plan.minutes is None or work.lowered or work.total_steps is None:
            return
        work.elapsed_seconds = time.monotonic() - self._clock_zero
        budget = 60.0 * self._plan.minutes
        seconds_per_step = work.elapsed_seconds / work.step
        if seconds_per_step * work.total_steps > 1.25 * budget:
            work.total_steps = work.step + max(1, int((budget - work.elapsed_seconds) / seconds_per_step))
            work.lowered = True
            self._save("training")
            self._progress.say(
                tr("slower than at the start: lowered to {total_steps} steps", total_steps=work.total_steps)
            )
            self._announce()

    def _add(self, metrics: "Mapping[str, float | Tensor]") -> None:
        for name, value in metrics.items():
            value = value.detach() if hasattr(value, "detach") else value
            self._sums[name] = self._sums[name] + value if name in self._sums else value
            self._counts[name] += 1

    def _write_log(self) -> bool:
        """Log the means since the last log; False if they were not finite and training was rolled back."""
        means = {name: float(value) / self._counts[name] for name, value in self._sums.items()}
        self._forget_sums()
        broken = [name for name, value in means.items() if not math.isfinite(value)]
        if broken:
            self._roll_back(broken[0])
            return False
        work, now = self._work, time.monotonic()
        if work.step > self._logged_at[0]:
            means["steps_per_second"] = (work.step - self._logged_at[0]) / (now - self._logged_at[1])
        self._logged_at = (work.step, now)
        self._latest |= means
        self._log.append({"step": work.step, **means, "elapsed_seconds": round(work.elapsed_seconds, 3)})
        return True

    def _forget_sums(self) -> None:
        self._sums = {}
        self._counts.clear()

    def _roll_back(self, name: str) -> None:
        steps, rollbacks = self._run.checkpoint_steps(), self._work.rollbacks + 1
        at = self._work.step
        if not steps or rollbacks > MAX_ROLLBACKS:
            self._progress.close()
            raise AigcError(
                tr("{path}: diverged: {name} is not finite at step {at}", path=self._run.path, name=name, at=at),
                tr("lower the learning rate"),
            )
        self._restore()
        self._work.rollbacks = rollbacks
        self._trainer.lr_scale = 0.5**rollbacks
        self._clock_zero = time.monotonic() - self._work.elapsed_seconds
        self._save("training")
        place = f"back to step {self._work.step}, learning rate x {self._trainer.lr_scale:g}"
        self._progress.say(tr("{name} is not finite at step {at}: {place}", name=name, at=at, place=place))
        self._announce()

    def _evaluate(self) -> None:
        work, started = self._work, time.monotonic()
        metrics = self._trainer.evaluate(work.step)
        self._evaluated_step = work.step
        value = metrics[self._trainer.objective]
        if work.best is None or value < work.best:
            work.best, work.best_step, work.stale_evaluations = value, work.step, 0
            self._trainer.export(self._run.path, work.step, metrics)
        else:
            work.stale_evaluations += 1
        line = self._trainer.preview(self._run.previews, work.step)
        work.evaluations_seconds = time.monotonic() - started
        self._latest |= metrics
        self._log.append({"step": work.step, **metrics, "elapsed_seconds": round(work.elapsed_seconds, 3)})
        self._progress.say(f"step {work.step}: {self._trainer.summary(self._latest)}" + (f" | {line}" if line else ""))

    def _save(self, status: str) -> None:
        work = self._work
        tensors, scalars = self._trainer.state()
        folder = self._run.checkpoint(work.step)
        with atomic_folder(folder, replace=True) as temporary:
            save_tensors(temporary / "state.safetensors", tensors)
            write_json(temporary / "state.json", {"loop": asdict(work), "trainer": scalars})
        self._run.update_record(
            status=status,
            step=work.step,
            total_steps=work.total_steps,
            seconds=round(work.elapsed_seconds, 3),
            best=None if work.best is None else {"step": work.best_step, self._trainer.objective: work.best},
        )
        for old in self._run.checkpoint_steps()[:-KEPT_CHECKPOINTS]:
            shutil.rmtree(self._run.checkpoint(old), ignore_errors=True)
        self._last_saved = time.monotonic()

    def _restore(self) -> None:
        folder = self._run.checkpoint(self._run.checkpoint_steps()[-1])
        saved = read_json(folder / "state.json")
        tensors = load_tensors(folder / "state.safetensors")
        try:
            self._trainer.restore(tensors, saved["trainer"])
            self._work = _Clockwork(**saved["loop"])
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            remedy = f"delete {folder} to go on from the checkpoint before it"
            raise BadData(
                tr("{folder}: not a checkpoint of this run: {kind}", folder=folder, kind=type(error).__name__), remedy
            ) from error
        self._trainer.lr_scale = 0.5**self._work.rollbacks
        if self._plan.steps is not None:
            self._work.total_steps = self._plan.steps
        self._log.cut_after(self._work.step)
        self._forget_sums()

    def _finish(self) -> dict[str, Any]:
        work = self._work
        if self._sums and not self._write_log():
            return self.run()
        if self._evaluated_step != work.step:
            self._evaluate()
        work.elapsed_seconds = time.monotonic() - self._clock_zero
        self._save("finished")
        self._progress.close()
        return self._run.record()
