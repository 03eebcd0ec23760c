"""From the bytes of a text file to its text: the encoding that was named, unless a byte order mark names another."""

import codecs
import io
from typing import TextIO

from aigc_cli.core.errors import BadData, UsageProblem
from aigc_cli.core.words.messages import tr
from aigc_cli.data.likely_encoding import likely_encoding

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
MARK_BYTES = 3


def marked(begin: bytes) -> str | None:
    """Return the encoding that a file's first MARK_BYTES name by a byte order mark, None if they name none."""
    return next((encoding for mark, encoding in _MARKS if begin.startswith(mark)), None)


def unknown_encoding(encoding: str) -> UsageProblem:
    """Return the error for an encoding that nobody knows."""
    return UsageProblem(
        tr("--encoding {encoding!r} is not known", encoding=encoding), tr("for example utf-8, gb18030, latin-1")
    )


def not_in_encoding(source: str, encoding: str, byte: int, data: bytes = b"") -> BadData:
    """Return the error for a text that is in another encoding from a byte on; `data` tells which one, if any."""
    return BadData(
        tr("{source}: not {encoding} text at byte {byte}", source=source, encoding=encoding, byte=byte),
        proposed_encoding(data, encoding) or tr("another --encoding, or another kind of file?"),
    )


def proposed_encoding(data: bytes, encoding: str) -> str:
    """Return how to name the encoding that bytes are likely in, "" if it is the one they were read in or none."""
    likely = likely_encoding(data)
    if likely is None or codecs.lookup(likely).name == codecs.lookup(encoding).name:
        return ""
    return tr("it looks like {encoding}: --encoding {encoding}", encoding=likely)


def decode(data: bytes, source: str, encoding: str) -> str:
    """Return the text of a whole file, which errors name `source`. Raises BadData with the byte, or UsageProblem."""
    encoding = marked(data[:MARK_BYTES]) or encoding
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise not_in_encoding(source, encoding.removesuffix("-sig"), error.start, data) from error
    except LookupError as error:
        raise unknown_encoding(encoding) from error


def decode_lines(data: bytes, source: str) -> list[str]:
    """Return the lines of a file that is UTF-8, or what its byte order mark says. Raises BadData for anything else.

    Lines end as in files: JSON holds U+2028 and others, which `str.splitlines` takes for ends.
    """
    try:
        text = decode(data, source, "utf-8")
    except BadData as error:
        raise BadData(error.message, tr("convert it to UTF-8")) from error
    if "\x00" in text:
        raise BadData(tr("{source}: not a text file", source=source), tr("convert it to UTF-8"))
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def as_marked(stream: TextIO) -> TextIO:
    """Return a stream that nothing was read of, in the encoding that its byte order mark names, if it has one."""
    if isinstance(stream, io.TextIOWrapper) and hasattr(stream.buffer, "peek"):
        encoding = marked(stream.buffer.peek(MARK_BYTES)[:MARK_BYTES])
        if encoding:
            stream.reconfigure(encoding=encoding)
    return stream
