"""Dates written as three numbers: which is the day, which the month, which the year, decided over a whole file; zones.

Knows nothing of formats. Numbers may be digits of any script.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from aigc_cli.core.errors import UsageProblem
from aigc_cli.core.words.messages import tr

Parts = tuple[str, str, str]
ORDERS = {"dmy": (2, 1, 0), "mdy": (2, 0, 1), "ymd": (0, 1, 2)}  # the places of year, month and day
_DATES_HELD = 4096
_DAY, _EPOCH = 86400, date(1970, 1, 1).toordinal()
_SLACK_DAYS = 31  # that a chat may go back in all: clocks of telephones are set wrong


@lru_cache(_DATES_HELD)
def read_date(parts: Parts, order: str) -> date | None:
    """Return the date of three numbers in an order, None if there is none. A year of two digits is after 2000."""
    year, month, day = (parts[place] for place in ORDERS[order])
    if len(day) > 2 or len(month) > 2 or len(year) not in (2, 4):
        return None
    try:
        return date(int(year) + (2000 if len(year) == 2 else 0), int(month), int(day))
    except ValueError:
        return None


@dataclass
class DateOrder:
    """Finds the order of a file's dates from all of them: in which all are days, and in which time hardly goes back.

    Nothing was sent before `earliest`, when there was no such messenger yet, nor after tomorrow.
    """

    earliest: date
    latest: date = field(default_factory=lambda: datetime.now(UTC).date() + timedelta(days=1))
    _wrong: dict[str, int] = field(default_factory=lambda: dict.fromkeys(ORDERS, 0))
    _back: dict[str, int] = field(default_factory=lambda: dict.fromkeys(ORDERS, 0))
    _last: dict[str, date] = field(default_factory=dict)
    _differ: set[frozenset[str]] = field(default_factory=set)
    _has_dots: bool = False
    _before: Parts | None = None

    def add(self, parts: Parts, separator: str) -> None:
        """Take up one more date, in the file's order."""
        if parts == self._before:
            return
        self._before = parts
        self._has_dots |= separator.startswith(".")
        days = {order: read_date(parts, order) for order in ORDERS}
        for order, day in days.items():
            if day is None or not self.earliest <= day <= self.latest:
                self._wrong[order] += 1
                continue
            self._back[order] += max(0, (self._last.get(order, day) - day).days)
            self._last[order] = day
        self._differ |= {frozenset((a, b)) for a, one in days.items() for b, other in days.items() if one != other}

    def decide(self, source: str, told: str | None = None) -> str:
        """Return the order; `told` overrules. Raises UsageProblem where the file leaves it open."""
        if told is not None:
            return told
        left = [order for order in ORDERS if self._wrong[order] == min(self._wrong.values())]
        least = min(self._back[order] for order in left)
        left = [order for order in left if self._back[order] <= least + _SLACK_DAYS]
        if self._has_dots and len(left) > 1:  # nobody who writes the month first divides by dots
            left = [order for order in left if order != "mdy"]
        if not any(frozenset((left[0], other)) in self._differ for other in left[1:]):
            return left[0]
        raise UsageProblem(
            tr("{source}: its dates can be read as {orders}", source=source, orders=tr(" or ").join(left)),
            tr("say which: --dates {orders}", orders="|".join(left)),
        )


def wall_clock(day: date, hour: int, minute: int, second: int = 0) -> float:
    """Return the seconds since 1970 of a clock on the wall, read as UTC."""
    return _DAY * (day.toordinal() - _EPOCH) + 3600.0 * hour + 60.0 * minute + second


@lru_cache(maxsize=1024)
def _midnight(year: int, month: int, day: int) -> float | None:
    try:
        return wall_clock(date(year, month, day), 0, 0)
    except ValueError:
        return None


def clock_seconds(year: int, month: int, day: int, hour: int, minute: int, second: int = 0) -> float | None:
    """Return the seconds since 1970 of a clock on the wall, read as UTC; None where no clock shows that.

    For many in a row: days are remembered.
    """
    midnight = _midnight(year, month, day)
    if midnight is None or hour > 23 or minute > 59 or second > 59:
        return None
    return midnight + 3600 * hour + 60 * minute + second


def of_24(hour: int, half_day: int | None) -> int:
    """Return an hour as one of 24, from one of 12 in the half-day that begins at 0 or 12 (None: it is one of 24)."""
    return hour if half_day is None or hour > 12 else hour % 12 + half_day


def read_zone(name: str) -> tzinfo:
    """Return the zone of a name such as Asia/Shanghai, or of an offset such as +08:00. UsageProblem for another."""
    offset = re.fullmatch(r"([+-])(\d{1,2}):?([0-5]\d)?", name)
    if offset and int(offset[2]) <= 14:
        ahead = timedelta(hours=int(offset[2]), minutes=int(offset[3] or 0))
        return timezone(ahead if offset[1] == "+" else -ahead)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UsageProblem(
            tr("--zone {name!r} is not known", name=name), tr("for example Europe/Berlin, Asia/Shanghai or +08:00")
        ) from error


def in_zone(seconds: float, zone: tzinfo) -> float:
    """Return the seconds since 1970 of what a clock in a zone showed; `seconds` are those of the clock read as UTC."""
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=zone).timestamp()
