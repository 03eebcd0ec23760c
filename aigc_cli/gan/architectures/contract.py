"""What a training asks of a generator and of a critic. An architecture that can more than another overrides it.

Shapes: B batch, C channels, H height, W width, Z latent, K labels.
"""

from torch import Tensor, nn


class Generator(nn.Module):
    """Maps latents (B, Z) and labels (B,), or None where `labels` is 0, to pictures (B, C, H, W) about in [-1, 1]."""

    z_dim: int
    labels: int

    def begin_at(self, resolution: int) -> None:
        """Begin a training that grows from a resolution. What cannot grow is asked with its own size alone."""

    def work_at(self, resolution: int) -> None:
        """Make pictures of a resolution from now on. What cannot grow is asked for its own size alone."""


class Critic(nn.Module):
    """Maps pictures (B, C, H, W) and labels (B,), or None where `labels` is 0, to a logit a picture, (B,).

    `mixes`: it normalises over the batch, so that real and generated pictures are to be judged apart.
    """

    labels: int
    mixes = False

    def begin_at(self, resolution: int) -> None:
        """Begin a training that grows from a resolution. What cannot grow is asked with its own size alone."""

    def work_at(self, resolution: int) -> None:
        """Judge pictures of a resolution from now on. What cannot grow is asked for its own size alone."""

    def logits_and_classes(self, pictures_BCHW: Tensor, labels_B: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return logits (B,), and class logits (B, K) where it tells labels apart, else None."""
        return self(pictures_BCHW, labels_B), None
