"""Whose turns are to be learned: found in a log by what the log says, what the user says, and what other logs told.

A name is matched as it is seen and typed. Two people of one name are told by their ids.
"""

import shlex
from collections import Counter
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass

from aigc_cli.config.prepare_chat import PrepareChatSettings
from aigc_cli.core.errors import AigcError, BadData, UsageProblem
from aigc_cli.core.words.messages import tr
from aigc_cli.data.chat.messages import ASSISTANT, Log
from aigc_cli.data.chat.names import alike, seen

_MOST_LISTED = 8


@dataclass(frozen=True)
class Subject:
    """Whose turns of a log are to be learned: all the `senders` are one person, as the `first` of them.

    `rank` is the place among several `--me` of the one that means the first.
    """

    first: str
    senders: frozenset[str]
    rank: int = 0


class NotInLog(Exception):
    """A log in which the subject exchanges nothing with anyone. `error` is what to say if it is the only one."""

    def __init__(self, error: AigcError) -> None:
        super().__init__(str(error))
        self.error = error


def names_everywhere(logs: Iterable[Log]) -> Counter[str]:
    """Return in how many logs each name writes, as names are typed."""
    return Counter(name for log in logs for name in {alike(log.names[sender]) for sender in log.written})


def find_subject(
    log: Log,
    source: str,
    settings: PrepareChatSettings,
    known: Set[str] = frozenset(),
    everywhere: Counter[str] | None = None,
) -> Subject:
    """Return whose turns are to be learned: all that `--me` names, else whom the log says, else `--subject`.

    `known` are the subjects of other logs: one of them is meant where nothing else tells. `everywhere` counts the
    logs in which each name writes, by which the likely one is proposed. Raises NotInLog where the
    subject says nothing, UsageProblem with the senders and their counts where it cannot be told who it is.
    """
    counts = log.messages_by_sender()
    if not counts:
        raise NotInLog(
            BadData(
                tr("{source}: no messages with text", source=source), tr("export the chat again, with its messages")
            )
        )
    if log.has_prompts and not any(ASSISTANT in senders_named(log, name) for name in settings.me):
        raise NotInLog(_only_prompts(log, source))
    everywhere = everywhere or Counter()
    if log.subject is not None and (log.has_roles or not settings.me):
        return Subject(log.subject, frozenset({log.subject}), len(settings.me))
    if len(settings.me) > 1:
        return _all_named(log, source, settings.me, known, everywhere)
    wanted = next(iter(settings.me), settings.subject)
    named = senders_named(log, wanted) if wanted else []
    ours = named if len(named) == 1 else [sender for sender in named or counts if sender in known]
    if len(ours) == 1:
        return Subject(ours[0], frozenset(ours))
    if not settings.me and len(counts) == 1:
        raise NotInLog(_only_one_writes(log, source))
    error = _ambiguous(log, source, settings.me, named, everywhere)
    if settings.me and not named:
        raise NotInLog(error)
    raise error


def _all_named(log: Log, source: str, me: Sequence[str], known: Set[str], everywhere: Counter[str]) -> Subject:
    """Return the person of several names: whoever one of them means, but not one of two people of one name.

    Where a name means several and another of the names one of these, or another log does, it means that one.
    """
    named = [senders_named(log, name) for name in me]
    found = {senders[0] for senders in named if len(senders) == 1}
    if not any(named):
        ours = {sender for sender in log.written if sender in known}
        if not ours:
            raise NotInLog(_ambiguous(log, source, me, [], everywhere))
        found |= ours
    for name, senders in zip(me, named, strict=True):
        if len(senders) > 1 and not found & {*senders}:
            ours = {sender for sender in senders if sender in known}
            if len(ours) != 1:
                raise _ambiguous(log, source, (name,), senders, everywhere)
            found |= ours
    ranks = {sender: rank for rank, senders in reversed([*enumerate(named)]) for sender in senders if sender in found}
    first = min(found, key=lambda sender: (ranks.get(sender, len(me)), sender))
    return Subject(first, frozenset(found), ranks.get(first, len(me)))


def senders_named(log: Log, wanted: str) -> list[str]:
    """Return who is meant by an id or a name: the senders that fit it in the strictest way that any fits.

    First the id to the letter, then the name as it is seen, then the id and at last the name however it is typed.
    """
    senders = list(log.messages_by_sender())
    ways = (
        [sender for sender in senders if sender == wanted],
        [sender for sender in senders if seen(wanted) and seen(log.names[sender]) == seen(wanted)],
        [sender for sender in senders if sender.casefold() == wanted.casefold()],
        [sender for sender in senders if alike(wanted) and alike(log.names[sender]) == alike(wanted)],
    )
    return next((found for found in ways if found), [])


def _only_one_writes(log: Log, source: str) -> AigcError:
    (sender,) = log.messages_by_sender()
    return BadData(
        tr("{source}: only {name} writes: no exchange to learn from", source=source, name=_shown(log, sender)),
        tr("export chats in which the person answers"),
    )


def _only_prompts(log: Log, source: str) -> AigcError:
    return BadData(
        tr(
            "{source}: prompts to {name}: no exchange with people to learn from",
            source=source,
            name=log.names[ASSISTANT],
        ),
        tr("give chats with people, or --me {name} to learn what it says", name=log.names[ASSISTANT]),
    )


def _ambiguous(log: Log, source: str, me: Sequence[str], named: list[str], everywhere: Counter[str]) -> UsageProblem:
    """Return the error that lists the senders, and proposes the likely one: no contact, in most chats.

    Where several are `named`, one of them.
    """
    counts, chats = log.messages_by_sender(), log.chats_by_sender()
    ranked = sorted(
        counts,
        key=lambda sender: (-everywhere[alike(log.names[sender])], -chats[sender], -counts[sender], sender),
    )
    senders = listed([(_shown(log, sender), counts[sender]) for sender in ranked])
    problem = tr("whose turns are to be learned?")
    if len(me) == 1:
        problem = tr("--me {name!r} is not one sender.", name=me[0])
    elif me:
        problem = tr("none of --me {names} is a sender.", names=", ".join(map(repr, me)))
    likely = [sender for sender in ranked if sender not in log.contacts and (sender in named or not named)]
    remedy = tr("is --me the right person?")
    if likely:
        remedy = tr(
            "add --me {name}, the likely one, or another's name or id", name=shlex.quote(_typed(log, likely[0]))
        )
    return UsageProblem(
        tr("{source}: {problem} Senders: {listed}", source=source, problem=problem, listed=senders), remedy
    )


def listed(counts: Sequence[tuple[str, int]]) -> str:
    """Return names with how many messages are theirs, the first few of them."""
    shown = ", ".join(f"{name} ({count})" for name, count in counts[:_MOST_LISTED])
    more = len(counts) - _MOST_LISTED
    return shown + tr(" and {count} more", count=more) if more > 0 else shown


def _shown(log: Log, sender: str) -> str:
    """Return a sender's name and, where the log has ids, the id."""
    name = seen(log.names[sender])
    if name == sender:
        return name
    return f"{name} [{sender}]" if name else f"[{sender}]"


def _typed(log: Log, sender: str) -> str:
    """Return what to type so that one sender is found: the name if it is one person's, else the id."""
    name = seen(log.names[sender])
    return name if name and senders_named(log, name) == [sender] else sender
