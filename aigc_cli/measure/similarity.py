"""Paired similarity of pictures: SSIM and PSNR. For two versions of one picture, not for two sets.

Suffixes: B batch, C channels, H height, W width.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from aigc_cli.core.errors import BadData
from aigc_cli.core.words.messages import tr

WINDOW = 11
SIGMA = 1.5
K1, K2 = 0.01, 0.03


def peak_signal_to_noise(a_BCHW: Tensor, b_BCHW: Tensor, *, data_range: float) -> Tensor:
    """Return 10 log10(data_range^2 / mean squared error) in decibels, shape (B,); infinite for equal pictures."""
    error_B = (a_BCHW.double() - b_BCHW.double()).square().mean((1, 2, 3))
    return 10 * (data_range**2 / error_B).log10()


def structural_similarity(a_BCHW: Tensor, b_BCHW: Tensor, *, data_range: float) -> Tensor:
    """Return the mean SSIM of each pair, shape (B,), in [-1, 1] (Wang et al. 2004, eq. 13).

    doi:10.1109/TIP.2003.819861. The paper's settings: an 11x11 Gaussian window of standard deviation 1.5 inside the
    picture only, K1 0.01, K2 0.03; colour channels are treated alike and averaged. Sides must be at least 11.
    """
    if min(a_BCHW.shape[-2:]) < WINDOW:
        raise BadData(
            tr(
                "SSIM needs sides of at least {size} pixels, not {width}x{height}",
                size=WINDOW,
                width=a_BCHW.shape[-1],
                height=a_BCHW.shape[-2],
            )
        )
    a, b = a_BCHW.double(), b_BCHW.double()
    mean_a, mean_b = _windowed(a), _windowed(b)
    variance_a = _windowed(a * a) - mean_a.square()
    variance_b = _windowed(b * b) - mean_b.square()
    covariance = _windowed(a * b) - mean_a * mean_b
    c1, c2 = (K1 * data_range) ** 2, (K2 * data_range) ** 2
    luminance = (2 * mean_a * mean_b + c1) / (mean_a.square() + mean_b.square() + c1)
    structure = (2 * covariance + c2) / (variance_a + variance_b + c2)
    return (luminance * structure).mean((1, 2, 3))


def _windowed(x_BCHW: Tensor) -> Tensor:
    """Return the Gaussian-weighted local means, without padding."""
    offsets = torch.arange(WINDOW, dtype=torch.float64, device=x_BCHW.device) - WINDOW // 2
    weights = torch.exp(-offsets.square() / (2 * SIGMA**2))
    weights = weights / weights.sum()
    channels = x_BCHW.shape[1]
    rows = F.conv2d(x_BCHW, weights.reshape(1, 1, WINDOW, 1).expand(channels, -1, -1, -1), groups=channels)
    return F.conv2d(rows, weights.reshape(1, 1, 1, WINDOW).expand(channels, -1, -1, -1), groups=channels)
