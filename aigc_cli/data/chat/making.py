"""The second half of `aigc prepare chat`: of the messages that wait, chat by chat, come the records of a set.

Cleaned and redacted messages become turns, conversations and records; each message that does not is counted.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from aigc_cli.core.disk.files import sha256_bytes
from aigc_cli.core.errors import BadData
from aigc_cli.core.screen.progress import Progress
from aigc_cli.core.words.messages import tr
from aigc_cli.core.words.plain import well_formed
from aigc_cli.data.chat.asked import Asked
from aigc_cli.data.chat.messages import Message, without_controls
from aigc_cli.data.chat.names import seen
from aigc_cli.data.chat.overlap import Seen
from aigc_cli.data.chat.reading import Reading, Waiting
from aigc_cli.data.chat.record import dialogue_record, iso, others_in
from aigc_cli.data.chat.records import RecordFiles
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
from aigc_cli.data.persona import system_prompt


@dataclass
class Making:
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

    @cached_property
    def rules(self) -> TurnRules:
        """How turns are made."""
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


def own_name(waiting: Waiting) -> str:
    """Return what a log calls its subject."""
    name = waiting.log.names[waiting.who.first]
    return name if seen(name) else waiting.who.first


def name_of(waiting: Waiting, making: Making) -> str:
    """Return what the subject of a log is called."""
    return making.asked.redactor.hide_listed(well_formed(making.called or own_name(waiting)))


def _system(waiting: Waiting, making: Making) -> str:
    """Return the system turn of a log's records."""
    persona = making.asked.persona
    return system_prompt(name_of(waiting, making), persona.text if persona else None) or ""


def make_records(making: Making, reading: Reading, files: RecordFiles, progress: Progress) -> dict[str, Any]:
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


def _check_and_hold_out(files: RecordFiles, first: Waiting, making: Making) -> None:
    if not files.train + files.valid:
        raise BadData(
            tr(
                "{source}: nobody is answered by {subject}: no exchange to learn from",
                source=first.source,
                subject=name_of(first, making),
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


def _make_chat(making: Making, waiting: Waiting, chat: WaitingChat, files: RecordFiles) -> None:
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


def _chat_records(making: Making, waiting: Waiting, chat: WaitingChat) -> Iterator[list[Turn]]:
    messages, subject = _cleaned_messages(making, waiting, chat), waiting.who.first
    called = _called(making, waiting, chat)
    for conversation in conversations(messages, subject, making.rules, making.drop_turns, called):
        making.tally["conversations"] += 1
        kept = without_unanswered_end(conversation, subject)
        making.drop_turns("unanswered", conversation[len(kept) :])
        if kept:
            yield from cut_into_records(kept, subject, making.rules, making.drop_turns)


def _called(making: Making, waiting: Waiting, chat: WaitingChat) -> dict[str, str]:
    """Return what the others are called where there are several, personal data redacted."""
    others = sorted(chat.senders - waiting.who.senders)
    if len(others) < 2 or waiting.log.has_roles:
        return {}
    return {sender: _one_line(waiting.log.names[sender], making, ()) for sender in others}


def _one_line(text: str, making: Making, marked: tuple[tuple[str, str], ...]) -> str:
    text = " ".join(without_controls(well_formed(text)).split())
    return making.asked.redactor.redact(text, marked)


def _cleaned_messages(making: Making, waiting: Waiting, chat: WaitingChat) -> Iterator[Message]:
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


def _cleaned(message: Message, making: Making, *, keep_lines: bool) -> str:
    if not keep_lines:
        return _one_line(message.text, making, message.marked)
    text = without_controls(well_formed(message.text)).strip()
    return making.asked.redactor.redact(text, message.marked)
