"""Dates of three numbers, and what a clock in a zone showed."""

from datetime import UTC, date, datetime

import pytest

from aigc_cli.core.errors import UsageProblem
from aigc_cli.data.chat.dates import DateOrder, in_zone, of_24, read_date, read_zone, wall_clock


def order_of(*dates, separator="/", told=None):
    found = DateOrder(date(2009, 1, 1), date(2026, 1, 1))
    for text in dates:
        found.add(tuple(text.split(separator)), separator)
    return found.decide("x", told)


def test_a_date_is_read_in_its_order_or_not_at_all():
    assert read_date(("31", "12", "20"), "dmy") == date(2020, 12, 31)
    assert read_date(("12", "31", "2020"), "mdy") == date(2020, 12, 31)
    assert read_date(("2020", "12", "31"), "ymd") == date(2020, 12, 31)
    assert read_date(("31", "12", "20"), "mdy") is None
    assert read_date(("31", "2", "20"), "dmy") is None
    assert read_date(("31", "12", "202"), "dmy") is None
    assert read_date(("2020", "12", "31"), "dmy") is None


@pytest.mark.parametrize(
    ("dates", "order"),
    [
        (["1/2/21", "13/2/21"], "dmy"),
        (["1/2/21", "2/13/21"], "mdy"),
        (["2021/1/2"], "ymd"),
        (["21/3/1", "21/3/31"], "ymd"),  # March, for no messenger is as old as 2001
        (["12/9/20", "1/10/20"], "dmy"),  # else it would go back by eleven months
        (["5/5/21"], "dmy"),  # the same in either order
    ],
)
def test_the_whole_file_tells_the_order(dates, order):
    assert order_of(*dates) == order


def test_an_open_order_is_asked_for_and_what_is_said_counts():
    with pytest.raises(UsageProblem, match=r"dmy\|mdy"):
        order_of("1/2/21", "2/2/21")
    assert order_of("1/2/21", "2/2/21", told="mdy") == "mdy"
    assert order_of("1.2.21", "2.2.21", separator=".") == "dmy"


def test_hours_of_half_days():
    assert [of_24(hour, 0) for hour in (12, 1, 11)] == [0, 1, 11]
    assert [of_24(hour, 12) for hour in (12, 1, 11)] == [12, 13, 23]
    assert [of_24(hour, 12) for hour in (13, 23)] == [13, 23]
    assert of_24(17, None) == 17


def test_a_clock_in_a_zone():
    noon = wall_clock(date(2021, 7, 1), 12, 0)
    assert noon == datetime(2021, 7, 1, 12, tzinfo=UTC).timestamp()
    assert in_zone(noon, read_zone("Europe/Berlin")) == noon - 2 * 3600  # in summer
    assert in_zone(noon, read_zone("+08:00")) == noon - 8 * 3600
    assert in_zone(noon, read_zone("-0330")) == noon + 3.5 * 3600
    for name in ("Mars/Base", "", "+25:00", "../x"):
        with pytest.raises(UsageProblem, match="--zone"):
            read_zone(name)
