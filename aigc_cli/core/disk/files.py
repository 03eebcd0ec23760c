"""Files that appear complete or not at all, and readers that say what is wrong with a file.

Everything the tool writes goes through `atomic_path` or `atomic_folder`: a temporary sibling, fsync,
rename, fsync of the folder. Knows nothing of what the files mean.
"""

import errno
import fcntl
import hashlib
import json
import os
import re
import secrets
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aigc_cli.core.errors import AigcError, BadData, CannotCreate, NoInput
from aigc_cli.core.machine.platform import exchange, flush_to_disk
from aigc_cli.core.words.messages import later, system_reason, tr
from aigc_cli.core.words.plain import json_text, well_formed

_is_private = False
_REMEDIES = {
    errno.ENOSPC: later("free some space and run the same command again"),
    errno.EROFS: later("choose a folder on a writable disk"),
    errno.EACCES: later("choose a folder that you may write to"),
    errno.EPERM: later("choose a folder that you may write to"),
}


def cannot_create(path: Path, error: OSError) -> CannotCreate:
    """Return the error that explains why `path` could not be written."""
    return CannotCreate(
        tr("{path}: cannot write: {reason}", path=path, reason=system_reason(error)),
        tr(_REMEDIES.get(error.errno or 0, later("check the path"))),
    )


def make_dir(path: Path, *, private: bool = False) -> Path:
    """Create a folder and its parents (mode 0700 when private), and return it. CannotCreate if impossible."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(exist_ok=True, mode=0o700 if private else 0o777)
        if private and not any(path.iterdir()):  # one that was there before, empty: nobody relies on its mode
            path.chmod(0o700)
    except OSError as error:
        raise cannot_create(path, error) from error
    return path


def be_private() -> None:
    """Let all that this process and the libraries in it create from here on be for its owner alone (umask 077).

    All threads share the umask, so this is called before any other starts; a second call does nothing.
    """
    global _is_private
    if not _is_private:
        os.umask(0o077)
    _is_private = True


def new_private_file(path: Path) -> int:
    """Create a file that is 0600 from its first moment, and return its descriptor, open for writing."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)


def create_file(path: Path) -> bool:
    """Make an empty file, and its folder, where there is none; return whether it did. CannotCreate if impossible."""
    make_dir(path.absolute().parent)
    try:
        path.open("xb").close()
    except FileExistsError:
        return False
    except OSError as error:
        raise cannot_create(path, error) from error
    return True


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        flush_to_disk(descriptor)
    finally:
        os.close(descriptor)


def _sibling(path: Path, suffix: str) -> Path:
    """Return a new name beside `path`, one that `sweep_unfinished` knows."""
    return path.parent / f".{path.name}.{secrets.token_hex(4)}.{suffix}"


@contextmanager
def atomic_path(
    path: Path, *, private: bool = False, put: Callable[[Path, Path], object] = Path.replace
) -> Iterator[Path]:
    """Yield a temporary sibling to write; on success it replaces `path`, on any failure nothing is left.

    It has its mode from the first moment: 0600 when private, else what the umask leaves. `put` gives it its name.
    Raises CannotCreate for whatever the file system refuses (full disk, read-only folder), and for a device or pipe,
    which must not be replaced.
    """
    if path.exists() and not path.is_file():
        raise CannotCreate(tr("{path}: is there and not a file", path=path), tr("choose another output"))
    temporary = descriptor = None
    try:
        name = _sibling(path, "part")
        descriptor = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o666)
        temporary = name
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # alive: see `sweep_unfinished`
        yield temporary
        _sync(temporary)
        put(temporary, path)
        temporary = None
        _sync(path.parent)
    except OSError as error:
        raise cannot_create(path, error) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        if descriptor is not None:
            os.close(descriptor)


def behind_link(path: Path) -> Path:
    """Return what a path leads to if it is a link, which need not be there yet, else the path as it is."""
    return path.resolve() if path.is_symlink() else path


@contextmanager
def atomic_folder(path: Path, *, private: bool = False, replace: bool = False) -> Iterator[Path]:
    """Yield a temporary sibling folder; on success it becomes `path`, on any failure nothing is left.

    An existing `path` is refused unless `replace`, in which case the two change places (where the file system cannot do
    that, it is moved aside) and it is removed only after the new folder is in place. Where it is a link, what it leads
    to is meant, and the link stays. A private folder is 0700 from the first moment; who writes into it gives modes to
    files.
    """
    path = behind_link(path)
    if path.exists() and not replace:
        raise CannotCreate(tr("{path}: already exists", path=path), tr("choose another output, or --force"))
    temporary = descriptor = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep_unfinished(path)
        temporary, descriptor = _living_folder(path, 0o700 if private else 0o777)
        yield temporary
        for file in sorted(temporary.rglob("*.jsonl")) + sorted(temporary.glob("*")):
            _sync(file)
        _exchange(temporary, path)
        temporary = None
        _sync(path.parent)
    except OSError as error:
        raise cannot_create(path, error) from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
        if descriptor is not None:
            os.close(descriptor)


def _living_folder(path: Path, mode: int) -> tuple[Path, int]:
    """Make a temporary sibling folder that is locked, so that no other process takes it for one that was left."""
    while True:
        temporary = _sibling(path, "part")
        temporary.mkdir(mode=mode)
        descriptor = os.open(temporary, os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if temporary.exists():  # it was not swept away before it was locked
            return temporary, descriptor
        os.close(descriptor)


def sweep_unfinished(path: Path) -> None:
    """Remove the temporary siblings of `path` that killed processes left, and put back what they had moved aside.

    What a living process writes is locked and stays.
    """
    named = re.compile(rf"\.{re.escape(path.name)}\.[a-z0-9_]{{8}}\.(part|old)")
    left = [entry for entry in path.parent.glob(".*") if named.fullmatch(entry.name)]
    if any([_is_alive(entry) for entry in left if entry.suffix == ".part"]):
        return
    for entry in left:
        if entry.suffix == ".old" and not path.exists() and (entry / path.name).exists():
            (entry / path.name).replace(path)
        if entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)


def _is_alive(temporary: Path) -> bool:
    """Whether a process is writing it."""
    try:
        descriptor = os.open(temporary, os.O_RDONLY)
    except OSError:
        return False  # gone by now
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _exchange(temporary: Path, path: Path) -> None:
    try:
        temporary.replace(path)  # over nothing, or over an empty folder
        return
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
    if exchange(temporary, path):  # at no moment is nothing there
        _sync(path.parent)
        shutil.rmtree(temporary, ignore_errors=True)
        return
    aside = _sibling(path, "old")
    aside.mkdir(mode=0o700)
    path.replace(aside / path.name)
    try:
        temporary.replace(path)
    except OSError:
        (aside / path.name).replace(path)
        raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def write_bytes(path: Path, data: bytes, *, private: bool = False) -> None:
    """Write a whole file atomically."""
    with atomic_path(path, private=private) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str, *, private: bool = False) -> None:
    """Write a whole UTF-8 file atomically; what UTF-8 cannot write, as in names of other encodings, becomes U+FFFD."""
    write_bytes(path, well_formed(text).encode("utf-8"), private=private)


def write_json(path: Path, value: Any, *, private: bool = False) -> None:
    """Write indented UTF-8 JSON atomically, keys in the order given."""
    write_text(path, json_text(value, indent=1) + "\n", private=private)


def write_jsonl(path: Path, records: Iterable[dict[str, Any]], *, private: bool = False) -> int:
    """Write one JSON object a line, atomically, and return how many."""
    count = 0
    with atomic_path(path, private=private) as temporary, temporary.open("w", encoding="utf-8") as file:
        for record in records:
            file.write(json_text(record) + "\n")
            count += 1
    return count


def read_bytes(path: Path) -> bytes:
    """Read a whole file; NoInput if it is not there or not readable, BadData for a device or pipe."""
    try:
        require_file(path)
        return path.read_bytes()
    except OSError as error:
        raise no_input(path, error) from error


def require_file(path: Path) -> None:
    """Raise BadData for a device or pipe, which may never end, and OSError where there is nothing."""
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise BadData(tr("{path}: a device or pipe, not a file", path=path), tr("- reads a pipe"))


def no_input(path: Path, error: OSError) -> AigcError:
    """Return the error that explains why `path` could not be read."""
    return NoInput(tr("{path}: {reason}", path=path, reason=system_reason(error)), tr("check the path"))


def read_json(path: Path) -> Any:
    """Read a UTF-8 JSON file; NoInput if missing, BadData with the position if it does not parse."""
    try:
        return json.loads(read_bytes(path).decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise BadData(
            tr("{path}: not UTF-8 at byte {byte}", path=path, byte=error.start), tr("is this the right file?")
        ) from error
    except json.JSONDecodeError as error:
        raise BadData(
            tr(
                "{path}: not valid JSON at line {line}, column {column}: {reason}",
                path=path,
                line=error.lineno,
                column=error.colno,
                reason=error.msg,
            ),
            tr("truncated? export or copy it again"),
        ) from error
    except ValueError as error:
        raise BadData(
            tr("{path}: not valid JSON: {error}", path=path, error=error), tr("is this the right file?")
        ) from error
    except RecursionError as error:
        raise BadData(tr("{path}: JSON nested too deeply", path=path), tr("is this the right file?")) from error


def read_jsonl(path: Path, start: int = 0, end: int | None = None) -> Iterator[dict[str, Any]]:
    """Yield the objects of a JSONL file, or only of the lines that begin in its bytes start..end-1.

    Raises NoInput if it is missing, BadData with the line number if a line is broken.
    """
    try:
        require_file(path)
        with path.open("rb") as file:
            if start:
                file.seek(start - 1)
                file.readline()
            first = place = file.tell()
            for number, line in enumerate(file, start=1):
                if end is not None and place >= end:
                    return
                place += len(line)
                if line.strip():
                    yield _jsonl_object(path, first, number, line)
    except OSError as error:
        raise no_input(path, error) from error


def _lines_before(path: Path, place: int) -> int:
    with path.open("rb") as file:
        return sum(file.read(min(1 << 20, place - at)).count(b"\n") for at in range(0, place, 1 << 20))


def _jsonl_object(path: Path, first: int, number: int, line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:  # beside syntax, integers of thousands of digits
        number += _lines_before(path, first)
        raise BadData(
            tr("{path}: line {number} is not valid JSON", path=path, number=number), tr("truncated? make it again")
        ) from error
    if not isinstance(value, dict):
        number += _lines_before(path, first)
        raise BadData(
            tr("{path}: line {number} is not a JSON object", path=path, number=number), tr("is this the right file?")
        )
    return value


def sha256_bytes(data: bytes) -> str:
    """Return the hexadecimal SHA-256 of some bytes."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file's content; NoInput if it is not there."""
    try:
        require_file(path)
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise no_input(path, error) from error


def check_free_space(folder: Path, needed_bytes: int) -> None:
    """Raise CannotCreate when the disk of `folder` (or its nearest parent) has less than `needed_bytes` free."""
    place = folder.absolute()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if free < needed_bytes:
        raise CannotCreate(
            tr(
                "{folder}: needs about {needed:.0f} MB and {free:.0f} MB are free",
                folder=folder,
                needed=needed_bytes / 1e6,
                free=free / 1e6,
            ),
            tr("free some space or choose another disk"),
        )
