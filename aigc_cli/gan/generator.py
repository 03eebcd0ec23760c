"""The generator's side: its network with what moves it, and the running average that is kept and shown."""

import copy
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from aigc_cli.config.train_gan import TrainGanSettings
from aigc_cli.gan.architectures.contract import Generator
from aigc_cli.gan.architectures.layers import widened
from aigc_cli.gan.shares import Draws
from aigc_cli.gan.sides import Computing, Learner, Metrics, Turn, betas_of, load_named, named, numbered
from aigc_cli.training.adamw import AdamW

EMA_RAMP = 0.05  # the average's half-life is at most this share of the pictures seen so far


class GeneratorSide:
    """A generator, its optimiser, and its average, which is always at the full size."""

    def __init__(self, network: Generator, settings: TrainGanSettings, computing: Computing) -> None:
        self.network, self._computing = network, computing
        self.average = copy.deepcopy(network).requires_grad_(False)
        adam = AdamW(numbered(network), betas_of(settings), key="adam_g.{name}.{kind}")
        self.learner = Learner("generator", network, adam, settings.lr_g or 0.0, computing.world)
        self._batch_size, self._ema_images = settings.batch_size, settings.ema_images

    def average_anew(self) -> None:
        """Let the average begin as the network is."""
        self.average.load_state_dict(self.network.state_dict())

    def latents(self, count: int, random: Draws) -> Tensor:
        """Return latents (count, Z) of this process."""
        return random.normal(count, self.network.z_dim).to(self._computing.device)

    def pictures(self, turn: Turn) -> Tensor:
        """Return as many generated pictures as the turn has real ones, of the same labels."""
        latents = self.latents(len(turn.real), turn.random)
        with self._computing.products():
            pictures = self.network(latents, turn.labels)
        return widened(pictures)

    def update(self, turn: Turn, verdicts: Sequence[tuple[Tensor, Metrics]]) -> Metrics:
        """Move the network by the losses that the critics' sides found, and the average after it; return scalars."""
        metrics = {name: value for _, found in verdicts for name, value in found.items()}
        loss = torch.stack([loss for loss, _ in verdicts]).sum()
        metrics = self.learner.learn(turn, loss, metrics, norm="gradient_norm_g")
        follow(self.average, self.network, turn.step, self._batch_size, self._ema_images)
        return metrics

    def state(self) -> dict[str, Tensor]:
        """Return weights, average and moments."""
        return self.learner.state() | named("average", self.average)

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Take back what `state` returned."""
        self.learner.restore(tensors)
        load_named("average", self.average, tensors)


@torch.no_grad()
def follow(average: nn.Module, network: nn.Module, step: int, batch_size: int, ema_images: int) -> None:
    """Move an average after a step: its half-life in pictures grows with what has been seen, up to `ema_images`."""
    half_life = min(float(ema_images), EMA_RAMP * (step + 1) * batch_size)
    beta = 0.5 ** (batch_size / half_life) if half_life > 0 else 0.0
    torch._foreach_lerp_(list(average.parameters()), list(network.parameters()), 1 - beta)
    for mine, theirs in zip(average.buffers(), network.buffers(), strict=True):
        mine.copy_(theirs)
