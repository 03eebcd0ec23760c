"""Where pictures come from: folders with all below them, linked ones too, single files, and archives.

Yields names, labels and bytes; knows nothing of what is in a picture.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from aigc_cli.core.disk.files import read_bytes, sha256_bytes, sha256_file
from aigc_cli.core.errors import NoInput
from aigc_cli.core.words.messages import tr
from aigc_cli.data.pictures.archives import archived_pictures
from aigc_cli.data.pictures.raw import RawPicture, archive_kind, has_picture_name, is_picture
from aigc_cli.data.walk import Found, files_below, readable_name

NAMED_ENDINGS = 5


@dataclass(frozen=True)
class Source:
    """A folder, file or archive that was named, with a digest of all that it holds.

    Of a folder also its pictures, how many other files have which ending, the links to folders that led to more of it,
    those that were passed over and why, and the digest as it was taken by versions that knew pictures by their names
    alone and followed no link.
    """

    path: Path
    sha256: str
    former_sha256: str = ""
    files: tuple[Path, ...] = ()
    others: Counter[str] = field(default_factory=Counter)
    links: tuple[Path, ...] = ()
    passed_over: tuple[tuple[Path, str], ...] = ()

    def record(self) -> dict[str, str]:
        """Return the source as the manifest names it: its name, not its place."""
        return {"path": readable_name(self.path.name or str(self.path)), "sha256": self.sha256}

    def former_record(self) -> dict[str, str]:
        """Return the record that an earlier version made of the same source."""
        return self.record() | {"sha256": self.former_sha256 or self.sha256}

    def pictures(self) -> Iterator[RawPicture]:
        """Yield the pictures, sorted by name for folders, in the archive's order for archives."""
        for raw in self._found():
            yield replace(raw, name=readable_name(raw.name), folder=_label(raw.folder))

    def _found(self) -> Iterator[RawPicture]:
        if self.path.is_dir():
            for file in self.files:
                inside = PurePosixPath(file.relative_to(self.path).as_posix())
                folder = inside.parts[0] if len(inside.parts) > 1 else ""
                yield RawPicture(str(inside), folder, read_bytes(file))
        elif archive_kind(self.path):
            yield from archived_pictures(self.path)
        else:
            yield RawPicture(self.path.name, "", read_bytes(self.path))


def open_source(name: str) -> Source:
    """Return the source named on the command line; NoInput if it is not there or a folder without pictures."""
    path = Path(name)
    if not path.exists():
        raise NoInput(tr("{name}: no such file or folder", name=name), tr("check the path"))
    if not path.is_dir():
        return Source(path, sha256_file(path))
    found = files_below(path)
    pictures = [file for file in found.files if is_picture(file)]
    others = Counter(file.suffix.lower() for file in found.files)
    others.subtract(file.suffix.lower() for file in pictures)
    others = +others
    if not pictures:
        count = others.total()
        what = tr("{count} files, but no pictures", count=count) if count else tr("an empty folder")
        raise NoInput(
            tr("{name}: {what}", name=name, what=f"{what} ({endings(others)})" if count else what),
            tr("it needs .jpg, .png, .webp or other picture files"),
        )
    lines = {file: f"{file.relative_to(path).as_posix()}\0{sha256_file(file)}\n" for file in pictures}
    former = [line for file, line in lines.items() if has_picture_name(file) and not _is_below(file, found)]
    return Source(
        path,
        _digest(lines.values()),
        former_sha256=_digest(former),
        files=tuple(pictures),
        others=others,
        links=tuple(found.links),
        passed_over=tuple(found.passed_over),
    )


def endings(others: Counter[str]) -> str:
    """Return the commonest endings of files with their counts: `.txt 4, .heic 2`."""
    commonest = sorted(others.items(), key=lambda entry: (-entry[1], entry[0]))
    named = ", ".join(f"{readable_name(ending) or '-'} {count}" for ending, count in commonest[:NAMED_ENDINGS])
    return named + (", …" if len(commonest) > NAMED_ENDINGS else "")


def _digest(lines: Iterable[str]) -> str:
    return sha256_bytes("".join(lines).encode("utf-8", "surrogateescape"))


def _is_below(file: Path, found: Found) -> bool:
    """Tell whether a file was found by way of a linked folder."""
    return not {*file.parents}.isdisjoint(found.links)


def _label(folder: str) -> str:
    """Return a folder's name as a label: Macs write ü as u and two dots, keyboards do not."""
    return unicodedata.normalize("NFC", readable_name(folder))
