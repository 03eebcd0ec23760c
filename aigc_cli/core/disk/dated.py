"""Dates in `-o`, and the deletion of old outputs that the tool itself wrote.

`nights/%Y-%m-%d` is resolved once, when the command starts. What is deleted later must have a date of the same pattern
for a name, must be no link, and must hold nothing but what its own record (`samples.jsonl`, `manifest.json`,
`aigc.json`) says that the tool wrote. Knows nothing of commands.
"""

import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from aigc_cli.core.disk.files import read_json, read_jsonl
from aigc_cli.core.disk.rundir import FolderLock, is_written
from aigc_cli.core.errors import AigcError, Locked, UsageProblem
from aigc_cli.core.words.messages import tr

DIRECTIVES = "YmdHMSjyGVu"
PROBE = datetime(2037, 12, 31)  # a day that no pattern gives back unless it says year, month and day
TOKENS = re.compile(r"tokens/[^/]+\.(safetensors|json)")
SET_FILES = ("manifest.json", "train.jsonl", "valid.jsonl", "pixels.safetensors", "images.jsonl")


@dataclass(frozen=True)
class Output:
    """An `-o` with its dates filled in; `pattern` is the last part as written, if it holds a whole date, else ""."""

    path: str
    pattern: str


def resolve_output(text: str, now: datetime) -> Output:
    """Return an `-o` with the date in the place of %Y, %m, %d, %H and the like, and % for %%.

    UsageProblem for a % that is none of these.
    """
    for directive in re.findall(r"%(.?)", text.replace("%%", "")):
        if directive not in DIRECTIVES or not directive:
            known = " ".join(f"%{letter}" for letter in DIRECTIVES)
            raise UsageProblem(
                tr("-o {text!r}: %{directive} is no part of a date", text=text, directive=directive),
                tr("known: {names}; write %% for %", names=known),
            )
    path, name = _filled(text, now), Path(text).name
    dated = _date_in(_filled(name, PROBE), name) == PROBE.date()
    return Output(path, name if dated and not re.search(r"%[^%]", str(Path(text).parent).replace("%%", "")) else "")


def _filled(text: str, when: datetime) -> str:
    """Return the text with its directives filled in; the rest, which need not be UTF-8, as it is."""
    return re.sub("%(.)", lambda found: "%" if found[1] == "%" else when.strftime(found[0]), text)


def _date_in(name: str, pattern: str) -> date | None:
    """Return the date that a file's name says, None if it is not exactly of the pattern."""
    try:
        when = datetime.strptime(name, pattern)
    except (ValueError, re.error):
        return None
    return when.date() if _filled(pattern, when) == name else None


def old_siblings(output: Output, keep_days: int, today: date) -> list[Path]:
    """Return what stands beside the output under an earlier date of its pattern, more than `keep_days` days ago.

    Links are left out. UsageProblem if the last part of `-o` holds no whole date.
    """
    if not output.pattern:
        raise UsageProblem(
            tr("--keep-days needs a whole date in the last part of -o"), tr("for example -o 'nights/%Y-%m-%d'")
        )
    parent = Path(output.path).parent
    found = []
    for entry in sorted(parent.iterdir()) if parent.is_dir() else []:
        when = _date_in(entry.name, output.pattern)
        is_ordinary = not entry.is_symlink() and (entry.is_dir() or entry.is_file())
        if when is not None and (today - when).days > keep_days and is_ordinary:
            found.append(entry)
    return found


def delete_written(path: Path) -> bool:
    """Delete a set, a run or samples that the tool wrote; False, and nothing deleted, if anything in it is not ours.

    The record goes last, so that what an interruption leaves is still known to be ours.
    """
    try:
        with FolderLock(path):
            record = _record_name(path)
            if record is None:
                return False
            if path.is_file():
                path.unlink()
                return True
            ours = _written(path, record)
            if not all(_is_ours(path, entry, ours) for entry in path.iterdir()):
                return False
            for entry in sorted(path.iterdir(), key=lambda entry: entry.name == record):
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
            path.rmdir()
    except (AigcError, Locked, OSError, ValueError):
        return False
    return True


def _record_name(path: Path) -> str | None:
    """Return the name of the record that says what the folder (or file) is, None if there is none that does."""
    if path.is_file():
        return path.name if _all_of(read_jsonl(path), "aigc.sample/1") else None
    if (path / "samples.jsonl").is_file():
        return "samples.jsonl" if _all_of(read_jsonl(path / "samples.jsonl"), "aigc.sample/1") else None
    for name, schema in (("manifest.json", "aigc.manifest/1"), ("aigc.json", "aigc.run/1")):
        if (path / name).is_file() and not (path / name).is_symlink():
            record = read_json(path / name)
            return name if isinstance(record, dict) and record.get("schema") == schema else None
    return None


def _all_of(records: Iterable[dict[str, Any]], schema: str) -> bool:
    schemas = [record.get("schema") for record in records]
    return bool(schemas) and set(schemas) == {schema}


def _written(path: Path, record: str) -> set[str]:
    """Return the paths, below the folder, of everything that its record says was written."""
    if record == "aigc.json":
        return {name for name in _paths_below(path) if is_written(name)}
    if record == "samples.jsonl":
        return {record, *(str(line.get("file")) for line in read_jsonl(path / record))}
    images = read_jsonl(path / "images.jsonl") if (path / "images.jsonl").is_file() else ()
    tokens = {name for name in _paths_below(path) if TOKENS.fullmatch(name)}
    return {*SET_FILES, *tokens, *(str(line.get("file")) for line in images)}


def _paths_below(path: Path) -> Iterator[str]:
    return (entry.relative_to(path).as_posix() for entry in path.rglob("*"))


def _is_ours(root: Path, entry: Path, ours: set[str]) -> bool:
    """Tell whether an entry of a folder was written by the tool: a file by its name, a folder by all that is in it."""
    if entry.is_symlink():
        return False
    name = entry.relative_to(root).as_posix()
    if entry.is_dir():
        return all(_is_ours(root, inside, ours) for inside in entry.iterdir())
    return name in ours or (entry.name.startswith(".") and entry.name.endswith(".part"))
