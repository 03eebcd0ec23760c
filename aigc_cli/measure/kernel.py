"""The kernel distance between two sets of features (KID), unbiased, with its spread over subsets.

Suffixes: N, M pictures, D feature dimension.
"""

import torch
from torch import Tensor

from aigc_cli.core.errors import BadData
from aigc_cli.core.seeding import stream
from aigc_cli.core.words.messages import tr


def kernel_distance(a_ND: Tensor, b_MD: Tensor) -> float:
    """Return the unbiased squared MMD with the kernel (x'y / D + 1)^3.

    Binkowski et al. 2018 (arXiv:1801.01401, sec. 4). It can be slightly negative for sets from one distribution; that
    is what unbiased means.
    """
    if min(len(a_ND), len(b_MD)) < 2:
        raise BadData(tr("the kernel distance needs at least 2 pictures a set"), tr("add pictures"))
    a, b = a_ND.double(), b_MD.double()
    return float(
        _mean_without_diagonal(_kernel(a, a)) + _mean_without_diagonal(_kernel(b, b)) - 2 * _kernel(a, b).mean()
    )


def kernel_distance_subsets(a_ND: Tensor, b_MD: Tensor, *, subsets: int, size: int, seed: int) -> Tensor:
    """Return the distances of `subsets` random pairs of subsets, each of at most `size`; their mean is the KID."""
    size = min(size, len(a_ND), len(b_MD))
    distances = []
    for index in range(subsets):
        generator = stream(seed, "kernel subsets", index)
        rows = torch.randperm(len(a_ND), generator=generator)[:size]
        other_rows = torch.randperm(len(b_MD), generator=generator)[:size]
        distances.append(kernel_distance(a_ND[rows], b_MD[other_rows]))
    return torch.tensor(distances, dtype=torch.float64)


def _kernel(x_ND: Tensor, y_MD: Tensor) -> Tensor:
    return (x_ND @ y_MD.T / x_ND.shape[1] + 1).pow(3)


def _mean_without_diagonal(kernel_NN: Tensor) -> Tensor:
    n = len(kernel_NN)
    return (kernel_NN.sum() - kernel_NN.diagonal().sum()) / (n * (n - 1))
