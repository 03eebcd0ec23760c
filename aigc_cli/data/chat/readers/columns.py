"""Read any table of messages whose columns the user names: CSV, TSV, JSON lines, or a JSON array of objects.

`--columns time=Date,sender=Author,text=Content`: a column by its name or by its number from 1, in JSON by its key or
the keys on the way to it (`author.name`); several joined by + (`time=Date+Time`). Never recognised by looking.
"""

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aigc_cli.core.errors import BadData, UsageProblem
from aigc_cli.core.words.messages import tr
from aigc_cli.core.words.plain import well_formed
from aigc_cli.data.chat.exports import Export, Part, head_of
from aigc_cli.data.chat.messages import Log, Message, without_controls
from aigc_cli.data.chat.names import seen
from aigc_cli.data.chat.reader import Reader, ReadOptions
from aigc_cli.data.chat.readers.column_times import Times

ROLES = ("time", "sender", "text", "chat", "id", "reply_to", "kind")
EXAMPLE = "--columns time=Date,sender=Author,text=Content"
_ROLE = re.compile(rf"(?:^|,)\s*({'|'.join(ROLES)})\s*=")
_DELIMITERS = ",\t;|"
_TOLD_DELIMITER = re.compile(r"sep=([,;:|\t ])\s*", re.IGNORECASE)
_LOOKED_AT = 200  # rows, for whether the order of their dates must be found
_TEXTS = frozenset(
    {"", "0", "1", "text", "txt", "plain", "message", "msg", "chat", "normal", "default", "文本", "文字"}
)
_NOTICES = frozenset({"system", "notice", "event", "service", "notification", "join", "leave", "系统", "系統"})
_KINDS = {
    **dict.fromkeys(("photo", "image", "picture", "img", "图片", "照片"), "photo"),
    **dict.fromkeys(("video", "视频"), "video"),
    **dict.fromkeys(("voice", "audio", "ptt", "语音"), "voice"),
    **dict.fromkeys(("sticker", "emoji", "gif", "表情"), "sticker"),
    **dict.fromkeys(("file", "document", "attachment", "文件"), "file"),
    **dict.fromkeys(("call", "voip", "通话"), "call"),
    **dict.fromkeys(("location", "位置"), "location"),
    **dict.fromkeys(("contact", "card", "名片"), "contact"),
    **dict.fromkeys(("deleted", "revoked", "recalled", "撤回"), "deleted"),
}


@dataclass(frozen=True, slots=True)
class _Row:
    """One row: where it stands, and the values that are wanted of it, by role; None where the row is too short."""

    number: int
    values: Mapping[str, str] | None


def read_columns(told: str) -> dict[str, str]:
    """Return by role the columns of `time=Date,sender=Author,…`. UsageProblem where it is no such list."""
    pieces = _ROLE.split(told)
    columns = {role: column.strip() for role, column in zip(pieces[1::2], pieces[2::2], strict=True)}
    is_whole = not pieces[0].strip() and all(columns.values()) and 2 * len(columns) == len(pieces) - 1
    if not is_whole or not {"sender", "text"} <= columns.keys():
        problem = tr("--columns {told!r} does not name a column each for sender and text", told=told)
        raise UsageProblem(problem, tr("for example {what}", what=EXAMPLE))
    return columns


def _read(export: Export, log: Log, options: ReadOptions) -> Iterator[Message]:
    if not options.columns:
        raise UsageProblem(
            tr("{source}: which of its columns holds what?", source=export.source),
            tr("for example {what}", what=EXAMPLE),
        )
    times = Times()
    if "time" in options.columns:
        for place, row in enumerate(_rows(export, options.columns)):
            if place >= _LOOKED_AT and not times.has_open:
                break
            times.learn(row.values["time"] if row.values else "")
    times.settle(export.source, options.dates)
    count, unread = 0, 0
    for row in _rows(export, options.columns):
        message = _message(row, times, log)
        unread += message is None
        if message is not None:
            count += 1
            yield message
    if unread and not count:
        raise BadData(
            tr("{source}: none of its {count} rows is a message", source=export.source, count=unread),
            tr("are these the columns? for example {what}", what=EXAMPLE),
        )


def _message(row: _Row, times: Times, log: Log) -> Message | None:
    """Return the message of a row; None, and why, to the log, where there is none."""
    values = row.values
    if values is None:
        log.drop("unknown", row.number)
        return None
    sender, text = seen(without_controls(values["sender"])), without_controls(values["text"]).strip()
    kind = values.get("kind", "").casefold()
    at = times.read(values["time"]) if "time" in values else None
    reason = ""
    if kind in _NOTICES:
        reason = "notice"
    elif "time" in values and at is None:
        reason = "unreadable_time"
    elif not sender:
        reason = "no_sender"
    removed = "" if kind in _TEXTS else _KINDS.get(kind, "media")
    if reason or not (text or removed):
        log.drop(reason or "empty", row.number, text)
        return None
    _notice_rows_within(text, row.number, times, log)
    log.name(sender, sender)
    chat = values.get("chat", "")
    if chat:
        log.keys[chat] = chat
    return Message(
        sender=sender,
        text="" if removed else text,
        time=at[0] if at else None,
        local=bool(at and at[1]),
        removed=removed,
        chat=chat,
        number=values.get("id", ""),
        reply_to=values.get("reply_to", ""),
    )


def _notice_rows_within(text: str, number: int, times: Times, log: Log) -> None:
    """Tell the log of lines in a text that begin as rows may: a quotation mark was not closed."""
    for line in text.split("\n")[1:]:
        first = re.split(r'[,;\t|]"?', line.lstrip('"'), maxsplit=1)
        if len(first) > 1 and times.read(first[0].strip(' "')):
            log.notice("inside_another", number, line)


def _rows(export: Export, columns: Mapping[str, str]) -> Iterator[_Row]:
    head = head_of(export)
    first = head.text.lstrip()[:1]
    for part in export.parts:
        if first == "{" and head.records:
            yield from (_object(export, number, value, columns) for number, value in export.records(part))
        elif first == "[" and isinstance(head.value, list):
            stream = export.json(part)
            yield from (_object(export, place + 1, stream.value(), columns) for place in stream.items())
            stream.end()
        elif first == "{":
            raise BadData(
                tr("{source}: JSON, but no lines of objects and no array of them", source=export.label(part)),
                tr("is this the right file?"),
            )
        else:
            yield from _table(export, part, head.lines, columns)


def _object(export: Export, number: int, value: Any, columns: Mapping[str, str]) -> _Row:
    if not isinstance(value, dict):
        return _Row(number, None)
    values = {role: " ".join(_under(value, path) for path in column.split("+")) for role, column in columns.items()}
    if number == 1:
        missing = [column for role, column in columns.items() if role in ("sender", "text") and not _has(value, column)]
        if missing:
            raise _no_column(export, missing[0], list(value))
    return _Row(number, values)


def _has(value: dict[str, Any], column: str) -> bool:
    return all(path in value or path.partition(".")[0] in value for path in column.split("+"))


def _under(value: Any, path: str) -> str:
    """Return what stands in an object under a key, or under the keys of a path, as text; "" if nothing does."""
    found = value.get(path)
    if found is None:
        found = value
        for key in path.split("."):
            found = found.get(key) if isinstance(found, dict) else None
    if isinstance(found, str):
        return well_formed(found)
    return repr(found) if isinstance(found, int | float) and not isinstance(found, bool) else ""


def _table(export: Export, part: Part, beginning: Sequence[str], columns: Mapping[str, str]) -> Iterator[_Row]:
    lines = export.lines(part)
    told = _TOLD_DELIMITER.fullmatch(beginning[0]) if beginning else None
    if told:
        next(lines)
    delimiter = told[1] if told else _delimiter(beginning, columns)
    reader = csv.reader((f"{line}\n" for line in lines), delimiter=delimiter)
    places: dict[str, list[int]] = {}
    width = 0
    try:
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            if not places:
                width = len(row)
                places = {role: _places(export, column, row) for role, column in columns.items()}
                if _is_heading(row, columns, places):
                    continue
            yield _Row(reader.line_num + bool(told), _values(row, places, width, delimiter))
    except csv.Error as error:
        place = tr("{source}: line {number}", source=export.label(part), number=reader.line_num)
        raise BadData(
            tr("{place}: not a row of a table", place=place), tr("is a quotation mark missing before it?")
        ) from error


def _delimiter(beginning: Sequence[str], columns: Mapping[str, str]) -> str:
    """Return what divides the first row: that by which it has the columns, and the most of them."""

    def fit(delimiter: str) -> tuple[bool, int]:
        row = next(csv.reader(beginning[:50], delimiter=delimiter), [])
        names = {cell.strip().casefold() for cell in row}
        return all(name.strip().casefold() in names for name in columns.values()), len(row)

    try:
        return max(_DELIMITERS, key=fit)
    except csv.Error:
        return _DELIMITERS[0]


def _places(export: Export, column: str, heading: Sequence[str]) -> list[int]:
    """Return the places of a column in a row, or of several joined by +. UsageProblem where there is none."""
    names = [cell.strip() for cell in heading]
    folded = [name.casefold() for name in names]
    found: Callable[[str], int] = lambda name: (  # noqa: E731
        names.index(name) if name in names else folded.index(name.casefold())
    )
    places = []
    for name in [column] if column in names else [piece.strip() for piece in column.split("+")]:
        if name.casefold() in folded:
            places.append(found(name))
        elif name.isascii() and name.isdigit() and 0 < int(name) <= len(names):
            places.append(int(name) - 1)
        else:
            raise _no_column(export, name, names)
    return places


def _no_column(export: Export, name: str, names: Sequence[str]) -> UsageProblem:
    shown = ", ".join(seen(name)[:40] for name in names[:20])
    return UsageProblem(
        tr("{source}: no column {name!r}", source=export.source, name=name), tr("it has {names}", names=shown)
    )


def _is_heading(row: Sequence[str], columns: Mapping[str, str], places: Mapping[str, list[int]]) -> bool:
    """Return whether the first row names the columns: some are told by name, or its time is none."""
    names = {cell.strip().casefold() for cell in row}
    if any(name.strip().casefold() in names for column in columns.values() for name in [column, *column.split("+")]):
        return True
    if "time" not in places:
        return False
    times, time = Times(), " ".join(row[place] for place in places["time"]).strip()
    times.learn(time)
    return not times.has_open and times.read(time) is None


def _values(row: Sequence[str], places: Mapping[str, list[int]], width: int, delimiter: str) -> dict[str, str] | None:
    """Return a row's values by role; None where it has fewer cells than it needs, or more and it is not clear why."""
    extra = row[width:]
    if len(row) <= max(max(of_role) for of_role in places.values()):
        return None
    if any(cell.strip() for cell in extra):
        if places["text"] != [width - 1]:
            return None
        row = [*row[: width - 1], delimiter.join(row[width - 1 :])]  # the text is last, and was not quoted
    return {role: " ".join(row[place].strip() for place in of_role) for role, of_role in places.items()}


READER = Reader(title="CSV, TSV, JSONL with --columns", looks=lambda _: False, read=_read)
