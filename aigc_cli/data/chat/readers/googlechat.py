"""Read Google Chat as Google Takeout exports it: a folder for each chat, and who the account's owner is.

Dates are written out in the language of the account, in UTC. A deleted message, which has neither words nor a sender,
cuts where it stood. In a space with threads an answer tells the message that began its thread.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from aigc_cli.core.errors import BadData
from aigc_cli.core.words.messages import tr
from aigc_cli.data.chat.exports import Export, Head, Part
from aigc_cli.data.chat.messages import Log, Message
from aigc_cli.data.chat.reader import Reader, ReadOptions
from aigc_cli.data.chat.readers.fields import identifier, iso_seconds, medium, shown_name, string, table, tables
from aigc_cli.data.chat.readers.written_dates import written_time

_MESSAGES, _GROUP, _USER = "messages.json", "group_info.json", "user_info.json"
_OF_A_MESSAGE = ("topic_id", "message_id")
_DELETED = "DELETED"
# What is shown without words, by the annotation that tells of it.
_SHOWN = {
    "video_call_metadata": "call",
    "drive_metadata": "file",
    "youtube_metadata": "video",
}


@dataclass
class _Chat:
    """What is known of the chat that is being read: its folder, and when its last message was sent."""

    folder: str
    place: str
    time: float | None = None
    dated: int = 0
    undated: int = 0


def _looks(head: Head) -> bool:
    value = table(head.value)
    if head.name == _USER:
        return isinstance(value.get("user"), dict) and "membership_info" in value and len(head.names) > 1
    messages = value.get("messages")
    if not isinstance(messages, list):
        return False
    if not messages:
        return head.name == _MESSAGES and any(PurePosixPath(name).name == _GROUP for name in head.names)
    return all(key in table(messages[0]) for key in _OF_A_MESSAGE)


def _gather(paths: Sequence[str]) -> Iterable[Sequence[str]]:
    folders: dict[str, set[str]] = defaultdict(set)
    for path in paths:
        folder, _, name = path.rpartition("/")
        folders[folder].add(name)
    exports: dict[str, list[str]] = defaultdict(list)
    for folder, names in sorted(folders.items()):
        above = "/".join(folder.split("/")[:-2])  # CHATS/Groups/CHAT, CHATS/Users/USER
        before = f"{folder}/" if folder else ""
        if _USER in names:
            exports[above].insert(0, before + _USER)
        elif {_MESSAGES, _GROUP} <= names:
            exports[above] += [before + _MESSAGES, before + _GROUP]
    for files in exports.values():
        if any(path.endswith(_MESSAGES) for path in files):
            yield files


def _read(export: Export, log: Log, _: ReadOptions) -> Iterator[Message]:
    owner = ""
    for part in export.parts:
        name = PurePosixPath(part.name).name
        if name == _USER:
            owner = _sender(table(_whole(export, part).get("user")))
        elif name != _GROUP or len(export.parts) == 1:
            for message in _read_part(export, part, log):
                if message.sender == owner:
                    log.subject = owner
                yield message


def _whole(export: Export, part: Part) -> dict[str, Any]:
    stream = export.json(part)
    value = table(stream.value())
    stream.end()
    return value


def _read_part(export: Export, part: Part, log: Log) -> Iterator[Message]:
    chat = _Chat(PurePosixPath(part.name).parent.name, export.label(part))
    stream = export.json(part)
    has_messages = False
    for key in stream.members() if stream.kind() == "{" else ():
        if key == "messages" and stream.kind() == "[":
            has_messages = True
            for number in stream.items():
                message = _message(stream.value(), chat, number, log)
                if message is not None:
                    yield message
    if not has_messages:
        raise BadData(
            tr("{source}: not an export of Google Chat", source=chat.place), tr("export it from Google Takeout again")
        )
    stream.end()
    if chat.undated and not chat.dated:
        raise BadData(
            tr("{source}: its dates are in a language that is not known here", source=chat.place),
            tr("set the account's language to English, and export it from Google Takeout again"),
        )


def _message(item: Any, chat: _Chat, number: int, log: Log) -> Message | None:
    item = table(item)
    is_deleted = item.get("message_state") == _DELETED
    # Of an edited message it may be that only what stood there before tells when it was sent.
    versions = [item, *tables(item.get("previous_message_versions"))]
    date = next((date for version in versions if (date := string(version.get("created_date")))), "")
    time = iso_seconds(date) if date[10:11] == "T" else written_time(date)
    if date:
        chat.dated += time is not None
        chat.undated += time is None
    if is_deleted and time is None:  # it stands where it stood
        time = chat.time if chat.time is not None else written_time(string(item.get("deleted_date")))
    if time is None:
        where = tr("{place}, message {number}", place=chat.place, number=number + 1)
        log.drop("unknown", where, string(item.get("text")))
        return None
    chat.time = time
    creator = table(item.get("creator"))
    sender = _sender(creator) or "unknown"
    if sender not in log.names:
        log.name(sender, shown_name(creator.get("name"), creator.get("email")) or sender)
    identity = string(item.get("message_id"))
    text = "" if is_deleted or not string(item.get("text")).strip() else item["text"]
    group = identity.partition("/")[0] if identity.count("/") == 2 else chat.folder  # GROUP/TOPIC/MESSAGE
    if group:
        log.keys.setdefault(group, group)
    return Message(
        sender=sender,
        text=text,
        time=time,
        removed="" if text else "deleted" if is_deleted else _why_no_words(item),
        borrowed="via_bot" if string(creator.get("user_type")).casefold() in ("bot", "app") else "",
        number=identity,
        chat=group,
        reply_to=_answered(item, identity),
        edited=bool(item.get("updated_date") or item.get("previous_message_versions")),
    )


def _sender(person: Mapping[str, Any]) -> str:
    return identifier(person.get("email")).casefold() or shown_name(person.get("name"))


def _answered(item: Mapping[str, Any], identity: str) -> str:
    """Return the number, or else the words, of what is quoted, or the number of what began the thread."""
    quoted = table(item.get("quoted_message_metadata"))
    if quoted:
        return string(quoted.get("message_id")) or string(quoted.get("text"))
    group, _, rest = identity.partition("/")
    topic, _, own = rest.partition("/")
    return f"{group}/{topic}/{topic}" if own and own != topic else ""


def _why_no_words(item: Mapping[str, Any]) -> str:
    files = tables(item.get("attached_files"))
    if files:
        name = string(files[0].get("original_name")) or string(files[0].get("export_name"))
        return medium(name)
    annotations = tables(item.get("annotations"))
    if any("call_data" in table(annotation.get("gsuite_integration_metadata")) for annotation in annotations):
        return "call"
    shown = next((_SHOWN[key] for annotation in annotations for key in annotation if key in _SHOWN), "")
    return shown or ("media" if annotations else "empty")


READER = Reader(title="Google Chat (Takeout)", looks=_looks, read=_read, gather=_gather)
