"""Precision, recall, density and coverage: how realistic the generated pictures are, and how much real they cover.

And whether they are copies: nearer to the training pictures than pictures that were held out.

Each set is described by balls around its members that reach to the k-th nearest neighbour within the set.

Suffixes: N real, M generated pictures, D feature dimension.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from aigc_cli.core.errors import BadData
from aigc_cli.core.words.messages import tr

ROWS_AT_A_TIME = 1024


@dataclass(frozen=True)
class Neighbourhood:
    """What each picture contributes, so that means and their bootstrap intervals can be taken.

    is_realistic_M: a generated picture lies in some real ball (mean: precision). is_recalled_N: a real picture lies in
    some generated ball (mean: recall). density_M: in how many real balls a generated picture lies, over k.
    is_covered_N: some generated picture lies in the real picture's ball (mean: coverage).
    """

    is_realistic_M: Tensor
    is_recalled_N: Tensor
    density_M: Tensor
    is_covered_N: Tensor


def neighbourhood(real_ND: Tensor, generated_MD: Tensor, k: int = 3) -> Neighbourhood:
    """Compare two sets by their k-nearest-neighbour balls.

    Precision and recall after Kynkäänniemi et al. 2019 (arXiv:1904.06991, eq. 1-2); density and coverage, which
    outliers do not inflate, after Naeem et al. 2020 (arXiv:2002.09797, sec. 3).
    """
    real, generated = real_ND.double(), generated_MD.double()
    real_radius_N, generated_radius_M = radii(real, k), radii(generated, k)
    realistic, densities = [], []
    recalled = torch.zeros(len(real), dtype=torch.bool)
    nearest_N = torch.full((len(real),), torch.inf, dtype=torch.float64)
    for start in range(0, len(generated), ROWS_AT_A_TIME):
        rows = slice(start, start + ROWS_AT_A_TIME)
        distance_MN = torch.cdist(generated[rows], real)
        in_real_ball_MN = distance_MN <= real_radius_N
        realistic.append(in_real_ball_MN.any(1))
        densities.append(in_real_ball_MN.sum(1).double() / k)
        recalled |= (distance_MN <= generated_radius_M[rows, None]).any(0)
        nearest_N = torch.minimum(nearest_N, distance_MN.amin(0))
    return Neighbourhood(torch.cat(realistic), recalled, torch.cat(densities), nearest_N <= real_radius_N)


def radii(features_ND: Tensor, k: int) -> Tensor:
    """Return each member's distance to its k-th nearest other member, shape (N,)."""
    if len(features_ND) <= k:
        raise BadData(
            tr(
                "{k} nearest neighbours need more than {k} pictures, and there are {found}", k=k, found=len(features_ND)
            ),
            tr("add some"),
        )
    found = []
    for start in range(0, len(features_ND), ROWS_AT_A_TIME):
        distance = torch.cdist(features_ND[start : start + ROWS_AT_A_TIME], features_ND)
        own = torch.arange(len(distance))
        distance[own, start + own] = torch.inf
        found.append(distance.kthvalue(k, dim=1).values)
    return torch.cat(found)


def nearest(from_MD: Tensor, to_ND: Tensor) -> Tensor:
    """Return each row's distance to the nearest row of the other set, shape (M,); 0 for a copy."""
    exact = "donot_use_mm_for_euclid_dist"
    rows = [torch.cdist(block, to_ND, compute_mode=exact).amin(1) for block in torch.split(from_MD, ROWS_AT_A_TIME)]
    return torch.cat(rows)


def near_training(generated_MD: Tensor, held_out_KD: Tensor, train_ND: Tensor, quantile: float = 0.01) -> float:
    """Return the share of generated pictures as near to a training picture as the nearest `quantile` of held-out ones.

    About `quantile` for pictures that are as new as the held-out ones, 1 for copies.
    """
    limit = nearest(held_out_KD, train_ND).quantile(quantile)
    return float((nearest(generated_MD, train_ND) <= limit).double().mean())
