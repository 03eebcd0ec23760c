"""Tensors of which each process holds a part (torch's DTensor): made whole, filled, written and read.

A sharded checkpoint is one safetensors file a process, each with the places of its parts in its header, written by
torch.distributed.checkpoint's Hugging Face storage, for its usual one pickles. Any number of processes reads it back.
Plain tensors pass through every function here as they are, and nothing is imported for them.
"""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aigc_cli.core.disk.checkpoint import read_metadata
from aigc_cli.core.disk.provenance import ai_label, label_metadata
from aigc_cli.core.disk.seal import NO_SEAL, add_metadata, altered, is_sealed_right
from aigc_cli.core.errors import BadData
from aigc_cli.core.words.messages import tr

if TYPE_CHECKING:
    from torch import Tensor
    from torch.distributed.device_mesh import DeviceMesh

PARTS = "shard-*.safetensors"  # as the storage names them


def is_sharded(tensor: "Tensor") -> bool:
    """Whether this process holds only a part."""
    return hasattr(tensor, "full_tensor")


def mesh_of(tensors: "Mapping[str, Tensor]") -> "DeviceMesh | None":
    """Return the processes that some tensors are spread over, None where none is."""
    spread: Any = next((tensor for tensor in tensors.values() if is_sharded(tensor)), None)
    return None if spread is None else spread.device_mesh


def whole(tensor: Any) -> "Tensor":
    """Return a tensor with all its parts. All processes must ask for the same one."""
    gathered: Tensor = tensor.full_tensor() if is_sharded(tensor) else tensor
    return gathered


def local(tensor: Any) -> "Tensor":
    """Return the part that this process holds; what is written to it is written to the tensor."""
    part: Tensor = tensor.to_local() if is_sharded(tensor) else tensor
    return part


def let_go(model: Any) -> None:
    """Give up the whole weights that a sharded model keeps after computing; a backward pass does it by itself."""
    if hasattr(model, "reshard"):
        model.reshard()


def part_like(tensor: Any, like: Any) -> "Tensor":
    """Return this process's part of a whole or sharded tensor, cut as `like` is."""
    if is_sharded(like) and not is_sharded(tensor):
        from torch.distributed.tensor import distribute_tensor

        tensor = tensor.to(like.device)
        return local(distribute_tensor(tensor, like.device_mesh, like.placements, src_data_rank=None))
    return local(tensor)


def copy_like(tensor: Any, like: Any) -> "Tensor":
    """Return a copy of a tensor, cut, placed and laid out in memory as `like` is; a number is only placed."""
    import torch

    if not tensor.dim():
        return whole(tensor).to(like.device, copy=True)
    copy = torch.empty_like(like, dtype=tensor.dtype)
    local(copy).copy_(part_like(tensor, like) if is_sharded(like) else whole(tensor))
    return copy


def save_sharded(folder: Path, tensors: "Mapping[str, Tensor]") -> None:
    """Write each process's parts into `folder`, which all see. Returns when all have."""
    from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageWriter
    from torch.distributed.checkpoint.state_dict_saver import save

    class LabellingWriter(HuggingFaceStorageWriter):
        """Labels and seals what this process has written, before torch lets all of them go on."""

        def write_data(self, plan: Any, planner: Any) -> Any:
            written = super().write_data(plan, planner)
            for name in sorted({result.storage_data.relative_path for result in written.wait()}):
                add_metadata(folder / name, label_metadata(ai_label(NO_SEAL)))
            return written

    storage = LabellingWriter(str(folder), save_distributed=True)
    save({name: tensor.detach() for name, tensor in tensors.items()}, storage_writer=storage)


def load_sharded(folder: Path, mesh: "DeviceMesh | None") -> "dict[str, Tensor]":
    """Read a sharded checkpoint: this process's parts of every tensor where there is a mesh, else all of it.

    Raises BadData where a file is not whole or not as it was written: every process checks all, so that all fail.
    """
    import torch
    from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageReader
    from torch.distributed.checkpoint.state_dict_loader import load
    from torch.distributed.tensor import Shard, zeros

    for path in sorted(folder.glob(PARTS)):
        if not is_sealed_right(path, read_metadata(path)):
            raise altered(path)
    reader = HuggingFaceStorageReader(str(folder))
    try:
        found: Any = reader.read_metadata().state_dict_metadata
        tensors: dict[str, Tensor] = {}
        for name, kept in found.items():
            if mesh is None or not kept.size:
                tensors[name] = torch.zeros(kept.size, dtype=kept.properties.dtype)
            else:
                tensors[name] = zeros(kept.size, dtype=kept.properties.dtype, device_mesh=mesh, placements=[Shard(0)])
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "torch.distributed is disabled")  # meant so, where there is no mesh
            load(tensors, storage_reader=reader, no_dist=mesh is None)
    except (RuntimeError, ValueError, KeyError, OSError) as error:
        raise BadData(
            tr("{path}: not a whole sharded checkpoint: {why}", path=folder, why=error),
            tr("truncated or corrupt; restore or make it again"),
        ) from error
    return tensors
