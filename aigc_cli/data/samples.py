"""Samples on disk, filled item by item, gone on with after an interruption: a folder of labelled PNGs, a file of texts.

Knows nothing of generators: it is told what each item is to be, and handed the pixels or the record. Each PNG carries
the AI label; each line of the JSONL carries it too, and says how to make the item again.
"""

import io
import json
import math
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aigc_cli.core.disk.files import cannot_create, make_dir, read_bytes, write_jsonl
from aigc_cli.core.disk.own import write_own, written_by_aigc
from aigc_cli.core.disk.provenance import ai_label, is_own_label, label_png, label_record, read_png_label
from aigc_cli.core.errors import AigcError, BadConfig, BadData, CannotCreate
from aigc_cli.core.words.messages import tr
from aigc_cli.core.words.plain import json_text

if TYPE_CHECKING:
    from torch import Tensor

SCHEMA = "aigc.sample/1"
INDEX_NAME = "samples.jsonl"
# What decides an item: an existing one that differs in one of these is another.
_FACE_IDENTITY = ("run_hash", "seed", "label", "truncation", "batch_size")
_TEXT_IDENTITY = ("run_hash", "seed", "prompt", "settings", "batch_size")
RECORD_BYTES, LABEL_BYTES = 1000, 1500  # about what a line of the JSONL takes, and the label in a PNG


def content_id(item: dict[str, Any]) -> str:
    """Return what the AI label calls an item: the weights, the seed and the index that made it."""
    return f"{item['run_hash'][:16]}.{item['seed']}.{item['index']}"


def encode_png(picture_CHW: "Tensor", content_id: str) -> bytes:
    """Return a labelled PNG of a uint8 or uint16 picture (C, H, W), C = 1, 3 or 4.

    `content_id` goes into the AI label.
    """
    from PIL import Image

    from aigc_cli.data.pictures.deep import encode_png_16

    channels = picture_CHW.shape[0]
    array = picture_CHW.permute(1, 2, 0).contiguous().cpu().numpy()
    if array.dtype == "uint16":
        return label_png(encode_png_16(array), ai_label(content_id))
    image = Image.fromarray(array[:, :, 0] if channels == 1 else array, {1: "L", 3: "RGB", 4: "RGBA"}[channels])
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return label_png(buffer.getvalue(), ai_label(content_id))


def grid_of(pictures_NCHW: "Tensor", columns: int | None = None) -> "Tensor":
    """Return the pictures in rows, two white pixels around each; near a square unless `columns` is given.

    (N, C, H, W) uint8 becomes (C, H', W').
    """
    from torchvision.utils import make_grid

    columns = columns or math.ceil(math.sqrt(len(pictures_NCHW)))
    grid: Tensor = make_grid(pictures_NCHW.cpu(), nrow=columns, padding=2, pad_value=255)
    return grid[: pictures_NCHW.shape[1]]


def write_grid(path: Path, folder: Path, records: Sequence[dict[str, Any]], *, force: bool = False) -> None:
    """Write one labelled PNG of the pictures that records of a sample folder name, in rows.

    CannotCreate where a file is in its place that aigc did not write, unless `force` lets it be replaced.
    """
    import torch

    from aigc_cli.data.pictures.picture import decode_png

    cells = []
    for record in records:
        pixels, height, width, channels = decode_png((folder / record["file"]).read_bytes())
        cell_HWC = torch.frombuffer(bytearray(pixels), dtype=torch.uint8).reshape(height, width, channels)
        cells.append(cell_HWC.permute(2, 0, 1))
    name = content_id({**records[0], "index": "grid"})
    make_dir(path.absolute().parent)
    write_own(path, encode_png(grid_of(torch.stack(cells)), name), force=force)


class SampleFolder:
    """The items that are already in a sample folder, and the writing of more. The caller holds the folder's lock.

    Without `repair` it is only looked at: what a killed process left stays.
    """

    def __init__(self, folder: Path, *, repair: bool = True) -> None:
        self._folder = folder
        self._index_path = folder / INDEX_NAME
        self._repair = repair
        self._damaged: set[str] = set()  # pictures that the index names
        self._check_own()
        for unfinished in folder.glob(".*.part") if repair else ():  # of a process that was killed
            unfinished.unlink()
        self._done = {record["index"]: record for record in self._whole_lines()}

    def _check_own(self) -> None:
        """Raise CannotCreate if the folder holds other things: nothing of it may be swept away or repaired."""
        if any(not entry.name.startswith(".") for entry in self._folder.iterdir()) and not self._is_own():
            raise CannotCreate(tr("{path}: holds other files", path=self._folder), tr("choose a new folder"))

    def _is_own(self) -> bool:
        """Say whether the folder is one of samples, though its index may be damaged."""
        index = read_bytes(self._index_path) if self._index_path.is_file() else None
        if index is None:
            return False
        return not index or SCHEMA.encode() in index or any(map(written_by_aigc, self._folder.glob("*.png")))

    def missing(self, wanted: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the wanted items (dictionaries with `index` and what decides the pixels) that are not there yet.

        BadConfig if an item is there that was made in another way.
        """
        return _missing(self._folder, self._done, wanted, _FACE_IDENTITY)

    def records(self, indices: Iterable[int]) -> list[dict[str, Any]]:
        """Return the records of items that are there."""
        done = (self._done[index] for index in indices)
        return [{**record, "path": str(self._folder / record["file"])} for record in done]  # the folder may have moved

    def add(self, item: dict[str, Any], picture_CHW: "Tensor") -> None:
        """Write one item's PNG, then its line in the JSONL."""
        name = f"{item['index']:06d}.png"
        if not self._done:
            _append(self._index_path, "")  # before the first picture: now the folder is known to be one of samples
        write_own(self._folder / name, encode_png(picture_CHW, content_id(item)), force=name in self._damaged)
        record = {"schema": SCHEMA, "kind": "face", "path": str(self._folder / name), "file": name, **item}
        record = label_record(record, ai_label(content_id(item)))
        self._done[item["index"]] = record
        _append(self._index_path, json_text(record) + "\n")

    def _whole_lines(self) -> list[dict[str, Any]]:
        """Return the records of what is there; other lines, and a torn last one, are cut off the file."""
        if not self._index_path.exists():
            return []
        records = []
        text = self._index_path.read_text(encoding="utf-8", errors="replace")
        torn = bool(text) and not text.endswith("\n")  # what is added next would go on in the same line
        for line in text.splitlines():
            try:
                record = json.loads(line)
            except (ValueError, RecursionError):
                torn = True
                continue
            if self._is_whole(record):
                records.append(record)
            else:
                torn = True  # it is made again, and has its line again
                self._damaged |= {str(record.get("file"))} if isinstance(record, dict) else set()
        if torn and self._repair:
            write_jsonl(self._index_path, records)
        return records

    def _is_whole(self, record: Any) -> bool:
        """Whether a line is that of a picture that is there, undamaged (its chunks have checksums) and labelled."""
        if not isinstance(record, dict) or type(record.get("index")) is not int:
            return False
        if record.get("file") != f"{record['index']:06d}.png":
            return False
        try:
            read_png_label(read_bytes(self._folder / record["file"]))
        except AigcError:
            return False
        return True


class SampleFile:
    """The texts that are already in a JSONL file, and the writing of more. The caller holds the file's lock.

    Without `repair` it is only looked at: the torn last line of a killed process stays.
    """

    def __init__(self, path: Path, *, repair: bool = True) -> None:
        self._path = path
        self._done: dict[int, dict[str, Any]] = {}
        data = read_bytes(path)
        whole = data[: data.rfind(b"\n") + 1]
        begin = f'{{"schema": "{SCHEMA}", "kind": "text"'.encode()
        for line in [*whole.splitlines(), data[len(whole) :]]:
            if line[: len(begin)] != begin[: len(line)]:
                raise CannotCreate(tr("{path}: holds something else", path=path), tr("choose another -o"))
        for number, line in enumerate(whole.splitlines(), start=1):
            try:
                record = json.loads(line)
                index = record["index"]
                is_own = type(index) is int and "AIGC" in record and is_own_label(record)
            except (ValueError, KeyError, TypeError, RecursionError):
                is_own = False
            if not is_own:
                raise BadData(tr("{path}: line {number} is damaged", path=path, number=number), tr("remove the line"))
            self._done[index] = record
        if len(whole) < len(data) and repair:
            os.truncate(path, len(whole))  # the torn last line of a process that was killed

    def missing(self, wanted: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the wanted items that are not there yet; BadConfig if one is there that was made in another way."""
        return _missing(self._path, self._done, wanted, _TEXT_IDENTITY)

    def records(self, wanted: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the records of wanted items that are there, in their order."""
        return [self._done[item["index"]] for item in wanted]

    def add(self, record: dict[str, Any]) -> None:
        """Write one labelled record."""
        self._done[record["index"]] = record
        _append(self._path, json_text(record) + "\n")


def _missing(
    place: Path, done: dict[int, dict[str, Any]], wanted: Sequence[dict[str, Any]], identity: tuple[str, ...]
) -> list[dict[str, Any]]:
    missing = []
    for item in wanted:
        record = done.get(item["index"])
        if record is None:
            missing.append(item)
            continue
        for name in identity:
            if record.get(name) != item.get(name):
                raise BadConfig(
                    tr(
                        "{place}: item {index} is there with {name} {old!r}, not {new!r}",
                        place=place,
                        index=item["index"],
                        name=name,
                        old=record.get(name),
                        new=item.get(name),
                    ),
                    tr("use the same options or another -o"),
                )
    return missing


def _append(path: Path, text: str) -> None:
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise cannot_create(path, error) from error
