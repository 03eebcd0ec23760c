"""What was copied out of a set, below some folders: runs trained on it, and files that hold its words.

Memories and sessions are JSON lines that aigc wrote from a set: they can be cleaned. Previews go on from held-out
words, which are cut and cannot be told by the letter, so the previews of a run go where any of what it held out goes.
Everything else, such as the export that the set was made from, is told of and left alone. Only text is looked into, and
archives for the set's sources; hidden files too.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aigc_cli.core.disk.files import atomic_path, no_input
from aigc_cli.core.disk.rundir import FolderLock
from aigc_cli.core.errors import AigcError, NoInput
from aigc_cli.core.words.messages import tr
from aigc_cli.core.words.plain import json_text
from aigc_cli.data.chat.exports import digest_of
from aigc_cli.data.chat.zipped import is_zipped, zipped_parts
from aigc_cli.data.forget.traces import Traces
from aigc_cli.data.walk import walk

MEMORY, PREVIEW, SESSION, SOURCE, TEXT = "memory", "preview", "session", "source", "text"
_SCHEMAS = {"aigc.preview/1": PREVIEW, "aigc.session/1": SESSION}
_LOOK = 8192  # bytes: a NUL among the first says that a file is no text
_LOG_SUFFIXES = (".json", ".jsonl", ".txt", ".csv")


@dataclass(frozen=True)
class Copy:
    """A file that holds what is forgotten, in so many lines; of a known `kind` it can be cleaned."""

    path: Path
    kind: str
    lines: int

    @property
    def known(self) -> bool:
        """Whether it is a copy that aigc made, and what is forgotten can be taken out of it."""
        return self.kind in (MEMORY, PREVIEW, SESSION)


@dataclass
class Found:
    """The runs that learned from the set, directly or by the run that they began with, and the files."""

    runs: list[Path] = field(default_factory=list)
    copies: list[Copy] = field(default_factory=list)


def search(
    folders: Sequence[Path],
    data: Path,
    hashes: Set[str],
    sources: Set[str],
    traces: Traces,
    sessions_of: Callable[[Path], Path | None],
    *,
    held_out: bool,
) -> Found:
    """Look through some folders, and the sessions of the runs in them.

    `data` is the set, which is passed over; `hashes` are its own, now and before, `sources` the SHA-256 of what it was
    made from. `held_out`: some of what goes was held out. Raises NoInput for a folder or a file that cannot be read:
    what was not seen is not said to be clean.
    """
    runs, on_the_set = _runs(folders, data, hashes)
    kept = (sessions_of(run) for run in runs)
    found = Found(runs)
    if not traces and not held_out:
        return found
    drawn = [path for run in on_the_set if held_out for path in sorted((run / "previews").glob("step-*.jsonl"))]
    found.copies += [Copy(path, PREVIEW, len(path.read_bytes().splitlines())) for path in drawn]
    told = {path.resolve() for path in drawn}
    for path in _files([*folders, *(place for place in kept if place is not None and place.is_dir())], data):
        if path.resolve() in told:
            continue
        try:
            copy = _copy(path, sources, traces)
        except OSError as error:
            raise no_input(path, error) from error
        found.copies += [copy] if copy else []
    return found


def _files(folders: Iterable[Path], data: Path) -> Iterator[Path]:
    """Yield each file below the folders once, but for the set's."""
    seen: set[Path] = set()
    for folder in folders:
        if not folder.is_dir():
            raise NoInput(tr("{folder}: no such folder", folder=folder), tr("check --search"))
        try:
            for listing in walk(folder):
                listing.folders = [
                    name for name in listing.folders if (listing.folder / name).resolve() != data.resolve()
                ]
                if listing.folder.resolve() == data.resolve():
                    continue
                for path in (listing.folder / name for name in listing.files):
                    if path.resolve() not in seen:
                        seen.add(path.resolve())
                        yield path
        except OSError as error:
            raise no_input(Path(error.filename or folder), error) from error


def _runs(folders: Sequence[Path], data: Path, hashes: Set[str]) -> tuple[list[Path], list[Path]]:
    """Return the runs on the set with those that began with one of these, as `--init` said; and the former alone."""
    records = {path.parent: _record(path) for path in _files(folders, data) if path.name == "aigc.json"}
    on_the_set = [run for run, record in records.items() if _of(record, "data", "hash") in hashes]
    found = list(on_the_set)
    known = {run.resolve() for run in found}
    more = True
    while more:
        more = False
        for run, record in records.items():
            init = _of(record, "settings", "init")
            if run.resolve() not in known and isinstance(init, str) and Path(init).resolve() in known:
                known.add(run.resolve())
                found.append(run)
                more = True
    return found, on_the_set


def _record(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return None


def _of(record: Any, *names: str) -> Any:
    for name in names:
        record = record.get(name) if isinstance(record, dict) else None
    return record


def _copy(path: Path, sources: Set[str], traces: Traces) -> Copy | None:
    """Return what a file holds of it, None if nothing is found."""
    if is_zipped(path):
        return Copy(path, SOURCE, 0) if _holds_a_source(path, sources) else None
    with path.open("rb") as file:
        if b"\0" in file.read(_LOOK):
            return None
    digest, kind, lines = hashlib.sha256(), "", 0
    with path.open("rb") as file:
        for line in file:
            digest.update(line)
            value = _value(line)
            kind = kind or _kind(path, value)
            lines += _holds(line, value, traces)
    if digest.hexdigest() in sources:
        return Copy(path, SOURCE, lines)
    return Copy(path, kind, lines) if lines else None


def _holds_a_source(archive: Path, sources: Set[str]) -> bool:
    try:
        with ExitStack() as kept:
            return any(digest_of(part).sha256 in sources for part in zipped_parts(archive, _LOG_SUFFIXES, kept))
    except AigcError:  # no log in it, or none that can be read
        return False


def _kind(path: Path, value: Any) -> str:
    """Return what a file is by its place and its first line."""
    if path.suffix == ".jsonl" and path.parent.name == "memory" and (path.parent.parent / "aigc.json").is_file():
        return MEMORY
    return _SCHEMAS.get(str(_of(value, "schema")), TEXT)


def _value(line: bytes) -> Any:
    """Return a line's JSON value, None if it has none."""
    if line.lstrip()[:1] not in (b"{", b"[", b'"'):
        return None
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _holds(line: bytes, value: Any, traces: Traces) -> bool:
    return traces.in_text(line.decode("utf-8", "replace")) if value is None else traces.in_value(value)


def clean(copy: Copy, traces: Traces, *, wait_seconds: float) -> None:
    """Take what is forgotten out of a known copy: lines of memories go, turns of sessions become empty, previews go.

    A turn stays as an empty one, since events count turns. Where the path is a link, what it leads to is cleaned, and
    the link stays. Locked where the run or the session is in use.
    """
    with _lock_of(copy, wait_seconds):
        path = copy.path.resolve()
        if copy.kind == PREVIEW:
            path.unlink()
        else:
            _without(path, copy.kind, traces)


def _without(path: Path, kind: str, traces: Traces) -> None:
    private = not path.stat().st_mode & 0o077
    with (
        path.open("rb") as old,
        atomic_path(path, private=private) as temporary,
        temporary.open("wb") as new,
    ):
        for line in old:
            value = _value(line)
            if not _holds(line, value, traces):
                new.write(line)
            elif kind == SESSION and isinstance(value, dict) and "content" in value:
                new.write(json_text({**value, "content": "", "bubbles": []}).encode() + b"\n")


def _lock_of(copy: Copy, wait_seconds: float) -> Any:
    if copy.kind == SESSION:
        return FolderLock(copy.path, wait_seconds=wait_seconds)
    run = copy.path.parent.parent
    return FolderLock(run, wait_seconds=wait_seconds) if (run / "aigc.json").is_file() else nullcontext()
