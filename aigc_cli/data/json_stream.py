"""Read JSON that is larger than memory: walk down to an array, and take its values one by one.

The standard library's decoder parses each value whole; here is only the way to it. A stream is pulled: `members` names
the keys of an object and `items` counts the values of an array; at each the caller takes the value (`value`), walks
into it (`members`, `items`), or goes on, and then it is passed over. Knows nothing of what the values mean.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from aigc_cli.core.errors import BadData
from aigc_cli.core.words.messages import tr

CHUNK = 1 << 20  # characters read at a time
LARGEST_VALUE = 64 << 20  # characters of one value that is taken whole
DEEPEST = 200  # of what is walked over
_SPACE = re.compile(r"[ \t\n\r]*")
_ESCAPE = 12  # characters that a truncated escape, number or word may have before the end of what was read
_ANY_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|.)", re.DOTALL)  # whichever: \\x is a backslash and an x
_INCOMPLETE = object()


def with_json_escapes(text: str) -> str:
    r"""Return a text with the escapes \xHH of control characters, which JSON does not know, as \u00HH.

    So Telegram Desktop writes them: one message would make a whole account unreadable.
    """
    return _ANY_ESCAPE.sub(lambda found: f"\\u00{found[1]}" if found[1] else found[0], text)


class JsonStream:
    """One JSON text, read through `read(characters)`, which returns "" at the end. `source` names it in errors.

    Every method raises BadData, with line and column, where the text is no JSON, truncated, nested too deeply, or holds
    a value that is too large to be taken whole.
    """

    def __init__(self, read: Callable[[int], str], source: str) -> None:
        self._read, self._source = read, source
        self._buffer, self._at, self._ended = "", 0, False
        self._passed = self._lines = self._column = 0
        self._decode = json.JSONDecoder(strict=False).raw_decode

    def kind(self) -> str:
        """Return the first character of the next value: { [ " t f n, a digit or a sign; "" at the end."""
        while True:
            self._at = _SPACE.match(self._buffer, self._at).end()  # type: ignore[union-attr]
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._more():
                return ""

    def value(self) -> Any:
        """Take the next value whole."""
        while (value := self._within()) is _INCOMPLETE:
            if len(self._buffer) - self._at > LARGEST_VALUE:
                raise self._error(tr("one value is larger than {size} characters", size=LARGEST_VALUE), self._at)
            self._more()
        return value

    def members(self) -> Iterator[str]:
        """Yield the keys of the next value, an object, in order. To be drawn from to the end."""
        self._take("{")
        is_first = True
        while self.kind() != "}":
            if not is_first:
                self._take(",")
            is_first = False
            if self.kind() != '"':
                raise self._error(tr("a key is missing"), self._at)
            key = self.value()
            self._take(":")
            self.kind()
            before = self._position
            yield str(key)
            if self._position == before:
                self.skip()
        self._take("}")

    def items(self) -> Iterator[int]:
        """Yield the places, from 0, of the next value's values, an array's. To be drawn from to the end."""
        self._take("[")
        place = 0
        while self.kind() != "]":
            if place:
                self._take(",")
            self.kind()
            before = self._position
            yield place
            if self._position == before:
                self.skip()
            place += 1
        self._take("]")

    def skip(self, depth: int = 0) -> None:
        """Pass over the next value, however large."""
        kind = self.kind()
        if self._within() is not _INCOMPLETE:
            return
        if depth > DEEPEST:
            raise self._error(tr("nested too deeply"), self._at)
        if kind in ("{", "["):
            for _ in self.members() if kind == "{" else self.items():
                self.skip(depth + 1)
        else:
            self.value()

    def end(self) -> None:
        """Require that nothing follows."""
        if self.kind():
            raise self._error(tr("more follows after the end"), self._at)

    @property
    def _position(self) -> int:
        return self._passed + self._at

    def _within(self) -> Any:
        """Take the next value if it ends in what has been read; _INCOMPLETE if more must be read first."""
        self.kind()
        try:
            value, end = self._decode(self._buffer, self._at)
        except json.JSONDecodeError as error:
            if error.msg.startswith("Invalid \\escape") and self._mended():
                return self._within()
            cut = error.msg.startswith("Unterminated") or error.pos >= len(self._buffer) - _ESCAPE
            if cut and not self._ended:
                return _INCOMPLETE
            raise self._error(error.msg, error.pos) from error
        except RecursionError as error:
            raise self._error(tr("nested too deeply"), self._at) from error
        except ValueError as error:  # integers of thousands of digits
            raise self._error(str(error), self._at) from error
        if not self._ended and len(self._buffer) - end < 3 and not self._buffer[end:].strip("+-.Ee"):
            return _INCOMPLETE  # a number may go on
        self._at = end
        return value

    def _mended(self) -> bool:
        """Mend the escapes in what was read; return whether that changed anything."""
        waiting = self._buffer[self._at :]
        mended = with_json_escapes(waiting)
        self._count(self._at)
        self._passed += self._at
        self._buffer, self._at = mended, 0
        return mended != waiting

    def _take(self, mark: str) -> None:
        found = self.kind()
        if found != mark:
            raise self._error(tr("{mark!r} is missing", mark=mark), self._at)
        self._at += 1

    def _more(self) -> bool:
        """Read on, at least as much again as is waiting, and let go of what has been taken; False at the end."""
        if self._ended:
            return False
        waiting = self._buffer[self._at :]
        self._passed += self._at
        self._count(self._at)
        fresh = self._read(max(CHUNK, len(waiting)))
        self._buffer, self._at = waiting + fresh, 0
        self._ended = not fresh
        return True

    def _count(self, end: int) -> None:
        """Count the lines and columns of what is let go of."""
        lines = self._buffer.count("\n", 0, end)
        if lines:
            self._lines += lines
            self._column = 0
        self._column += end - (self._buffer.rfind("\n", 0, end) + 1 if lines else 0)

    def _error(self, reason: str, at: int) -> BadData:
        self._count(at)
        problem = tr(
            "{source}: not valid JSON at line {line}, column {column}: {reason}",
            source=self._source,
            line=self._lines + 1,
            column=self._column + 1,
            reason=reason,
        )
        return BadData(problem, tr("truncated? export it again"))
