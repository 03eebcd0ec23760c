"""Augmentation in the course of a training: all pictures of a step by the same draws, at a strength that may adapt."""

import torch
from torch import Tensor

from aigc_cli.config.train_gan import TrainGanSettings, augmentations
from aigc_cli.core.seeding import stream
from aigc_cli.gan.adaptation import Adaptation
from aigc_cli.gan.augment import augment
from aigc_cli.gan.shares import Draws
from aigc_cli.gan.sides import Computing, Metrics


class Augmenter:
    """The augmentations that settings name, and `adaptation`, the course of their strength where it has one."""

    def __init__(self, settings: TrainGanSettings, computing: Computing) -> None:
        self.adaptation = Adaptation(settings.augment_strength) if settings.augment_adapt else None
        self._names, self._strength = augmentations(settings), settings.augment_strength
        self._seed, self._batch_size, self._world = settings.seed, settings.batch_size, computing.world

    def augmented(self, pictures_BCHW: Tensor, step: int) -> Tensor:
        """Return this process's share of a batch of pictures, augmented by a step's draws."""
        strength = self.adaptation.strength if self.adaptation else self._strength
        draws = Draws(stream(self._seed, "augment", step), self._world)
        pictures = augment(pictures_BCHW, self._names, strength, draws)
        return pictures.contiguous(memory_format=torch.channels_last)

    def metrics(self) -> Metrics:
        """Return the strength, where it adapts."""
        return {"augment_strength": self.adaptation.strength} if self.adaptation else {}

    def due(self, step: int) -> bool:
        """Whether to `adapt` after a step."""
        return self.adaptation is not None and self.adaptation.due(step)

    def adapt(self, means: Tensor) -> None:
        """Take the critic's mean logits of trained, held-out and generated pictures of this process, augmented."""
        assert self.adaptation is not None
        self._world.mean_([means])
        train, valid, generated = means.tolist()
        self.adaptation.take(train, valid, generated, batch_size=self._batch_size)
