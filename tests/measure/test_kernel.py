import pytest
import torch

from aigc_cli.core.errors import BadData
from aigc_cli.measure.kernel import kernel_distance, kernel_distance_subsets


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def distance_by_loops(a, b):
    """The estimator written as its definition: means over ordered pairs of distinct members."""

    def kernel(x, y):
        return (float(x @ y) / len(x) + 1) ** 3

    within_a = [kernel(x, y) for i, x in enumerate(a) for j, y in enumerate(a) if i != j]
    within_b = [kernel(x, y) for i, x in enumerate(b) for j, y in enumerate(b) if i != j]
    across = [kernel(x, y) for x in a for y in b]
    return sum(within_a) / len(within_a) + sum(within_b) / len(within_b) - 2 * sum(across) / len(across)


def test_equals_the_definition():
    a, b = normal(7, 5), normal(9, 5, seed=1) + 0.5
    assert kernel_distance(a, b) == pytest.approx(distance_by_loops(a, b), rel=1e-10)


def test_is_unbiased_around_zero_for_one_distribution_and_grows_with_distance():
    same = [kernel_distance(normal(30, 4, seed=s), normal(30, 4, seed=1000 + s)) for s in range(100)]
    mean, error = torch.tensor(same).mean(), torch.tensor(same).std() / 10
    assert abs(mean) < 4 * error
    assert min(same) < 0
    assert kernel_distance(normal(30, 4), normal(30, 4, seed=9) + 2) > 10 * max(same)


def test_subsets_are_seeded_and_whole_sets_when_large_enough():
    a, b = normal(20, 4), normal(20, 4, seed=1)
    first = kernel_distance_subsets(a, b, subsets=3, size=8, seed=1)
    assert torch.equal(first, kernel_distance_subsets(a, b, subsets=3, size=8, seed=1))
    assert first.unique().numel() == 3
    whole = kernel_distance_subsets(a, b, subsets=2, size=100, seed=1)
    assert whole.tolist() == pytest.approx([kernel_distance(a, b)] * 2)


def test_one_picture_is_too_few():
    with pytest.raises(BadData):
        kernel_distance(normal(1, 3), normal(5, 3))
