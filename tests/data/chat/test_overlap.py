"""Two exports of a chat share messages: which, whatever clock wrote their times."""

import json
from contextlib import closing
from datetime import UTC, datetime

import pytest

from aigc_cli.config.prepare_chat import PrepareChatSettings
from aigc_cli.core.screen.progress import SilentProgress
from aigc_cli.data.chat.messages import Log, Message
from aigc_cli.data.chat.overlap import Seen
from aigc_cli.data.chat.prepare import prepare_chat
from aigc_cli.data.chat.spool import Spool
from tests.data.chat.readers.driving import read_found

HOUR = 3600
NAMES = {"a": "Ann", "b": "Bea", "c": "Cy", "Ann": "Ann"}


def message(number, who, text, unix):
    name = {1: "Nora", 2: "Tom"}[who]
    return {
        "id": number,
        "type": "message",
        "date": datetime.fromtimestamp(unix, UTC).isoformat().removesuffix("+00:00"),
        "date_unixtime": str(unix),
        "from": name,
        "from_id": f"user{who}",
        "text": text,
    }


def chat_of(days, **more):
    said = ["are you up", "since six", "coffee", "two cups"]
    messages = [
        message(4 * day + k + 1, 1 + k % 2, f"{text} {day}", 1560000000 + 86400 * day + 50 * k)
        for day in range(days)
        for k, text in enumerate(said)
    ]
    return {"name": "Nora", "type": "personal_chat", "id": 1, "messages": messages, **more}


def as_old(chat, offset, *, ids="number"):
    """Return a chat as Telegram Desktop exported it before 3.7.6: local time alone, ids as numbers or none."""
    for item in chat["messages"]:
        unix = int(item.pop("date_unixtime"))
        item["date"] = datetime.fromtimestamp(unix + offset, UTC).isoformat().removesuffix("+00:00")
        item["from_id"] = int(item["from_id"].removeprefix("user"))
        if ids == "none":
            del item["from_id"]
    return chat


def answers(folder, name):
    lines = (folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [m["content"] for line in lines for m in json.loads(line)["messages"] if m["role"] == "assistant"]


@pytest.mark.parametrize("offset", [0, 3 * HOUR, -9.5 * HOUR, 5.75 * HOUR, 14 * HOUR])
@pytest.mark.parametrize("order", [("old", "new"), ("new", "old")])
@pytest.mark.parametrize("ids", ["number", "none"])
def test_an_old_export_in_local_time_and_a_new_one_are_taken_once(offset, order, ids, tmp_path):
    (tmp_path / "old").write_text(json.dumps(as_old(chat_of(30), offset, ids=ids)))
    (tmp_path / "new").write_text(json.dumps(chat_of(40)))
    settings = PrepareChatSettings(me="Tom")
    record = prepare_chat([tmp_path / name for name in order], tmp_path / "set", settings, SilentProgress())
    learned, held_out = answers(tmp_path / "set", "train"), answers(tmp_path / "set", "valid")
    assert record["dropped"] == {"duplicate": 120}
    assert len(learned) == len(set(learned))
    assert not set(learned) & set(held_out)
    assert len(learned) + len(held_out) == 80


def was_there(*logs, key=""):
    """Return of each message of each log, in chat "7", whether it was there before."""
    with closing(Spool()) as spool:
        for messages in logs:
            spool.take(Log(format="x", names=NAMES, keys={"7": key} if key else {}), messages)
        return [
            [seen.holds(message, mark) for message, mark in spool.messages(chat)]
            for chat in spool.chats
            for seen in [Seen(spool, chat, spool.chats[: chat.number])]
        ]


def kept(*exports, key="7"):
    """Return of each message of each export whether it is new."""
    return [[not before for before in log] for log in was_there(*exports, key=key)]


def test_an_old_group_has_its_kind_in_its_id():
    group = {**chat_of(1), "type": "private_supergroup", "id": 1547899731}
    old = {**as_old(chat_of(1), HOUR), "type": "private_supergroup", "id": 1547899731 + (2 << 32)}
    with closing(Spool()) as spool:
        for value in (group, old):
            found = read_found(json.dumps(value).encode())
            spool.take(found.log, found.messages)
        for number, chat in enumerate(spool.chats):
            seen = Seen(spool, chat, spool.chats[:number])
            assert [seen.holds(message, mark) for message, mark in spool.messages(chat)] == [number == 1] * 4


def one(number="1", sender="a", text="x", time=0.0, **more):
    return Message(sender=sender, text=text, time=time, number=number, chat="7", **more)


def test_other_messages_stay_others():
    assert kept([one()], [one(time=HOUR)]) == [[True], [True]]  # both clocks are right: another account's number 1
    assert kept([one()], [one(time=HOUR + 1.0, local=True)]) == [[True], [True]]
    assert kept([one()], [one(time=27.0 * HOUR, local=True)]) == [[True], [True]]
    assert kept([one()], [one(sender="b", text="y", time=HOUR, local=True)]) == [[True], [True]]
    assert kept([one()], [one(number="2", time=HOUR, local=True)]) == [[True], [True]]
    assert kept([one()], [one(time=HOUR, local=True)], key="") == [[True], [True]]  # perhaps another chat
    assert kept([one(number=""), one(number="")]) == [[True, True]]


def test_without_numbers_the_same_words_at_the_same_time_are_one_message_where_two_people_are_the_same():
    def talk(*said):
        return [one(number="", sender=who, text=text, time=60.0 * minute) for minute, who, text in said]

    first = talk((0, "a", "hi"), (1, "b", "ho"), (1, "b", "ho"), (2, "a", "x"))
    later = talk((1, "b", "ho"), (1, "b", "ho"), (1, "b", "ho"), (2, "a", "x"), (3, "a", "new"))
    assert kept(first, later, key="") == [[True] * 4, [False, False, True, False, True]]
    group = talk((0, "a", "yes"), (1, "b", "hm"), (2, "a", "x"), (3, "c", "well"), (4, "b", "ho"), (5, "b", "x"))
    assert kept(first, group, key="") == [[True] * 4, [True] * 6]  # "x" was said to both
    other = talk((0, "a", "hi"), (1, "c", "ho"), (2, "a", "x"))
    assert kept(first, other, key="") == [[True] * 4, [True] * 3]


def test_an_edited_message_and_one_of_another_spelling_of_its_sender_are_the_same():
    assert kept([one()], [one(text="edited", time=HOUR, local=True)]) == [[True], [False]]
    assert kept([one()], [one(sender="Ann", time=HOUR, local=True)]) == [[True], [False]]
    assert kept([one()], [one(text="edited")]) == [[True], [False]]


def test_numbers_that_count_nothing_tell_nothing_within_an_export():
    same_minute = [one(number="0", text=str(place), time=900.0 * place, local=True) for place in range(20)]
    assert kept(same_minute) == [[True] * 20]


def test_an_export_of_minutes_and_one_of_seconds_are_of_one_chat():
    def talk(*said):
        return [one(number="", sender=who, text=text, time=time) for time, who, text in said]

    seconds = talk((65.0, "a", "hi"), (70.0, "b", "ok"), (119.0, "b", "ok"), (121.0, "a", "x"))
    minutes = talk((60.0, "a", "hi"), (60.0, "b", "ok"), (60.0, "b", "ok"), (120.0, "a", "x"), (180.0, "b", "new"))
    assert kept(seconds, minutes, key="") == [[True] * 4, [False] * 4 + [True]]
    assert kept(minutes, seconds, key="") == [[True] * 5, [False] * 4]
