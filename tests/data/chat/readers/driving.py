"""How the readers' tests read: an export from bytes in memory, and everything that came of it."""

import io
from collections import Counter
from collections.abc import Mapping
from importlib import import_module
from typing import Any, NamedTuple

from aigc_cli.data.chat.dates import read_zone
from aigc_cli.data.chat.detect import open_log
from aigc_cli.data.chat.exports import Export, Part, head_of
from aigc_cli.data.chat.messages import Log, Message
from aigc_cli.data.chat.reader import Reader, ReadOptions


class Read(NamedTuple):
    log: Log
    messages: list[Message]

    @property
    def texts(self) -> list[str]:
        return [message.text for message in self.messages if message.text]

    @property
    def removed(self) -> list[str]:
        return [message.removed for message in self.messages if message.removed]

    @property
    def chats(self) -> list[list[Message]]:
        chats: dict[str, list[Message]] = {}
        for message in self.messages:
            chats.setdefault(message.chat, []).append(message)
        return list(chats.values())

    @property
    def left_out(self) -> Counter[str]:
        """Everything that gives no words, by reason."""
        return self.log.dropped + Counter(self.removed)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.log, name)

    @property
    def count(self) -> int:
        """Everything that was come upon: messages, with words or without, and what was dropped."""
        return len(self.messages) + self.log.dropped.total()


def reader_of(name: str) -> Reader:
    reader: Reader = import_module(f"aigc_cli.data.chat.readers.{name}").READER
    return reader


def export_of(
    files: bytes | str | Mapping[str, bytes | str], name: str = "chat.txt", encoding: str = "utf-8"
) -> Export:
    """Return an export of files in memory, or of one."""
    contents = files if isinstance(files, Mapping) else {name: files}
    parts = []
    for path, content in contents.items():
        data = content.encode(encoding) if isinstance(content, str) else content
        parts.append(Part(path, lambda data=data: io.BytesIO(data)))
    return Export("export", tuple(parts), encoding)


def read(name: str, files: bytes | str | Mapping[str, bytes | str], **options) -> Read:
    """Read with the reader of a format; `options` are ReadOptions'. Every sender must have a name."""
    log = Log(format=name)
    messages = list(reader_of(name).read(export_of(files), log, ReadOptions(**options)))
    assert {message.sender for message in messages if message.text} <= log.names.keys()
    return Read(log, messages)


def looks(name: str, files: bytes | str | Mapping[str, bytes | str], file_name: str = "chat.txt") -> bool:
    """Return whether a reader takes an export for its own."""
    return reader_of(name).looks(head_of(export_of(files, file_name)))


def read_found(
    data: bytes, name: str = "log", format_name: str = "auto", encoding: str = "utf-8", *, dates=None, zone=None
) -> Read:
    """Read as `aigc prepare chat` does: in the format named, or that it looks like."""
    export = export_of(data, name, encoding)
    export.source = name
    options = ReadOptions(is_told=format_name != "auto", dates=dates)
    log, messages = open_log(export, format_name, options, zone=zone and read_zone(zone))
    return Read(log, list(messages))
