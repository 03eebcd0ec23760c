"""Read ChatLab's exchange format (0.0.1, 0.0.2), as JSON or as JSON lines, into which many tools bring many platforms.

The tools take a message with a face in it for a sticker, and leave words beside what stands for a picture: those words
are kept. Pats, red packets, transfers and notices are no messages; calls and media cut.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from aigc_cli.core.errors import BadData
from aigc_cli.core.words.messages import tr
from aigc_cli.data.chat.exports import Export, Head, Part, parsed_line
from aigc_cli.data.chat.messages import Log, Message
from aigc_cli.data.chat.reader import Reader, ReadOptions
from aigc_cli.data.chat.readers.fields import identifier, milliseconds, shown_name, string, table
from aigc_cli.data.chat.readers.kinds import MEDIA, NOTICE, TEXT, kind_of

_TYPES = {
    0: TEXT,
    1: "photo",
    2: "voice",
    3: "video",
    4: "file",
    5: "sticker",
    7: "link",
    8: "location",
    20: NOTICE,
    21: NOTICE,
    22: NOTICE,
    23: "call",
    24: "link",
    25: TEXT,
    26: "forwarded",
    27: "contact",
    80: NOTICE,
    81: "deleted",
}
_WITH_WORDS = frozenset({"photo", "voice", "video", "sticker"})  # beside which a message may have some
_REPLY = 25
_STANDS_FOR = re.compile(r"\[([^\[\]\n:：]{1,20})(?:[:：][^\[\]\n]{0,300})?\]")
_NO_WORDS = re.compile(r"(?:https?://|data:|file:)\S+|[^\s/\\]{0,200}(?:[/\\][^/\\\n]{1,200}){0,20}\.[A-Za-z0-9]{2,5}")


def _looks(head: Head) -> bool:
    value = head.value if isinstance(head.value, dict) else _first_record(head.lines)
    return isinstance(value, dict) and isinstance(value.get("chatlab"), dict)


def _first_record(lines: Iterable[str]) -> Any:
    """Return the value of the first line that is no comment; None if it is none."""
    line = next((line for line in lines if line.strip() and not line.lstrip().startswith("#")), "")
    try:
        return json.loads(line, strict=False)
    except (ValueError, RecursionError):
        return None


def _read(export: Export, log: Log, _: ReadOptions) -> Iterator[Message]:
    for part in export.parts:
        yield from _read_lines(export, part, log) if _is_lines(export, part) else _read_whole(export, part, log)


def _is_lines(export: Export, part: Part) -> bool:
    """Return whether the first value names its kind, as that of a line does, or a comment comes first."""
    stream = export.json(part)
    if stream.kind() != "{":
        return stream.kind() == "#"
    return next((key == "_type" for key in stream.members() if key in ("_type", "members", "messages")), False)


def _read_whole(export: Export, part: Part, log: Log) -> Iterator[Message]:
    stream = export.json(part)
    is_known = has_messages = False
    meta: dict[str, Any] = {}
    for key in stream.members() if stream.kind() == "{" else ():
        if key == "chatlab":
            is_known = True
        elif key == "meta" and stream.kind() == "{":
            meta = {name: stream.value() for name in stream.members() if name in ("groupId", "ownerId")}
            _take_group(meta, log)
        elif key == "members" and stream.kind() == "[":
            for _ in stream.items():
                _take_member(stream.value(), log)
        elif key == "messages" and stream.kind() == "[":
            has_messages = True
            for place in stream.items():
                yield from _messages(stream.value(), place + 1, log)
    if not (is_known and has_messages):
        raise _unknown(export.label(part))
    stream.end()
    _take_owner(meta, log)


def _read_lines(export: Export, part: Part, log: Log) -> Iterator[Message]:
    is_known = False
    meta: dict[str, Any] = {}
    for number, line in enumerate(export.lines(part), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        item = parsed_line(line, tr("{source}: line {number}", source=export.label(part), number=number))
        kind = table(item).get("_type")
        if kind == "header":
            is_known = True
            meta = table(item.get("meta"))
            _take_group(meta, log)
        elif kind == "member":
            _take_member(item, log)
        elif kind == "message":
            yield from _messages(item, number, log)
        else:
            log.drop("unknown", number)
    if not is_known:
        raise _unknown(export.label(part))
    _take_owner(meta, log)


def _unknown(source: str) -> BadData:
    return BadData(tr("{source}: not ChatLab's format", source=source), tr("export it again"))


def _take_group(meta: Mapping[str, Any], log: Log) -> None:
    if group := identifier(meta.get("groupId")):
        log.keys[""] = group


def _take_owner(meta: Mapping[str, Any], log: Log) -> None:
    """Take whose export it is, if the owner is anybody."""
    owner = identifier(meta.get("ownerId"))
    if owner in log.names:
        log.subject = owner


def _take_member(member: Any, log: Log) -> None:
    member = table(member)
    identity = identifier(member.get("platformId"))
    name = shown_name(member.get("groupNickname"), member.get("accountName"))
    if identity and name:
        log.name(identity, name)


def _messages(item: Any, place: int, log: Log) -> Iterator[Message]:
    """Yield the message that an item is, if it is one."""
    item = table(item)
    time, number = milliseconds(item.get("timestamp")), item.get("type")
    content = string(item.get("content"))
    kind = _TYPES.get(number, MEDIA) if isinstance(number, int) else MEDIA
    if time is None or kind == NOTICE:
        log.drop("unknown" if time is None else "notice", place, content)
        return
    reply_to = identifier(item.get("replyToMessageId"))
    text = content.strip()
    if kind in _WITH_WORDS:
        text = _beside(text)
    elif kind != TEXT:
        text = ""
    elif number == _REPLY and text.endswith("]"):  # WeFlow leaves the quoted words behind the answer
        words, mark, quoted = text[:-1].partition("[引用 ")
        if mark and words.strip():
            text, reply_to = words.strip(), reply_to or quoted.partition("：")[2] or quoted
    sender = identifier(item.get("sender")) or shown_name(item.get("accountName")) or "unknown"
    if sender not in log.names:
        log.name(sender, shown_name(item.get("groupNickname"), item.get("accountName"), sender))
    yield Message(
        sender=sender,
        text=text,
        time=time,
        removed="" if text else "empty" if kind == TEXT else kind,
        number=identifier(item.get("platformMessageId")),
        reply_to=reply_to,
    )


def _beside(content: str) -> str:
    """Return the words of a message with a picture or a face, "" where only something stands for it."""
    text = _STANDS_FOR.sub(lambda mark: "" if kind_of(mark[1]) else mark[0], content).strip()
    bare = _STANDS_FOR.sub("", text).strip()
    return text if bare and not _NO_WORDS.fullmatch(bare) else ""


READER = Reader(title="ChatLab", looks=_looks, read=_read)
