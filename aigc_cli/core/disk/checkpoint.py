"""Tensors on disk: safetensors, written atomically and read with errors that name the file. Never pickle.

Every file that is written here carries a seal in its metadata, the SHA-256 of the file with the seal's own digits as
zeros, so that a flipped bit is noticed. The files of other tools have none and are taken as they are.
"""

import json
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from aigc_cli.core.disk.files import atomic_path
from aigc_cli.core.disk.provenance import ai_label, label_metadata
from aigc_cli.core.disk.seal import NO_SEAL, SEAL, altered, fill_seal, is_sealed_right
from aigc_cli.core.errors import BadData, CannotCreate, NoInput
from aigc_cli.core.words.messages import later, tr

if TYPE_CHECKING:
    from torch import Tensor


def save_tensors(
    path: Path,
    tensors: "dict[str, Tensor]",
    metadata: dict[str, str] | None = None,
    *,
    private: bool = False,
    labelled: bool = False,
) -> None:
    """Write named tensors (any dtype and device) to a safetensors file, atomically; the same give the same bytes.

    `labelled` is for the weights of generated models: they get the AI label, whose id is the seal.
    """
    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    kept = {
        "format": "pt",
        **(metadata or {}),
        SEAL: NO_SEAL,
        **(label_metadata(ai_label(NO_SEAL)) if labelled else {}),
    }
    if not _is_utf8(path):
        raise CannotCreate(
            tr("{path}: safetensors opens no file whose path is not UTF-8", path=path), tr("use another name")
        )
    with atomic_path(path, private=private) as temporary:
        mode = temporary.stat().st_mode
        try:
            save_file(whole, str(temporary), kept)
        except SafetensorError as error:
            raise OSError(_errno_of(error), later("could not write the tensors (disk full?)")) from error
        temporary.chmod(stat.S_IMODE(mode))  # safetensors may have put a file of its own in its place, which is 0600
        fill_seal(temporary)


def _errno_of(error: SafetensorError) -> int:
    import errno
    import re

    found = re.search(r"os error (\d+)", str(error))
    return int(found.group(1)) if found else errno.EIO


def load_tensors(path: Path) -> "dict[str, Tensor]":
    """Read every tensor of a safetensors file; NoInput if missing, BadData if truncated, corrupt or altered."""
    metadata = read_metadata(path)
    try:
        tensors = load_file(str(path))
        whole = is_sealed_right(path, metadata)
    except (SafetensorError, ValueError, KeyError, OSError) as error:
        raise _damaged(path, error) from error
    if not whole:
        raise altered(path)
    return tensors


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
    if not _is_utf8(path):
        raise NoInput(tr("{path}: safetensors opens no file whose path is not UTF-8", path=path), tr("rename it"))


def _is_utf8(path: Path) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in str(path))


def _damaged(path: Path, error: Exception) -> BadData:
    return BadData(
        tr("{path}: not a whole safetensors file: {error}", path=path, error=error),
        tr("truncated or corrupt; restore or make it again"),
    )
