"""Read times as tables have them: seconds since 1970 or thousandths of them, ISO 8601, or a date and a time in words.

In which order days, months and years stand is learned from all of them. Knows nothing of tables.
"""

import re
from datetime import UTC, date, datetime, timedelta

from aigc_cli.data.chat.dates import DateOrder, Parts, of_24, read_date, wall_clock
from aigc_cli.data.chat.readers.fields import seconds
from aigc_cli.data.chat.readers.whatsapp_phrases import HALF_DAYS

_NUMBER = re.compile(r"\d{9,19}(?:\.\d{1,9})?")
_COMPACT = re.compile(r"(?:19|20)\d{12}")
_WORD = r"[^\W\d_][^\d:+]{0,12}?"
_CLOCK = (
    rf"(?:[T,，]?\s*(?P<before>{_WORD})??\s*(?P<hour>\d{{1,2}})[:.：时](?P<minute>\d{{2}})"
    rf"(?:[:.：分](?P<second>\d{{2}})(?:[.,]\d{{1,9}})?)?秒?\s*(?P<after>{_WORD})??"
    r"\s*(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2})?(?:\s\([^()]{1,40}\))?)?"
)
_WEEKDAY = r"(?:[^\W\d_]{1,12}[.,]?\s+)?"
_NUMBERS = re.compile(
    rf"{_WEEKDAY}(?P<one>\d{{1,4}})(?P<dot>\.\s?|[/-]|年\s?)(?P<two>\d{{1,2}})(?:\.\s?|[/-]|月\s?)"
    rf"(?P<three>\d{{1,4}})[.日]?(?:\s*[(（]\S{{1,4}}[)）])?{_CLOCK}"
)
_DAY_FIRST = re.compile(rf"{_WEEKDAY}(?P<day>\d{{1,2}})[ -](?P<month>[A-Za-z]{{3,9}})\.?[ -](?P<year>\d{{4}}){_CLOCK}")
_MONTH_FIRST = re.compile(
    rf"{_WEEKDAY}(?P<month>[A-Za-z]{{3,9}})\.? (?P<day>\d{{1,2}}),? (?P<year>\d{{4}})(?: at)?{_CLOCK}"
)
_MONTHS = ("", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_SCALES = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3))  # from where on a number is in parts of a second, and in which
_LONGEST = 100
_FIRST_DAY = date(1990, 1, 1)


class Times:
    """Reads the times of one table: `learn` takes up each of them, then `settle` finds their order, then `read`."""

    def __init__(self) -> None:
        self.has_open = False  # there are times whose order must be found
        self._order = DateOrder(_FIRST_DAY)
        self._settled = ""

    def learn(self, written: str) -> None:
        """Take up one more time."""
        if _exact(written) is None and (found := _numbers(written)):
            self.has_open = True
            self._order.add(_parts(found), found["dot"])

    def settle(self, source: str, told: str | None) -> None:
        """Find the order; `told` overrules. Raises UsageProblem where the times leave it open."""
        self._settled = self._order.decide(source, told) if self.has_open else told or "ymd"

    def read(self, written: str) -> tuple[float, bool] | None:
        """Return the seconds since 1970, and whether they are those of a clock somewhere; None for no time."""
        exact = _exact(written)
        if exact is not None:
            return exact
        found = _numbers(written)
        day = read_date(_parts(found), self._settled) if found else None
        return _at(day, found) if day and found else _named(written)


def _exact(written: str) -> tuple[float, bool] | None:
    """Return the time of a number or an ISO 8601 date, None for another."""
    if _NUMBER.fullmatch(written) and not _COMPACT.fullmatch(written):
        number = float(written)
        scale = next((scale for least, scale in _SCALES if number >= least), 1.0)
        since = seconds(number / scale)
        return None if since is None else (since, False)
    if not (written[:4].isdigit() and written.isascii()):
        return None
    iso = f"{written[:8]}T{written[8:]}" if _COMPACT.fullmatch(written) else written
    try:
        at = datetime.fromisoformat(iso)
        since = seconds((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        return None
    return None if since is None else (since, at.tzinfo is None)


def _numbers(written: str) -> re.Match[str] | None:
    return _NUMBERS.fullmatch(written) if len(written) <= _LONGEST else None


def _parts(found: re.Match[str]) -> Parts:
    return found["one"], found["two"], found["three"]


def _named(written: str) -> tuple[float, bool] | None:
    """Return the time of a date with the name of a month."""
    if len(written) > _LONGEST:
        return None
    found = _DAY_FIRST.fullmatch(written) or _MONTH_FIRST.fullmatch(written)
    if found is None or found["month"][:3].lower() not in _MONTHS:
        return None
    try:
        day = date(int(found["year"]), _MONTHS.index(found["month"][:3].lower()), int(found["day"]))
    except ValueError:
        return None
    return _at(day, found)


def _at(day: date, found: re.Match[str]) -> tuple[float, bool] | None:
    """Return the time of a day and what stands behind it."""
    half: int | None = None
    for word in (found["before"], found["after"]):
        bare = re.sub(r"[.\s]", "", word or "").casefold()
        if bare:
            if bare not in HALF_DAYS:
                return None
            half = HALF_DAYS[bare]
    hour, minute, second = int(found["hour"] or 0), int(found["minute"] or 0), int(found["second"] or 0)
    if hour > 24 or minute > 59 or second > 60:
        return None
    time = wall_clock(day, of_24(hour, half), minute, second)
    zone = found["zone"]
    if not zone:
        return time, True
    return time - _ahead(zone).total_seconds(), False


def _ahead(zone: str) -> timedelta:
    """Return how far a zone is ahead of UTC."""
    if zone.isalpha():
        return timedelta()
    ahead = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
    return ahead if zone[0] == "+" else -ahead
