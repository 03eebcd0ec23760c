"""Where messages wait between being read and being made into turns: a nameless database on disk, in order again later.

However many there are, little memory is held. Nothing stays behind: the database has no name from the beginning.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from aigc_cli.core.errors import CannotCreate
from aigc_cli.core.words.messages import tr
from aigc_cli.data.chat.messages import Log, Message
from aigc_cli.data.chat.names import alike

_BATCH = 5000  # messages written at a time
_CACHE_KIB = 32 * 1024
_FIELDS = (
    "chat INTEGER, time REAL, place INTEGER, sender BLOB, text BLOB, removed TEXT, begins INTEGER, borrowed TEXT, "
    "number BLOB, local INTEGER, marked TEXT, reply_to BLOB, edited INTEGER, mark INTEGER"
)
_OVER_TIMES = 1 << 62
_MINUTE = 60  # seconds; some exports of a chat tell no more of the time


@dataclass(frozen=True, kw_only=True)
class WaitingChat:
    """A chat whose messages wait.

    `identity` names it in its log, the `log`-th, and `key` in every export (or is ""). `senders` wrote in it, and
    `names` are theirs as they are typed. `numbered`: its messages have numbers; `timed`: all have times.
    """

    number: int
    log: int
    identity: str
    key: str
    senders: frozenset[str]
    names: frozenset[str]
    numbered: bool
    timed: bool


class Trace(NamedTuple):
    """What tells whether two messages are one: whose log it was in, who, what and when."""

    log: int
    sender: str
    text: str
    time: float | None
    local: bool


class Spool:
    """The messages of all logs. Raises CannotCreate where there is no room for them on the disk."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        for setting in ("journal_mode = OFF", "synchronous = OFF", "temp_store = FILE"):
            self._database.execute(f"PRAGMA {setting}")
        self._database.execute("BEGIN")  # and never an end: nobody else reads it, and nothing of it is to stay
        self._database.execute(f"CREATE TABLE messages ({_FIELDS})")
        self._indexes: set[str] = set()
        self.chats: list[WaitingChat] = []
        self.logs = 0
        self._log_of: dict[int, int] = {}
        self._next = 0  # chat: the messages of a log that turned out damaged stay, with numbers that nobody asks for

    def close(self) -> None:
        """Let go of everything."""
        self._database.close()

    def take(self, log: Log, messages: Iterable[Message]) -> int:
        """Take up a log's messages, to the end, and return how many; where that fails, there is no such log."""
        chats: dict[str, int] = {}
        senders: dict[str, set[str]] = {}
        numbered: set[str] = set()
        timeless: set[str] = set()
        batch: list[tuple[object, ...]] = []
        marks, place = _Marks(log), 0
        with _on_disk():
            for place, message in enumerate(messages, start=1):
                chat = chats.get(message.chat)
                if chat is None:
                    chat = chats[message.chat] = self._next
                    self._next += 1
                if message.text:
                    senders.setdefault(message.chat, set()).add(message.sender)
                if message.number:
                    numbered.add(message.chat)
                if message.time is None:
                    timeless.add(message.chat)
                batch.append(_row(message, chat, -place if log.newest_first else place, marks.mark(message)))
                if len(batch) == _BATCH:
                    self._write(batch)
            self._write(batch)
        for identity, number in chats.items():
            wrote = senders.get(identity, set())
            self._log_of[number] = self.logs
            self.chats.append(
                WaitingChat(
                    number=number,
                    log=self.logs,
                    identity=identity or "0",
                    key=log.keys.get(identity, ""),
                    senders=frozenset(wrote),
                    names=frozenset(alike(log.names.get(sender, sender)) for sender in wrote),
                    numbered=identity in numbered,
                    timed=identity not in timeless,
                )
            )
        self.logs += 1
        return place

    def _write(self, batch: list[tuple[object, ...]]) -> None:
        self._database.executemany(f"INSERT INTO messages VALUES ({','.join('?' * 14)})", batch)
        batch.clear()

    def messages(self, chat: WaitingChat) -> Iterator[tuple[Message, int]]:
        """Yield a chat's messages, with their marks: by time, ties as they were sent; as read if any has no time."""
        self._index("by_chat", "chat, time, place")
        order = "time, place" if chat.timed else "place"
        rows = self._database.execute(f"SELECT * FROM messages WHERE chat = ? ORDER BY {order}", (chat.number,))
        with _on_disk():
            for row in rows:
                yield _message(row, chat.identity), row[13]

    def same_number(self, number: str, chats: Iterable[int]) -> list["Trace"]:
        """Return the messages of chats that have a number."""
        self._index("by_number", "number, chat")
        listed = ",".join(map(str, chats))
        with _on_disk():
            rows = self._database.execute(
                f"SELECT chat, sender, text, time, local FROM messages WHERE number = ? AND chat IN ({listed})",
                (_kept(number),),
            )
            return [
                Trace(self._log_of[chat], _text(sender), _text(text), time, bool(local))
                for chat, sender, text, time, local in rows
            ]

    def has_mark(self, mark: int, chats: Iterable[int]) -> bool:
        """Return whether a message of the chats has a mark."""
        self._index("by_mark", "mark, chat")
        listed = ",".join(map(str, chats))
        with _on_disk():
            query = f"SELECT 1 FROM messages WHERE mark = ? AND chat IN ({listed}) LIMIT 1"
            return self._database.execute(query, (mark,)).fetchone() is not None

    def shared(self, one: WaitingChat, other: WaitingChat) -> tuple[int, int]:
        """Return how many marks two chats share, and how many messages the smaller has of the time that both cover."""
        self._index("by_chat", "chat, time, place")
        self._index("by_mark", "mark, chat")
        with _on_disk():
            spans = [
                self._database.execute("SELECT min(time), max(time) FROM messages WHERE chat = ?", (chat.number,))
                for chat in (one, other)
            ]
            (begin_one, end_one), (begin_other, end_other) = (span.fetchone() for span in spans)
            within = max(begin_one, begin_other), min(end_one, end_other)
            counts = [
                self._database.execute(
                    "SELECT count(*) FROM messages WHERE chat = ? AND time BETWEEN ? AND ?", (chat.number, *within)
                )
                for chat in (one, other)
            ]
            common = self._database.execute(
                "SELECT count(*) FROM messages AS a WHERE chat = ? AND mark <> 0 AND EXISTS "
                "(SELECT 1 FROM messages AS b WHERE b.mark = a.mark AND b.chat = ?)",
                (one.number, other.number),
            )
            return common.fetchone()[0], min(count.fetchone()[0] for count in counts)

    def _index(self, name: str, columns: str) -> None:
        if name not in self._indexes:
            with _on_disk():
                self._database.execute(f"CREATE INDEX {name} ON messages ({columns})")
            self._indexes.add(name)


class _Marks:
    """By what a message without a number is known in two exports: which minute, who, what, and the how-many-eth there.

    Of one chat WhatsApp's export for iOS tells seconds, and that for Android none.
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self._minute: float | None = None
        self._met: Counter[int] = Counter()
        self._names: dict[str, str] = {}

    def mark(self, message: Message) -> int:
        if message.time is None or message.number:
            return 0
        minute = message.time // _MINUTE
        if minute != self._minute:
            self._minute = minute
            self._met.clear()
        name = self._names.get(message.sender)
        if name is None:
            name = self._names[message.sender] = alike(self._log.names.get(message.sender, message.sender))
        said = hash((minute, name, message.text, message.removed))
        self._met[said] += 1
        return hash((said, self._met[said])) % _OVER_TIMES


def _row(message: Message, chat: int, place: int, mark: int) -> tuple[object, ...]:
    return (
        chat,
        message.time,
        place,
        _kept(message.sender),
        _kept(message.text),
        message.removed,
        message.begins,
        message.borrowed,
        _kept(message.number),
        message.local,
        json.dumps(message.marked) if message.marked else "",
        _kept(message.reply_to),
        message.edited,
        mark,
    )


def _message(row: tuple[Any, ...], chat: str) -> Message:
    return Message(
        time=row[1],
        sender=_text(row[3]),
        text=_text(row[4]),
        removed=row[5],
        begins=bool(row[6]),
        borrowed=row[7],
        number=_text(row[8]),
        local=bool(row[9]),
        marked=tuple((rule, words) for rule, words in json.loads(row[10])) if row[10] else (),
        reply_to=_text(row[11]),
        edited=bool(row[12]),
        chat=chat,
    )


def _kept(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # exports hold halves of pairs


def _text(kept: bytes) -> str:
    return kept.decode("utf-8", "surrogatepass")


@contextmanager
def _on_disk() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        raise no_room(error) from error


def no_room(reason: Exception) -> CannotCreate:
    """Return the error for messages that cannot be kept in a temporary file."""
    return CannotCreate(
        tr("no room for the messages among the temporary files: {reason}", reason=reason),
        tr("make room, or let TMPDIR name another folder"),
    )
