"""Read WeChat's chats as PyWxDump, WeClone, WeChatMsg, WeFlow and chatlog export them: WeChat itself exports nothing.

Pats, recalls, red packets, transfers and other notices are no messages; calls and media cut. A quote is what a message
answers, not part of it. Faces such as [捂脸] are how somebody writes, and stay.
"""

from collections.abc import Iterable, Iterator

from aigc_cli.data.chat.exports import Export
from aigc_cli.data.chat.messages import Log, Message
from aigc_cli.data.chat.reader import Reader, ReadOptions
from aigc_cli.data.chat.readers.fields import shown_name
from aigc_cli.data.chat.readers.wechat_content import said, without_prefix
from aigc_cli.data.chat.readers.wechat_rows import GROUP, Row, looks, rows

_ME = "我"  # what exporters call the owner where they have no name


def _read(export: Export, log: Log, _: ReadOptions) -> Iterator[Message]:
    for part in export.parts:
        yield from _messages(rows(export, part, log), log)


def _messages(rows: Iterable[Row], log: Log) -> Iterator[Message]:
    for row in rows:
        sender, content = row.sender, row.content
        in_group = _with(row, log).endswith(GROUP)
        if sender.endswith(GROUP):
            sender = ""
        if ":\n" in content:
            sender, content = without_prefix(content, sender, in_group=in_group)
        what = said(row.kind, content, is_told=row.is_told)
        if what is None or row.time is None:
            log.drop("unknown" if row.time is None else "notice", row.where, content)
            continue
        text, removed, reply_to = what
        sender = _sender(sender, row, log)
        yield Message(
            sender=sender,
            text=text,
            time=row.time,
            removed=removed,
            number=row.number,
            local=row.local,
            chat=row.chat,
            reply_to=row.reply_to or reply_to,
        )


def _sender(sender: str, row: Row, log: Log) -> str:
    """Return who wrote; the owner is one, whatever the layout calls him in each row. Take up what there is to learn."""
    if row.is_own:
        log.subject = sender = log.subject or sender or _ME
        log.contacts.discard(sender)
    elif not sender:
        sender = "" if _with(row, log).endswith(GROUP) else _with(row, log)
    sender = sender or "unknown"
    if sender not in log.names:
        log.name(sender, shown_name(row.name if row.name != sender else "", sender))
    if row.is_own is False and sender != log.subject:
        log.contacts.add(sender)
    return sender


def _with(row: Row, log: Log) -> str:
    """Return the contact or the group that a chat is with."""
    return log.keys.get(row.chat, row.chat)


READER = Reader(title="WeChat (WeFlow, WeChatMsg, WeClone, chatlog)", looks=looks, read=_read)
