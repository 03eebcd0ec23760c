"""Read what imessage-exporter writes of Apple's Messages as text: a file a conversation, in English whatever the Mac's.

A message is its time, its sender and its lines, up to an empty line and the next time. A reply stands twice: set in
below what it answers, and at its own place; it counts once. Between the lines stand attachments (their paths),
reactions, effects and earlier versions of what was edited: what nobody typed is left out, and of an edited message the
last words count. `Me` owns the messages, or whoever's were "read by them". Times are of a clock on the wall.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import pairwise

from aigc_cli.core.errors import BadData
from aigc_cli.core.words.messages import tr
from aigc_cli.data.chat.dates import of_24, wall_clock
from aigc_cli.data.chat.exports import Export, Head
from aigc_cli.data.chat.messages import Log, Message
from aigc_cli.data.chat.reader import Reader, ReadOptions
from aigc_cli.data.chat.readers.fields import medium, shown_name

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TIME = (
    rf"(?P<month>{'|'.join(_MONTHS)}) (?P<day>\d\d), (?P<year>\d{{4}}) "
    r"(?P<hour>[ \d]\d):(?P<minute>[0-5]\d):(?P<second>[0-6]\d)[ \u202f](?P<half>[AP])M"
)
_HEAD = re.compile(
    rf"(?P<indent> *){_TIME}(?: \(Read by (?P<reader>.{{1,200}}?) after [^()]{{1,100}}\))?(?P<rest>.*)", re.DOTALL
)
_ANNOUNCED = re.compile(
    r" .{1,200}? (?:(?:re)?named the conversation|(?:changed|removed) the (?:group photo|chat background)"
    r"|left the conversation|(?:added|removed) .{1,200} (?:to|from) the conversation|kept an audio message"
    r"|performed unknown action)"
)
_REACTIONS = ("Tapbacks:", "Reactions:")
_REACTION = re.compile(
    r"\s*(?:(?:Loved|Liked|Disliked|Laughed|Emphasized|Questioned|[^\w\s]\S{0,20}) by \S.*"
    r"|(?:\w+ )?Sticker from .{1,200}(?:: .*| not found!))"
)
_STICKER = re.compile(r"(?:\w+ )?Sticker from .{1,200}: .*")
# What a reaction is where it is sent as a message, to a telephone of another kind.
_REACTED = re.compile(
    r"(?:Loved|Liked|Disliked|Laughed at|Emphasized|Questioned|Reacted \S{1,20} to|Removed an? .{1,40} from) "
    r"(?:[“\"].*[”\"]|an? (?:image|movie|attachment|audio message))",
    re.DOTALL,
)
_EFFECT = re.compile(
    "Sent with (?:Confetti|Echo|Fireworks|Balloons|Heart|Lasers|Shooting Start?|Sparkles|Spotlight|Slam|Loud|Gentle"
    "|Invisible Ink)"
)
_EDITED = re.compile(r"Edited [^:]{1,80} later: (?P<text>.*)", re.DOTALL)
_UNSENT = re.compile(r"(?:You|They) deleted a message\.|.{1,200} unsent this message part(?: .{1,60} after sending)?!")
_APP = re.compile(
    r"Unable to format app message: .*|Handwritten messages? .*|Check In\b.*|[\w .&'’-]{1,60} message:"
    r"|.{1,60} transaction: .*|Photo album: .*"
)
_LINK = re.compile(r"https?://\S+")
_ENDINGS = (
    "jpe?g|png|gif|heics?|heif|webp|tiff?|mov|mp4|m4v|3gp|m4a|mp3|caf|amr|aac|wav|pdf|vcf|pluginPayloadAttachment"
)
_PATH = re.compile(
    rf"(?:~?/|attachments/|[A-Za-z]:\\).+\.(?:{_ENDINGS})|(?:~?/.*/(?:Attachments|StickerCache)/|attachments/).+"
    rf"|(?:.*/)?[0-9a-f]{{2}}/[0-9a-f]{{40}}|[^\s/]{{1,120}}\.(?:{_ENDINGS})",
    re.IGNORECASE,
)
_LONGEST = 1000  # characters of a line that may be something else than words
_TRANSLATED = "Translated from:"
_RESPONDED = "This message responded to an earlier message."
_DELETED = "This message was deleted from the conversation!"
_WHOLE = {
    "SharePlay Message\nEnded": "call",
    "Started sharing location!": "location",
    "Stopped sharing location!": "location",
}
_ME, _THEM = "Me", "them"
_INDENT = 4


@dataclass
class _Open:
    """A message that is being read: where it began, when, by whom, its lines, and the replies set in below it."""

    where: int
    time: float
    sender: str
    indent: int = 0
    lines: list[str] = field(default_factory=list)
    replies: list["_Open"] = field(default_factory=list)


@dataclass
class _Reading:
    """What has been read, and the replies that wait for their own place: by their keys, the words they answer."""

    log: Log
    waiting: dict[tuple[float, str, str], list[Message]] = field(default_factory=lambda: defaultdict(list))
    top: _Open | None = None
    inner: _Open | None = None


def looks(head: Head) -> bool:
    """Return whether a text begins with the time of a message and whose it is, or with an announcement."""
    lines = [line for line in head.lines[:50] if line.strip()]
    begun = _HEAD.fullmatch(lines[0]) if lines else None
    if begun is None or begun["indent"]:
        return False
    return len(lines) > 1 if not begun["rest"] else bool(_ANNOUNCED.match(begun["rest"]))


def read(export: Export, log: Log, options: ReadOptions) -> Iterator[Message]:
    """Stream the messages of a conversation."""
    reading, was_blank = _Reading(log), True
    lines = export.lines()
    line = next(lines, "")
    number, has_begun = 1, False
    while True:
        following = next(lines, None)
        begun = _HEAD.match(line) if line[:1] == " " or line[:3] in _MONTHS else None
        time = _time(begun) if begun else None
        is_alone = begun is not None and time is not None and was_blank and not begun["indent"]
        if begun is not None and time is not None and is_alone and _is_whole(begun["rest"], following):
            yield from _close(reading)
            has_begun = has_begun or bool(begun["rest"]) or _names(following)
            if begun["rest"]:
                log.drop("notice", number, line)
            elif _names(following):
                reading.top = _Open(number, time, _sender(following or "", begun, log))
                line, following, number = following or "", next(lines, None), number + 1
            else:
                log.drop("no_sender", number, line)
                line = ""
        elif begun is not None and time is not None and _is_reply(reading, begun, following):
            assert reading.top is not None and following is not None
            reading.inner = _Open(number, time, _sender(following, begun, log), len(begun["indent"]))
            reading.top.replies.append(reading.inner)
            line, following, number = following, next(lines, None), number + 1
        else:
            _go_on(reading, line, number)
        if following is None:
            break
        was_blank, line, number = not line.strip(), following, number + 1
    yield from _close(reading)
    if not has_begun:
        raise BadData(
            tr("{source}: no text of imessage-exporter", source=export.source), tr("export it again with `-f txt`")
        )
    for waiting in reading.waiting.values():  # replies that do not stand at their own place
        yield from waiting
    if _ME in log.names:
        log.subject = _ME


def _time(begun: re.Match[str]) -> float | None:
    hour = int(begun["hour"])
    if not 1 <= hour <= 12:
        return None
    try:
        day = date(int(begun["year"]), _MONTHS.index(begun["month"]) + 1, int(begun["day"]))
    except ValueError:
        return None
    return wall_clock(day, of_24(hour, 0 if begun["half"] == "A" else 12), int(begun["minute"]), int(begun["second"]))


def _is_whole(rest: str, following: str | None) -> bool:
    """Return whether a line with a time is one of its own: a message's first, or an announcement."""
    return not rest or (rest.startswith(" ") and (bool(_ANNOUNCED.match(rest)) or not (following or "").strip()))


def _names(line: str | None) -> bool:
    """Return whether a line names a sender."""
    return bool(line and line.strip()) and not _HEAD.fullmatch(line or "")


def _is_reply(reading: _Reading, begun: re.Match[str], following: str | None) -> bool:
    """Return whether a line that is set in begins a reply to the message that is being read."""
    indent = begun["indent"]
    is_set_in = len(indent) >= _INDENT and bool(following and following.startswith(indent) and following.strip())
    return reading.top is not None and is_set_in and not begun["rest"]


def _sender(line: str, begun: re.Match[str], log: Log) -> str:
    """Return the sender whom a line names, and note what the first line says of who owns the messages."""
    sender = line.strip()
    if sender not in log.names:
        sender = shown_name(sender) or "Unknown"
        log.name(sender, sender)
    if begun["reader"] == _THEM:
        log.subject = sender
    elif begun["reader"]:
        log.contacts.add(sender)
    return sender


def _go_on(reading: _Reading, line: str, number: int) -> None:
    """Add a line to the message that it belongs to."""
    inner = reading.inner
    if inner is not None:
        is_set_in = line.startswith(" " * inner.indent)
        # Older versions set in the first of a reply's lines alone, and end it with an empty one.
        goes_on = not inner.lines or (bool(inner.lines[-1].strip()) and line.strip() not in (_RESPONDED, *_REACTIONS))
        if is_set_in or goes_on or not line.strip():
            inner.lines.append(line[inner.indent :] if is_set_in else line)
            return
        reading.inner = None  # the message that is answered goes on
    if reading.top is not None:
        reading.top.lines.append(line)
    elif line.strip():
        reading.log.drop("before_the_first", number, line)


def _close(reading: _Reading) -> Iterator[Message]:
    """End the message that is being read, with its replies."""
    top, log = reading.top, reading.log
    reading.top = reading.inner = None
    if top is None:
        return
    message, is_reply = _message(top, log)
    for reply in top.replies:
        answer, _ = _message(reply, log, reply_to=message.text)
        reading.waiting[_key(answer)].append(answer)
    if _REACTED.fullmatch(message.text):
        log.drop("reaction", top.where, message.text)
        return
    waiting = reading.waiting.get(_key(message)) if is_reply else None
    if waiting:
        log.drop("repeated", top.where, message.text)
        message = replace(message, reply_to=waiting.pop(0).reply_to)
        if not waiting:
            del reading.waiting[_key(message)]
    yield message


def _key(message: Message) -> tuple[float, str, str]:
    assert message.time is not None
    return message.time, message.sender, message.text.partition("\n")[0]


def _message(read: _Open, log: Log, reply_to: str = "") -> tuple[Message, bool]:
    """Return what was read as a message, and whether it says of itself that it answers another."""
    has_reactions = any(line.strip() in _REACTIONS for line in read.lines)
    lines, is_reply = _without_reactions(read.lines) if has_reactions else read.lines, False
    while lines and not lines[-1].strip():
        lines.pop()
    if lines and lines[-1].strip() == _RESPONDED:
        lines.pop()
        is_reply = True
    text, removed, edited = _said(lines, read, log)
    message = Message(
        sender=read.sender, text=text, time=read.time, removed=removed, local=True, reply_to=reply_to, edited=edited
    )
    return message, is_reply


def _without_reactions(lines: list[str]) -> list[str]:
    kept: list[str] = []
    is_inside = False
    for line, following in pairwise([*lines, ""]):
        if is_inside and (_is_reaction(line) or not line.strip()):
            is_inside = bool(line.strip())
            continue
        is_inside = line.strip() in _REACTIONS and _is_reaction(following)
        if not is_inside:
            kept.append(line)
    return kept


def _is_reaction(line: str) -> bool:
    return len(line) <= _LONGEST and _REACTION.fullmatch(line) is not None


def _said(lines: list[str], read: _Open, log: Log) -> tuple[str, str, bool]:
    """Return what was typed, "" or what there was instead, and whether it was edited."""
    if "\n".join(lines).strip() in _WHOLE:
        return "", _WHOLE["\n".join(lines).strip()], False
    kept: list[str] = []
    shown, edited, version = "", False, -1
    for number, line in enumerate(lines):
        plain = line.replace("\ufffc", "").rstrip()
        if number == 0 and plain == _DELETED:
            return "", "deleted", False
        kind = _instead_of_words(plain, is_first=not kept)
        if version >= 0 and (found := _EDITED.fullmatch(plain)):
            kept[version:] = [found["text"]]
            edited = True
        elif kind == "app":
            return "", "media", False
        elif kind:
            shown = shown or kind.strip()
        else:
            begun = _HEAD.match(plain) if plain[:3] in _MONTHS else None
            if begun:
                version = len(kept)
                if not any(_EDITED.fullmatch(later) for later in lines[number + 1 :]):
                    log.notice("inside_another", read.where + number + 2, plain)
            kept.append(plain)
    if _TRANSLATED in kept:
        del kept[: kept.index(_TRANSLATED) + 1]
    if len(kept) > 1 and _LINK.fullmatch(kept[0]):
        log.notice("link_preview", read.where, "\n".join(kept[1:]))
        del kept[1:]
    text = "\n".join(kept).strip()
    return text, "" if text else shown.strip() or "empty", edited


def _instead_of_words(line: str, *, is_first: bool) -> str:
    """Return what a line is if nobody typed it: a kind of medium, "app", "deleted", " " for what only adorns."""
    if len(line) > _LONGEST:
        return ""
    if _EFFECT.fullmatch(line):
        return " "
    if _STICKER.fullmatch(line):
        return "sticker"
    if line == "Attachment missing!":
        return "file"
    if _UNSENT.fullmatch(line):
        return "deleted"
    if is_first and _APP.fullmatch(line):
        return "app"
    if _PATH.fullmatch(line):
        return "voice" if line.casefold().endswith(".caf") else medium(line)
    return ""


READER = Reader(title="iMessage (imessage-exporter)", looks=looks, read=read)
