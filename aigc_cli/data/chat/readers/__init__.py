"""A module for each chat format, with a `READER`. `config.prepare_chat.CHAT_FORMATS` lists them."""

from collections.abc import Iterator
from importlib import import_module

from aigc_cli.config.prepare_chat import CHAT_FORMATS
from aigc_cli.data.chat.reader import Reader


def reader_of(name: str) -> Reader:
    """Return the reader of a format, one of CHAT_FORMATS but "auto"."""
    reader: Reader = import_module(f"{__name__}.{name}").READER
    return reader


def readers() -> Iterator[tuple[str, Reader]]:
    """Yield each format's name and reader, in the order in which exports are looked at."""
    for name in CHAT_FORMATS:
        if name != "auto":
            yield name, reader_of(name)
