"""The seal of a safetensors file: in its metadata, the SHA-256 of the file with the seal's own digits as zeros.

Made and checked without the tensors and without torch. The files of other tools have none and are taken as they are.
"""

import hashlib
import json
import shutil
from pathlib import Path

from aigc_cli.core.errors import BadData
from aigc_cli.core.words.messages import tr

SEAL = "aigc_sha256"
NO_SEAL = "0" * 64
_PIECE_BYTES = 1 << 20
_ALIGNMENT = 8  # of the tensors in a safetensors file


def fill_seal(path: Path) -> None:
    """Fill in the seal, and sort the metadata, for safetensors writes them in an order that changes."""
    with path.open("r+b") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
        header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
        text = _as_text(header).ljust(size)
        assert len(text) == size  # the tensors begin where they did
        file.seek(8)
        file.write(text)
        file.flush()
        seal = _digest(path, text)
        file.seek(8)
        file.write(text.replace(NO_SEAL.encode(), seal.encode()))


def add_metadata(path: Path, metadata: dict[str, str]) -> None:
    """Add to the metadata of a file that another tool has just written, with room for a seal, and seal it."""
    grown = path.with_name(f".{path.name}.part")
    with path.open("rb") as old, grown.open("xb") as new:
        header = json.loads(old.read(int.from_bytes(old.read(8), "little")))
        header["__metadata__"] = {**header.get("__metadata__", {}), **metadata, SEAL: NO_SEAL}
        text = _as_text(header)
        text = text.ljust(-(-len(text) // _ALIGNMENT) * _ALIGNMENT)
        new.write(len(text).to_bytes(8, "little") + text)
        shutil.copyfileobj(old, new, _PIECE_BYTES)
    grown.replace(path)
    fill_seal(path)


def is_sealed_right(path: Path, metadata: dict[str, str]) -> bool:
    """Whether a file is as it was written, as far as its seal can tell: one without a seal is."""
    if SEAL not in metadata:
        return True
    with path.open("rb") as file:
        header = file.read(int.from_bytes(file.read(8), "little"))
    return _digest(path, header.replace(metadata[SEAL].encode(), NO_SEAL.encode())) == metadata[SEAL]


def altered(path: Path) -> BadData:
    """Return the error of a file whose seal is another's."""
    return BadData(
        tr("{path}: its content was altered: the checksum in it is another", path=path),
        tr("restore it from a backup or make it again"),
    )


def _as_text(header: dict[str, object]) -> bytes:
    return json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()


def _digest(path: Path, header: bytes) -> str:
    """Return the SHA-256 of a safetensors file, its header taken as given."""
    digest = hashlib.sha256(len(header).to_bytes(8, "little") + header)
    with path.open("rb") as file:
        file.seek(8 + len(header))
        while piece := file.read(_PIECE_BYTES):
            digest.update(piece)
    return digest.hexdigest()
