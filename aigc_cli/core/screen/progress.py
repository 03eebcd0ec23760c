"""How long work reports on itself: one small protocol, and renderers for a terminal, a log, and nobody.

The library sees only `Progress`. `console` chooses the renderer.
"""

import sys
import time
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from aigc_cli.core.screen.chart import sparkline
from aigc_cli.core.words.messages import tr
from aigc_cli.core.words.plain import one_line

if TYPE_CHECKING:
    from rich.progress import TaskID


class Progress(Protocol):
    """What the library may say while it works. Nothing here affects results."""

    def stage(self, title: str, total: float | None, unit: str = "", done: float = 0) -> None:
        """Begin a stage of `total` units (None if unknown), of which `done` were there before and tell no speed."""

    def advance(self, amount: float = 1, note: str = "", curve: Sequence[float] = ()) -> None:
        """Move the current stage on, with a short note to show, and what to draw small where there is a screen."""

    def say(self, line: str) -> None:
        """Show one line and go on."""

    def detail(self, line: str) -> None:
        """Show one line to those who asked for more."""

    def close(self) -> None:
        """End the current stage."""


class SilentProgress:
    """Reports nothing: `-q`, tests, library use."""

    def stage(self, title: str, total: float | None, unit: str = "", done: float = 0) -> None:
        """Ignore."""

    def advance(self, amount: float = 1, note: str = "", curve: Sequence[float] = ()) -> None:
        """Ignore."""

    def say(self, line: str) -> None:
        """Ignore."""

    def detail(self, line: str) -> None:
        """Ignore."""

    def close(self) -> None:
        """Ignore."""


def timestamp() -> str:
    """Return the local time, as each line of a log begins with it."""
    return f"{datetime.now():%Y-%m-%dT%H:%M:%S} "


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class LineProgress:
    """Plain timestamped lines on stderr, one every few seconds: pipes, logs, cron."""

    def __init__(self, every_seconds: float = 5.0, *, verbose: bool = False) -> None:
        self._every = every_seconds
        self._verbose = verbose
        self._title = ""
        self._unit = ""
        self._total: float | None = None
        self._done = self._before = 0.0
        self._note = ""
        self._started = self._last = 0.0
        self._shown = -1.0

    def stage(self, title: str, total: float | None, unit: str = "", done: float = 0) -> None:
        """Begin a stage of `total` units (None if unknown), `done` of them before."""
        self.close()
        self._title, self._total, self._unit = title, total, unit
        self._done = self._before = done
        self._note, self._shown = "", done or -1.0
        self._started = self._last = time.monotonic()

    def advance(self, amount: float = 1, note: str = "", curve: Sequence[float] = ()) -> None:
        """Move on; prints at most one line every few seconds."""
        self._done += amount
        self._note = note or self._note
        if time.monotonic() - self._last >= self._every:
            self._show()

    def say(self, line: str) -> None:
        """Print one line with a timestamp."""
        print(timestamp() + one_line(line), file=sys.stderr, flush=True)

    def detail(self, line: str) -> None:
        """Print one line, if more was asked for."""
        if self._verbose:
            self.say(line)

    def close(self) -> None:
        """Print the stage's last line, if it said something new."""
        if self._title and self._done != self._shown:
            self._show()
        self._title = ""

    def _show(self) -> None:
        now = time.monotonic()
        elapsed = now - self._started
        self._last, self._shown = now, self._done
        parts = [tr("{title}:", title=self._title)]
        if self._total:
            parts.append(f"{self._done:g}/{self._total:g} {self._unit}".strip())
            if self._before < self._done < self._total:
                left = elapsed * (self._total - self._done) / (self._done - self._before)
                parts.append(tr("{time} left", time=_clock(left)))
        else:
            parts.append(f"{self._done:g} {self._unit}".strip())
        parts.append(tr("{time} elapsed", time=_clock(elapsed)))
        self.say(" ".join(parts) + (f" | {self._note}" if self._note else ""))


class BarProgress:
    """A rich bar on a terminal, with elapsed time, time left, and the latest note under the same line."""

    def __init__(self, verbose: bool = False) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress
        from rich.table import Column

        self._bars = RichProgress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}", markup=False, table_column=Column(no_wrap=False)),
            console=Console(stderr=True),
        )
        self._verbose = verbose
        self._running = False
        self._task: TaskID | None = None

    def stage(self, title: str, total: float | None, unit: str = "", done: float = 0) -> None:
        """Begin a bar of `total` units (pulsing if unknown), `done` of them before."""
        self.close()
        if not self._running:
            self._bars.start()
            self._running = True
        self._task = self._bars.add_task(one_line(title), total=total, completed=int(done), note=unit)

    def advance(self, amount: float = 1, note: str = "", curve: Sequence[float] = ()) -> None:
        """Move the bar on."""
        if self._task is not None:
            self._bars.advance(self._task, amount)
            if note:
                note = one_line(note)
                self._bars.update(self._task, note=f"{sparkline(curve)} {note}" if curve else note)

    def say(self, line: str) -> None:
        """Print a line above the bars."""
        self._bars.console.print(one_line(line), markup=False, highlight=False)

    def detail(self, line: str) -> None:
        """Print a line above the bars, if more was asked for."""
        if self._verbose:
            self.say(line)

    def close(self) -> None:
        """End the current bar and leave it on the screen."""
        if self._running:
            self._bars.stop()
            self._running = False
            for task in list(self._bars.task_ids):
                self._bars.remove_task(task)
        self._task = None
