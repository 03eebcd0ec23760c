"""The fast convolution against torch's own, to second order; modulation against the paper's equations."""

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from aigc_cli.gan.architectures.layers import (
    EqualConv,
    EqualLinear,
    StyledConv,
    convolve,
    image_gradients_only,
    spread_taps,
)

KINDS = {
    "same": {"stride": 1, "padding": 1, "transposed": False},
    "down": {"stride": 2, "padding": 1, "transposed": False},
    "up": {"stride": 2, "padding": 1, "transposed": True},
}


def drawn(*shape, dtype=torch.float32, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def stock(x, weight, bias, *, stride, padding, transposed):
    function = F.conv_transpose2d if transposed else F.conv2d
    return function(x, weight, bias, stride=stride, padding=padding)


def kernel(kind):
    return 3 if kind == "same" else 4


@pytest.mark.parametrize("kind", KINDS)
def test_first_and_second_derivatives_are_right(kind):
    x = drawn(2, 2, 4, 4, dtype=torch.float64).requires_grad_()
    shape = (2, 3) if kind == "up" else (3, 2)
    weight = drawn(*shape, kernel(kind), kernel(kind), dtype=torch.float64, seed=1).requires_grad_()
    bias = drawn(3, dtype=torch.float64, seed=2).requires_grad_()

    def function(x, weight, bias):
        return convolve(x, weight, bias, **KINDS[kind])

    assert torch.autograd.gradcheck(function, (x, weight, bias), fast_mode=True)
    assert torch.autograd.gradgradcheck(function, (x, weight, bias), fast_mode=True)


def second_order(function, x, weight, bias, grad, kind):
    y = function(x, weight, bias, **KINDS[kind])
    slope, of_bias = torch.autograd.grad((y * grad).sum(), (x, bias), create_graph=True)
    penalty = slope.square().sum()
    return y, slope, of_bias, *torch.autograd.grad(penalty, (weight, grad))


@pytest.mark.parametrize("kind", KINDS)
def test_equals_the_stock_convolution(kind):
    x = drawn(8, 16, 16, 16).contiguous(memory_format=torch.channels_last).requires_grad_()
    shape = (16, 12) if kind == "up" else (12, 16)
    weight = drawn(*shape, kernel(kind), kernel(kind), seed=1).requires_grad_()
    bias = drawn(12, seed=3).requires_grad_()
    grad = drawn(*stock(x, weight, bias, **KINDS[kind]).shape, seed=2).requires_grad_()
    ours, theirs = (second_order(function, x, weight, bias, grad, kind) for function in (convolve, stock))
    for mine, reference in zip(ours, theirs, strict=True):
        assert (mine - reference).abs().max() <= 2e-6 * reference.abs().max()


def test_image_gradients_only_leaves_out_other_gradients_inside_alone():
    x, weight = drawn(1, 2, 4, 4).requires_grad_(), drawn(2, 2, 3, 3, seed=1).requires_grad_()
    bias = drawn(2, seed=2).requires_grad_()
    with image_gradients_only():
        y = convolve(x, weight, bias, padding=1).sum()
        y.backward()
    assert weight.grad is None and bias.grad is None and x.grad is not None
    convolve(x, weight, bias, padding=1).sum().backward()
    assert weight.grad is not None and bias.grad is not None


def test_spread_taps_are_each_the_sum_of_the_taps_whose_square_they_lie_on():
    weight = drawn(2, 3, 3, 3)
    padded = F.pad(weight, (1, 1, 1, 1))
    summed = sum(padded[..., i : i + 4, j : j + 4] for i in (0, 1) for j in (0, 1))
    assert_close(spread_taps(weight, 0.5), 0.5 * summed)
    with torch.autocast("cpu", torch.bfloat16):
        assert_close(spread_taps(weight), summed)


def test_equalised_layers_keep_the_variance():
    torch.manual_seed(0)
    x = drawn(4096, 64)
    assert EqualLinear(64, 64)(x).var().item() == pytest.approx(1, abs=0.1)
    assert EqualLinear(64, 64, lr_factor=0.1)(x).var().item() == pytest.approx(1, abs=0.1)
    images = drawn(16, 32, 16, 16)
    assert EqualConv(32, 32, 3)(images)[:, :, 1:-1, 1:-1].var().item() == pytest.approx(2, abs=0.2)


def test_learning_rate_factor_scales_what_a_step_of_the_weight_does():
    torch.manual_seed(0)
    slow, plain = EqualLinear(8, 8, lr_factor=0.1), EqualLinear(8, 8)
    x = drawn(3, 8)
    before = [layer(x) for layer in (slow, plain)]
    with torch.no_grad():
        for layer in (slow, plain):
            layer.weight += 0.01  # what Adam does: a step whose size does not depend on the gradient's
    moved_slow, moved_plain = ((layer(x) - y).abs().max() for layer, y in zip((slow, plain), before, strict=True))
    assert (moved_slow / moved_plain).item() == pytest.approx(0.1, rel=1e-3)


def modulated(layer, x, w, *, up):
    """Equations 1 and 3 of Karras et al. 2020, picture by picture, weights built in full."""
    out = []
    for picture, style in zip(x, layer.style(w), strict=True):
        taps = spread_taps(layer.weight) if up else layer.weight
        weight = taps * (style[:, None, None, None] if up else style[None, :, None, None])
        energy = (
            weight.square().sum((0, 2, 3), keepdim=True) / 4 if up else weight.square().sum((1, 2, 3), keepdim=True)
        )
        weight = 2**0.5 * weight / energy.sqrt()
        function = F.conv_transpose2d if up else F.conv2d
        out.append(function(picture[None], weight, layer.bias, stride=2 if up else 1, padding=1))
    return torch.cat(out)


def test_spread_taps_double_the_pixels_before_or_sum_them_after():
    x, weight = drawn(2, 3, 6, 6), drawn(4, 3, 3, 3, seed=1)
    doubled = F.conv2d(F.interpolate(x, scale_factor=2), weight, padding=1)
    transposed = spread_taps(weight).transpose(0, 1).flip(2, 3)
    assert_close(convolve(x, transposed, stride=2, padding=1, transposed=True), doubled, rtol=1e-5, atol=1e-5)
    layer = EqualConv(3, 4, 3, down=True)
    halved = 4 * F.avg_pool2d(F.conv2d(x, layer.weight * layer.scale, padding=1), 2)
    assert_close(layer(x), halved, rtol=1e-5, atol=1e-5)


def test_up_sampling_keeps_flat_ground_flat():
    torch.manual_seed(1)
    made = StyledConv(8, 6, 5, 3, up=True)(drawn(2, 8, 1, 1).expand(-1, -1, 6, 6), drawn(2, 5, seed=1))
    inner = made[:, :, 2:-2, 2:-2]
    assert_close(inner, inner[:, :, :1, :1].expand_as(inner), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("up", [False, True])
def test_styled_convolution_is_modulation_and_demodulation(up):
    torch.manual_seed(1)
    layer = StyledConv(8, 6, 5, 3, up=up)
    x, w = drawn(3, 8, 4, 4), drawn(3, 5, seed=1)
    assert_close(layer(x, w), modulated(layer, x, w, up=up), rtol=1e-4, atol=1e-4)


def test_demodulation_makes_the_output_independent_of_the_style_s_size():
    torch.manual_seed(1)
    layer = StyledConv(64, 64, 5, 3)
    with torch.no_grad():
        layer.style.weight.zero_()
    x = drawn(4, 64, 8, 8)
    small = layer(x, torch.zeros(4, 5))
    with torch.no_grad():
        layer.style.bias.fill_(50.0)
        large = layer(x, torch.zeros(4, 5))
    assert_close(small, large, rtol=1e-3, atol=1e-3)
    assert small[:, :, 1:-1, 1:-1].var().item() == pytest.approx(2, abs=0.3)
