"""Which messages an earlier export held already, so that none is learned twice, or learned and held out.

Two exports of a chat share the messages' numbers, and each message's sender or words. Their times are equal, unless
one of them is that of a clock somewhere: then they differ by whole quarters of an hour, as time zones do.
"""

from dataclasses import dataclass

from aigc_cli.data.chat.messages import Chat, Message

_QUARTER = 900  # seconds
_LARGEST_OFFSET = 26 * 3600  # from UTC-12 to UTC+14
_MOST_ALIKE = 8  # a number that more messages of a chat have is none


@dataclass(frozen=True, slots=True)
class _Trace:
    """What is kept of a message: enough to know it again, and little."""

    export: str
    sender: str
    words: int
    time: float | None
    local: bool


class Seen:
    """The messages so far, of all exports that were read."""

    def __init__(self) -> None:
        self._exact: set[int] = set()
        self._by_number: dict[tuple[str, str], list[_Trace]] = {}

    def holds(self, export: str, chat: Chat, message: Message) -> bool:
        """Return whether a message was there before, and remember it; one without a number is always new."""
        if not message.number:
            return False
        place = (chat.key or chat.identity, message.number)
        trace = _Trace(export, message.sender, hash(message.text), message.time, message.local)
        marks = {hash((place, trace.time, trace.sender)), hash((place, trace.time, trace.words))}
        known = bool(marks & self._exact)
        self._exact |= marks
        if chat.key:
            others = self._by_number.setdefault(place, [])
            known = known or any(_is_same(earlier, trace) for earlier in others if earlier.export != export)
            if len(others) < _MOST_ALIKE:
                others.append(trace)
        return known


def _is_same(earlier: _Trace, later: _Trace) -> bool:
    """Return whether two messages of one number in a chat are one, whose time an export told by a local clock."""
    if not (earlier.local or later.local) or earlier.time is None or later.time is None:
        return False
    apart = abs(earlier.time - later.time)
    in_zones = apart <= _LARGEST_OFFSET and apart % _QUARTER == 0
    return in_zones and (earlier.sender == later.sender or earlier.words == later.words)
