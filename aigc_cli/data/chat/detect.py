"""Tell by looking what kind of chat log an export is, and stream its messages."""

import re
from collections.abc import Callable, Iterator
from datetime import tzinfo

from aigc_cli.core.errors import BadData
from aigc_cli.core.words.messages import later, tr
from aigc_cli.core.words.plain import well_formed
from aigc_cli.data.chat.dates import in_zone
from aigc_cli.data.chat.exports import Export, Head, head_of
from aigc_cli.data.chat.messages import Log, Message
from aigc_cli.data.chat.reader import Reader, ReadOptions
from aigc_cli.data.chat.readers import reader_of, readers
from aigc_cli.data.encoding import not_in_encoding, proposed_encoding

_KNOWN = later("known: {titles}")
_FIRST_SECOND, _LAST_SECOND = -6e10, 2.5e11  # of the years of calendars; what is told beyond is no time
_BAD_BYTE = re.compile("[\udc80-\udcff]")


class NotALog(BadData):
    """A file that holds no chat log, such as a note or a list beside some."""


class EmptyLog(BadData):
    """A file that holds nothing."""


def open_log(
    export: Export,
    format_name: str,
    options: ReadOptions,
    *,
    zone: tzinfo | None = None,
    watch: Callable[[str, object, str], None] | None = None,
) -> tuple[Log, Iterator[Message]]:
    """Return an export's log, which fills while the messages are drawn, in the format named or that it looks like.

    `zone` is that of local times; `watch` is told of what gives no message. Raises BadData, at once or while messages
    are drawn, where it is empty, damaged or of another kind, UsageProblem where the order of its dates is open.
    """
    head = head_of(export)
    if "\x00" in head.text:
        _require_text(export)
        remedy = proposed_encoding(head.text.encode("utf-8", "replace"), export.encoding) or _known()
        raise NotALog(tr("{source}: not a text file", source=export.source), remedy)
    if head.is_whole and not head.text.strip():
        raise EmptyLog(tr("{source}: empty", source=export.source), tr("export the chat again"))
    name, reader = _recognised(export, head) if format_name == "auto" else (format_name, reader_of(format_name))
    log = Log(format=name, watch=watch)
    return log, _drawn(export, reader.read(export, log, options), log, zone)


def _recognised(export: Export, head: Head) -> tuple[str, Reader]:
    """Return the format and the reader of an export. NotALog where none knows it; what else is wrong with it first."""
    for name, reader in readers():
        if reader.looks(head):
            return name, reader
    if head.is_json:
        _require_json(export, head)
        raise NotALog(tr("{source}: JSON, but not a chat log that is known", source=export.source), _known())
    _require_text(export)
    raise NotALog(tr("{source}: not a chat log", source=export.source), _known())


def _require_text(export: Export) -> None:
    """Raise NotALog where a text is in another encoding, with the byte."""
    try:
        for _ in export.lines():
            pass
    except BadData as error:
        raise NotALog(error.message, error.remedy) from error


def _require_json(export: Export, head: Head) -> None:
    """Raise BadData where a JSON value, or a line of JSON lines, is broken."""
    if len(head.records) > 1:
        for _ in export.records():
            pass
        return
    stream = export.json()
    stream.skip()
    stream.end()


def _known() -> str:
    return tr(_KNOWN, titles=", ".join(reader.title for _, reader in readers()))


def _drawn(export: Export, messages: Iterator[Message], log: Log, zone: tzinfo | None) -> Iterator[Message]:
    """Yield the messages, at their times, and take note of who wrote where."""
    for message in messages:
        if export.bad_byte is not None and _BAD_BYTE.search(message.text):
            raise not_in_encoding(export.source, export.encoding, export.bad_byte)
        message.removed = well_formed(message.removed)  # may be what the export calls a kind of media
        log.heard(message)
        if message.time is not None and not _FIRST_SECOND < message.time < _LAST_SECOND:
            message.time = None
        if zone is not None and message.local and message.time is not None:
            message.time, message.local = in_zone(message.time, zone), False
        yield message
