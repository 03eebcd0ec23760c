from datetime import UTC, datetime

import pytest

from aigc_cli.core.errors import BadData, UsageProblem
from aigc_cli.data.forget.selection import Rules, Selection, in_time, record_hash, selection

HASH = "0123456789abcdef"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (((), None, None, ()), "what is to be forgotten"),
        ((("Bea",), "2024-01-01", None, ()), "exclude each other"),
        ((("Bea",), None, None, (HASH,)), "exclude each other"),
        (((" ",), None, None, ()), "names nobody"),
        (((), "yesterday", None, ()), "--since 'yesterday' is no date"),
        (((), None, "2024-13-01", ()), "--until '2024-13-01' is no date"),
        (((), "2024-01-02", "2024-01-02", ()), "--since is not before --until"),
        (((), None, None, ("0123",)), "'0123' is no record's hash"),
        (((), None, None, ("ghijklmnopqrstuv",)), "no record's hash"),
    ],
)
def test_what_selects_nothing_or_two_things_is_refused(given, message):
    with pytest.raises(UsageProblem, match=message):
        selection(*given)


def test_a_time_without_a_zone_is_utc():
    chosen = selection((), "2024-05-01", "2024-05-01T12:00+02:00", ())
    assert chosen.since == datetime(2024, 5, 1, tzinfo=UTC)
    assert chosen.until == datetime(2024, 5, 1, 10, tzinfo=UTC)


MIDNIGHT = {"time": "2024-04-30T23:50:00+00:00", "ended": "2024-05-01T00:10:00+00:00"}


@pytest.mark.parametrize(
    ("record", "since", "until", "expected"),
    [
        (MIDNIGHT, "2024-05-01", None, True),  # its end lies in it
        (MIDNIGHT, "2024-05-01T00:10", None, True),
        (MIDNIGHT, "2024-05-01T00:11", None, False),
        (MIDNIGHT, None, "2024-05-01", True),
        (MIDNIGHT, None, "2024-04-30T23:50", False),  # half-open
        ({"time": MIDNIGHT["time"]}, "2024-05-01", None, False),  # of a version that recorded no end
        ({"time": MIDNIGHT["time"]}, "2024-04-30", None, True),
        ({"time": None, "ended": None}, "1970-01-01", None, False),
    ],
)
def test_a_record_is_in_a_time_if_any_of_it_is(record, since, until, expected):
    chosen = selection((), since, until, ())
    assert in_time(record, chosen.since, chosen.until) is expected


def test_a_record_s_hash_is_of_what_was_said_and_when_alone():
    record = {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yo"}], "time": "T"}
    persona = {"messages": [{"role": "system", "content": "You are Ann."}, *record["messages"]], "time": "T"}
    assert record_hash(record) == record_hash({**persona, "chat": "abc", "speakers": ["1"]})
    assert len(record_hash(record)) == 16
    assert record_hash(record) != record_hash({**record, "time": None})
    assert record_hash(record) != record_hash({**record, "messages": record["messages"][:1]})


def test_rules_name_nobody_and_know_a_name_however_it_is_typed():
    made = Selection(who=("Zoë",)).rules()
    rules = Rules({"forgotten": {"rules": made}})
    assert "Zoë" not in repr(made) and made != Selection(who=("Zoë",)).rules()
    assert rules.take({"time": None}, ["user7", "ZOE\u0308"])
    assert not rules.take({"time": None}, ["user7", "Zo"])


def test_rules_take_what_a_selection_does():
    record = {"messages": [{"role": "user", "content": "hi"}], **MIDNIGHT}
    for chosen in (selection((), "2024-05-01", None, ()), selection((), None, None, (record_hash(record),))):
        rules = Rules({"forgotten": {"rules": chosen.rules()}})
        assert rules.take(record, [])
        assert not rules.take({**record, "time": "2023-01-01", "ended": "2023-01-01"}, [])
        assert rules.holds(chosen)
    assert not Rules({}).take(record, ["Bea"])
    assert not Rules({}).holds(Selection(who=("Bea",)))


@pytest.mark.parametrize(
    "rule", [{"who": "1"}, {"since": 3, "until": None}, {"since": None}, {"who": "1", "key": "x"}, 7]
)
def test_a_damaged_rule_is_said(rule):
    with pytest.raises(BadData, match="the manifest is damaged"):
        Rules({"forgotten": {"rules": [rule]}})
