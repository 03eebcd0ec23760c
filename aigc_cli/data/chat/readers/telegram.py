"""Read Telegram Desktop's machine-readable export, `result.json`: one chat, or the full account (`chats.list`).

A sticker becomes its emoji. Media without a caption are removed, and the conversation is cut there. What was
forwarded or sent through a bot is marked as borrowed. A call interrupts a conversation as well, since it went on
by voice; other service messages (pins, titles, joins) are passed over.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from aigc_cli.core.errors import BadData
from aigc_cli.core.words.messages import tr
from aigc_cli.core.words.plain import well_formed
from aigc_cli.data.chat.messages import Chat, ChatLog, Message, without_controls
from aigc_cli.data.chat.readers.rich import rich_pieces
from aigc_cli.data.chat.readers.roles import is_turn

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


def is_telegram(value: Any) -> bool:
    """Return whether parsed JSON looks like a Telegram export."""
    if not isinstance(value, dict):
        return False
    chats = value.get("chats")
    if isinstance(chats, dict) and isinstance(chats.get("list"), list):
        return True
    messages = value.get("messages")
    if not isinstance(messages, list):
        return False
    return all(isinstance(item, dict) and not is_turn(item) and "role" not in item for item in messages) and (
        "type" in value or any("from_id" in item for item in messages)
    )


def read_telegram(value: dict[str, Any], source: str) -> ChatLog:
    """Return the log of a parsed export. BadData, naming the chat or message, where the shape is not Telegram's."""
    log = ChatLog(format="telegram")
    owner = _owner(value)
    exported = list(_exported_chats(value, source, log.dropped))
    for number, chat in enumerate(exported):
        kind = str(chat.get("type"))
        if kind in _NOT_CONVERSATIONS:
            log.dropped[kind] += 1
            continue
        if kind == "personal_chat" and "id" in chat:
            log.contacts.add(f"user{chat['id']}")
        place = tr("{source}: chat {number}", source=source, number=number + 1) if len(exported) > 1 else source
        messages = [
            message
            for position, item in enumerate(chat["messages"])
            if (message := _message(item, tr("{place}, message {number}", place=place, number=position + 1), log))
            is not None
        ]
        identity = well_formed(str(chat.get("id", number)))
        key = _bare(chat["id"]) if "id" in chat else ""
        log.chats.append(Chat(identity=identity, key=key, messages=messages))
    log.subject = owner if owner in log.names else _subject_beside(log)
    return log


def _exported_chats(value: dict[str, Any], source: str, dropped: Counter[str]) -> Iterator[dict[str, Any]]:
    chats: list[Any] = [value]
    if "messages" not in value:
        chats = [*value["chats"]["list"]]
        left = value.get("left_chats")
        if isinstance(left, dict) and isinstance(left.get("list"), list):
            chats += left["list"]
    whole = [isinstance(chat, dict) and isinstance(chat.get("messages"), list) for chat in chats]
    if not any(whole) and chats:
        raise BadData(
            tr("{source}: chat {number} has no list of messages", source=source, number=1), tr("export it again")
        )
    for chat, is_whole in zip(chats, whole, strict=True):
        if is_whole:
            yield chat
        else:
            dropped["chat_without_messages"] += 1


def _owner(value: dict[str, Any]) -> str | None:
    personal = value.get("personal_information")
    if isinstance(personal, dict) and "user_id" in personal:
        return f"user{personal['user_id']}"
    return None


def _subject_beside(log: ChatLog) -> str | None:
    """Return the one sender who is no contact: in a personal chat, the chat's id is the contact's."""
    if not log.contacts & log.names.keys():
        return _most_common(log)
    others = [sender for sender in log.names if sender not in log.contacts]
    return others[0] if len(others) == 1 else _most_common(log)


def _most_common(log: ChatLog) -> str | None:
    ranked = log.chats_by_sender().most_common(2)
    if len(ranked) == 2 and ranked[0][1] > ranked[1][1]:
        return ranked[0][0]
    return None


def _message(item: Any, place: str, log: ChatLog) -> Message | None:
    if not isinstance(item, dict):
        raise BadData(tr("{place}: not an object", place=place), tr("export it again"))
    if item.get("type", "message") != "message":
        action = str(item.get("action"))
        if action not in _CUTTING:
            return None
        reason = "call" if action in _SPOKEN else "cleared_history"
        log.dropped[reason] += 1
        return Message(sender=_sender_key(item, "actor"), time=_time(item, place)[0], removed=reason)
    sender = _sender_key(item, "from")
    log.names.setdefault(sender, without_controls(well_formed(str(item.get("from") or "Deleted Account"))))
    words, marked = _words(item, place)
    reason = "" if words or item.get("sticker_emoji") else _why_no_words(item)
    if reason:
        log.dropped[reason] += 1
        return Message(sender=sender, time=_time(item, place)[0], removed=reason)
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


def _words(item: dict[str, Any], place: str) -> tuple[str, tuple[tuple[str, str], ...]]:
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


def _time(item: dict[str, Any], place: str) -> tuple[float, bool]:
    """Return the seconds since 1970 and whether they are local: old exports have a `date` alone, read as UTC."""
    try:
        if "date_unixtime" in item:
            return datetime.fromtimestamp(float(item["date_unixtime"]), UTC).timestamp(), False
        return datetime.fromisoformat(str(item["date"])).replace(tzinfo=UTC).timestamp(), True
    except (KeyError, TypeError, ValueError, OverflowError, OSError) as error:
        raise BadData(
            tr("{place}: no readable date", place=place), tr("export it again as machine-readable JSON")
        ) from error
