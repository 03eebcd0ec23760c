"""`aigc prepare chat`: chat logs become a dialogue set of the subject's answers.

Read, find the subject, redact, make turns and records, hold out the last records of each chat, write. The set
appears whole or not at all. Nothing here prints, and no personal value leaves but into the set.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aigc_cli.config.base import as_json
from aigc_cli.config.prepare_chat import PrepareChatSettings
from aigc_cli.core.disk.files import sha256_bytes, write_jsonl
from aigc_cli.core.errors import AigcError, BadData, UsageProblem
from aigc_cli.core.screen.progress import Progress
from aigc_cli.core.words.messages import tr
from aigc_cli.core.words.plain import well_formed
from aigc_cli.data.chat.detect import EmptyLog, NotALog, read_log
from aigc_cli.data.chat.messages import ASSISTANT, USER, Chat, ChatLog, Message, without_controls
from aigc_cli.data.chat.names import seen
from aigc_cli.data.chat.overlap import Seen
from aigc_cli.data.chat.redaction import recorded_settings, recorded_source, redactor_of
from aigc_cli.data.chat.sources import DEMO_LOGS, ChatFiles, chat_contents, chat_files, corpus_of, is_corpus
from aigc_cli.data.chat.speakers import speaker_hashes
from aigc_cli.data.chat.subject import NotInLog, find_subject
from aigc_cli.data.chat.turns import (
    Turn,
    TurnRules,
    conversations,
    cut_into_records,
    in_order,
    without_unanswered_end,
)
from aigc_cli.data.forget.selection import Rules
from aigc_cli.data.manifest import read_manifest
from aigc_cli.data.pii import Redactor
from aigc_cli.data.prepared import (
    SetDescription,
    finished_set,
    new_set,
    prepare_record,
    source_label,
    source_record,
    write_manifest,
)

SCHEMA = "aigc.dialogue/1"


def prepare_chat(
    sources: Sequence[str | Path],
    out: Path,
    settings: PrepareChatSettings,
    progress: Progress,
    *,
    force: bool = False,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Make the dialogue set `out` from chat logs, and return the record to print.

    A source is a file, an archive of logs, an export's folder, a folder of logs, one of DEMO_LOGS, "-" for stdin, or
    `chatterbot:LANGUAGE`. With `dry_run` everything is read and counted and nothing is written. A rerun with the same
    sources and settings changes nothing (`unchanged`). Raises NoInput (66) for a missing source, BadData (65) for one
    that is damaged, empty or of another kind, UsageProblem (2) where the subject is ambiguous, BadConfig (78) for
    another set in `out` without `force`, CannotCreate (73).
    """
    redactor = redactor_of(settings)
    recorded = recorded_settings(settings, redactor)
    gathered = chat_files([source for source in sources if not is_corpus(source)])
    inputs = chat_contents(gathered)
    inputs += [(str(source), corpus_of(source)) for source in sources if is_corpus(source)]
    source_records = [recorded_source(source_record(source, sha256_bytes(data)), redactor) for source, data in inputs]
    manifest = finished_set(out, "chat", recorded, source_records, force=force)
    if manifest is not None:
        progress.say(tr("{out}: already prepared from these sources with these settings", out=out))
        return prepare_record(out, manifest, unchanged=True, dry_run=dry_run)
    collected = _Collected(redactor=redactor, rules=_rules_of(out))
    _collect(collected, inputs, gathered, settings, progress)
    description = SetDescription(
        kind="chat",
        settings=as_json(recorded),
        sources=source_records,
        subject=recorded.subject or collected.subject,
        consent=_consent(sources, settings),
    )
    needed_bytes = 3 * sum(len(data) for _, data in inputs)
    if dry_run:
        planned = {
            "kind": "chat",
            "counts": collected.counts(),
            "dropped": {reason: count for reason, count in sorted(collected.dropped.items()) if count},
            "subject": description.subject,
            "consent": description.consent,
            **collected.told(),
        }
        return prepare_record(out, planned, unchanged=False, dry_run=True, disk_bytes=needed_bytes)
    with new_set(out, needed_bytes) as folder:
        write_jsonl(folder / "train.jsonl", collected.train, private=True)
        write_jsonl(folder / "valid.jsonl", collected.valid, private=True)
        manifest = write_manifest(folder, description, collected.counts(), collected.dropped, collected.told())
    return prepare_record(out, manifest, unchanged=False, dry_run=False)


@dataclass
class _Collected:
    """The records of all sources, and what there is to tell of them."""

    redactor: Redactor
    train: list[dict[str, Any]] = field(default_factory=list)
    valid: list[dict[str, Any]] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    tally: Counter[str] = field(default_factory=Counter)
    formats: set[str] = field(default_factory=set)
    seen: Seen = field(default_factory=Seen)
    subject: str | None = None
    rules: Rules = field(default_factory=lambda: Rules({}))

    def size(self) -> int:
        return len(self.train) + len(self.valid)

    def counts(self) -> dict[str, int]:
        return {"train": len(self.train), "valid": len(self.valid), **self.tally}

    def told(self) -> dict[str, Any]:
        """Return what the manifest says of a chat set beside what it says of every set."""
        return {
            "formats": sorted(self.formats),
            "redacted": dict(sorted(self.redactor.counts.items())),
            "redaction_note": self.redactor.note,
            **({"forgotten": self.rules.kept} if self.rules.kept else {}),
        }


def _consent(sources: Sequence[str | Path], settings: PrepareChatSettings) -> str:
    """Return how the person agreed; the demo persons are invented."""
    only_invented = all(str(source) in DEMO_LOGS for source in sources)
    return "synthetic" if only_invented and settings.consent == "unspecified" else settings.consent


def _rules_of(out: Path) -> Rules:
    """Return what a set that is to be replaced was made to forget: it does not come back."""
    return Rules(read_manifest(out) if (out / "manifest.json").is_file() else {})


def _collect(
    collected: _Collected,
    inputs: list[tuple[str, bytes]],
    gathered: ChatFiles,
    settings: PrepareChatSettings,
    progress: Progress,
) -> None:
    _count_passed_over(gathered, collected.dropped, progress)
    waiting: list[tuple[str, str, ChatLog]] = []  # logs of which others may tell whose they are
    apart: list[AigcError] = []  # why nothing is in a log
    subjects: set[str] = set()
    for source, digest, log in _logs(inputs, gathered, settings, collected.dropped, apart):
        try:
            subject = find_subject(log, source_label(source), settings, subjects)
        except (NotInLog, UsageProblem):
            waiting.append((source, digest, log))
            continue
        subjects |= set() if log.has_roles else {subject}
        _collect_log(collected, log, subject, source, digest, settings, progress)
    for source, digest, log in waiting:
        try:
            subject = find_subject(log, source_label(source), settings, subjects)
        except NotInLog as nobody:
            apart.append(nobody.error)
            collected.dropped["without_exchange"] += 1
            continue
        _collect_log(collected, log, subject, source, digest, settings, progress)
    progress.close()
    if not collected.formats and apart:
        raise next((error for error in apart if isinstance(error, UsageProblem)), apart[0])
    for error in apart:
        progress.say(tr("passed over: {what}", what=error.message))
    _check_and_hold_out(collected, source_label(inputs[0][0]), settings)


def _count_passed_over(gathered: ChatFiles, dropped: Counter[str], progress: Progress) -> None:
    for folder, count in gathered.passed_over.items():
        if count:
            dropped["attached_document"] += count
            progress.say(
                tr("{folder}: an export; documents in it that are passed over: {count}", folder=folder, count=count)
            )
    for folder in gathered.pages:
        dropped["web_pages"] += 1
        progress.say(tr("passed over: {what}", what=tr("{source}: exported as web pages", source=folder)))


def _logs(
    inputs: list[tuple[str, bytes]],
    gathered: ChatFiles,
    settings: PrepareChatSettings,
    dropped: Counter[str],
    apart: list[AigcError],
) -> Iterator[tuple[str, str, ChatLog]]:
    """Yield each source's name, hash and log; in `apart` goes what is empty, and what was found and is no log."""
    digests: set[str] = set()
    for source, data in inputs:
        digest = sha256_bytes(data)
        if digest in digests:
            dropped["duplicate_source"] += 1
            continue
        digests.add(digest)
        try:
            yield (
                source,
                digest,
                read_log(
                    data,
                    source_label(source),
                    settings.format,
                    settings.encoding,
                    dates=settings.dates,
                    zone=settings.zone,
                ),
            )
        except EmptyLog as error:
            dropped["without_exchange"] += 1
            apart.append(error)
        except NotALog as error:
            if source not in gathered.found:
                raise
            dropped["not_a_chat_log"] += 1
            apart.append(error)


def _collect_log(
    collected: _Collected,
    log: ChatLog,
    subject: str,
    source: str,
    digest: str,
    settings: PrepareChatSettings,
    progress: Progress,
) -> None:
    name = well_formed(settings.subject or (log.names[subject] if seen(log.names[subject]) else subject))
    name = collected.redactor.hide_listed(name)
    collected.subject = collected.subject or name
    collected.formats.add(log.format)
    collected.dropped += log.dropped
    progress.stage(tr("prepare {source}", source=source_label(source)), len(log.chats), tr("chats"))
    records, messages = collected.size(), collected.tally["messages"]
    for chat in log.chats:
        _collect_chat(collected, log, chat, subject, name, digest, settings)
        progress.advance()
    said_something_new = collected.tally["messages"] > messages
    collected.dropped["without_exchange"] += said_something_new and collected.size() == records


def _check_and_hold_out(collected: _Collected, source: str, settings: PrepareChatSettings) -> None:
    """Raise BadData if nothing can be learned; hold out a record where the shares of the chats came to none."""
    if not collected.size():
        raise BadData(
            tr(
                "{source}: nobody is answered by {subject}: no exchange to learn from",
                source=source,
                subject=collected.subject,
            ),
            tr("is --me the right person?"),
        )
    if settings.valid > 0 and not collected.valid:
        if collected.size() == 1:
            raise BadData(
                tr("{source}: one short conversation", source=source),
                tr("add more, or --valid 0 to hold nothing out"),
            )
        collected.valid.append(collected.train.pop())


def _collect_chat(
    collected: _Collected,
    log: ChatLog,
    chat: Chat,
    subject: str,
    name: str,
    digest: str,
    settings: PrepareChatSettings,
) -> None:
    """Add one chat's records: the last `valid` share of them, by time, is held out."""
    rules = TurnRules(
        merge_seconds=60 * settings.merge_minutes,
        silence_seconds=60 * settings.silence_minutes,
        answer_seconds=3600 * settings.answer_hours,
        max_turns=settings.max_turns,
        max_characters=settings.max_characters,
    )
    unseen = [
        replace(message, text="", removed="duplicate") if collected.seen.holds(digest, chat, message) else message
        for message in chat.messages
    ]
    messages = [_cleaned(message, subject, collected.redactor, keep_lines=log.has_roles) for message in unseen]
    collected.tally["messages"] += sum(1 for message in messages if message.text)
    collected.dropped.update(
        new.removed for old, new in zip(chat.messages, messages, strict=True) if new.removed and not old.removed
    )
    chat_hash = sha256_bytes(f"{digest}/{chat.identity}".encode())[:16]
    records, lines = [], []
    for turns in _chat_records(messages, subject, rules, collected):
        names = _others(log, turns, subject)
        line = _as_json(turns, subject, name, chat_hash, has_bubbles=not log.has_roles)
        if collected.rules.take(line, names):
            said = sum(len(turn.bubbles) for turn in turns)
            collected.dropped["forgotten"] += said
            collected.tally["messages"] -= said
            continue
        records.append(turns)
        lines.append(line | {"speakers": speaker_hashes(bytes.fromhex(digest), names)})
    held_out = round(settings.valid * len(lines))
    border = len(lines) - held_out
    collected.train += lines[:border]
    collected.valid += lines[border:]
    collected.tally["chats"] += 1 if lines else 0
    for turns in records:
        collected.tally["turns"] += len(turns)
        collected.tally["subject_turns"] += sum(1 for turn in turns if turn.sender == subject)


def _cleaned(message: Message, subject: str, redactor: Redactor, *, keep_lines: bool) -> Message:
    """Return the message redacted and, unless `keep_lines`, on one line.

    It is removed if nothing is left of it, and if the subject borrowed the words.
    """
    if message.removed:
        return message
    if message.borrowed and message.sender == subject:
        return replace(message, text="", removed=message.borrowed)
    text = without_controls(well_formed(message.text))
    text = text.strip() if keep_lines else " ".join(text.split())
    text = redactor.redact(text, message.marked)
    return replace(message, text=text, removed="" if text else "empty")


def _chat_records(
    messages: list[Message], subject: str, rules: TurnRules, collected: _Collected
) -> Iterator[list[Turn]]:
    for conversation in conversations(in_order(messages), subject, rules, collected.dropped):
        collected.tally["conversations"] += 1
        kept = without_unanswered_end(conversation, subject)
        collected.dropped["unanswered_turn"] += len(conversation) - len(kept)
        if kept:
            yield from cut_into_records(kept, subject, rules, collected.dropped)


def _as_json(turns: list[Turn], subject: str, name: str, chat_hash: str, *, has_bubbles: bool) -> dict[str, Any]:
    messages = [{"role": "system", "content": f"You are {name}."}]
    bubbles: list[list[str] | None] = [None]
    for turn in turns:
        messages.append({"role": ASSISTANT if turn.sender == subject else USER, "content": turn.content})
        bubbles.append(list(turn.bubbles) if has_bubbles else None)
    return {
        "schema": SCHEMA,
        "messages": messages,
        "bubbles": bubbles,
        "chat": chat_hash,
        "time": _iso(turns[0].began),
        "ended": _iso(turns[-1].ended),
    }


def _iso(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _others(log: ChatLog, turns: list[Turn], subject: str) -> list[str]:
    """Return the names and ids of those who speak beside the subject."""
    others = {turn.sender for turn in turns} - {subject}
    return [name for sender in others for name in (sender, log.names[sender])]
