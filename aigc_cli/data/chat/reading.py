"""The first half of `aigc prepare chat`: every source is read, its messages wait, and it is found whose they are."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from aigc_cli.config.prepare_chat import PrepareChatSettings
from aigc_cli.core.errors import AigcError, Locked, UsageProblem
from aigc_cli.core.screen.progress import Progress
from aigc_cli.core.words.messages import tr
from aigc_cli.data.chat.choice import Choice, require_people
from aigc_cli.data.chat.dates import read_zone
from aigc_cli.data.chat.detect import EmptyLog, NotALog, open_log
from aigc_cli.data.chat.exports import Digest, Export
from aigc_cli.data.chat.messages import Log, Message
from aigc_cli.data.chat.reader import ReadOptions
from aigc_cli.data.chat.readers.columns import read_columns
from aigc_cli.data.chat.sources import Gathered
from aigc_cli.data.chat.spool import Spool
from aigc_cli.data.chat.subject import NotInLog, Subject, find_subject, names_everywhere, senders_named

_SHOWN_EVERY = 2000  # messages
_MOST_TOLD = 8  # of the files that are passed over


@dataclass
class Waiting:
    """A log whose messages wait in the spool, the `number`-th there, and who of its senders is the subject."""

    number: int
    source: str
    digest: str
    log: Log
    subject: Subject | None = None

    @property
    def who(self) -> Subject:
        """Whose turns are to be learned, which is known of what was read to the end."""
        assert self.subject is not None
        return self.subject


@dataclass
class Reading:
    """What was read: the logs in which the subject speaks, what gave none, and what was passed over, by reason."""

    logs: list[Waiting] = field(default_factory=list)
    passed_over: Counter[str] = field(default_factory=Counter)
    apart: list[AigcError] = field(default_factory=list)


def read_all(
    gathered: Gathered,
    digests: dict[str, Digest],
    settings: PrepareChatSettings,
    choice: Choice,
    spool: Spool,
    progress: Progress,
    watch: Callable[[str, object, str], None] | None,
) -> Reading:
    """Read the exports into the spool, and return the logs, each with its subject.

    Raises BadData for what is damaged or no log, UsageProblem where it cannot be told whose they are, and where nobody
    is called as `choice` names the others; whose a log is in which none of these writes is not asked.
    """
    reading = Reading(apart=list(gathered.apart))
    _count_passed_over(gathered, reading.passed_over, progress)
    logs = list(_taken(gathered, digests, settings, spool, progress, reading, watch))
    progress.close()
    everywhere = names_everywhere([waiting.log for waiting in logs])
    known: set[str] = set()
    open_logs = [waiting for waiting in logs if not _finds(waiting, settings, known, everywhere)]
    for waiting in open_logs:
        try:
            waiting.subject = find_subject(waiting.log, waiting.source, settings, known, everywhere)
        except NotInLog as nobody:
            reading.apart.append(nobody.error)
            reading.passed_over["without_exchange"] += 1
        except UsageProblem:
            if not choice.names or any(senders_named(waiting.log, name) for name in choice.names):
                raise
            reading.passed_over["other_chat"] += sum(chat.log == waiting.number for chat in spool.chats)
    reading.logs = [waiting for waiting in logs if waiting.subject]
    _tell_apart(reading, progress)
    _tell_nobody(logs, settings.me, progress)
    require_people(choice, [(waiting.log, waiting.subject or Subject("", frozenset())) for waiting in logs])
    return reading


def _finds(waiting: Waiting, settings: PrepareChatSettings, known: set[str], everywhere: Counter[str]) -> bool:
    """Find a log's subject, if nothing of other logs is needed for it, and say so."""
    try:
        waiting.subject = find_subject(waiting.log, waiting.source, settings, known, everywhere)
    except (NotInLog, UsageProblem):
        return False
    known |= set() if waiting.log.has_roles else waiting.who.senders
    return True


def _tell_apart(reading: Reading, progress: Progress) -> None:
    """Say what was passed over; raise the reason where nothing else was there."""
    if not reading.logs and reading.apart:
        raise next((error for error in reading.apart if isinstance(error, UsageProblem)), reading.apart[0])
    for error in reading.apart[:_MOST_TOLD]:
        progress.say(tr("passed over: {what}", what=error.message))
    if len(reading.apart) > _MOST_TOLD:
        progress.say(tr("passed over: {count} more", count=len(reading.apart) - _MOST_TOLD))


def _tell_nobody(logs: Sequence[Waiting], me: Sequence[str], progress: Progress) -> None:
    """Say which names of the subject are nobody's: they may be misspelt. Where there are only roles, none is."""
    named = [waiting.log for waiting in logs if not waiting.log.has_roles]
    for name in me if named else ():
        if not any(senders_named(log, name) for log in named):
            progress.say(tr("--me {name!r}: nobody is called so in any source", name=name))


def _count_passed_over(gathered: Gathered, passed_over: Counter[str], progress: Progress) -> None:
    for folder, count in gathered.passed_over.items():
        if count:
            passed_over["attached_document"] += count
            progress.say(
                tr("{folder}: an export; documents in it that are passed over: {count}", folder=folder, count=count)
            )
    if gathered.apart:
        passed_over["not_a_chat_log"] += len(gathered.apart)
    for folder in gathered.pages:
        passed_over["web_pages"] += 1
        progress.say(tr("passed over: {what}", what=tr("{source}: exported as web pages", source=folder)))


def _taken(
    gathered: Gathered,
    digests: dict[str, Digest],
    settings: PrepareChatSettings,
    spool: Spool,
    progress: Progress,
    reading: Reading,
    watch: Callable[[str, object, str], None] | None,
) -> Iterator[Waiting]:
    """Yield each log, its messages in the spool; to `reading` goes what is empty, and what was found and is none."""
    options = _options(settings)
    format_name = "columns" if settings.columns else settings.format
    zone = None if settings.zone is None else read_zone(settings.zone)
    met: set[str] = set()
    for path, export in gathered.exports.items():
        digest = digests[path].sha256
        if digest in met and digests[path].size:
            reading.passed_over["duplicate_source"] += 1
            continue
        met.add(digest)
        progress.stage(tr("read {source}", source=export.source), None, tr("messages"))
        try:
            log, messages = open_log(export, format_name, options, zone=zone, watch=watch)
            number = spool.logs
            spool.take(log, _counted(messages, progress))
            _require_unchanged(export, digest)
        except EmptyLog as error:
            reading.passed_over["without_exchange"] += 1
            reading.apart.append(error)
        except NotALog as error:
            if path not in gathered.found:
                raise
            reading.passed_over["not_a_chat_log"] += 1
            reading.apart.append(error)
        else:
            yield Waiting(number, export.source, digest, log)


def _require_unchanged(export: Export, digest: str) -> None:
    """Raise Locked where an export is not what it was: the set would say that it was made from something else."""
    if export.digest().sha256 != digest:
        raise Locked(
            tr("{source}: changed while it was read", source=export.source), tr("run it again when it is complete")
        )


def _options(settings: PrepareChatSettings) -> ReadOptions:
    """Return what readers are told. UsageProblem where columns are named of what is told to be no table."""
    if settings.columns and settings.format not in ("auto", "columns"):
        raise UsageProblem(
            tr("--columns is for tables, --format {name} for others", name=settings.format), tr("give one of them")
        )
    return ReadOptions(
        is_told=settings.format != "auto" or bool(settings.columns),
        dates=None if settings.dates == "auto" else settings.dates,
        columns=read_columns(settings.columns) if settings.columns else {},
    )


def _counted(messages: Iterator[Message], progress: Progress) -> Iterator[Message]:
    count = 0
    for count, message in enumerate(messages, start=1):
        yield message
        if not count % _SHOWN_EVERY:
            progress.advance(_SHOWN_EVERY)
    progress.advance(count % _SHOWN_EVERY)
