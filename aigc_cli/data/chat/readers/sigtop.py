"""Read what sigtop writes of Signal's desktop program: a file a conversation, as text, as short text, or as JSON.

As text a message is fields, then what it quotes behind `>`, then its words; of an edited one the versions stand behind
`|`, the last first. Short text is a line a message, with a clock on the wall. JSON is what the program itself keeps:
nobody has a name there but in the name of the file. `You` owns the messages.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from itertools import islice, takewhile
from pathlib import PurePosixPath
from typing import Any

from aigc_cli.core.errors import BadData
from aigc_cli.core.words.messages import tr
from aigc_cli.data.chat.exports import Export, Head
from aigc_cli.data.chat.messages import Log, Message
from aigc_cli.data.chat.reader import Reader, ReadOptions
from aigc_cli.data.chat.readers.fields import identifier, medium, seconds, shown_name, string, table, tables

_YOU, _NOBODY = "You", "Unknown"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SENT = re.compile(
    r"[A-Z][a-z]{2}, (?P<day>\d{1,2}) (?P<month>[A-Z][a-z]{2}) (?P<year>\d{4}) "
    r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d) (?P<sign>[+-])(?P<ahead>\d{4})"
)
_FIELD = re.compile(r"(?P<key>From|Type|Sent|Received|Attachment|Reaction|Edited): (?P<value>.*)", re.DOTALL)
_WHOM = re.compile(r"(?P<name>.*) \((?P<id>[^()]{1,200})\)", re.DOTALL)
_FILE = re.compile(r"(?P<name>.*) \((?P<type>[^(), ]{0,200})(?:, -?\d{1,20} bytes)?\)", re.DOTALL)
_SHORT = re.compile(
    r"(?:(?P<day>\d{4}-\d\d-\d\d) (?P<time>\d\d:\d\d)|unknown) "
    r"(?P<sender>[^:\n\s–-][^:\n]{0,200}):(?: (?P<text>.*))?",
    re.DOTALL,
)
_DETAIL = r"(?:reply to [^\[\]\n]{1,300} on (?:unknown|\d{4}-\d\d-\d\d \d\d:\d\d)|edited|\d{1,4} attachments?)"
_DETAILS = re.compile(rf"\[{_DETAIL}(?:, {_DETAIL})*\](?: |\Z)")
_OTHER_TYPE = re.compile(r"\[(?P<type>[\w-]{0,40}) message\]")
_SPOKEN = frozenset({"incoming", "outgoing"})
_LOOKED_AT = 200  # lines


def looks(head: Head) -> bool:
    """Return whether an export is a conversation as sigtop writes it, in any of its layouts."""
    if isinstance(head.value, list):
        first = table(head.value[0]) if head.value else {}
        return {"conversationId", "type"} <= first.keys() and bool(first.keys() & {"sent_at", "timestamp"})
    lines = [line for line in islice(head.lines, _LOOKED_AT) if line.strip()]
    if not lines:
        return False
    if lines[0].startswith("Conversation: "):
        return len(lines) > 1 and lines[1].startswith(("From: ", "Type: "))
    begun = [found for line in lines if (found := _SHORT.fullmatch(line))]
    return bool(begun) and _SHORT.fullmatch(lines[0]) is not None and any(found["sender"] == _YOU for found in begun)


def read(export: Export, log: Log, options: ReadOptions) -> Iterator[Message]:
    """Stream the messages of a conversation."""
    first = next((line for line in export.lines() if line.strip()), "")
    if first.lstrip().startswith("["):
        yield from _of_json(export, log)
    elif first.startswith("Conversation: "):
        yield from _of_text(export, log)
    else:
        yield from _of_short_text(export, log)
    if _YOU in log.names:
        log.subject = _YOU


def _message(log: Log, sender: str, name: str, *, text: str, removed: str, **more: Any) -> Message:
    log.name(sender, name or sender)
    if sender != _YOU:
        log.contacts.add(sender)
    return Message(sender=sender, text="" if removed else text, removed=removed, **more)


# ---- text


def _of_text(export: Export, log: Log) -> Iterator[Message]:
    lines = export.lines()
    line, following, number, was_blank = next(lines), next(lines, None), 1, True
    block: list[str] | None = None
    begun = 0
    while True:
        if block is None and line.startswith("Conversation: "):
            whom = _WHOM.fullmatch(line.removeprefix("Conversation: "))
            if whom:
                log.keys[""] = whom["id"]
        elif was_blank and _begins(line, following):
            if block is not None:
                yield from _block(block, begun, log)
            block, begun = [line], number
        elif block is not None:
            block.append(line)
        elif line.strip():
            log.drop("before_the_first", number, line)
        if following is None:
            break
        was_blank, line, following, number = not line.strip(), following, next(lines, None), number + 1
    if block is None:
        raise _no_conversation(export)
    yield from _block(block, begun, log)


def _begins(line: str, following: str | None) -> bool:
    if line.startswith("From: "):
        return bool(following and following.startswith("Type: "))
    return line.startswith("Type: ") and bool(following and following.startswith(("Sent: ", "Received: ")))


def _block(lines: list[str], number: int, log: Log) -> Iterator[Message]:
    """Yield the message of a block of lines, if it is one."""
    known: dict[str, str] = {}
    files: list[str] = []
    count = 0
    for field in takewhile(bool, map(_FIELD.fullmatch, lines)):
        assert field is not None
        count += 1
        known.setdefault(field["key"], field["value"])
        if field["key"] == "Attachment":
            files.append(field["value"])
    rest = lines[count:]
    if "Edited" in known:
        rest = _last_version(rest[1:])
    quoted, words = _quoted(rest)
    kind, text = known.get("Type", ""), "\n".join(words).strip("\n")
    time = _instant(known.get("Sent", "")) or _instant(known.get("Received", ""))
    if kind not in _SPOKEN and kind != "call-history":
        log.drop("notice", number, kind)
    elif time is None:
        log.drop("unreadable_time", number, text)
    else:
        sender, name = _whom(known.get("From", _NOBODY))
        shown = _FILE.fullmatch(files[0]) if files else None
        removed = "" if text.strip() else medium(shown["name"], shown["type"]) if shown else "empty"
        yield _message(
            log,
            sender,
            name,
            text=text,
            removed="call" if kind == "call-history" else removed,
            time=time,
            reply_to=quoted,
            edited="Edited" in known,
        )


def _last_version(lines: list[str]) -> list[str]:
    """Return what stands behind `|` of the first version that is listed, without its fields."""
    version: list[str] = []
    for line in lines:
        if not line.startswith("|"):
            break
        if line.startswith("| Version: ") and version:
            version.pop()  # the empty line between two versions
            break
        version.append(line[2:])
    fields = next((place for place, line in enumerate(version) if not line), len(version))
    return version[fields:]


def _quoted(lines: list[str]) -> tuple[str, list[str]]:
    """Return the words that are quoted, and the lines that follow, which are the sender's."""
    if len(lines) < 2 or lines[0].strip() or not lines[1].startswith("> From: "):
        return "", lines
    end = next((place for place in range(1, len(lines)) if not lines[place].startswith(">")), len(lines))
    quote = lines[1:end]
    blank = next((place for place, line in enumerate(quote) if line == ">"), len(quote))
    return "\n".join(line[2:] for line in quote[blank + 1 :]), lines[end:]


def _whom(value: str) -> tuple[str, str]:
    """Return the id and the name of somebody."""
    whom = _WHOM.fullmatch(value)
    if value == _YOU or whom is None:
        sender = shown_name(value) or _NOBODY
        return sender, sender
    return shown_name(whom["id"]) or _NOBODY, shown_name(whom["name"], whom["id"])


def _instant(value: str) -> float | None:
    sent = _SENT.fullmatch(value)
    if sent is None or sent["month"] not in _MONTHS:
        return None
    ahead = timedelta(hours=int(sent["ahead"][:2]), minutes=int(sent["ahead"][2:]))
    numbers = (int(sent[part]) for part in ("day", "hour", "minute", "second"))
    day, hour, minute, second = numbers
    try:
        zone = timezone(ahead if sent["sign"] == "+" else -ahead)
        month = _MONTHS.index(sent["month"]) + 1
        return seconds(datetime(int(sent["year"]), month, day, hour, minute, second, tzinfo=zone).timestamp())
    except (ValueError, OverflowError):
        return None


# ---- short text


def _of_short_text(export: Export, log: Log) -> Iterator[Message]:
    begun: re.Match[str] | None = None
    written: list[str] = []
    first = 0
    for number, line in enumerate(export.lines(), start=1):
        found = _SHORT.fullmatch(line)
        if found is None:
            if begun is not None:
                written.append(line)
            elif line.strip():
                log.drop("before_the_first", number, line)
            continue
        if begun is not None:
            yield from _short(begun, written, first, log)
        begun, written, first = found, [found["text"] or ""], number
    if begun is None:
        raise _no_conversation(export)
    yield from _short(begun, written, first, log)


def _short(begun: re.Match[str], written: list[str], number: int, log: Log) -> Iterator[Message]:
    text = "\n".join(written)
    other = _OTHER_TYPE.fullmatch(text.rstrip("\n"))
    if other and other["type"] != "call-history":
        log.drop("notice", number, text)
        return
    try:
        at = datetime.fromisoformat(f"{begun['day']} {begun['time']}").replace(tzinfo=UTC).timestamp()
    except ValueError:
        log.drop("unreadable_time", number, text)
        return
    details = _DETAILS.match(text)
    said = text[details.end() :] if details else text
    has_files = details is not None and "attachment" in details[0]
    removed = "" if said.strip() else "media" if has_files else "empty"
    sender, name = _whom(begun["sender"])
    yield _message(
        log,
        sender,
        name,
        text=said.strip("\n"),
        removed="call" if other else removed,
        time=at,
        local=True,
        edited=details is not None and bool(re.search(r"[\[ ]edited[,\]]", details[0])),
    )


# ---- JSON


def _of_json(export: Export, log: Log) -> Iterator[Message]:
    stream, has_messages = export.json(), False
    for place in stream.items():
        item = stream.value()
        kind = string(item.get("type")) if isinstance(item, dict) else ""
        if not kind or "conversationId" not in item:
            log.drop("unknown", place + 1, str(item))
            continue
        has_messages = True
        message = _item(item, kind, place + 1, log)
        if message is not None:
            yield message
    stream.end()
    if not has_messages:
        raise _no_conversation(export)
    named = _WHOM.fullmatch(PurePosixPath(export.parts[0].name).stem)
    if named and len(log.contacts) == 1:
        (contact,) = log.contacts
        log.names[contact] = shown_name(named["name"]) or contact


def _item(item: dict[str, Any], kind: str, number: int, log: Log) -> Message | None:
    text = string(item.get("body"))
    if kind not in _SPOKEN and kind != "call-history":
        log.drop("notice", number, kind)
        return None
    sent = next(
        (at for key in ("sent_at", "timestamp") if (at := item.get(key)) and _milliseconds(at) is not None), None
    )
    if sent is None:
        log.drop("unreadable_time", number, text)
        return None
    sources = (item.get(key) for key in ("sourceServiceId", "sourceUuid", "source", "conversationId"))
    sender = _YOU if kind == "outgoing" else next(filter(None, map(identifier, sources)), _NOBODY)
    sender = shown_name(sender) or _NOBODY
    emoji = string(table(item.get("sticker")).get("emoji"))
    return _message(
        log,
        sender,
        sender,
        text=text if text.strip() else emoji,
        removed=_why_no_words(item, kind, text, emoji),
        time=_milliseconds(sent),
        number=identifier(sent),
        reply_to=identifier(table(item.get("quote")).get("id")),
        edited=bool(item.get("editHistory")),
    )


def _milliseconds(value: Any) -> float | None:
    return seconds(value / 1000) if isinstance(value, int) and not isinstance(value, bool) and value < 1 << 60 else None


def _why_no_words(item: dict[str, Any], kind: str, text: str, emoji: str) -> str:
    if item.get("deletedForEveryone"):
        return "deleted"
    if kind == "call-history":
        return "call"
    if item.get("isViewOnce"):
        return "view_once"
    if text.strip() or emoji.strip():
        return ""
    if item.get("sticker"):
        return "sticker"
    for attachment in tables(item.get("attachments")):
        return medium(attachment.get("fileName"), attachment.get("contentType"))
    return "media" if item.get("hasAttachments") else "empty"


def _no_conversation(export: Export) -> BadData:
    return BadData(tr("{source}: no conversation of sigtop", source=export.source), tr("export it again"))


READER = Reader(title="Signal (sigtop)", looks=looks, read=read)
