"""Muon, for the matrices of a model trained from scratch, and clipping; what moves the rest is `training.adamw`.

State is named tensors, so that a checkpoint is safetensors and a resume is exact. Knows nothing of losses or
schedules: learning rates arrive with each step.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from aigc_cli.core.disk.sharded import local, whole
from aigc_cli.core.machine.distributed import ALONE, World

# Coefficients of the quintic iteration whose fixed point is an orthogonal matrix (Jordan et al. 2024, "Muon").
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
NEWTON_SCHULZ_STEPS = 5


def orthogonalised(gradients_NRC: Tensor, steps: int = NEWTON_SCHULZ_STEPS) -> Tensor:
    """Return about U V^T for each U S V^T of a stack of matrices (N, R, C), singular values in [0.7, 1.2].

    float32 and batched: on a CPU `torch.optim.Muon` costs twice the model itself, casting to bfloat16 and looping.
    """
    a, b, c = NEWTON_SCHULZ
    tall = gradients_NRC.shape[1] > gradients_NRC.shape[2]
    x = gradients_NRC.mT if tall else gradients_NRC
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp_min(1e-7)
    for _ in range(steps):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x


def _orthogonalised_by_all(gradients_NRC: Tensor, world: World) -> Tensor:
    """Return `orthogonalised`, of which each process computes its share of the N: the sum of shares, else zero."""
    if world.size == 1:
        return orthogonalised(gradients_NRC)
    count, whole_NRC = len(gradients_NRC), torch.zeros_like(gradients_NRC)
    own = slice(count * world.rank // world.size, count * (world.rank + 1) // world.size)
    whole_NRC[own] = orthogonalised(gradients_NRC[own])
    world.sum_([whole_NRC])
    return whole_NRC


def shape_factor(rows: int, columns: int) -> float:
    """Return what an update is scaled by, so that one learning rate suits matrices of every shape."""
    return math.sqrt(max(1.0, rows / columns))


class Muon:
    """Momentum whose update is orthogonalised (Jordan et al. 2024), over row sections of the given matrices.

    A fused matrix (query, key, value; gate, up) is several matrices: `sections` gives the rows of each part. The
    update is scaled by sqrt(max(1, rows / columns)), so that the learning rate suits every shape. Of several processes
    each orthogonalises its share of the matrices.
    """

    rate_name = "matrix_learning_rate"

    def __init__(
        self,
        parameters: Mapping[str, nn.Parameter],
        sections: Mapping[str, Sequence[int]],
        *,
        momentum: float,
        world: World = ALONE,
    ) -> None:
        self._parameters, self._world = dict(parameters), world
        self._momentum = momentum
        self._buffers = {name: torch.zeros_like(parameter) for name, parameter in self._parameters.items()}
        self._groups: dict[tuple[int, int], list[tuple[str, int]]] = defaultdict(list)
        for name, parameter in self._parameters.items():
            start = 0
            for rows in sections.get(name, [parameter.shape[0]]):
                self._groups[rows, parameter.shape[1]].append((name, start))
                start += rows

    def step(self, learning_rate: float, weight_decay: float) -> None:
        """Move every matrix against its gradient; weights decay by learning_rate * weight_decay first."""
        with torch.no_grad():
            gradients = [p.grad for p in self._parameters.values() if p.grad is not None]
            buffers = list(self._buffers.values())
            torch._foreach_lerp_(buffers, gradients, 1 - self._momentum)
            nesterov = dict(zip(self._buffers, torch._foreach_lerp(gradients, buffers, self._momentum), strict=True))
            for (rows, columns), members in self._groups.items():
                stack = torch.stack([nesterov[name][start : start + rows] for name, start in members])
                update = _orthogonalised_by_all(stack, self._world)
                rate = learning_rate * shape_factor(rows, columns)
                for (name, start), change in zip(members, update, strict=True):
                    part = self._parameters[name][start : start + rows]
                    if weight_decay:
                        part.mul_(1 - learning_rate * weight_decay)
                    part.add_(change, alpha=-rate)

    def state(self) -> dict[str, Tensor]:
        """Return the momentum of each matrix."""
        return {f"muon.{name}": buffer for name, buffer in self._buffers.items()}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Take back what `state` returned."""
        for name, buffer in self._buffers.items():
            buffer.copy_(tensors[f"muon.{name}"])


def clipped(parameters: Sequence[nn.Parameter], max_norm: float) -> Tensor:
    """Scale all gradients together to a norm of at most `max_norm` (0: leave them) and return the norm before."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    norm = whole(torch.nn.utils.get_total_norm(gradients))
    if max_norm > 0:
        factor = (max_norm / (norm + 1e-6)).clamp(max=1.0)
        torch._foreach_mul_([local(gradient) for gradient in gradients], factor)
    return norm
