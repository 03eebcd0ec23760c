"""Read what DiscordChatExporter writes as CSV: who, when, what, and the addresses of what was attached.

It does not tell notices from messages, but by the words that it has for them; replies, bots and stickers not at all.
"""

import csv
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from aigc_cli.core.errors import BadData
from aigc_cli.core.words.messages import tr
from aigc_cli.data.chat.dates import of_24, read_date, wall_clock
from aigc_cli.data.chat.exports import LONGEST_LINE, Export, Head, Part
from aigc_cli.data.chat.messages import Log, Message
from aigc_cli.data.chat.readers.fields import iso_seconds, medium, shown_name

_COLUMNS = ["AuthorID", "Author", "Date", "Content", "Attachments", "Reactions"]
_CHANNEL = re.compile(r".*\[(\d{10,20})\]")  # in a file's name, if nobody renamed it
_NOTICE = re.compile(
    r"Added .{1,100} to the group\.|Added a recipient\.|Removed .{1,100} from the group\.|Removed a recipient\."
    r"|Left the group\.|Changed the channel (?:icon|name)\.|Changed the channel name: .{1,100}"
    r"|Pinned a message\.|Started a thread\.|Joined the server\."
)
_CALL = re.compile(r"Started a call that lasted [\d,]{1,9} minutes\.")
_LIKE_A_ROW = re.compile(r'\n"?\d{15,20}"?(?:,|$)')  # within a message whose quotes somebody damaged
_OLD_DATE = re.compile(r"(\d{2})-([A-Z][a-z]{2})-(\d{2}) (\d{1,2}):(\d{2}) ([AP])M")  # of a clock somewhere
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def is_table(head: Head) -> bool:
    """Return whether an export is such a table; older ones have four columns."""
    names = head.lines[0].lstrip("\ufeff").strip().split(",")
    return len(names) >= 4 and names == _COLUMNS[: len(names)]


def read_table(export: Export, part: Part, log: Log) -> Iterator[Message]:
    """Yield the messages of a table. BadData, naming the line, where it is none."""
    csv.field_size_limit(max(csv.field_size_limit(), LONGEST_LINE))
    reader = csv.reader(line + "\n" for line in export.lines(part))
    named = _CHANNEL.match(part.name)
    chat = named[1] if named else ""
    if chat:
        log.keys[chat] = chat
    place = export.label(part)
    try:
        next(reader)
        for values in reader:
            message = _message(values, chat, log) if values else None
            if message is not None:
                if inside := _LIKE_A_ROW.search(message.text):
                    where = tr("{source}: line {number}", source=place, number=reader.line_num)
                    log.notice("inside_another", where, message.text[inside.start() + 1 :])
                yield message
            elif values:
                is_notice = len(values) > 3 and _NOTICE.fullmatch(values[3])
                where = tr("{source}: line {number}", source=place, number=reader.line_num)
                log.drop("notice" if is_notice else "unknown", where, ",".join(values[3:4]))
    except csv.Error as error:
        where = tr("{source}: line {number}", source=place, number=reader.line_num)
        raise BadData(tr("{place}: not a row of a table", place=where), tr("export it again")) from error


def _message(values: list[str], chat: str, log: Log) -> Message | None:
    """Return a row's message; None for a notice, and where there is none."""
    if len(values) < 4 or _NOTICE.fullmatch(values[3]):
        return None
    time, local = _time(values[2])
    if time is None:
        return None
    sender = values[0].strip() or shown_name(values[1]) or "unknown"
    if sender not in log.names:
        log.name(sender, shown_name(values[1].removesuffix("#0000")) or sender)
    text = values[3] if values[3].strip() else ""
    removed = "" if text else "empty"
    if _CALL.fullmatch(text):
        text, removed = "", "call"
    elif not text and len(values) > 4 and values[4]:
        removed = medium(urlsplit(values[4].partition(",")[0]).path)
    return Message(sender=sender, text=text, time=time, local=local, removed=removed, chat=chat)


def _time(text: str) -> tuple[float | None, bool]:
    """Return the seconds since 1970 and whether they are those of a clock somewhere, as older tables have them."""
    time = iso_seconds(text)
    old = _OLD_DATE.fullmatch(text) if time is None else None
    if old is None or old[2] not in _MONTHS:
        return time, False
    day = read_date((old[1], str(_MONTHS.index(old[2]) + 1), old[3]), "dmy")
    hour, minute = int(old[4]), int(old[5])
    if day is None or hour > 12 or minute > 59:
        return None, False
    return wall_clock(day, of_24(hour, 0 if old[6] == "A" else 12), minute), True
