"""Penalties of a critic's gradient: pure functions of pictures and logits, and when and how heavily each is taken.

A penalty that is taken every k-th step only is k times as heavy (lazy: Karras et al. 2020, arXiv:1912.04958, app. B).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from aigc_cli.config.train_gan import TrainGanSettings
from aigc_cli.gan.architectures.layers import image_gradients_only
from aigc_cli.gan.shares import Draws


class Penalty(Protocol):
    """What is added to the loss of a critic on every `every`-th step.

    `mixing`: it bears a critic that normalises over the batch. `of_inputs`: it wants the gradient of the logits that
    the loss is of, so that the pictures must require one.
    """

    mixing: bool
    of_inputs: bool

    @property
    def every(self) -> int:
        """The steps between two penalties."""

    def __call__(
        self, both_BCHW: Tensor, logits_B: Tensor, judge: Callable[[Tensor], Tensor], random: Draws
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return what to add to the loss, and what to log.

        `both_BCHW` are real pictures and as many generated ones, `logits_B` theirs. `judge` returns the logits of
        other pictures, of the labels of one half.
        """


@dataclass(frozen=True)
class ZeroCentred:
    """gamma / 2 times R1 of real pictures plus R2 of generated ones; gamma is for 32 pixels, and grows with area."""

    gamma: float
    every: int
    mixing = True
    of_inputs = True

    @classmethod
    def of(cls, settings: TrainGanSettings) -> "ZeroCentred | None":
        """Return the penalty that settings ask for, None where its weight is 0."""
        return cls(settings.gamma, settings.penalty_every) if settings.gamma else None

    def __call__(
        self, both_BCHW: Tensor, logits_B: Tensor, judge: Callable[[Tensor], Tensor], random: Draws
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return what to add to the loss, and the means of both halves."""
        r1, r2 = (half.mean() for half in gradient_penalty(both_BCHW, logits_B).chunk(2))
        gamma = self.gamma * (both_BCHW.shape[-1] / 32) ** 2
        return self.every * gamma / 2 * (r1 + r2), {"r1": r1, "r2": r2}


@dataclass(frozen=True)
class UnitSlope:
    """`weight` times how far from 1 the slope of the critic is between real and generated pictures (WGAN-GP)."""

    weight: float
    every: int
    mixing = False
    of_inputs = False

    @classmethod
    def of(cls, settings: TrainGanSettings) -> "UnitSlope":
        """Return the penalty that settings ask for."""
        return cls(settings.gp_weight, settings.penalty_every)

    def __call__(
        self, both_BCHW: Tensor, logits_B: Tensor, judge: Callable[[Tensor], Tensor], random: Draws
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return what to add to the loss, and the penalty without its weight."""
        real, generated = both_BCHW.chunk(2)
        shares = random.uniform(len(real)).to(real.device)
        between = interpolated(real, generated, shares).requires_grad_()
        penalty = unit_gradient_penalty(between, judge(between)).mean()
        return self.every * self.weight * penalty, {"gradient_penalty": penalty}


def gradient_penalty(images_BCHW: Tensor, logits_B: Tensor) -> Tensor:
    """Return each image's squared critic-gradient norm, shape (B,).

    R1 on real images and R2 on generated ones, without their gamma/2 factor (Mescheder et al. 2018,
    arXiv:1801.04406, sec. 4.1). Images must require grad. Assumes that the critic mixes no samples but through
    statistics of the batch.
    """
    with image_gradients_only():
        (gradient,) = torch.autograd.grad(logits_B.sum(), images_BCHW, create_graph=True)
    return gradient.square().sum((1, 2, 3))


def unit_gradient_penalty(images_BCHW: Tensor, logits_B: Tensor) -> Tensor:
    """Return (||grad D(x)||_2 - 1)^2 of each image, shape (B,), without its factor lambda.

    WGAN-GP: Gulrajani et al. 2017, arXiv:1704.00028, eq. 3; the images are the `interpolated` ones. Images must
    require grad.
    """
    return ((gradient_penalty(images_BCHW, logits_B) + 1e-12).sqrt() - 1).square()


def interpolated(real_BCHW: Tensor, generated_BCHW: Tensor, shares_B: Tensor) -> Tensor:
    """Return points on the straight lines between pairs: share * real + (1 - share) * generated (Gulrajani, alg. 1)."""
    return generated_BCHW + shares_B[:, None, None, None] * (real_BCHW - generated_BCHW)
