"""`aigc prepare chat`: chat logs become a dialogue set of the subject's answers.

Read, find the subject, redact, make turns and records, hold out the last records of each chat, write. The set
appears whole or not at all, and however large the logs are, little of them is held. Nothing here prints, and no
personal value leaves but into the set.
"""

import gc
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aigc_cli.config.base import as_json
from aigc_cli.config.prepare_chat import PrepareChatSettings
from aigc_cli.core.disk.files import sha256_bytes
from aigc_cli.core.errors import BadData
from aigc_cli.core.screen.progress import Progress
from aigc_cli.core.words.messages import tr
from aigc_cli.core.words.plain import well_formed
from aigc_cli.data.chat.asked import Asked, asked_of
from aigc_cli.data.chat.messages import Message, without_controls
from aigc_cli.data.chat.names import seen
from aigc_cli.data.chat.overlap import Seen
from aigc_cli.data.chat.reading import Reading, Waiting, read_all
from aigc_cli.data.chat.record import dialogue_record, iso, others_in
from aigc_cli.data.chat.records import RecordFiles, record_files
from aigc_cli.data.chat.redaction import recorded_source
from aigc_cli.data.chat.sources import DEMO_LOGS, Gathered, chat_exports
from aigc_cli.data.chat.speakers import speaker_hashes
from aigc_cli.data.chat.spool import Spool, WaitingChat
from aigc_cli.data.chat.turns import (
    Turn,
    TurnRules,
    conversations,
    cut_into_records,
    messages_in,
    without_unanswered_end,
)
from aigc_cli.data.forget.selection import Rules
from aigc_cli.data.manifest import read_manifest
from aigc_cli.data.persona import system_prompt
from aigc_cli.data.prepared import SetDescription, finished_set, new_set, prepare_record, source_record, write_manifest


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
    asked = asked_of(settings)
    gathered = chat_exports(sources, settings.encoding)
    with gathered.opened, _without_collections():
        return _prepared(sources, gathered, out, asked, progress, force=force, dry_run=dry_run)


@contextmanager
def _without_collections() -> Iterator[None]:
    """Collect no cycles meanwhile: messages are in none, and each collection would walk all that wait to be written."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _prepared(
    sources: Sequence[str | Path],
    gathered: Gathered,
    out: Path,
    asked: Asked,
    progress: Progress,
    *,
    force: bool,
    dry_run: bool,
) -> dict[str, Any]:
    settings, redactor = asked.settings, asked.redactor
    digests = {path: export.digest() for path, export in gathered.exports.items()}
    source_records = [
        recorded_source(source_record(path, digest.sha256, digest.parts), redactor) for path, digest in digests.items()
    ]
    manifest = None
    if not (dry_run and settings.show_dropped):
        named = zip(digests, source_records, strict=True)
        older = ("columns", [source for path, source in named if path not in gathered.newer])
        manifest = finished_set(out, "chat", asked.recorded, source_records, force=force, older=older)
    if manifest is not None:
        progress.say(tr("{out}: already prepared from these sources with these settings", out=out))
        return prepare_record(out, manifest, unchanged=True, dry_run=dry_run)
    needed_bytes = 3 * sum(digest.size for digest in digests.values())
    watch = _showing(progress) if settings.show_dropped else None
    with closing(Spool()) as spool:
        reading = read_all(gathered, digests, settings, asked.choice, spool, progress, watch)
        making = _Making(asked, spool, watch, _rules_of(out), _common_name(reading, settings))
        description = SetDescription(
            kind="chat",
            settings=as_json(asked.recorded),
            sources=source_records,
            subject=_name_of(min(reading.logs, key=lambda waiting: waiting.log.has_roles), making),
            consent=_consent(sources, settings),
        )
        if dry_run:
            with record_files(None) as files:
                told = _make(making, reading, files, progress)
            planned = {"kind": "chat", **told, "subject": description.subject, "consent": description.consent}
            return prepare_record(out, planned, unchanged=False, dry_run=True, disk_bytes=needed_bytes)
        with new_set(out, needed_bytes) as folder:
            with record_files(folder) as files:
                told = _make(making, reading, files, progress)
            counts, dropped = told.pop("counts"), Counter(told.pop("dropped"))
            manifest = write_manifest(folder, description, counts, dropped, told)
    return prepare_record(out, manifest, unchanged=False, dry_run=False)


def _showing(progress: Progress) -> Callable[[str, object, str], None]:
    """Return what shows each message that is dropped, and each line that looks odd within one."""

    def watch(reason: str, where: object, what: str) -> None:
        place = f" ({where})" if str(where) else ""
        progress.say(f"{reason}{place}: {' '.join(what.split())}" if what else f"{reason}{place}")

    return watch


def _consent(sources: Sequence[str | Path], settings: PrepareChatSettings) -> str:
    """Return how the person agreed; the demo persons are invented."""
    only_invented = all(str(source) in DEMO_LOGS for source in sources)
    return "synthetic" if only_invented and settings.consent == "unspecified" else settings.consent


def _rules_of(out: Path) -> Rules:
    """Return what a set that is to be replaced was made to forget: it does not come back."""
    return Rules(read_manifest(out) if (out / "manifest.json").is_file() else {})


def _common_name(reading: Reading, settings: PrepareChatSettings) -> str | None:
    """Return what the subject is called in all logs, None if as in each of them: the first of several names says it."""
    if settings.subject or len(settings.me) < 2:
        return settings.subject
    return _own_name(min(reading.logs, key=lambda waiting: waiting.who.rank))


def _own_name(waiting: Waiting) -> str:
    """Return what a log calls its subject."""
    name = waiting.log.names[waiting.who.first]
    return name if seen(name) else waiting.who.first


def _name_of(waiting: Waiting, making: "_Making") -> str:
    """Return what the subject of a log is called."""
    return making.asked.redactor.hide_listed(well_formed(making.called or _own_name(waiting)))


def _system(waiting: Waiting, making: "_Making") -> str:
    """Return the system turn of a log's records."""
    persona = making.asked.persona
    return system_prompt(_name_of(waiting, making), persona.text if persona else None) or ""


@dataclass
class _Making:
    """How records are made, and what there is to tell of them: every message read is in a turn or dropped."""

    asked: Asked
    spool: Spool
    watch: Callable[[str, object, str], None] | None
    forgotten: Rules
    called: str | None = None
    dropped: Counter[str] = field(default_factory=Counter)
    noticed: Counter[str] = field(default_factory=Counter)
    tally: Counter[str] = field(default_factory=Counter)
    done: list[WaitingChat] = field(default_factory=list)

    @property
    def rules(self) -> TurnRules:
        return TurnRules(
            merge_seconds=60 * self.asked.settings.merge_minutes,
            silence_seconds=60 * self.asked.settings.silence_minutes,
            answer_seconds=3600 * self.asked.settings.answer_hours,
            max_turns=self.asked.settings.max_turns,
            max_characters=self.asked.settings.max_characters,
        )

    def drop(self, reason: str, message: Message) -> None:
        """Count a message that is in no turn."""
        self.dropped[reason] += 1
        if self.watch:
            self.watch(reason, iso(message.time) or "", message.text)

    def drop_turns(self, reason: str, turns: Iterable[Turn]) -> None:
        """Count the messages of turns that are in no record."""
        for turn in turns:
            self.dropped[reason] += len(turn.bubbles)
            if self.watch:
                for bubble in turn.bubbles:
                    self.watch(reason, iso(turn.began) or "", bubble)


def _make(making: _Making, reading: Reading, files: RecordFiles, progress: Progress) -> dict[str, Any]:
    """Make the records of all logs, and return what to tell of them.

    Raises BadData if nothing can be learned; a record is held out where the shares of the chats came to none.
    """
    passed_over = reading.passed_over
    for waiting in reading.logs:
        people = making.asked.choice.people(waiting.log, waiting.who)
        there = [chat for chat in making.spool.chats if chat.log == waiting.number]
        chats = [chat for chat in there if making.asked.choice.takes(chat, people)]
        passed_over["other_chat"] += len(there) - len(chats)
        progress.stage(tr("prepare {source}", source=waiting.source), len(chats), tr("chats"))
        records, messages = files.train + files.valid, making.tally["messages"]
        making.dropped.update(waiting.log.dropped)
        making.noticed.update(waiting.log.noticed)
        making.tally["read"] += waiting.log.dropped.total()
        for chat in chats:
            _make_chat(making, waiting, chat, files)
            progress.advance()
        if making.tally["messages"] > messages and files.train + files.valid == records:
            passed_over["without_exchange"] += 1
    progress.close()
    _check_and_hold_out(files, reading.logs[0], making)
    tally = making.tally
    return {
        "counts": {"train": files.train, "valid": files.valid, **tally},
        "dropped": {reason: count for reason, count in sorted(making.dropped.items()) if count},
        "noticed": dict(sorted(making.noticed.items())),
        "passed_over": {reason: count for reason, count in sorted(passed_over.items()) if count},
        "formats": sorted({waiting.log.format for waiting in reading.logs}),
        "redacted": dict(sorted(making.asked.redactor.counts.items())),
        "redaction_note": making.asked.redactor.note,
        **({"persona": making.asked.persona.text} if making.asked.persona else {}),
        **({"forgotten": making.forgotten.kept} if making.forgotten.kept else {}),
    }


def _check_and_hold_out(files: RecordFiles, first: Waiting, making: _Making) -> None:
    if not files.train + files.valid:
        raise BadData(
            tr(
                "{source}: nobody is answered by {subject}: no exchange to learn from",
                source=first.source,
                subject=_name_of(first, making),
            ),
            tr("do --with, --since and --until leave one?") if making.asked.choice else tr("is --me the right person?"),
        )
    if making.asked.settings.valid > 0 and not files.valid:
        if files.train == 1:
            raise BadData(
                tr("{source}: one short conversation", source=first.source),
                tr("add more, or --valid 0 to hold nothing out"),
            )
        files.hold_out_last()


def _make_chat(making: _Making, waiting: Waiting, chat: WaitingChat, files: RecordFiles) -> None:
    """Add one chat's records: the last `valid` share of them, by time, is held out."""
    system = _system(waiting, making)
    chat_hash = sha256_bytes(f"{waiting.digest}/{chat.identity}".encode())[:16]
    has_bubbles = not waiting.log.has_roles
    key = bytes.fromhex(waiting.digest)

    def records() -> Iterator[dict[str, Any]]:
        for turns in _chat_records(making, waiting, chat):
            names = others_in(waiting.log, turns, waiting.who.first)
            record = dialogue_record(turns, waiting.who.first, system, chat_hash, has_bubbles=has_bubbles)
            if making.forgotten.take(record, names):
                making.drop_turns("forgotten", turns)
                making.tally["messages"] -= messages_in(turns)
                continue
            making.tally["turns"] += len(turns)
            making.tally["subject_turns"] += sum(1 for turn in turns if turn.sender == waiting.who.first)
            making.tally["merged"] += messages_in(turns) - len(turns)
            yield record | {"speakers": speaker_hashes(key, names)}

    making.tally["chats"] += bool(files.add(records(), making.asked.settings.valid))
    making.done.append(chat)


def _chat_records(making: _Making, waiting: Waiting, chat: WaitingChat) -> Iterator[list[Turn]]:
    messages, subject = _cleaned_messages(making, waiting, chat), waiting.who.first
    called = _called(making, waiting, chat)
    for conversation in conversations(messages, subject, making.rules, making.drop_turns, called):
        making.tally["conversations"] += 1
        kept = without_unanswered_end(conversation, subject)
        making.drop_turns("unanswered", conversation[len(kept) :])
        if kept:
            yield from cut_into_records(kept, subject, making.rules, making.drop_turns)


def _called(making: _Making, waiting: Waiting, chat: WaitingChat) -> dict[str, str]:
    """Return what the others are called where there are several, personal data redacted."""
    others = sorted(chat.senders - waiting.who.senders)
    if len(others) < 2 or waiting.log.has_roles:
        return {}
    return {sender: _one_line(waiting.log.names[sender], making, ()) for sender in others}


def _one_line(text: str, making: _Making, marked: tuple[tuple[str, str], ...]) -> str:
    text = " ".join(without_controls(well_formed(text)).split())
    return making.asked.redactor.redact(text, marked)


def _cleaned_messages(making: _Making, waiting: Waiting, chat: WaitingChat) -> Iterator[Message]:
    """Yield a chat's messages redacted and, where there are no roles, each on one line; count what is not there.

    A message is removed if it is of another time than is taken, if it was there before, if nothing is left of it, and
    if the subject borrowed the words. All that the subject sent, under whatever name, is of one sender.
    """
    seen_before = Seen(making.spool, chat, making.done, making.asked.choice.refusal)
    for message, mark in making.spool.messages(chat):
        making.tally["read"] += 1
        reason = message.removed
        if refusal := making.asked.choice.refusal(message.time):
            reason = refusal
        elif seen_before.holds(message, mark):
            reason = "duplicate"
        elif message.borrowed and message.sender in waiting.who.senders:
            reason = reason or message.borrowed
        if message.sender in waiting.who.senders:
            message.sender = waiting.who.first
        text = "" if reason else _cleaned(message, making, keep_lines=waiting.log.has_roles)
        reason = reason or ("" if text else "empty")
        if reason:
            making.drop(reason, message)
        else:
            making.tally["messages"] += 1
        message.text, message.removed = text, reason
        yield message


def _cleaned(message: Message, making: _Making, *, keep_lines: bool) -> str:
    if not keep_lines:
        return _one_line(message.text, making, message.marked)
    text = without_controls(well_formed(message.text)).strip()
    return making.asked.redactor.redact(text, message.marked)
