"""A model larger than one card: every process holds a part of each weight, its gradient and its optimizer state.

Fully sharded data parallelism (Zhao et al. 2023, arXiv:2304.11277; Rajbhandari et al. 2020, arXiv:1910.02054, stage
3) by torch's `fully_shard`: the weights of a block are gathered when it computes and let go after. Knows nothing of
data or files.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.fsdp import fully_shard, register_fsdp_forward_method

from aigc_cli.core.disk.sharded import local, part_like, whole
from aigc_cli.core.machine.distributed import World
from aigc_cli.gpt.model import GptModel
from aigc_cli.gpt.optim import orthogonalised, shape_factor


def shard(model: GptModel, device: torch.device, world: World) -> DeviceMesh:
    """Spread a model's weights over all processes, block by block onto their devices; return who they are."""
    mesh = init_device_mesh(device.type, (world.size,))
    for block in model.blocks:
        fully_shard(block, mesh=mesh)
    fully_shard(model, mesh=mesh)
    # A training step enters the model here, `forward` being for the rest: each gathers embedding, norm and head, and
    # neither may enter by the other, which would let go of them too early.
    register_fsdp_forward_method(model, "embedded")
    return mesh


class ShardedMuon:
    """`optim.Muon` on sharded matrices: momentum stays sharded; whole matrices exist a few at a time.

    Of as many matrices of one shape as there are processes, each is gathered on all of them, orthogonalised on one,
    and its update handed round.
    """

    rate_name = "matrix_learning_rate"

    def __init__(
        self,
        parameters: Mapping[str, nn.Parameter],
        sections: Mapping[str, Sequence[int]],
        *,
        momentum: float,
        world: World,
    ) -> None:
        self._parameters, self._sections, self._world = dict(parameters), sections, world
        self._momentum = momentum
        self._buffers = {name: torch.zeros_like(parameter) for name, parameter in self._parameters.items()}

    def step(self, learning_rate: float, weight_decay: float) -> None:
        """Move every matrix against its gradient; weights decay by learning_rate * weight_decay first."""
        with torch.no_grad():
            for name, parameter in self._parameters.items():
                local(self._buffers[name]).lerp_(local(parameter.grad), 1 - self._momentum)
            for names in self._rounds():
                for name, update in zip(names, self._updates(names), strict=True):
                    parameter = self._parameters[name]
                    change = part_like(update, parameter)
                    local(parameter).mul_(1 - learning_rate * weight_decay).add_(change, alpha=-learning_rate)

    def _rounds(self) -> Iterator[list[str]]:
        alike: dict[torch.Size, list[str]] = defaultdict(list)
        for name, parameter in self._parameters.items():
            alike[parameter.shape].append(name)
        for names in alike.values():
            for start in range(0, len(names), self._world.size):
                yield names[start : start + self._world.size]

    def _updates(self, names: Sequence[str]) -> list[Tensor]:
        updates = []
        for turn, name in enumerate(names):
            gradient: Any = self._parameters[name].grad
            nesterov = whole(torch.lerp(gradient, self._buffers[name], self._momentum))
            if turn == self._world.rank:
                parts = torch.split(nesterov, list(self._sections.get(name, [len(nesterov)])))
                updates.append(torch.cat([orthogonalised(part[None])[0] * shape_factor(*part.shape) for part in parts]))
            else:
                updates.append(torch.zeros_like(nesterov))
        self._world.sum_(updates)
        return updates

    def state(self) -> dict[str, Tensor]:
        """Return the momentum of each matrix."""
        return {f"muon.{name}": buffer for name, buffer in self._buffers.items()}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Take back what `state` or `optim.Muon` returned."""
        for name, buffer in self._buffers.items():
            local(buffer).copy_(part_like(tensors[f"muon.{name}"], buffer))
