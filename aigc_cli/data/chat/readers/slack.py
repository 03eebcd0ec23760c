"""Read a workspace as Slack exports it, a folder for each channel and a file for each day, or a channel dumped alone.

The lists of people and channels beside the folders give the names; without them, names are what the messages tell.
Slack's marks for people, channels, links and dates are read as Slack shows them. A thread's answers stand in their
channel, and tell what they answer. What joined, left or was renamed is a notice, and is dropped.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from aigc_cli.core.errors import BadData
from aigc_cli.core.words.messages import tr
from aigc_cli.data.chat.exports import Export, Head, Part
from aigc_cli.data.chat.messages import Log, Message
from aigc_cli.data.chat.reader import Reader, ReadOptions
from aigc_cli.data.chat.readers.fields import identifier, medium, seconds, shown_name, string, table, tables

_PEOPLE = ("users.json", "org_users.json")
_CHANNELS = ("channels.json", "groups.json", "dms.json", "mpims.json")
_LISTS = (*_PEOPLE, *_CHANNELS)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}\.json")
_ID = re.compile(r"[CDG][A-Z0-9]{7,}")
_SLACKBOT = "USLACKBOT"
_THREAD = "slackdump_thread_replies"
# What somebody wrote, by subtype; all others but those that cut are notices.
_WRITTEN = frozenset(
    {"", "me_message", "thread_broadcast", "reply_broadcast", "file_share", "file_comment", "bot_message"}
)
_CUTTING = {
    "tombstone": "deleted",
    "message_deleted": "deleted",
    "ekm_access_denied": "encrypted",
    "huddle_thread": "call",
    "sh_room_created": "call",
}
_MARK = re.compile(r"<([@#!]?)([^<>|\n]{1,4000})(?:\|([^<>\n]{0,4000}))?>")
_UPLOADED = re.compile(
    r"<@\w{1,30}(?:\|[^<>\n]*)?> (?:uploaded|shared) a file: <[^<>\n]*>"
    r"(?: (?:and commented|with comment): (?P<words>.*))?",
    re.DOTALL,
)


@dataclass
class _Workspace:
    """The names of people, and the ids and names of channels, by what they are called in an export."""

    people: dict[str, str] = field(default_factory=dict)
    bots: set[str] = field(default_factory=set)
    channel_ids: dict[str, str] = field(default_factory=dict)
    channel_names: dict[str, str] = field(default_factory=dict)


def _looks(head: Head) -> bool:
    value = head.value
    if isinstance(value, dict):  # a channel as slackdump dumps it
        return "channel_id" in value and all(_is_message(item) for item in tables(value.get("messages"))[:1])
    if not isinstance(value, list):
        return False
    if head.name in _LISTS and any(_DAY.fullmatch(PurePosixPath(name).name) for name in head.names):
        return all("id" in table(item) for item in value[:1])
    return bool(value) and _is_message(value[0])


def _is_message(item: Any) -> bool:
    # The time of a message is its number: seconds with six digits behind the point, as a string.
    return table(item).get("type") == "message" and bool(
        re.fullmatch(r"\d{1,12}\.\d{3,9}", string(table(item).get("ts")))
    )


def _gather(paths: Sequence[str]) -> Iterable[Sequence[str]]:
    folders: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        folder, _, name = path.rpartition("/")
        if name.endswith(".json"):
            folders[folder].append(path)
    roots = {folder for folder, inside in folders.items() if any(_name(path) in _LISTS for path in inside)}
    taken: dict[str, list[str]] = defaultdict(list)
    for folder, inside in sorted(folders.items()):
        if folder not in roots and any(_DAY.fullmatch(_name(path)) for path in inside):
            above = folder.rpartition("/")[0]
            taken[above if above in roots else folder] += sorted(inside, key=_name)
    for root, days in taken.items():
        lists = sorted(folders[root], key=_rank) if root in roots else []
        if lists or len(days) > 1:
            yield [*lists, *days]


def _rank(path: str) -> int:
    return _LISTS.index(_name(path)) if _name(path) in _LISTS else len(_LISTS)


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _read(export: Export, log: Log, _: ReadOptions) -> Iterator[Message]:
    workspace = _Workspace()
    log.contacts.add(_SLACKBOT)
    days = [part for part in export.parts if _DAY.fullmatch(_name(part.name))] or list(export.parts[-1:])
    for part in export.parts:
        if _name(part.name) in _LISTS and part not in days:
            _take_list(export, part, workspace)
    for part in days:
        yield from _read_part(export, part, workspace, log)


def _take_list(export: Export, part: Part, workspace: _Workspace) -> None:
    """Take the names from a list of people or channels."""
    stream = export.json(part)
    is_people = _name(part.name) in _PEOPLE
    for _ in stream.items() if stream.kind() == "[" else ():
        item = table(stream.value())
        identity = identifier(item.get("id"))
        if is_people:
            profile = table(item.get("profile"))
            workspace.people[identity] = shown_name(
                profile.get("display_name"), item.get("real_name"), profile.get("real_name"), item.get("name")
            )
            if item.get("is_bot") is True:
                workspace.bots.add(identity)
        else:
            name = shown_name(item.get("name")) or identity
            workspace.channel_ids[name] = workspace.channel_ids[identity] = identity
            workspace.channel_names[identity] = name


def _read_part(export: Export, part: Part, workspace: _Workspace, log: Log) -> Iterator[Message]:
    stream = export.json(part)
    folder = PurePosixPath(part.name).parent.name
    chat = workspace.channel_ids.get(folder, folder)
    place = export.label(part)
    if stream.kind() == "[":
        for number in stream.items():
            yield from _messages(stream.value(), chat, workspace, log, (place, number))
    elif stream.kind() == "{":
        has_messages = False
        for key in stream.members():
            if key == "channel_id":
                chat = identifier(stream.value())
            elif key == "messages" and stream.kind() == "[":
                has_messages = True
                for number in stream.items():
                    yield from _messages(stream.value(), chat, workspace, log, (place, number))
        if not has_messages:
            raise _no_export(place)
    else:
        raise _no_export(place)
    stream.end()


def _no_export(source: str) -> BadData:
    return BadData(tr("{source}: not a Slack export", source=source), tr("export the workspace from Slack again"))


def _messages(item: Any, chat: str, workspace: _Workspace, log: Log, place: tuple[str, int]) -> Iterator[Message]:
    """Yield an item's message, if it is one, and those of the thread that a dump puts into it."""
    if _ID.fullmatch(chat):
        log.keys.setdefault(chat, chat)
    replies = table(item).get(_THREAD)
    for part in (item, *(replies if isinstance(replies, list) else ())):
        message = _message(part, chat, workspace, log, place)
        if message is not None:
            yield message


def _message(item: Any, chat: str, workspace: _Workspace, log: Log, place: tuple[str, int]) -> Message | None:
    item = table(item)
    subtype = string(item.get("subtype"))
    is_changed = subtype == "message_changed" and isinstance(item.get("message"), dict)
    if is_changed:
        item = item["message"]
        subtype = string(item.get("subtype"))
    number = string(item.get("ts"))
    time = seconds(number)
    if time is None or not number or (subtype not in _WRITTEN and subtype not in _CUTTING):
        log.drop(
            "unknown" if time is None else "notice",
            tr("{place}, message {number}", place=place[0], number=place[1] + 1),
            string(item.get("text")),
        )
        return None
    sender = _sender(item, workspace, log)
    text, marked, borrowed = _words(item, subtype, sender, workspace)
    removed = _CUTTING.get(subtype, "") or ("" if text else _why_no_words(item))
    thread = string(item.get("thread_ts"))
    return Message(
        sender=sender,
        text="" if removed else text,
        time=time,
        removed=removed,
        borrowed=borrowed,
        number=number,
        marked=() if removed else marked,
        chat=chat,
        reply_to=thread if thread != number else "",
        edited=is_changed or isinstance(item.get("edited"), dict),
    )


def _sender(item: Mapping[str, Any], workspace: _Workspace, log: Log) -> str:
    comment = table(item.get("comment"))  # on a file: the text says who wrote it, and so does this
    sender = next(
        (
            identifier(found)
            for found in (item.get("user"), comment.get("user"), item.get("bot_id"), item.get("username"))
            if identifier(found)
        ),
        "unknown",
    )
    if sender not in log.names:
        profile, bot = table(item.get("user_profile")), table(item.get("bot_profile"))
        told = (profile.get("display_name"), profile.get("real_name"), item.get("username"), bot.get("name"))
        log.name(sender, shown_name(workspace.people.get(sender), *told) or sender)
    return sender


def _words(
    item: Mapping[str, Any], subtype: str, sender: str, workspace: _Workspace
) -> tuple[str, tuple[tuple[str, str], ...], str]:
    """Return the text as Slack shows it, who is mentioned in it, and how the sender came by it."""
    is_bot = subtype == "bot_message" or bool(item.get("bot_id")) or sender in workspace.bots
    borrowed = "via_bot" if is_bot or sender == _SLACKBOT else ""
    text = string(item.get("text"))
    if subtype == "file_comment":
        text = string(table(item.get("comment")).get("comment"))
    elif (item.get("file") or item.get("upload")) and (uploaded := _UPLOADED.fullmatch(text)):
        text = uploaded["words"] or string(table(table(item.get("file")).get("initial_comment")).get("comment"))
    if not text.strip():
        shared = [found for found in tables(item.get("attachments")) if is_bot or found.get("is_share") is True]
        text = "\n".join(string(found.get("text")) or string(found.get("fallback")) for found in shared).strip()
        borrowed = borrowed or ("forwarded" if text else "")
    marked: set[tuple[str, str]] = set()
    if "<" in text:
        text = _MARK.sub(lambda mark: _shown(mark, workspace, marked), text)
    if "&" in text:
        text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return (text if text.strip() else ""), tuple(sorted(marked)), borrowed


def _shown(mark: re.Match[str], workspace: _Workspace, marked: set[tuple[str, str]]) -> str:
    """Return what Slack shows for a mark, and keep whom it mentions."""
    kind, what, label = mark.groups()
    if kind == "@":
        name = workspace.people.get(what) or (label or "").lstrip("@")
        if name:
            marked.add(("handle", f"@{name}"))
        return f"@{name or 'unknown'}"
    if kind == "#":
        return "#" + (label or workspace.channel_names.get(what) or "channel")
    if kind == "!":
        return label or "@" + what.partition("^")[0]
    return label or what.removeprefix("mailto:").removeprefix("tel:")


def _why_no_words(item: Mapping[str, Any]) -> str:
    if item.get("is_hidden_by_limit"):
        return "deleted"
    files = tables(item.get("files")) or tables([item.get("file")])
    if files:
        if files[0].get("mode") in ("tombstone", "hidden_by_limit"):
            return "deleted"
        return medium(files[0].get("name"), files[0].get("mimetype"))
    return "media" if item.get("attachments") or item.get("blocks") else "empty"


READER = Reader(title="Slack", looks=_looks, read=_read, gather=_gather)
