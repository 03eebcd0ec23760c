"""What a finished face run says of itself. Knows no networks: it reads what training has written."""

from typing import Any

from aigc_cli.core.disk.files import read_jsonl
from aigc_cli.core.disk.rundir import RunDir

MANY_NEAR = 0.02  # of samples near copies: twice what pictures as new as the held-out ones show


def best_line(run: RunDir) -> dict[str, Any]:
    """Return all that was measured at the step whose weights are kept."""
    step = run.record()["best"]["step"]
    line: dict[str, Any] = {}
    for measured in read_jsonl(run.metrics_path) if run.metrics_path.is_file() else ():
        line |= measured if measured["step"] == step else {}
    return line


def share_near_training(run: RunDir) -> float | None:
    """Return the share of the best weights' samples that are near copies, None where nothing was held out."""
    shares = [value for name, value in best_line(run).items() if name.startswith("near_training[")]
    return float(shares[-1]) if shares else None
