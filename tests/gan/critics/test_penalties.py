"""Penalties against closed forms: critics whose slope is known everywhere."""

import pytest
import torch
from torch.testing import assert_close

from aigc_cli.config.train_gan import TrainGanSettings
from aigc_cli.core.seeding import stream
from aigc_cli.gan.architectures.layers import EqualConv
from aigc_cli.gan.critics.penalties import (
    UnitSlope,
    ZeroCentred,
    gradient_penalty,
    interpolated,
    unit_gradient_penalty,
)
from aigc_cli.gan.shares import Draws


def test_penalty_of_linear_critic_is_squared_weight_norm():
    weight = torch.arange(12.0).reshape(3, 2, 2)
    images = torch.zeros(4, 3, 2, 2, requires_grad=True)
    penalty = gradient_penalty(images, (images * weight).sum((1, 2, 3)))
    assert_close(penalty, weight.square().sum().expand(4))


def test_penalty_of_quadratic_critic_and_its_gradient():
    """D(x) = a |x|^2 / 2 has gradient a x, so the penalty is a^2 |x|^2 and its derivative by a is 2 a |x|^2."""
    factor = torch.tensor(3.0, requires_grad=True)
    images = torch.randn(2, 1, 4, 4, generator=torch.Generator().manual_seed(0)).requires_grad_()
    penalty = gradient_penalty(images, factor * images.square().sum((1, 2, 3)) / 2)
    energy = images.detach().square().sum((1, 2, 3))
    assert_close(penalty.detach(), 9 * energy)
    (slope,) = torch.autograd.grad(penalty.sum(), factor)
    assert_close(slope, 6 * energy.sum())


def test_penalty_trains_the_weights_of_our_convolution():
    """Weight gradients are skipped in the inner gradient, and only there."""
    torch.manual_seed(0)
    layer = EqualConv(1, 1, 3)
    images = torch.zeros(2, 1, 8, 8, requires_grad=True)
    penalty = gradient_penalty(images, layer(images).sum((1, 2, 3)))
    (slope,) = torch.autograd.grad(penalty.sum(), layer.weight)
    # Inside, every pixel's gradient is scale * sum(w): 36 such pixels a picture; the border sees parts of w.
    ones = torch.ones(1, 1, 8, 8)
    inner = torch.nn.functional.conv_transpose2d(ones, layer.weight * layer.scale, padding=1)
    (expected,) = torch.autograd.grad(2 * inner.square().sum(), layer.weight)
    assert_close(slope, expected)


def test_unit_penalty_is_nothing_for_a_critic_of_slope_one_and_its_square_for_others():
    weight = torch.randn(3, 4, 4, dtype=torch.float64)
    weight /= weight.norm()
    for slope in (1.0, 3.0, 0.25):
        images = torch.randn(5, 3, 4, 4, dtype=torch.float64, requires_grad=True)
        penalty = unit_gradient_penalty(images, slope * (images * weight).sum((1, 2, 3)))
        assert_close(penalty, torch.full((5,), (slope - 1) ** 2, dtype=torch.float64))


def test_interpolated_points_lie_on_the_line_of_their_pair():
    real, generated = torch.randn(3, 1, 2, 2), torch.randn(3, 1, 2, 2)
    between = interpolated(real, generated, torch.tensor([0.0, 1.0, 0.25]))
    assert_close(between, torch.stack([generated[0], real[1], 0.25 * real[2] + 0.75 * generated[2]]))


def of_pairs(side, slope=5.0):
    """Return four pictures as real and generated ones, their logits, and a critic of one slope everywhere."""
    weight = torch.randn(1, side, side, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    weight *= slope / weight.norm()

    def judge(pictures):
        return (pictures * weight).sum((1, 2, 3))

    both = torch.randn(4, 1, side, side, dtype=torch.float64, requires_grad=True)
    return both, judge(both), judge


@pytest.mark.parametrize(("side", "area"), [(32, 1.0), (16, 0.25)])
def test_the_zero_centred_penalty_is_heavier_the_larger_the_pictures_and_the_longer_it_waits(side, area):
    penalty = ZeroCentred.of(TrainGanSettings(gamma=3.0, penalty_every=4))
    added, logged = penalty(*of_pairs(side), Draws(stream(0, "shares")))
    assert_close([logged["r1"].item(), logged["r2"].item()], [25.0, 25.0])
    assert added.item() == pytest.approx(4 * 3.0 * area / 2 * (25 + 25))
    assert ZeroCentred.of(TrainGanSettings(gamma=0.0)) is None


def test_the_unit_slope_penalty_is_taken_of_points_between_the_halves_and_heavier_the_longer_it_waits():
    penalty = UnitSlope.of(TrainGanSettings(gp_weight=10.0, penalty_every=2))
    both, logits, judge = of_pairs(8)
    seen = []
    added, logged = penalty(both, logits, lambda x: (seen.append(x.detach()), judge(x))[1], Draws(stream(0, "shares")))
    assert logged["gradient_penalty"].item() == pytest.approx((5 - 1) ** 2)
    assert added.item() == pytest.approx(2 * 10 * (5 - 1) ** 2)
    shares = torch.rand(2, generator=stream(0, "shares"))
    assert_close(seen[0], interpolated(*both.detach().chunk(2), shares))
