"""Read Matrix: what Element exports of a room as JSON, and plain lists or lines of events as other tools write them.

Element puts the last words of an edited message in its place; elsewhere edits are events of their own, and are put
there here. What could not be decrypted and what was deleted cuts; joins, names and reactions are dropped.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from aigc_cli.core.errors import BadData
from aigc_cli.core.words.messages import tr
from aigc_cli.data.chat.exports import Export, Head, Part, head_of
from aigc_cli.data.chat.messages import Log, Message
from aigc_cli.data.chat.reader import Reader, ReadOptions
from aigc_cli.data.chat.readers.fields import identifier, milliseconds, shown_name, string, table

_MESSAGE, _STICKER, _ENCRYPTED, _MEMBER = "m.room.message", "m.sticker", "m.room.encrypted", "m.room.member"
_WRITTEN = frozenset({_MESSAGE, _STICKER, _ENCRYPTED})
_CUTTING = {
    "m.call.invite": "call",
    "org.matrix.msc3401.call": "call",
    "m.poll.start": "poll",
    "org.matrix.msc3381.poll.start": "poll",
}
_MEDIA = {
    "m.image": "photo",
    "m.video": "video",
    "m.audio": "voice",
    "m.file": "file",
    "m.location": "location",
    "m.bad.encrypted": "encrypted",
}
_TEXTS = frozenset({"m.text", "m.notice", "m.emote", "m.server_notice"})
_LISTS = ("messages", "chunk", "events")
_REPLACES = b"m.replace"
# What older clients put before a reply: the lines of what it answers, the first with its sender.
_QUOTED = re.compile(r"> (?:\* )?<[@!#][^>\n]{1,300}>[^\n]*(?:\n>[^\n]*)*(?:\n\n?|$)")
_CHUNK = 1 << 20  # bytes


@dataclass
class _Room:
    """What is learned of a room on the way: its members' names, what its edits say, and whose export it is."""

    names: dict[str, str] = field(default_factory=dict)
    edits: dict[str, list[Message]] = field(default_factory=lambda: defaultdict(list))
    exported_by: str = ""


def _looks(head: Head) -> bool:
    value = head.value
    if isinstance(value, dict) and not _is_event(value):
        events = next((value[key] for key in _LISTS if isinstance(value.get(key), list)), None)
        is_export = "exported_by" in value and "room_creator" in value
        return events is not None and (_is_event(events[0]) if events else is_export)
    if isinstance(value, list):
        return bool(value) and _is_event(value[0])
    return bool(head.records) and _is_event(head.records[0])


def _event(value: Any) -> dict[str, Any]:
    """Return an event; where one was encrypted and both are given, the decrypted one."""
    return table(table(value).get("decrypted")) or table(value)


def _is_event(value: Any) -> bool:
    event = _event(value)
    return "origin_server_ts" in event and isinstance(event.get("type"), str) and isinstance(event.get("content"), dict)


def _read(export: Export, log: Log, _: ReadOptions) -> Iterator[Message]:
    for part in export.parts:
        room = _Room()
        if _has_edits(part):
            for _number, value in _events(export, part, room):
                _take_edit(_event(value), room)
        originals: set[str] = set()
        for number, value in _events(export, part, room):
            event = _event(value)
            if _replaced(event):
                continue  # told in the end
            message = _message(event, room, log, (export.label(part), number))
            if message is not None:
                if message.number in room.edits:
                    originals.add(message.number)
                yield message
        yield from _left_edits(room, originals, log)
        _name_all(room, log)


def _has_edits(part: Part) -> bool:
    """Return whether a file may hold edits, without parsing it."""
    with part.open() as file:
        before = b""
        while chunk := file.read(_CHUNK):
            if _REPLACES in before + chunk:
                return True
            before = chunk[-len(_REPLACES) :]
    return False


def _events(export: Export, part: Part, room: _Room) -> Iterator[tuple[int, Any]]:
    """Yield a part's events with their places, whatever holds them."""
    head = head_of(Export(export.source, (part,), export.encoding))
    if head.records and _is_event(head.records[0]):
        yield from export.records(part)
        return
    stream = export.json(part)
    has_events = stream.kind() == "["
    if has_events:
        for number in stream.items():
            yield number + 1, stream.value()
    elif stream.kind() == "{":
        for key in stream.members():
            if key in _LISTS and stream.kind() == "[":
                has_events = True
                for number in stream.items():
                    yield number + 1, stream.value()
            elif key == "exported_by":
                room.exported_by = string(stream.value())
    if not has_events:
        raise BadData(
            tr("{source}: not an export of a Matrix room", source=export.label(part)),
            tr("export the room from Element again, as JSON"),
        )
    stream.end()


def _replaced(event: Mapping[str, Any]) -> str:
    """Return the number of the message that an edit replaces; "" for what is no edit."""
    relation = table(table(event.get("content")).get("m.relates_to"))
    is_edit = event.get("type") == _MESSAGE and relation.get("rel_type") == "m.replace"
    return identifier(relation.get("event_id")) if is_edit else ""


def _take_edit(event: Mapping[str, Any], room: _Room) -> None:
    original = _replaced(event)
    if not original:
        return
    content = table(event["content"])
    new = table(content.get("m.new_content")) or {**content, "body": string(content.get("body")).removeprefix("* ")}
    time = milliseconds(event.get("origin_server_ts"))
    room.edits[original].append(
        Message(
            sender=string(event.get("sender")),
            text=_words(new, is_reply=True),
            time=time,
            number=original,
            chat=identifier(event.get("room_id")),
            edited=True,
        )
    )


def _left_edits(room: _Room, originals: set[str], log: Log) -> Iterator[Message]:
    """Count the edits; of a message that is not in the file, yield the last as the message."""
    for original, edits in room.edits.items():
        last = max(edits, key=lambda edit: edit.time or 0)
        is_left = original not in originals and last.text and last.time is not None and last.sender
        if is_left:
            _name(last.sender, room, log)
            yield last
        for _ in edits[1:] if is_left else edits:
            log.drop("edit")


def _message(event: Mapping[str, Any], room: _Room, log: Log, place: tuple[str, int]) -> Message | None:
    kind, content, sender = event.get("type"), table(event.get("content")), string(event.get("sender"))
    if kind == _MEMBER and string(content.get("displayname")):
        room.names[string(event.get("state_key")) or sender] = string(content["displayname"])
    time = milliseconds(event.get("origin_server_ts"))
    reason = "unknown" if time is None or not sender or not isinstance(kind, str) else ""
    if not reason and kind not in _WRITTEN and kind not in _CUTTING:
        reason = "reaction" if kind == "m.reaction" else "notice"
    unsigned = table(event.get("unsigned"))
    if content.get("msgtype") == "m.key.verification.request":
        reason = reason or "notice"
    if reason:
        where = tr("{place}, message {number}", place=place[0], number=place[1])
        log.drop(reason, where, string(content.get("body")))
        return None
    number = identifier(event.get("event_id"))
    reply_to, is_reply = _answered(content)
    text = _words(content, is_reply=is_reply)
    edits = [edit for edit in room.edits.get(number, ()) if edit.sender == sender and edit.text]
    if edits:
        text = max(edits, key=lambda edit: edit.time or 0).text
    removed = _why_no_words(str(kind), content, text)
    if "redacted_because" in unsigned or "redacted_by" in unsigned or not content:
        removed = "deleted"
    chat = identifier(event.get("room_id"))
    if chat:
        log.keys.setdefault(chat, chat)
    _name(sender, room, log)
    return Message(
        sender=sender,
        text="" if removed else text,
        time=time,
        removed=removed,
        borrowed="via_bot" if content.get("msgtype") in ("m.notice", "m.server_notice") else "",
        number=number,
        chat=chat,
        reply_to=reply_to,
        edited=bool(edits) or "m.replace" in table(unsigned.get("m.relations")),
    )


def _answered(content: Mapping[str, Any]) -> tuple[str, bool]:
    """Return the number of what a message answers, and whether older clients may have put its words before."""
    relation = table(content.get("m.relates_to"))
    direct = identifier(table(relation.get("m.in_reply_to")).get("event_id"))
    if relation.get("rel_type") == "m.thread" and (relation.get("is_falling_back") is True or not direct):
        return identifier(relation.get("event_id")), bool(direct)
    return direct, bool(direct)


def _words(content: Mapping[str, Any], *, is_reply: bool) -> str:
    """Return what somebody wrote: a text, the caption of a medium, or a sticker's emoji; "" for none."""
    body, kind = string(content.get("body")), string(content.get("msgtype"))
    if kind in _MEDIA:
        name = string(content.get("filename"))
        body = body if name and body != name and kind != "m.bad.encrypted" else ""
    elif not kind:  # a sticker, described in words or by the emoji that it stands for
        body = "" if len(body) > 8 or any(character.isalnum() for character in body) else body
    if is_reply and body.startswith("> ") and (quoted := _QUOTED.match(body)):
        body = body[quoted.end() :]
    return body if body.strip() else ""


def _why_no_words(kind: str, content: Mapping[str, Any], text: str) -> str:
    """Return what there was where nothing was written; "" if something was."""
    if kind in _CUTTING:
        return _CUTTING[kind]
    if kind == _ENCRYPTED:
        return "encrypted"
    if text:
        return ""
    if kind == _STICKER:
        return "sticker"
    msgtype = string(content.get("msgtype"))
    return "empty" if msgtype in _TEXTS else _MEDIA.get(msgtype, "media")


def _name(sender: str, room: _Room, log: Log) -> None:
    if sender not in log.names:
        log.name(sender, shown_name(room.names.get(sender), sender.lstrip("@").partition(":")[0]) or sender)


def _name_all(room: _Room, log: Log) -> None:
    """Give who wrote the last of their names, and find who exported the room: by id, or by a name that one has."""
    for sender, name in room.names.items():
        if sender in log.names:
            log.names[sender] = shown_name(name) or log.names[sender]
    owners = [sender for sender, name in log.names.items() if room.exported_by in (sender, name)]
    if len(owners) == 1:
        log.subject = owners[0]


READER = Reader(title="Matrix (Element)", looks=_looks, read=_read)
