"""The conversation in a terminal: a prompt with line editing, replies as they come, the face, slash commands.

Keys: Enter sends, Alt-Enter (or Escape, Enter) starts a new line, Up and Down go through what was said, Ctrl-C
clears the line or stops the reply, Ctrl-D on an empty line leaves.
"""

import contextlib
import functools
import os
import termios
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from prompt_toolkit import PromptSession
from prompt_toolkit.application import run_in_terminal
from prompt_toolkit.completion import WordCompleter
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import ANSI
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.layout.processors import Processor, Transformation, TransformationInput
from prompt_toolkit.output import ColorDepth, Output

from aigc_cli.avatar.background import Background
from aigc_cli.avatar.conversation import Conversation
from aigc_cli.avatar.replier import TextReplier
from aigc_cli.avatar.session import SessionLog
from aigc_cli.avatar.slash import COMMANDS, Leave, run_command
from aigc_cli.avatar.talk import Talk
from aigc_cli.avatar.view import BOLD, PLAIN, View
from aigc_cli.core.errors import AigcError, UsageProblem
from aigc_cli.core.words.messages import tr
from aigc_cli.core.words.plain import cell_width, clean


@contextlib.contextmanager
def keys_kept(descriptor: int) -> Iterator[None]:
    """Keep what is typed during a reply for the next prompt, unseen, instead of letting the terminal echo it."""
    if not os.isatty(descriptor):
        yield
        return
    before = termios.tcgetattr(descriptor)
    silent = [*before]
    silent[3] &= ~(termios.ECHO | termios.ICANON)
    termios.tcsetattr(descriptor, termios.TCSANOW, silent)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSANOW, before)


class Chat:
    """The prompt of one conversation. `open_log` opens the session file at the first turn; None keeps nothing."""

    def __init__(
        self,
        conversation: Conversation,
        replier: TextReplier,
        view: View,
        loading: Background[Any],
        *,
        about: dict[str, str],
        open_log: Callable[[], SessionLog] | None = None,
        terminal_input: Input | None = None,
        terminal_output: Output | None = None,
    ) -> None:
        self._talk = Talk(conversation, replier, view, loading, about=about, open_log=open_log)
        self._view, self._loading = view, loading
        self._session = _prompt_session(view.look.colour, terminal_input, terminal_output)
        for turn in conversation.turns:
            if turn.role == "user":
                self._session.history.append_string(turn.content)

    def run(self) -> None:
        """Talk until /quit or Ctrl-D. Errors of loading end it; errors of a turn are said, and it goes on."""
        self._loading.when_finished(self._loaded)
        with keys_kept(self._session.input.fileno()), contextlib.suppress(EOFError, Leave):
            while True:
                try:
                    self._handle(self._read_line().strip())
                except KeyboardInterrupt:
                    self._view.say(tr("(Ctrl-D or /quit leaves)"))
                except UsageProblem as error:
                    self._view.say(str(error))
        if self._talk.log is not None:
            self._view.say(tr("kept in {path}", path=self._talk.log.path))

    def close(self) -> None:
        """Close the session file."""
        self._talk.close()

    def _handle(self, line: str) -> None:
        if line.startswith("/") and not line.startswith("//"):
            run_command(self._talk, line)
        elif line:
            self._talk.answer(
                functools.partial(self._talk.conversation.reply, line.removeprefix("/") if line[:2] == "//" else line)
            )

    def _read_line(self) -> str:
        default, self._talk.next_line = self._talk.next_line, ""
        prompt = f"{BOLD}{tr('you')}{PLAIN}  " if self._view.look.colour else f"{tr('you')}  "
        text: str = self._session.prompt(ANSI(prompt), default=default, pre_run=self._begun)
        return text

    def _begun(self) -> None:
        """As a prompt begins: catch up on a loading that ended while there was none."""
        if self._loading.finished:
            self._loaded()

    def _loaded(self) -> None:
        """From any thread: show the face above the prompt, or end the prompt with the error of loading."""
        application = self._session.app
        loop = application.loop
        if loop is None or not application.is_running:
            return
        try:
            loop.call_soon_threadsafe(self._greet, context=application.context)
        except RuntimeError:  # the prompt has just ended; the next one sees to it
            return

    def _greet(self) -> None:
        application = self._session.app
        if not application.is_running:
            return
        try:
            self._loading.result()
        except (AigcError, OSError, MemoryError) as error:
            application.exit(exception=error)
            return
        if self._view.shown is None:
            run_in_terminal(self._show_face)

    def _show_face(self) -> None:
        if self._view.shown is None:
            self._view.show(self._talk.conversation.expression)


class _Harmless(Processor):
    """Shows what is typed or pasted without what could steer the terminal: a sign stands for each such character."""

    def apply_transformation(self, transformation_input: TransformationInput) -> Transformation:
        """Return the line's fragments, each as long as it was."""
        return Transformation(
            [
                (fragment[0], "".join(clean(character) or "\ufffd" for character in fragment[1]), *fragment[2:])
                for fragment in transformation_input.fragments
            ]
        )


def _prompt_session(colour: bool, terminal_input: Input | None, terminal_output: Output | None) -> PromptSession[str]:
    session: PromptSession[str] = PromptSession(
        multiline=True,
        prompt_continuation=" " * (cell_width(tr("you")) + 2),
        key_bindings=_key_bindings(),
        history=InMemoryHistory(),
        completer=WordCompleter([f"/{name}" for name in COMMANDS], sentence=True),
        complete_while_typing=Condition(lambda: session.default_buffer.text.startswith("/")),
        color_depth=None if colour else ColorDepth.DEPTH_1_BIT,
        reserve_space_for_menu=0,
        input_processors=[_Harmless()],
        input=terminal_input,
        output=terminal_output,
    )
    return session


def _key_bindings() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("enter")
    def _send(event: KeyPressEvent) -> None:
        event.current_buffer.validate_and_handle()

    @keys.add("escape", "enter")
    def _new_line(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    return keys


def transcript(conversation: Conversation, view: View, lines: list[str], keep: Callable[[], None]) -> None:
    """Play user lines as a conversation: print each with its reply, and the face wherever it changes."""
    view.show(conversation.expression)
    for line in lines:
        present = conversation.expression
        pieces = conversation.reply(line)
        view.turn(conversation.turns[-1])
        text = "".join(pieces)
        view.reply([text], conversation.turns[-1].expression or present, settled=True)
        keep()


def read_script(path: Path) -> list[str]:
    """Return the lines of a file that are not blank and no comments (`#`)."""
    from aigc_cli.core.disk.files import read_bytes
    from aigc_cli.core.errors import NoInput
    from aigc_cli.data.encoding import decode_lines

    read = decode_lines(read_bytes(path), str(path))
    lines = [line.strip() for line in read if line.strip() and not line.startswith("#")]
    if not lines:
        raise NoInput(tr("{path}: no lines in it", path=path), tr("write one line a turn"))
    return lines
