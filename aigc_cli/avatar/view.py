"""How a conversation looks as lines of text: names, bubbles, and the face wherever the expression changes.

Writes to a text stream that it is given; knows neither prompts nor models.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TextIO

from aigc_cli.avatar.conversation import Turn
from aigc_cli.avatar.expression import Expressions
from aigc_cli.avatar.face import Face
from aigc_cli.core.screen.pictures import PictureStyle, draw
from aigc_cli.core.words.messages import tr
from aigc_cli.core.words.plain import cell_width, clean, one_line

BOLD, DIM, NAME, PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[1;36m", "\x1b[0m"
# A reply is read for its expression once it has a bubble or is this many cells wide, so that the face comes first.
READ_AFTER = 40


@dataclass(frozen=True)
class Look:
    """What the output can show: pictures and their width in cells, and whether text may be coloured."""

    style: PictureStyle
    face_columns: int = 32
    colour: bool = False
    reply_speed: float = 0.0


def bubble_parts(pieces: Iterable[str], read_after: int) -> Iterator[tuple[bool, str]]:
    """Yield (whether it starts a bubble, text) as pieces come, without the newlines between bubbles.

    The first part of a bubble is held back until it is whole or `read_after` cells wide.
    """
    held, starts = "", True
    for piece in pieces:
        held += piece
        while "\n" in held:
            bubble, held = held.split("\n", 1)
            yield starts, bubble
            starts = True
        if held and (not starts or cell_width(held) >= read_after):
            yield starts, held
            held, starts = "", False
    if held:
        yield starts, held


class View:
    """Prints turns. `face()` returns the face, or None while or where there is none."""

    def __init__(
        self,
        out: TextIO,
        name: str,
        look: Look,
        expressions: Expressions,
        face: Callable[[], Face | None] = lambda: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name = one_line(name)
        self.look = look
        self.shown: str | None = None
        self._out = out
        self._expressions = expressions
        self._face = face
        self._sleep = sleep
        self._waiting = 0

    def say(self, text: str, code: str = DIM) -> None:
        """Print a line of the tool's own."""
        self._write(self._coloured(clean(text), code) + "\n")

    def wait(self, text: str) -> None:
        """Show a line until the next thing is printed."""
        text = one_line(text)
        self._write(self._coloured(text, DIM) + "\r")
        self._waiting = cell_width(text)

    def turn(self, turn: Turn) -> None:
        """Print a finished turn, without the face."""
        name, code = (tr("you"), BOLD) if turn.role == "user" else (self.name, NAME)
        indent = "\n" + " " * (cell_width(name) + 2)
        self._write(self._prefix(name, code) + indent.join(map(clean, turn.bubbles)) + "\n")

    def reply(self, pieces: Iterable[str], present: str, *, settled: bool = False) -> str:
        """Print a reply as it comes and return its text; nothing is printed of an empty one.

        The face is drawn before the bubble with which the expression changes from the one that is shown.
        `present` is the expression before the reply, or with `settled` the one of the reply.
        """
        said = None
        for starts, part in bubble_parts(pieces, READ_AFTER if self._face() and not settled else 1):
            if said is not None and starts:
                self._write("\n")
            whole = part if said is None else said + ("\n" if starts else "") + part
            if starts:
                self.show(present if settled else self._expressions.after(present, whole))
                self._write(self._prefix(self.name, NAME) if said is None else " " * (cell_width(self.name) + 2))
            self._paced(clean(part))
            said = whole
        if said is None:
            self._write("")
            return ""
        self._write("\n")
        self.show(present if settled else self._expressions.after(present, said))
        return said

    def show(self, expression: str, *, again: bool = False) -> None:
        """Draw the face with an expression, unless it is the one that was drawn last."""
        face = self._face()
        if face is not None and (again or expression != self.shown):
            self.shown = expression
            self._write(draw(face.picture(expression), self.look.face_columns, self.look.style))

    def _paced(self, text: str) -> None:
        speed = self.look.reply_speed
        if not speed:
            self._write(text)
            return
        for character in text:
            self._write(character)
            self._sleep(1 / speed)

    def _prefix(self, name: str, code: str) -> str:
        return self._coloured(name, code) + "  "

    def _coloured(self, text: str, code: str) -> str:
        return code + text + PLAIN if self.look.colour and text else text

    def _write(self, text: str) -> None:
        self._out.write(" " * self._waiting + "\r" + text if self._waiting else text)
        self._waiting = 0
        self._out.flush()
