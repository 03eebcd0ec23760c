"""Where pictures come from: folders, single files, and zip or tar archives, read member by member, never unpacked.

Yields names, labels and bytes; knows nothing of what is in a picture. An archive with a member that would escape its
folder, that is a link or a device, or that unpacks to far more than it holds is refused whole.
"""

import bz2
import gzip
import lzma
import os
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from aigc_cli.core.disk.files import no_input, read_bytes, sha256_bytes, sha256_file
from aigc_cli.core.errors import BadData, NoInput
from aigc_cli.core.words.messages import tr

PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm", ".pgm"})
ARCHIVE_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
MAX_MEMBER_BYTES = 256 * 1024**2
MAX_RATIO = 200  # pictures hardly compress; a member that grows more than this is a bomb
MAX_MEMBERS = 1_000_000
# What reading a damaged archive raises, beside its own errors.
_DAMAGE = (zlib.error, lzma.LZMAError, EOFError, OSError, ValueError, struct.error, KeyError, IndexError, OverflowError)


@dataclass(frozen=True)
class RawPicture:
    """A picture file as found: its name within the source, the top folder it is in ("" for none), its bytes."""

    name: str
    folder: str
    data: bytes


@dataclass(frozen=True)
class Source:
    """A folder, file or archive that was named, with a digest of all that it holds."""

    path: Path
    sha256: str
    other_files: int

    def record(self) -> dict[str, str]:
        """Return the source as the manifest names it: its name, not its place."""
        return {"path": self.path.name or str(self.path), "sha256": self.sha256}

    def pictures(self) -> Iterator[RawPicture]:
        """Yield the pictures, sorted by name for folders, in the archive's order for archives."""
        if self.path.is_dir():
            for file in _pictures_and_others(self.path)[0]:
                inside = PurePosixPath(file.relative_to(self.path).as_posix())
                yield RawPicture(str(inside), _top_folder(inside), read_bytes(file))
        elif is_archive(self.path):
            yield from _zip_pictures(self.path) if self.path.suffix.lower() == ".zip" else _tar_pictures(self.path)
        else:
            yield RawPicture(self.path.name, "", read_bytes(self.path))


def open_source(name: str) -> Source:
    """Return the source named on the command line; NoInput if it is not there or a folder without pictures."""
    path = Path(name)
    if not path.exists():
        raise NoInput(tr("{name}: no such file or folder", name=name), tr("check the path"))
    if not path.is_dir():
        return Source(path, sha256_file(path), 0)
    pictures, others = _pictures_and_others(path)
    if not pictures:
        what = tr("{count} files, but no pictures", count=others) if others else tr("an empty folder")
        raise NoInput(
            tr("{name}: {what}", name=name, what=what), tr("it needs .jpg, .png, .webp or other picture files")
        )
    listing = "".join(f"{file.relative_to(path).as_posix()}\0{sha256_file(file)}\n" for file in pictures)
    return Source(path, sha256_bytes(listing.encode("utf-8", "surrogateescape")), others)


def is_archive(path: Path) -> bool:
    """Tell whether the name is that of an archive this tool reads."""
    return path.name.lower().endswith(ARCHIVE_SUFFIXES)


def _pictures_and_others(folder: Path) -> tuple[list[Path], int]:
    """Return the picture files below a folder, sorted, and how many other visible files there are."""
    pictures, others = [], 0

    def fail(error: OSError) -> None:
        raise no_input(folder, error) from error

    for place, folders, names in os.walk(folder, onerror=fail):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and Path(place, name).is_file():  # no pipe, device or broken link
                is_picture = Path(name).suffix.lower() in PICTURE_SUFFIXES
                pictures += [Path(place, name)] if is_picture else []
                others += not is_picture
    return sorted(pictures), others


def _top_folder(path: PurePosixPath, skipped: int = 0) -> str:
    return path.parts[skipped] if len(path.parts) > skipped + 1 else ""


def _common_folders(paths: list[PurePosixPath]) -> int:
    """Return 1 if everything in an archive lies in one folder, which then says nothing of a picture, else 0."""
    return int(bool(paths) and all(len(path.parts) > 1 and path.parts[0] == paths[0].parts[0] for path in paths))


def _checked_name(archive: Path, name: str) -> PurePosixPath:
    """Return the member's path; BadData if it would land outside the folder it is unpacked in."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in name.split("/")[0] or "\0" in name:
        raise BadData(
            tr("{archive}: hostile archive: member {name!a} would escape its folder", archive=archive, name=name),
            tr("do not trust it"),
        )
    return path


def _bomb(archive: Path, name: str, size: int) -> BadData:
    return BadData(
        tr("{archive}: member {name!a} unpacks to {size} bytes", archive=archive, name=name, size=size),
        tr("an archive bomb? unpack it yourself"),
    )


def _bounded_read(archive: Path, name: str, file: IO[bytes], size: int) -> bytes:
    data = file.read(size + 1)
    if len(data) != size:
        raise BadData(
            tr("{archive}: member {name!a} is not of the size it declares", archive=archive, name=name),
            tr("truncated or hostile archive"),
        )
    return data


def _is_wanted(path: PurePosixPath) -> bool:
    visible = not any(part.startswith((".", "__MACOSX")) for part in path.parts)
    return visible and path.suffix.lower() in PICTURE_SUFFIXES


def _zip_pictures(archive: Path) -> Iterator[RawPicture]:
    try:
        with zipfile.ZipFile(archive) as opened:
            members = opened.infolist()
            if len(members) > MAX_MEMBERS:
                raise BadData(tr("{archive}: {count} members", archive=archive, count=len(members)), tr("split it"))
            if sum(member.file_size for member in members) > MAX_RATIO * max(archive.stat().st_size, 1024):
                raise _bomb(archive, archive.name, sum(member.file_size for member in members))
            for member in members:
                _checked_name(archive, member.filename)
                if (member.external_attr >> 16) & 0o170000 == 0o120000:
                    raise BadData(
                        tr("{archive}: hostile archive: {name!a} is a link", archive=archive, name=member.filename),
                        tr("do not trust it"),
                    )
                if member.file_size > min(MAX_MEMBER_BYTES, MAX_RATIO * max(member.compress_size, 1024)):
                    raise _bomb(archive, member.filename, member.file_size)
            paths = {member: PurePosixPath(member.filename) for member in members if not member.is_dir()}
            wanted = {member: path for member, path in paths.items() if _is_wanted(path)}
            common = _common_folders(list(wanted.values()))
            for member, path in wanted.items():
                with opened.open(member) as file:
                    data = _bounded_read(archive, member.filename, file, member.file_size)
                yield RawPicture(str(path), _top_folder(path, common), data)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, *_DAMAGE) as error:
        raise BadData(
            tr("{archive}: not a whole zip archive: {error}", archive=archive, error=error), tr("download it again")
        ) from error


class _Bounded:
    """A stream that unpacks and never gives more than a member's worth at once: headers can lie about their size."""

    def __init__(self, archive: Path, file: IO[bytes]) -> None:
        self._archive, self._file = archive, file
        self.seek, self.tell, self.close = file.seek, file.tell, file.close

    def read(self, size: int = -1) -> bytes:
        """Read so many bytes; BadData for more than a member may have."""
        if not 0 <= size <= max(MAX_MEMBER_BYTES, tarfile.RECORDSIZE) + 1:
            raise _bomb(self._archive, "header", size)
        return self._file.read(size)


@contextmanager
def _opened_tar(archive: Path) -> Iterator[tarfile.TarFile]:
    unpack: dict[str, Any] = {".gz": gzip.open, ".tgz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
    with ExitStack() as stack:
        file = stack.enter_context(unpack.get(archive.suffix.lower(), open)(archive, "rb"))
        yield stack.enter_context(tarfile.open(fileobj=_Bounded(archive, file), mode="r:"))  # type: ignore[call-overload]


def _tar_pictures(archive: Path) -> Iterator[RawPicture]:
    """Yield a tar's pictures in one pass, after a first pass that looks at every member's header."""
    try:
        packed = archive.stat().st_size
        total, paths = 0, []
        with _opened_tar(archive) as opened:
            for count, member in enumerate(opened):
                path = _checked_name(archive, member.name)
                if member.isfile() and _is_wanted(path):
                    paths.append(path)
                if not (member.isfile() or member.isdir()):
                    raise BadData(
                        tr(
                            "{archive}: hostile archive: {name!a} is a link or device",
                            archive=archive,
                            name=member.name,
                        ),
                        tr("do not trust it"),
                    )
                total += member.size
                if member.size > MAX_MEMBER_BYTES or total > MAX_RATIO * max(packed, 1024):
                    raise _bomb(archive, member.name, total)
                if count > MAX_MEMBERS:
                    raise BadData(
                        tr("{archive}: more than {limit} members", archive=archive, limit=MAX_MEMBERS), tr("split it")
                    )
        common = _common_folders(paths)
        with _opened_tar(archive) as opened:
            for member in opened:
                path = PurePosixPath(member.name)
                file = opened.extractfile(member) if member.isfile() and _is_wanted(path) else None
                if file is not None:
                    data = _bounded_read(archive, member.name, file, member.size)
                    yield RawPicture(str(path), _top_folder(path, common), data)
    except (tarfile.TarError, *_DAMAGE) as error:
        raise BadData(
            tr("{archive}: not a whole tar archive: {error}", archive=archive, error=error), tr("download it again")
        ) from error
