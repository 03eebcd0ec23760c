"""Notices that a training has gone wrong by its logged loss, and since when. Knows neither files nor trainers.

A loss that is not finite is seen at once. One that is high but finite may be a hard batch, so it must stay high: in
`PATIENCE` logs in a row above `RATIO` times the median of the logs before, and above where training began.
"""

import statistics
from dataclasses import dataclass, field

RATIO = 2.0
PATIENCE = 3
WINDOW = 20
FEWEST = 3


@dataclass
class LossWatch:
    """The last logged losses that were in order, and those since that were not. Its fields are its state."""

    first: float | None = None
    sound: list[float] = field(default_factory=list)
    high: int = 0
    sound_step: int = 0

    def diverged(self, step: int, loss: float) -> bool:
        """Take one more logged loss; return whether it has now been too high for too long.

        `sound_step` is then the last step at which it was not.
        """
        if self.first is None:
            self.first = loss
        if len(self.sound) >= FEWEST and loss > max(self.first, RATIO * statistics.median(self.sound)):
            self.high += 1
            return self.high >= PATIENCE
        self.high, self.sound_step = 0, step
        self.sound = [*self.sound, loss][-WINDOW:]
        return False

    @property
    def usual(self) -> float:
        """The median of the losses that were in order."""
        return statistics.median(self.sound)


class Diverged(Exception):
    """Training has gone wrong. Its text says what was seen; at `sound_step` all was still in order."""

    def __init__(self, what: str, sound_step: int) -> None:
        super().__init__(what)
        self.sound_step = sound_step
