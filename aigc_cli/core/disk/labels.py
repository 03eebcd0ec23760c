"""The AI labels in files: which file is labelled, with what, and what is wrong with one that is not.

PNG, JSONL (and JSON), safetensors and plain text are told apart by their first bytes. Reads, never writes. Knows
nothing of commands.
"""

import json
import os
from pathlib import Path
from typing import Any

from aigc_cli.core.disk.files import no_input, read_bytes, read_jsonl, require_file
from aigc_cli.core.disk.provenance import (
    PNG_SIGNATURE,
    NotLabelled,
    is_own_label,
    read_metadata_label,
    read_png_label,
    read_record_label,
    read_text_label,
)
from aigc_cli.core.disk.seal import is_sealed_right
from aigc_cli.core.errors import BadData, NoInput
from aigc_cli.core.words.messages import tr

SCHEMA = "aigc.label/1"
SUFFIXES = (".png", ".jsonl", ".safetensors", ".txt")
# What this tool writes beside generated things and is not generated itself.
NOT_GENERATED_FILES = ("metrics.jsonl", "sweep.jsonl")
NOT_GENERATED_SCHEMAS = ("aigc.dialogue/1", "aigc.text/1", "aigc.image/1", "aigc.prepare/1", "aigc.run/1")
MAX_HEADER_BYTES = 100_000_000  # safetensors' own limit


def files_to_check(path: Path) -> list[Path]:
    """Return a file itself, or the files below a folder that can carry a label, sorted. NoInput if it is not there."""
    if not path.exists():
        raise NoInput(tr("{path}: no such file or folder", path=path), tr("check the path"))
    if not path.is_dir():
        return [path]
    found: list[Path] = []

    def fail(error: OSError) -> None:
        raise no_input(path, error) from error

    for place, folders, names in os.walk(path, onerror=fail):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        files = (Path(place, name) for name in sorted(names) if not name.startswith("."))
        found += [file for file in files if file.suffix.lower() in SUFFIXES and file.name not in NOT_GENERATED_FILES]
    if not found:
        raise NoInput(
            tr("{path}: no file that can carry a label", path=path), tr("PNG, JSONL, safetensors or text is looked at")
        )
    return found


def label_record_of(path: Path, name: str) -> dict[str, Any]:
    """Return what is known of a file's label: `aigc.label/1`, its `status` labelled, missing or damaged.

    `name` is what the record calls it. A JSONL file has counts and its first bad line instead of one label, and may
    hold nothing generated. NoInput if the file cannot be read.
    """
    record: dict[str, Any] = {"schema": SCHEMA, "path": name}
    try:
        require_file(path)
        with path.open("rb") as file:
            head = file.read(64)
    except OSError as error:
        raise no_input(path, error) from error
    except BadData as problem:
        return {**record, "kind": None, "status": "missing", "problem": problem.message}
    kind, read = _kind_of(head)
    try:
        return {**record, "kind": kind, "status": "labelled", **read(path)}
    except BadData as problem:
        return {**record, "kind": kind, "status": _status(problem), "problem": problem.message}


def _status(problem: BadData) -> str:
    return "missing" if isinstance(problem, NotLabelled) else "damaged"


def _kind_of(head: bytes) -> tuple[str, Any]:
    if head.startswith(PNG_SIGNATURE):
        return "png", lambda path: read_png_label(read_bytes(path))
    if len(head) > 8 and head[8:9] == b"{":
        return "safetensors", _safetensors_label
    if head.lstrip().startswith(b"{"):
        return "jsonl", _jsonl_labels
    return "text", _text_label


def _text_label(path: Path) -> dict[str, Any]:
    try:
        return read_text_label(read_bytes(path).decode("utf-8"))
    except UnicodeDecodeError as error:
        raise NotLabelled(tr("neither PNG, JSONL, safetensors nor text")) from error


def _safetensors_label(path: Path) -> dict[str, Any]:
    """Return the label in a safetensors header, checked with the seal beside it; no torch is needed for either."""
    try:
        with path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            header = file.read(size) if size <= min(MAX_HEADER_BYTES, path.stat().st_size) else b""
        metadata = json.loads(header).get("__metadata__") or {}
    except (OSError, ValueError, RecursionError, AttributeError) as error:
        raise BadData(tr("not a whole safetensors file")) from error
    label = read_metadata_label(metadata if isinstance(metadata, dict) else {})
    if not is_sealed_right(path, metadata):
        raise BadData(tr("its content was altered: the checksum in it is another"))
    return label


def _jsonl_labels(path: Path) -> dict[str, Any]:
    """Return how many records of a JSONL file are generated and labelled, and the first that is not as it should be."""
    counts = {"records": 0, "generated": 0, "labelled": 0}
    bad: dict[str, Any] = {}
    try:
        for number, record in enumerate(read_jsonl(path), start=1):
            counts["records"] += 1
            if _is_generated(record):
                counts["generated"] += 1
                problem = _problem_of(record)
                counts["labelled"] += problem is None
                if problem is not None and not bad:
                    bad = {"status": _status(problem), "bad_line": number, "problem": problem.message}
    except BadData as broken:
        bad = bad or {"status": "damaged", "problem": broken.message}
    if not bad and not counts["generated"]:
        return {"status": "not generated", **counts}
    return {**counts, **bad}


def _problem_of(record: dict[str, Any]) -> BadData | None:
    try:
        read_record_label(record)
    except BadData as problem:
        return problem
    return None if is_own_label(record) else BadData(tr("the AI label is damaged: it is that of another record"))


def _is_generated(record: dict[str, Any]) -> bool:
    """Whether a record must be labelled: every one but this tool's own of other things, and what a person said."""
    if record.get("schema") == "aigc.session/1":
        return record.get("role") == "assistant"
    return record.get("schema") not in NOT_GENERATED_SCHEMAS
