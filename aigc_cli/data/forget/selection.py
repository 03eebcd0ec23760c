"""What is to be forgotten: a person, a time, or records; and the rules by which a set made again does without it.

A rule names nobody: a person is a hash under a key of the rule's own. Who has the manifest can try a name, and must be
able to, for a name in a new export has to be recognised. Knows nothing of files.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aigc_cli.core.disk.files import sha256_bytes
from aigc_cli.core.errors import BadData, UsageProblem
from aigc_cli.core.words.messages import tr
from aigc_cli.core.words.plain import json_text
from aigc_cli.data.chat.speakers import speaker_hash
from aigc_cli.data.span import aware, span

RECORD_DIGITS = 16
_KEY_BYTES = 16


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What is to be forgotten, in one of three ways: people by name or id, a time [since, until), records by hash."""

    who: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    records: tuple[str, ...] = ()

    def rules(self) -> list[dict[str, Any]]:
        """Return what the manifest keeps of it."""
        if self.records:
            return [{"record": record} for record in self.records]
        if self.who:
            keys = [secrets.token_bytes(_KEY_BYTES) for _ in self.who]
            return [
                {"who": speaker_hash(key, name), "key": key.hex()} for key, name in zip(keys, self.who, strict=True)
            ]
        return [{"since": self.since and self.since.isoformat(), "until": self.until and self.until.isoformat()}]


def selection(who: Sequence[str], since: str | None, until: str | None, records: Sequence[str]) -> Selection:
    """Return what the options select. UsageProblem where it is nothing, several things, or no time."""
    ways = [bool(who), since is not None or until is not None, bool(records)]
    if sum(ways) != 1:
        problem = tr("--who, --since with --until, and --record exclude each other")
        raise UsageProblem(
            problem if any(ways) else tr("what is to be forgotten?"),
            tr("give --who NAME, --since DATE and --until DATE, or --record HASH"),
        )
    if not all(name.strip() for name in who):
        raise UsageProblem(tr("--who names nobody"), tr("give a name or an id"))
    for record in records:
        if len(record) != RECORD_DIGITS or set(record.lower()) - set("0123456789abcdef"):
            raise UsageProblem(
                tr("--record {hash!r} is no record's hash", hash=record), tr("--dry-run with a time lists them")
            )
    time = span(since, until)
    return Selection(
        who=tuple(dict.fromkeys(who)),
        since=time.since,
        until=time.until,
        records=tuple(dict.fromkeys(record.lower() for record in records)),
    )


def record_hash(record: Mapping[str, Any]) -> str:
    """Return the hash that names a record: of what was said and when, so that another export has the same."""
    said = [[message["role"], message["content"]] for message in record["messages"] if message["role"] != "system"]
    return sha256_bytes(json_text([record.get("time"), said]).encode())[:RECORD_DIGITS]


def in_time(record: Mapping[str, Any], since: datetime | None, until: datetime | None) -> bool:
    """Return whether any of a record lies in [since, until); one without a time never does.

    Where it is not recorded when the last message was sent, the first one's time counts alone.
    """
    if record.get("time") is None:
        return False
    began = aware(record["time"])
    ended = aware(record["ended"]) if record.get("ended") else began
    return (until is None or began < until) and (since is None or ended >= since)


class Rules:
    """The rules of a manifest; `kept` is all that it holds of what is forgotten."""

    def __init__(self, manifest: Mapping[str, Any]) -> None:
        """Read them; BadData where they are damaged."""
        try:
            self.kept: dict[str, Any] = dict(manifest.get("forgotten") or {})
            rules = self.kept.get("rules", [])
            self._who = [(bytes.fromhex(rule["key"]), rule["who"]) for rule in rules if "who" in rule]
            self._times = [
                tuple(aware(rule[end]) if rule[end] else None for end in ("since", "until"))
                for rule in rules
                if "since" in rule
            ]
            self._records = {rule["record"] for rule in rules if "record" in rule}
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise BadData(
                tr("the manifest is damaged where it says what is forgotten"), tr("restore it from a backup")
            ) from error

    def name(self, name: str) -> bool:
        """Return whether a rule is of a person of this name or id."""
        return any(speaker_hash(key, name) == who for key, who in self._who)

    def holds(self, chosen: Selection) -> bool:
        """Return whether all of what is selected was to be forgotten before."""
        spans = {(since, until) for since, until in self._times}
        if chosen.who:
            return all(self.name(name) for name in chosen.who)
        return set(chosen.records) <= self._records if chosen.records else (chosen.since, chosen.until) in spans

    def take(self, record: Mapping[str, Any], names: Iterable[str]) -> bool:
        """Return whether a record, in which these names and ids speak beside the subject, is to be left out."""
        return (
            (bool(self._who) and any(map(self.name, names)))
            or any(in_time(record, since, until) for since, until in self._times)
            or (bool(self._records) and record_hash(record) in self._records)
        )
