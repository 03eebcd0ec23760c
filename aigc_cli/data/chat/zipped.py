"""Chat logs in zip archives, as telephones export them: a text, and beside it what was sent. Nothing is unpacked."""

import lzma
import struct
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from aigc_cli.core.disk.files import no_input
from aigc_cli.core.errors import BadData, NoInput
from aigc_cli.core.words.messages import tr

LARGEST = 1 << 30  # bytes of all logs of an archive
_MOST_RATIO = 1000  # text packs well, and a bomb better
_ENCRYPTED = 0x1
_DAMAGE = (zlib.error, lzma.LZMAError, EOFError, ValueError, struct.error, KeyError, IndexError, OverflowError)


def is_zipped(path: Path) -> bool:
    """Return whether a file is a zip archive, by its beginning."""
    try:
        if not path.is_file():  # opening a pipe would wait for who writes it
            return False
        with path.open("rb") as file:
            return file.read(4) in (b"PK\x03\x04", b"PK\x05\x06")
    except OSError:
        return False


def is_export(name: str) -> bool:
    """Return whether a file's name is that of a messenger's export, beside which other texts are what people sent."""
    lower = PurePosixPath(name).name.lower()
    return lower in ("_chat.txt", "result.json") or (lower.endswith(".txt") and "whatsapp" in lower)


def zipped_logs(archive: Path, suffixes: Sequence[str]) -> list[tuple[str, bytes]]:
    """Return (ARCHIVE/NAME, content) of an archive's logs by name: its exports, where it has one, and nothing beside.

    Raises NoInput where it holds no such file, BadData where it is damaged, encrypted, or unpacks to more than LARGEST.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            texts = [member for member in opened.infolist() if _is_text(member, suffixes)]
            exports = [member for member in texts if is_export(member.filename)]
            chosen = sorted(exports or texts, key=lambda member: member.filename)
            if not chosen:
                raise NoInput(
                    tr(
                        "{source}: no {suffixes} file in this archive",
                        source=archive,
                        suffixes=tr(" or ").join(suffixes),
                    ),
                    tr("name the files"),
                )
            if any(member.flag_bits & _ENCRYPTED for member in chosen):
                raise BadData(
                    tr("{source}: encrypted", source=archive), tr("unpack it with its password, and name the files")
                )
            size, packed = sum(member.file_size for member in chosen), sum(member.compress_size for member in chosen)
            if size > min(LARGEST, _MOST_RATIO * max(packed, 1024)):
                raise _too_large(archive)
            return [(f"{archive}/{member.filename}", _content(archive, opened, member)) for member in chosen]
    except NotImplementedError as error:
        raise BadData(
            tr("{source}: packed by a method that is not known here", source=archive),
            tr("unpack it, and name the files"),
        ) from error
    except (zipfile.BadZipFile, RuntimeError, *_DAMAGE) as error:
        raise BadData(
            tr("{archive}: not a whole zip archive: {error}", archive=archive, error=error), tr("export the chat again")
        ) from error
    except OSError as error:
        raise no_input(archive, error) from error


def _is_text(member: zipfile.ZipInfo, suffixes: Sequence[str]) -> bool:
    path = PurePosixPath(member.filename)
    hidden = any(part.startswith((".", "__MACOSX")) for part in path.parts)
    return not member.is_dir() and not hidden and path.suffix.lower() in suffixes


def _content(archive: Path, opened: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    with opened.open(member) as file:
        data = file.read(member.file_size + 1)
    if len(data) > member.file_size:  # its header lied
        raise _too_large(archive)
    return data


def _too_large(archive: Path) -> BadData:
    return BadData(
        tr("{archive}: unpacks to far more than it holds", archive=archive),
        tr("unpack it yourself, and name the files"),
    )
