"""Read what signal-export writes of Signal's desktop program: a folder a chat with `chat.md` and `data.json`.

Both say the same; where both are there, the JSON lines are read. In Markdown what was quoted, stickers, attachments and
reactions stand among the words, and are told from them by their marks. `Me` owns the messages. Times are of a clock on
the wall.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice, takewhile
from typing import Any

from aigc_cli.core.errors import BadData
from aigc_cli.core.words.messages import tr
from aigc_cli.data.chat.exports import Export, Head
from aigc_cli.data.chat.messages import Log, Message
from aigc_cli.data.chat.reader import Reader, ReadOptions
from aigc_cli.data.chat.readers.fields import iso_seconds, medium, shown_name, string, table, tables

_ME = "Me"
_HEAD = re.compile(
    r"\[(?P<day>\d{4}-\d\d-\d\d),? (?P<time>\d\d:\d\d(?::\d\d)?)\] (?P<sender>[^:\n]{1,200}): ?(?P<text>.*)", re.DOTALL
)
_END = "  "  # of each message, so that Markdown breaks the line there
_DELETED = "(This message was deleted)"
_REACTIONS = re.compile(r"\n\(- .{1,2000}? -\)")
_STICKER = re.compile(
    r"\n\(\( (?P<label>.{1,100}?) \)\)|\[(?P<linked>[^\[\]\n]{1,100})\]\(\.\./exported_stickers/[^)\n]{1,300}\)"
)
_MISSING = re.compile(r"\((media|attachment) not exported\)")
_LINK, _LONGEST_NAME, _LONGEST_PATH = "](./", 300, 500  # between an attachment's name and its path; characters
_LONGEST = 100_000  # characters of a message, in which Signal allows 64 KiB
_CALL = re.compile(r"(?:Incoming|Outgoing|Missed) (?:voice |video )?call(?: \([^()\n]{1,60}\))?")
_FIELDS = frozenset({"date", "sender", "body"})
_OTHER_FIELDS = frozenset({"quote", "sticker", "reactions", "attachments"})
_MARKDOWN = ("chat.md", "index.md")
_LOOKED_AT = 200  # lines


def looks(head: Head) -> bool:
    """Return whether an export is a chat of signal-export: its JSON lines, or its Markdown."""
    if head.records:
        first = head.records[0]
        return isinstance(first, dict) and first.keys() >= _FIELDS and bool(first.keys() & _OTHER_FIELDS)
    lines = [line for line in islice(head.lines, _LOOKED_AT) if line.strip()]
    begun = [found for line in lines if (found := _HEAD.match(line))]
    if not begun or not lines or not _HEAD.match(lines[0]) or "\u200e" in head.text:  # WhatsApp marks its own words so
        return False
    ended = sum(line.endswith(_END) or line.endswith(_DELETED) for line in lines)
    return 2 * ended >= len(begun) or any(found["sender"] == _ME for found in begun)


def gather(paths: Sequence[str]) -> Iterable[Sequence[str]]:
    """Return each chat's JSON lines with the Markdown beside them, which says the same."""
    every = set(paths)
    folders = [path.removesuffix("data.json") for path in paths if path.rpartition("/")[2] == "data.json"]
    markdown = {folder: [folder + name for name in _MARKDOWN if folder + name in every] for folder in folders}
    return [[folder + "data.json", *files] for folder, files in markdown.items() if files]


def read(export: Export, log: Log, options: ReadOptions) -> Iterator[Message]:
    """Stream the messages of a chat."""
    first = next((line for line in export.lines() if line.strip()), "")
    yield from _of_json(export, log) if first.lstrip().startswith("{") else _of_markdown(export, log)
    if _ME in log.names:
        log.subject = _ME


def _of_json(export: Export, log: Log) -> Iterator[Message]:
    has_messages = False
    for number, record in export.records():
        if not isinstance(record, dict) or not record.keys() >= _FIELDS:
            log.drop("unknown", number, str(record))
            continue
        has_messages = True
        body = string(record["body"])
        time = iso_seconds(record["date"])
        if time is None:
            log.drop("unreadable_time", number, body)
            continue
        sticker = string(table(record.get("sticker")).get("emoji")) if record.get("sticker") else None
        shown = [
            "media" if string(attachment.get("missing_kind")) == "media" else medium(attachment.get("name"))
            for attachment in tables(record.get("attachments"))
        ]
        yield _message(
            log,
            sender=record["sender"],
            time=time,
            text=_DELETED if record.get("deleted") is True else body.strip(),
            quote=string(record.get("quote")),
            sticker=sticker,
            shown=shown,
        )
    if not has_messages:
        raise _no_chat(export)


def _of_markdown(export: Export, log: Log) -> Iterator[Message]:
    sender, time, written, has_messages = "", 0.0, [""], False
    for number, line in enumerate(export.lines(), start=1):
        begun = _HEAD.match(line) if line[:1] == "[" else None
        at = _time(begun) if begun else None
        if begun is None or at is None:
            if has_messages:
                written.append(line)
            elif line.strip():
                log.drop("before_the_first", number, line)
            if begun:
                log.notice("inside_another", number, line)
            continue
        if has_messages:
            yield _written(log, sender, time, written)
        sender, time, written, has_messages = begun["sender"], at, [begun["text"]], True
    if not has_messages:
        raise _no_chat(export)
    yield _written(log, sender, time, written)


def _time(begun: re.Match[str]) -> float | None:
    try:
        return datetime.fromisoformat(f"{begun['day']} {begun['time']}").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def _written(log: Log, sender: str, time: float, written: list[str]) -> Message:
    """Return the message of its lines in Markdown."""
    quote: list[str] = []
    if not written[0].strip() and len(written) > 2 and written[2].startswith(">"):
        quote = list(takewhile(lambda line: line.startswith(">"), written[2:]))
        written = written[2 + len(quote) :]
    text = "\n" + "\n".join(written)
    if len(text) > _LONGEST:
        return _message(log, sender=sender, time=time, text=text.strip(), quote="", sticker=None, shown=[])
    text = _REACTIONS.sub("", text)
    stickers = _STICKER.findall(text)
    text = _STICKER.sub("", text)
    text, names = _without_attachments(text)
    shown = [medium(name) for name in names]
    shown += ["media" if kind == "media" else "file" for kind in _MISSING.findall(text)]
    label = "".join(stickers[0]) if stickers else None
    return _message(
        log,
        sender=sender,
        time=time,
        text=_MISSING.sub("", text).strip(),
        quote="\n".join(quote),
        sticker="" if label == "sticker" else label,
        shown=shown,
    )


def _without_attachments(text: str) -> tuple[str, list[str]]:
    """Return a text without `[name](./path)`, with or without an exclamation mark before it, and the names."""
    kept: list[str] = []
    names: list[str] = []
    at = 0
    while (link := text.find(_LINK, at)) >= 0:
        begin = _opening(text, max(at, link - _LONGEST_NAME), link)
        end = text.find(")", link, link + _LONGEST_PATH)
        if begin < 0 or end < 0:
            kept.append(text[at : link + len(_LINK)])
            at = link + len(_LINK)
            continue
        names.append(text[begin + 1 : link])
        kept.append(text[at:begin].removesuffix("!"))
        at = end + 1
    return "".join([*kept, text[at:]]), names


def _opening(text: str, first: int, last: int) -> int:
    """Return where the bracket opens that closes at `last`, on its line and not before `first`; -1 if none does."""
    depth = 0
    for place in range(last - 1, first - 1, -1):
        if text[place] == "[" and not depth:
            return place
        if text[place] == "\n":
            break
        depth += {"]": 1, "[": -1}.get(text[place], 0)
    return -1


def _message(
    log: Log, *, sender: Any, time: float, text: str, quote: str, sticker: str | None, shown: list[str]
) -> Message:
    """Return a message of its parts; `sticker` is its emoji, "" for none, None where there is no sticker."""
    removed = ""
    if text == _DELETED:
        text, removed = "", "deleted"
    elif _CALL.fullmatch(text):
        text, removed = "", "call"
    elif not text and sticker:
        text = sticker
    elif not text:
        removed = "sticker" if sticker is not None else shown[0] if shown else "empty"
    sender = shown_name(sender) or "No-Sender"
    log.name(sender, sender)
    answered = "\n".join(line.removeprefix(">").strip() for line in quote.split("\n")).strip()
    return Message(sender=sender, text=text, time=time, removed=removed, local=True, reply_to=answered)


def _no_chat(export: Export) -> BadData:
    return BadData(tr("{source}: no chat of signal-export", source=export.source), tr("export it again"))


READER = Reader(title="Signal (signal-export)", looks=looks, read=read, gather=gather)
