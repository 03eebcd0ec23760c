"""The folders below a folder, links to folders followed, each entered once however many paths lead to it.

Knows nothing of what the files are.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Listing:
    """What is in one folder, by name. Whoever walks may take names out of `folders`: they are not entered."""

    folder: Path
    files: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)


def walk(root: Path) -> Iterator[Listing]:
    """Yield the listing of a folder and of each folder below it, names sorted.

    What is reached without a link comes first, under that path; then what links add to it. A link back to a folder that
    holds `root` adds nothing: it is a loop. Raises OSError where a folder cannot be read.
    """
    entered = {_identity(parent) for parent in root.resolve().parents}
    direct, linked = [root], list[Path]()
    while direct or linked:
        folder = direct.pop() if direct else linked.pop(0)
        if _identity(folder) in entered:
            continue
        entered.add(_identity(folder))
        listing = Listing(folder)
        links = set()
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                inside = folder / entry.name  # asked here, since an entry's own answers fail for a link to itself
                if inside.is_dir():
                    listing.folders.append(entry.name)
                    links |= {entry.name} if entry.is_symlink() else set()
                elif inside.is_file():
                    listing.files.append(entry.name)
        yield listing
        direct += [folder / name for name in reversed(listing.folders) if name not in links]
        linked += [folder / name for name in listing.folders if name in links]


def _identity(folder: Path) -> tuple[int, int]:
    status = folder.stat()
    return status.st_dev, status.st_ino
