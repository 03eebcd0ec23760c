"""A dialogue set's two files as they grow: each chat's records one after another, of which the last are held out.

Only the places of one chat's records are held, never the records.
"""

from array import array
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from aigc_cli.core.disk.files import atomic_path
from aigc_cli.core.words.plain import json_text

_CHUNK = 1 << 20


class RecordFiles:
    """The files for training and validation; where there are none, as in a dry run, only how many records they have."""

    def __init__(self, train: BinaryIO | None = None, valid: BinaryIO | None = None) -> None:
        self.train = self.valid = 0
        self._train, self._valid = train, valid
        self._end = self._last = 0  # where `train` ends, and its last record begins

    def add(self, records: Iterable[dict[str, Any]], share: float) -> int:
        """Add a chat's records, in order of time, and return how many; the last `share` of them are held out."""
        places = array("Q")
        end = self._end
        for record in records:
            places.append(end)
            line = json_text(record).encode() + b"\n"
            end += len(line)
            if self._train:
                self._train.write(line)
        held_out = round(share * len(places))
        learned = len(places) - held_out
        border = places[learned] if held_out else end
        self._move(border, end)
        self._end = border
        self._last = places[learned - 1] if learned else self._last
        self.train += learned
        self.valid += held_out
        return len(places)

    def hold_out_last(self) -> None:
        """Hold out the last record for training. There must be one."""
        self._move(self._last, self._end)
        self._end = self._last
        self.train -= 1
        self.valid += 1

    def _move(self, begin: int, end: int) -> None:
        """Move what stands between two places of `train`, at its end, to the end of `valid`."""
        if begin == end or self._train is None or self._valid is None:
            return
        self._train.seek(begin)
        while data := self._train.read(_CHUNK):
            self._valid.write(data)
        self._train.seek(begin)
        self._train.truncate()


@contextmanager
def record_files(folder: Path | None) -> Iterator[RecordFiles]:
    """Yield `train.jsonl` and `valid.jsonl` of a folder, which appear whole at the end; of None, nothing on disk."""
    if folder is None:
        yield RecordFiles()
        return
    with ExitStack() as open_files:
        files = []
        for name in ("train.jsonl", "valid.jsonl"):
            path = open_files.enter_context(atomic_path(folder / name, private=True))
            files.append(open_files.enter_context(path.open("r+b", buffering=_CHUNK)))
        yield RecordFiles(*files)
