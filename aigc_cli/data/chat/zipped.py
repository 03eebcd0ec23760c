"""Chat logs in zip archives, as telephones export them: a text, and beside it what was sent. Nothing is unpacked."""

import io
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from aigc_cli.core.disk.files import no_input
from aigc_cli.core.errors import BadData, NoInput
from aigc_cli.core.words.messages import tr
from aigc_cli.data.chat.exports import Part
from aigc_cli.data.packed import DAMAGE, most_bytes, unpacks_to_much

LARGEST = 1 << 33  # bytes of all logs of an archive
_ENCRYPTED = 0x1
BEGINS = (b"PK\x03\x04", b"PK\x05\x06")


def is_zipped(path: Path) -> bool:
    """Return whether a file is a zip archive, by its beginning."""
    try:
        if not path.is_file():  # opening a pipe would wait for who writes it
            return False
        with path.open("rb") as file:
            return file.read(4) in BEGINS
    except OSError:
        return False


def is_export(name: str) -> bool:
    """Return whether a file's name is that of a messenger's export, beside which other texts are what people sent."""
    lower = PurePosixPath(name).name.lower()
    return lower in ("_chat.txt", "result.json") or (lower.endswith(".txt") and "whatsapp" in lower)


def zipped_parts(archive: Path, suffixes: Sequence[str], kept: ExitStack) -> list[Part]:
    """Return an archive's texts, by name; it stays open until `kept` is closed.

    Raises NoInput where it holds no such file, BadData where it is damaged, encrypted, or unpacks to more than LARGEST.
    What is damaged inside of a text is found when it is read.
    """
    with _damage_of(archive):
        opened = kept.enter_context(zipfile.ZipFile(archive))
        texts = sorted(
            (member for member in opened.infolist() if _is_text(member, suffixes)), key=lambda member: member.filename
        )
        if not texts:
            raise NoInput(
                tr(
                    "{source}: no {suffixes} file in this archive",
                    source=archive,
                    suffixes=tr(" or ").join(suffixes[:3]),
                ),
                tr("name the files"),
            )
        if any(member.flag_bits & _ENCRYPTED for member in texts):
            raise BadData(
                tr("{source}: encrypted", source=archive), tr("unpack it with its password, and name the files")
            )
        size, packed = sum(member.file_size for member in texts), sum(member.compress_size for member in texts)
        if size > most_bytes(packed, LARGEST):
            raise unpacks_to_much(archive)
        for member in texts:
            opened.open(member).close()  # knows the method
        return [Part(member.filename, partial(_reading, archive, opened, member)) for member in texts]


def _reading(archive: Path, opened: zipfile.ZipFile, member: zipfile.ZipInfo) -> BinaryIO:
    return io.BufferedReader(_Member(archive, opened, member))


class _Member(io.RawIOBase):
    """A text in an archive, of which no more is read than its header says; what is damaged is BadData."""

    def __init__(self, archive: Path, opened: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
        self._archive = archive
        with _damage_of(archive):
            self._file = opened.open(member)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with _damage_of(self._archive):
            data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._file.close()
        super().close()


@contextmanager
def _damage_of(archive: Path) -> Iterator[None]:
    try:
        yield
    except NotImplementedError as error:
        raise BadData(
            tr("{source}: packed by a method that is not known here", source=archive),
            tr("unpack it, and name the files"),
        ) from error
    except (zipfile.BadZipFile, RuntimeError, *DAMAGE) as error:
        raise BadData(
            tr("{archive}: not a whole zip archive: {error}", archive=archive, error=error), tr("export the chat again")
        ) from error
    except OSError as error:
        raise no_input(archive, error) from error


def _is_text(member: zipfile.ZipInfo, suffixes: Sequence[str]) -> bool:
    path = PurePosixPath(member.filename)
    hidden = any(part.startswith((".", "__MACOSX")) for part in path.parts)
    return not member.is_dir() and not hidden and path.suffix.lower() in suffixes
