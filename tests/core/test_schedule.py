import math

import pytest

from aigc_cli.core.schedule import SCHEDULES, learning_rate_factor


def test_closed_forms_at_named_points():
    assert learning_rate_factor("constant", 999, 1000) == 1
    assert learning_rate_factor("linear", 250, 1000) == pytest.approx(0.75)
    assert learning_rate_factor("cosine", 250, 1000) == pytest.approx((1 + math.cos(math.pi / 4)) / 2)
    assert learning_rate_factor("trapezoid", 499, 1000, cooldown_fraction=0.5) == 1
    assert learning_rate_factor("trapezoid", 750, 1000, cooldown_fraction=0.5) == pytest.approx(0.5)
    assert learning_rate_factor("trapezoid", 999, 1000, cooldown_fraction=0.5) == pytest.approx(1 / 500)


@pytest.mark.parametrize("kind", SCHEDULES)
def test_warm_up_rises_and_an_unknown_end_is_the_peak(kind):
    rising = [learning_rate_factor(kind, step, 1000, warmup_steps=10) for step in range(10)]
    assert rising == sorted(rising)
    assert 0 < rising[0] < 1
    assert learning_rate_factor(kind, 500, None, warmup_steps=10) == 1


@pytest.mark.parametrize("kind", SCHEDULES)
def test_factor_stays_in_zero_to_one(kind):
    factors = [learning_rate_factor(kind, step, 50, warmup_steps=5, cooldown_fraction=0.3) for step in range(60)]
    assert all(0 <= factor <= 1 for factor in factors)
