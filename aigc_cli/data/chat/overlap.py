"""Which messages an earlier export held already, so that none is learned twice, or learned and held out.

Two exports of a chat share the messages' numbers, and each message's sender or words. Their times are equal, unless
one of them is that of a clock somewhere: then they differ by whole quarters of an hour, as time zones do. Where
messages have no numbers, exports are of one chat if two of the same names write in both and half of what was said in
the time of both is the same; then they hold the same message if it was sent in the same minute, by the same name, in
the same words, and the second of two alike in one export is another message.
"""

from collections.abc import Callable, Sequence

from aigc_cli.data.chat.messages import Message
from aigc_cli.data.chat.spool import Spool, Trace, WaitingChat

_QUARTER = 900  # seconds
_LARGEST_OFFSET = 26 * 3600  # from UTC-12 to UTC+14
_MOST_ALIKE = 8  # a number that more messages of a chat have is none


class Seen:
    """Tells which messages of a chat, asked in the order in which they wait, were there `before`.

    `refusal` says of a time why nothing of it was taken; what was not taken was not there.
    """

    def __init__(
        self,
        spool: Spool,
        chat: WaitingChat,
        before: Sequence[WaitingChat],
        refusal: Callable[[float | None], str] = lambda _: "",
    ) -> None:
        self._refusal = refusal
        self._spool, self._chat = spool, chat
        if chat.numbered:
            place = chat.key or chat.identity
            alike = [other for other in before if other.numbered and place == (other.key or other.identity)]
        else:
            alike = [
                other for other in before if not other.numbered and other.log != chat.log and self._is_alike(other)
            ]
        self._earlier = [other.number for other in alike]
        self._time: float | None = None
        self._now: set[tuple[str, str, str]] = set()

    def _is_alike(self, other: WaitingChat) -> bool:
        """Return whether a chat without numbers is this one: two people, and half of what was said while both go on."""
        if not (self._chat.timed and other.timed and len(other.names & self._chat.names) > 1):
            return False
        common, together = self._spool.shared(other, self._chat)
        return common > 0 and 2 * common >= together

    def holds(self, message: Message, mark: int) -> bool:
        """Return whether a message was there before; `mark` is what it waits with."""
        if not message.number:
            return bool(mark) and bool(self._earlier) and self._spool.has_mark(mark, self._earlier)
        return self._was_just_now(message) or (bool(self._earlier) and self._is_in_earlier(message))

    def _was_just_now(self, message: Message) -> bool:
        """Return whether the chat has a message twice: one number at one time, by one sender or in the same words."""
        if message.time != self._time:
            self._time = message.time
            self._now.clear()
        marks = {(message.number, "sender", message.sender), (message.number, "words", message.text)}
        known = bool(marks & self._now)
        self._now |= marks
        return known

    def _is_in_earlier(self, message: Message) -> bool:
        found = self._spool.same_number(message.number, self._earlier)
        if any(earlier.time == message.time and _is_alike(earlier, message) for earlier in found):
            return True
        if not self._chat.key or len(found) > _MOST_ALIKE:
            return False
        others = (earlier for earlier in found if earlier.log != self._chat.log and not self._refusal(earlier.time))
        return any(_differs_by_clock(earlier, message) and _is_alike(earlier, message) for earlier in others)


def _is_alike(earlier: Trace, message: Message) -> bool:
    return earlier.sender == message.sender or earlier.text == message.text


def _differs_by_clock(earlier: Trace, message: Message) -> bool:
    """Return whether two times are those of one message, of which an export told the time by a local clock."""
    if not (earlier.local or message.local) or earlier.time is None or message.time is None:
        return False
    apart = abs(earlier.time - message.time)
    return apart <= _LARGEST_OFFSET and apart % _QUARTER == 0
