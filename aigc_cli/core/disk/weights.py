"""Which weights of a run a command means: the best, in the run's root, or those of a checkpoint."""

from pathlib import Path

from aigc_cli.core.disk.files import sha256_file
from aigc_cli.core.disk.rundir import RunDir
from aigc_cli.core.errors import NoInput
from aigc_cli.core.words.messages import tr


def chosen_weights(run: Path, wanted: str, best: str) -> tuple[int | None, str]:
    """Return the step of the checkpoint that `--checkpoint` means (None: the best, the file `best`), and a hash of it.

    NoInput where there are no weights yet or no such checkpoint, UsageProblem for a word that means none.
    """
    step = None
    if wanted != "best":
        from aigc_cli.core.disk.snapshots import find_snapshot, snapshot_hash  # knows tensors, so it loads torch

        step = find_snapshot(RunDir(run), wanted)
    if not (run / best).exists():
        raise NoInput(tr("{run}: no weights yet", run=run), tr("train on: the first evaluation writes them"))
    return step, sha256_file(run / best) if step is None else snapshot_hash(RunDir(run), step)
