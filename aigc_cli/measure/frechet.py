"""The Fréchet distance between two sets of features, and the spread of one against the other.

Both treat a set as a Gaussian with its mean and covariance. Everything is float64 and symmetric: a general
eigenvalue or matrix-square-root routine loses digits and returns complex numbers on near-singular covariances.

Suffixes: N, M pictures, D feature dimension.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from aigc_cli.core.errors import BadData
from aigc_cli.core.words.messages import tr


@dataclass(frozen=True)
class Gaussian:
    """A feature set's mean (D,) and its centred features scaled so that factor.T @ factor is the covariance."""

    mean_D: Tensor
    factor_ND: Tensor

    @property
    def trace(self) -> float:
        """The trace of the covariance: the set's total variance."""
        return float(self.factor_ND.square().sum())

    def covariance(self) -> Tensor:
        """Return the (D, D) covariance, with the unbiased n - 1."""
        return self.factor_ND.T @ self.factor_ND


def gaussian(features_ND: Tensor) -> Gaussian:
    """Return the mean and covariance factor of at least two feature vectors."""
    if len(features_ND) < 2:
        raise BadData(
            tr("a covariance needs at least 2 pictures, and there are {found}", found=len(features_ND)),
            tr("add pictures"),
        )
    features = features_ND.double()
    mean = features.mean(0)
    return Gaussian(mean, (features - mean) / (len(features) - 1) ** 0.5)


def frechet_distance(a: Gaussian, b: Gaussian) -> float:
    """Return ||mu_a - mu_b||^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)) (Heusel et al. 2017, arXiv:1706.08500).

    With C = F'F, the trace of (C_a C_b)^(1/2) is the sum of the singular values of F_a F_b'. When the sets are
    smaller than the dimension that (N, M) cross-Gram matrix is decomposed; else the (D, D) one of the square root.
    """
    rows, other_rows, dimension = len(a.factor_ND), len(b.factor_ND), a.factor_ND.shape[1]
    if min(rows, other_rows) < dimension:
        cross = a.factor_ND @ b.factor_ND.T
        gram = cross @ cross.T if rows <= other_rows else cross.T @ cross
    else:
        root = square_root(a.covariance())
        gram = root @ b.covariance() @ root
    return _distance(a, b, gram)


def frechet_from_root(root_DD: Tensor, a: Gaussian, b: Gaussian) -> float:
    """Return the same distance when the square root of a's covariance is at hand, as in a bootstrap over b."""
    return _distance(a, b, root_DD @ b.covariance() @ root_DD)


def square_root(covariance_DD: Tensor) -> Tensor:
    """Return the symmetric square root of a positive semidefinite matrix; rounding below zero counts as zero."""
    values, vectors = torch.linalg.eigh(covariance_DD)
    root: Tensor = (vectors * values.clamp(min=0).sqrt()) @ vectors.T
    return root


def spread(generated: Gaussian, real: Gaussian) -> float:
    """Return the generated set's total variance over the real one's: near 1 when varied, near 0 when collapsed."""
    if real.trace == 0:
        raise BadData(tr("the real pictures are all alike, so the spread has no meaning"), tr("use a varied real set"))
    return generated.trace / real.trace


def spread_within(generated_MD: Tensor, asked_M: Tensor, real_ND: Tensor, labels_N: Tensor) -> float | None:
    """Return the spread within the labels: near 0 when each label is one picture, however far apart the labels are.

    The sum of the labels' total variances over the same of the real set, of those labels that both have two pictures
    of; None where there is none, or where all their real pictures are alike.
    """
    pairs = [(generated_MD[asked_M == label], real_ND[labels_N == label]) for label in labels_N.bincount().nonzero()]
    traces = [(gaussian(made).trace, gaussian(real).trace) for made, real in pairs if min(len(made), len(real)) > 1]
    varied = sum(real for _, real in traces)
    return sum(made for made, _ in traces) / varied if varied else None


def _distance(a: Gaussian, b: Gaussian, gram: Tensor) -> float:
    overlap = torch.linalg.eigvalsh((gram + gram.T) / 2).clamp(min=0).sqrt().sum()
    means = (a.mean_D - b.mean_D).square().sum()
    return max(0.0, float(means) + a.trace + b.trace - 2 * float(overlap))
