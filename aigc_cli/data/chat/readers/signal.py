"""Read the export that Signal itself makes in plain text: a folder with `main.jsonl`, `metadata.json` and `files`.

A line is a frame of Signal's backup as JSON: an account, a recipient, a chat, or an item of a chat; what a line refers
to by number stands before it. The numbers are this file's own, so that people and chats are known by what Signal knows
them by; oneself is the recipient `self`. A sticker becomes its emoji. Of an edited message the last words count.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from aigc_cli.core.errors import BadData
from aigc_cli.core.words.messages import tr
from aigc_cli.data.chat.exports import Export, Head
from aigc_cli.data.chat.messages import Log, Message
from aigc_cli.data.chat.reader import Reader, ReadOptions
from aigc_cli.data.chat.readers.fields import identifier, medium, seconds, shown_name, string, table, tables

_SELF = "self"
_FRAMES = frozenset({"account", "recipient", "chat", "chatItem", "stickerPack", "adHocCall", "chatFolder"})
_FRAMES |= {"notificationProfile", "version", "backupTimeMs"}  # the last two are of the file itself
_KINDS_OF_RECIPIENT = frozenset({"contact", "group", "self", "distributionList", "releaseNotes", "callLink"})
_MENTION = "\ufffc"  # stands where somebody is named
_LOOKED_AT = 200  # lines
_MOST_DIGITS = 14  # of milliseconds up to the year 5138
# What is not in words, by the key that holds it.
_WORDLESS = {
    "remoteDeletedMessage": "deleted",
    "adminDeletedMessage": "deleted",
    "viewOnceMessage": "view_once",
    "contactMessage": "contact",
    "paymentNotification": "payment",
    "giftBadge": "gift",
    "poll": "poll",
}
_LOST = frozenset({"BAD_DECRYPT", "UNSUPPORTED_PROTOCOL_MESSAGE"})  # something was said


@dataclass
class _Known:
    """Who the file's numbers are, and whose its chats are."""

    senders: dict[str, str] = field(default_factory=dict)
    chats: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)  # of recipients
    own_name: str = ""


def looks(head: Head) -> bool:
    """Return whether the first lines are frames of a backup of Signal."""
    for record in islice(head.records, _LOOKED_AT):
        if not isinstance(record, dict) or not record.keys() & _FRAMES:
            return False
        recipient, item = table(record.get("recipient")), table(record.get("chatItem"))
        if ("id" in recipient and recipient.keys() & _KINDS_OF_RECIPIENT) or item.keys() >= {"chatId", "dateSent"}:
            return True
    return False


def gather(paths: Sequence[str]) -> Iterable[Sequence[str]]:
    """Return each `main.jsonl` with the `metadata.json` beside it, which is a part of it and no log."""
    every = set(paths)
    folders = (path.removesuffix("main.jsonl") for path in paths if path.rpartition("/")[2] == "main.jsonl")
    return [
        [folder + "main.jsonl", folder + "metadata.json"] for folder in folders if folder + "metadata.json" in every
    ]


def read(export: Export, log: Log, options: ReadOptions) -> Iterator[Message]:
    """Stream the messages of all chats."""
    known, has_frames = _Known(), False
    for line, frame in export.records():
        if not isinstance(frame, dict) or not frame.keys() & _FRAMES:
            log.drop("unknown", line, str(frame))
            continue
        has_frames = True
        if "chatItem" in frame:
            message = _message(frame["chatItem"], line, known, log)
            if message is not None:
                yield message
        elif "recipient" in frame:
            _recipient(table(frame["recipient"]), known, log)
        elif "chat" in frame:
            chat = table(frame["chat"])
            known.chats[identifier(chat.get("id"))] = identifier(chat.get("recipientId"))
        elif "account" in frame:
            account = table(frame["account"])
            known.own_name = _full(account, "givenName", "familyName") or shown_name(account.get("username"))
    if not has_frames:
        raise BadData(tr("{source}: no export of Signal", source=export.source), tr("export it again as JSON"))
    if _SELF in known.kinds.values():
        log.subject = _SELF


def _recipient(recipient: dict[str, Any], known: _Known, log: Log) -> None:
    number = identifier(recipient.get("id"))
    kind = next((key for key in recipient if key in _KINDS_OF_RECIPIENT), "")
    known.kinds[number] = kind
    about = table(recipient.get(kind))
    if kind == "self":
        known.senders[number] = _SELF
        log.name(_SELF, known.own_name or "Me")
    elif kind == "contact":
        numbers = (identifier(about.get(key)) for key in ("aci", "pni", "e164"))
        sender = next(filter(None, numbers), number)
        known.senders[number] = sender
        log.contacts.add(sender)
        log.name(sender, _name_of(about) or sender)
    elif kind == "group":  # its key opens it: what is kept is made of it, and not it
        key = string(about.get("masterKey"))
        known.senders[number] = hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()[:32] if key else number
    else:
        known.senders[number] = number


def _name_of(contact: dict[str, Any]) -> str:
    return (
        _full(table(contact.get("nickname")), "given", "family")
        or shown_name(contact.get("systemNickname"))
        or _full(contact, "systemGivenName", "systemFamilyName")
        or _full(contact, "profileGivenName", "profileFamilyName")
        or shown_name(contact.get("username"), identifier(contact.get("e164")))
    )


def _full(about: dict[str, Any], given: str, family: str) -> str:
    return " ".join(filter(None, (shown_name(about.get(given)), shown_name(about.get(family)))))


def _message(item: Any, line: int, known: _Known, log: Log) -> Message | None:
    item = table(item)
    time = _milliseconds(item.get("dateSent"))
    chat = known.chats.get(identifier(item.get("chatId")), "")
    if time is None:
        log.drop("unreadable_time", line, _body(item))
        return None
    kind = known.kinds.get(chat, "")
    if kind in ("self", "releaseNotes"):
        log.drop("saved_messages" if kind == "self" else "release_notes", line, _body(item))
        return None
    text, removed, marked = _content(item, line, known, log)
    if removed in ("notice", "reaction", "unknown"):
        log.drop(removed, line, text)
        return None
    author = identifier(item.get("authorId"))
    sender = known.senders.get(author) or (_SELF if "outgoing" in item else f"unknown {author}".strip())
    log.name(sender, known.own_name or "Me" if sender == _SELF else sender)
    identity = known.senders.get(chat) or identifier(item.get("chatId"))
    if chat:
        log.keys[identity] = identity
    quoted = _milliseconds(table(table(item.get("standardMessage")).get("quote")).get("targetSentTimestamp"))
    return Message(
        sender=sender,
        text="" if removed else text,
        time=time / 1000,
        removed=removed,
        number=str(time),  # a sender has one message a moment, and so it is quoted
        marked=marked,
        chat=identity,
        reply_to=str(quoted or ""),
        edited=bool(tables(item.get("revisions"))),
    )


def _milliseconds(value: Any) -> int | None:
    """Return a time in milliseconds since 1970, which is written as a string; None for what is none."""
    digits = identifier(value)
    is_number = digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS
    return int(digits) if is_number else None


def _body(item: dict[str, Any]) -> str:
    return string(table(table(item.get("standardMessage")).get("text")).get("body"))


def _content(item: dict[str, Any], line: int, known: _Known, log: Log) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    """Return what an item says, "" or what it is instead of words, and the personal data that Signal knows in it."""
    if "standardMessage" in item:
        message = table(item["standardMessage"])
        text, marked = _named(table(message.get("text")), known, log)
        if text.strip():
            if "longText" in message:
                log.notice("text_goes_on_elsewhere", line, text)
            return text, "", marked
        return "", _shown(message), ()
    if "stickerMessage" in item:
        emoji = string(table(table(item["stickerMessage"]).get("sticker")).get("emoji"))
        return emoji, "" if emoji.strip() else "sticker", ()
    if "directStoryReplyMessage" in item:
        reply = table(item["directStoryReplyMessage"])
        text, marked = _named(table(table(reply.get("textReply")).get("text")), known, log)
        return (text, "", marked) if text.strip() else (string(reply.get("emoji")), "reaction", ())
    if "updateMessage" in item:
        update = table(item["updateMessage"])
        if update.keys() & {"individualCall", "groupCall"}:
            return "", "call", ()
        what = string(table(update.get("simpleUpdate")).get("type"))
        return (what or next(iter(update), "")), "undecryptable" if what in _LOST else "notice", ()
    reason = next((reason for key, reason in _WORDLESS.items() if key in item), "unknown")
    return "", reason, ()


def _shown(message: dict[str, Any]) -> str:
    for attachment in tables(message.get("attachments")):
        if attachment.get("flag") in ("VOICE_MESSAGE", 1):
            return "voice"
        pointer = table(attachment.get("pointer"))
        return medium(pointer.get("fileName"), pointer.get("contentType"))
    return "share" if message.get("linkPreview") else "empty"


def _named(text: dict[str, Any], known: _Known, log: Log) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Return a text with the names of those whom it mentions, and these."""
    body = string(text.get("body"))
    if _MENTION not in body:
        return body, ()
    ranges = [piece for piece in tables(text.get("bodyRanges")) if string(piece.get("mentionAci"))]
    ranges.sort(key=lambda piece: seconds(piece.get("start")) or 0)
    # Who is mentioned and no contact is oneself: of oneself the file gives no id.
    names = ["@" + log.names.get(piece["mentionAci"], known.own_name or "Me") for piece in ranges]
    pieces = body.split(_MENTION)
    said = "".join(piece + name for piece, name in zip(pieces, [*names, *[""] * len(pieces)], strict=False))
    return said, tuple(("handle", name) for name in names[: len(pieces) - 1])


READER = Reader(title="Signal", looks=looks, read=read, gather=gather)
