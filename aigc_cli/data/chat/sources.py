"""Which exports the sources of `aigc prepare chat` stand for.

A folder gives the logs below it, an archive those in it. Files that belong together are one export, as their reader
says. Where an export lies in a folder, it is the log, and what people sent each other, which lies beside and below it,
is not: documents are passed over and counted.
"""

import io
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from aigc_cli.config.base import did_you_mean
from aigc_cli.core.disk.files import no_input, require_file
from aigc_cli.core.errors import AigcError, BadData, UsageProblem
from aigc_cli.core.words.messages import tr
from aigc_cli.data.chat.exports import Export, Part
from aigc_cli.data.chat.readers import readers
from aigc_cli.data.chat.readers.corpus import PREFIX, corpus_messages
from aigc_cli.data.chat.spool import no_room
from aigc_cli.data.chat.zipped import BEGINS, is_export, is_zipped, zipped_parts
from aigc_cli.data.prepared import STDIN, expand_sources, no_file_in, source_label
from aigc_cli.data.walk import walk

# The invented people whose logs come with the package, English and Chinese, below aigc_cli/demo.
DEMO_LOGS = {"demo:wren": "result.json", "demo:maidong": "zh/result.json"}
_SUFFIXES = (".json", ".jsonl", ".txt", ".csv", ".tsv", ".srt", ".ass", ".ssa", ".vtt", ".mbox", ".eml", ".fountain")
_OLDER_SUFFIXES = _SUFFIXES[:3]  # all that was looked for in folders once
_EXPORTS = ("result.json", "_chat.txt")  # of Telegram Desktop, of WhatsApp for iOS: nothing else there is a log
_PAGES = frozenset({"messages.html", "export_results.html", "message_1.html"})  # their other form, for reading
# What exporters call the folders, beside the logs, of what was sent.
_ATTACHMENTS = frozenset({"attachments", "documents", "files", "images", "media", "photos", "profile_pictures"})
_ATTACHMENTS |= {"round_video_messages", "stickers", "stories", "video_files", "videos", "voice_messages"}
_ATTACHMENTS |= {"whatsapp documents", "audio", "gifs"}
_WORKSPACE = frozenset({"users.json", "channels.json", "dms.json"})  # beside them, Slack's channels have any name


@dataclass
class Gathered:
    """The exports to read, by the path that names each, and which of the paths were found, not named.

    `newer` are those of them that are no plain texts, for which older versions did not look in folders.

    `passed_over` counts the documents beside and below exports, by folder; `pages` are exports for reading alone;
    `apart` says why an archive that was found gives nothing. `opened` is to be closed at the end.
    """

    exports: dict[str, Export] = field(default_factory=dict)
    found: set[str] = field(default_factory=set)
    newer: set[str] = field(default_factory=set)
    passed_over: Counter[str] = field(default_factory=Counter)
    pages: list[str] = field(default_factory=list)
    apart: list[AigcError] = field(default_factory=list)
    opened: ExitStack = field(default_factory=ExitStack)

    def add(self, path: str, parts: Sequence[Part], encoding: str) -> None:
        """Add an export."""
        self.exports[path] = Export(source_label(path), tuple(parts), encoding)


def chat_exports(sources: Sequence[str | Path], encoding: str) -> Gathered:
    """Return what the sources stand for; `demo:NAME` is a log of the package, `chatterbot:LANGUAGE` one of a wheel.

    Raises NoInput for what is not there or a folder without a log, BadData for an export that is web pages alone.
    """
    gathered = Gathered()
    with gathered.opened as opened:  # closed where a source is refused
        _gather(sources, gathered, encoding)
        gathered.opened = opened.pop_all()
    return gathered


def _gather(sources: Sequence[str | Path], gathered: Gathered, encoding: str) -> None:
    demo = Path(__file__).parents[2] / "demo"
    named: dict[str, Path] = {}
    for source in map(str, sources):
        if source.startswith(PREFIX):
            gathered.add(
                source, [Part(source, partial(io.BytesIO, corpus_messages(source.removeprefix(PREFIX))))], encoding
            )
        elif source in DEMO_LOGS:
            named[str(demo / DEMO_LOGS[source])] = demo / DEMO_LOGS[source]
        elif source.startswith("demo:"):
            raise UsageProblem(tr("{name} is no demo person", name=source), did_you_mean(source, tuple(DEMO_LOGS)))
        elif source == STDIN:
            gathered.add(source, [Part(source, _kept_stdin(gathered.opened))], encoding)
        elif Path(source).is_dir():
            _look_through(Path(source), gathered, encoding)
        else:
            named |= {file: Path(file) for file in expand_sources([source], _SUFFIXES)}
    archives = [path for path, file in named.items() if is_zipped(file)]
    for path in archives:
        _look_into(named.pop(path), gathered, encoding)
    _add_files(named, gathered, encoding)


def _add_files(files: Mapping[str, Path], gathered: Gathered, encoding: str) -> None:
    """Add files, each an export, or with others where they belong together."""
    for group, _ in _grouped(list(files)):
        gathered.add(group[0], [Part(name, _opening(files[name])) for name in group], encoding)


def _grouped(names: Sequence[str]) -> Iterator[tuple[Sequence[str], bool]]:
    """Yield the names, those together that readers say belong together, each group where its earliest name stood.

    With each comes whether a reader knows it for an export.
    """
    places = {name: place for place, name in enumerate(names)}
    groups: dict[int, tuple[Sequence[str], bool]] = {}
    left = dict(places)
    for _, reader in readers():
        for group in reader.gather(list(left)):
            groups[min(left.pop(name) for name in group)] = group, True
    groups |= {place: ([name], False) for name, place in left.items()}
    yield from (groups[place] for place in sorted(groups))


def _opening(path: Path) -> Callable[[], BinaryIO]:
    def opened() -> BinaryIO:
        try:
            require_file(path)
            return path.open("rb")
        except OSError as error:
            raise no_input(path, error) from error

    return opened


class _Again(io.RawIOBase):
    """A file without a name, read from its beginning whatever else reads it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor, self._at = descriptor, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = os.pread(self._descriptor, len(buffer), self._at)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


@contextmanager
def _in_temporary_files() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise no_room(error) from error


def _kept_stdin(opened: ExitStack) -> Callable[[], BinaryIO]:
    """Return how to open, again and again, what stdin gives, which is kept in a file without a name."""
    with _in_temporary_files():
        kept = opened.enter_context(tempfile.TemporaryFile(buffering=0))  # noqa: SIM115 - closed with `opened`
    while data := sys.stdin.buffer.read(1 << 20):
        left = memoryview(data)
        with _in_temporary_files():
            while left:  # a disk that becomes full takes a part
                left = left[kept.write(left) :]
    if os.pread(kept.fileno(), 4, 0) in BEGINS:
        raise BadData(tr("{source}: a zip archive", source=source_label(STDIN)), tr("name the file instead of -"))
    return lambda: io.BufferedReader(_Again(kept.fileno()))


def _look_into(archive: Path, gathered: Gathered, encoding: str) -> None:
    """Gather the logs in an archive: its exports, where it has any, and nothing beside them."""
    parts = {part.name: part for part in zipped_parts(archive, _SUFFIXES, gathered.opened)}
    folders = {PurePosixPath(name).parent for name in parts}
    groups = list(_grouped([name for name in parts if not _was_sent(name, folders)]))
    exports = [group for group, is_known in groups if is_known or is_export(group[0])]
    chosen = exports or [group for group, _ in groups]
    gathered.passed_over[str(archive)] += len(parts) - sum(map(len, chosen))
    for group in chosen:
        path = f"{archive}/{group[0]}"
        gathered.add(path, [parts[name] for name in group], encoding)
        if len(chosen) > 1:
            gathered.found.add(path)


def _was_sent(name: str, folders: Collection[PurePosixPath]) -> bool:
    """Return whether a path in an archive is below a folder of what was sent, which lies beside a text."""
    above = PurePosixPath(name).parents
    return any(folder.name.lower() in _ATTACHMENTS and folder.parent in folders for folder in above)


def _look_through(root: Path, gathered: Gathered, encoding: str) -> None:
    """Gather the logs below a folder, sorted by path."""
    logs: dict[str, Path] = {}
    archives: list[Path] = []
    pages: list[str] = []
    attached: dict[Path, Path] = {}  # folders of what was sent, and the export's that they belong to
    try:
        for listing in walk(root):
            names = [name for name in listing.files if Path(name).suffix.lower() in _SUFFIXES]
            export = next(
                (attached[place] for place in (listing.folder, *listing.folder.parents) if place in attached), None
            )
            if export is not None:
                gathered.passed_over[str(export)] += len(names)
                continue
            exports = [name for name in names if name in _EXPORTS]
            is_pages = not _PAGES.isdisjoint(listing.files) and not exports
            if exports or is_pages:
                attached[listing.folder] = listing.folder
                pages += [str(listing.folder)] if is_pages else []
                gathered.passed_over[str(listing.folder)] += len(names) - len(exports)
                names = exports
            elif names and _WORKSPACE.isdisjoint(names):
                sent = [listing.folder / name for name in listing.folders if name.lower() in _ATTACHMENTS]
                attached |= dict.fromkeys(sent, listing.folder)
            logs |= {str(listing.folder / name): listing.folder / name for name in names}
            if not exports and not is_pages:
                archives += [listing.folder / name for name in listing.files if name.lower().endswith(".zip")]
    except OSError as error:
        raise no_input(root, error) from error
    before = set(gathered.exports)
    gathered.pages += pages
    _add_files(dict(sorted(logs.items())), gathered, encoding)
    for archive in sorted(archives):
        try:
            _look_into(archive, gathered, encoding)
        except AigcError as error:
            gathered.apart.append(error)
    found = gathered.exports.keys() - before
    gathered.newer |= {path for path in found if path not in logs or not path.lower().endswith(_OLDER_SUFFIXES)}
    if not found:
        raise _nothing_in(root, gathered)
    gathered.found |= found


def _nothing_in(root: Path, gathered: Gathered) -> AigcError:
    """Return the error for a folder without a log: what it has instead, if that is worth saying."""
    if gathered.pages:
        return BadData(
            tr("{source}: exported as web pages", source=gathered.pages[0]),
            tr("export it again as machine-readable JSON"),
        )
    return gathered.apart[0] if gathered.apart else no_file_in(str(root), _OLDER_SUFFIXES)
