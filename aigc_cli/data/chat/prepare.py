"""`aigc prepare chat`: chat logs become a dialogue set of the subject's answers.

Read, find the subject, redact, make turns and records, hold out the last records of each chat, write. The set
appears whole or not at all, and however large the logs are, little of them is held. Nothing here prints, and no
personal value leaves but into the set.
"""

import gc
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from aigc_cli.config.base import as_json
from aigc_cli.config.prepare_chat import PrepareChatSettings
from aigc_cli.core.screen.progress import Progress
from aigc_cli.core.words.messages import tr
from aigc_cli.data.chat.asked import Asked, asked_of
from aigc_cli.data.chat.making import Making, make_records, name_of, own_name
from aigc_cli.data.chat.reading import Reading, read_all
from aigc_cli.data.chat.records import record_files
from aigc_cli.data.chat.redaction import recorded_source
from aigc_cli.data.chat.sources import DEMO_LOGS, Gathered, chat_exports
from aigc_cli.data.chat.spool import Spool
from aigc_cli.data.forget.selection import Rules
from aigc_cli.data.manifest import read_manifest
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
        making = Making(asked, spool, watch, _rules_of(out), _common_name(reading, settings))
        description = SetDescription(
            kind="chat",
            settings=as_json(asked.recorded),
            sources=source_records,
            subject=name_of(min(reading.logs, key=lambda waiting: waiting.log.has_roles), making),
            consent=_consent(sources, settings),
        )
        if dry_run:
            with record_files(None) as files:
                told = make_records(making, reading, files, progress)
            planned = {"kind": "chat", **told, "subject": description.subject, "consent": description.consent}
            return prepare_record(out, planned, unchanged=False, dry_run=True, disk_bytes=needed_bytes)
        with new_set(out, needed_bytes) as folder:
            with record_files(folder) as files:
                told = make_records(making, reading, files, progress)
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
    return own_name(min(reading.logs, key=lambda waiting: waiting.who.rank))
