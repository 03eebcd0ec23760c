"""Read what QQChatExporter writes: one JSON file, of version 4 or 5, or a manifest and chunks of JSON lines.

Pictures of people, which stand there as base64, are passed over one by one.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from aigc_cli.core.errors import BadData
from aigc_cli.core.words.messages import tr
from aigc_cli.data.chat.exports import Export, Head, Part
from aigc_cli.data.chat.messages import Log, Message
from aigc_cli.data.chat.readers.fields import (
    identifier,
    iso_seconds,
    milliseconds,
    shown_name,
    string,
    table,
    tables,
)
from aigc_cli.data.chat.readers.kinds import MEDIA, NOTICE, QUOTE, TEXT, kind_of
from aigc_cli.data.json_stream import JsonStream

_MAKER, _CHUNK = "QQChatExporter", ".jsonl"
_INFORMATION = frozenset({"type", "selfUid", "selfUin", "selfName", "peerUid", "peerUin"})
# What the elements of a message are, where they are no words.
_SHOWN = {
    "image": "photo",
    "video": "video",
    "audio": "voice",
    "voice": "voice",
    "file": "file",
    "market_face": "sticker",
    "marketFace": "sticker",
    "giphy": "sticker",
    "location": "location",
    "forward": "forwarded",
    "json": "link",
    "av_record": "call",
    "wallet": NOTICE,
    "live_gift": NOTICE,
}
_STANDS_FOR = re.compile(r"\[(?:图片|视频|语音|文件|动画表情|商城表情)(?:[:：][^\]\n]{0,200})?\]")
_REPLY = re.compile(r"\[回复[^\]\n]{0,400}\]\s?")
_CALL = re.compile(r"\[?(?:语音|视频)通话\]?[^\n]{0,9}(?:通话时长|已取消|已拒绝|未接听|无应答)[^\n]{0,12}")
_WHOLE = re.compile(r"\[([^\]\n]{1,12})\]")


class _Owner(NamedTuple):
    """Whose export it is, and with whom a chat of two is."""

    uid: str = ""
    uin: str = ""
    name: str = ""
    is_private: bool = False


class _Said(NamedTuple):
    text: str
    removed: str
    reply_to: str


def is_export(value: Any) -> bool:
    """Return whether JSON, perhaps cut, is of QQChatExporter."""
    if not isinstance(value, dict):
        return False
    metadata = table(value.get("metadata"))
    return string(metadata.get("name")).startswith(_MAKER) or (
        bool(metadata) and isinstance(value.get("chatInfo"), dict) and not {"chatlab", "guild"} & value.keys()
    )


def is_chunk(head: Head) -> bool:
    """Return whether these are the JSON lines of a chunk, without their manifest."""
    first = table(head.records[0]) if head.records else {}
    sender, content = table(first.get("sender")), table(first.get("content"))
    return "timestamp" in first and "text" in content and bool({"uid", "uin"} & sender.keys())


def read_export(export: Export, log: Log) -> Iterator[Message]:
    """Yield the messages of one file, or of the chunks that a manifest names."""
    label = export.label(export.parts[0])
    stream = export.json()
    owner, chunks = _Owner(), None
    has_messages = False
    for key in stream.members():
        if key == "chatInfo" and stream.kind() == "{":
            owner = _owner(stream, log)
        elif key == "messages" and stream.kind() == "[":
            has_messages = True
            for place in stream.items():
                yield from _messages(stream.value(), ("", place + 1), owner, log)
        elif key == "chunked" and stream.kind() == "{":
            chunks = [_file_name(chunk) for chunk in tables(table(stream.value()).get("chunks"))]
    stream.end()
    if chunks is not None:
        parts = {part.name.rpartition("/")[2]: part for part in export.parts}
        missing = [name for name in chunks if name not in parts]
        if missing:
            raise BadData(
                tr("{source}: its part {name} is not there", source=label, name=missing[0]),
                tr("name the whole folder of the export"),
            )
        named = [parts[name] for name in chunks]
        yield from read_chunks(
            export, named or [part for part in export.parts if part.name.endswith(_CHUNK)], log, owner
        )
    elif not has_messages:
        raise BadData(
            tr("{source}: not an export of QQ that is known", source=label),
            tr("export it from the message manager as text, or with QQChatExporter as JSON"),
        )


def read_chunks(export: Export, parts: Iterable[Part], log: Log, owner: _Owner | None = None) -> Iterator[Message]:
    """Yield the messages of JSON lines."""
    for part in parts:
        for place, item in export.records(part):
            yield from _messages(item, (export.label(part), place), owner or _Owner(), log)


def _file_name(chunk: Mapping[str, Any]) -> str:
    path = string(chunk.get("relativePath")) or string(chunk.get("fileName")) or string(chunk.get("file"))
    return path.rpartition("/")[2]


def _owner(stream: JsonStream, log: Log) -> _Owner:
    """Take what is told of the chat."""
    told = {key: stream.value() for key in stream.members() if key in _INFORMATION}
    peer = _person(told.get("peerUid"), told.get("peerUin"))
    if peer:
        log.keys[""] = peer
    return _Owner(
        identifier(told.get("selfUid")),
        _person("", told.get("selfUin")),
        shown_name(told.get("selfName")),
        told.get("type") == "private",
    )


def _person(uid: Any, uin: Any) -> str:
    """Return somebody's number or, where there is none, the other identity."""
    return identifier(uin) if identifier(uin).strip("0") else identifier(uid)


def _messages(item: Any, place: tuple[str, int], owner: _Owner, log: Log) -> Iterator[Message]:
    """Yield the message that an item is, if it is one; `place` is a part, "" if there is one, and a line or a count."""
    content = table(table(item).get("content"))
    time, said = _time(table(item)), _said(content)
    is_system = _is(table(item), "system", "isSystemMessage")
    if time is None or said.removed == NOTICE or (is_system and said.removed != "call"):
        where = tr("{source}: line {number}", source=place[0], number=place[1]) if place[0] else place[1]
        log.drop("unknown" if time is None else "notice", where, string(content.get("text")))
        return
    text, removed, reply_to = said
    if _is(item, "recalled", "isRecalled"):
        text, removed, reply_to = "", "deleted", ""
    yield Message(
        sender=_sender(item, owner, log),
        text=text,
        time=time,
        removed=removed,
        number=identifier(item.get("id")) or identifier(item.get("messageId")),
        reply_to=reply_to,
    )


def _is(item: Mapping[str, Any], name: str, older_name: str) -> bool:
    """Return whether a mark is set; the older one counts where the newer one is not there."""
    mark = item.get(name)
    return (item.get(older_name) if mark is None else mark) is True


def _time(item: Mapping[str, Any]) -> float | None:
    return milliseconds(item.get("timestamp")) or iso_seconds(item.get("timestamp"))


def _sender(item: Mapping[str, Any], owner: _Owner, log: Log) -> str:
    """Return who wrote, by the number if there is one: names change, and so does which of the two is told."""
    who, raw = table(item.get("sender")), table(item.get("rawMessage"))
    uid, uin = identifier(who.get("uid")), _person("", who.get("uin")) or _person("", raw.get("senderUin"))
    is_own = bool((uin and uin == owner.uin) or (uid and uid == owner.uid))
    name = shown_name(who.get("name"), raw.get("sendMemberName"), raw.get("sendNickName"), who.get("nickname"))
    sender = (owner.uin or owner.uid) if is_own else uin or uid or name or "unknown"
    if sender not in log.names:
        log.name(sender, name or (owner.name if is_own else "") or sender)
    if is_own:
        log.subject = sender
    elif owner.is_private and (owner.uid or owner.uin):
        log.contacts.add(sender)
    return sender


def _said(content: Mapping[str, Any]) -> _Said:
    """Return what a message says: of its elements or, where they are not there, of its text."""
    whole = string(content.get("text")).strip()
    elements = tables(content.get("elements"))
    reply = next((table(part.get("data")) for part in elements if part.get("type") == "reply"), None)
    reply = table(content.get("reply")) if reply is None else reply
    reply_to = identifier(reply.get("referencedMessageId")).strip("0") and identifier(reply.get("referencedMessageId"))
    reply_to = reply_to or string(reply.get("content"))
    words = [_words(part) for part in elements]
    # Older versions repeat the whole text in the first element, with what stands for the others.
    if not elements and _CALL.fullmatch(whole):
        return _Said("", "call", "")
    if not elements or (len(elements) > 1 and whole in (word.strip() for word in words) and "[" in whole):
        text = _without_marks(whole, content, reply)
    else:
        text = "".join(words)
    if text.strip() and not any(_SHOWN.get(string(part.get("type"))) in ("call", NOTICE) for part in elements):
        return _Said(text.strip(), "", reply_to)
    shown = [kind for part in elements if (kind := _shown(part))]
    shown += [_SHOWN.get(string(part.get("type")), MEDIA) for part in tables(content.get("resources"))]
    shown += ["sticker"] if content.get("emojis") else []
    return _Said("", next(iter(shown), "empty"), reply_to)


def _words(element: Mapping[str, Any]) -> str:
    """Return the words of one element of a message; "" where it is none of words."""
    data = table(element.get("data"))
    match element.get("type"):
        case "text":
            return string(data.get("text"))
        case "at":
            return "@" + string(data.get("name")).removeprefix("@")
        case "face":
            name = string(data.get("name"))
            return name if name[:1] in ("/", "[", "") else f"[{name}]"
        case "markdown":
            return string(data.get("content"))
    return ""


def _shown(element: Mapping[str, Any]) -> str:
    kind = string(element.get("type"))
    return "" if kind in ("text", "at", "face", "reply", "markdown") else _SHOWN.get(kind, MEDIA)


def _without_marks(text: str, content: Mapping[str, Any], reply: Mapping[str, Any]) -> str:
    """Return a text without what stands in it for files, for faces of the shop and for a quoted message."""
    quoted = f"[回复 {string(reply.get('senderName'))}: {string(reply.get('content'))}]"
    text = text.removeprefix(quoted).strip() if reply else text
    found = _WHOLE.fullmatch(text)
    if found and kind_of(found[1]) not in ("", TEXT, QUOTE):
        return ""
    if reply and (found := _REPLY.match(text)):
        text = text[found.end() :]
    for resource in tables(content.get("resources")):
        name = string(resource.get("filename"))
        for word in ("图片", "视频", "语音", "文件") if name else ():
            text = text.replace(f"[{word}:{name}]", "").replace(f"[{word}: {name}]", "")
    return _STANDS_FOR.sub("", text)
