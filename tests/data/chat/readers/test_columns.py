"""Any table of messages, by the columns that the user names: layouts, times, what is missing, what is broken."""

import json
import random
from datetime import UTC, datetime

import pytest

from aigc_cli.core.errors import AigcError, BadData, UsageProblem
from aigc_cli.data.chat.readers.column_times import Times
from aigc_cli.data.chat.readers.columns import read_columns
from tests.data.chat.readers.driving import looks, read

COLUMNS = {"time": "Date", "sender": "Author", "text": "Content"}


def at(*numbers):
    return datetime(*numbers, tzinfo=UTC).timestamp()


def told(text, columns=COLUMNS, **options):
    return [(m.sender, m.text or m.removed) for m in read("columns", text, columns=columns, **options).messages]


MESSAGES = [("Ann", 'one, "two"\nthree; four'), ("Bo", "tab\tand | bar"), ("Ann", "[5]"), ("花", "はい")]
TIMES = ["2021-01-02T15:04:05Z", "2021-01-02T15:05:05Z", "2021-01-02T15:06:05Z", "2021-01-03T15:06:05Z"]


def quoted(cells, delimiter):
    return delimiter.join('"' + cell.replace('"', '""') + '"' for cell in cells)


def as_table(delimiter, head=True, end="\n"):
    rows = [["Date", "Author", "Content"]] if head else []
    rows += [[time, *message] for time, message in zip(TIMES, MESSAGES, strict=True)]
    return "".join(quoted(row, delimiter) + end for row in rows)


def objects():
    return [{"Date": time, "Author": who, "Content": what} for time, (who, what) in zip(TIMES, MESSAGES, strict=True)]


LAYOUTS = {
    "csv": as_table(","),
    "csv of Windows": "\ufeff" + as_table(",", end="\r\n"),
    "semicolons": as_table(";"),
    "tabs": as_table("\t"),
    "bars": as_table("|"),
    "told": "sep=;\n" + as_table(";"),
    "lines": "".join(json.dumps(value) + "\n" for value in objects()),
    "array": json.dumps(objects(), indent=1),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_converge(layout):
    result = read("columns", LAYOUTS[layout], columns=COLUMNS)
    assert [(m.sender, m.text) for m in result.messages] == MESSAGES
    assert [m.time for m in result.messages] == [datetime.fromisoformat(time).timestamp() for time in TIMES]
    assert not any(m.local for m in result.messages)
    assert not result.log.dropped
    assert not result.log.noticed


def test_utf_16_is_told_by_its_mark():
    assert told("\ufeff".encode("utf-16-le") + as_table("\t").encode("utf-16-le")) == MESSAGES


def test_columns_by_number_with_and_without_a_heading():
    columns = {"time": "1", "sender": "2", "text": "3"}
    assert told(as_table(",", head=False), columns) == MESSAGES
    assert told(as_table(","), columns) == MESSAGES
    assert told("Ann,hi\nBo,ho\n", {"sender": "1", "text": "2"}) == [("Ann", "hi"), ("Bo", "ho")]


def test_columns_joined_and_names_that_differ_in_case():
    text = "DATE,Time,Who,What\n02.01.2021,15:04,Ann,hi\n"
    (message,) = read("columns", text, columns={"time": "date+time", "sender": "who", "text": "what"}).messages
    assert (message.time, message.local) == (at(2021, 1, 2, 15, 4), True)


def test_keys_on_the_way():
    value = {"author": {"name": "Ann", "id": 7}, "at": 1609599845123, "body.text": "hi"}
    columns = {"time": "at", "sender": "author.name", "text": "body.text", "chat": "author.id"}
    result = read("columns", json.dumps(value), columns=columns)
    (message,) = result.messages
    assert (message.sender, message.text, message.chat) == ("Ann", "hi", "7")
    assert message.time == pytest.approx(1609599845.123)
    assert result.log.keys == {"7": "7"}


def test_everything_else_that_a_row_may_tell():
    text = "w,i,r,k,s,t\nroom,1,,text,Ann,hi\nroom,2,1,image,Bo,\nroom,3,,system,Bo,Bo left\n"
    text += "room,4,2,?,Ann,<x>\nroom,5,,,Bo,\n"
    columns = {"chat": "w", "id": "i", "reply_to": "r", "kind": "k", "sender": "s", "text": "t"}
    result = read("columns", text, columns=columns)
    assert [(m.chat, m.number, m.reply_to, m.text, m.removed) for m in result.messages] == [
        ("room", "1", "", "hi", ""),
        ("room", "2", "1", "", "photo"),
        ("room", "4", "2", "", "media"),
    ]
    assert result.log.dropped == {"notice": 1, "empty": 1}


@pytest.mark.parametrize(
    ("written", "time", "is_local"),
    [
        ("1609599845", at(2021, 1, 2, 15, 4, 5), False),
        ("1609599845.5", at(2021, 1, 2, 15, 4, 5) + 0.5, False),
        ("1609599845000", at(2021, 1, 2, 15, 4, 5), False),
        ("1609599845000000", at(2021, 1, 2, 15, 4, 5), False),
        ("1609599845000000000", at(2021, 1, 2, 15, 4, 5), False),
        ("20210102150405", at(2021, 1, 2, 15, 4, 5), True),
        ("2021-01-02T15:04:05", at(2021, 1, 2, 15, 4, 5), True),
        ("2021-01-02 15:04:05.123456", at(2021, 1, 2, 15, 4, 5) + 0.123456, True),
        ("2021-01-02 15:04:05+08:00", at(2021, 1, 2, 7, 4, 5), False),
        ("2021-01-02 15:04:05 +0800", at(2021, 1, 2, 7, 4, 5), False),
        ("2021-01-02 15:04:05 UTC", at(2021, 1, 2, 15, 4, 5), False),
        ("2021-01-02", at(2021, 1, 2), True),
        ("2021/1/2 15:04", at(2021, 1, 2, 15, 4), True),
        ("2021/1/2 下午3:04:05", at(2021, 1, 2, 15, 4, 5), True),
        ("2021年1月2日 15:04", at(2021, 1, 2, 15, 4), True),
        ("2021. 1. 2. 오후 3:04", at(2021, 1, 2, 15, 4), True),
        ("31.12.2020, 15:04", at(2020, 12, 31, 15, 4), True),
        ("12/31/2020 3:04 PM", at(2020, 12, 31, 15, 4), True),
        ("12/31/20 3:04:05 a.m.", at(2020, 12, 31, 3, 4, 5), True),
        ("Jan 2, 2021, 3:04 PM", at(2021, 1, 2, 15, 4), True),
        ("January 2, 2021 at 12:04 AM", at(2021, 1, 2, 0, 4), True),
        ("Sat, 02 Jan 2021 15:04:05 +0800", at(2021, 1, 2, 7, 4, 5), False),
        ("2-Jan-2021 15:04", at(2021, 1, 2, 15, 4), True),
        ("Sat Jan 02 2021 15:04:05 GMT", at(2021, 1, 2, 15, 4, 5), False),
    ],
)
def test_times(written, time, is_local):
    times = Times()
    times.learn(written)
    times.settle("x", None)
    read_time, read_local = times.read(written)
    assert read_time == pytest.approx(time)
    assert read_local is is_local


@pytest.mark.parametrize("written", ["", "x", "12", "2021-13-01", "1/2", "15:04", "2021-01-02 25:99", "Foo 2, 2021"])
def test_no_times(written):
    times = Times()
    times.learn(written)
    times.settle("x", "ymd")
    assert times.read(written) is None


def test_the_order_of_dates_is_that_of_the_table_or_asked_for():
    rows = "Date,Author,Content\n1/2/2021 10:00,Ann,x\n{}/2/2021 10:00,Ann,y\n"
    assert read("columns", rows.format(13), columns=COLUMNS).messages[0].time == at(2021, 2, 1, 10)
    with pytest.raises(UsageProblem, match="dmy or mdy"):
        read("columns", rows.format(1), columns=COLUMNS)
    assert read("columns", rows.format(1), columns=COLUMNS, dates="mdy").messages[0].time == at(2021, 1, 2, 10)


def test_rows_that_are_no_messages_are_counted():
    text = "Date,Author,Content\n1609599845,Ann,hi\nlong ago,Ann,x\n1609599845,,x\n1609599845,Ann\n\n1609599845,Ann,\n"
    result = read("columns", text, columns=COLUMNS)
    assert result.texts == ["hi"]
    assert result.log.dropped == {"unreadable_time": 1, "no_sender": 1, "unknown": 1, "empty": 1}
    assert result.count == 5


def test_a_last_text_that_is_not_quoted_stays_whole():
    text = "Date,Author,Content\n1609599845,Ann,well, yes, so\n"
    assert told(text) == [("Ann", "well, yes, so")]
    moved = "Content,Date,Author\nwell, yes,1609599845,Ann\n"
    assert read("columns", moved + "x,1609599845,Ann\n", columns=COLUMNS).log.dropped == {"unknown": 1}


def test_a_quotation_mark_that_is_not_closed_is_told():
    text = 'Date,Author,Content\n1609599845,Ann,"well\n1609599846,Bo,hm\n1609599847,Ann,"x"\n'
    result = read("columns", text, columns=COLUMNS)
    assert result.log.noticed["inside_another"] == 2


def test_a_swallowed_table_is_damaged():
    text = "Date,Author,Content\n" + '1609599845,Ann,"well\n' + "1609599846,Bo,hm\n" * 10_000
    with pytest.raises(BadData, match="line 7"):
        read("columns", text, columns=COLUMNS)


@pytest.mark.parametrize("text", [as_table(","), LAYOUTS["lines"], LAYOUTS["array"]])
def test_a_column_that_is_not_there(text):
    with pytest.raises(UsageProblem, match="no column 'Words'") as problem:
        read("columns", text, columns={**COLUMNS, "text": "Words"})
    assert "Date, Author, Content" in str(problem.value.remedy)


def test_without_columns_it_is_asked_for():
    with pytest.raises(UsageProblem, match="which of its columns"):
        read("columns", as_table(","))


@pytest.mark.parametrize(
    "text", ['{"a": 1,\n"b": 2}', '{"messages": [{"Date": 1}]\n}', "[1, 2]", "Date,Author,Content\nx,y,z\n"]
)
def test_without_a_message_it_is_damaged(text):
    with pytest.raises(BadData):
        read("columns", text, columns=COLUMNS)


def test_columns_are_told_by_role():
    assert read_columns("time=Sent at,sender=Who, text=What, and why") == {
        "time": "Sent at",
        "sender": "Who",
        "text": "What, and why",
    }
    assert read_columns("sender=1,text=2,chat=3,id=4,reply_to=5,kind=6").keys() >= {"chat", "id", "reply_to", "kind"}


@pytest.mark.parametrize(
    "told", ["", "text=a", "who=a,sender=b,text=c", "sender=,text=c", "sender=a,sender=b,text=c", "a,b,c"]
)
def test_what_names_no_columns(told):
    with pytest.raises(UsageProblem, match="does not name"):
        read_columns(told)


def test_it_is_never_recognised():
    assert not any(looks("columns", text) for text in LAYOUTS.values())


@pytest.mark.parametrize("layout", ["csv", "tabs", "lines", "array"])
def test_damage_raises_nothing_else(layout):
    rng = random.Random(11)
    pieces = [
        *'\n",;\t|{}[]:',
        '"',
        "\\",
        "null",
        "1e999",
        "9" * 30,
        "\ufeff",
        "\x00",
        '"Author": 5',
        "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
    ]
    for _ in range(150):
        text = LAYOUTS[layout]
        for _ in range(rng.randrange(1, 6)):
            place = rng.randrange(len(text) + 1)
            text = text[:place] + rng.choice(pieces) + text[place + rng.choice([0, 0, 1, 3, 40]) :]
        try:
            result = read("columns", text, columns=COLUMNS)
        except AigcError:
            continue
        assert sum(len(m.text) for m in result.messages) <= len(text)
        if layout == "lines":
            assert result.count == sum(1 for line in text.split("\n") if line.strip("\r \t\x0b\x0c"))


@pytest.mark.parametrize(
    "value", [None, True, [], {}, 5, "x", {"Date": [], "Author": None, "Content": {}}, {"Date": 1e308}]
)
def test_values_of_any_kind(value):
    first = objects()[0]
    result = read("columns", "\n".join(json.dumps(line) for line in (first, value)), columns=COLUMNS)
    assert len(result.texts) == 1
    assert result.count == 2


@pytest.mark.parametrize("piece", [*"1 /a.:", "1/", "12:"])
def test_long_times_are_read_at_once(piece):
    times = Times()
    times.learn(piece * 50_000)
    times.learn(piece * 45)
    times.settle("x", "dmy")
    assert times.read(piece * 50_000) is None
