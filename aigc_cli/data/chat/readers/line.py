"""Read LINE's exported text: of telephones (columns divided by tabs) and of computers (by single spaces).

A line with a date and a day of the week begins a day, one with a time begins a message or a notice, any other goes on
with the message before it. The file is read twice: first for the order of its dates, its form and who writes. Where
single spaces divide, names are what the lines begin with as far as it is always the same: a file does not say where a
name of two words ends.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import PurePosixPath

from aigc_cli.core.errors import BadData
from aigc_cli.core.words.messages import tr
from aigc_cli.data.chat.dates import ORDERS, DateOrder, Parts, of_24, read_date, wall_clock
from aigc_cli.data.chat.exports import Export, Head
from aigc_cli.data.chat.messages import Log, Message
from aigc_cli.data.chat.names import seen
from aigc_cli.data.chat.reader import Reader, ReadOptions
from aigc_cli.data.chat.readers import line_phrases as phrases
from aigc_cli.data.chat.readers.line_names import Names

_HALF_DAYS = {"上午": 0, "午前": 0, "오전": 0, "a": 0, "下午": 12, "午後": 12, "오후": 12, "p": 12}
_TIME = re.compile(
    r"(?P<before>上午|下午|午前|午後|오전|오후)?\s?(?P<hour>\d{1,2}):(?P<minute>\d{2})"
    r"(?:\s?(?P<after>[AaPp])\.?[Mm]\.?)?(?P<gap>\t| +)(?P<rest>.*)"
)
_DATE = re.compile(
    r"(?:(?P<before>[^\W\d_]{1,12}[^\w\s,]?)[.,]?\s{1,2})?"
    r"(?P<era>[RHS])?(?P<one>\d{1,4})(?P<dot>\. ?|[/-]|[年년] ?)(?P<two>\d{1,2})(?:\. ?|[/-]|[月월] ?)"
    r"(?P<three>\d{1,4})"
    r"[.日일]?\s?(?:[(（]?(?P<after>\S{1,14})[)）]?)?\s*"
)
_IN_BRACKETS = re.compile(r"\[(?P<word>[^\[\]]{1,30})\]\s?(?P<more>.*)", re.DOTALL)
_INDENTED = re.compile(r"^\t{1,2}")  # under the column of texts
_ERAS = {"R": 2018, "H": 1988, "S": 1925}  # the year before the era's first
_BUDDHIST = 543
_DAY_ENDS = ("曜日", "曜", "요일")
_FIRST_DAY = date(2011, 6, 1)
_RECOGNISED_LINES = 200
_LONGEST_TITLE = 200


@dataclass(frozen=True, slots=True)
class _Day:
    """A line that begins a day: its three numbers, and the day of the week that it names, if it is known."""

    parts: Parts
    separator: str
    weekday: int | None


@dataclass(frozen=True, slots=True)
class _Begun:
    """A line that begins with a time: whether columns follow (name, text), or words divided by single spaces."""

    hour: int
    minute: int
    in_columns: bool
    rest: str


@dataclass
class _Known:
    """What the first reading of a file learned."""

    order: DateOrder = field(default_factory=lambda: DateOrder(_FIRST_DAY))
    other_weekday: Counter[str] = field(default_factory=Counter)
    columns: int = 0
    spaces: int = 0
    senders: set[str] = field(default_factory=set)
    names: Names = field(default_factory=Names)

    @property
    def in_columns(self) -> bool:
        return self.columns >= self.spaces


def _looks(head: Head) -> bool:
    lines = [line for line in head.lines[:_RECOGNISED_LINES] if line.strip()]
    if not lines:
        return False
    if lines[0].lstrip("\ufeff").upper().startswith("[LINE]"):
        return True
    return len(lines) > 1 and _day(lines[0]) is not None and _begun(lines[1]) is not None


def _day(line: str) -> _Day | None:
    """Return the day that a line begins, None if it begins none."""
    found = _DATE.fullmatch(line.strip().lstrip("\ufeff"))
    if found is None or not (found["before"] or found["after"]):
        return None
    parts = [found["one"], found["two"], found["three"]]
    if found["era"]:
        parts[0] = str(_ERAS[found["era"]] + int(parts[0]))
    parts = [str(int(part) - _BUDDHIST) if len(part) == 4 and int(part) > 2400 else part for part in parts]
    return _Day((parts[0], parts[1], parts[2]), found["dot"], _weekday(found["after"] or found["before"]))


def _weekday(word: str) -> int | None:
    """Return the day of the week, Monday 0, that a word begins with."""
    bare = word.casefold().removeprefix("週").removeprefix("星期").removeprefix("周").strip(".,()（）")
    for length in (3, 2, 1):
        if bare[:length] in phrases.WEEKDAYS and (bare.isascii() or len(bare) <= length or bare[length:] in _DAY_ENDS):
            return phrases.WEEKDAYS[bare[:length]]
    return None


def _begun(line: str) -> _Begun | None:
    """Return how a line begins, None if not with a time."""
    found = _TIME.match(line)
    if found is None:
        return None
    hour, minute = int(found["hour"]), int(found["minute"])
    if hour > 24 or minute > 59:
        return None
    half = found["before"] or (found["after"] or "").lower()
    hour = of_24(hour % 24 if not half else hour, _HALF_DAYS.get(half))
    gap, rest = found["gap"], found["rest"]
    if len(gap) > 1:  # tabs that became spaces on the way
        rest = re.sub(" {2,}", "\t", rest, count=1)
    return _Begun(hour, minute, gap != " ", rest)


def _events(lines: Iterable[str], *, in_columns: bool | None = None) -> Iterator[tuple[int, str, _Day | _Begun | None]]:
    """Yield (number, line, what it begins). A day begins only where a time follows, after empty lines or none.

    `in_columns`: only such times, or only such that are not.
    """
    held: list[tuple[int, str]] = []
    day: _Day | None = None
    for number, line in enumerate(lines, start=1):
        begun = _begun(line)
        if begun is not None and in_columns not in (None, begun.in_columns):
            begun = None
        if day is not None and (begun or line.strip()):
            yield (*held[0], day if begun else None)
            yield from ((*empty, None) for empty in held[1:])
            held, day = [], None
        if begun is None and day is None:
            day = _day(line)
        if day is not None:
            held.append((number, line))
        else:
            yield number, line, begun
    if day is not None:
        yield (*held[0], day)


def _read(export: Export, log: Log, options: ReadOptions) -> Iterator[Message]:
    known = _learn(export)
    if not known.columns + known.spaces:
        raise BadData(tr("{source}: not a LINE export", source=export.source), tr("export the chat from LINE again"))
    sure = [order for order in ORDERS if not known.other_weekday[order]] if known.other_weekday else []
    order = options.dates or (sure[0] if len(sure) == 1 else known.order.decide(export.source))
    reading = _Reading(known, order, log)
    for part in export.parts:
        for number, line, begins in _events(export.lines(part), in_columns=known.in_columns):
            yield from reading.take(number, line, begins)
    yield from reading.finish()


def _learn(export: Export) -> _Known:
    known = _Known()
    for part in export.parts:
        title = PurePosixPath(part.name).name
        for number, line, begins in _events(export.lines(part)):
            if isinstance(begins, _Day):
                known.order.add(begins.parts, begins.separator)
                if begins.weekday is not None:
                    for order in ORDERS:
                        day = read_date(begins.parts, order)
                        known.other_weekday[order] += day is None or day.weekday() != begins.weekday
            elif begins is not None and begins.in_columns:
                known.columns += 1
                name, mark, _ = begins.rest.partition("\t")
                if mark and name.strip():
                    known.senders.add(name)
            elif begins is not None:
                known.spaces += 1
                if not _is_own(begins.rest):
                    known.names.add(begins.rest)
            elif number == 1 and line.lstrip("\ufeff").upper().startswith("[LINE]"):
                title = line.lstrip("\ufeff")
        titled = phrases.TITLE.fullmatch(title[:_LONGEST_TITLE].strip())
        if titled:
            known.names.sure.add(titled["name"].strip())
    return known


class _Reading:
    """The day that is being read, and the message that the next line may go on with."""

    def __init__(self, known: _Known, order: str, log: Log) -> None:
        self._known, self._order, self._log = known, order, log
        self._members = tuple(known.senders)
        self._seen: dict[str, str] = {}
        self._midnight: float | None = None  # of the day that is being read
        self._begun: _Begun | None = None
        self._number = 0
        self._written: list[str] = []

    def take(self, number: int, line: str, begins: _Day | _Begun | None) -> Iterator[Message]:
        """Take one line; yield the message before it where that has ended."""
        if isinstance(begins, _Day):
            day = read_date(begins.parts, self._order)
            if day is not None:
                yield from self.finish()
                self._midnight = wall_clock(day, 0, 0)
                return
        elif begins is not None and self._is_one(begins):
            yield from self.finish()
            self._begun, self._number, self._written = begins, number, []
            return
        if self._begun is not None:
            if begins is not None or _begun(line) is not None or _day(line) is not None:
                self._log.notice("inside_another", number, line)
            self._written.append(_INDENTED.sub("", line) if self._begun.in_columns else line)
        elif line.strip() and not self._is_heading(number, line):
            self._log.drop("before_the_first", number, line)

    def finish(self) -> Iterator[Message]:
        """Yield the message that was read, if it is one."""
        begun, self._begun = self._begun, None
        if begun is None:
            return
        time = None if self._midnight is None else self._midnight + 3600 * begun.hour + 60 * begun.minute
        if begun.in_columns:
            name, mark, first = begun.rest.partition("\t")
            name, first = (name, first) if mark else ("", name)
        else:
            name, first = "", begun.rest
            if not _is_own(first):
                name, first = self._known.names.divided(first)
        name = self._shown(name)
        text = _unquoted("\n".join([first, *self._written])).strip()
        if not name:
            yield from self._nameless(text, time)
        elif phrases.is_of_a_group(text) or (text.startswith(self._members) and phrases.is_notice(text)):
            self._log.drop("notice", self._number, text)
        else:
            words, removed = _words(text, has_brackets=begun.in_columns)
            if words:
                self._log.name(name, name)
            yield Message(sender=name, text=words, time=time, removed=removed, local=time is not None)

    def _shown(self, name: str) -> str:
        if name not in self._seen:
            self._seen[name] = seen(name)
        return self._seen[name]

    def _nameless(self, text: str, time: float | None) -> Iterator[Message]:
        unsent = phrases.UNSENT.fullmatch(text)
        if unsent:
            name = seen(unsent["name"])
            sender = "" if name.casefold() in phrases.OWN else name
            yield Message(sender=sender, time=time, removed="deleted", local=time is not None)
        elif text.startswith(phrases.CALL):
            yield Message(sender="", time=time, removed="call", local=time is not None)
        else:
            self._log.drop("notice", self._number, text)

    def _is_one(self, begins: _Begun) -> bool:
        """Return whether a line that begins with a time begins a message or a notice, and is no part of one."""
        if begins.in_columns:
            return "\t" in begins.rest or not self._is_quoting()
        if self._begun is None:
            return True
        is_later = (begins.hour, begins.minute) >= (self._begun.hour, self._begun.minute)
        is_said = " " in begins.rest and (is_later or self._known.names.begins_often(begins.rest))
        return is_said or _is_own(begins.rest)

    def _is_quoting(self) -> bool:
        """Return whether the message that is being read has begun with a quotation mark that is not yet closed."""
        first = self._begun.rest.rpartition("\t")[2] if self._begun else ""
        return first.startswith('"') and not (self._written or [first[1:]])[-1].rstrip().endswith('"')

    def _is_heading(self, number: int, line: str) -> bool:
        bare = line.lstrip("\ufeff")
        return number < 4 and (bare.upper().startswith("[LINE]") or bool(phrases.SAVED.match(bare)))


def _is_own(text: str) -> bool:
    """Return whether a text is LINE's own."""
    return phrases.is_notice(text) or phrases.is_unsent(text)


def _unquoted(text: str) -> str:
    """Return a text of several lines without the quotation marks that LINE puts around it."""
    bare = text.rstrip()
    if "\n" in bare and bare.startswith('"') and bare.endswith('"'):
        return bare[1:-1].replace('""', '"')
    return text


def _words(text: str, *, has_brackets: bool) -> tuple[str, str]:
    """Return what somebody wrote, and "" or why there is nothing of it."""
    if text.startswith(phrases.CALL):
        return "", "call"
    if text.startswith(phrases.MISSING):
        return "", "media"
    if phrases.is_unsent(text):
        return "", "deleted"
    bracketed = _IN_BRACKETS.fullmatch(text)
    if bracketed:
        kind = phrases.MEDIA.get(bracketed["word"].casefold(), "")
        if kind and (kind in phrases.NAMED or not bracketed["more"]):
            return "", kind
    if not has_brackets and text.casefold() in phrases.MEDIA:
        return "", phrases.MEDIA[text.casefold()]
    if not has_brackets and phrases.CALLED.fullmatch(text):
        return "", "call"
    words = phrases.EMOJI.sub("", text).strip()
    return (words, "") if words else ("", "sticker" if text else "media")


READER = Reader(title="LINE", looks=_looks, read=_read)
