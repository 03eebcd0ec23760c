"""`metrics.jsonl`: one JSON object a line, appended while training, cut back to the checkpoint on resume."""

import json
import math
from pathlib import Path
from typing import Any

from aigc_cli.core.disk.files import cannot_create, write_text
from aigc_cli.core.words.plain import json_text


class MetricsLog:
    """Appends records that carry a `step`; every line is whole even if the process dies."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def append(self, record: dict[str, Any]) -> None:
        """Append one record; numbers that JSON cannot hold (NaN, infinity) are written as null."""
        finite = {
            key: None if isinstance(value, float) and not math.isfinite(value) else value
            for key, value in record.items()
        }
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json_text(finite) + "\n")
        except OSError as error:
            raise cannot_create(self._path, error) from error

    def close(self) -> None:
        """Do nothing: each line was written whole."""

    def cut_after(self, step: int) -> None:
        """Keep only the whole lines whose `step` is at most `step`."""
        if not self._path.exists():
            return
        kept = []
        for line in self._path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                record = json.loads(line)
            except (ValueError, RecursionError):
                continue  # the half line of a process that was killed while appending
            at = record.get("step") if isinstance(record, dict) else None
            if isinstance(at, int) and at <= step:
                kept.append(line + "\n")
        write_text(self._path, "".join(kept))
