"""How many steps: minutes become steps once, the number follows what a step comes to cost, and a run is given another.

A number of steps is in a checkpoint before any schedule reads it, so whoever changes one here saves next. Knows no
files, no clock and no trainer but its schedule.
"""

from aigc_cli.core.words.messages import tr
from aigc_cli.training.clockwork import PACE_SHARE, PROBE_STEPS, Clockwork
from aigc_cli.training.plan import Plan
from aigc_cli.training.schedule import Schedule


class Length:
    """The length that a plan asks for. What changes the state's number of steps returns words that say so, or ""."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._since, self._from_step, self._from_seconds = 0, 0, 0.0  # where a new cost of a step is measured from

    def resolvable(self, work: Clockwork) -> bool:
        """Whether minutes can become steps now: the speed is known, and the number is not."""
        return work.total_steps is None and work.probed(60.0 * (self._plan.minutes or 0.0))

    def resolve(self, work: Clockwork, seconds_per_step: float) -> str:
        """Turn the minutes into steps at the speed measured so far."""
        minutes = self._plan.minutes or 0.0
        work.resolve(minutes, seconds_per_step, self._plan.evaluations)
        return tr(
            "{minutes:g} minutes are {total_steps} steps at this speed", minutes=minutes, total_steps=work.total_steps
        )

    def keep_to_budget(self, work: Clockwork) -> str:
        """Lower the number of steps, once, if the projected time is far beyond the minutes."""
        if self._plan.minutes is None or not work.lower(self._plan.minutes):
            return ""
        return tr("slower than at the start: lowered to {total_steps} steps", total_steps=work.total_steps)

    def keep_pace(self, work: Clockwork, since: int) -> str:
        """Reckon the number of steps anew once it is known what a step costs since its cost changed at step `since`."""
        minutes = self._plan.minutes
        if minutes is None or work.total_steps is None or work.paced_since == since:
            return ""
        if self._since != since:
            self._since, self._from_step, self._from_seconds = since, work.step, work.elapsed_seconds
            return ""
        steps, seconds = work.step - self._from_step, work.elapsed_seconds - self._from_seconds
        if steps < PROBE_STEPS or seconds < PACE_SHARE * 60.0 * minutes:
            return ""
        work.repace(minutes, seconds / steps, since)
        return tr("now {total_steps} steps: a step costs more", total_steps=work.total_steps)

    def measure_anew(self) -> None:
        """Begin to measure a step's new cost again: something else has taken time."""
        self._since, self._from_step, self._from_seconds = 0, 0, 0.0

    def wanted(self, work: Clockwork) -> int | None:
        """Return the steps that the plan asks for, in place of the stored number where its length is another."""
        minutes = self._plan.minutes
        if minutes is None:
            return self._plan.steps
        if minutes == work.minutes or not work.step:
            return work.total_steps
        return max(1, int(60.0 * minutes * work.step / max(work.elapsed_seconds, 1e-9)))

    def change(self, work: Clockwork, wanted: int | None) -> None:
        """Give the state another number of steps, to be evaluated as the plan says."""
        work.total_steps, work.minutes = wanted, self._plan.minutes
        work.evaluations, work.stale_evaluations, work.lowered = self._plan.evaluations, 0, False


def shared_steps(schedule: Schedule, *lengths: int | None) -> int:
    """Return how many first steps have the same learning rates in trainings of several lengths; one must be known."""
    return min(schedule.common_steps(steps) for steps in lengths if steps is not None)
