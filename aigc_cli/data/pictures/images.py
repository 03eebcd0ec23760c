"""`prepare images`: pictures from folders, archives and drawn styles become one set to train on.

The set appears whole or not at all. A rerun with the same settings and sources changes nothing; an existing set that
differs is never replaced unless forced. Knows nothing of tensors' use; writes what `imageset` reads.
"""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from aigc_cli.config.base import as_json
from aigc_cli.config.prepare_images import DEFAULT_COUNT, PrepareImagesSettings
from aigc_cli.config.train_gan import MLP_STEP, SIZES
from aigc_cli.core.disk.checkpoint import save_tensors
from aigc_cli.core.disk.files import (
    atomic_folder,
    cannot_create,
    check_free_space,
    make_dir,
    new_private_file,
    sha256_bytes,
    sha256_file,
    write_json,
    write_jsonl,
)
from aigc_cli.core.errors import AigcError, BadData, CannotCreate, NoInput, UsageProblem
from aigc_cli.core.screen.progress import Progress
from aigc_cli.core.words.messages import later, tr
from aigc_cli.data.manifest import SCHEMA, read_manifest
from aigc_cli.data.pictures.colour import CONVERTED, IGNORED
from aigc_cli.data.pictures.decoding import decoded
from aigc_cli.data.pictures.deep import Unusable
from aigc_cli.data.pictures.dicebear import PREFIX, FaceJob, draw_faces, require_open_style
from aigc_cli.data.pictures.mirror import one_sidedness
from aigc_cli.data.pictures.picture import (
    CHANNELS,
    Square,
    SquareShape,
    common_form,
    encode_png,
)
from aigc_cli.data.pictures.sources import Source, endings, open_source
from aigc_cli.data.prepared import finished_set

DATA_FILES = ("pixels.safetensors", "images.jsonl")
NAMED_PROBLEMS = 10


@dataclass
class Collected:
    """The pictures of a set so far, in order, and why others were dropped."""

    squares: list[Square] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    labels: list[str | None] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    problems: list[tuple[str, str]] = field(default_factory=list)
    profiles: Counter[str] = field(default_factory=Counter)

    mode: str = ""
    depth: int = 8

    def add(self, source: str, label: str | None, square: Square) -> None:
        """Take a picture unless one with exactly the same pixels is there."""
        digest = sha256_bytes(square.pixels)
        if digest in self._known:
            self.drop(source, "duplicate")
            return
        self._known.add(digest)
        self.profiles[square.profile] += 1
        self.squares.append(square)
        self.digests.append(digest)
        self.sources.append(source)
        self.labels.append(label)

    def drop(self, source: str, reason: str) -> None:
        """Count a picture that is left out."""
        self.dropped[reason] += 1
        self.problems.append((source, reason))

    def become_alike(self, settings: PrepareImagesSettings) -> None:
        """Bring all pictures into the mode and depth that are asked for, or into those that lose nothing of any."""
        mode, depth = common_form(self.squares)
        self.mode = mode if settings.mode == "auto" else settings.mode
        self.depth = depth if settings.depth == "auto" else int(settings.depth)
        self.squares = [square.converted(self.mode, self.depth, settings.size) for square in self.squares]

    def __post_init__(self) -> None:
        self._known: set[str] = set()


def prepare_images(
    sources: Sequence[str],
    out: Path,
    settings: PrepareImagesSettings,
    progress: Progress,
    *,
    force: bool = False,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Make the set in `out` and return the record to print (`aigc.prepare/1`).

    Raises NoInput for a missing or empty source, BadData when no picture is usable or an archive is hostile,
    BadConfig or CannotCreate when something else is in the way, Unavailable when faces cannot be drawn.
    """
    drawn, found = _open_sources(sources, settings)
    records = [_drawn_record(name, settings) for name in drawn] + [source.record() for source in found]
    _check_place(out, found)
    _say_what_trains(settings, progress)
    former = [_drawn_record(name, settings) for name in drawn] + [source.former_record() for source in found]
    is_former = not force and former != records and _sources_of(out) == former
    known = former if is_former else records
    existing = finished_set(out, "images", settings, known, force=force, files=DATA_FILES)
    if existing is not None and is_former:
        progress.say(tr("{out}: made by a version that read fewer of these pictures; --force reads all", out=out))
    if existing is not None:
        progress.say(tr("{out}: already made with these settings and sources, nothing to do", out=out))
        return _record(out, existing, unchanged=True, dry_run=dry_run)
    collected = _collect(drawn, found, settings, progress)
    _report(found, collected, progress)
    label_names = _label_names(drawn, collected, settings)
    manifest = _manifest(settings, records, drawn, collected, label_names)
    if not dry_run:
        _write_set(out, settings, collected, label_names, manifest, progress)
    if dry_run:
        manifest["disk_bytes"] = _disk_bytes(collected, settings)
    return _record(out, manifest, unchanged=False, dry_run=dry_run)


def held_out(digests: Sequence[str], share: float) -> list[bool]:
    """Return which pictures are held out: the given share, those whose digests sort first.

    It depends on the pictures alone, so adding one moves few others.
    """
    count = round(share * len(digests))
    if share > 0 and len(digests) >= 10:
        count = max(1, count)
    chosen = set(sorted(digests)[:count])
    return [digest in chosen for digest in digests]


def _open_sources(sources: Sequence[str], settings: PrepareImagesSettings) -> tuple[list[str], list[Source]]:
    if not sources:
        raise NoInput(
            tr("no source was given"), tr("name folders, pictures, archives, or {prefix}STYLE", prefix=PREFIX)
        )
    drawn = [source.removeprefix(PREFIX) for source in sources if source.startswith(PREFIX)]
    if len(drawn) > 1:
        raise UsageProblem(tr("only one drawn style a set"), tr("make a set of each"))
    if settings.count is not None and not drawn:
        raise UsageProblem(tr("--count is for drawn faces"), tr("leave it out, or name {prefix}STYLE", prefix=PREFIX))
    for style in drawn:
        require_open_style(style)
    return drawn, [open_source(source) for source in sources if not source.startswith(PREFIX)]


def _drawn_record(style: str, settings: PrepareImagesSettings) -> dict[str, str]:
    """Return a drawn source as the manifest names it; its digest is of what decides the drawing."""
    from importlib.metadata import version

    made_by = [f"{name} {version(name)}" for name in ("dicebear-core", "dicebear-styles", "resvg-py")]
    what = f"{PREFIX}{style} count {settings.count or DEFAULT_COUNT} seed {settings.seed} {' '.join(made_by)}"
    return {"path": PREFIX + style, "sha256": sha256_bytes(what.encode())}


def _say_what_trains(settings: PrepareImagesSettings, progress: Progress) -> None:
    """Say before the work if no training, or one architecture alone, takes pictures of this size."""
    if settings.size in SIZES:
        return
    sizes, size = ", ".join(map(str, SIZES)), settings.size
    if size % MLP_STEP:
        progress.say(tr("train-gan makes {sizes} pixels, not {size}", sizes=sizes, size=size))
    else:
        progress.say(tr("train-gan makes {sizes} pixels; {size} with --arch mlp alone", sizes=sizes, size=size))


def _sources_of(out: Path) -> Any:
    """Return the sources of the set that is there, None if there is none."""
    try:
        return read_manifest(out, "images").get("sources")
    except AigcError:
        return None


def _check_place(out: Path, found: list[Source]) -> None:
    """Raise CannotCreate where a set can neither be nor be made, UsageProblem inside what a source links to."""
    for link in (link for source in found for link in source.links):
        if out.resolve().is_relative_to(link.resolve()):
            raise UsageProblem(
                tr("-o {output} lies in {source}, which it is made from", output=out, source=link),
                tr("choose a folder outside it"),
            )
    if out.exists() and not out.is_dir():
        raise CannotCreate(tr("{out}: not a folder", out=out), tr("choose another output"))
    try:
        if out.exists():
            next(out.iterdir(), None)
    except OSError as error:
        raise cannot_create(out, error) from error


def _collect(drawn: list[str], found: list[Source], settings: PrepareImagesSettings, progress: Progress) -> Collected:
    collected = Collected()
    for style in drawn:
        mode = "RGB" if settings.mode == "auto" else settings.mode
        job = FaceJob(style, settings.size, mode, settings.seed)
        count = settings.count or DEFAULT_COUNT
        progress.stage(tr("drawing {style}", style=style), count, tr("faces"))
        for face in draw_faces(job, count):
            label = job.label_names[face.label] if face.label is not None else None
            collected.add(face.source, label, Square(face.pixels, mode))
            progress.advance()
        progress.close()
    for source in found:
        collected.dropped[later("other file type")] += source.others.total()
        progress.stage(tr("reading {path}", path=source.path), None, tr("pictures"))
        for raw, result in decoded(source.pictures(), _shape(settings)):
            if raw.problem:
                collected.drop(raw.name, raw.problem)
            elif isinstance(result, Unusable):
                collected.drop(raw.name, str(result))
            else:
                collected.add(raw.name, raw.folder or None, result)
            progress.advance()
        progress.close()
    if not collected.squares:
        reasons = ", ".join(f"{count} {tr(reason)}" for reason, count in collected.dropped.items() if count)
        raise BadData(
            tr("no usable picture: {reasons}", reasons=reasons or tr("no picture in the archive")),
            tr("open one of them to see"),
        )
    collected.become_alike(settings)
    return collected


def _shape(settings: PrepareImagesSettings) -> SquareShape:
    min_side = settings.min_side or max(1, settings.size // 2)
    return SquareShape(settings.size, settings.mode, min_side, settings.max_megapixels * 1e6, settings.depth)


def _report(found: list[Source], collected: Collected, progress: Progress) -> None:
    """Say what was left out, of the sources and of the pictures in them, and what colour profiles did."""
    for source in found:
        for path, reason in source.passed_over[:NAMED_PROBLEMS]:
            progress.say(tr("passed over {path}: {reason}", path=path, reason=tr(reason)))
        if len(source.passed_over) > NAMED_PROBLEMS:
            progress.say(tr("passed over {count} more", count=len(source.passed_over) - NAMED_PROBLEMS))
        if source.others:
            what, count = endings(source.others), source.others.total()
            progress.say(tr("{path}: {count} files are no pictures ({what})", path=source.path, count=count, what=what))
    unusable = [(source, reason) for source, reason in collected.problems if reason != "duplicate"]
    for name, reason in unusable[:NAMED_PROBLEMS]:
        progress.say(tr("skipped {source}: {reason}", source=name, reason=tr(reason)))
    if len(unusable) > NAMED_PROBLEMS:
        progress.say(tr("skipped {count} more", count=len(unusable) - NAMED_PROBLEMS))
    if collected.dropped["duplicate"]:
        progress.say(tr("dropped {count} exact duplicates", count=collected.dropped["duplicate"]))
    if collected.profiles[CONVERTED]:
        progress.say(tr("{count} pictures were brought to sRGB by their profiles", count=collected.profiles[CONVERTED]))
    if collected.profiles[IGNORED]:
        progress.say(
            tr(
                "{count} pictures have a colour profile that cannot be applied; they are taken for sRGB",
                count=collected.profiles[IGNORED],
            )
        )


def _label_names(drawn: list[str], collected: Collected, settings: PrepareImagesSettings) -> list[str]:
    """Return the labels in order; drawn expressions keep the style's order, folders are sorted."""
    if settings.labels == "none" or (settings.labels == "auto" and not drawn):
        return []
    if drawn and settings.labels == "auto" and all(label is not None for label in collected.labels):
        return list(dict.fromkeys(label for label in collected.labels if label is not None))
    names = sorted({label for label in collected.labels if label is not None})
    missing = sum(label is None for label in collected.labels)
    if settings.labels == "folders" and (missing or not names):
        raise BadData(
            tr("{missing} pictures lie in no subfolder, so they have no label", missing=missing),
            tr("move them, or --labels none"),
        )
    return names if not missing else []


def _manifest(
    settings: PrepareImagesSettings,
    sources: list[dict[str, str]],
    drawn: list[str],
    collected: Collected,
    label_names: list[str],
) -> dict[str, Any]:
    valid = sum(held_out(collected.digests, settings.valid))
    only_drawn = len(drawn) == len(sources)
    consent = "synthetic" if only_drawn and settings.consent == "unspecified" else settings.consent
    return {
        "schema": SCHEMA,
        "kind": "images",
        "settings": as_json(settings),
        "sources": sources,
        "counts": {"train": len(collected.squares) - valid, "valid": valid},
        "dropped": {reason: count for reason, count in sorted(collected.dropped.items()) if count},
        "size": settings.size,
        "mode": collected.mode,
        "channels": CHANNELS[collected.mode],
        "bit_depth": collected.depth,
        "value_range": [0, 2**collected.depth - 1],
        "profiles": {name: collected.profiles[name] for name in (CONVERTED, IGNORED)},
        "label_names": label_names,
        "label_counts": {name: collected.labels.count(name) for name in label_names},
        "subject": settings.subject,
        "consent": consent,
        "credit": [require_open_style(style)["credit"] for style in drawn],
    }


def _disk_bytes(collected: Collected, settings: PrepareImagesSettings) -> int:
    """Return about how much a set takes: the pixels once packed, once as PNG at the worst, and a line each."""
    picture = CHANNELS[collected.mode] * settings.size**2 * collected.depth // 8
    return len(collected.squares) * (2 * picture + 8192)


def _write_set(
    out: Path,
    settings: PrepareImagesSettings,
    collected: Collected,
    label_names: list[str],
    manifest: dict[str, Any],
    progress: Progress,
) -> None:
    """Write everything into a temporary sibling that becomes `out`; completes the manifest."""
    count, channels = len(collected.squares), CHANNELS[collected.mode]
    check_free_space(out.parent, _disk_bytes(collected, settings))
    shape = (count, settings.size, settings.size, channels)
    kind = torch.uint8 if collected.depth == 8 else torch.uint16
    joined = bytearray(b"".join(square.pixels for square in collected.squares))
    pixels_NHWC = torch.frombuffer(joined, dtype=kind).reshape(shape)
    is_valid = held_out(collected.digests, settings.valid)
    tensors = {"pixels": pixels_NHWC.permute(0, 3, 1, 2), "valid": torch.tensor(is_valid)}
    if label_names:
        tensors["labels"] = torch.tensor([label_names.index(str(label)) for label in collected.labels])
    lines = []
    progress.stage(tr("writing"), count, tr("pictures"))
    with atomic_folder(out, private=True, replace=True) as folder:
        make_dir(folder / "images", private=True)
        for index, square in enumerate(collected.squares):
            name = f"images/{index:06d}.png"
            with os.fdopen(new_private_file(folder / name), "wb") as file:
                file.write(encode_png(square, settings.size))
            label = collected.labels[index] if label_names else None
            lines.append(
                {"schema": "aigc.image/1", "file": name, "source": collected.sources[index], "label": label}
                | {"valid": is_valid[index]}
            )
            progress.advance()
        write_jsonl(folder / "images.jsonl", lines, private=True)
        save_tensors(folder / "pixels.safetensors", tensors, private=True)
        manifest["one_sided"] = round(one_sidedness(pixels_NHWC), 3)
        manifest["created"] = datetime.now(UTC).isoformat(timespec="seconds")
        manifest["hash"] = sha256_bytes("".join(sha256_file(folder / name) for name in DATA_FILES).encode())
        write_json(folder / "manifest.json", manifest, private=True)
    progress.close()


def _record(out: Path, manifest: dict[str, Any], *, unchanged: bool, dry_run: bool) -> dict[str, Any]:
    kept = {key: value for key, value in manifest.items() if key not in ("schema", "settings", "sources", "created")}
    return {"schema": "aigc.prepare/1", "out": str(out), "unchanged": unchanged, "dry_run": dry_run, **kept}
