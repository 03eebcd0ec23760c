"""What the sides of the alternation have in common: the turn that all see, and a network with what moves it.

The generator and each kind of critics are sides, and stand in rooms of their own. Knows no losses.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from aigc_cli.config.train_gan import TrainGanSettings
from aigc_cli.core.machine.distributed import ALONE, World
from aigc_cli.gan.shares import Draws, backward, gradient_norm
from aigc_cli.training.adamw import AdamW

GRADIENT_NORM_EVERY = 10

Metrics = dict[str, float | Tensor]


@dataclass(frozen=True)
class Turn:
    """One step as every side sees it: `factor` on all learning rates, real pictures as augmented, and their labels.

    `random` is this step's stream, in which each draws after those before it.
    """

    step: int
    factor: float
    real: Tensor
    labels: Tensor | None
    random: Draws


@dataclass(frozen=True)
class Computing:
    """Where and how a network computes: on a device, its convolutions in a precision, among other processes."""

    device: torch.device
    precision: str = "fp32"
    world: World = ALONE

    def products(self) -> torch.autocast:
        """Return a context in which networks convolve in the precision that was asked for."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16")


class Side(Protocol):
    """A network with what trains it, as a checkpoint sees it."""

    def state(self) -> dict[str, Tensor]:
        """Return weights and moments by their names in a checkpoint."""

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Take back what `state` returned, from among other tensors."""


class CriticSide(Side, Protocol):
    """Critics that judge pictures, with what trains them."""

    learner: "Learner"

    def views(self, pictures_BCHW: Tensor) -> list[Tensor]:
        """Return what is judged of pictures in [-1, 1]: the pictures themselves, or features of them."""

    def update(self, turn: Turn, views: Sequence[Tensor]) -> Metrics:
        """Move the critics by the turn's real pictures and views of generated ones of its labels; return scalars."""

    def generator_loss(self, turn: Turn, views: Sequence[Tensor]) -> tuple[Tensor, Metrics]:
        """Return the generator's loss against the critics as they are now, frozen, and scalars; `update` went before.

        Gradients flow into what the views were made of.
        """


class Learner:
    """A network, by its name in a checkpoint, with its optimiser and its learning rate."""

    def __init__(self, name: str, network: nn.Module, adam: AdamW, rate: float, world: World) -> None:
        self.name, self.rate = name, rate
        self.network, self._adam, self._world = network, adam, world

    def learn(self, turn: Turn, loss: Tensor, metrics: Metrics, norm: str = "") -> Metrics:
        """Move the network down the gradient of a loss; return the metrics as means over all processes.

        Every few steps the norm of the gradient is one of them, under the name `norm` if there is one.
        """
        metrics = backward(loss, self.network, metrics, self._world)
        if norm and turn.step % GRADIENT_NORM_EVERY == 0:
            metrics[norm] = gradient_norm(self.network)
        self._adam.step(turn.factor * self.rate)
        return metrics

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Let what is computed inside have no gradient in the network's parameters."""
        self.network.requires_grad_(False)
        try:
            yield
        finally:
            self.network.requires_grad_(True)

    def state(self) -> dict[str, Tensor]:
        """Return weights and moments."""
        return named(self.name, self.network) | self._adam.state()

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Take back what `state` returned."""
        load_named(self.name, self.network, tensors)
        self._adam.restore(tensors)


def betas_of(settings: TrainGanSettings) -> tuple[float, float]:
    """Return Adam's two decays."""
    return settings.beta1 or 0.0, settings.beta2 or 0.0


def numbered(network: nn.Module) -> dict[str, nn.Parameter]:
    """Return a network's parameters by their place among them, as a checkpoint names their moments."""
    return {str(index): parameter for index, parameter in enumerate(network.parameters())}


def named(part: str, network: nn.Module) -> dict[str, Tensor]:
    """Return a network's tensors by their names in a checkpoint, where it is `part`."""
    return {f"{part}.{name}": value for name, value in network.state_dict().items()}


def load_named(part: str, network: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Take back what `named` returned, from among other tensors."""
    prefix = f"{part}."
    network.load_state_dict(
        {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
    )
