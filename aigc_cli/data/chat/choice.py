"""Which chats are taken, by who writes in them, and which of their messages, by when they were sent."""

import difflib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC

from aigc_cli.config.prepare_chat import PrepareChatSettings
from aigc_cli.core.errors import UsageProblem
from aigc_cli.core.words.messages import tr
from aigc_cli.data.chat.dates import read_zone
from aigc_cli.data.chat.messages import Log
from aigc_cli.data.chat.names import seen
from aigc_cli.data.chat.spool import WaitingChat
from aigc_cli.data.chat.subject import Subject, listed, senders_named
from aigc_cli.data.span import Span, span


@dataclass
class Choice:
    """What is taken: chats in which one of `names` writes beside the subject, or all; messages sent in a time."""

    names: Sequence[str] = ()
    time: Span = field(default_factory=Span)

    def __post_init__(self) -> None:
        """Know the ends of the time in seconds."""
        since, until = self.time.since, self.time.until
        self._since = float("-inf") if since is None else since.timestamp()
        self._until = float("inf") if until is None else until.timestamp()

    def __bool__(self) -> bool:
        """Return whether anything is not taken."""
        return bool(self.names or self.time)

    def people(self, log: Log, subject: Subject) -> frozenset[str]:
        """Return the senders of a log whose chats are taken."""
        named = (sender for name in self.names for sender in senders_named(log, name))
        return frozenset(named) - subject.senders

    def takes(self, chat: WaitingChat, people: frozenset[str]) -> bool:
        """Return whether a chat is taken, where these of its log's senders are the ones that are meant."""
        return not self.names or bool(chat.senders & people)

    def refusal(self, seconds: float | None) -> str:
        """Return why a message sent then is not taken, "" if it is."""
        if not self.time:
            return ""
        if seconds is None:
            return "without_time"
        return "" if self._since <= seconds < self._until else "outside_dates"


def choice_of(settings: PrepareChatSettings) -> Choice:
    """Return what is to be taken. UsageProblem for what is no date or zone."""
    zone = UTC if settings.zone is None else read_zone(settings.zone)
    return Choice(settings.with_, span(settings.since, settings.until, zone))


def require_people(choice: Choice, logs: Iterable[tuple[Log, Subject]]) -> None:
    """Raise UsageProblem, with who there is, where nobody but the subject has one of the names."""
    logs = list(logs)
    for name in choice.names:
        if not any(Choice((name,)).people(log, subject) for log, subject in logs):
            raise _nobody(name, logs)


def _nobody(name: str, logs: Iterable[tuple[Log, Subject]]) -> UsageProblem:
    counts: Counter[str] = Counter()
    for log, subject in logs:
        for sender, count in log.written.items() if not log.has_roles else ():
            if sender not in subject.senders:
                counts[seen(log.names[sender]) or sender] += count
    near = difflib.get_close_matches(name, counts, n=1)
    remedy = tr("did you mean {name!r}?", name=near[0]) if near else tr("give a name as it stands there, or an id")
    return UsageProblem(
        tr("--with {name!r}: nobody is called so. Others: {listed}", name=name, listed=listed(counts.most_common())),
        remedy,
    )
