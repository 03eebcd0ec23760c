"""Gradient descent on a quadratic bowl: which rates learn and which diverge is known exactly."""

from itertools import pairwise

import pytest
import torch

from aigc_cli.training.range_test import HIGHEST, LOWEST, Trial, suggestions, sweep
from aigc_cli.training.schedule import Schedule


class Bowl:
    """Loss x^2 / 2 by gradient descent: a rate below 2 shrinks x, one above 2 makes it grow."""

    schedule = Schedule(kind="constant")
    counted = "steps"

    def __init__(self, peak=1.0):
        self.lr_scale, self.peak = 1.0, peak
        self.x = torch.tensor(100.0)

    def update(self, step, total_steps):
        loss, rate = 0.5 * self.x**2, self.peak * self.lr_scale
        self.x = self.x - rate * self.x
        return {"loss": loss, "learning_rate": rate, "matrix_learning_rate": 10 * rate, "tokens": 1.0}


def test_the_rates_grow_by_the_same_factor_each_step():
    trials = list(sweep(Bowl(), points=100))
    factors = [trial.factor for trial in trials]
    ratios = [b / a for a, b in pairwise(factors)]
    assert factors[0] == LOWEST
    assert ratios == pytest.approx([(HIGHEST / LOWEST) ** (1 / 99)] * len(ratios))
    assert trials[0].rates == {"learning_rate": LOWEST, "matrix_learning_rate": 10 * LOWEST}


def test_it_ends_where_the_loss_explodes_and_suggests_rates_that_learn():
    trials = list(sweep(Bowl(), points=100))
    assert trials[-1].factor > 2.0
    assert len(trials) < 100 or trials[-1].factor == HIGHEST
    found = suggestions(trials)
    assert set(found) == {"steepest", "lowest / 10"}
    for trial in found.values():
        assert 0.01 < trial.factor < 2.0


def test_the_suggestions_are_the_steepest_fall_and_a_tenth_of_the_bottom():
    losses = [4, 4, 3.8, 2.0, 1.5, 1.4, 1.3, 5]
    trials = [Trial(10.0 ** (place / 2), {}, loss, loss) for place, loss in enumerate(losses)]
    found = suggestions(trials)
    assert found["steepest"] is trials[3]  # (3.8 - 1.5) around it; (4 - 2.0) around the one before
    assert found["lowest / 10"] is trials[4]


def test_where_nothing_falls_nothing_is_suggested():
    assert suggestions([Trial(1.0, {}, loss, loss) for loss in (1.0, 2.0, 3.0)]) == {}
    assert suggestions([]) == {}


def test_a_loss_that_is_not_finite_ends_the_sweep():
    assert all(torch.isfinite(torch.tensor(trial.loss)) for trial in sweep(Bowl(peak=1e30), points=100))
