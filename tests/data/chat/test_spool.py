"""Where messages wait: they come back as they were, in order, whatever they hold."""

from contextlib import closing

import pytest

from aigc_cli.core.errors import BadData, CannotCreate
from aigc_cli.data.chat.messages import Log, Message
from aigc_cli.data.chat.spool import Spool


def waiting(messages, **log):
    with closing(Spool()) as spool:
        spool.take(Log(format="x", **log), messages)
        return [[message for message, _ in spool.messages(chat)] for chat in spool.chats]


def texts(messages, **log):
    return [[message.text for message in chat] for chat in waiting(messages, **log)]


def test_messages_come_back_by_time_and_ties_as_they_were_sent():
    messages = [Message(sender="a", text=text, time=time) for text, time in [("c", 5), ("a", 1), ("d", 5), ("b", 3)]]
    assert texts(messages) == [["a", "b", "c", "d"]]
    assert texts(messages, newest_first=True) == [["a", "b", "d", "c"]]
    assert texts([*messages, Message(sender="a", text="e")]) == [["c", "a", "d", "b", "e"]]  # one has no time


def test_chats_are_apart_and_everything_of_a_message_comes_back():
    odd = Message(
        sender="\ud83d",
        text="\x00 \udcff 🦊",
        time=-1.5,
        begins=True,
        borrowed="forwarded",
        number="7",
        local=True,
        marked=(("phone", "1"), ("url", "ü")),
        chat="one",
        reply_to="6",
        edited=True,
    )
    other = Message(sender="b", removed="photo", chat="two", time=0.0)
    assert waiting([odd, other]) == [[odd], [other]]


def test_of_a_log_that_turns_out_damaged_nothing_waits():
    def broken():
        yield Message(sender="a", text="x", time=0.0)
        raise BadData("x", "y")

    with closing(Spool()) as spool:
        with pytest.raises(BadData):
            spool.take(Log(format="x"), broken())
        assert (spool.chats, spool.logs) == ([], 0)
        spool.take(Log(format="x"), [Message(sender="b", text="y", time=1.0)])
        assert [message.text for message, _ in spool.messages(spool.chats[0])] == ["y"]


def test_all_messages_are_written_in_one_transaction():
    with closing(Spool()) as spool:
        for _ in range(2):
            spool.take(Log(format="x"), (Message(sender="a", text="x", time=0.0) for _ in range(6000)))
            assert spool._database.in_transaction  # the end of each costs as much as there are pages in memory


def test_a_full_disk_says_where_to_make_room():
    with closing(Spool()) as spool:
        spool._database.execute("PRAGMA max_page_count = 8")
        with pytest.raises(CannotCreate, match="no room"):
            spool.take(Log(format="x"), (Message(sender="a", text="x" * 1000, time=0.0) for _ in range(200)))
