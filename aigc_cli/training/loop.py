"""The rim of every training: when to log, evaluate, save, go back and stop. Never the step itself.

A trainer is any object with the methods of `Trainer`; the loop owns the step, the clock and the run folder.

Exactness. All randomness of step k is named by k (`core.seeding`), so a checkpoint is the trainer's state and
a few numbers (`training.clockwork`), and N steps, kill -9, resume and N more are bit-equal to 2N. A time budget becomes
a number of steps once, early on, from the speed measured so far; the number is in a checkpoint before any schedule
reads it. When a checkpoint is taken changes nothing else: what is logged depends on the step alone.

Where several processes train one model, every one runs this loop and all take the same turns: what a clock, a signal
or the run folder says is agreed on first. Only the first process writes.
"""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from aigc_cli.core.disk.rundir import RunDir
from aigc_cli.core.disk.sharded import mesh_of
from aigc_cli.core.disk.snapshots import forget_after, load_snapshot, newest_until, prune, save_snapshot
from aigc_cli.core.errors import AigcError, BadConfig, BadData, UsageProblem
from aigc_cli.core.machine.distributed import ALONE, World
from aigc_cli.core.machine.platform import peak_memory
from aigc_cli.core.machine.signals import StopFlag
from aigc_cli.core.screen.progress import Progress
from aigc_cli.core.words.messages import tr
from aigc_cli.training.clockwork import PACE_SHARE, PROBE_STEPS, Clockwork
from aigc_cli.training.events import EventLog
from aigc_cli.training.metrics import MetricsLog
from aigc_cli.training.schedule import Schedule

if TYPE_CHECKING:
    from torch import Tensor

MAX_ROLLBACKS = 2


class Trainer(Protocol):
    """What the loop needs of something that trains. `objective` names the validation metric; lower is better.

    `counted` is the metric of `update` that says how much a step saw ("tokens"), to be logged by the second too. A
    metric called "loss" is watched for divergence. `pace_since` is the step from which on a step costs what it
    does now: 0 unless the training grows.
    """

    objective: str
    counted: str
    pace_since: int
    schedule: Schedule
    lr_scale: float  # set by the loop after roll-backs and on a plateau; `update` multiplies every learning rate by it

    def update(self, step: int, total_steps: int | None) -> "Mapping[str, float | Tensor]":
        """Do optimisation step `step` (0-based) and return scalars to log."""

    def evaluate(self, step: int) -> dict[str, float]:
        """Return validation metrics, `objective` among them; must not disturb training."""

    def trouble(self, metrics: Mapping[str, float]) -> str:
        """Say what an evaluation shows to have gone wrong, so that the loop goes back ("" if nothing)."""

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

    def expectation(self, total_steps: int) -> str:
        """Say what a training of so many steps is likely to end with ("" where that is not known)."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How long to train, how often to look, what to keep. Exactly one of `steps` and `minutes` is given."""

    steps: int | None
    minutes: float | None
    evaluations: int = 10
    log_every_steps: int = 20
    save_every_seconds: float = 60.0
    save_every_steps: int = 0
    keep_checkpoints: int = 2
    patience: int = 0
    plateau_patience: int = 1
    tensorboard: bool = False

    def __post_init__(self) -> None:
        if (self.steps is None) == (self.minutes is None):
            raise UsageProblem(tr("how long to train?"), tr("give --steps or --minutes, one of them"))


def train(
    trainer: Trainer, plan: Plan, run: RunDir, progress: Progress, flag: StopFlag, world: World = ALONE
) -> dict[str, Any]:
    """Train until the plan is fulfilled, the metric stops improving, or a signal; return the run's record.

    Resumes from the newest checkpoint in `run`. A plan of another length than before is taken up from where it would
    not have differed; BadConfig where no checkpoint is that old. Raises Interrupted (130, 143) after saving, and
    AigcError (1) when training diverges again after the allowed roll-backs.
    """
    return _Loop(trainer, plan, run, progress, flag, world).run()


class _Loop:
    def __init__(
        self, trainer: Trainer, plan: Plan, run: RunDir, progress: Progress, flag: StopFlag, world: World
    ) -> None:
        self._trainer, self._plan, self._run, self._progress, self._flag = trainer, plan, run, progress, flag
        self._world = world
        self._logs: list[MetricsLog | EventLog] = [MetricsLog(run.metrics_path)] if world.is_main else []
        if plan.tensorboard and world.is_main:
            self._logs.append(EventLog(run.tensorboard))
        self._work = Clockwork(total_steps=plan.steps, minutes=plan.minutes, evaluations=plan.evaluations)
        self._sums: dict[str, Any] = {}
        self._logged: dict[str, float] = {}
        self._evaluated: dict[str, float] = {}
        self._curve: list[float] = []
        self._expected = ""
        self._pace = (0, 0, 0.0)  # since which step another cost counts, and the step and seconds measured from

    def run(self) -> dict[str, Any]:
        if self._saved_steps():
            self._resume()
        else:
            self._cut_logs_after(-1)  # what an attempt that left no checkpoint had logged
        self._update_record(status="training")
        self._last_saved = time.monotonic()
        self._start_clock()
        while True:
            while not self._is_over():
                self._add(self._trainer.update(self._work.step, self._work.total_steps))
                self._work.step += 1
                self._after_step()
            if self._work.evaluated_step == self._work.step or self._evaluate():
                return self._finish()

    def _is_over(self) -> bool:
        work, patience = self._work, self._plan.patience
        if patience and work.stale_evaluations >= patience:
            self._progress.say(
                tr(
                    "no better {metric} in {patience} evaluations: stopping early",
                    metric=self._trainer.objective,
                    patience=patience,
                )
            )
            return True
        return work.total_steps is not None and work.step >= work.total_steps

    def _start_clock(self) -> None:
        """Begin to measure time where the state says that it was, and show where training stands."""
        work, now = self._work, time.monotonic()
        self._clock_zero = now - work.elapsed_seconds
        self._measured = (work.step, now)
        self._show_length(work.step)

    def _elapsed(self) -> float:
        return self._world.highest(time.monotonic() - self._clock_zero)[0]

    def _saved_steps(self) -> list[int]:
        return list(self._world.decided(self._run.checkpoint_steps()))

    def _update_record(self, **changes: Any) -> None:
        if self._world.is_main:
            self._run.update_record(**changes)

    def _after_step(self) -> None:
        work, plan = self._work, self._plan
        now = time.monotonic()
        work.elapsed_seconds, unsaved_seconds, signum = self._world.highest(
            now - self._clock_zero, now - self._last_saved, self._flag.signum or 0
        )
        resolving = work.total_steps is None and work.probed(60.0 * (plan.minutes or 0.0))
        evaluating = work.evaluation_due()
        logging = work.step % plan.log_every_steps == 0 or evaluating or resolving
        stopping = self._flag.agreed(int(signum))
        saving = (stopping or self._saving_due(unsaved_seconds)) and not resolving
        if (logging or saving) and not self._is_finite():
            return
        if logging and not self._write_log():
            return
        if resolving:
            if not self._resolve_budget():
                return
        elif evaluating:
            if not self._evaluate():
                return
            self._keep_to_budget()
        else:
            self._keep_pace()
        if saving:
            self._save("interrupted" if stopping else "training")
        self._progress.advance(1, self._note() if logging else "", self._curve)
        if stopping:
            self._progress.close()
            self._flag.raise_if_requested(
                tr("saved at step {step}; the same command goes on from there", step=work.step)
            )

    def _note(self) -> str:
        return self._trainer.summary({**self._logged, **self._evaluated})

    def _saving_due(self, unsaved_seconds: float) -> bool:
        """Whether to save now: by the clock, the step, or because a longer run could branch off; never a bad state."""
        work, plan = self._work, self._plan
        if work.losses.high or work.step == work.total_steps:
            return False
        by_step = plan.save_every_steps and work.step % plan.save_every_steps == 0
        by_clock = unsaved_seconds > plan.save_every_seconds
        return bool(by_step or by_clock or work.step == self._branching_step())

    def _branching_step(self) -> int:
        """Return the last step from which a longer run could still be made (0: none worth a checkpoint)."""
        falls = self._trainer.schedule.kind == "wsd" and self._work.total_steps is not None
        return self._trainer.schedule.common_steps(self._work.total_steps or 0) if falls else 0

    def _resolve_budget(self) -> bool:
        work, minutes = self._work, self._plan.minutes or 0.0
        seconds_per_step = work.elapsed_seconds / work.step
        if not self._evaluate():
            return False
        work.elapsed_seconds = self._elapsed()
        work.resolve(minutes, seconds_per_step, self._plan.evaluations)
        self._save("training")
        self._progress.say(
            tr(
                "{minutes:g} minutes are {total_steps} steps at this speed",
                minutes=minutes,
                total_steps=work.total_steps,
            )
        )
        self._show_length(work.step - 1)
        return True

    def _keep_to_budget(self) -> None:
        """Lower the stored number of steps, once, if the projected time is far beyond the budget."""
        work = self._work
        work.elapsed_seconds = self._elapsed()
        if self._plan.minutes is not None and work.lower(self._plan.minutes):
            self._save("training")
            self._progress.say(
                tr("slower than at the start: lowered to {total_steps} steps", total_steps=work.total_steps)
            )
            self._show_length(work.step - 1)

    def _keep_pace(self) -> None:
        """Reckon the number of steps anew once it is known what a step costs since its cost changed."""
        work, since, minutes = self._work, self._trainer.pace_since, self._plan.minutes
        if minutes is None or work.total_steps is None or work.paced_since == since:
            return
        if self._pace[0] != since:
            self._pace = (since, work.step, work.elapsed_seconds)
            return
        steps, seconds = work.step - self._pace[1], work.elapsed_seconds - self._pace[2]
        if steps >= PROBE_STEPS and seconds >= PACE_SHARE * 60.0 * minutes:
            work.repace(minutes, seconds / steps, since)
            self._save("training")
            self._progress.say(tr("now {total_steps} steps: a step costs more", total_steps=work.total_steps))
            self._show_length(work.step - 1)

    def _say_expectation(self) -> None:
        """Say what the training is likely to end with, once its length is known and whenever that changes the words."""
        total = self._work.total_steps
        words = self._trainer.expectation(total) if total is not None else ""
        if words and words != self._expected:
            self._progress.say(words)
        self._expected = words

    def _show_length(self, done: int) -> None:
        """Show how many steps there are to be and are done, and say what they are likely to end with."""
        self._say_expectation()
        self._progress.stage(tr("training"), self._work.total_steps, tr("steps"))
        if done:
            self._progress.advance(done)

    def _add(self, metrics: "Mapping[str, float | Tensor]") -> None:
        counts = self._work.counts
        for name, value in metrics.items():
            value = value.detach() if hasattr(value, "detach") else value
            self._sums[name] = self._sums[name] + value if name in self._sums else value
            counts[name] = counts.get(name, 0) + 1

    def _is_finite(self) -> bool:
        """Read what was measured; where it is not finite go back and return False: it is never evaluated or saved."""
        work = self._work
        work.sums = {name: float(value) for name, value in self._sums.items()}
        broken = next((name for name, value in work.sums.items() if not math.isfinite(value)), None)
        if broken is not None:
            self._roll_back(tr("{name} is not finite", name=broken), work.step)
        return broken is None

    def _write_log(self) -> bool:
        """Log the means since the last log; False if they showed divergence and training was rolled back."""
        work, now = self._work, time.monotonic()
        means = {name: value / work.counts[name] for name, value in work.sums.items()}
        self._sums, work.sums, work.counts = {}, {}, {}
        step, at = self._measured
        if work.step > step and now > at:
            means["steps_per_second"] = (work.step - step) / (now - at)
            if self._trainer.counted in means:
                rate = means[self._trainer.counted] * means["steps_per_second"]
                means[f"{self._trainer.counted}_per_second"] = rate
        self._measured = (work.step, now)
        self._logged = means
        if "loss" in means:
            self._curve.append(means["loss"])
        self._append({**means, "max_resident_bytes": peak_memory()})
        usual = work.losses
        if "loss" in means and usual.diverged(work.step, means["loss"]):
            words = tr("the loss rose to {loss:.4g}, from {usual:.4g}", loss=means["loss"], usual=usual.usual)
            self._roll_back(words, usual.sound_step)
            return False
        return True

    def _append(self, metrics: Mapping[str, float]) -> None:
        work = self._work
        for log in self._logs:
            log.append({"step": work.step, **metrics, "elapsed_seconds": round(work.elapsed_seconds, 3)})

    def _roll_back(self, what: str, sound_step: int) -> None:
        """Go back to a checkpoint from before the trouble, with half the learning rate; AigcError when that is used up.

        Where all checkpoints are younger, the oldest of them is taken.
        """
        steps, before = self._saved_steps(), self._work
        if not steps or before.rollbacks >= MAX_ROLLBACKS:
            self._progress.close()
            raise AigcError(
                tr("{path}: diverged: {what} at step {step}", path=self._run.path, what=what, step=before.step),
                tr("lower the learning rate"),
            )
        self._go_back(max((step for step in steps if step <= sound_step), default=steps[0]))
        self._work.rollbacks = before.rollbacks + 1
        self._scale_rates()
        self._start_clock()
        self._save("training")
        self._progress.say(
            tr(
                "{what} at step {step}: back to step {earlier}, learning rate x {scale:g}",
                what=what,
                step=before.step,
                earlier=self._work.step,
                scale=self._trainer.lr_scale,
            )
        )

    def _go_back(self, step: int) -> None:
        """Take up an earlier checkpoint. The model files in the root stay the best that there were."""
        before = self._work
        self._restore(step)
        self._work.best, self._work.best_step = before.best, before.best_step
        if self._world.is_main:
            forget_after(self._run, step)

    def _scale_rates(self) -> None:
        scale, schedule = 0.5**self._work.rollbacks, self._trainer.schedule
        if schedule.kind == "plateau":
            scale *= self._work.plateau.factor(schedule.final)
        self._trainer.lr_scale = scale

    def _evaluate(self) -> bool:
        """Evaluate, keep the best weights, draw a preview; False if it showed trouble and training was rolled back."""
        work, trainer, started = self._work, self._trainer, time.monotonic()
        metrics = trainer.evaluate(work.step)
        value = metrics[trainer.objective]
        finite = math.isfinite(value)
        what = trainer.trouble(metrics) if finite else tr("{name} is not finite", name=trainer.objective)
        if what:
            self._roll_back(what, work.sound_step)
            return False
        if work.take(value, self._plan.plateau_patience):
            trainer.export(self._run.path, work.step, metrics)
        self._scale_rates()
        line = trainer.preview(self._run.previews, work.step)
        work.evaluations_seconds = self._world.highest(time.monotonic() - started)[0]
        self._evaluated = metrics
        if "loss" not in self._logged:
            self._curve.append(value)
        self._append(metrics)
        self._progress.say(
            tr("step {step}: {summary}", step=work.step, summary=self._note()) + (f" | {line}" if line else "")
        )
        self._measured = (work.step, time.monotonic())
        self._pace = (0, 0, 0.0)
        return True

    def _save(self, status: str) -> None:
        work = self._work
        tensors, scalars = self._trainer.state()
        save_snapshot(self._run, work.step, tensors, {"loop": work.as_json(), "trainer": scalars}, self._world)
        self._update_record(
            status=status,
            step=work.step,
            total_steps=work.total_steps,
            seconds=round(work.elapsed_seconds, 3),
            best=None if work.best is None else {"step": work.best_step, self._trainer.objective: work.best},
        )
        if self._world.is_main:
            prune(self._run, self._plan.keep_checkpoints, (work.sound_step, self._branching_step()))
        self._world.wait()
        self._last_saved = time.monotonic()

    def _resume(self) -> None:
        self._restore(self._saved_steps()[-1])
        wanted = self._wanted_steps()
        if wanted != self._work.total_steps:
            self._change_length(wanted)
        self._progress.say(tr("resuming at step {step}", step=self._work.step))

    def _wanted_steps(self) -> int | None:
        """Return the steps that the plan asks for, in place of the stored number where its length is another."""
        work, minutes = self._work, self._plan.minutes
        if minutes is None:
            return self._plan.steps
        if minutes == work.minutes or not work.step:
            return work.total_steps
        return max(1, int(60.0 * minutes * work.step / max(work.elapsed_seconds, 1e-9)))

    def _change_length(self, wanted: int | None) -> None:
        """Go on towards another number of steps, from where the two trainings do not differ yet."""
        work, schedule, plan = self._work, self._trainer.schedule, self._plan
        lengths = [steps for steps in (work.total_steps, wanted) if steps is not None]
        shared = min(schedule.common_steps(steps) for steps in lengths)
        common = self._world.decided(newest_until(self._run, shared))
        if common is None:
            raise BadConfig(
                tr(
                    "{path}: made for {old} steps: a {schedule} schedule over {new} has other learning rates earlier "
                    "than its oldest checkpoint",
                    path=self._run.path,
                    old=work.total_steps,
                    new=wanted,
                    schedule=schedule.kind,
                ),
                tr("another -o, or --resume restart; constant, plateau and wsd runs can be lengthened"),
            )
        if common < work.step:
            self._progress.say(tr("its learning rate would have been another from step {step} on", step=common))
            self._go_back(common)
        record = self._run.record()
        length = {"steps": plan.steps, "minutes": plan.minutes or record["settings"].get("minutes")}
        self._work.total_steps, self._work.minutes = wanted, plan.minutes
        self._work.evaluations, self._work.stale_evaluations, self._work.lowered = plan.evaluations, 0, False
        self._save("training")
        self._update_record(settings={**record["settings"], **length})

    def _restore(self, step: int) -> None:
        tensors, saved = load_snapshot(self._run, step, mesh_of(self._trainer.state()[0]))
        try:
            self._trainer.restore(tensors, saved["trainer"])
            self._work = Clockwork.from_json({"minutes": self._plan.minutes, **saved["loop"]})
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            folder = self._run.checkpoint(step)
            raise BadData(
                tr("{folder}: not a checkpoint of this run: {kind}", folder=folder, kind=type(error).__name__),
                tr("delete {folder} to go on from the checkpoint before it", folder=folder),
            ) from error
        self._sums = dict(self._work.sums)
        self._logged, self._evaluated = {}, {}
        self._scale_rates()
        self._cut_logs_after(step)
        self._world.wait()  # for whoever still reads what the next checkpoint replaces

    def _cut_logs_after(self, step: int) -> None:
        for log in self._logs:
            log.cut_after(step)

    def _finish(self) -> dict[str, Any]:
        self._work.elapsed_seconds = self._elapsed()
        self._save("finished")
        for log in self._logs:
            log.close()
        self._progress.close()
        return self._run.record()
