"""`aigc prepare text`: texts, pages and books become a text set whose contiguous end is held out.

Files are read twice, once to check and measure, once to write, so memory stays flat however large they are (a page of
HTML is held whole, up to 32 MB). A document's records, joined, are its text as `documents` reads it. Knows nothing of
formats or tokens.
"""

import hashlib
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from aigc_cli.config.base import as_json
from aigc_cli.config.prepare_text import PrepareTextSettings
from aigc_cli.core.disk.files import new_private_file, no_input, require_file
from aigc_cli.core.errors import BadData, UsageProblem
from aigc_cli.core.screen.progress import Progress
from aigc_cli.core.words.messages import tr
from aigc_cli.core.words.plain import json_text
from aigc_cli.data.documents import SUFFIXES, document_text, opened_document
from aigc_cli.data.prepared import (
    STDIN,
    SetDescription,
    expand_sources,
    finished_set,
    new_set,
    prepare_record,
    source_label,
    source_record,
    write_manifest,
)

SCHEMA = "aigc.text/1"
_CHUNK_BYTES = 1 << 20


def prepare_text(
    sources: Sequence[str | Path],
    out: Path,
    settings: PrepareTextSettings,
    progress: Progress,
    *,
    force: bool = False,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Make the text set `out` from text files, folders of them, or "-" for stdin; return the record to print.

    The last `valid` share of all characters, in the order given, is held out. With `dry_run` everything is read
    and counted and nothing is written. A rerun with the same sources and settings changes nothing (`unchanged`).
    Raises NoInput (66), BadData (65, naming the byte that does not decode), BadConfig (78) for another set in `out`
    without `force`, CannotCreate (73).
    """
    with tempfile.TemporaryFile() as spool:
        documents = _measure(expand_sources(sources, SUFFIXES), spool, settings, progress)
        described = SetDescription(
            kind="text",
            settings=as_json(settings),
            sources=[source_record(document.source, document.sha256) for document in documents],
            subject=settings.subject,
            consent=settings.consent,
        )
        dropped = Counter(empty_document=sum(1 for document in documents if not document.has_text))
        older = ("kinds", _older_sources(documents, sources))
        manifest = finished_set(out, "text", settings, described.sources, force=force, older=older)
        if manifest is not None:
            progress.say(tr("{out}: already prepared from these sources with these settings", out=out))
            return prepare_record(out, manifest, unchanged=True, dry_run=dry_run)
        counts = Counter(documents=sum(1 for document in documents if document.has_text))
        counts["characters"] = sum(document.characters for document in documents if document.has_text)
        kinds = {"kinds": dict(sorted(Counter(document.kind for document in documents).items()))}
        needed_bytes = 4 * counts["characters"]
        if dry_run:
            planned = {"kind": "text", "counts": dict(counts), "dropped": dict(+dropped), "subject": settings.subject}
            planned |= {"consent": settings.consent, **kinds}
            return prepare_record(out, planned, unchanged=False, dry_run=True, disk_bytes=needed_bytes)
        with new_set(out, needed_bytes) as folder:
            written = _write_records(folder, documents, spool, counts["characters"], settings, progress)
            manifest = write_manifest(folder, described, {**written, **counts}, dropped, kinds)
    return prepare_record(out, manifest, unchanged=False, dry_run=False)


@dataclass(frozen=True)
class _Document:
    source: str
    sha256: str
    kind: str
    characters: int
    has_text: bool


def _older_sources(documents: Sequence["_Document"], sources: Sequence[str | Path]) -> list[dict[str, Any]]:
    """Return the sources that were found when only plain texts were looked for in folders."""
    named = set(map(str, sources))
    return [
        source_record(document.source, document.sha256)
        for document in documents
        if document.source in named or Path(document.source).suffix.lower() in (".txt", ".md")
    ]


def _measure(
    sources: list[str], spool: IO[bytes], settings: PrepareTextSettings, progress: Progress
) -> list[_Document]:
    """Read everything once: check that it is text, hash it, count its characters."""
    progress.stage(tr("read"), len(sources), tr("files"))
    documents = []
    if sources.count(STDIN) > 1:
        raise UsageProblem(tr("- is named twice"), tr("stdin can be read once"))
    for source in sources:
        if source == STDIN:
            while chunk := sys.stdin.buffer.read(_CHUNK_BYTES):
                spool.write(chunk)
        sha256, kind = _identity(source, spool)
        characters, has_text = 0, False
        for text in _read_text(source, spool, settings.encoding):
            characters += len(text)
            has_text = has_text or not text.isspace()
        documents.append(_Document(source, sha256, kind, characters, has_text))
        progress.advance()
    progress.close()
    if not any(document.has_text for document in documents):
        raise BadData(tr("{source}: no text", source=source_label(sources[0])), tr("name files that have some"))
    return documents


def _read_text(source: str, spool: IO[bytes], encoding: str) -> Iterator[str]:
    """Yield the text of a source in chunks, line ends as newlines."""
    try:
        with _opened(source, spool) as file:
            kind, content = opened_document(source_label(source), file)
            yield from document_text(source_label(source), kind, content, encoding)
    except OSError as error:
        raise no_input(Path(source), error) from error


def _identity(source: str, spool: IO[bytes]) -> tuple[str, str]:
    """Return the SHA-256 of a source, as it is packed, and its kind."""
    try:
        with _opened(source, spool) as file:
            digest = hashlib.sha256()
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
            file.seek(0)
            return digest.hexdigest(), opened_document(source_label(source), file)[0]
    except OSError as error:
        raise no_input(Path(source), error) from error


@contextmanager
def _opened(source: str, spool: IO[bytes]) -> Iterator[IO[bytes]]:
    if source == STDIN:
        spool.seek(0)
        yield spool
    else:
        require_file(Path(source))
        with Path(source).open("rb") as file:
            yield file


def blocks(chunks: Iterable[str], limit: int) -> Iterator[str]:
    """Yield a document in blocks of at most `limit` characters, cut after a newline where the second half has one."""
    buffer = ""
    for chunk in chunks:
        buffer += chunk
        start = 0
        while len(buffer) - start > limit:
            cut = _line_end(buffer, start + limit // 2, start + limit)
            yield buffer[start:cut]
            start = cut
        buffer = buffer[start:]
    if buffer:
        yield buffer


def _line_end(text: str, low: int, high: int) -> int:
    """Return the place after the last paragraph's or else line's end in `text[low:high]`, or `high`."""
    for end in ("\n\n", "\n"):
        place = text.rfind(end, low, high)
        if place >= 0:
            return place + len(end)
    return high


def _write_records(
    folder: Path,
    documents: list[_Document],
    spool: IO[bytes],
    characters: int,
    settings: PrepareTextSettings,
    progress: Progress,
) -> dict[str, int]:
    """Write both files; the border between them falls on a line's end where the block before it has one."""
    border = characters - round(settings.valid * characters)
    counts = {"train": 0, "valid": 0}
    position = 0
    progress.stage(tr("write"), characters, tr("characters"))
    with (
        os.fdopen(new_private_file(folder / "train.jsonl"), "w", encoding="utf-8") as train,
        os.fdopen(new_private_file(folder / "valid.jsonl"), "w", encoding="utf-8") as valid,
    ):
        for number, document in enumerate(document for document in documents if document.has_text):
            for block in blocks(_read_text(document.source, spool, settings.encoding), settings.block_characters):
                inside = min(max(border - position, 0), len(block))
                if 0 < inside < len(block):
                    inside = block.rfind("\n", 0, inside) + 1 or inside
                for name, file, text in (("train", train, block[:inside]), ("valid", valid, block[inside:])):
                    if text:
                        record = {"schema": SCHEMA, "text": text, "document": number}
                        file.write(json_text(record) + "\n")
                        counts[name] += 1
                position += len(block)
                progress.advance(len(block))
    progress.close()
    return counts
