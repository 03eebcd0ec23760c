"""The rim of every training: when to log, evaluate, save, go back and stop. Never the step itself.

A trainer is any object with the methods of `Trainer`; the loop owns the step, the clock and the order of things. What
it does in each turn has rooms of its own, which do not know the loop: `log`, `checkpoints`, `length`. All of them read
and write one plain state, `clockwork`.

Exactness. All randomness of step k is named by k (`core.seeding`), so a checkpoint is the trainer's state and
a few numbers (`training.clockwork`), and N steps, kill -9, resume and N more are bit-equal to 2N. A time budget becomes
a number of steps once, early on, from the speed measured so far; the number is in a checkpoint before any schedule
reads it. When a checkpoint is taken changes nothing else: what is logged depends on the step alone.

Where several processes train one model, every one runs this loop and all take the same turns: what a clock, a signal
or the run folder says is agreed on first. Only the first process writes.
"""

import math
import time
from typing import Any

from aigc_cli.core.disk.rundir import RunDir
from aigc_cli.core.errors import AigcError, BadConfig
from aigc_cli.core.machine.distributed import ALONE, World
from aigc_cli.core.machine.signals import StopFlag
from aigc_cli.core.screen.progress import Progress
from aigc_cli.core.words.messages import tr
from aigc_cli.training.checkpoints import Checkpoints
from aigc_cli.training.clockwork import Clockwork
from aigc_cli.training.divergence import Diverged
from aigc_cli.training.events import EventLog
from aigc_cli.training.length import Length, shared_steps
from aigc_cli.training.log import TrainingLog
from aigc_cli.training.metrics import MetricsLog
from aigc_cli.training.others import Others
from aigc_cli.training.plan import Plan
from aigc_cli.training.trainer import Trainer

MAX_ROLLBACKS = 2


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
        self._work = Clockwork(total_steps=plan.steps, minutes=plan.minutes, evaluations=plan.evaluations)
        files: list[MetricsLog | EventLog] = [MetricsLog(run.metrics_path)] if world.is_main else []
        if plan.tensorboard and world.is_main:
            files.append(EventLog(run.tensorboard))
        self._log = TrainingLog(files, trainer.counted)
        self._checkpoints = Checkpoints(run, trainer, plan, world)
        self._length = Length(plan)
        self._expected = ""
        self._others, self._told_of_others = Others(alone=world.local_size == 1), False

    def run(self) -> dict[str, Any]:
        self._begin()
        while True:
            try:
                while not self._is_over():
                    self._turn()
                if self._work.evaluated_step != self._work.step:
                    self._evaluate()
                return self._finish()
            except Diverged as trouble:
                self._roll_back(trouble)

    def _turn(self) -> None:
        """Do one step, and all that is due after it; Diverged where it shows that training has gone wrong."""
        work = self._work
        self._log.add(work, self._trainer.update(work.step, work.total_steps))
        work.step += 1
        work.elapsed_seconds, unsaved_seconds, signum = self._world.highest(
            time.monotonic() - self._clock_zero, self._checkpoints.unsaved_seconds(), self._flag.signum or 0
        )
        stopping = self._flag.agreed(int(signum))
        resolving = self._length.resolvable(work)
        evaluating = resolving or work.evaluation_due()
        logging = evaluating or work.step % self._plan.log_every_steps == 0
        saving = (stopping or self._checkpoints.due(work, unsaved_seconds)) and not resolving
        if logging or saving:
            self._log.read(work)
        if logging:
            self._log.write(work, self._others.measured())
            self._tell_of_others()
        seconds_per_step = work.elapsed_seconds / work.step
        if evaluating:
            self._evaluate()
        if resolving:
            self._take_length(self._length.resolve(work, seconds_per_step))
        elif evaluating:
            self._take_length(self._length.keep_to_budget(work))
        else:
            self._take_length(self._length.keep_pace(work, self._trainer.pace_since))
        if saving:
            self._checkpoints.save(work, "interrupted" if stopping else "training")
        self._progress.advance(1, self._note() if logging else "", self._log.curve)
        if stopping:
            self._stop()

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

    def _evaluate(self) -> None:
        """Evaluate, keep the best weights, draw a preview; Diverged where it shows trouble."""
        work, trainer, started = self._work, self._trainer, time.monotonic()
        metrics = trainer.evaluate(work.step)
        value = metrics[trainer.objective]
        finite = math.isfinite(value)
        what = trainer.trouble(metrics) if finite else tr("{name} is not finite", name=trainer.objective)
        if what:
            raise Diverged(what, work.sound_step)
        if work.take(value, self._plan.plateau_patience):
            trainer.export(self._run.path, work.step, metrics)
        self._scale_rates()
        line = trainer.preview(self._run.previews, work.step)
        work.evaluations_seconds = self._world.highest(time.monotonic() - started)[0]
        self._log.write_evaluation(work, metrics, trainer.objective)
        words = tr("step {step}: {summary}", step=work.step, summary=self._note())
        self._progress.say(words + (f" | {line}" if line else ""))
        self._length.measure_anew()
        work.elapsed_seconds = self._elapsed()

    def _note(self) -> str:
        parts = (self._trainer.summary(self._log.newest), self._others.words)
        return ", ".join(part for part in parts if part)

    def _tell_of_others(self) -> None:
        """Say once in a line of its own that others hold the training up; the notes say it as long as it is so."""
        if self._others.words and not self._told_of_others:
            self._told_of_others = True
            self._progress.say(self._others.words)

    def _scale_rates(self) -> None:
        scale, schedule = 0.5**self._work.rollbacks, self._trainer.schedule
        if schedule.kind == "plateau":
            scale *= self._work.plateau.factor(schedule.final)
        self._trainer.lr_scale = scale

    def _roll_back(self, trouble: Diverged) -> None:
        """Go back to a checkpoint from before the trouble, with half the learning rate; AigcError when that is used up.

        Where all checkpoints are younger, the oldest of them is taken.
        """
        steps, before = self._checkpoints.steps(), self._work
        if not steps or before.rollbacks >= MAX_ROLLBACKS:
            self._progress.close()
            raise AigcError(
                tr("{path}: diverged: {what} at step {step}", path=self._run.path, what=trouble, step=before.step),
                tr("lower the learning rate"),
            ) from trouble
        self._go_back(max((step for step in steps if step <= trouble.sound_step), default=steps[0]))
        self._work.rollbacks = before.rollbacks + 1
        self._scale_rates()
        self._start_clock()
        self._checkpoints.save(self._work, "training")
        self._progress.say(
            tr(
                "{what} at step {step}: back to step {earlier}, learning rate x {scale:g}",
                what=trouble,
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
        self._checkpoints.forget_after(step)

    def _restore(self, step: int) -> None:
        self._work = self._checkpoints.restore(step)
        self._log.go_on_from(self._work)
        self._scale_rates()
        self._world.wait()  # for whoever still reads what the next checkpoint replaces

    def _begin(self) -> None:
        steps = self._checkpoints.steps()
        if steps:
            self._restore(steps[-1])
            wanted = self._length.wanted(self._work)
            if wanted != self._work.total_steps:
                self._change_length(wanted)
            self._progress.say(tr("resuming at step {step}", step=self._work.step))
        else:
            self._log.cut_after(-1)  # what an attempt that left no checkpoint had logged
        self._checkpoints.update_record(status="training")
        self._start_clock()

    def _change_length(self, wanted: int | None) -> None:
        """Go on towards another number of steps, from where the two trainings do not differ yet."""
        work, schedule = self._work, self._trainer.schedule
        common = self._checkpoints.newest_until(shared_steps(schedule, work.total_steps, wanted))
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
        settings = self._run.record()["settings"]
        minutes = self._plan.minutes or settings.get("minutes")
        self._length.change(self._work, wanted)
        self._checkpoints.save(self._work, "training")
        self._checkpoints.update_record(settings={**settings, "steps": self._plan.steps, "minutes": minutes})

    def _take_length(self, words: str) -> None:
        """Where the number of steps has changed, keep it before anything reads it, and say so."""
        if words:
            self._checkpoints.save(self._work, "training")
            self._progress.say(words)
            self._show_length(self._work.step - 1)

    def _show_length(self, done: int) -> None:
        """Show how many steps there are to be and are done; say what they are likely to end with where that is new."""
        total = self._work.total_steps
        words = self._trainer.expectation(total) if total is not None else ""
        if words and words != self._expected:
            self._progress.say(words)
        self._expected = words
        self._progress.stage(tr("training"), total, tr("steps"), done)

    def _start_clock(self) -> None:
        """Begin to measure time where the state says that it was, and show where training stands."""
        self._clock_zero = time.monotonic() - self._work.elapsed_seconds
        self._log.measure_speed_from(self._work)
        self._show_length(self._work.step)

    def _elapsed(self) -> float:
        return self._world.highest(time.monotonic() - self._clock_zero)[0]

    def _stop(self) -> None:
        """End after the signal that was agreed on, by raising Interrupted."""
        self._progress.close()
        self._flag.raise_if_requested(
            tr("saved at step {step}; the same command goes on from there", step=self._work.step)
        )

    def _finish(self) -> dict[str, Any]:
        self._work.elapsed_seconds = self._elapsed()
        self._checkpoints.save(self._work, "finished")
        self._log.close()
        self._progress.close()
        return self._run.record()
