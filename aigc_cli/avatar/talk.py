"""A conversation under way with someone at a terminal: who replies, how it is shown, where it is kept.

What the prompt (`terminal`) and the slash commands (`slash`) both work on. Knows neither of them.
"""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

from aigc_cli.avatar.background import Background
from aigc_cli.avatar.conversation import Conversation
from aigc_cli.avatar.replier import TextReplier
from aigc_cli.avatar.session import SessionLog
from aigc_cli.avatar.view import View
from aigc_cli.core.errors import CannotCreate
from aigc_cli.core.words.messages import tr


class StopReply:
    """While active, the first Ctrl-C sets a flag that the reply reads between pieces; the second one interrupts."""

    def __init__(self) -> None:
        self.requested = False
        self._previous: Any = None

    def __enter__(self) -> Self:
        self._previous = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.signal(signal.SIGINT, self._previous)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True


class Talk:
    """One conversation. `open_log` opens the session file at the first turn; None keeps nothing.

    `next_line` is what the next prompt begins with, `written` what commands have written and may write again.
    """

    def __init__(
        self,
        conversation: Conversation,
        replier: TextReplier,
        view: View,
        loading: Background[Any],
        *,
        about: dict[str, str],
        open_log: Callable[[], SessionLog] | None = None,
    ) -> None:
        self.conversation = conversation
        self.replier = replier
        self.view = view
        self.about = about
        self.log: SessionLog | None = None
        self.next_line = ""
        self.written: set[Path] = set()
        self._open_log = open_log
        self._loading = loading

    def answer(self, start: Callable[[Callable[[], bool]], Iterator[str]]) -> None:
        """Print the reply that `start(stop)` begins, and keep what was said."""
        self.view.wait(tr("{name} is typing …", name=self.view.name) if self._loading.finished else tr("loading …"))
        present = self.conversation.expression
        with StopReply() as stop:
            try:
                pieces = start(lambda: stop.requested)
                self.keep()
                self.view.reply(pieces, present)
            except KeyboardInterrupt:
                self.view.say("")
        if stop.requested:
            self.view.say(tr("(stopped)"))
        elif not self.conversation.turns[-1].content:
            self.view.say(tr("(an empty reply; /retry asks for another)"))
        self.keep()

    @property
    def keeping(self) -> bool:
        """Whether the conversation is written to a session file."""
        return self.log is not None or self._open_log is not None

    def keep(self) -> None:
        """Write to the session file what is new. A default place that cannot be written is said once."""
        if self.log is None and self._open_log is not None and self.conversation.turns:
            try:
                self.log = self._open_log()
            except CannotCreate as error:
                self._open_log = None
                self.view.say(tr("this conversation is not kept: {error}", error=error))
        if self.log is not None:
            self.log.write(self.conversation.turns)

    def close(self) -> None:
        """Close the session file."""
        if self.log is not None:
            self.log.close()

    def keep_elsewhere(self, log: SessionLog) -> None:
        """Go on in another session file."""
        self.close()
        self.log = log
