import pytest
import torch
from torch.testing import assert_close

from aigc_cli.core.errors import BadData
from aigc_cli.measure.frechet import frechet_distance, frechet_from_root, gaussian, spread, spread_within, square_root


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def distance_by_definition(a, b):
    """The textbook formula with general eigenvalues of the product of the covariances."""
    product = torch.cov(a.T) @ torch.cov(b.T)
    roots = torch.linalg.eigvals(product).real.clamp(min=0).sqrt().sum()
    traces = torch.cov(a.T).trace() + torch.cov(b.T).trace()
    return float((a.mean(0) - b.mean(0)).square().sum() + traces - 2 * roots)


def with_moments(samples, mean, deviation):
    """Make the sample mean and (diagonal) covariance exact."""
    centred = samples - samples.mean(0)
    whitened = centred @ torch.linalg.inv(square_root(torch.cov(centred.T)))
    return whitened * torch.as_tensor(deviation, dtype=torch.float64) + torch.as_tensor(mean, dtype=torch.float64)


def test_closed_form_of_commuting_gaussians():
    a = gaussian(with_moments(normal(50, 3), [0.0, 1.0, 2.0], [1.0, 2.0, 3.0]))
    b = gaussian(with_moments(normal(60, 3, seed=1), [1.0, 1.0, 0.0], [2.0, 2.0, 0.5]))
    # |mean difference|^2 + sum of (difference of deviations)^2
    assert frechet_distance(a, b) == pytest.approx((1 + 4) + (1 + 0 + 6.25), rel=1e-9)
    assert spread(a, b) == pytest.approx((1 + 4 + 9) / (4 + 4 + 0.25))


@pytest.mark.parametrize(("rows", "other_rows"), [(200, 150), (200, 12), (12, 200), (9, 11)])
def test_both_routes_equal_the_definition(rows, other_rows):
    mixing = normal(20, 20, seed=5)
    a, b = normal(rows, 20) @ mixing, normal(other_rows, 20, seed=1) @ mixing.T + 0.3
    expected = distance_by_definition(a, b)
    assert frechet_distance(gaussian(a), gaussian(b)) == pytest.approx(expected, rel=1e-5)
    assert frechet_distance(gaussian(b), gaussian(a)) == pytest.approx(expected, rel=1e-5)
    root = square_root(gaussian(a).covariance())
    assert frechet_from_root(root, gaussian(a), gaussian(b)) == pytest.approx(expected, rel=1e-5)


def test_a_set_is_at_distance_zero_from_itself_and_never_below():
    a = gaussian(normal(100, 8).float())
    assert 0 <= frechet_distance(a, a) < 1e-6


def test_translation_adds_its_squared_length():
    a = normal(40, 5)
    shift = torch.tensor([3.0, 0.0, 4.0, 0.0, 0.0], dtype=torch.float64)
    assert frechet_distance(gaussian(a), gaussian(a + shift)) == pytest.approx(25.0, rel=1e-6)


def test_square_root_squares_back_even_when_singular():
    factor = normal(3, 6)
    covariance = factor.T @ factor
    root = square_root(covariance)
    assert_close(root @ root, covariance)
    assert_close(root, root.T)


def test_collapsed_sets_show_in_the_spread():
    real = gaussian(normal(100, 4))
    assert spread(gaussian(torch.ones(10, 4)), real) == 0
    assert spread(gaussian(0.5 * normal(100, 4)), real) == pytest.approx(0.25)
    with pytest.raises(BadData):
        spread(real, gaussian(torch.ones(10, 4)))


def test_one_picture_has_no_covariance():
    with pytest.raises(BadData, match="at least 2"):
        gaussian(torch.ones(1, 4))


def test_spread_within_labels_is_blind_to_how_far_apart_they_are():
    real, labels = normal(60, 4), torch.arange(60) % 3
    moved = real + 10 * labels[:, None]
    assert spread_within(moved, labels, real, labels) == pytest.approx(1)
    assert spread_within(moved / 2, labels, real, labels) == pytest.approx(0.25)
    assert spread_within(moved, labels, real, torch.arange(60)) is None  # no label has two real pictures
    few = torch.tensor([0, 1, 2, 2])  # labels 0 and 1 have one generated picture, which has no variance
    of_two = spread_within(real[:4], few, real, labels)
    assert of_two == pytest.approx(float(real[2:4].var(0).sum() / real[labels == 2].var(0).sum()))
