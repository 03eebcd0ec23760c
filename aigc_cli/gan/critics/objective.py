"""Losses of a GAN as pure functions of logits, and which penalty goes with each. Knows no logging, device or loop.

Logits are real numbers, one a picture: D(x) = sigmoid(logit) in the losses of Goodfellow's game, D(x) = logit in the
others. Every loss is a mean over the batch.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from aigc_cli.gan.critics.penalties import UnitSlope, ZeroCentred


@dataclass(frozen=True)
class Objective:
    """A pair of losses, each of (real logits (B,), generated logits (B,)).

    `divide` is the logit between real and generated pictures, None where only differences of logits mean anything.
    `probability`: D(x) is sigmoid(logit). `penalty` is what the critic's gradient costs it. `clips`: its weights are
    clipped after each of its updates.
    """

    critic: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor, Tensor], Tensor]
    divide: float | None = 0.0
    probability: bool = False
    penalty: type[ZeroCentred | UnitSlope] = ZeroCentred
    clips: bool = False

    def score(self, logits_B: Tensor) -> Tensor:
        """Return D(x) for logits (B,): what a log shows."""
        return logits_B.sigmoid() if self.probability else logits_B


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


def least_squares_critic(real_B: Tensor, generated_B: Tensor) -> Tensor:
    """Return L_D = E[(D(x) - 1)^2] / 2 + E[D(G(z))^2] / 2 (LSGAN: Mao et al. 2017, arXiv:1611.04076, eq. 9)."""
    return 0.5 * ((real_B - 1).square().mean() + generated_B.square().mean())


def least_squares_generator(real_B: Tensor, generated_B: Tensor) -> Tensor:
    """Return L_G = E[(D(G(z)) - 1)^2] / 2 (LSGAN, eq. 9)."""
    return 0.5 * (generated_B - 1).square().mean()


def hinge_critic(real_B: Tensor, generated_B: Tensor) -> Tensor:
    """Return L_D = E[max(0, 1 - D(x))] + E[max(0, 1 + D(G(z)))] (Lim & Ye 2017, arXiv:1705.02894)."""
    return F.relu(1 - real_B).mean() + F.relu(1 + generated_B).mean()


def wasserstein_critic(real_B: Tensor, generated_B: Tensor) -> Tensor:
    """Return L_D = E[D(G(z))] - E[D(x)] (WGAN: Arjovsky et al. 2017, arXiv:1701.07875, eq. 2, turned round)."""
    return generated_B.mean() - real_B.mean()


def score_generator(real_B: Tensor, generated_B: Tensor) -> Tensor:
    """Return L_G = -E[D(G(z))], the generator's side of the hinge and Wasserstein losses."""
    return -generated_B.mean()


OBJECTIVES = {
    "rpgan": Objective(relativistic_critic, relativistic_generator, divide=None),
    "nonsaturating": Objective(bce_critic, nonsaturating_generator, probability=True),
    "minimax": Objective(bce_critic, minimax_generator, probability=True),
    "lsgan": Objective(least_squares_critic, least_squares_generator, divide=0.5),
    "hinge": Objective(hinge_critic, score_generator),
    "wgan": Objective(wasserstein_critic, score_generator, divide=None, clips=True),
    "wgan-gp": Objective(wasserstein_critic, score_generator, divide=None, penalty=UnitSlope),
}
