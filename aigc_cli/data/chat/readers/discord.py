"""Read what DiscordChatExporter writes as JSON or CSV: a channel, thread or direct chat in one file or in parts.

The text may still hold Discord's marks for people, channels and emoji; they are read as the exporter itself would
show them. Notices (joins, pins, names) carry texts that nobody wrote, and are dropped; a call cuts. The data package
that Discord itself sends holds one's own messages alone, without what they answer: it is told by its look, and refused.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from aigc_cli.core.errors import BadData
from aigc_cli.core.words.messages import tr
from aigc_cli.data.chat.exports import Export, Head, Part, head_of
from aigc_cli.data.chat.messages import Log, Message
from aigc_cli.data.chat.reader import Reader, ReadOptions
from aigc_cli.data.chat.readers.discord_table import is_table, read_table
from aigc_cli.data.chat.readers.fields import (
    identifier,
    iso_seconds,
    medium,
    shown_name,
    string,
    table,
    tables,
)

# What somebody wrote; 20 and 23 are answers to commands, which the exporter has no word for.
_WRITTEN = frozenset({"Default", "Reply", "20", "23"})
_DIRECT = "DirectTextChat"
_PART = re.compile(r"(?P<name>.*) \[part (?P<number>\d{1,6})\](?P<ending>\.(?:json|csv))", re.DOTALL | re.IGNORECASE)
_NAMED = re.compile(r".* \[\d{10,20}\](?: \([^()]*\))?\.\w+", re.DOTALL)
_PACKAGE = re.compile(r"(?:.*/)?messages/(?:c?\d+/(?:messages|channel)\.(?:json|csv)|index\.json)", re.IGNORECASE)
_PACKAGE_COLUMNS = ("ID", "Timestamp", "Contents")
_MARK = re.compile(
    r"<(?:@!?(?P<user>\d{1,20})|@&(?P<role>\d{1,20})|\#(?P<channel>\d{1,20})|a?:(?P<emoji>\w{1,64}):\d{1,20}"
    r"|/(?P<command>[^:<>\n]{1,100}):\d{1,20}|t:(?P<time>\d{1,11})(?::[tTdDfFsSR])?)>"
)


def _looks(head: Head) -> bool:
    if _is_package(head) or is_table(head):
        return True
    value = head.value
    return (
        isinstance(value, dict)
        and isinstance(value.get("guild"), dict)
        and "id" in table(value.get("channel"))
        and ("messages" in value or "dateRange" in value)
    )


def _is_package(head: Head) -> bool:
    """Return whether this is a channel of Discord's own data package, as JSON or as the older CSV."""
    if isinstance(head.value, list):
        return bool(head.value) and all(key in table(head.value[0]) for key in _PACKAGE_COLUMNS)
    return tuple(head.lines[0].lstrip("\ufeff").split(",")[:3]) == _PACKAGE_COLUMNS


def _gather(paths: Sequence[str]) -> Iterable[Sequence[str]]:
    """Yield exports in parts and whole ones, which are called after a channel's id or lie beside one in parts."""
    parts: dict[str, dict[int, str]] = defaultdict(dict)
    packages: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        if found := _PART.fullmatch(path):
            parts[found["name"] + found["ending"]][int(found["number"])] = path
        elif _PACKAGE.fullmatch(path):
            packages[path.casefold().rpartition("messages/")[0]].append(path)
    folders = {first.rpartition("/")[0] for first in parts}
    taken = {path for numbered in parts.values() for path in numbered.values()}
    taken |= {path for package in packages.values() for path in package}
    for path in paths:
        is_table = path.casefold().endswith((".json", ".csv"))
        if path in parts:
            parts[path][1] = path
        elif path not in taken and is_table and (path.rpartition("/")[0] in folders or _NAMED.fullmatch(path)):
            yield [path]
    for numbered in parts.values():
        yield [numbered[number] for number in sorted(numbered)]
    for package in packages.values():
        messages = [path for path in package if "messages." in path.casefold()]
        yield messages + [path for path in package if path not in messages]


def _read(export: Export, log: Log, _: ReadOptions) -> Iterator[Message]:
    if _is_package(head_of(export)):
        raise BadData(
            tr("{source}: Discord's data package, which holds your own messages alone", source=export.source),
            tr("export the chats with DiscordChatExporter, as JSON"),
        )
    for part in export.parts:
        is_csv = is_table(head_of(Export(export.source, (part,), export.encoding)))
        yield from read_table(export, part, log) if is_csv else _read_part(export, part, log)


def _read_part(export: Export, part: Part, log: Log) -> Iterator[Message]:
    stream = export.json(part)
    channel: dict[str, Any] = {}
    has_messages = False
    for key in stream.members() if stream.kind() == "{" else ():
        if key == "channel":
            channel = table(stream.value())
            if identifier(channel.get("id")):
                log.keys[identifier(channel["id"])] = identifier(channel["id"])
        elif key == "messages" and stream.kind() == "[":
            has_messages = True
            for number in stream.items():
                place = (export.label(part), number)
                message = _message(stream.value(), channel, place, log)
                if message is not None:
                    yield message
    if not has_messages:
        raise BadData(
            tr("{source}: not an export of DiscordChatExporter", source=export.label(part)),
            tr("export the chat again, as JSON"),
        )
    stream.end()
    others = log.names.keys() - log.contacts
    if log.contacts and len(others) == 1:  # whose chat with them it is
        (log.subject,) = others


def _message(item: Any, channel: Mapping[str, Any], place: tuple[str, int], log: Log) -> Message | None:
    """Return a message; None where the item is a notice or of no known shape, which are dropped."""
    time = iso_seconds(table(item).get("timestamp"))
    if time is None:
        log.drop("unknown", _where(*place))
        return None
    kind = str(item.get("type", "Default"))
    if kind != "Call" and kind not in _WRITTEN:
        log.drop("notice", _where(*place), string(item.get("content")))
        return None
    sender = _sender(table(item.get("author")), channel, log)
    forwarded = table(item.get("forwardedMessage"))
    reference = table(item.get("reference"))
    text, marked = _words(string(item.get("content")) or string(forwarded.get("content")), item, log)
    borrowed = "via_bot" if table(item.get("author")).get("isBot") is True else ""
    if forwarded or reference.get("type") == "Forward":
        borrowed, reference = "forwarded", {}
    removed = "call" if kind == "Call" else "" if text else _why_no_words(item, forwarded)
    return Message(
        sender=sender,
        text="" if removed else text,
        time=time,
        removed=removed,
        borrowed=borrowed,
        number=identifier(item.get("id")),
        marked=() if removed else marked,
        chat=identifier(channel.get("id")),
        reply_to=identifier(reference.get("messageId")),
        edited=item.get("timestampEdited") is not None,
    )


def _where(source: str, number: int) -> str:
    return tr("{place}, message {number}", place=source, number=number + 1)


def _sender(author: Mapping[str, Any], channel: Mapping[str, Any], log: Log) -> str:
    name = author.get("name")
    sender = identifier(author.get("id")) or shown_name(name) or "unknown"
    if sender not in log.names:
        nickname = author.get("nickname")
        log.name(sender, shown_name(nickname, name) or sender)
        # A direct chat is called after whom it is with.
        if channel.get("type") == _DIRECT and string(channel.get("name")) in (nickname, name):
            log.contacts.add(sender)
    return sender


def _words(text: str, item: Mapping[str, Any], log: Log) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Return the text as Discord shows it, and who is mentioned in it."""
    if not text.strip():
        return "", ()
    if "<" not in text and "@" not in text:
        return text, ()
    mentioned = {
        identifier(user.get("id")): shown_name(user.get("nickname"), user.get("name"))
        for user in tables(item.get("mentions"))
    }
    if "<" in text:
        text = _MARK.sub(lambda mark: _shown(mark, mentioned, log), text)
    marked = {("handle", f"@{name}") for name in mentioned.values() if name and f"@{name}" in text}
    return text, tuple(sorted(marked))


def _shown(mark: re.Match[str], mentioned: Mapping[str, str], log: Log) -> str:
    """Return what a mark stands for, as the exporter writes it when it is told to."""
    match mark.lastgroup:
        case "user":
            return "@" + (mentioned.get(mark["user"]) or log.names.get(mark["user"], "unknown"))
        case "role":
            return "@role"
        case "channel":
            return "#channel"
        case "emoji":
            return f":{mark['emoji']}:"
        case "command":
            return f"/{mark['command']}"
    return f"{datetime.fromtimestamp(int(mark['time']), UTC):%Y-%m-%d %H:%M}"


def _why_no_words(item: Mapping[str, Any], forwarded: Mapping[str, Any]) -> str:
    for holder in (item, forwarded):
        if holder.get("stickers"):
            return "sticker"
        attachments = tables(holder.get("attachments"))
        if attachments:
            return medium(attachments[0].get("fileName"))
        if holder.get("embeds"):
            return "media"
    return "empty"


READER = Reader(title="Discord (DiscordChatExporter)", looks=_looks, read=_read, gather=_gather)
