"""Losses against their formulas."""

import math

import pytest
import torch
from torch.testing import assert_close

from aigc_cli.gan.critics.objective import (
    OBJECTIVES,
    bce_critic,
    minimax_generator,
    nonsaturating_generator,
    relativistic_critic,
    relativistic_generator,
)

REAL = torch.tensor([2.0, -1.0, 0.5])
GENERATED = torch.tensor([-1.5, 0.25, 1.0])


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def mean(values):
    values = list(values)
    return sum(values) / len(values)


def test_textbook_losses_are_their_logarithms():
    real, generated = REAL.tolist(), GENERATED.tolist()
    critic = mean(-math.log(sigmoid(x)) for x in real) + mean(-math.log(1 - sigmoid(x)) for x in generated)
    assert bce_critic(REAL, GENERATED).item() == pytest.approx(critic, rel=1e-6)
    saturating = mean(math.log(1 - sigmoid(x)) for x in generated)
    assert minimax_generator(REAL, GENERATED).item() == pytest.approx(saturating, rel=1e-6)
    nonsaturating = mean(-math.log(sigmoid(x)) for x in generated)
    assert nonsaturating_generator(REAL, GENERATED).item() == pytest.approx(nonsaturating, rel=1e-6)


def test_an_undecided_critic_loses_two_log_2():
    zero = torch.zeros(5)
    assert bce_critic(zero, zero).item() == pytest.approx(2 * math.log(2))
    assert relativistic_critic(zero, zero).item() == pytest.approx(math.log(2))


def test_relativistic_losses_are_log_sigmoids_of_differences():
    pairs = list(zip(REAL.tolist(), GENERATED.tolist(), strict=True))
    critic = mean(-math.log(sigmoid(x - g)) for x, g in pairs)
    assert relativistic_critic(REAL, GENERATED).item() == pytest.approx(critic, rel=1e-6)
    generator = mean(-math.log(sigmoid(g - x)) for x, g in pairs)
    assert relativistic_generator(REAL, GENERATED).item() == pytest.approx(generator, rel=1e-6)


def test_only_differences_count_in_relativistic_losses():
    assert_close(relativistic_critic(REAL, GENERATED), relativistic_critic(REAL + 7, GENERATED + 7))
    assert_close(relativistic_critic(REAL, GENERATED), relativistic_generator(GENERATED, REAL))


def test_extreme_logits_stay_finite():
    far = torch.tensor([1e4, -1e4])
    for objective in OBJECTIVES.values():
        assert torch.isfinite(objective.critic(far, -far)) and torch.isfinite(objective.generator(far, -far))


def test_saturation_is_what_the_two_generator_losses_differ_in():
    """Where the critic is sure (D(G(z)) near 0) minimax has next to no gradient, the other about -1."""
    sure = torch.tensor([-12.0], requires_grad=True)
    (saturated,) = torch.autograd.grad(minimax_generator(sure, sure), sure)
    (strong,) = torch.autograd.grad(nonsaturating_generator(sure, sure), sure)
    assert -1e-4 < saturated.item() < 0 and strong.item() == pytest.approx(-1, abs=1e-4)


def test_score_is_a_probability_where_the_loss_has_one():
    assert_close(OBJECTIVES["minimax"].score(REAL), 1 / (1 + torch.exp(-REAL)))
    assert_close(OBJECTIVES["rpgan"].score(REAL), REAL)


def test_least_squares_hinge_and_wasserstein_losses_are_their_formulas():
    real, generated = REAL.tolist(), GENERATED.tolist()
    expected = {
        "lsgan": (
            mean((x - 1) ** 2 for x in real) / 2 + mean(g**2 for g in generated) / 2,
            mean((g - 1) ** 2 for g in generated) / 2,
        ),
        "hinge": (
            mean(max(0, 1 - x) for x in real) + mean(max(0, 1 + g) for g in generated),
            -mean(generated),
        ),
        "wgan": (mean(generated) - mean(real), -mean(generated)),
        "wgan-gp": (mean(generated) - mean(real), -mean(generated)),
    }
    for name, (critic, generator) in expected.items():
        assert OBJECTIVES[name].critic(REAL, GENERATED).item() == pytest.approx(critic, rel=1e-6), name
        assert OBJECTIVES[name].generator(REAL, GENERATED).item() == pytest.approx(generator, rel=1e-6), name


def test_a_log_shows_probabilities_only_where_the_loss_has_them():
    for name, objective in OBJECTIVES.items():
        expected = REAL.sigmoid() if name in ("nonsaturating", "minimax") else REAL
        assert_close(objective.score(REAL), expected)
