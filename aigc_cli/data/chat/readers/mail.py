"""From the lines of mailboxes to mails: where one begins, what its headers say, and its parts that are text.

One mail is held at a time, and of it the headers and the beginnings of its texts: what is attached is passed over as it
is read, and only its kind is kept. Broken mails are read as far as they go. Knows nothing of threads or of quoting.
"""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.errors import MessageError
from email.header import decode_header
from email.utils import mktime_tz, parseaddr, parsedate_tz
from typing import BinaryIO

from aigc_cli.data.likely_encoding import decoded_somehow

LARGEST_HEAD = 1 << 17  # bytes of headers that are kept
LARGEST_TEXT = 1 << 19  # bytes of each text that are kept: what somebody wrote stands before what is quoted
_LARGEST_HEADER = 1 << 13  # bytes of one header
_MOST_TEXTS = 50
_DEEPEST = 30
_LONGEST_LINE = 1 << 20
_CHUNK = 1 << 20

_HEADER = re.compile(rb">?[!-9;-~]+[ \t]?:")
_DATED = re.compile(rb"\d\d?:\d\d\b.*\b(?:19|20)\d\d\b")
_LONGEST_ENVELOPE = 400
_ESCAPED = re.compile(rb">+From ")
_FOLD = re.compile(rb"\n[ \t]+")
_BOUNDARY = re.compile(rb'boundary\s*=\s*(?:"([^"]+)"|([^\s;"]+))', re.IGNORECASE)
_CHARSET = re.compile(rb'charset\s*=\s*"?\'?([\w.:+-]+)', re.IGNORECASE)
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")
_ZONE = re.compile(r"[+-]\d\d:?\d\d|\b(?:GMT|UTC?|Z|[ECMP][SD]T)\b")
_TEXTS = (b"text/plain", b"text/html")


@dataclass(slots=True)
class Text:
    """A text of a mail: its media type, its lines as they were sent, and which alternatives it is one of, if any."""

    kind: bytes
    headers: dict[bytes, bytes]
    alternatives: int | None
    lines: list[bytes] = field(default_factory=list)

    def words(self) -> str:
        """Return the text decoded, as it says it is encoded, or else as it seems to be."""
        data = b"\n".join(self.lines)
        encoding = self.headers.get(b"content-transfer-encoding", b"").strip().lower()
        if encoding == b"base64":
            data = _from_base64(data)
        elif encoding == b"quoted-printable":
            data = binascii.a2b_qp(data)
        charset = _CHARSET.search(self.headers.get(b"content-type", b""))
        text = decoded_somehow(data, charset[1].decode("ascii", "replace") if charset else "")
        if b"delsp=yes" in self.headers.get(b"content-type", b"").lower().replace(b'"', b""):
            text = re.sub(r" \r?\n(?!>|\s*\n)", "", text)
        return text.replace("\r\n", "\n").replace("\r", "\n")


class Mail:
    """A mail, taken up line by line. `attached` are the media types of what is not text."""

    def __init__(self, envelope: bytes, number: int) -> None:
        self.envelope, self.number = envelope, number
        self.headers: dict[bytes, bytes] = {}
        self.texts: list[Text] = []
        self.attached: list[bytes] = []
        self.is_escaped = bool(envelope)
        self._head: list[bytes] | None = []
        self._head_size = self._left = self._groups = 0
        self._open: list[tuple[bytes, int | None]] = []  # boundaries, and the alternatives that are between them
        self._text: Text | None = None

    def add(self, line: bytes) -> None:
        """Take up the next line."""
        if self._head is not None:
            if not line:
                self._end_head(self._head)
            elif self._head_size < LARGEST_HEAD:
                self._head.append(line)
                self._head_size += len(line)
        elif line.startswith(b"--") and self._open and self._passes_boundary(line):
            return
        elif self._text is not None and self._left > 0:
            if self.is_escaped and _ESCAPED.match(line):
                line = line[1:]
            self._text.lines.append(line)
            self._left -= len(line) + 1

    def end(self) -> "Mail":
        """Return the mail, of which there is no more."""
        if self._head is not None:
            self._end_head(self._head)
        return self

    @property
    def is_passed_over(self) -> bool:
        """Whether lines say nothing until the next that divides parts."""
        return self._text is None and self._head is None

    def header(self, name: bytes) -> str:
        """Return a header's text, "" if there is none."""
        return decoded_header(self.headers.get(name, b""))

    def sender(self) -> tuple[str, str]:
        """Return the address that wrote the mail, in lower case, and the name beside it; ("", "") if nobody did."""
        for name in (b"from", b"sender", b"return-path"):
            try:
                shown, address = parseaddr(_as_text(self.headers.get(name, b"")))
            except RecursionError:  # brackets in brackets
                continue
            if "@" in address:
                return address.strip().lower(), decoded_header(shown.encode("utf-8", "replace")).strip()
        return "", ""

    def time(self) -> tuple[float | None, bool]:
        """Return when it was sent, in seconds since 1970 (None: it does not say), and whether that is a local time."""
        received = (self.headers.get(name, b"").rpartition(b";")[2] for name in (b"received", b"x-received"))
        for written in (self.headers.get(b"date", b""), *received, self.envelope.partition(b" ")[2].partition(b" ")[2]):
            try:
                date = parsedate_tz(_as_text(written)) if written else None
                if date and date[0] >= 1970:
                    return float(mktime_tz(date)), not _ZONE.search(_as_text(written))
            except (ValueError, TypeError, IndexError, OverflowError):
                continue
        return None, False

    def _end_head(self, lines: list[bytes]) -> None:
        self._head = None
        headers: dict[bytes, bytes] = {}
        for line in _FOLD.sub(b" ", b"\n".join(lines)).split(b"\n"):
            name, colon, value = line.partition(b":")
            if colon:
                headers.setdefault(name.strip().lower(), value.strip()[:_LARGEST_HEADER])
        if not self.headers:
            self.headers = headers
        self._begin_part(headers)

    def _begin_part(self, headers: dict[bytes, bytes]) -> None:
        content = headers.get(b"content-type", b"text/plain")
        kind = content.partition(b";")[0].strip().lower()
        alternatives = self._open[-1][1] if self._open else None
        self._text = None
        if kind.startswith(b"multipart/"):
            boundary = _BOUNDARY.search(content)
            if kind == b"multipart/alternative":
                self._groups += 1
                alternatives = self._groups
            if boundary and len(self._open) < _DEEPEST:
                self._open.append(((boundary[1] or boundary[2]).rstrip(), alternatives))
            if kind in (b"multipart/encrypted", b"multipart/report"):
                self.attached.append(kind)
            return
        is_attached = headers.get(b"content-disposition", b"").lower().startswith(b"attachment")
        if (kind in _TEXTS or b"/" not in kind) and not is_attached and len(self.texts) < _MOST_TEXTS:
            self._text = Text(kind if kind in _TEXTS else _TEXTS[0], headers, alternatives)
            self.texts.append(self._text)
            self._left = LARGEST_TEXT
        else:
            self.attached.append(content.strip().lower() if kind == b"text/calendar" else kind)

    def _passes_boundary(self, line: bytes) -> bool:
        """Return whether a line divides parts; what was open inside is closed then."""
        mark = line[2:].rstrip()
        for place in range(len(self._open) - 1, -1, -1):
            boundary = self._open[place][0]
            if mark == boundary or mark == boundary + b"--":
                del self._open[place + (mark == boundary) :]
                self._text = None
                self._head = [] if mark == boundary else None
                self._head_size = 0
                return True
        return False


def mails(file: BinaryIO, stray: list[bytes]) -> Iterator[Mail]:
    """Yield the mails of a mailbox, or of a file that is one mail.

    A mail begins at a line of its envelope, with a date or with nothing, before a header. Lines that look like such an
    envelope and are none are put into `stray`, which is the caller's to empty.
    """
    mail: Mail | None = None
    envelope: bytes | None = None
    number, was_blank = 0, True
    for line in _lines(file):
        if envelope is not None:
            if _HEADER.match(line):
                if mail is not None:
                    yield mail.end()
                number += 1
                mail = Mail(envelope, number)
            elif mail is not None:
                stray.append(envelope)
                mail.add(envelope)
            envelope = None
        if line[:5] == b"From " and _is_envelope(line, was_blank):
            envelope = line
            continue
        if mail is None and _HEADER.match(line):
            number += 1
            mail = Mail(b"", number)
        if mail is not None and not (mail.is_passed_over and line[:2] != b"--"):
            mail.add(line)
        was_blank = not line
    if mail is not None:
        yield mail.end()


def is_mail(lines: list[str]) -> bool:
    """Return whether a text's first lines are those of a mailbox or of a mail."""
    begin = [line.encode("utf-8", "replace") for line in lines[:200]]
    while begin and not begin[0].strip():
        begin.pop(0)
    if len(begin) > 1 and begin[0].startswith(b"From ") and _is_envelope(begin[0], was_blank=True):
        return bool(_HEADER.match(begin[1]))
    head = begin[: begin.index(b"")] if b"" in begin else begin
    names = {line.partition(b":")[0].lower() for line in head if not line.startswith((b" ", b"\t"))}
    is_head = bool(head) and all(_HEADER.match(line) or line.startswith((b" ", b"\t")) for line in head)
    return is_head and b"from" in names and not names.isdisjoint((b"received", b"message-id", b"mime-version"))


def decoded_header(value: bytes) -> str:
    """Return a header's text: its encoded words decoded (RFC 2047), its raw bytes read as they seem to be."""
    text = _as_text(value)
    if "=?" not in text:
        return text
    try:
        pieces = decode_header(text)
    except (MessageError, ValueError):
        return text
    return "".join(
        decoded_somehow(piece, charset or "") if isinstance(piece, bytes) else piece for piece, charset in pieces
    )


def _is_envelope(line: bytes, was_blank: bool) -> bool:
    if len(line) > _LONGEST_ENVELOPE:
        return False
    return bool(_DATED.search(line)) or (was_blank and line.strip() in (b"From", b"From -"))


def _as_text(value: bytes) -> str:
    return value.decode("ascii") if value.isascii() else decoded_somehow(value, "utf-8")


def _from_base64(data: bytes) -> bytes:
    """Return what base64 says, as far as it goes."""
    kept = _NOT_BASE64.sub(b"", data)
    over = len(kept) % 4
    if over == 1:  # half a byte is none
        kept = kept[:-1]
    return binascii.a2b_base64(kept + b"=" * (-len(kept) % 4))


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines without their ends; one that is longer than any mail may have comes in pieces."""
    rest = b""
    while chunk := file.read(_CHUNK):
        lines = (rest + chunk).split(b"\n")
        rest = lines.pop()
        for line in lines:
            yield line[:-1] if line.endswith(b"\r") else line
        if len(rest) > _LONGEST_LINE:
            yield rest
            rest = b""
    if rest:
        yield rest.removesuffix(b"\r")
