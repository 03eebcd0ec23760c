"""Tensors on disk: safetensors, written atomically and read with errors that name the file. Never pickle."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from aigc_cli.core.errors import BadData, NoInput
from aigc_cli.core.files import atomic_path
from aigc_cli.core.messages import tr

if TYPE_CHECKING:
    from torch import Tensor


def save_tensors(
    path: Path, tensors: "dict[str, Tensor]", metadata: dict[str, str] | None = None, *, private: bool = False
) -> None:
    """Write named tensors (any dtype and device) to a safetensors file, atomically; the same give the same bytes."""
    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with atomic_path(path, private=private) as temporary:
        try:
            save_file(whole, str(temporary), metadata or {"format": "pt"})
        except SafetensorError as error:
            raise OSError(_errno_of(error), "could not write the tensors (disk full?)") from error
        _order_metadata(temporary)


def _order_metadata(path: Path) -> None:
    """Sort the metadata in a file's header, for safetensors writes them in an order that changes from run to run."""
    with path.open("r+b") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
        header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
        text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode().ljust(size)
        assert len(text) == size  # the tensors begin where they did
        file.seek(8)
        file.write(text)


def _errno_of(error: SafetensorError) -> int:
    import errno
    import re

    found = re.search(r"os error (\d+)", str(error))
    return int(found.group(1)) if found else errno.EIO


def load_tensors(path: Path) -> "dict[str, Tensor]":
    """Read every tensor of a safetensors file; NoInput if missing, BadData if truncated or corrupt."""
    _require_file(path)
    try:
        return load_file(str(path))
    except (SafetensorError, ValueError, KeyError, OSError) as error:
        raise _damaged(path, error) from error


def read_metadata(path: Path) -> dict[str, str]:
    """Read the string metadata of a safetensors file without its tensors."""
    _require_file(path)
    try:
        with safe_open(str(path), framework="pt") as file:
            return dict(file.metadata() or {})
    except (SafetensorError, ValueError, KeyError, OSError, json.JSONDecodeError) as error:
        raise _damaged(path, error) from error


def _require_file(path: Path) -> None:
    if not path.is_file():
        raise NoInput(tr("{path}: no such file", path=path), tr("is this the right folder?"))


def _damaged(path: Path, error: Exception) -> BadData:
    return BadData(
        tr("{path}: not a whole safetensors file: {error}", path=path, error=error),
        tr("truncated or corrupt; restore or make it again"),
    )
