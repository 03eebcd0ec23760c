"""Every hand-written gradient against autograd through the formula it stands for, in float64."""

import pytest
import torch
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from aigc_cli.gpt import functions
from aigc_cli.gpt.functions import (
    _written_out,
    causal_attention,
    frozen_linear_with_lora,
    rms_norm,
    rotate,
    swiglu,
    target_loss,
)


def normal(*shape, seed=0, grad=True):
    generator = torch.Generator().manual_seed(seed + sum(shape))
    return torch.randn(*shape, generator=generator, dtype=torch.float64).requires_grad_(grad)


def assert_same_value_and_gradients(ours, formula, inputs):
    a, b = ours(*inputs), formula(*inputs)
    torch.testing.assert_close(a, b)
    weight = torch.linspace(-1, 2, a.numel(), dtype=a.dtype).view(a.shape)
    wanted = [x for x in inputs if x.requires_grad]
    for got, expected in zip(
        torch.autograd.grad((a * weight).sum(), wanted), torch.autograd.grad((b * weight).sum(), wanted), strict=True
    ):
        torch.testing.assert_close(got, expected)


@pytest.mark.parametrize("shape", [(3, 8), (2, 4, 3, 6)])
def test_rms_norm_is_x_over_root_mean_square(shape):
    gain = normal(*shape[-2:]) if len(shape) == 4 else normal(shape[-1])
    assert_same_value_and_gradients(
        lambda x, g: rms_norm(x, g, 1e-3, torch.float64),
        lambda x, g: x / torch.sqrt((x * x).mean(-1, keepdim=True) + 1e-3) * g,
        [normal(*shape), gain],
    )


def test_rotation_is_a_complex_product():
    angles = normal(5, 1, 3, grad=False)

    def as_complex_numbers(x):
        first, second = x.chunk(2, -1)
        turned = torch.complex(first, second) * torch.polar(torch.ones_like(angles), angles)
        return torch.cat([turned.real, turned.imag], -1).transpose(1, 2)

    assert_same_value_and_gradients(
        lambda x: rotate(x, angles.cos(), angles.sin()), as_complex_numbers, [normal(2, 5, 4, 6)]
    )


def test_swiglu_is_silu_of_gate_times_up():
    assert_same_value_and_gradients(
        swiglu, lambda x: x[..., :4] * torch.sigmoid(x[..., :4]) * x[..., 4:], [normal(3, 2, 8)]
    )


def formula_attention(q, k, v):
    repeat = q.shape[1] // k.shape[1]
    k, v = k.repeat_interleave(repeat, 1), v.repeat_interleave(repeat, 1)
    scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
    future = torch.ones(q.shape[2], q.shape[2], dtype=torch.bool).triu(1)
    return scores.masked_fill(future, float("-inf")).softmax(-1) @ v


@pytest.mark.parametrize("path", [causal_attention, _written_out])
@pytest.mark.parametrize(("heads", "kv_heads"), [(4, 4), (6, 2), (3, 1)])
def test_attention_is_softmax_of_scaled_products(path, heads, kv_heads):
    inputs = [normal(2, heads, 5, 4), normal(2, kv_heads, 5, 4, seed=1), normal(2, kv_heads, 5, 4, seed=2)]
    assert_same_value_and_gradients(path, formula_attention, inputs)


def test_attention_without_the_mask_differs():
    q, k, v = normal(1, 2, 5, 4), normal(1, 2, 5, 4, seed=1), normal(1, 2, 5, 4, seed=2)
    unmasked = (q @ k.transpose(-1, -2) / 2).softmax(-1) @ v
    assert not torch.allclose(causal_attention(q, k, v), unmasked)


def test_lora_is_the_merged_matrix():
    weight = normal(5, 4, grad=False)
    assert_same_value_and_gradients(
        lambda x, a, b: frozen_linear_with_lora(x, weight, a, b, 0.7),
        lambda x, a, b: x @ (weight + 0.7 * b @ a).T,
        [normal(3, 4), normal(2, 4), normal(5, 2)],
    )


def test_lora_gradients_keep_their_type_when_frozen_weights_are_bfloat16():
    a, b = torch.randn(2, 4, requires_grad=True), torch.randn(5, 2, requires_grad=True)
    x = torch.randn(3, 4, dtype=torch.bfloat16)
    frozen_linear_with_lora(x, torch.randn(5, 4, dtype=torch.bfloat16), a, b, 0.5).float().sum().backward()
    assert a.grad.dtype == b.grad.dtype == torch.float32


@pytest.mark.parametrize("chunk", [2, 100])
def test_target_loss_is_summed_cross_entropy_whatever_the_chunk(monkeypatch, chunk):
    monkeypatch.setattr(functions, "LOSS_CHUNK", chunk)
    targets = torch.tensor([0, 6, 2, 2, 5])
    assert_same_value_and_gradients(
        lambda h, w: target_loss(h, w, targets),
        lambda h, w: F.cross_entropy(h @ w.T, targets, reduction="sum"),
        [normal(5, 4), normal(7, 4)],
    )


def test_target_loss_computes_no_gradients_where_none_are_wanted():
    hidden, head, targets = normal(5, 4), normal(7, 4), torch.tensor([1, 2, 3, 4, 5])
    wanted = target_loss(hidden, head, targets)
    with torch.no_grad(), Noting() as noting:
        loss = target_loss(hidden, head, targets)
    assert loss == wanted
    assert noting.products == 1


class Noting(TorchDispatchMode):
    """Counts matrix products."""

    def __init__(self):
        super().__init__()
        self.products = 0

    def __torch_dispatch__(self, function, types, arguments=(), named=None):
        self.products += "mm" in str(function)
        return function(*arguments, **(named or {}))


def test_target_loss_with_a_frozen_head_gives_the_same_hidden_gradient():
    hidden, head, targets = normal(5, 4), normal(7, 4), torch.tensor([1, 2, 3, 4, 5])
    whole = torch.autograd.grad(target_loss(hidden, head, targets), hidden)[0]
    frozen = torch.autograd.grad(target_loss(hidden, head.detach(), targets), hidden)[0]
    torch.testing.assert_close(whole, frozen)


@pytest.mark.parametrize("path", [causal_attention, _written_out])
def test_attention_over_padding_is_that_without_it(path):
    """Rows are padded on the right, so no real place sees padding; its gradient is that of the row on its own."""
    lengths, heads = (6, 4, 1), [normal(3, 4, 6, 4), normal(3, 2, 6, 4, seed=1), normal(3, 2, 6, 4, seed=2)]
    weight = normal(3, 4, 6, 4, seed=3, grad=False)
    for row, length in enumerate(lengths):
        weight[row, :, length:] = 0
    padded = torch.autograd.grad((path(*heads) * weight).sum(), heads)
    for row, length in enumerate(lengths):
        alone = [tensor[row : row + 1, :, :length].detach().requires_grad_() for tensor in heads]
        gradients = torch.autograd.grad((formula_attention(*alone) * weight[row : row + 1, :, :length]).sum(), alone)
        for whole, own in zip(padded, gradients, strict=True):
            torch.testing.assert_close(whole[row, :, :length], own[0])
            assert not whole[row, :, length:].any()


def test_the_gradient_of_cross_entropy_is_softmax_less_one_hot():
    logits, targets = normal(5, 7), torch.tensor([0, 6, 2, 2, 5])
    gradient = torch.autograd.grad(target_loss(logits, torch.eye(7, dtype=torch.float64), targets), logits)[0]
    probabilities = logits.detach().exp() / logits.detach().exp().sum(1, keepdim=True)
    probabilities[torch.arange(5), targets] -= 1
    torch.testing.assert_close(gradient, probabilities)
