"""What kind of document a file is, and its text: plain text, Markdown, HTML, EPUB, all but the last also in gz.

Plain text and Markdown are kept to the character (line ends become newlines) and streamed; of a page or a book, the
text of its blocks is taken. Knows nothing of sets.
"""

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from pathlib import PurePath
from typing import IO, Any

from aigc_cli.core.errors import BadData
from aigc_cli.core.words.messages import tr
from aigc_cli.data.encoding import MARK_BYTES, decode, marked, not_in_encoding, proposed_encoding, unknown_encoding
from aigc_cli.data.epub import chapters
from aigc_cli.data.html_text import text_of_page
from aigc_cli.data.packed import most_bytes, unpacks_to_much

TEXT, MARKDOWN, HTML, EPUB = "text", "markdown", "html", "epub"
_KINDS = {".txt": TEXT, ".md": MARKDOWN, ".html": HTML, ".htm": HTML, ".xhtml": HTML, ".epub": EPUB}
SUFFIXES = (
    *(".txt", ".md", ".html", ".epub", ".htm", ".xhtml"),
    *(".txt.gz", ".md.gz", ".html.gz", ".htm.gz", ".xhtml.gz"),
)
LARGEST_PAGE = 1 << 25  # bytes of HTML, which is held whole
LARGEST = 1 << 33  # bytes that a packed file may hold
_CHUNK_BYTES = 1 << 20
_GZIP, _ZIP, _ZSTD = b"\x1f\x8b", b"PK\x03\x04", b"\x28\xb5\x2f\xfd"
_LOOK = 4096  # bytes among which a page says its encoding
_PAGE = re.compile(rb"(?:\xef\xbb\xbf)?\s*+(?:<\?xml[^>]*+>\s*+)?(?:<!doctype\s++html|<html)\b", re.IGNORECASE)
_CHARSET = re.compile(
    rb"(?:<meta[^>]*?\bcharset|<\?xml[^>]*?\bencoding)\s*+=\s*+[\"']?\s*+([\w.:-]{1,40}+)", re.IGNORECASE
)
# What browsers take these names for (WHATWG Encoding, sec. 4.2).
_TAKEN_FOR = {"gb2312": "gb18030", "gbk": "gb18030", "iso-8859-1": "cp1252", "latin1": "cp1252", "us-ascii": "cp1252"}


def opened_document(source: str, file: IO[bytes]) -> tuple[str, IO[bytes]]:
    """Return the kind of a document and its content, unpacked where it is packed, of a seekable file at its beginning.

    What is no text at all is found when it is read. Raises BadData for archives and packings that are not read.
    """
    name, begin = PurePath(source.lower()), _beginning(file)
    if begin.startswith(_GZIP) or name.suffix == ".gz":
        packed_bytes = file.seek(0, 2)
        file.seek(0)
        file = io.BufferedReader(_Unpacked(source, file, most_bytes(packed_bytes, LARGEST)))
        name, begin = name.with_suffix("") if name.suffix == ".gz" else name, _beginning(file)
        if begin.startswith(_ZIP):
            raise BadData(tr("{source}: an archive within gz", source=source), tr("unpack it: gzip -d FILE"))
    if begin.startswith(_ZSTD):
        raise BadData(tr("{source}: packed by zstd, which is not read", source=source), tr("unpack it: zstd -d FILE"))
    if begin.startswith(_ZIP):
        return EPUB, file
    return _KINDS.get(name.suffix) or (HTML if _PAGE.match(begin) else TEXT), file


def _beginning(file: IO[bytes]) -> bytes:
    assert isinstance(file, io.BufferedReader | io.BufferedRandom)
    return file.peek(_LOOK)[:_LOOK]


class _Unpacked(io.RawIOBase):
    """What is packed in a gzip file, up to a limit; what is damaged is BadData."""

    def __init__(self, source: str, file: IO[bytes], limit: int) -> None:
        self._source, self._left = source, limit
        self._file = gzip.GzipFile(fileobj=file)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._file.read(len(buffer))
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise BadData(
                tr("{source}: not a whole gz: {error}", source=self._source, error=error),
                tr("get it again where it came from"),
            ) from error
        self._left -= len(data)
        if self._left < 0:
            raise unpacks_to_much(self._source)
        buffer[: len(data)] = data
        return len(data)


def document_text(source: str, kind: str, file: IO[bytes], encoding: str) -> Iterator[str]:
    """Yield the text of a document in chunks, line ends as newlines; `source` is what errors call it.

    Raises BadData for what is no text or not what it says to be, with the byte where that is known.
    """
    if kind not in (EPUB, HTML):
        yield from _decoded(source, file, encoding)
        return
    if kind == EPUB:
        pages = (_page_text(f"{source}: {name}", page, "utf-8") for name, page in chapters(source, file))
    else:
        pages = (_page_text(source, page, encoding) for page in (file.read(LARGEST_PAGE + 1),))
    for number, text in enumerate(page for page in pages if page):
        yield f"\n{text}" if number else text


def _page_text(source: str, page: bytes, encoding: str) -> str:
    if len(page) > LARGEST_PAGE:
        raise BadData(
            tr("{source}: HTML of more than {count} MB", source=source, count=LARGEST_PAGE >> 20),
            tr("cut it into several files"),
        )
    text = decode(page, source, _encoding_of_page(page, encoding))
    if "\x00" in text:
        raise BadData(tr("{source}: not a text file", source=source), tr("name text files"))
    return text_of_page(text.replace("\r\n", "\n").replace("\r", "\n"))


def _encoding_of_page(page: bytes, encoding: str) -> str:
    """Return `encoding` if it is another than UTF-8, else UTF-8 unless the page is none and says what it is."""
    said = _CHARSET.search(page[:_LOOK])
    if encoding.lower() not in ("utf-8", "utf8") or not said:
        return encoding
    if not page.isascii():
        try:
            page.decode("utf-8")
        except UnicodeDecodeError:
            pass
        else:
            return encoding
    name = said[1].decode("ascii").lower()
    name = _TAKEN_FOR.get(name, name)
    try:
        b"a".decode(name)  # knows UTF-16 by one byte that is left, in which no page can say so
    except (LookupError, UnicodeError):
        return encoding
    return name


def _decoded(source: str, file: IO[bytes], encoding: str) -> Iterator[str]:
    """Decode strictly, chunk by chunk; a byte order mark overrules `encoding`."""
    encoding = marked(_beginning(file)[:MARK_BYTES]) or encoding
    try:
        decoder = codecs.getincrementaldecoder(encoding)()
    except LookupError as error:
        raise unknown_encoding(encoding) from error
    newlines = io.IncrementalNewlineDecoder(None, translate=True)
    chunk, read_bytes = b"\n", 0
    while chunk:
        chunk = file.read(_CHUNK_BYTES)
        read_bytes += len(chunk)
        try:
            text = newlines.decode(decoder.decode(chunk, final=not chunk), final=not chunk)
        except UnicodeDecodeError as error:
            # `error.object` ends where the file has been read to, whatever the decoder had held back.
            offset = read_bytes - len(error.object) + error.start
            raise not_in_encoding(source, encoding.removesuffix("-sig"), offset, error.object) from error
        if "\x00" in text:
            remedy = proposed_encoding(chunk, encoding) or tr("name text files")
            raise BadData(tr("{source}: not a text file", source=source), remedy)
        if text:
            yield text
