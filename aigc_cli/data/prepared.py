"""How a prepared text or dialogue set comes to be: its sources, what may stand in its place already, its manifest.

Knows nothing of what the records say. A set holds personal data, so its folder is 0700 and its files 0600.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aigc_cli.config.base import as_json
from aigc_cli.core.disk.files import (
    atomic_folder,
    check_free_space,
    no_input,
    sha256_bytes,
    sha256_file,
    write_json,
)
from aigc_cli.core.errors import AigcError, BadConfig, CannotCreate, NoInput
from aigc_cli.core.words.messages import tr
from aigc_cli.core.words.plain import well_formed
from aigc_cli.data.manifest import SCHEMA, read_manifest
from aigc_cli.data.walk import walk

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

STDIN = "-"
DATA_FILES = ("train.jsonl", "valid.jsonl")


def expand_sources(sources: Sequence[str | Path], suffixes: Sequence[str]) -> list[str]:
    """Return the files named by the sources: a folder gives the files below it with these suffixes, sorted by path.

    "-" stays "-". Raises NoInput for what is not there and for a folder without such a file.
    """
    files: list[str] = []
    for source in map(str, sources):
        path = Path(source)
        if source == STDIN or not path.is_dir():
            if source != STDIN and not path.exists():
                raise NoInput(tr("{source}: no such file or folder", source=source), tr("check the path"))
            files.append(source)
            continue
        try:
            inside = sorted(
                str(listing.folder / name)
                for listing in walk(path)
                for name in listing.files
                if any("".join(Path(name.lower()).suffixes[-ends:]) in suffixes for ends in (1, 2))
            )
        except OSError as error:
            raise no_input(path, error) from error
        if not inside:
            raise no_file_in(source, suffixes)
        files += inside
    if not files:
        raise NoInput(tr("no source was given"), tr("name a file, a folder, or - for stdin"))
    return files


def no_file_in(folder: str, suffixes: Sequence[str]) -> NoInput:
    """Return the error that says that nothing in a folder has one of the suffixes, of which it names four."""
    return NoInput(
        tr("{source}: no {suffixes} file in this folder", source=folder, suffixes=tr(" or ").join(suffixes[:4])),
        tr("name the files"),
    )


def source_label(source: str) -> str:
    """Return what to call a source in errors."""
    return "stdin" if source == STDIN else source


def source_record(source: str, digest: str, parts: Sequence[str] = ()) -> dict[str, Any]:
    """Return a source as the manifest names it: its file name, not its place, its SHA-256, those of its `parts`."""
    named = {"path": source if source == STDIN else Path(source).name, "sha256": digest}
    return {**named, "parts": list(parts)} if parts else named


def finished_set(
    out: Path,
    kind: str,
    settings: "DataclassInstance",
    sources: Sequence[Mapping[str, Any]],
    *,
    force: bool,
    files: Sequence[str] = DATA_FILES,
    older: tuple[str, Sequence[Mapping[str, Any]]] | None = None,
) -> dict[str, Any] | None:
    """Return the manifest of the set in `out` if it was made from these sources with these settings, else None.

    `files` are those that a whole set of the kind has. A setting that there was not yet when it was made counts as the
    default. `older` names what manifests of a version lack that found fewer kinds of files in folders, and the sources
    that it would have found: those count for a set that it made. None also where `out` is not there, is an empty
    folder, or holds a set that `force` allows to replace. Raises CannotCreate for anything that is not a prepared set,
    and BadConfig for another set without `force`.
    """
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return None
    try:
        manifest = read_manifest(out)
    except AigcError as error:
        raise CannotCreate(
            tr("{out}: is in the way and not a prepared set", out=out), tr("choose another output")
        ) from error
    made = {**as_json(type(settings)()), **manifest["settings"]}
    if older and older[0] not in manifest and older[0] not in manifest["settings"]:
        sources = older[1]
    same = [manifest.get("kind"), made, manifest.get("sources")]
    complete = all((out / name).is_file() for name in files)
    if complete and same == [kind, as_json(settings), [dict(source) for source in sources]]:
        return manifest
    if not force:
        raise BadConfig(
            tr("{out}: holds a set made from other sources or settings", out=out),
            tr("choose another output, or --force to replace it"),
        )
    return None


@dataclass(frozen=True, kw_only=True)
class SetDescription:
    """What the manifest says of a set, beside its counts and hash."""

    kind: str
    settings: Mapping[str, Any]
    sources: Sequence[Mapping[str, Any]]
    subject: str | None
    consent: str


@contextmanager
def new_set(out: Path, needed_bytes: int) -> Iterator[Path]:
    """Yield a private folder that becomes `out`, whole, when the block ends, and vanishes if it fails.

    Raises CannotCreate if fewer than about `needed_bytes` are free, or `out` is something other than a folder.
    """
    if out.exists() and not out.is_dir():
        raise CannotCreate(tr("{out}: not a folder", out=out), tr("choose another output"))
    check_free_space(out, needed_bytes)
    with atomic_folder(out, private=True, replace=True) as folder:
        yield folder


def write_manifest(
    folder: Path,
    description: SetDescription,
    counts: Mapping[str, Any],
    dropped: Counter[str],
    extra: Mapping[str, Any],
) -> dict[str, Any]:
    """Write `manifest.json` beside the data files and return it. `hash` is the SHA-256 over their SHA-256s."""
    hashes = "".join(sha256_file(folder / name) for name in DATA_FILES)
    manifest = {
        "schema": SCHEMA,
        "kind": description.kind,
        "settings": dict(description.settings),
        "sources": [dict(source) for source in description.sources],
        "counts": dict(counts),
        "dropped": {reason: count for reason, count in sorted(dropped.items()) if count},
        "subject": description.subject and well_formed(description.subject),
        "consent": description.consent,
        "credit": [],
        **extra,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "hash": sha256_bytes(hashes.encode()),
    }
    write_json(folder / "manifest.json", manifest, private=True)
    return manifest


def prepare_record(
    out: Path, manifest: Mapping[str, Any], *, unchanged: bool, dry_run: bool, disk_bytes: int | None = None
) -> dict[str, Any]:
    """Return the record that `aigc prepare chat` and `aigc prepare text` print; a dry run says what disk it needs."""
    unsaid = ("schema", "settings", "sources", "created", "persona")  # the persona is in the set alone
    kept = {key: value for key, value in manifest.items() if key not in unsaid}
    return {"schema": "aigc.prepare/1", "out": str(out), "unchanged": unchanged, "dry_run": dry_run, **kept} | (
        {"disk_bytes": disk_bytes} if disk_bytes is not None else {}
    )
