"""Read what Facebook and Instagram give out of their messengers: the archive, and the end-to-end encrypted chats.

The archive has a folder a chat with `message_1.json`, `message_2.json` and so on, the newest first; of the encrypted
chats each is one file. They name things differently and are read to the same messages. Both may hold UTF-8 that was
read as Latin-1, and are mended where that goes back and forth. Neither says whose it is, but a chat of two is titled
as the other one.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from aigc_cli.core.errors import BadData
from aigc_cli.core.words.messages import tr
from aigc_cli.core.words.plain import well_formed
from aigc_cli.data.chat.exports import Export, Head, Part
from aigc_cli.data.chat.messages import Log, Message, without_controls
from aigc_cli.data.chat.reader import Reader, ReadOptions
from aigc_cli.data.chat.readers.messenger_phrases import after_name, said_by_itself
from aigc_cli.data.json_stream import JsonStream

_FILE = re.compile(r"(?P<folder>(?:.*/)?)message_(?P<number>\d{1,9})\.json", re.DOTALL)
_ENCRYPTED = re.compile(r"(?:.*/)?messages/[^/]{1,300}_\d{1,9}\.json", re.DOTALL)
_SUFFIX = re.compile(r"_\d+\Z")
_NOBODY = "unknown"  # whose account is deleted
_MEDIA = (
    ("photos", "photo"),
    ("videos", "video"),
    ("audio_files", "voice"),
    ("gifs", "animation"),
    ("sticker", "sticker"),
    ("files", "file"),
    ("share", "share"),
)
_ENDINGS = {
    "photo": ("jpg", "jpeg", "png", "webp", "heic"),
    "video": ("mp4", "mov"),
    "voice": ("mp3", "wav", "ogg", "m4a", "aac", "opus"),
    "animation": ("gif",),
}
_MOST_AT_ONCE = 1000  # messages at one time, after which it does not matter
_LATEST_MS = 253_402_300_799_000  # the last of the year 9999


def mended(text: str) -> str:
    """Return UTF-8 that was read as Latin-1 as the text that it is; any other text as it stands."""
    if text.isascii():
        return text
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def _name(value: Any) -> str:
    return without_controls(well_formed(mended(value))).strip() if isinstance(value, str) else ""


@dataclass
class _Thread:
    """What a chat's files say of it beside its messages."""

    names: tuple[str, ...] = ()
    title: str = ""
    is_found: bool = False


def looks(head: Head) -> bool:
    """Return whether an export is a chat of either layout."""
    value = head.value
    if not isinstance(value, dict) or not isinstance(value.get("participants"), list):
        return False
    messages = value.get("messages")
    if messages is None and not head.is_whole:  # cut before its first message ended
        return "threadName" in value
    if not isinstance(messages, list):
        return False
    if not messages:
        return "thread_path" in value or "threadName" in value
    return any(
        isinstance(item, dict)
        and (("sender_name" in item and "timestamp_ms" in item) or ("senderName" in item and "timestamp" in item))
        for item in messages
    )


def gather(paths: Sequence[str]) -> Iterable[Sequence[str]]:
    """Return the files of each chat of an archive in the order of their numbers, and the file of each encrypted one."""
    chats: dict[str, list[tuple[int, str]]] = {}
    for path in paths:
        found = _FILE.fullmatch(path)
        if found:
            chats.setdefault(found["folder"], []).append((int(found["number"]), path))
        elif _ENCRYPTED.fullmatch(path):
            chats[path] = [(0, path)]
    return [[path for _, path in sorted(files)] for files in chats.values()]


def read(export: Export, log: Log, options: ReadOptions) -> Iterator[Message]:
    """Stream the messages of a chat."""
    thread = _Thread()
    yield from _in_order(_parts(export, thread, log), log)
    others = [name for name in thread.names if name != thread.title]
    if len(thread.names) == 2 and len(others) == 1:
        log.contacts.add(thread.title)
        log.subject = others[0]


def _in_order(messages: Iterator[Message], log: Log) -> Iterator[Message]:
    """Yield messages, the first of them not before it is known whether they go forth or back in time."""
    first: list[Message] = []
    for message in messages:
        first.append(message)
        if message.time != first[0].time or len(first) == _MOST_AT_ONCE:
            log.newest_first = (message.time or 0) < (first[0].time or 0)
            break
    yield from first
    yield from messages


def _parts(export: Export, thread: _Thread, log: Log) -> Iterator[Message]:
    for part in export.parts:
        thread.is_found = False
        yield from _part(export, part, thread, log)
        if not thread.is_found:
            raise BadData(
                tr("{source}: no list of messages", source=export.label(part)), tr("truncated? export it again")
            )


def _part(export: Export, part: Part, thread: _Thread, log: Log) -> Iterator[Message]:
    stream = export.json(part)
    if stream.kind() != "{":
        raise BadData(
            tr("{source}: no chat of Messenger or Instagram", source=export.label(part)), tr("export it again as JSON")
        )
    for key in stream.members():
        if key == "messages" and stream.kind() == "[":
            thread.is_found = True
            yield from _messages(stream, part if len(export.parts) > 1 else None, log)
        elif key in ("title", "threadName"):
            thread.title = _name(stream.value())
            if key == "threadName" and thread.title not in thread.names:
                thread.title = _SUFFIX.sub("", thread.title)
        elif key == "thread_path":
            identity = _name(stream.value()).rpartition("/")[2].rpartition("_")[2]
            if identity:
                log.keys[""] = identity
        elif key == "participants" and stream.kind() == "[":
            people = stream.value()
            names = (_name(person.get("name") if isinstance(person, dict) else person) for person in people)
            thread.names = tuple(dict.fromkeys(filter(None, names)))
    stream.end()


def _messages(stream: JsonStream, part: Part | None, log: Log) -> Iterator[Message]:
    for number in stream.items():
        where = f"{part.name}: {number + 1}" if part else number + 1
        item = stream.value()
        if not isinstance(item, dict):
            log.drop("unknown", where, str(item))
            continue
        message = _message(item, where, log)
        if message is not None:
            yield message


def _message(item: dict[str, Any], where: object, log: Log) -> Message | None:
    sender = _name(item.get("sender_name", item.get("senderName")))
    words = item.get("content", item.get("text"))
    words = mended(words) if isinstance(words, str) else ""
    milliseconds = item.get("timestamp_ms", item.get("timestamp"))
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, int | float):
        milliseconds = -1
    if not 0 <= milliseconds <= _LATEST_MS:
        log.drop("unreadable_time", where, words)
        return None
    removed = _why_not_words(item, words, sender)
    if removed in ("notice", "reaction"):
        log.drop(removed, where, words)
        return None
    log.name(sender or _NOBODY, sender or "Deleted Account")
    return Message(sender=sender or _NOBODY, text="" if removed else words, time=milliseconds / 1000, removed=removed)


def _why_not_words(item: dict[str, Any], words: str, sender: str) -> str:
    """Return "" if the words are the sender's own, else what the message is."""
    kind = str(item.get("type")).casefold()
    if item.get("is_unsent") is True or item.get("isUnsent") is True:
        return "deleted"
    if kind == "call" or "call_duration" in item:
        return "call"
    if kind in ("subscribe", "unsubscribe"):
        return "notice"
    shown = _shown(item)
    if not words.strip():
        return shown or "empty"
    by_itself = said_by_itself(words, sender)
    if not by_itself and shown == "share" and after_name(words.strip(), sender) and words.strip()[-1] in ".。":
        by_itself = "attached"  # in a language whose words are not known
    return (shown or "media") if by_itself == "attached" else by_itself


def _shown(item: dict[str, Any]) -> str:
    """Return what was shown, "" if nothing."""
    for key, reason in _MEDIA:
        if item.get(key):
            return reason
    media = item.get("media")
    if isinstance(media, list) and media:
        first = media[0].get("uri") if isinstance(media[0], dict) else None
        ending = first.rpartition(".")[2].casefold() if isinstance(first, str) else ""
        return next((reason for reason, endings in _ENDINGS.items() if ending in endings), "file")
    return ""


READER = Reader(title="Messenger, Instagram", looks=looks, read=read, gather=gather)
