"""Intervals: how sure a share or a statistic is. Pure functions of counts and samples."""

from collections.abc import Callable
from statistics import NormalDist

import torch
from torch import Tensor

from aigc_cli.core.seeding import stream


def wilson_interval(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the score interval of a binomial share (Wilson 1927, doi:10.1080/01621459.1927.10502953)."""
    if trials == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share, shrink = successes / trials, 1 + z**2 / trials
    centre = (share + z**2 / (2 * trials)) / shrink
    half = z / shrink * (share * (1 - share) / trials + z**2 / (4 * trials**2)) ** 0.5
    return (centre - half if successes else 0.0), (centre + half if successes < trials else 1.0)


def bootstrap_values(statistic: Callable[[Tensor], float], size: int, resamples: int, seed: int) -> Tensor:
    """Return the statistic of `resamples` index tensors drawn with replacement from range(size)."""
    values = []
    for index in range(resamples):
        rows = torch.randint(0, size, (size,), generator=stream(seed, "bootstrap", index))
        values.append(statistic(rows))
    return torch.tensor(values, dtype=torch.float64)


def normal_interval(value: float, resampled: Tensor, confidence: float = 0.95) -> tuple[float, float]:
    """Return value -/+ z times the resampled standard deviation.

    The centre is the statistic itself: a distance between sets is biased upwards by the repeats of a resample, so
    percentiles of the resampled values would lie above it.
    """
    half = NormalDist().inv_cdf(0.5 + confidence / 2) * float(resampled.std())
    return value - half, value + half
