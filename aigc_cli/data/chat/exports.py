"""What readers of chats are given: an export of one file or of several that belong together, looked at or read.

Nothing is held whole: texts come as lines, JSON as a stream. Knows nothing of formats.
"""

import codecs
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from aigc_cli.core.disk.files import no_input
from aigc_cli.core.errors import BadData
from aigc_cli.core.words.messages import tr
from aigc_cli.data.encoding import MARK_BYTES, marked, not_in_encoding, unknown_encoding
from aigc_cli.data.json_stream import JsonStream, with_json_escapes

HEAD = 1 << 18  # bytes that are looked at
LONGEST_LINE = 1 << 24  # characters
_CHUNK = 1 << 20  # bytes read at a time
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|["{}\[\],]', re.DOTALL)
_JSON_BEGINS = re.compile(r"\s*(?:\{\s*(?:[\"}]|$)|\[\s*(?:[\[{\]]|$))")
_CLOSING = {"{": "}", "[": "]"}


@dataclass(frozen=True)
class Part:
    """A file of an export: its path, or that in its archive, with slashes, and how to open it, again and again."""

    name: str
    open: Callable[[], BinaryIO]


@dataclass(frozen=True)
class Digest:
    """A file's SHA-256, in hexadecimal, and size in bytes; of several files that over theirs, the `parts`."""

    sha256: str
    size: int
    parts: tuple[str, ...] = ()


@dataclass
class Export:
    """One log as it was exported: `parts` in the order in which they are to be read. `source` names it in errors.

    `bad_byte` is the place of the first byte of what was read as JSON that is no text; a lone surrogate stands for it.
    """

    source: str
    parts: tuple[Part, ...]
    encoding: str = "utf-8"
    bad_byte: int | None = field(default=None, init=False)

    def label(self, part: Part) -> str:
        """Return what to call a part in errors."""
        return self.source if len(self.parts) == 1 else part.name

    def lines(self, part: Part | None = None) -> Iterator[str]:
        """Yield a part's lines, the first's if none is named, without their ends. BadData where it is no text."""
        part = part or self.parts[0]
        rest, ended = "", False
        for piece in self._decoded(part, "strict"):
            # A carriage return at the end of a piece may be half of a line's end.
            text = rest + piece
            ended = text.endswith("\r")
            lines = (text[:-1] if ended else text).replace("\r\n", "\n").replace("\r", "\n").split("\n")
            rest = lines.pop() + ("\r" if ended else "")
            yield from lines
            if len(rest) > LONGEST_LINE:
                raise BadData(
                    tr("{source}: a line of more than {count} characters", source=self.label(part), count=LONGEST_LINE),
                    tr("is this the right file?"),
                )
        yield from rest.removesuffix("\r").split("\n")

    def digest(self) -> Digest:
        """Return the export's digest."""
        digests = [digest_of(part) for part in self.parts]
        if len(digests) == 1:
            return digests[0]
        hashes = tuple(digest.sha256 for digest in digests)
        size = sum(digest.size for digest in digests)
        return Digest(hashlib.sha256("".join(hashes).encode()).hexdigest(), size, hashes)

    def json(self, part: Part | None = None) -> JsonStream:
        """Return a part's JSON, the first's if none is named, as a stream."""
        part = part or self.parts[0]
        pieces = self._decoded(part, "surrogateescape")
        return JsonStream(lambda _: next(pieces, ""), self.label(part))

    def records(self, part: Part | None = None) -> Iterator[tuple[int, Any]]:
        """Yield (line, value) of a part's JSON lines. BadData names the line that is none."""
        part = part or self.parts[0]
        for number, line in enumerate(self.lines(part), start=1):
            if line.strip():
                yield number, parsed_line(line, tr("{source}: line {number}", source=self.label(part), number=number))

    def _decoded(self, part: Part, errors: str) -> Iterator[str]:
        """Yield a part's text piece by piece, without a byte order mark; never an empty piece."""
        chunks = _chunks(part)
        data = next(chunks, b"")
        encoding = marked(data[:MARK_BYTES]) or self.encoding
        try:
            decoder = codecs.getincrementaldecoder(encoding)(errors="strict")
        except LookupError as error:
            raise unknown_encoding(encoding) from error
        passed, is_first = 0, True
        while data or is_first:
            before, is_first = decoder.getstate(), False
            following = next(chunks, b"")
            try:
                text = decoder.decode(data, final=not following)
            except UnicodeDecodeError as error:
                byte = passed - len(before[0]) + error.start
                if errors == "strict" or decoder.errors == errors:
                    raise not_in_encoding(self.label(part), encoding.removesuffix("-sig"), byte, data) from error
                self.bad_byte = byte
                decoder = codecs.getincrementaldecoder(encoding)(errors=errors)
                decoder.setstate(before)
                text = decoder.decode(data, final=not following)
            if text:
                yield text
            passed += len(data)
            data = following


def digest_of(part: Part) -> Digest:
    """Return a file's digest. NoInput where it cannot be read."""
    hashed, size = hashlib.sha256(), 0
    for data in _chunks(part):
        hashed.update(data)
        size += len(data)
    return Digest(hashed.hexdigest(), size)


def _chunks(part: Part) -> Iterator[bytes]:
    """Yield a file piece by piece; none is empty."""
    try:
        with part.open() as file:
            while data := file.read(_CHUNK):
                yield data
    except OSError as error:
        raise no_input(Path(part.name), error) from error


def parsed_line(line: str, place: str) -> Any:
    """Return the value of one line of JSON. BadData, naming the place, where it is none."""
    try:
        return json.loads(line, strict=False)
    except (ValueError, RecursionError) as error:
        column = getattr(error, "colno", 1)
        raise BadData(
            tr("{place}, column {column}: not valid JSON", place=place, column=column),
            tr("truncated? make the file again"),
        ) from error


@dataclass(frozen=True)
class Head:
    """The beginning of an export's first part, to tell by what it is.

    `name` is the file's, without folders; `names` are those of all parts. `is_whole`: nothing follows.
    """

    name: str
    text: str
    is_whole: bool
    names: tuple[str, ...] = ()

    @property
    def is_json(self) -> bool:
        """Whether the text begins as JSON does, and not as [Ann]: or {Ann}: in a script."""
        return _JSON_BEGINS.match(self.text) is not None

    @cached_property
    def lines(self) -> list[str]:
        """The lines, but for the last where it may go on."""
        lines = self.text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        return lines if self.is_whole else lines[:-1] or lines

    @cached_property
    def value(self) -> Any:
        """The JSON value that the text is, with what could be read of it where it goes on; None if it is none."""
        if self.text.lstrip()[:1] not in ("{", "["):
            return None
        for text in (self.text, with_json_escapes(self.text)):
            try:
                return json.loads(text, strict=False)
            except (ValueError, RecursionError):
                pass
        return None if len(self.records) > 1 else _cut_value(with_json_escapes(self.text))

    @cached_property
    def records(self) -> list[Any]:
        """The values of JSON lines; empty if the first is none."""
        values: list[Any] = []
        for line in self.lines:
            if not line.strip():
                continue
            try:
                value = json.loads(line, strict=False)
            except (ValueError, RecursionError):
                break
            if not isinstance(value, dict | list):
                break
            values.append(value)
        return values


def head_of(export: Export) -> Head:
    """Return the beginning of an export's first part; bytes that are no text are question marks."""
    part = export.parts[0]
    with part.open() as file:
        data = file.read(HEAD + 1)
    encoding = marked(data[:MARK_BYTES]) or export.encoding
    try:
        text = codecs.getincrementaldecoder(encoding)(errors="replace").decode(data[:HEAD])
    except LookupError as error:
        raise unknown_encoding(encoding) from error
    names = tuple(part.name for part in export.parts)
    return Head(PurePosixPath(part.name).name, text, is_whole=len(data) <= HEAD, names=names)


def _cut_value(text: str) -> Any:
    """Return the value of JSON that was cut anywhere: what stands before its last comma; None if there is none."""
    open_brackets: list[str] = []
    end, closing = 0, ""
    for token in _TOKEN.finditer(text):
        mark = token[0]
        if mark == '"':  # of a string that was cut, which may hold marks of its own
            break
        if mark in _CLOSING:
            open_brackets.append(_CLOSING[mark])
        elif mark in ("}", "]"):
            if not open_brackets or open_brackets.pop() != mark:
                return None
        elif mark == ",":
            end, closing = token.start(), "".join(reversed(open_brackets))
    try:
        return json.loads(text[:end] + closing, strict=False)
    except (ValueError, RecursionError):
        return None
