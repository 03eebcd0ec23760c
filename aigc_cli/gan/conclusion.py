"""What a finished face run says of itself. Knows no networks: it reads what training has written."""

from aigc_cli.core.disk.files import read_jsonl
from aigc_cli.core.disk.rundir import RunDir


def share_near_training(run: RunDir) -> float | None:
    """Return the share of the best weights' samples that are near copies, None where nothing was held out."""
    step = run.record()["best"]["step"]
    shares = [
        value
        for line in read_jsonl(run.metrics_path)
        if line["step"] == step
        for name, value in line.items()
        if name.startswith("near_training[")
    ]
    return float(shares[-1]) if shares else None
