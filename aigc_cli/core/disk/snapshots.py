"""Checkpoints of a run: written whole, read with errors that name the way out, and pruned. Knows no clock, no trainer.

The newest are kept, and of the older ones those that training may have to go back to.
"""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aigc_cli.core.disk.checkpoint import load_tensors, save_tensors
from aigc_cli.core.disk.files import atomic_folder, read_json, sha256_bytes, sha256_file, write_json
from aigc_cli.core.disk.rundir import RunDir
from aigc_cli.core.disk.sharded import PARTS, load_sharded, mesh_of, save_sharded
from aigc_cli.core.errors import NoInput, UsageProblem
from aigc_cli.core.machine.distributed import ALONE, World
from aigc_cli.core.words.messages import tr

if TYPE_CHECKING:
    from torch import Tensor
    from torch.distributed.device_mesh import DeviceMesh


def save_snapshot(
    run: RunDir, step: int, tensors: "dict[str, Tensor]", state: dict[str, Any], world: World = ALONE
) -> None:
    """Write the checkpoint of a step, in the place of one that may be there.

    All processes of `world` call this with their parts; tensors that are whole are the first one's to write.
    """
    parted = mesh_of(tensors) is not None
    if not world.is_main:
        if parted:
            save_sharded(Path(world.decided(None)), tensors)
        return
    with atomic_folder(run.checkpoint(step), replace=True) as temporary:
        if parted:
            save_sharded(Path(world.decided(str(temporary))), tensors)
        else:
            save_tensors(temporary / "state.safetensors", tensors, labelled=True)
        write_json(temporary / "state.json", state)


def load_snapshot(
    run: RunDir, step: int, mesh: "DeviceMesh | None" = None
) -> "tuple[dict[str, Tensor], dict[str, Any]]":
    """Read the checkpoint of a step: tensors and state. NoInput or BadData where it is not whole.

    Of one that was written in parts, each process of `mesh` reads its own; without a mesh they are put together.
    """
    folder = run.checkpoint(step)
    parted = any(folder.glob(PARTS))
    tensors = load_sharded(folder, mesh) if parted else load_tensors(folder / "state.safetensors")
    return tensors, read_json(folder / "state.json")


def find_snapshot(run: RunDir, wanted: str) -> int | None:
    """Return the step that `--checkpoint` means: None for "best", the newest for "last", or a number that is there.

    Raises UsageProblem for any other word, NoInput if there is no such checkpoint.
    """
    if wanted == "best":
        return None
    steps = run.checkpoint_steps()
    if wanted == "last" and steps:
        return steps[-1]
    if wanted != "last" and not wanted.isdecimal():
        raise UsageProblem(tr("--checkpoint {wanted!r} is not known", wanted=wanted), tr("best, last, or a step"))
    if wanted == "last" or int(wanted) not in steps:
        kept = ", ".join(map(str, steps)) or tr("none")
        raise NoInput(
            tr("{run}: no checkpoint {wanted}", run=run.path, wanted=wanted), tr("there are: {steps}", steps=kept)
        )
    return int(wanted)


def snapshot_hash(run: RunDir, step: int) -> str:
    """Return the SHA-256 over the checkpoint's tensor files."""
    files = sorted(run.checkpoint(step).glob("*.safetensors"))
    hashes = [sha256_file(file) for file in files]
    return hashes[0] if len(hashes) == 1 else sha256_bytes("".join(hashes).encode())


def newest_until(run: RunDir, step: int) -> int | None:
    """Return the newest checkpoint that is not after a step, or None."""
    return max((saved for saved in run.checkpoint_steps() if saved <= step), default=None)


def prune(run: RunDir, keep: int, until: Iterable[int]) -> None:
    """Delete all checkpoints but the `keep` newest and, for each step of `until`, the newest that is not after it."""
    steps = run.checkpoint_steps()
    wanted = {*steps[-keep:], *(newest_until(run, step) for step in until)}
    for step in steps:
        if step not in wanted:
            _delete(run, step)


def forget_after(run: RunDir, step: int) -> None:
    """Delete the checkpoints of later steps: training went back, and they are of a past that is no more."""
    for later in run.checkpoint_steps():
        if later > step:
            _delete(run, later)


def _delete(run: RunDir, step: int) -> None:
    """Delete a checkpoint so that none is ever seen in part: under a name that resuming sweeps away."""
    folder = run.checkpoint(step)
    doomed = folder.with_name(f".{folder.name}.part")
    folder.replace(doomed)
    shutil.rmtree(doomed, ignore_errors=True)
