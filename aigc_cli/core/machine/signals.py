"""INT and TERM become a flag that a loop reads between steps; the second signal exits at once."""

import os
import signal
from types import FrameType, TracebackType
from typing import Self

from aigc_cli.core.errors import Interrupted
from aigc_cli.core.words.messages import tr


class StopFlag:
    """A context manager that catches the first INT or TERM and lets the second one end the process.

    With `patient` the second one is ignored too: a launcher of several processes passes on what they got already, and
    kills whoever takes too long.
    """

    def __init__(self, *, patient: bool = False) -> None:
        self.signum: int | None = None
        self._patient = patient
        self._previous: dict[int, object] = {}

    @property
    def requested(self) -> bool:
        """Whether a signal has arrived."""
        return self.signum is not None

    def agreed(self, signum: int) -> bool:
        """Take the signal that any process of the training had got when asked (0: none); return whether there is one.

        One that has arrived here since is left for the next time, when the others hear of it too.
        """
        if signum:
            self.signum = signum
        return signum != 0

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def raise_if_requested(self, saved: str) -> None:
        """Raise Interrupted, saying what was saved, if a signal has arrived."""
        if self.signum is not None:
            raise Interrupted(
                tr("stopped by {signal}; {saved}", signal=signal.Signals(self.signum).name, saved=saved),
                signum=self.signum,
            )

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.signum is not None and not self._patient:
            os._exit(128 + number)
        self.signum = number
