"""Read WhatsApp's exported text: of Android (dashes) and iOS (brackets), in any language, with or without media.

A line that begins with a date and a time begins a message or a notice; any other goes on with the message before it.
The file is read twice: first to learn in which order days, months and years stand, in which form lines begin and who
writes, then for its messages. What nobody wrote is left out by what it is: notices, calls, media without a caption,
deleted messages; a conversation is cut where something was said or shown that is not here.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

from aigc_cli.core.errors import BadData
from aigc_cli.core.words.messages import tr
from aigc_cli.data.chat.dates import DateOrder, Parts, of_24, read_date, wall_clock
from aigc_cli.data.chat.exports import Export, Head
from aigc_cli.data.chat.messages import Log, Message
from aigc_cli.data.chat.names import seen
from aigc_cli.data.chat.reader import Reader, ReadOptions
from aigc_cli.data.chat.readers import whatsapp_phrases as phrases

_MARK = "\u200e"  # before what WhatsApp for iOS writes itself
_INVISIBLE = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_WORDS = r"[^\W\d_][^\d:\[\]\-–]{0,14}?"
_HEAD = re.compile(
    r"(?P<open>\[)?"
    r"(?P<one>\d{1,4})(?P<dot>\.\s?|[/-]|年\s?)(?P<two>\d{1,2})(?:\.\s?|[/-]|月\s?)(?P<three>\d{1,4})[.日]?"
    rf"\s*[,،]?\s*(?P<before>{_WORDS})??\s*"
    r"(?P<hour>\d{1,2})(?:[:.]|\s?h\s?)(?P<minute>\d{2})(?:[:.](?P<second>\d{2}))?"
    rf"\s?(?P<after>{_WORDS})??"
    r"(?(open)\s?\]\s?|\s?(?:[-–]\s|:\s))"
)
_NAME = re.compile(r"(?P<name>[^:：]{1,120}?)[:：](?:\s|(?=\S)(?!//))(?P<text>.*)", re.DOTALL)
_FILE_IN_BRACKETS = re.compile(
    r"(?P<file>[^\n/]{1,120}\.\w{2,5}) \((?P<words>[^()]{3,40})\)\s*(?P<caption>.*)", re.DOTALL
)
_ATTACHED = re.compile(_MARK + r"?<[^<>:]{2,30}: ?(?P<file>[^<>\n]{1,120}\.\w{2,5})>\s*")
_IN_ANGLES = re.compile(_MARK + r"?<(?P<words>[^<>\n]{3,60})>\s*")
_PLACE = re.compile(
    r"[^\s:：]{2,20}[:：]\s*(?:.*\s)?https?://(?:maps\.google|goo\.gl/maps|foursquare|maps\.app)", re.DOTALL
)
_KINDS = {
    "photo": ("jpg", "jpeg", "png", "heic", "gif"),
    "video": ("mp4", "mov", "3gp"),
    "voice": ("opus", "ogg", "m4a", "mp3", "aac", "amr"),
    "sticker": ("webp",),
    "contact": ("vcf",),
}
_RECOGNISED_LINES = 200
_FIRST_DAY = date(2009, 1, 1)
_NO_HALF_DAY = -1
_LONGEST_HEAD = 90  # characters; a thousand spaces between a date and a time would be tried in every division
_NAMES_HELD = 4096


@dataclass(slots=True)
class _Begun:
    """How a line begins: the numbers of its date, its time, its form, and what follows."""

    parts: Parts
    separator: str
    time: tuple[int, int, int]
    is_bracketed: bool
    rest: str


@dataclass
class _Known:
    """What the first reading of a file learned."""

    order: DateOrder = field(default_factory=lambda: DateOrder(_FIRST_DAY))
    bracketed: int = 0
    dashed: int = 0
    names: Counter[str] = field(default_factory=Counter)


def _begun(line: str) -> _Begun | None:
    """Return how a line begins, None if not with a date and a time."""
    plain = line
    if not line.isascii():
        plain = line.lstrip(_MARK + "\u200f\u202a\ufeff").replace("\u202f", " ").replace("\u00a0", " ")
    if not plain[:1].isdigit() and plain[:1] != "[":
        return None
    head = _HEAD.match(plain, 0, _LONGEST_HEAD)
    if head is None:
        return None
    bracket, one, dot, two, three, before, hour_text, minute_text, second_text, after = head.groups()
    half = _half_day(before, after) if before or after else None
    hour, minute, second = int(hour_text), int(minute_text), int(second_text or 0)
    if half is _NO_HALF_DAY or hour > 24 or minute > 59 or second > 60:
        return None
    return _Begun((one, two, three), dot, (of_24(hour, half), minute, second), bool(bracket), plain[head.end() :])


@lru_cache(_NAMES_HELD)
def _half_day(before: str | None, after: str | None) -> int | None:
    """Return when the half-day begins that is named beside a time; None for none, _NO_HALF_DAY for other words."""
    for word in (before, after):
        bare = re.sub(r"[.\s]", "", word or "").casefold()
        if bare and bare not in phrases.BESIDE_TIMES:
            return phrases.HALF_DAYS.get(bare, _NO_HALF_DAY)
    return None


def _looks(head: Head) -> bool:
    """Return whether a quarter of the lines, or the first, has date and time."""
    lines = [line for line in head.lines[:_RECOGNISED_LINES] if line.strip()]
    begun = [found for line in lines if (found := _begun(line))]
    named = [found for found in begun if _NAME.match(found.rest)]
    return bool(named) and (4 * len(begun) >= len(lines) or _begun(lines[0]) is not None)


def _read(export: Export, log: Log, options: ReadOptions) -> Iterator[Message]:
    """Yield an export's messages; times are of a clock on the wall."""
    known = _learn(export.lines())
    if not known.names:
        raise BadData(
            tr("{source}: not a WhatsApp export", source=export.source), tr("export the chat from WhatsApp again")
        )
    order = known.order.decide(export.source, options.dates)
    for message in _messages(export.lines(), known, order, log):
        log.name(message.sender, message.sender)
        yield message


def _learn(lines: Iterable[str]) -> _Known:
    known = _Known()
    for line in lines:
        begun = _begun(line)
        if begun is None:
            continue
        known.order.add(begun.parts, begun.separator)
        known.bracketed += begun.is_bracketed
        known.dashed += not begun.is_bracketed
        named = _NAME.match(begun.rest)
        if named:
            known.names[_name(named["name"])] += 1
    return known


@lru_cache(_NAMES_HELD)
def _name(written: str) -> str:
    """Return a sender's name as it is seen; the tilde before the name of somebody who is no contact goes."""
    return seen(_INVISIBLE.sub("", written)).removeprefix("~").strip() or "?"


def _messages(lines: Iterable[str], known: _Known, order: str, log: Log) -> Iterator[Message]:
    """Yield the messages of a file, and a removed one where something is not here; count what is left out."""
    bracketed = known.bracketed >= known.dashed
    time: float | None = None  # of the message that is being read
    written: list[str] = []
    for number, line in enumerate(lines, start=1):
        begun = _begun(line)
        day = read_date(begun.parts, order) if begun else None
        if begun is not None and (day is None or begun.is_bracketed != bracketed):
            if time is not None:
                log.notice("inside_another", number, line)  # looks like the beginning of one, and is part of one
            begun = None
        if begun is None:
            if time is not None:
                written.append(line)
            elif line.strip():
                log.drop("before_the_first", number, line)
            continue
        if time is not None:
            yield from _message(time, written, known, log)
        assert day is not None
        time, written = wall_clock(day, *begun.time), [begun.rest]
    if time is not None:
        yield from _message(time, written, known, log)


def _message(time: float, written: list[str], known: _Known, log: Log) -> Iterator[Message]:
    named = _NAME.match(written[0])
    name = _name(named["name"]) if named else ""
    if named is None or _is_notice(name, known):
        log.drop("notice", "", "\n".join(written))
        return
    text = "\n".join([named["text"], *written[1:]]).strip()
    words, removed = _words(text)
    yield Message(sender=name, text=words, time=time, removed=removed, local=True)


def _is_notice(name: str, known: _Known) -> bool:
    """Return whether what stands before a line's colon is said of the chat by WhatsApp itself, and is no name."""
    if phrases.NOTICES.search(name):
        return True
    return known.names[name] == 1 and bool(phrases.CHANGES.search(name)) and len(name.split()) > 2


def _words(text: str) -> tuple[str, str]:
    """Return what somebody wrote, and "" or why there is nothing of it."""
    attached = _ATTACHED.search(text) if "<" in text else None
    attached = attached or (_FILE_IN_BRACKETS.fullmatch(text) if "(" in text else None)
    if attached is not None:
        return _attached(text, attached)
    angles = _IN_ANGLES.search(text) if "<" in text else None
    if angles and phrases.IS_EDITED.fullmatch(phrases.folded(angles["words"])) and angles.end() == len(text):
        text = text[: angles.start()].rstrip()
    shown = _without_placeholder(text)
    if shown is None:
        return "", "media"
    plain = _visible(shown).strip()
    compared = _compared(plain)
    if phrases.IS_DELETED.fullmatch(compared):
        return "", "deleted"
    if phrases.IS_CALL.match(compared) and len(compared) < 60:
        return "", "call"
    if plain.casefold().startswith(phrases.POLLS):
        return "", "poll"
    if "://" in plain and _PLACE.match(plain):
        return "", "location"
    if plain in ("null", ""):
        return "", "view_once"
    if shown.startswith(_MARK):  # iOS says so of everything that it writes itself
        return "", "media"
    return plain, ""


@lru_cache(2)  # asked of most texts twice
def _compared(text: str) -> str:
    return phrases.folded(_visible(text).strip("<>⊘🚫 "))


def _visible(text: str) -> str:
    return text if text.isascii() else _INVISIBLE.sub("", text)


def _without_placeholder(text: str) -> str | None:
    """Return the text without what stands in a picture's place, before or behind its caption; None if that is all."""
    first, _, rest = text.partition("\n")
    if phrases.IS_OMITTED.fullmatch(_compared(first)):
        return rest if rest.strip() else None
    if _MARK not in text:
        return text
    caption, mark, last = text.rpartition(_MARK)
    if mark and caption.strip() and phrases.IS_OMITTED.fullmatch(_compared(last)):
        return caption
    return text


def _attached(text: str, attached: re.Match[str]) -> tuple[str, str]:
    """Return the caption of a file, or what kind of file there was without one."""
    if attached.re is _FILE_IN_BRACKETS:
        if not phrases.IS_ATTACHED.fullmatch(phrases.folded(attached["words"])):
            return _INVISIBLE.sub("", text), ""
        caption = attached["caption"]
    else:
        caption = text[: attached.start()] + text[attached.end() :]
    caption = _INVISIBLE.sub("", caption).strip()
    ending = attached["file"].rpartition(".")[2].casefold()
    kind = next((kind for kind, endings in _KINDS.items() if ending in endings), "file")
    return (caption, "") if caption else ("", kind)


READER = Reader(title="WhatsApp text", looks=_looks, read=_read)
