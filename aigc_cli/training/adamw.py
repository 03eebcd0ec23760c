"""Adam by one kernel, for both trainings. Knows nothing of losses or schedules: learning rates arrive with each step.

State is named tensors, so that a checkpoint is safetensors and a resume is exact.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from aigc_cli.core.disk.sharded import copy_like

_MOMENTS = ("exp_avg", "exp_avg_sq")


class AdamW:
    """AdamW (Loshchilov & Hutter 2019, arXiv:1711.05101, alg. 2) by torch's fused kernel, with state by parameter name.

    The kernel and not torch.optim.AdamW, whose first use imports torch's compiler: a second of a training of ten.
    Without weight decay it is Adam (Kingma & Ba 2015, arXiv:1412.6980, alg. 1). `key` names a state tensor.
    """

    rate_name = "learning_rate"

    def __init__(
        self,
        parameters: Mapping[str, nn.Parameter],
        betas: tuple[float, float],
        eps: float = 1e-8,
        key: str = "adamw.{kind}.{name}",
    ) -> None:
        self._parameters, self._betas, self._eps, self._key = dict(parameters), betas, eps, key
        self._moments: dict[str, dict[str, Tensor]] = {}

    def step(self, learning_rate: float, weight_decay: float = 0.0) -> None:
        """Move every parameter that has a gradient; decay only matrices, never gains or biases."""
        moving = {name: parameter for name, parameter in self._parameters.items() if parameter.grad is not None}
        with torch.no_grad():
            for name, parameter in moving.items():
                if parameter.dim() > 1 and weight_decay:
                    parameter.mul_(1 - learning_rate * weight_decay)
                if name not in self._moments:
                    count = torch.zeros((), dtype=torch.float32, device=parameter.device)
                    self._moments[name] = {"step": count} | {kind: torch.zeros_like(parameter) for kind in _MOMENTS}
            moments = [self._moments[name] for name in moving]
            steps = [moment["step"] for moment in moments]
            torch._foreach_add_(steps, 1)
            torch._fused_adamw_(
                list(moving.values()),
                [parameter.grad for parameter in moving.values() if parameter.grad is not None],
                [moment["exp_avg"] for moment in moments],
                [moment["exp_avg_sq"] for moment in moments],
                [],
                steps,
                lr=learning_rate,
                beta1=self._betas[0],
                beta2=self._betas[1],
                weight_decay=0.0,
                eps=self._eps,
                amsgrad=False,
                maximize=False,
            )

    def state(self) -> dict[str, Tensor]:
        """Return both moments and the step count of each parameter, once there are any."""
        return {
            self._key.format(kind=kind, name=name): value
            for name, kinds in self._moments.items()
            for kind, value in kinds.items()
        }

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Take back what `state` returned."""
        self._moments = {
            name: {
                kind: copy_like(tensors[self._key.format(kind=kind, name=name)], parameter)
                for kind in ("step", *_MOMENTS)
            }
            for name, parameter in self._parameters.items()
            if self._key.format(kind="step", name=name) in tensors
        }
