"""How the readers' tests read: an export from bytes in memory, and everything that came of it."""

import io
from collections.abc import Mapping
from importlib import import_module
from typing import NamedTuple

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
