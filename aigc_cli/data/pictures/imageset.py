"""Reading pictures for training and evaluation: a prepared set, or any folder of pictures of one size.

Suffixes: N pictures, C channels, H height, W width.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from aigc_cli.core.disk.checkpoint import load_tensors
from aigc_cli.core.disk.files import read_bytes, read_jsonl
from aigc_cli.core.errors import BadData, NoInput
from aigc_cli.core.words.messages import tr
from aigc_cli.data.manifest import PreparedSet, open_set, read_manifest, refuse_run
from aigc_cli.data.pictures.deep import Unusable
from aigc_cli.data.pictures.picture import decode_png
from aigc_cli.data.pictures.raw import is_picture


@dataclass(frozen=True)
class ImageSet:
    """A prepared image set in memory: uint8 or uint16 pixels (N, C, H, W), labels (N,) or None, who is held out."""

    path: Path
    pixels: Tensor
    labels: Tensor | None
    label_names: tuple[str, ...]
    is_valid: Tensor
    manifest: dict[str, Any]

    @property
    def size(self) -> int:
        """The side of the square pictures."""
        return self.pixels.shape[-1]

    @property
    def channels(self) -> int:
        """1, 3 or 4."""
        return self.pixels.shape[1]


@dataclass(frozen=True)
class PictureFolder:
    """A folder of pictures: uint8 pixels (N, C, H, W), file names, and label names where a JSONL gives them."""

    path: Path
    pixels: Tensor
    names: tuple[str, ...]
    labels: tuple[str | None, ...]


def open_image_set(path: Path) -> ImageSet:
    """Open a prepared image set. NoInput if it is not there, BadData if truncated, damaged or of another kind."""
    return load_image_set(open_set(path, "images"))


def load_image_set(opened: PreparedSet) -> ImageSet:
    """Read the pixels, labels and split of a set that is open; raises what `open_image_set` raises."""
    path, manifest = opened.path, opened.manifest
    tensors = load_tensors(path / "pixels.safetensors")
    label_names = tuple(manifest.get("label_names") or ())
    pixels, valid, labels = tensors.get("pixels"), tensors.get("valid"), tensors.get("labels")
    problem = _set_problem(pixels, valid, labels, label_names)
    if problem or pixels is None or valid is None:
        raise BadData(
            tr("{path}/pixels.safetensors: {problem}", path=path, problem=problem),
            tr("make the set again with aigc prepare images"),
        )
    return ImageSet(path, pixels, labels, label_names, valid, manifest)


def _set_problem(pixels: Tensor | None, valid: Tensor | None, labels: Tensor | None, names: tuple[str, ...]) -> str:
    """Say what is wrong with a set's tensors, or return an empty string."""
    if pixels is None or valid is None:
        return tr("it lacks pixels or the split")
    if (
        pixels.dtype not in (torch.uint8, torch.uint16)
        or pixels.ndim != 4
        or pixels.shape[1] not in (1, 3, 4)
        or not len(pixels)
    ):
        kind = f"{pixels.dtype} {tuple(pixels.shape)}"
        return tr("pixels are {kind}, not uint8 or uint16 (N, C, H, W)", kind=kind)
    if pixels.shape[2] != pixels.shape[3]:
        return tr("pictures are {width}x{height}, not square", width=pixels.shape[3], height=pixels.shape[2])
    if valid.dtype != torch.bool or valid.shape != (len(pixels),):
        return tr("the split does not fit the pictures")
    if labels is None:
        return tr("the manifest names labels, and there are none") if names else ""
    if labels.dtype != torch.int64 or labels.shape != (len(pixels),):
        return tr("the labels do not fit the pictures")
    if int(labels.min()) < 0 or int(labels.max()) >= len(names):
        return tr("a label has no name in the manifest")
    return ""


def open_pictures(path: Path) -> Tensor:
    """Return the pictures of a prepared set or of a folder of pictures as uint8 (N, C, H, W)."""
    return as_uint8(open_image_set(path).pixels) if read_kind(path) == "set" else open_picture_folder(path).pixels


def as_uint8(pixels: Tensor) -> Tensor:
    """Return pixels of 16 bits in the range of 8, rounded; those of 8 as they are."""
    return (pixels.float() / 257).round().to(torch.uint8) if pixels.dtype == torch.uint16 else pixels


def read_kind(path: Path) -> str:
    """Return "set" for a prepared set and "folder" for another folder.

    NoInput if there is no such folder, BadData if it is a run.
    """
    if not path.is_dir():
        raise NoInput(
            tr("{path}: no such folder", path=path) if not path.exists() else tr("{path}: not a folder", path=path),
            tr("check the path"),
        )
    refuse_run(path)
    return "set" if (path / "manifest.json").is_file() else "folder"


def count_pictures(path: Path) -> int:
    """Return how many pictures a prepared set or a folder has, without reading any; NoInput if there are none."""
    if read_kind(path) == "set":
        counts = read_manifest(path, "images")["counts"]
        return int(counts["train"] + counts["valid"])
    return len(_picture_files(path))


def _picture_files(path: Path) -> list[Path]:
    files = sorted(file for file in path.iterdir() if file.is_file() and is_picture(file))
    if not files:
        raise NoInput(
            tr("{path}: no pictures in this folder", path=path), tr("name a prepared set, or a folder of PNGs")
        )
    return files


def open_picture_folder(path: Path) -> PictureFolder:
    """Read every picture directly in a folder, sorted by name, with labels from a JSONL beside them.

    NoInput without pictures; BadData if one is broken or they differ in size or channels. Grey, RGB and RGBA
    may not be mixed.
    """
    read_kind(path)
    files = _picture_files(path)
    shapes, pixels = set(), []
    for file in files:
        try:
            data, height, width, channels = decode_png(read_bytes(file))
        except Unusable as problem:
            raise BadData(
                tr("{file}: {problem}", file=file, problem=problem), tr("remove it, or make it again")
            ) from problem
        shapes.add((height, width, channels))
        if len(shapes) > 1:
            raise BadData(
                tr("{path}: pictures differ in size or channels: {name}", path=path, name=file.name),
                tr("use aigc prepare images first"),
            )
        pixels.append(torch.frombuffer(bytearray(data), dtype=torch.uint8).reshape(height, width, channels))
    labels = _folder_labels(path)
    names = tuple(file.name for file in files)
    stacked = torch.stack(pixels).permute(0, 3, 1, 2).contiguous()
    return PictureFolder(path, stacked, names, tuple(labels.get(name) for name in names))


def _folder_labels(path: Path) -> dict[str, str]:
    """Return file name -> label from the folder's JSONL files; only records with `file` and a text `label` count."""
    labels = {}
    for index in sorted(path.glob("*.jsonl")):
        for record in read_jsonl(index):
            if isinstance(record.get("file"), str) and isinstance(record.get("label"), str):
                labels[Path(record["file"]).name] = record["label"]
    return labels
