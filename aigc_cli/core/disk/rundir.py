"""The run folder: its names, its lock, and `aigc.json`, the record of what the run is.

Knows nothing of what is trained. A run has one kind for life, `face` or `text`.
"""

import fcntl
import os
import re
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aigc_cli import __version__
from aigc_cli.core.disk.files import behind_link, cannot_create, create_file, make_dir, read_json, write_json
from aigc_cli.core.errors import BadConfig, BadData, CannotCreate, Locked, NoInput
from aigc_cli.core.words.messages import tr

SCHEMA = "aigc.run/1"
KINDS = ("face", "text")
# Settings that change where and how fast a run trains, not what it computes for; and its length, which the loop judges.
NOT_COMPARED = frozenset(
    {"threads", "device", "parallel", "save_minutes", "save_every", "keep", "tensorboard", "steps", "minutes"}
)
ANIMATION = "training.png"  # of the previews, beside them
SWEEP = "sweep.jsonl"  # trials of settings, which come before the run
# Everything that training writes in a run's root, the record last.
WRITTEN = (
    "checkpoints",
    "previews",
    "adapter",
    "metrics.jsonl",
    SWEEP,
    "tensorboard",
    "config.json",
    "generator.safetensors",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.jinja",
    "generation_config.json",
    "README.md",
    "aigc.json",
)
# And inside the folders among these, and of its temporaries.
_WRITTEN_BELOW = re.compile(
    r"checkpoints/step-\d+/[^/]+|previews/(step-\d+\.(png|jsonl|txt)|training\.png)|adapter/adapter_[^/]+"
    r"|tensorboard/events\.[^/]+|([^/]+/)*\.[^/]+\.part(/.*)?"
)


class FolderLock:
    """An exclusive `flock` on a folder or file itself, no lock file; the second process gets Locked (75), or waits."""

    def __init__(self, folder: Path, *, wait_seconds: float = 0.0) -> None:
        self._folder = folder
        self._wait_seconds = wait_seconds
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        deadline = time.monotonic() + self._wait_seconds
        while self._descriptor is None:
            try:
                descriptor = os.open(self._folder, os.O_RDONLY)
            except OSError as error:
                raise cannot_create(self._folder, error) from error
            try:
                self._wait(descriptor, deadline)
                if self._is_named(descriptor):
                    self._descriptor = descriptor
            finally:
                if self._descriptor is None:
                    os.close(descriptor)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _wait(self, descriptor: int, deadline: float) -> None:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError as error:
                if time.monotonic() >= deadline:
                    raise Locked(
                        tr("{folder}: another aigc process is working in it", folder=self._folder),
                        tr("wait, or --lock-wait SECONDS"),
                    ) from error
            time.sleep(0.1)

    def _is_named(self, descriptor: int) -> bool:
        """Say whether what was locked is still what the path names: the one before may have replaced it."""
        try:
            return os.path.samestat(os.fstat(descriptor), self._folder.stat())
        except FileNotFoundError:
            return False


@contextmanager
def output_folder(path: Path, *, wait_seconds: float = 0.0, private: bool = False) -> Iterator[None]:
    """Make a folder where there is none and hold its lock; afterwards nothing stays of an empty one made here."""
    path = behind_link(path)
    missing = [place for place in (path, *path.parents) if not place.exists()]
    make_dir(path, private=private)
    try:
        with FolderLock(path, wait_seconds=wait_seconds):
            yield
    finally:
        for place in missing:
            with suppress(OSError):  # something is in it
                place.rmdir()


@contextmanager
def output_file(path: Path, *, wait_seconds: float = 0.0) -> Iterator[None]:
    """Make a file where there is none and hold its lock; afterwards nothing stays of an empty one made here."""
    is_new = create_file(path)
    with FolderLock(path, wait_seconds=wait_seconds):
        try:
            yield
        finally:
            if is_new and path.stat().st_size == 0:
                path.unlink()


class RunDir:
    """Names everything in a run folder. `open_for_training` makes or checks it; `open_for_reading` requires it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.record_path = path / "aigc.json"
        self.metrics_path = path / "metrics.jsonl"
        self.previews = path / "previews"
        self.animation = self.previews / ANIMATION
        self.tensorboard = path / "tensorboard"
        self.checkpoints = path / "checkpoints"

    def record(self) -> dict[str, Any]:
        """Return `aigc.json`; NoInput if this is no run, BadData if it is of a newer format."""
        if not self.record_path.is_file():
            missing = tr("not a run (it has no aigc.json)") if self.path.exists() else tr("no such folder")
            raise NoInput(
                tr("{path}: {missing}", path=self.path, missing=missing),
                tr("give a folder made by aigc train-gan or train-gpt"),
            )
        record = read_json(self.record_path)
        if not isinstance(record, dict) or record.get("kind") not in KINDS:
            raise BadData(
                tr("{path}: not a run's record", path=self.record_path), tr("restore it from a backup or train again")
            )
        if not isinstance(record.get("status", ""), str) or not isinstance(record.get("step", 0), int):
            raise BadData(
                tr("{path}: not a run's record", path=self.record_path), tr("restore it from a backup or train again")
            )
        if record.get("schema") != SCHEMA:
            raise BadData(
                tr("{path}: format {schema!r}", path=self.record_path, schema=record.get("schema")),
                tr("this version reads {schema}", schema=SCHEMA),
            )
        return record

    def update_record(self, **changes: Any) -> dict[str, Any]:
        """Change some keys of `aigc.json` and return the whole."""
        record = {**self.record(), **changes}
        write_json(self.record_path, record)
        return record

    def checkpoint_steps(self) -> list[int]:
        """Return the steps that have a whole checkpoint, oldest first."""
        if not self.checkpoints.is_dir():
            return []
        names = (re.fullmatch(r"step-(\d+)", entry.name) for entry in self.checkpoints.iterdir())
        return sorted(int(name.group(1)) for name in names if name)

    def checkpoint(self, step: int) -> Path:
        """Return the folder of the checkpoint at a step."""
        return self.checkpoints / f"step-{step}"


def read_run(path: Path, kind: str | None = None) -> dict[str, Any]:
    """Return the record of the run at `path`; BadData (65) if it is not of the `kind` asked for."""
    record = RunDir(path).record()
    if kind is not None and record["kind"] != kind:
        raise BadData(
            tr("{path}: a {kind} run; this needs a {needed} run", path=path, kind=record["kind"], needed=kind),
            tr("give the other run"),
        )
    return record


def existing_run(
    path: Path, kind: str, settings: dict[str, Any], data: dict[str, Any], *, resume: str
) -> dict[str, Any] | None:
    """Return the record of the run that training into `path` would go on with, None if it would begin one.

    Changes nothing. Raises BadConfig where the run has other settings, CannotCreate where `path` holds other things.
    """
    run = RunDir(path)
    if run.record_path.exists() and resume != "restart":
        record = run.record()
        _require_same(run, record, kind, settings, data)
        return record
    if path.exists() and not path.is_dir():
        raise CannotCreate(tr("{path}: not a folder", path=path), tr("choose another output"))
    entries = path.iterdir() if path.exists() and not run.record_path.exists() else ()
    strange = [entry.name for entry in entries if not entry.name.startswith(".") and entry.name != SWEEP]
    if strange:
        raise CannotCreate(
            tr("{path}: not empty and not a run ({name} is in it)", path=path, name=strange[0]),
            tr("choose a new folder"),
        )
    return None


def open_for_training(
    path: Path, kind: str, settings: dict[str, Any], data: dict[str, Any], *, resume: str, private: bool
) -> tuple[RunDir, dict[str, Any]]:
    """Make a run folder, or accept the existing one, and return it with its record.

    `data` is {"path", "hash"}. An existing run must be of the same kind and data and have the same settings
    (BadConfig says what differs), unless `resume` is "restart", which deletes what the run wrote. The caller
    holds the lock.
    """
    run = RunDir(path)
    existing = existing_run(path, kind, settings, data, resume=resume)
    if existing is not None:
        _sweep_unfinished(run)
        return run, existing
    if run.record_path.exists():
        delete_run(run)
    make_dir(run.checkpoints, private=private)
    record = {
        "schema": SCHEMA,
        "kind": kind,
        "status": "new",
        "step": 0,
        "total_steps": None,
        "seconds": 0.0,
        "best": None,
        "settings": settings,
        "data": data,
        "private": private,
        "versions": versions(),
    }
    write_json(run.record_path, record)
    return run, record


def versions() -> dict[str, str]:
    """Return the versions of what computes: aigc, Python, torch."""
    torch = sys.modules.get("torch")
    python = ".".join(str(part) for part in sys.version_info[:3])
    return {"aigc": __version__, "python": python, **({"torch": torch.__version__} if torch else {})}


def _require_same(
    run: RunDir, record: dict[str, Any], kind: str, settings: dict[str, Any], data: dict[str, Any]
) -> None:
    if record["kind"] != kind:
        raise BadData(
            tr("{path}: a {kind} run; this trains a {needed} run", path=run.path, kind=record["kind"], needed=kind),
            tr("choose another -o"),
        )
    old, had = record.get("settings"), record.get("data")
    if not isinstance(old, dict) or not isinstance(had, dict) or not {"path", "hash"} <= had.keys():
        raise BadData(
            tr("{path}: not a run's record", path=run.record_path), tr("restore it from a backup or train again")
        )
    different = [
        tr("{name} was {old!r}, is {new!r}", name=name.replace("_", "-"), old=old.get(name), new=settings.get(name))
        for name in settings
        # A setting that the run's version did not have yet cannot have been another.
        if name not in NOT_COMPARED and name in old and old[name] != settings[name]
    ]
    if had["hash"] != data["hash"]:
        different.append(tr("the data was {path}, is other data now", path=had["path"]))
    if different:
        raise BadConfig(
            tr(
                "{path}: the run there has other settings: {differences}",
                path=run.path,
                differences="; ".join(different),
            ),
            tr("use the same settings, another -o, or --resume restart"),
        )


def _sweep_unfinished(run: RunDir) -> None:
    """Delete the temporary siblings that a killed process left, and put back what it had moved aside.

    The lock says that nobody writes them now.
    """
    for place in (run.path, run.checkpoints, run.previews):
        for aside in place.glob(".*.old"):  # killed while one took the place of another
            for entry in aside.iterdir():
                if not (place / entry.name).exists():
                    entry.rename(place / entry.name)
            shutil.rmtree(aside, ignore_errors=True)
        for entry in place.glob(".*.part"):
            if entry.is_dir():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink()


def is_written(name: str) -> bool:
    """Tell whether training writes a file of this path below a run's root."""
    return name in WRITTEN or _WRITTEN_BELOW.fullmatch(name) is not None


def delete_run(run: RunDir) -> None:
    """Delete what training writes into a run folder, `aigc.json` last; not the folder, nor anything else in it."""
    for entry in (run.path / name for name in WRITTEN):
        if entry.is_dir() and not entry.is_symlink():
            _delete_written_below(entry, run.path)
        else:
            entry.unlink(missing_ok=True)


def _delete_written_below(folder: Path, root: Path) -> None:
    for inside in folder.iterdir():
        if inside.is_dir() and not inside.is_symlink():
            _delete_written_below(inside, root)
        elif is_written(inside.relative_to(root).as_posix()):
            inside.unlink()
    if not any(folder.iterdir()):
        folder.rmdir()
