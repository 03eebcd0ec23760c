"""Session files, `aigc.session/1`: one JSON line a turn, appended and flushed as it happens, mode 0600.

What was taken back stays in the file, followed by a line {"event": "undo", "turns": n}: the file is never
rewritten, so a crash loses nothing, and replies that were tried again remain as what was not preferred.
"""

import hashlib
import json
import os
import re
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from aigc_cli.avatar.conversation import Turn
from aigc_cli.core.disk.files import cannot_create, make_dir, read_bytes, read_jsonl, require_file
from aigc_cli.core.disk.own import claim
from aigc_cli.core.disk.provenance import label_record
from aigc_cli.core.disk.rundir import FolderLock
from aigc_cli.core.errors import BadData, NoInput
from aigc_cli.core.words.messages import tr
from aigc_cli.core.words.plain import clean, json_text

SCHEMA = "aigc.session/1"
ROLES = ("user", "assistant")
_BEGIN = f'{{"schema": "{SCHEMA}"'.encode()  # of every line that was ever written


def turn_record(turn: Turn) -> dict[str, Any]:
    """Return a turn's line; a reply carries the AI label."""
    record: dict[str, Any] = {
        "schema": SCHEMA,
        "role": turn.role,
        "content": turn.content,
        "bubbles": turn.bubbles,
        "expression": turn.expression,
        "time": turn.time,
        "run": turn.run,
        "seed": turn.seed,
    }
    return label_record(record) if turn.role == "assistant" else record


def read_session(path: Path) -> list[Turn]:
    """Return the turns that a session file ends with; NoInput if missing, BadData with the line if damaged.

    A last line that was cut off when the process or the machine died is left out (see `torn_bytes`).
    """
    turns: list[Turn] = []
    whole_bytes = len(read_bytes(path)) - torn_bytes(path)
    for number, record in enumerate(read_jsonl(path, end=whole_bytes), 1):
        if record.get("schema") != SCHEMA:
            raise BadData(
                tr("{path}: line {number}: format {schema!r}", path=path, number=number, schema=record.get("schema")),
                tr("this version reads {schema}", schema=SCHEMA),
            )
        if "event" in record:
            count = record.get("turns")
            if record["event"] != "undo" or type(count) is not int or not 0 <= count <= len(turns):
                raise BadData(
                    tr("{path}: line {number}: a damaged event", path=path, number=number), tr("remove the line")
                )
            del turns[len(turns) - count :]
        else:
            turns.append(_turn(path, number, record))
    return turns


def torn_bytes(path: Path) -> int:
    """Return the length of a last line that was cut off while it was written; 0 if the file ends with a whole one.

    BadData if it is the only line and no session begins like it: of another file nothing may be cut off.
    """
    data = read_bytes(path)
    tail = data[data.rfind(b"\n") + 1 :]
    if tail == data and tail[: len(_BEGIN)] != _BEGIN[: len(tail)]:
        raise BadData(tr("{path}: line {number}: not a turn of a session", path=path, number=1), tr("remove the line"))
    try:
        json.loads(tail)
    except (ValueError, RecursionError):
        return len(tail)
    return 0


def _turn(path: Path, number: int, record: dict[str, Any]) -> Turn:
    role, content, expression = record.get("role"), record.get("content"), record.get("expression")
    if role not in ROLES or not isinstance(content, str):
        raise BadData(
            tr("{path}: line {number}: not a turn of a session", path=path, number=number), tr("remove the line")
        )
    return Turn(
        role=role,
        content=clean(content),
        time=clean(str(record.get("time") or "")),
        expression=clean(expression) if isinstance(expression, str) else None,
        run=record.get("run"),
        seed=record.get("seed"),
    )


class SessionLog:
    """A session file that is open, and nobody else's meanwhile; appended to is what changed since the last `write`.

    `turns` are those that it held when it was opened, and `was_torn` says that its last line had been cut off.
    """

    def __init__(self, path: Path, *, wait_seconds: float = 0.0, force: bool = False) -> None:
        """Open the file, or make it with mode 0600. Locked if another process has it open, BadData if it is damaged.

        CannotCreate if the system refuses, or if it is a file that aigc did not write, unless `force` replaces it.
        """
        self.path = path
        if path.exists():
            require_file(path)
            claim(path, private=True, force=force)
        with ExitStack() as opened:
            try:
                os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
                opened.enter_context(FolderLock(path, wait_seconds=wait_seconds))
                self.turns, self.was_torn = read_session(path), bool(torn_bytes(path))
                self._written = list(self.turns)
                descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
            except OSError as error:
                raise cannot_create(path, error) from error
            self._file: IO[str] = opened.enter_context(os.fdopen(descriptor, "a", encoding="utf-8"))
            self._end_with_a_whole_line(descriptor)
            self._opened = opened.pop_all()

    def _end_with_a_whole_line(self, descriptor: int) -> None:
        data, torn = read_bytes(self.path), torn_bytes(self.path)
        if torn:
            os.ftruncate(descriptor, len(data) - torn)
        elif data and not data.endswith(b"\n"):
            os.write(descriptor, b"\n")

    def write(self, turns: list[Turn]) -> None:
        """Append what makes the file end with `turns`: an undo event for those that are gone, a line a new one."""
        same = 0
        while same < min(len(turns), len(self._written)) and turns[same] == self._written[same]:
            same += 1
        records: list[dict[str, Any]] = []
        if gone := len(self._written) - same:
            records.append({"schema": SCHEMA, "event": "undo", "turns": gone, "time": time.strftime("%FT%T%z")})
        records += [turn_record(turn) for turn in turns[same:]]
        try:
            for record in records:
                self._file.write(json_text(record) + "\n")
            self._file.flush()
        except OSError as error:
            raise cannot_create(self.path, error) from error
        self._written = list(turns)

    def close(self) -> None:
        """Close the file, and let others have it."""
        self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def sessions_folder(run: Path, environment: Mapping[str, str]) -> Path | None:
    """Return where the sessions of a run are kept: a folder of its own under the XDG state folder.

    None without a home: neither an absolute `XDG_STATE_HOME` nor an absolute `HOME` is set.
    """
    place, home = Path(environment.get("XDG_STATE_HOME", "")), Path(environment.get("HOME", ""))
    if not place.is_absolute():
        if not home.is_absolute():
            return None
        place = home / ".local" / "state"
    absolute = run.resolve()
    name = re.sub(r"[^\w.-]+", "-", absolute.name)[:40]
    return place / "aigc" / "sessions" / f"{name}-{hashlib.sha256(os.fsencode(absolute)).hexdigest()[:8]}"


def new_session(folder: Path) -> Path:
    """Make the folder (0700) if needed and return the name of a new session in it, by time and process."""
    make_dir(folder, private=True)
    return folder / f"{time.strftime('%Y-%m-%d-%H%M%S')}-{os.getpid()}.jsonl"


def latest_session(folder: Path | None, run: Path) -> Path:
    """Return the newest session of a run; NoInput if there is none."""
    found = sorted(folder.glob("*.jsonl"), key=lambda path: (path.stat().st_mtime_ns, path.name)) if folder else []
    if not found:
        raise NoInput(tr("{run}: no conversation with it is kept", run=run), tr("start one without --continue"))
    return found[-1]
