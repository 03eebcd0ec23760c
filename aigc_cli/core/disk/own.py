"""Which files aigc wrote, by the label or the schema in them, and how it replaces those and nobody else's.

For outputs that are one file which the user names. Knows nothing of commands.
"""

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from aigc_cli.core.disk.files import atomic_path, no_input, read_json, require_file
from aigc_cli.core.disk.labels import label_record_of
from aigc_cli.core.disk.provenance import PRODUCER
from aigc_cli.core.errors import BadData, CannotCreate
from aigc_cli.core.machine.platform import exchange
from aigc_cli.core.words.messages import tr

SCHEMA_PREFIX = "aigc."
_BEGIN = f'{{"schema": "{SCHEMA_PREFIX}'.encode()  # of JSON lines, as they are written
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS)


def written_by_aigc(path: Path) -> bool:
    """Say whether a file was written by aigc: it carries its label, or its first JSON record has a schema of ours.

    An empty file is nobody's, and may be written. NoInput if it cannot be read.
    """
    try:
        require_file(path)
        if path.stat().st_size == 0:
            return True
        with path.open("rb") as file:
            first = file.readline()
    except BadData:  # a device or pipe
        return False
    except OSError as error:
        raise no_input(path, error) from error
    if first.lstrip().startswith(b"{"):
        return _has_own_schema(path, first)
    known = label_record_of(path, str(path))
    return known["status"] == "labelled" and str(known["AIGC"]["ContentProducer"]).startswith(PRODUCER)


def _has_own_schema(path: Path, first: bytes) -> bool:
    """Say so of JSON lines by the first, which may have been cut off as it was written, or of a whole JSON value."""
    if not first.endswith(b"\n") and first[: len(_BEGIN)] == _BEGIN[: len(first)]:
        return True
    try:
        record = json.loads(first)
    except (ValueError, RecursionError):
        try:
            record = read_json(path)
        except BadData:
            return False
    return isinstance(record, dict) and str(record.get("schema", "")).startswith(SCHEMA_PREFIX)


def refuse_foreign(path: Path, *, force: bool = False) -> None:
    """Raise CannotCreate where `path` is a file that aigc did not write, unless it may be replaced by `force`."""
    if path.is_file() and not force and not written_by_aigc(path):
        raise CannotCreate(
            tr("{path}: is there, and aigc did not write it", path=path),
            tr("choose another name, or --force to replace it"),
        )


def claim(path: Path, *, private: bool = False, force: bool = False) -> None:
    """Raise CannotCreate where `path` is a file that aigc did not write; with `force`, leave an empty one there."""
    refuse_foreign(path, force=force)
    if path.is_file() and not written_by_aigc(path):
        write_own(path, b"", private=private, force=True)


@contextmanager
def own_path(path: Path, *, private: bool = False, force: bool = False, fresh: bool = False) -> Iterator[Path]:
    """Yield a temporary sibling that takes the place of nothing, or of a file that aigc wrote, in one step.

    Where a file that is not ours has come there meanwhile, it stays, and CannotCreate says so; with `force` it goes.
    With `fresh` nothing at all may be there.
    """
    if not fresh:
        refuse_foreign(path, force=force)

    def put(temporary: Path, path: Path) -> None:
        if force:
            temporary.replace(path)
        elif not _put_where_nothing_is(temporary, path):
            if fresh:
                raise CannotCreate(tr("{path}: is there already", path=path), tr("choose another name"))
            _put_for_own(temporary, path)

    with atomic_path(path, private=private, put=put) as temporary:
        yield temporary


def write_own(path: Path, data: bytes, *, private: bool = False, force: bool = False, fresh: bool = False) -> None:
    """Write a whole file as `own_path` does."""
    with own_path(path, private=private, force=force, fresh=fresh) as temporary:
        temporary.write_bytes(data)


def _put_where_nothing_is(temporary: Path, path: Path) -> bool:
    """Give the file its name, and return whether it could: not where something has the name."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if os.path.lexists(path):  # a file system without links has no better way
            return False
        temporary.replace(path)
        return True
    temporary.unlink()
    return True


def _put_for_own(temporary: Path, path: Path) -> None:
    """Let two files of ours change places and delete the old one; what turns out to be another's is put back."""
    refuse_foreign(path)
    if not exchange(temporary, path):  # a file system that cannot: the look above was just now
        temporary.replace(path)
        return
    try:
        refuse_foreign(temporary)
    except CannotCreate:
        with suppress(FileNotFoundError):
            exchange(temporary, path)
            refuse_foreign(path)  # by its name
        os.link(temporary, path)  # ours is gone already
        raise
    temporary.unlink()
