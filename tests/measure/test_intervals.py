import pytest
import torch

from aigc_cli.measure.intervals import bootstrap_values, normal_interval, wilson_interval


def test_wilson_of_58_and_61_in_100():
    assert wilson_interval(58, 100) == pytest.approx((0.482, 0.672), abs=5e-4)
    low, high = wilson_interval(61, 100)
    for bound in (low, high):  # the bounds are where the score statistic is exactly z
        assert abs(0.61 - bound) / (bound * (1 - bound) / 100) ** 0.5 == pytest.approx(1.959964, abs=1e-5)


def test_wilson_at_the_ends():
    assert wilson_interval(0, 10)[0] == 0
    assert wilson_interval(0, 10)[1] == pytest.approx(1.959964**2 / (10 + 1.959964**2))
    assert wilson_interval(10, 10)[1] == pytest.approx(1)
    assert wilson_interval(0, 0) == (0, 1)


def test_bootstrap_of_a_mean_has_its_standard_error():
    values = torch.randn(400, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    resampled = bootstrap_values(lambda rows: float(values[rows].mean()), 400, 300, seed=0)
    assert float(resampled.std()) == pytest.approx(float(values.std()) / 20, rel=0.15)
    assert torch.equal(resampled[:5], bootstrap_values(lambda rows: float(values[rows].mean()), 400, 5, seed=0))


def test_normal_interval_is_centred_on_the_value():
    low, high = normal_interval(3.0, torch.tensor([10.0, 12.0, 14.0]))
    assert (low + high) / 2 == pytest.approx(3)
    assert high - low == pytest.approx(2 * 1.959964 * 2)
