"""Training with convolutions in bfloat16: nearly the same numbers, and weights, moments and logits in float32."""

import math

import pytest
import torch

from aigc_cli.gan.architectures.layers import EqualLinear, StyledConv, convolve
from tests.gan.test_trainer import KINDS, made

NAMES = ("loss_d", "loss_g", "loss_projected", "r1", "gradient_penalty")


def numbers(metrics):
    return {name: float(torch.as_tensor(value).detach()) for name, value in metrics.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_training_in_bfloat16_is_nearly_training_in_float32(image_set, kind):
    whole, half = (made(image_set, **KINDS[kind], precision=precision) for precision in ("fp32", "bf16"))
    steps = [[numbers(trainer.update(step, 8)) for trainer in (whole, half)] for step in range(4)]
    first, other = steps[0]
    compared = [name for name in NAMES if name in first]
    for name in compared:
        assert other[name] == pytest.approx(first[name], rel=0.05, abs=0.02), name
    if KINDS[kind].get("arch") != "mlp":  # which has hardly a convolution
        assert any(first[name] != other[name] for name in compared)
    assert all(math.isfinite(value) for _, metrics in steps for value in metrics.values())
    types = {name: tensor.dtype for name, tensor in whole.state()[0].items()}
    assert {name: tensor.dtype for name, tensor in half.state()[0].items()} == types


def test_under_autocast_convolutions_are_cast_and_linear_layers_are_not():
    x, weight = torch.randn(2, 4, 8, 8, requires_grad=True), torch.randn(4, 4, 3, 3)
    linear, row = EqualLinear(4, 4), torch.randn(2, 4)
    exact = linear(row)
    with torch.autocast("cpu", torch.bfloat16):
        made, kept = convolve(x, weight, padding=1), linear(row)
    assert made.dtype == torch.bfloat16
    assert torch.equal(kept, exact)
    (gradient,) = torch.autograd.grad(made.float().square().sum(), x, create_graph=True)
    assert gradient.dtype == torch.float32
    (second,) = torch.autograd.grad(gradient.square().sum(), x)
    assert bool(second.abs().sum() > 0)


def test_under_autocast_demodulation_is_exact():
    layer = StyledConv(1, 1, 4, 1)
    layer.gain = 1.0  # then the weight and the product are numbers that bfloat16 has, and the norm, 2 / 3, is not
    with torch.no_grad():
        layer.weight.fill_(1.0)
        layer.style.weight.zero_()
        layer.style.bias.fill_(1.5)
        with torch.autocast("cpu", torch.bfloat16):
            made = layer(torch.ones(1, 1, 2, 2), torch.zeros(1, 4))
    assert made.flatten().tolist() == pytest.approx([1.0] * 4, abs=1e-5)
