"""The real pictures of a training: batches of those to learn from, and those that are held out.

Which ones a step gets is a pure function of (seed, step); of several processes each gets its share of the batch.
"""

import torch
from torch import Tensor

from aigc_cli.config.train_gan import TrainGanSettings
from aigc_cli.core.seeding import stream
from aigc_cli.data.pictures.imageset import ImageSet
from aigc_cli.gan.pixels import from_pixels
from aigc_cli.gan.shares import own_rows
from aigc_cli.gan.sides import Computing

Labelled = tuple[Tensor, Tensor | None]  # pictures (B, C, H, W) in [-1, 1], and label indices (B,) if there are any


class RealPictures:
    """A prepared set on the device; `label_names` are empty where its labels are not used."""

    def __init__(self, images: ImageSet, settings: TrainGanSettings, computing: Computing) -> None:
        device, train = computing.device, ~images.is_valid
        labels = images.labels.to(device) if settings.labels and images.labels is not None else None
        self.label_names = () if labels is None else images.label_names
        self._pixels, self._labels = images.pixels[train].to(device), None if labels is None else labels[train]
        self._held_out = images.pixels[~train].to(device)
        self._held_out_labels = None if labels is None else labels[~train]
        self._batch_size, self._seed = settings.batch_size, settings.seed
        self._own, self._device = own_rows(settings.batch_size, computing.world), device
        self._permutation: tuple[int, Tensor] = (-1, torch.empty(0))

    def batch(self, step: int) -> Labelled:
        """Return this process's share of a step's pictures; each epoch is shuffled."""
        batch, count = self._batch_size, len(self._pixels)
        epoch, place = divmod(step, count // batch)
        if self._permutation[0] != epoch:
            order = torch.randperm(count, generator=stream(self._seed, "epoch", epoch))
            self._permutation = (epoch, order.to(self._device))
        return self._taken(self._permutation[1][place * batch : (place + 1) * batch][self._own])

    def drawn(self, count: int, random: torch.Generator) -> Labelled:
        """Return `count` of the pictures to learn from, or all, in a random order; the same in every process."""
        return self._taken(torch.randperm(len(self._pixels), generator=random)[:count].to(self._device))

    def held_out(self, count: int) -> Labelled:
        """Return the first `count` held-out pictures, or all."""
        labels = None if self._held_out_labels is None else self._held_out_labels[:count]
        return from_pixels(self._held_out[:count]), labels

    def held_out_batch(self, step: int) -> Labelled:
        """Return this process's share of a batch of held-out pictures, drawn for a step."""
        random = stream(self._seed, "held out", step)
        chosen = torch.randperm(len(self._held_out), generator=random)[: self._batch_size][self._own].to(self._device)
        labels = None if self._held_out_labels is None else self._held_out_labels[chosen]
        return from_pixels(self._held_out[chosen]), labels

    def _taken(self, chosen: Tensor) -> Labelled:
        return from_pixels(self._pixels[chosen]), None if self._labels is None else self._labels[chosen]
