"""Tell by looking what kind of chat log a file is, and read it."""

import json
import re
from dataclasses import replace
from datetime import tzinfo
from typing import Any

from aigc_cli.core.errors import BadData
from aigc_cli.core.words.messages import later, tr
from aigc_cli.data.chat.dates import in_zone, read_zone
from aigc_cli.data.chat.messages import ChatLog, Message
from aigc_cli.data.chat.readers.roles import is_turn, read_roles, role_format
from aigc_cli.data.chat.readers.script import is_script, read_script
from aigc_cli.data.chat.readers.telegram import is_telegram, read_telegram
from aigc_cli.data.chat.readers.whatsapp import is_whatsapp, read_whatsapp
from aigc_cli.data.encoding import decode

_KNOWN = later(
    "known: WhatsApp text, Telegram Desktop result.json, OpenAI messages or ShareGPT JSON and JSONL, NAME: line text"
)
_JSON_BEGINS = re.compile(r"\s*(?:\{\s*(?:[\"}]|$)|\[\s*(?:[\[{\]]|$))")  # and not [Ann]: or {Ann}: in a script
_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|.)", re.DOTALL)  # one escape, whichever: \\x is a backslash and an x
_BAD_BYTE = re.compile("[\udc80-\udcff]")


class NotALog(BadData):
    """A file that holds no chat log, such as a note or a list beside some."""


class EmptyLog(BadData):
    """A file that holds nothing."""


def read_log(
    data: bytes, source: str, format_name: str, encoding: str, *, dates: str = "auto", zone: str | None = None
) -> ChatLog:
    """Return the chat log in `data`, in the format named or, for "auto", the one it looks like.

    `source` names the file in errors; `dates` is the order of days, months and years, `zone` that of local times.
    Raises BadData where it is empty, damaged or of another kind, UsageProblem where the order of its dates is open.
    """
    log = _read(data, source, format_name, encoding, None if dates == "auto" else dates)
    if zone is not None:
        where = read_zone(zone)
        for chat in log.chats:
            chat.messages = [_placed(message, where) for message in chat.messages]
    return log


def _placed(message: Message, zone: tzinfo) -> Message:
    """Return a message at its time; one that tells a local time told that of the zone."""
    if not message.local or message.time is None:
        return message
    return replace(message, time=in_zone(message.time, zone), local=False)


def _read(data: bytes, source: str, format_name: str, encoding: str, dates: str | None) -> ChatLog:
    try:
        text = decode(data, source, encoding)
    except BadData:
        log = _around_bad_bytes(data, source) if format_name in ("auto", "telegram") else None
        if log is None:
            raise
        return log
    if "\x00" in text:
        raise NotALog(tr("{source}: not a text file", source=source), tr(_KNOWN))
    if not text.strip():
        raise EmptyLog(tr("{source}: empty", source=source), tr("export the chat again"))
    if format_name == "auto" and not _JSON_BEGINS.match(text):
        format_name = _text_format(text, source)
    if format_name == "whatsapp":
        return read_whatsapp(lambda: text.split("\n"), source, dates)
    if format_name == "script":
        return read_script(text, source)
    records = _json_records(text, source)
    if format_name in ("auto", "telegram") and len(records) == 1 and is_telegram(records[0][1]):
        return read_telegram(records[0][1], source)
    if format_name == "telegram":
        raise BadData(
            tr("{source}: not a Telegram Desktop export", source=source), tr("export as machine-readable JSON")
        )
    if format_name == "auto" and not (records and role_format(records[0][1])):
        raise NotALog(tr("{source}: JSON, but not a chat log that is known", source=source), tr(_KNOWN))
    return read_roles(records, format_name)


def _text_format(text: str, source: str) -> str:
    """Return which format a text that is no JSON looks like."""
    if is_whatsapp(text):
        return "whatsapp"
    if is_script(text):
        return "script"
    raise NotALog(tr("{source}: not a chat log", source=source), tr(_KNOWN))


def _around_bad_bytes(data: bytes, source: str) -> ChatLog | None:
    """Return the log of a Telegram export that is not UTF-8 where nobody reads it: the data of a bot's buttons.

    None where it is no such export, or one of the bytes stands in what somebody said.
    """
    try:
        value = _parsed(data.decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError):
        return None
    if not is_telegram(value):
        return None
    log = read_telegram(value, source)
    said = (message.text for chat in log.chats for message in chat.messages)
    return None if any(_BAD_BYTE.search(text) for text in said) else log


def _json_records(text: str, source: str) -> list[tuple[str, Any]]:
    """Return the records of a JSON value, array or JSONL file, each with its place for errors."""
    try:
        value = _parsed(text)
    except RecursionError as error:
        raise BadData(tr("{source}: JSON nested too deeply", source=source), tr(_KNOWN)) from error
    except json.JSONDecodeError as error:
        if _is_record(text.lstrip().split("\n", 1)[0]):
            return _lines(text, source)
        raise BadData(
            tr(
                "{source}: not valid JSON at line {line}, column {column}: {reason}",
                source=source,
                line=error.lineno,
                column=error.colno,
                reason=error.msg,
            ),
            tr("truncated? export it again"),
        ) from error
    except ValueError as error:  # integers of thousands of digits
        raise BadData(tr("{path}: not valid JSON: {error}", path=source, error=error), tr(_KNOWN)) from error
    if isinstance(value, list) and not (value and all(is_turn(turn) for turn in value)):
        return [
            (tr("{source}: record {number}", source=source, number=number), record)
            for number, record in enumerate(value, start=1)
        ]
    return [(source, value)]


def _parsed(text: str) -> Any:
    r"""Return the value of a JSON text, control characters in its strings allowed, as they are or as \x0B.

    So Telegram Desktop escapes them, and JSON knows no such escape: one message would make a whole account unreadable.
    """
    try:
        return json.loads(text, strict=False)
    except json.JSONDecodeError as error:
        if not error.msg.startswith("Invalid \\escape"):
            raise
    return json.loads(_ESCAPE.sub(lambda found: f"\\u00{found[1]}" if found[1] else found[0], text), strict=False)


def _is_record(line: str) -> bool:
    try:
        return isinstance(_parsed(line), dict | list)
    except (ValueError, RecursionError):
        return False


def _lines(text: str, source: str) -> list[tuple[str, Any]]:
    records = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        place = tr("{source}: line {number}", source=source, number=number)
        try:
            records.append((place, _parsed(line)))
        except (ValueError, RecursionError) as error:
            column = getattr(error, "colno", 1)
            raise BadData(
                tr("{place}, column {column}: not valid JSON", place=place, column=column),
                tr("truncated? make the file again"),
            ) from error
    return records
