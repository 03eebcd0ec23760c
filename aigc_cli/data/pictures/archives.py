"""Pictures in zip and tar archives, read member by member, never unpacked.

An archive with a member that would escape its folder, that is a device or a link out of the archive, or that unpacks to
far more than it holds is refused whole. A link within the archive is the file that it names. Knows nothing of what is
in a picture.
"""

import bz2
import gzip
import lzma
import posixpath
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Any

from aigc_cli.core.errors import BadData
from aigc_cli.core.words.messages import later, tr
from aigc_cli.data.packed import DAMAGE
from aigc_cli.data.pictures.raw import HEAD, RawPicture, archive_kind, begins_as_picture, has_picture_name

MAX_MEMBER_BYTES = 256 * 1024**2
MAX_RATIO = 200  # pictures hardly compress; a member that grows more than this is a bomb
MAX_MEMBERS = 1_000_000
MAX_LINK_BYTES = 4096  # of the path that a link in a zip names
MAX_LINKS = 40  # from one to the next, as Linux follows them
_ENCRYPTED = 0x1
_LINK = 0o120000
_AES = 99  # stands where the method would
# What is in common use and not in Python's library (APPNOTE.TXT 6.3.10, sec. 4.4.5).
_METHODS = {
    9: later("compressed with Deflate64"),
    93: later("compressed with Zstandard"),
    95: later("compressed with XZ"),
    98: later("compressed with PPMd"),
}
ENCRYPTED, NOWHERE, TO_FOLDER = later("encrypted"), later("a link to nothing"), later("a link to a folder")


@dataclass
class _Contents:
    """What is in an archive: the paths of its files, of the pictures among them, and its links with their targets."""

    archive: Path
    files: set[PurePosixPath] = field(default_factory=set)
    pictures: list[PurePosixPath] = field(default_factory=list)
    links: dict[PurePosixPath, PurePosixPath] = field(default_factory=dict)

    def add_link(self, path: PurePosixPath, target: str) -> None:
        """Note a link; BadData if it leads out of the archive."""
        inside = PurePosixPath(posixpath.normpath(target))
        if inside.is_absolute() or ".." in inside.parts[:1]:
            raise BadData(
                tr("{archive}: hostile archive: {name!a} is a link out of it", archive=self.archive, name=str(path)),
                tr("do not trust it"),
            )
        self.links[path] = inside

    def common_folders(self) -> int:
        """Return 1 if all pictures lie in one folder, which then says nothing of a picture, else 0."""
        first = self.pictures[0].parts[0] if self.pictures else ""
        return int(bool(first) and all(len(path.parts) > 1 and path.parts[0] == first for path in self.pictures))

    def linked_pictures(self) -> Iterator[RawPicture]:
        """Yield what the links stand for: a picture that is there anyway, or why they stand for none."""
        pictures, folders = set(self.pictures), {folder for path in self.pictures for folder in path.parents}
        for path in self.links:
            target = path
            for _ in range(MAX_LINKS):
                target = self.links.get(target, target)
            if not _is_visible(path):
                continue
            if target in pictures:
                yield RawPicture(str(path), "", b"", later("duplicate"))
            elif target in folders:
                yield RawPicture(str(path), "", b"", TO_FOLDER)
            elif has_picture_name(path) and target not in self.files:
                yield RawPicture(str(path), "", b"", NOWHERE)


def archived_pictures(archive: Path) -> Iterator[RawPicture]:
    """Yield the pictures of an archive in its order; those that cannot be read with their problem.

    Raises BadData if it is hostile, damaged, of a kind that is not read, or if none of its pictures can be.
    """
    kind = archive_kind(archive)
    if kind == "zip":
        yield from _zip_pictures(archive)
    elif kind in _UNPACK:
        yield from _tar_pictures(archive, _UNPACK[kind])
    else:
        raise BadData(
            tr("{archive}: a {kind} archive, which is not read", archive=archive, kind=kind),
            tr("unpack it and name the folder, or pack it as .zip or .tar.gz"),
        )


def _top_folder(path: PurePosixPath, skipped: int) -> str:
    return path.parts[skipped] if len(path.parts) > skipped + 1 else ""


def _is_visible(path: PurePosixPath) -> bool:
    return not any(part.startswith((".", "__MACOSX")) for part in path.parts)


def _is_wanted(path: PurePosixPath, head: Callable[[], bytes]) -> bool:
    """Tell whether a member is a picture; its first bytes are read only where its name does not say so."""
    return _is_visible(path) and (has_picture_name(path) or begins_as_picture(head()))


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


@contextmanager
def _explained(archive: Path, kind: str) -> Iterator[None]:
    """Turn whatever reading a damaged archive raises into BadData."""
    try:
        yield
    except (zipfile.BadZipFile, tarfile.TarError, NotImplementedError, RuntimeError, OSError, *DAMAGE) as error:
        what = tr("{archive}: not a whole {kind} archive: {error}", archive=archive, kind=kind, error=error)
        raise BadData(what, tr("download it again")) from error


def _zip_pictures(archive: Path) -> Iterator[RawPicture]:
    with _explained(archive, "zip"), zipfile.ZipFile(archive) as opened:
        contents = _Contents(archive)
        wanted = [
            (path, member, _zip_problem(member))
            for path, member in _zip_files(archive, opened, contents)
            if _is_wanted(path, partial(_zip_head, opened, member))
        ]
        contents.pictures = [path for path, _, _ in wanted]
        _refuse_unreadable(archive, [problem for _, _, problem in wanted])
        common = contents.common_folders()
        for path, member, problem in wanted:
            data = b""
            if not problem:
                with opened.open(member) as file:
                    data = _bounded_read(archive, member.filename, file, member.file_size)
            yield RawPicture(str(path), _top_folder(path, common), data, problem)
        yield from contents.linked_pictures()


def _zip_files(
    archive: Path, opened: zipfile.ZipFile, contents: _Contents
) -> list[tuple[PurePosixPath, zipfile.ZipInfo]]:
    """Return a zip's files with their paths after a look at every member; notes files and links in `contents`."""
    members = opened.infolist()
    if len(members) > MAX_MEMBERS:
        raise BadData(tr("{archive}: {count} members", archive=archive, count=len(members)), tr("split it"))
    if sum(member.file_size for member in members) > MAX_RATIO * max(archive.stat().st_size, 1024):
        raise _bomb(archive, archive.name, sum(member.file_size for member in members))
    files = []
    for member in members:
        path = _checked_name(archive, member.filename)
        if member.file_size > min(MAX_MEMBER_BYTES, MAX_RATIO * max(member.compress_size, 1024)):
            raise _bomb(archive, member.filename, member.file_size)
        if (member.external_attr >> 16) & 0o170000 == _LINK:
            if not _zip_problem(member):
                with opened.open(member) as file:
                    target = file.read(MAX_LINK_BYTES).decode("utf-8", "surrogateescape")
                contents.add_link(path, posixpath.join(path.parent, target))
        elif not member.is_dir():
            files.append((path, member))
            contents.files.add(path)
    return files


def _zip_problem(member: zipfile.ZipInfo) -> str:
    """Return why a zip's member cannot be read, "" if it can."""
    if member.flag_bits & _ENCRYPTED or member.compress_type == _AES:
        return ENCRYPTED
    if member.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        return ""
    return _METHODS.get(member.compress_type, later("compressed in a way that is not read"))


def _zip_head(opened: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    if _zip_problem(member):
        return b""
    with opened.open(member) as file:
        return file.read(HEAD)


def _refuse_unreadable(archive: Path, problems: list[str]) -> None:
    """Raise BadData if none of an archive's pictures can be read, with what to do about the first."""
    if not problems or not all(problems):
        return
    if problems[0] == ENCRYPTED:
        remedy = tr("unpack it with its password and name the folder")
    else:
        remedy = tr("unpack it and name the folder, or pack it again with the usual method (Deflate)")
    raise BadData(tr("{archive}: its pictures are {problem}", archive=archive, problem=tr(problems[0])), remedy)


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


_Unpack = Callable[..., Any]
_UNPACK: dict[str, _Unpack] = {"tar": open, "gzip": gzip.open, "bzip2": bz2.open, "xz": lzma.open}


@contextmanager
def _opened_tar(archive: Path, unpack: _Unpack) -> Iterator[tarfile.TarFile]:
    with ExitStack() as stack:
        file = stack.enter_context(unpack(archive, "rb"))
        yield stack.enter_context(tarfile.open(fileobj=_Bounded(archive, file), mode="r:"))  # type: ignore[call-overload]


def _tar_pictures(archive: Path, unpack: _Unpack) -> Iterator[RawPicture]:
    """Yield a tar's pictures in one pass, after a first pass that looks at every member's header."""
    with _explained(archive, "tar"):
        contents = _tar_contents(archive, unpack)
        wanted, common = set(contents.pictures), contents.common_folders()
        with _opened_tar(archive, unpack) as opened:
            for member in opened:
                path = _checked_name(archive, member.name)
                file = opened.extractfile(member) if member.isfile() and path in wanted else None
                if file is not None:
                    data = _bounded_read(archive, member.name, file, member.size)
                    yield RawPicture(str(path), _top_folder(path, common), data)
        yield from contents.linked_pictures()


def _tar_contents(archive: Path, unpack: _Unpack) -> _Contents:
    """Return what is in a tar; BadData if anything in it is hostile."""
    packed, total = archive.stat().st_size, 0
    contents = _Contents(archive)
    with _opened_tar(archive, unpack) as opened:
        for count, member in enumerate(opened):
            path = _checked_name(archive, member.name)
            total += member.size
            if member.size > MAX_MEMBER_BYTES or total > MAX_RATIO * max(packed, 1024):
                raise _bomb(archive, member.name, total)
            if count > MAX_MEMBERS:
                raise BadData(
                    tr("{archive}: more than {limit} members", archive=archive, limit=MAX_MEMBERS), tr("split it")
                )
            if member.issym() or member.islnk():
                contents.add_link(path, posixpath.join(path.parent if member.issym() else "", member.linkname))
            elif member.isfile():
                contents.files.add(path)
                if _is_wanted(path, partial(_tar_head, opened, member)):
                    contents.pictures.append(path)
            elif not member.isdir():
                raise BadData(
                    tr("{archive}: hostile archive: {name!a} is a device", archive=archive, name=member.name),
                    tr("do not trust it"),
                )
    return contents


def _tar_head(opened: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = opened.extractfile(member)
    return file.read(HEAD) if file is not None else b""
