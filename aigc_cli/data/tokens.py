"""Running text as token ids: one vector in memory, or files that are mapped and never read whole.

Both give the same windows for the same places. Knows nothing of text, models or batches.
"""

import json
import mmap
import os
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from aigc_cli.core.disk.files import no_input
from aigc_cli.core.errors import BadData
from aigc_cli.core.words.messages import tr

MAPPED_FILES = 64
_TYPES: "dict[str, np.dtype[Any]]" = {"U16": np.dtype("<u2"), "U32": np.dtype("<u4")}
Vector = NDArray[Any]


def smallest_type(vocabulary: int) -> "np.dtype[Any]":
    """Return the type in which the ids of so many tokens are kept."""
    return _TYPES["U16" if vocabulary <= 1 << 16 else "U32"]


class Tokens(Protocol):
    """Running text as token ids."""

    def __len__(self) -> int:
        """Return the number of tokens."""

    def read(self, starts: Sequence[int], length: int) -> Vector:
        """Return `length` tokens from each of the places, (starts, length) int64."""


class TokenVector:
    """Tokens in memory."""

    def __init__(self, tokens: Vector) -> None:
        self._tokens = tokens

    def __len__(self) -> int:
        return len(self._tokens)

    def read(self, starts: Sequence[int], length: int) -> Vector:
        """Return `length` tokens from each of the places."""
        found: Vector = self._tokens[np.asarray(starts)[:, None] + np.arange(length)].astype(np.int64)
        return found


class TokenShards:
    """Tokens in safetensors files of one vector each, `tokens`, one after the other as if they were a single one."""

    def __init__(self, paths: Sequence[Path]) -> None:
        """Read the headers; BadData if a file is damaged."""
        self._paths = list(paths)
        self._ends = list(accumulate(_header(path)[2] for path in paths))
        self._shard = lru_cache(MAPPED_FILES)(_Shard)

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def read(self, starts: Sequence[int], length: int) -> Vector:
        """Return `length` tokens from each of the places; a window may reach over the end of a file."""
        out = np.empty((len(starts), length), np.int64)
        for row, start in zip(out, starts, strict=True):
            number, filled = bisect_right(self._ends, start), 0
            while filled < length:
                offset = start + filled - (self._ends[number - 1] if number else 0)
                piece = self._shard(self._paths[number]).read(offset, length - filled)
                row[filled : filled + len(piece)] = piece
                filled += len(piece)
                number += 1
        return out


class _Shard:
    """One file, mapped. Pages are given back as soon as they were read: the system's cache keeps them, not we."""

    def __init__(self, path: Path) -> None:
        self._type, self._begin, self._count = _header(path)
        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def read(self, offset: int, length: int) -> Vector:
        """Return a copy of at most `length` tokens from a place on."""
        count = min(length, self._count - offset)
        found = np.frombuffer(self._map, self._type, count, self._begin + offset * self._type.itemsize).copy()
        self._map.madvise(mmap.MADV_DONTNEED)
        return found


def _header(path: Path) -> "tuple[np.dtype[Any], int, int]":
    """Return a file's type, the byte where its tokens begin, and their number."""
    try:
        with path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            whole = file.seek(0, os.SEEK_END)
            file.seek(8)
            entry = json.loads(file.read(min(size, whole)))["tokens"]
        kind, end = _TYPES[entry["dtype"]], int(entry["data_offsets"][1])
    except OSError as error:
        raise no_input(path, error) from error
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise _damaged(path) from error
    if whole != 8 + size + end:
        raise _damaged(path)
    return kind, 8 + size, end // kind.itemsize


def _damaged(path: Path) -> BadData:
    return BadData(tr("{path}: not a whole file of tokens", path=path), tr("delete it: it is made again"))
