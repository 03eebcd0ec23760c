"""Losses of a GAN as pure functions of logits, and the gradient penalty. Knows no logging, device or loop.

Logits are real numbers, one a picture: D(x) = sigmoid(logit) in the textbook losses. Every loss is a mean over the
batch, in nats.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from aigc_cli.gan.layers import image_gradients_only


@dataclass(frozen=True)
class Objective:
    """A pair of losses, each of (real logits (B,), generated logits (B,)).

    `paired`: a pair compares two pictures, so the generator's loss needs real logits too and pairs share a label.
    `score` is what a log shows for a logit: D(x) in (0, 1) in the textbook losses, the logit itself in paired ones.
    """

    critic: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor, Tensor], Tensor]
    paired: bool = False

    def score(self, logits_B: Tensor) -> Tensor:
        """Return D(x) for logits (B,)."""
        return logits_B if self.paired else logits_B.sigmoid()


def relativistic_critic(real_B: Tensor, generated_B: Tensor) -> Tensor:
    """Return E[softplus(-(D(x) - D(G(z))))] (RpGAN: Jolicoeur-Martineau 2018, arXiv:1807.00734; R3GAN, 2501.05441)."""
    return F.softplus(generated_B - real_B).mean()


def relativistic_generator(real_B: Tensor, generated_B: Tensor) -> Tensor:
    """Return E[softplus(-(D(G(z)) - D(x)))], the generator's side of RpGAN."""
    return F.softplus(real_B - generated_B).mean()


def bce_critic(real_B: Tensor, generated_B: Tensor) -> Tensor:
    """Return L_D = -E[log D(x)] - E[log(1 - D(G(z)))] (Goodfellow et al. 2014, arXiv:1406.2661, eq. 1)."""
    return F.softplus(-real_B).mean() + F.softplus(generated_B).mean()


def minimax_generator(real_B: Tensor, generated_B: Tensor) -> Tensor:
    """Return L_G = E[log(1 - D(G(z)))], the saturating side of Goodfellow's game (eq. 1)."""
    return -F.softplus(generated_B).mean()


def nonsaturating_generator(real_B: Tensor, generated_B: Tensor) -> Tensor:
    """Return L_G = -E[log D(G(z))] (Goodfellow et al. 2014, sec. 3, last paragraph)."""
    return F.softplus(-generated_B).mean()


OBJECTIVES = {
    "rpgan": Objective(relativistic_critic, relativistic_generator, paired=True),
    "nonsaturating": Objective(bce_critic, nonsaturating_generator),
    "minimax": Objective(bce_critic, minimax_generator),
}


def gradient_penalty(images_BCHW: Tensor, logits_B: Tensor) -> Tensor:
    """Return each image's squared critic-gradient norm, shape (B,).

    R1 on real images and R2 on generated ones, without their gamma/2 factor (Mescheder et al. 2018,
    arXiv:1801.04406, sec. 4.1). Images must require grad. Assumes that the critic mixes no samples but through
    statistics of the batch.
    """
    with image_gradients_only():
        (gradient,) = torch.autograd.grad(logits_B.sum(), images_BCHW, create_graph=True)
    return gradient.square().sum((1, 2, 3))
