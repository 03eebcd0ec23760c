"""The folders below a folder, links to folders followed, each entered once however many paths lead to it.

And how a name that is no UTF-8 is written. Knows nothing of what the files are.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from aigc_cli.core.disk.files import no_input
from aigc_cli.core.words.messages import later


@dataclass
class Listing:
    """What is in one folder, by name, and whether a link led to it.

    Whoever walks may take names out of `folders`: they are not entered.
    """

    folder: Path
    files: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    linked: bool = False


@dataclass
class Found:
    """The files below a folder, sorted by path, the links that led to some, and those not followed, with the reason."""

    files: list[Path] = field(default_factory=list)
    links: list[Path] = field(default_factory=list)
    passed_over: list[tuple[Path, str]] = field(default_factory=list)


def files_below(folder: Path) -> Found:
    """Find every visible file below a folder, as `walk` does. NoInput for a folder that cannot be read."""
    found = Found()
    try:
        for listing in walk(folder, found.passed_over):
            listing.folders = [name for name in listing.folders if not name.startswith(".")]
            found.files += [listing.folder / name for name in listing.files if not name.startswith(".")]
            found.links += [listing.folder] if listing.linked else []
    except OSError as error:
        raise no_input(Path(error.filename or folder), error) from error
    found.files.sort()
    found.passed_over = [(path, reason) for path, reason in found.passed_over if not path.name.startswith(".")]
    return found


def walk(root: Path, passed_over: list[tuple[Path, str]] | None = None) -> Iterator[Listing]:
    """Yield the listing of a folder and of each folder below it, names sorted.

    What is reached without a link comes first, under that path; then what links add to it. A link back to a folder that
    holds `root` or the link adds nothing: it is a loop. Links that add nothing, and links to nothing, are put into
    `passed_over` with the reason. Raises OSError where a folder cannot be read.
    """
    passed_over = [] if passed_over is None else passed_over
    above = {_identity(parent) for parent in root.resolve().parents}
    entered: set[tuple[int, int]] = set()
    direct, linked = [root], list[Path]()
    while direct or linked:
        is_link = not direct
        folder = linked.pop(0) if is_link else direct.pop()
        if reason := _why_not(folder, above, entered, is_link=is_link):
            passed_over.append((folder, reason))
            continue
        entered.add(_identity(folder))
        listing = Listing(folder, linked=is_link)
        links = set()
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                inside = folder / entry.name  # asked here, since an entry's own answers fail for a link to itself
                if inside.is_dir():
                    listing.folders.append(entry.name)
                    links |= {entry.name} if entry.is_symlink() else set()
                elif inside.is_file():
                    listing.files.append(entry.name)
                elif entry.is_symlink() and not inside.exists():
                    passed_over.append((inside, later("a link to nothing")))
        yield listing
        direct += [folder / name for name in reversed(listing.folders) if name not in links]
        linked += [folder / name for name in listing.folders if name in links]


def _why_not(folder: Path, above: set[tuple[int, int]], entered: set[tuple[int, int]], *, is_link: bool) -> str:
    """Return why a folder is not entered, "" if it is."""
    here = _identity(folder)
    if is_link:
        around = folder.parent.resolve()
        if here in above | {_identity(place) for place in (around, *around.parents)}:
            return later("a link to a folder that holds it")
    return later("read already, under another name") if here in entered else ""


def _identity(folder: Path) -> tuple[int, int]:
    status = folder.stat()
    return status.st_dev, status.st_ino


def readable_name(name: str) -> str:
    r"""Return a name as text that any file can hold: its bytes that are no UTF-8 become `\xNN`."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
