"""Read `NAME: line` text, the way dialogues are written by hand, in scripts and in transcripts.

A line without a name goes on with the message before it. One that looks as if somebody else spoke, though it is not
clear who, ends that message and is left out with all that follows it, up to the next name: nobody is given another's
words. A line of dashes, asterisks or equals signs ends a conversation; an empty line does too, unless the file puts
empty lines between most messages.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from aigc_cli.core.errors import BadData
from aigc_cli.core.words.messages import tr
from aigc_cli.data.chat.exports import Export, Head
from aigc_cli.data.chat.messages import Log, Message
from aigc_cli.data.chat.names import seen
from aigc_cli.data.chat.reader import Reader, ReadOptions

UNCLEAR = "unclear_speaker"
_BREAK = re.compile(r"\s*[-*=_#~]{3,}\s*")
_COLON = re.compile(r"[:：﹕]")
# What follows the colon of :) :-P :'( :3
_EMOTICON = re.compile(r"[-'^~=]{0,2}[^\w\s\"'.,!?…-]{1,3}(?!\S)|[-'^][DPpOo3SsXxbB](?!\S)|3\s*$")
_SHORT_HEAD, _LONGEST_HEAD = 40, 150  # characters; Telegram's names have 129 at most
_BRACKETS = re.compile(r"[<>{}\[\]\"]")


@dataclass(frozen=True, slots=True)
class _Divided:
    """A line divided at a colon: `head` before it, `text` after it.

    The head is a name for certain (`is_sure`), or if it stands before several lines (`may_name`), or never.
    """

    head: str
    text: str
    is_sure: bool
    may_name: bool


def _divided(line: str, names: frozenset[str] = frozenset()) -> _Divided | None:
    """Return a line divided at the first colon that may follow a name; None if it goes on with what was said before.

    Colons of times (8:30), of addresses (http://) and of emoticons (those in `Ann:)` too, unless Ann is one of `names`)
    follow none. Where one of them stands before the dividing colon, the line began with something else than a name.
    """
    has_other = False
    for colon in _COLON.finditer(line):
        head, after = line[: colon.start()], line[colon.end() :]
        is_emoticon = _EMOTICON.match(after) is not None and head.lstrip()[:1] != after[0]  # **Ann:** is none
        if is_emoticon and seen(head) in names and not head[-1].isspace():
            return _Divided(head.strip(), "", is_sure=False, may_name=False)
        in_number = head[-1:].isdigit() and after[:1].isdigit()
        if not head.strip() or in_number or is_emoticon or after.startswith("//"):
            has_other = True
            continue
        head = head.strip()
        if len(head) > _LONGEST_HEAD:
            return None
        follows = after[:1].isspace() or after[:1].isalpha() or after[:1] > "\x7f"
        follows = follows or (colon[0] != ":" and after[:1].isdigit())  # "妈：6点回来" is spoken
        is_plain = len(head) <= _SHORT_HEAD and not _BRACKETS.search(head)
        return _Divided(head, after.strip(), follows and is_plain and not has_other, not has_other)
    return None


class _Speakers:
    """Who speaks in a text: learned from all its lines, asked line by line."""

    def __init__(self, lines: Iterable[str]) -> None:
        heads: Counter[str] = Counter()
        sure: set[str] = set()
        for line in lines:
            divided = _divided(line)
            if divided is not None and divided.may_name:
                heads[_key(divided.head)] += 1
                if divided.is_sure:
                    sure.add(_key(divided.head))
        self._names = frozenset(sure | {head for head, count in heads.items() if count > 1})

    def spoken(self, line: str) -> tuple[str, str] | None:
        """Return (name, text) of a line that says whose it is, ("", "") if it is another's and not clear whose."""
        divided = _divided(line, self._names)
        if divided is None:
            return None
        if divided.is_sure or (divided.may_name and _key(divided.head) in self._names):
            return divided.head, divided.text
        return "", ""


def _key(head: str) -> str:
    """Return by what a speaker is told from others: the name as it is seen, if anything of it is."""
    return seen(head) or head


def _looks(head: Head) -> bool:
    """Return whether most lines of a text begin with a name, and at least two names speak."""
    if head.is_json:
        return False
    lines = [line for line in head.lines[:2000] if line.strip() and not _BREAK.fullmatch(line)]
    speakers = _Speakers(lines)
    spoken = [_key(found[0]) for line in lines if (found := speakers.spoken(line)) and found[0]]
    return len(set(spoken)) >= 2 and 2 * len(spoken) >= len(lines) and len(set(spoken)) <= max(2, 3 * len(spoken) // 4)


def _read(export: Export, log: Log, _: ReadOptions) -> Iterator[Message]:
    """Yield a text's messages. BadData if its first line has no name."""
    speakers = _Speakers(export.lines())
    blank_breaks = not _is_double_spaced(export.lines(), speakers)
    reading = _Reading(log)
    for number, line in enumerate(export.lines(), start=1):
        found = speakers.spoken(line)
        if found is not None and (found[0] or reading.has_begun):
            reading.begin(*found)
        elif _BREAK.fullmatch(line) or (blank_breaks and not line.strip()):
            reading.end_conversation()
        elif reading.is_open:
            reading.go_on(line.strip())
        elif line.strip():
            raise BadData(
                tr("{source}: line {number} does not begin with a name", source=export.source, number=number),
                tr("write NAME: line, or use --format"),
            )
        yield from reading.read()
    reading.finish()
    yield from reading.read()


class _Reading:
    """The messages so far, and the one that the next line may go on with."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self._messages: list[Message] = []
        self.has_begun = False  # somebody has spoken
        self.is_open = False  # a message is being read, or what is left out after an unclear line
        self._begins = True
        self._name = ""
        self._spoken: list[str] = []

    def begin(self, name: str, text: str) -> None:
        """Begin the message of a name, or ("") leave out what follows."""
        self.finish()
        self._name, self.is_open, self.has_begun = name, True, True
        if name:
            self._spoken.append(text)
        else:
            self._append(Message(sender="", removed=UNCLEAR, begins=self._begins))

    def go_on(self, text: str) -> None:
        """Add a line to the message."""
        if self._name:
            self._spoken.append(text)

    def end_conversation(self) -> None:
        """End the message and the conversation."""
        self.finish()
        self._name, self.is_open, self._begins = "", False, True

    def finish(self) -> None:
        """Add the message that was read."""
        words = " ".join(part for part in self._spoken if part)
        if self._name and words:
            sender = _key(self._name)
            self.log.name(sender, self._name)
            self._append(Message(sender=sender, text=words, begins=self._begins))
        self._spoken.clear()

    def _append(self, message: Message) -> None:
        self._messages.append(message)
        self._begins = False

    def read(self) -> list[Message]:
        """Return the messages that were read since the last call."""
        done, self._messages = self._messages, []
        return done


def _is_double_spaced(lines: Iterable[str], speakers: _Speakers) -> bool:
    """Return whether an empty line follows most lines that somebody speaks, but for the last."""
    spoken = followed = 0
    was_spoken = has_gap = False
    for line in lines:
        has_gap = not line.strip() if was_spoken else has_gap
        was_spoken = speakers.spoken(line) is not None
        if was_spoken:
            followed += has_gap
            spoken += 1
            has_gap = False
    return spoken > 2 and 2 * followed > spoken


READER = Reader(title="NAME: line text", looks=_looks, read=_read)
