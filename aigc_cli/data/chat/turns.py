"""From messages to turns, from turns to conversations, from conversations to records of a bounded size.

The rules: messages of one sender within `merge_seconds` are the bubbles of one turn; a silence of more than
`silence_seconds` ends a conversation, except that the subject may answer a waiting turn within `answer_seconds`;
nothing is joined across a removed message, and what the subject says to one is left out. Messages without a time are
taken to follow each other closely. Knows nothing of formats, redaction or
files.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from aigc_cli.data.chat.messages import Message


@dataclass(frozen=True, kw_only=True)
class TurnRules:
    """The times that make turns and conversations, in seconds, and the largest record."""

    merge_seconds: float = 120
    silence_seconds: float = 3600
    answer_seconds: float = 86400
    max_turns: int = 20
    max_characters: int = 2000


@dataclass(slots=True)
class Turn:
    """What one person says before the other does, or before pausing. Times in seconds, None if not recorded."""

    sender: str
    bubbles: list[str]
    began: float | None
    ended: float | None

    @property
    def content(self) -> str:
        """The bubbles, joined by newlines."""
        return "\n".join(self.bubbles)


Drop = Callable[[str, Iterable[Turn]], None]  # told of what is in no record: the reason, and what was said


def conversations(
    messages: Iterable[Message],
    subject: str,
    rules: TurnRules,
    drop: Drop,
    called: Mapping[str, str] | None = None,
) -> Iterator[list[Turn]]:
    """Yield the conversations of one chat, each a list of turns, in order. `messages` must be in order.

    Where several people speak beside the subject, what they are `called` stands before their turns.

    What the subject says to something that was removed (a picture, the result of a tool) would stand there as a first
    word that comes from nowhere: it is left out, as `answer_to_removed`.
    """
    current: list[Turn] = []
    gone: Message | None = None  # the last message, if it is not there to be answered
    for message in messages:
        if (message.removed or message.begins) and current:
            yield current
            current = []
        if message.removed:
            gone = message
            continue
        if gone and not message.begins and message.sender == subject and not _too_late(gone, message, subject, rules):
            drop("answer_to_removed", [Turn(message.sender, [message.text], message.time, message.time)])
            gone = message
            continue
        gone = None
        if current:
            last = current[-1]
            if message.sender == last.sender and _pause(last.ended, message.time) <= rules.merge_seconds:
                last.bubbles.append(message.text)
                last.ended = message.time
                continue
            if _pause(last.ended, message.time) > _longest_pause(last.sender, message.sender, subject, rules):
                yield current
                current = []
        name = called.get(message.sender) if called else None
        text = f"{name}: {message.text}" if name else message.text
        current.append(Turn(message.sender, [text], message.time, message.time))
    if current:
        yield current


def _pause(ended: float | None, began: float | None) -> float:
    return 0.0 if ended is None or began is None else began - ended


def _longest_pause(before: str, sender: str, subject: str, rules: TurnRules) -> float:
    """Return the seconds within which a sender goes on with a conversation, after another's word or an own."""
    return rules.answer_seconds if sender == subject != before else rules.silence_seconds


def _too_late(gone: Message, message: Message, subject: str, rules: TurnRules) -> bool:
    return _pause(gone.time, message.time) > _longest_pause(gone.sender, message.sender, subject, rules)


def without_unanswered_end(conversation: list[Turn], subject: str) -> list[Turn]:
    """Return the conversation up to the subject's last turn; empty if the subject never answers anything."""
    end = len(conversation)
    while end and conversation[end - 1].sender != subject:
        end -= 1
    kept = conversation[:end]
    return kept if any(turn.sender != subject for turn in kept) else []


def cut_into_records(conversation: list[Turn], subject: str, rules: TurnRules, drop: Drop) -> list[list[Turn]]:
    """Return a conversation in pieces within `max_turns` and `max_characters`, cut before a turn of a contact.

    An exchange (what others say, and the subject's answer) stays whole; where one alone is too large its oldest
    turns go, and where the last question and its answer are still too large it is dropped. Both are counted, by
    messages, and so is what is left without an answer.
    """
    records: list[list[Turn]] = [[]]
    for whole in _exchanges(conversation, subject):
        exchange = _trimmed(whole, subject, rules)
        drop("too_long", _without(whole, exchange))
        if len(exchange) < len(whole) or not _fits([*records[-1], *exchange], rules):
            records.append([])
        records[-1].extend(exchange)
        if len(exchange) < len(whole):
            records.append([])
    kept = []
    for record in records:
        if without_unanswered_end(record, subject):
            kept.append(record)
        else:
            drop("unanswered", record)
    return kept


def _without(turns: list[Turn], kept: list[Turn]) -> list[Turn]:
    """Return the turns that are none of those `kept`."""
    those = set(map(id, kept))
    return [turn for turn in turns if id(turn) not in those]


def messages_in(turns: Iterable[Turn]) -> int:
    """Return how many messages the turns are made of."""
    return sum(len(turn.bubbles) for turn in turns)


def _exchanges(conversation: list[Turn], subject: str) -> Iterator[list[Turn]]:
    current: list[Turn] = []
    for turn in conversation:
        if current and turn.sender != subject and current[-1].sender == subject:
            yield current
            current = []
        current.append(turn)
    if current:
        yield current


def _fits(turns: list[Turn], rules: TurnRules) -> bool:
    return len(turns) <= rules.max_turns and sum(len(turn.content) for turn in turns) <= rules.max_characters


def _trimmed(exchange: list[Turn], subject: str, rules: TurnRules) -> list[Turn]:
    """Return the exchange, or its largest fitting run around the border between question and answer, or []."""
    if _fits(exchange, rules):
        return exchange
    answer = next((place for place, turn in enumerate(exchange) if turn.sender == subject), len(exchange))
    first, end = answer, answer + 1
    while first > 0 and _fits(exchange[first - 1 : end], rules):
        first -= 1
    while first < answer and end < len(exchange) and _fits(exchange[first : end + 1], rules):
        end += 1
    return exchange[first:end] if first < answer else []
