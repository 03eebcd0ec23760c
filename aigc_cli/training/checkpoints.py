"""Checkpoints of a training: when one is due, what is in it, which ones stay. Knows no logs and no screen.

A checkpoint is the trainer's state and the loop's own few numbers. All processes of a training save and restore
together; what the run's folder holds is the first one's to say.
"""

import time
from typing import Any

from aigc_cli.core.disk.rundir import RunDir
from aigc_cli.core.disk.sharded import mesh_of
from aigc_cli.core.disk.snapshots import forget_after, load_snapshot, newest_until, prune, save_snapshot
from aigc_cli.core.errors import BadData
from aigc_cli.core.machine.distributed import World
from aigc_cli.core.words.messages import tr
from aigc_cli.training.clockwork import Clockwork
from aigc_cli.training.plan import Plan
from aigc_cli.training.trainer import Trainer


class Checkpoints:
    """The checkpoints of one run."""

    def __init__(self, run: RunDir, trainer: Trainer, plan: Plan, world: World) -> None:
        self._run, self._trainer, self._plan, self._world = run, trainer, plan, world
        self._saved_at = time.monotonic()

    def steps(self) -> list[int]:
        """Return the steps that have a checkpoint, oldest first."""
        return list(self._world.decided(self._run.checkpoint_steps()))

    def newest_until(self, step: int) -> int | None:
        """Return the step of the newest checkpoint that is not after a step, or None."""
        found: int | None = self._world.decided(newest_until(self._run, step))
        return found

    def unsaved_seconds(self) -> float:
        """Return how long ago this process saved last."""
        return time.monotonic() - self._saved_at

    def due(self, work: Clockwork, unsaved_seconds: float) -> bool:
        """Whether to save now: by the clock, the step, or because a longer run could branch off; never a bad state."""
        if work.losses.high or work.step == work.total_steps:
            return False
        every = self._plan.save_every_steps
        by_step = every and work.step % every == 0
        by_clock = unsaved_seconds > self._plan.save_every_seconds
        return bool(by_step or by_clock or work.step == self._branching_step(work))

    def _branching_step(self, work: Clockwork) -> int:
        """Return the last step from which a longer run could still be made (0: none worth a checkpoint)."""
        falls = self._trainer.schedule.kind == "wsd" and work.total_steps is not None
        return self._trainer.schedule.common_steps(work.total_steps or 0) if falls else 0

    def save(self, work: Clockwork, status: str) -> None:
        """Write the checkpoint of the step, then what the run's record says of it, and delete what need not stay."""
        tensors, scalars = self._trainer.state()
        save_snapshot(self._run, work.step, tensors, {"loop": work.as_json(), "trainer": scalars}, self._world)
        self.update_record(
            status=status,
            step=work.step,
            total_steps=work.total_steps,
            seconds=round(work.elapsed_seconds, 3),
            best=None if work.best is None else {"step": work.best_step, self._trainer.objective: work.best},
        )
        if self._world.is_main:
            prune(self._run, self._plan.keep_checkpoints, (work.sound_step, self._branching_step(work)))
        self._world.wait()
        self._saved_at = time.monotonic()

    def restore(self, step: int) -> Clockwork:
        """Give the trainer back its state at a step, and return the loop's; BadData where it is not of this run."""
        tensors, saved = load_snapshot(self._run, step, mesh_of(self._trainer.state()[0]))
        try:
            self._trainer.restore(tensors, saved["trainer"])
            work = Clockwork.from_json({"minutes": self._plan.minutes, **saved["loop"]})
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            folder = self._run.checkpoint(step)
            raise BadData(
                tr("{folder}: not a checkpoint of this run: {kind}", folder=folder, kind=type(error).__name__),
                tr("delete {folder} to go on from the checkpoint before it", folder=folder),
            ) from error
        self._saved_at = time.monotonic()
        return work

    def forget_after(self, step: int) -> None:
        """Delete the checkpoints of later steps."""
        if self._world.is_main:
            forget_after(self._run, step)

    def update_record(self, **changes: Any) -> None:
        """Change some keys of the run's record."""
        if self._world.is_main:
            self._run.update_record(**changes)
