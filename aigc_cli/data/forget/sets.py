"""Which records of a chat set go, and the set without them: whole, at once, with a new manifest.

Lines that stay are kept to the byte. Knows nothing of what was copied out of the set.
"""

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aigc_cli.core.disk.files import new_private_file, read_jsonl, sha256_bytes, sha256_file, write_json
from aigc_cli.core.errors import BadData, CannotCreate, UsageProblem
from aigc_cli.core.words.messages import tr
from aigc_cli.data.chat.names import alike
from aigc_cli.data.chat.speakers import speaker_hash
from aigc_cli.data.forget.selection import Rules, Selection, in_time, record_hash
from aigc_cli.data.forget.traces import Traces
from aigc_cli.data.manifest import PreparedSet, check_data, open_set
from aigc_cli.data.prepared import DATA_FILES, new_set

TRAIN, VALID = DATA_FILES
_OWN = {"manifest.json", *DATA_FILES, "tokens"}


@dataclass
class Plan:
    """What goes from a set, and what is left of it.

    `gone` are the places of records by file; `listed` tells of each of them; `left` counts records by file, and the
    turns and the subject's turns in them; `last` is the place of the last of the training part. `untimed` counts
    records of which a time cannot say whether they are in it.
    """

    opened: PreparedSet
    chosen: Selection
    rules: Rules
    gone: dict[str, set[int]] = field(default_factory=lambda: {name: set() for name in DATA_FILES})
    listed: list[dict[str, Any]] = field(default_factory=list)
    left: Counter[str] = field(default_factory=Counter)
    chats: set[str] = field(default_factory=set)
    traces: Traces = field(default_factory=Traces)
    last: int = -1
    messages: int = 0
    untimed: int = 0

    @property
    def hashes(self) -> set[str]:
        """The hashes of the set as it was while it held what is forgotten, now or before."""
        earlier = set(self.rules.kept.get("hashes", []))
        return earlier | {self.opened.hash} if self.listed else earlier


def plan(folder: Path, chosen: Selection) -> Plan:
    """Look what is to go; nothing is changed.

    Raises what `open_set` and `check_data` raise, BadData for a set that does not say who speaks, UsageProblem for a
    name or a record that is not there and never was, CannotCreate where others' files lie in the set.
    """
    opened = open_set(folder, "chat")
    check_data(folder, opened.manifest)
    _refuse_others_files(folder)
    planned = Plan(opened, chosen, Rules(opened.manifest))
    found: set[str] = set()
    matches = _matcher(planned, found)
    for name, place, record in _records(folder):
        if matches(record):
            planned.gone[name].add(place)
            planned.listed.append(_line(name, record))
            planned.messages += _messages(record)
            planned.traces.add(record["messages"])
        else:
            _count_left(planned, name, place, record)
    _require_found(planned, found)
    if planned.traces:
        for name, place, record in _records(folder):
            if place not in planned.gone[name]:
                planned.traces.remove(record["messages"])
    return planned


def _refuse_others_files(folder: Path) -> None:
    """Raise CannotCreate where something lies in the set that would go with the old one and is not aigc's."""
    for entry in folder.iterdir():
        if entry.name not in _OWN and not entry.name.endswith(".part"):
            raise CannotCreate(
                tr("{folder}: {name} is in it, and aigc did not write it", folder=folder, name=entry.name),
                tr("move it away"),
            )


def _records(folder: Path) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """Yield the records of a set: the file's name, the record's place in it, the record."""
    for name in DATA_FILES:
        for place, record in enumerate(read_jsonl(folder / name)):
            messages = record.get("messages")
            if not isinstance(messages, list) or not all(map(_is_message, messages)):
                raise BadData(
                    tr("{path}: record {number} is no dialogue", path=folder / name, number=place + 1),
                    tr("make the set again"),
                )
            yield name, place, record


def _is_message(message: Any) -> bool:
    return isinstance(message, dict) and all(isinstance(message.get(key), str) for key in ("role", "content"))


def source_hashes(opened: PreparedSet) -> set[str]:
    """Return the SHA-256 of what a set was made from, in hexadecimal digits; BadData where the manifest is damaged."""
    hashes = [
        digest
        for source in opened.manifest.get("sources") or []
        for digest in ([source.get("sha256"), *source.get("parts", ())] if isinstance(source, dict) else [None])
    ]
    if not all(isinstance(digest, str) and re.fullmatch("[0-9a-f]{64}", digest) for digest in hashes):
        raise BadData(
            tr("{path}: not the manifest of a prepared set", path=opened.path / "manifest.json"),
            tr("restore it from a backup"),
        )
    return {str(digest) for digest in hashes}


def _matcher(planned: Plan, found: set[str]) -> Callable[[dict[str, Any]], bool]:
    """Return what says whether a record goes; the names and hashes that it meets are put into `found`."""
    chosen, opened = planned.chosen, planned.opened
    keys = map(bytes.fromhex, source_hashes(opened))
    hashes = {speaker_hash(key, name): name for key in keys for name in chosen.who}

    def matches(record: dict[str, Any]) -> bool:
        if chosen.records:
            met = {record_hash(record)} & set(chosen.records)
        elif chosen.who:
            if not isinstance(record.get("speakers"), list):
                raise BadData(
                    tr("{folder}: made by a version that did not record who speaks", folder=opened.path),
                    tr("prepare it again from its sources, with --force, or forget a time"),
                )
            met = {hashes[speaker] for speaker in record["speakers"] if speaker in hashes}
        else:
            planned.untimed += record.get("time") is None
            return in_time(record, chosen.since, chosen.until)
        found.update(met)
        return bool(met)

    return matches


def _require_found(planned: Plan, found: set[str]) -> None:
    chosen, folder, subject = planned.chosen, planned.opened.path, planned.opened.manifest.get("subject")
    for name in chosen.who:
        if subject and alike(name) == alike(subject) and name not in found:
            raise UsageProblem(
                tr("{name} is the person of the set", name=name), tr("delete the folder {folder}", folder=folder)
            )
        if name not in found and not planned.rules.name(name):
            raise UsageProblem(
                tr("{folder}: nobody who is called {name} speaks in it", folder=folder, name=name),
                tr("give a name as it stands in the chats, or an id"),
            )
    for record in chosen.records:
        if record not in found and not planned.rules.holds(Selection(records=(record,))):
            raise UsageProblem(
                tr("{folder}: no record {hash} in it", folder=folder, hash=record),
                tr("--dry-run with a time lists them"),
            )


def _line(name: str, record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "schema": "aigc.forget.record/1",
        "record": record_hash(record),
        "split": name.removesuffix(".jsonl"),
        "chat": record.get("chat"),
        "time": record.get("time"),
        "turns": sum(1 for message in record["messages"] if message["role"] != "system"),
    }


def _messages(record: Mapping[str, Any]) -> int:
    """Return of how many messages a record is made."""
    bubbles = record.get("bubbles") or [None] * len(record["messages"])
    spoken = [found for message, found in zip(record["messages"], bubbles, strict=False) if message["role"] != "system"]
    return sum(len(found) if found else 1 for found in spoken)


def _count_left(planned: Plan, name: str, place: int, record: Mapping[str, Any]) -> None:
    roles = Counter(message["role"] for message in record["messages"])
    planned.left[name] += 1
    planned.last = place if name == TRAIN else planned.last
    planned.left["turns"] += roles["user"] + roles["assistant"]
    planned.left["subject_turns"] += roles["assistant"]
    planned.chats.add(str(record.get("chat")))


def rewrite(planned: Plan) -> dict[str, Any]:
    """Put the set without what goes in the place of the set, and return its manifest. The caller holds the lock.

    Where all that was held out goes, the last record that is left is held out instead. Raises CannotCreate.
    """
    folder = planned.opened.path
    moves = bool(planned.gone[VALID]) and not planned.left[VALID] and planned.left[TRAIN] > 1
    moved = {planned.last} if moves else set()
    with new_set(folder, sum((folder / name).stat().st_size for name in DATA_FILES)) as new:
        with os.fdopen(new_private_file(new / TRAIN), "wb") as file:
            file.writelines(_lines(folder / TRAIN, lambda place: place not in planned.gone[TRAIN] | moved))
        with os.fdopen(new_private_file(new / VALID), "wb") as file:
            file.writelines(_lines(folder / VALID, lambda place: place not in planned.gone[VALID]))
            file.writelines(_lines(folder / TRAIN, lambda place: place in moved))
        manifest = _manifest(planned, new, moved=moves)
        write_json(new / "manifest.json", manifest, private=True)
    return manifest


def _lines(path: Path, wanted: Callable[[int], bool]) -> Iterator[bytes]:
    """Yield the lines of the records in the places that are wanted, to the byte."""
    with path.open("rb") as file:
        for place, line in enumerate(line for line in file if line.strip()):
            if wanted(place):
                yield line if line.endswith(b"\n") else line + b"\n"


def _manifest(planned: Plan, new: Path, *, moved: bool) -> dict[str, Any]:
    old, left, before = planned.opened.manifest, planned.left, planned.rules.kept
    counts = dict(old["counts"])
    counts |= {"train": left[TRAIN] - moved, "valid": left[VALID] + moved, "chats": len(planned.chats)}
    counts |= {"turns": left["turns"], "subject_turns": left["subject_turns"]}
    turns = sum(line["turns"] for line in planned.listed)
    for name, gone in (("messages", planned.messages), ("merged", planned.messages - turns)):
        if name in counts:
            counts[name] -= gone
    dropped = dict(old.get("dropped") or {})
    dropped["forgotten"] = dropped.get("forgotten", 0) + planned.messages
    forgotten = {
        "records": before.get("records", 0) + len(planned.listed),
        "messages": before.get("messages", 0) + planned.messages,
        "rules": [*before.get("rules", []), *planned.chosen.rules()],
        "hashes": [*before.get("hashes", []), planned.opened.hash],
    }
    hashes = "".join(sha256_file(new / name) for name in DATA_FILES)
    made = {"counts": counts, "dropped": dict(sorted(dropped.items())), "forgotten": forgotten}
    return {**old, **made, "hash": sha256_bytes(hashes.encode())}
