"""Read KakaoTalk's exports in Korean and English: text of Windows, Android and iOS, and the table of macOS.

Each line that begins as the layout has it begins a message or a notice; any other goes on with the message before it.
On telephones the owner's own messages stand under "you", not under a name. Photos are told by the one word that stands
in their place, so somebody who wrote just that word is taken to have sent one.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

from aigc_cli.core.errors import BadData
from aigc_cli.core.words.messages import tr
from aigc_cli.data.chat.dates import of_24, wall_clock
from aigc_cli.data.chat.exports import Export, Head
from aigc_cli.data.chat.messages import Log, Message
from aigc_cli.data.chat.names import seen
from aigc_cli.data.chat.reader import Reader, ReadOptions
from aigc_cli.data.chat.readers import kakaotalk_phrases as phrases

_DAY = (
    r"(?:(?P<year>\d{4})(?:년 ?|\. ?|-)(?P<month>\d{1,2})(?:월 ?|\. ?|-)(?P<day>\d{1,2})[일.]?"
    r"|(?P<month_name>[A-Z][a-z]{2,8})\.? (?P<day_2>\d{1,2}), (?P<year_2>\d{4})"
    r"|(?P<day_3>\d{1,2}) (?P<month_name_3>[A-Z][a-z]{2,8})\.? (?P<year_3>\d{4}))"
)
_TIME = (
    r"(?:(?P<half>오전|오후) ?)?(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?"
    r"(?:[ \u00a0\u202f]?(?P<half_2>[AaPp])\.?[Mm]\.?)?"
)
_COMPUTER = re.compile(rf"\[(?P<name>.{{0,100}}?)\] \[{_TIME}\](?: (?P<text>.*))?")
_BAR = re.compile(rf"-{{5,}} (?:[A-Z][a-z]{{2,8}}, )?{_DAY}(?: \S{{1,4}})? -{{5,}}\s*")
_PHONE = re.compile(rf"{_DAY}(?:,| at)? {_TIME}(?P<end>, |: |\s*$)(?P<rest>.*)")
_OLD_PHONE = re.compile(rf"{_TIME}, {_DAY}(?P<end>, |: |\s*$)(?P<rest>.*)")
_PHONE_BY_DAYS = re.compile(rf"{_TIME}(?P<end>, |: )(?P<rest>.*)")
_PHONE_DAY = re.compile(rf"(?:[A-Z][a-z]{{2,8}}, )?{_DAY}(?: \S요일)?\s*")
_SAID = re.compile(r"(?P<name>.{1,100}?) :(?: (?P<text>.*))?")
_TABLE = "Date,User,Message"
_ROW = re.compile(
    r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2}) (?P<hour>\d{2}):(?P<minute>\d{2}):(?P<second>\d{2}),"
    r'(?:"(?P<name>(?:[^"]|""){0,200})"|(?P<bare>[^",]{0,200})),(?P<text>.*)'
)
_ROW_WITHOUT_A_DAY = re.compile(r',"",(?P<text>.*)')  # a message that was deleted
_RECOGNISED_LINES = 200
_HEADINGS = 6  # lines that a heading may stand in
_HALF_DAYS = {"오전": 0, "a": 0, "오후": 12, "p": 12}
_MONTHS = ("", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


@dataclass(frozen=True, slots=True)
class _Begun:
    """How a line begins: `day` (None: the one before), the seconds of the day, who says what (None: nobody)."""

    day: date | None
    seconds: int
    name: str | None
    text: str


def _on_computer(line: str) -> _Begun | None:
    found = _COMPUTER.fullmatch(line)
    seconds = _seconds(found) if found else None
    if found is None or seconds is None:
        return None
    return _Begun(None, seconds, found["name"] or None, found["text"] or "")


def _on_phone(line: str) -> _Begun | None:
    found = _PHONE.fullmatch(line) or _OLD_PHONE.fullmatch(line)
    if found is None:
        return None
    day, seconds = _day(found), _seconds(found)
    if day is None or seconds is None:
        return None
    return _said(day, seconds, found)


def _on_phone_by_days(line: str) -> _Begun | None:
    found = _PHONE_BY_DAYS.fullmatch(line)
    seconds = _seconds(found) if found else None
    return None if found is None or seconds is None else _said(None, seconds, found)


def _said(day: date | None, seconds: int, found: re.Match[str]) -> _Begun:
    """Return what stands behind the time of a line on a telephone: who says what, or a notice."""
    said = _SAID.fullmatch(found["rest"]) if found["end"] == ", " else None
    if said is None:
        return _Begun(day, seconds, None, found["rest"])
    return _Begun(day, seconds, said["name"], said["text"] or "")


def _in_table(line: str) -> _Begun | None:
    found = _ROW.fullmatch(line)
    if found is None and (row := _ROW_WITHOUT_A_DAY.fullmatch(line)):
        return _Begun(None, 0, None, row["text"])
    day = _day(found) if found else None
    if found is None or day is None:
        return None
    seconds = 3600 * int(found["hour"]) + 60 * int(found["minute"]) + int(found["second"])
    name = found["bare"] if found["name"] is None else found["name"].replace('""', '"')
    return _Begun(day, seconds, name or None, found["text"])


def _day(found: re.Match[str]) -> date | None:
    """Return the date of a line, None if there is no such day."""
    named = found.re is not _ROW and (found["month_name"] or found["month_name_3"])
    try:
        if not named:
            return date(int(found["year"]), int(found["month"]), int(found["day"]))
        month = _MONTHS.index(named[:3].lower())
        return date(int(found["year_2"] or found["year_3"]), month, int(found["day_2"] or found["day_3"]))
    except ValueError:
        return None


def _day_of(line: str) -> date | None:
    """Return the day that a line names, with or without a time, None if there is more or less in it."""
    found = _PHONE_DAY.fullmatch(line)
    if found:
        return _day(found)
    begun = _on_phone(line)
    return begun.day if begun and begun.name is None and not begun.text else None


def _seconds(found: re.Match[str]) -> int | None:
    """Return the seconds of the day of a line's time, None if there is no such time."""
    half = found["half"] or (found["half_2"] or "").lower()
    hour, minute, second = int(found["hour"]), int(found["minute"]), int(found["second"] or 0)
    if hour > 23 or minute > 59 or second > 59:
        return None
    return 3600 * of_24(hour, _HALF_DAYS.get(half)) + 60 * minute + second


_LAYOUTS: tuple[Callable[[str], _Begun | None], ...] = (_on_computer, _on_phone, _on_phone_by_days, _in_table)
_PHONES = (_on_phone, _on_phone_by_days)


def _layout(line: str) -> Callable[[str], _Begun | None] | None:
    return next((layout for layout in _LAYOUTS if layout(line)), None)


def _looks(head: Head) -> bool:
    lines = [line.lstrip("\ufeff") for line in head.lines[:_RECOGNISED_LINES] if line.strip()]
    if any(phrases.TITLE.search(line) for line in lines[:3] if len(line) < 300) or lines[:1] == [_TABLE]:
        return True
    if any(_BAR.fullmatch(line) for line in lines) and any(map(_on_computer, lines)):
        return True
    if any(phrases.SAVED.match(line) for line in lines[:3]) and any(map(_layout, lines)):
        return True
    begun = list(map(_on_phone, lines))
    return sum(1 for found in begun if found and found.name) > 1 and begun[0] is not None


def _read(export: Export, log: Log, _: ReadOptions) -> Iterator[Message]:
    reading = _Reading(log)
    for part in export.parts:
        for number, line in enumerate(export.lines(part), start=1):
            yield from reading.take(number, line)
    yield from reading.close()
    if not reading.has_begun:
        raise BadData(
            tr("{source}: not a KakaoTalk export", source=export.source), tr("export the chat from KakaoTalk again")
        )


class _Reading:
    """The day that is being read, and the message that the next line may go on with."""

    def __init__(self, log: Log) -> None:
        self.has_begun = False
        self._log = log
        self._layout: Callable[[str], _Begun | None] | None = None
        self._day: date | None = None
        self._midnight: float | None = None
        self._begun: _Begun | None = None
        self._number = 0
        self._written: list[str] = []
        self._held: list[str] = []  # a line that is a day, if a message of that day follows; empty ones behind it
        self._seen: dict[str, str] = {}

    def take(self, number: int, line: str) -> Iterator[Message]:
        """Take one line; yield the message before it where that has ended."""
        line = line if self._layout else line.lstrip("\ufeff")
        self._layout = self._layout or _layout(line)
        begun = self._layout(line) if self._layout else None
        if begun is not None and (begun.name is not None or begun.text):
            day = self._held_day(begun) or begun.day
            if self._held and not self._held_day(begun):
                yield from self._let_go(number)
            self._held.clear()
            yield from self.finish()
            if day is not None and day != self._day:
                self._day, self._midnight = day, wall_clock(day, 0, 0)
            self.has_begun = True
            self._begun, self._number, self._written = begun, number, []
        elif self._held and line.strip():
            yield from self._let_go(number)
            yield from self.take(number, line)
        elif self._held or (self._layout in (None, *_PHONES) and _day_of(line)):
            self._held.append(line)
        else:
            yield from self._go_on(number, line)

    def _held_day(self, begun: _Begun) -> date | None:
        """Return the day of the line that is held, None if there is none or if what follows is not of that day."""
        day = _day_of(self._held[0]) if self._held else None
        if day is None or (begun.day or max(day, self._day or day)) != day:
            return None
        return day

    def close(self) -> Iterator[Message]:
        """Yield what is still to come at the end."""
        yield from self._let_go(self._number)
        yield from self.finish()

    def _let_go(self, number: int) -> Iterator[Message]:
        """Take lines that were held for a day as lines of the message before."""
        held, self._held = self._held, []
        for line in held:
            yield from self._go_on(number, line)

    def _go_on(self, number: int, line: str) -> Iterator[Message]:
        """Take a line that begins no message."""
        bar = _BAR.fullmatch(line) if line.startswith("-----") else None
        day = _day(bar) if bar else None
        if day is not None and (self._day is None or day >= self._day):
            yield from self.finish()
            self._day, self._midnight = day, wall_clock(day, 0, 0)
        elif self._layout is _on_computer and phrases.is_notice(line.strip()):
            self.has_begun = True
            self._log.drop("notice", number, line)
        elif self._begun is not None:
            if _layout(line) is not None or bar or (self._layout in _PHONES and _day_of(line)):
                self._log.notice("inside_another", number, line)
            self._written.append(line)
        elif line.strip() and not (number <= _HEADINGS and _is_heading(line)):
            self._log.drop("before_the_first", number, line)

    def finish(self) -> Iterator[Message]:
        """Yield the message that was read, if it is one."""
        begun, self._begun = self._begun, None
        if begun is None:
            return
        text = "\n".join([begun.text, *self._written]).strip()
        if self._layout is _in_table:
            text = _unquoted(text)
        words, removed = _words(text)
        time = None if self._midnight is None else self._midnight + begun.seconds
        if begun.name is None and removed == "deleted":
            yield Message(sender="", time=time, removed=removed, local=time is not None)
            return
        if begun.name is None or (self._layout is _in_table and _is_notice_of(text, begun.name)):
            self._log.drop("notice", self._number, text)
            return
        sender = self._shown(begun.name)
        if words:
            self._log.name(sender, sender)
        if self._layout in _PHONES and sender in phrases.OWNERS:
            self._log.subject = sender
        yield Message(sender=sender, text=words, time=time, removed=removed, local=time is not None)

    def _shown(self, name: str) -> str:
        if name not in self._seen:
            self._seen[name] = seen(name) or "?"
        return self._seen[name]


def _is_heading(line: str) -> bool:
    bare = line.lstrip("\ufeff").strip()
    return bare == _TABLE or (len(bare) < 300 and bool(phrases.TITLE.search(bare) or phrases.SAVED.match(bare)))


def _unquoted(text: str) -> str:
    if len(text) > 1 and text.startswith('"') and text.endswith('"'):
        text = text[1:-1]
    return text.replace('""', '"').strip()


def _is_notice_of(text: str, name: str) -> bool:
    """Return whether what stands under a name in a table tells what that person or another did."""
    return phrases.is_notice(text) and (text.startswith(name) or "this chat" in text or "습니다" in text)


def _words(text: str) -> tuple[str, str]:
    """Return what somebody wrote, and "" or why there is nothing of it."""
    plain = phrases.EMOTICON.sub("", text).strip()
    if not plain:
        return "", "sticker" if text else "media"
    if len(plain) < phrases.LONGEST:
        removed = phrases.removed(plain)
        if removed:
            return "", removed
    return plain, ""


READER = Reader(title="KakaoTalk", looks=_looks, read=_read)
