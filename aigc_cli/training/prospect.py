"""What training into a folder would do, before it does: begin, go on, or nothing; for how long; in how much memory.

Pure but for reading what the run there has logged. Knows no data and no trainer.
"""

from collections.abc import Mapping
from typing import Any

from aigc_cli.config.base import as_json
from aigc_cli.config.train_gan import TrainGanSettings
from aigc_cli.config.train_gpt import TrainGptSettings
from aigc_cli.core.disk.files import read_jsonl
from aigc_cli.core.disk.rundir import RunDir

UNKNOWN = "unknown until measured"


def is_done(record: Mapping[str, Any] | None, settings: Mapping[str, Any]) -> bool:
    """Say whether a run has been trained for as long as the settings, as they are kept, say."""
    if record is None or record["status"] != "finished":
        return False
    return _length(record["settings"]) == _length(settings)


def _length(settings: Mapping[str, Any]) -> tuple[str, Any]:
    """Return how long settings say to train; minutes count only where no steps are given."""
    return ("steps", settings["steps"]) if settings["steps"] is not None else ("minutes", settings["minutes"])


def prospect(settings: TrainGanSettings | TrainGptSettings, existing: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what training would do: begin, go on at a step, or nothing; for how long; and with which settings.

    The seconds that are left are the budget's, or those that the run's own speed promises. Of a run that has not
    begun, steps say nothing of the time.
    """
    step = existing["step"] if existing else 0
    state = "new" if existing is None else "finished" if is_done(existing, as_json(settings)) else "resumes"
    spent = existing["seconds"] if existing else 0.0
    seconds: float | str = UNKNOWN
    if state == "finished":
        seconds = 0.0
    elif settings.steps is None:
        seconds = max(0.0, 60.0 * (settings.minutes or 0.0) - spent)
    elif step:
        seconds = round(spent / step * max(0, settings.steps - step), 1)
    kind, length = _length(as_json(settings))
    return {"state": state, "step": step, kind: length, "seconds": seconds, "settings": as_json(settings)}


def measured_memory(run: RunDir) -> dict[str, int]:
    """Return the peak of memory that a run has logged, as `memory_bytes`; nothing if it has logged none."""
    lines = read_jsonl(run.metrics_path) if run.metrics_path.is_file() else ()
    peaks = [line["max_resident_bytes"] for line in lines if "max_resident_bytes" in line]
    return {"memory_bytes": max(peaks)} if peaks else {}
