"""Read Telegram Desktop's machine-readable export, `result.json`: one chat, or the full account (`chats.list`).

A sticker becomes its emoji. Media without a caption are removed, and the conversation is cut there. What was
forwarded or sent through a bot is marked as borrowed. A call interrupts a conversation as well, since it went on
by voice; other service messages (pins, titles, joins) are passed over.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from aigc_cli.core.errors import BadData
from aigc_cli.core.words.messages import tr
from aigc_cli.core.words.plain import well_formed
from aigc_cli.data.chat.exports import Export, Head, head_of
from aigc_cli.data.chat.messages import Log, Message, without_controls
from aigc_cli.data.chat.reader import Reader, ReadOptions
from aigc_cli.data.chat.readers.rich import rich_pieces
from aigc_cli.data.chat.readers.roles import is_turn
from aigc_cli.data.json_stream import JsonStream

_NOT_CONVERSATIONS = frozenset({"bot_chat", "saved_messages", "verification_codes", "replies"})
_SPOKEN = frozenset({"phone_call", "group_call", "conference_call"})
_CUTTING = _SPOKEN | {"clear_history", "history_cleared"}
_MARKS = {
    "email": "email",
    "phone": "phone",
    "link": "url",
    "bank_card": "card",
    "mention": "handle",
}  # Telegram's entity types -> redaction rules
_BORROWED = {"forwarded_from": "forwarded", "saved_from": "forwarded", "via_bot": "via_bot"}
_MEDIA = (
    ("media_type", ""),
    ("photo", "photo"),
    ("location_information", "location"),
    ("contact_information", "contact"),
    ("poll", "poll"),
    ("game_title", "game"),
    ("invoice_information", "invoice"),
    ("todo_list", "checklist"),
    ("giveaway_information", "giveaway"),
    ("giveaway_results", "giveaway"),
    ("story", "story"),
    ("rich_message", "rich_message"),
    ("file", "file"),
)


class _Place(NamedTuple):
    """Where a message stands, for errors. `chat` is 0 in the export of one chat."""

    source: str
    chat: int
    message: int

    def __str__(self) -> str:
        place = tr("{source}: chat {number}", source=self.source, number=self.chat) if self.chat else self.source
        return tr("{place}, message {number}", place=place, number=self.message)


def _looks(head: Head) -> bool:
    value = head.value
    if not isinstance(value, dict):
        return False
    chats = value.get("chats")
    if isinstance(chats, dict) and isinstance(chats.get("list"), list):
        return True
    if "personal_information" in value and ("contacts" in value or "about" in value):
        return True  # a whole account's, whose chats come later
    messages = value.get("messages")
    if not isinstance(messages, list):
        return False
    return all(isinstance(item, dict) and not is_turn(item) and "role" not in item for item in messages) and (
        isinstance(value.get("type"), str) or any("from_id" in item for item in messages)
    )


class _Account:
    """An export being read: what its chats are called, and how many there were."""

    def __init__(self, export: Export, log: Log) -> None:
        self.export, self.log = export, log
        self.chats = self.whole = 0
        self._headers: list[dict[str, Any]] | None = None

    def listed(self, stream: JsonStream) -> Iterator[Message]:
        """Yield the messages of the next value's `list` of chats."""
        if stream.kind() != "{":
            return
        for key in stream.members():
            if key == "list" and stream.kind() == "[":
                for _ in stream.items():
                    self.chats += 1
                    if stream.kind() == "{":
                        yield from self.chat(stream, stream.members(), {}, self.chats)

    def chat(
        self, stream: JsonStream, keys: Iterator[str], header: dict[str, Any], number: int = 0
    ) -> Iterator[Message]:
        """Yield the messages of a chat, whose `keys` are to come; in `header` goes what names it."""
        has_messages = False
        for key in keys:
            if key == "messages" and stream.kind() == "[":
                has_messages = True
                known = header if {"type", "id"} <= header.keys() else {**self._header(number), **header}
                yield from self._messages(stream, known, number)
            elif key in ("type", "id", "personal_information"):
                header[key] = stream.value()
            elif not number and key in ("chats", "left_chats"):
                yield from self.listed(stream)
        self.whole += has_messages
        if number and not has_messages:
            self.log.drop("chat_without_messages", number)

    def _messages(self, stream: JsonStream, header: dict[str, Any], number: int) -> Iterator[Message]:
        kind = str(header.get("type"))
        chat = well_formed(str(header.get("id", max(number - 1, 0))))
        if kind == "personal_chat" and "id" in header:
            self.log.contacts.add(f"user{header['id']}")
        if "id" in header:
            self.log.keys[chat] = _bare(header["id"])
        for position in stream.items():
            if kind in _NOT_CONVERSATIONS:
                self.log.drop(kind, position + 1)
                continue
            place = _Place(self.export.source, number, position + 1)
            message = _message(stream.value(), place, chat, self.log)
            if message is not None:
                yield message

    def _header(self, number: int) -> dict[str, Any]:
        """Return what names a chat that says so only after its messages, from a reading of all names."""
        if self._headers is None:
            self._headers = list(_headers(self.export.json()))
        return self._headers[number] if number < len(self._headers) else {}


def _headers(stream: JsonStream) -> Iterator[dict[str, Any]]:
    """Yield what names the export as a chat, and then each chat of an account."""
    outer: dict[str, Any] = {}
    chats: list[dict[str, Any]] = []
    for key in stream.members():
        if key in ("type", "id"):
            outer[key] = stream.value()
        elif key in ("chats", "left_chats") and stream.kind() == "{":
            for inner in stream.members():
                if inner == "list" and stream.kind() == "[":
                    for _ in stream.items():
                        chats.append({})
                        names = stream.members() if stream.kind() == "{" else iter(())
                        chats[-1].update((name, stream.value()) for name in names if name in ("type", "id"))
    yield outer
    yield from chats


def _read(export: Export, log: Log, _: ReadOptions) -> Iterator[Message]:
    stream = export.json()
    head = head_of(export)
    if stream.kind() != "{" or not (head.value is None or _looks(head)):
        raise _no_export(export)
    account, header = _Account(export, log), dict[str, Any]()
    yield from account.chat(stream, stream.members(), header)
    stream.end()
    if account.chats and not account.whole:
        raise BadData(
            tr("{source}: chat {number} has no list of messages", source=export.source, number=1), tr("export it again")
        )
    if not account.whole and "personal_information" not in header:
        raise _no_export(export)
    owner = _owner(header)
    log.subject = owner if owner in log.names else _subject_beside(log)


def _no_export(export: Export) -> BadData:
    return BadData(
        tr("{source}: not a Telegram Desktop export", source=export.source), tr("export as machine-readable JSON")
    )


def _owner(value: dict[str, Any]) -> str | None:
    personal = value.get("personal_information")
    if isinstance(personal, dict) and "user_id" in personal:
        return f"user{personal['user_id']}"
    return None


def _subject_beside(log: Log) -> str | None:
    """Return the one sender who is no contact: in a personal chat, the chat's id is the contact's."""
    if not log.contacts & log.names.keys():
        return _most_common(log)
    others = [sender for sender in log.names if sender not in log.contacts]
    return others[0] if len(others) == 1 else _most_common(log)


def _most_common(log: Log) -> str | None:
    ranked = log.chats_by_sender().most_common(2)
    if len(ranked) == 2 and ranked[0][1] > ranked[1][1]:
        return ranked[0][0]
    return None


def _message(item: Any, place: _Place, chat: str, log: Log) -> Message | None:
    if not isinstance(item, dict):
        raise BadData(tr("{place}: not an object", place=place), tr("export it again"))
    if item.get("type", "message") != "message":
        action = str(item.get("action"))
        if action not in _CUTTING:
            log.drop("notice", place)
            return None
        reason = "call" if action in _SPOKEN else "cleared_history"
        return Message(sender=_sender_key(item, "actor"), time=_time(item, place)[0], removed=reason, chat=chat)
    sender = _sender_key(item, "from")
    log.name(sender, without_controls(well_formed(str(item.get("from") or "Deleted Account"))))
    words, marked = _words(item, place)
    reason = "" if words or item.get("sticker_emoji") else _why_no_words(item)
    if reason:
        return Message(sender=sender, time=_time(item, place)[0], removed=reason, chat=chat)
    if not words:
        words = str(item["sticker_emoji"])
    borrowed = next((reason for key, reason in _BORROWED.items() if key in item), "")
    time, local = _time(item, place)
    return Message(
        sender=sender,
        text=words,
        time=time,
        local=local,
        number=str(item.get("id", "")),
        chat=chat,
        reply_to=str(item.get("reply_to_message_id", "")),
        edited="edited" in item,
        borrowed=borrowed,
        marked=marked,
    )


def _bare(identity: Any) -> str:
    """Return a chat's id as newer exports have it: older ones told its kind in the bits above the lower 32."""
    is_old = isinstance(identity, int) and 1 << 32 <= identity < 3 << 32
    return str(identity & 0xFFFFFFFF if is_old else identity)


def _sender_key(item: dict[str, Any], name_key: str) -> str:
    identity = item.get(f"{name_key}_id")
    if isinstance(identity, int):
        return f"user{identity}"
    return str(identity or item.get(name_key) or "unknown")


def _why_no_words(item: dict[str, Any]) -> str:
    for key, reason in _MEDIA:
        if key in item:
            return reason or str(item[key])
    return "empty"


def _words(item: dict[str, Any], place: _Place) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Return the plain text of a message and what Telegram marked in it as personal data.

    Both `text` (a string, or a list of strings and entities) and the newer `text_entities` are understood, and, where
    they are empty, the blocks of a `rich_message`.
    """
    text = item.get("text") or ""
    parts = text if isinstance(text, list) else [text]
    entities = item.get("text_entities")
    if isinstance(entities, list) and entities:
        parts = entities
    if parts in ([], [""]):
        parts = rich_pieces(item.get("rich_message"))
    words: list[str] = []
    marked: list[tuple[str, str]] = []
    for part in parts:
        if isinstance(part, dict) and isinstance(part.get("text"), str):
            words.append(part["text"])
            rule = _MARKS.get(str(part.get("type")))
            if rule:
                marked.append((rule, part["text"]))
        elif isinstance(part, str):
            words.append(part)
        else:
            raise BadData(
                tr("{place}: its text is neither a string nor a list of entities", place=place), tr("export it again")
            )
    said = "".join(words)
    return (said if said.strip() else ""), tuple(marked)


def _time(item: dict[str, Any], place: _Place) -> tuple[float, bool]:
    """Return the seconds since 1970 and whether they are local: old exports have a `date` alone, read as UTC."""
    try:
        if "date_unixtime" in item:
            return datetime.fromtimestamp(float(item["date_unixtime"]), UTC).timestamp(), False
        return datetime.fromisoformat(str(item["date"])).replace(tzinfo=UTC).timestamp(), True
    except (KeyError, TypeError, ValueError, OverflowError, OSError) as error:
        raise BadData(
            tr("{place}: no readable date", place=place), tr("export it again as machine-readable JSON")
        ) from error


READER = Reader(title="Telegram Desktop result.json", looks=_looks, read=_read)
