import math

import pytest
import torch

from aigc_cli.core.errors import BadConfig
from aigc_cli.gpt.functions import target_loss
from aigc_cli.gpt.model import GptModel, KeyValueCache, Window, rotary_frequencies
from tests.gpt.models import KINDS, LLAMA3, config, harsh_model

TOKENS = torch.tensor([[5, 9, 2, 7, 7, 1, 30], [3, 1, 4, 1, 5, 9, 2]])


@pytest.mark.parametrize("kind", KINDS)
def test_reading_through_the_cache_in_any_pieces_gives_the_same_states(kind):
    model = harsh_model(kind)
    whole = model(TOKENS)
    for pieces in ([7], [3, 4], [1] * 7, [5, 1, 1]):
        cache, start, found = KeyValueCache(model, 2, 7), 0, []
        for size in pieces:
            positions = torch.arange(start, start + size)
            mask = torch.arange(start + size) <= positions[:, None] if start and size > 1 else None
            window = Window(cache, start, start + size, mask)
            found.append(model(TOKENS[:, start : start + size], window, positions))
            start += size
        torch.testing.assert_close(torch.cat(found, 1), whole, atol=2e-4, rtol=1e-4)


def test_later_tokens_do_not_change_earlier_states():
    model, changed = harsh_model(), TOKENS.clone()
    changed[:, 5:] = 8
    torch.testing.assert_close(model(changed)[:, :5], model(TOKENS)[:, :5], atol=1e-5, rtol=1e-5)
    assert not torch.allclose(model(changed)[:, 5:], model(TOKENS)[:, 5:])


@torch.no_grad()
@pytest.mark.parametrize("kind", KINDS)
def test_attention_is_each_head_by_itself_then_side_by_side_and_projected(kind):
    """Vaswani et al. 2017, sec. 3.2.2, in float64: each head with its own three matrices, turned as complex numbers."""
    shape = config(kind)
    attention, wide = harsh_model(kind).double().blocks[0].attention, shape.head_dim
    x = torch.randn(2, 5, shape.width, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    angles = torch.randn(5, wide // 2, generator=torch.Generator().manual_seed(2), dtype=torch.float64)

    def projected(row, gain=None):
        """Return x by the matrix of a head's row of `qkv`, normalised and turned if it has a gain to be."""
        rows = slice(row * wide, (row + 1) * wide)
        bias = 0 if attention.qkv.bias is None else attention.qkv.bias[rows]
        y = x @ attention.qkv.weight[rows].T + bias
        if gain is None:
            return y
        y = y / (y.square().mean(-1, keepdim=True) + shape.norm_eps).sqrt() * gain if shape.qk_norm else y
        turned = torch.complex(*y.chunk(2, -1)) * torch.polar(torch.ones_like(angles), angles)
        return torch.cat([turned.real, turned.imag], -1)

    heads = []
    for head in range(shape.heads):
        shared = head // (shape.heads // shape.kv_heads)
        q = projected(head, attention.q_norm if shape.qk_norm else 1.0)
        k = projected(shape.heads + shared, attention.k_norm if shape.qk_norm else 1.0)
        v = projected(shape.heads + shape.kv_heads + shared)
        scores = (q @ k.transpose(1, 2) / wide**0.5).masked_fill(torch.ones(5, 5).triu(1).bool(), -torch.inf)
        heads.append(scores.softmax(-1) @ v)
    found = attention(x, angles.cos()[:, None], angles.sin()[:, None], 0, None)
    torch.testing.assert_close(found, torch.cat(heads, -1) @ attention.out.weight.T)


def test_scores_depend_on_distance_not_on_place():
    model = harsh_model("llama")
    shifted = model(TOKENS, None, torch.arange(7) + 50)
    torch.testing.assert_close(shifted, model(TOKENS), atol=2e-3, rtol=1e-3)
    assert not torch.allclose(model(TOKENS, None, torch.arange(7) * 2), model(TOKENS), atol=1e-2)


def test_rotary_speeds_are_powers_of_theta():
    speeds = rotary_frequencies(config("llama", head_dim=8, rope_theta=10000.0))
    assert speeds.tolist() == pytest.approx([1.0, 0.1, 0.01, 0.001])


def test_llama3_scaling_keeps_fast_rotations_and_slows_slow_ones():
    plain = rotary_frequencies(config("llama", head_dim=16, rope_theta=500.0))
    scaled = rotary_frequencies(config("llama3"))
    wavelengths = 2 * math.pi / plain
    fast, slow = wavelengths < LLAMA3.original_context / 4, wavelengths > LLAMA3.original_context
    assert fast.any() and slow.any()
    torch.testing.assert_close(scaled[fast], plain[fast])
    torch.testing.assert_close(scaled[slow], plain[slow] / 8)


def test_fresh_model_predicts_nearly_evenly_and_each_block_is_the_identity():
    model = GptModel(config("qwen3", tied=False))
    model.initialise(torch.Generator().manual_seed(0))
    with torch.no_grad():
        embedded = model.embedded(TOKENS)
        torch.testing.assert_close(model.run_blocks(embedded, 0, None), embedded)
        nats = -model.logits(model(TOKENS)).log_softmax(-1).mean()
    assert abs(float(nats) - math.log(310)) < 0.05


def test_initialisation_depends_on_the_generator_alone():
    first, second, other = (GptModel(config()) for _ in range(3))
    for model, seed in ((first, 1), (second, 1), (other, 2)):
        model.initialise(torch.Generator().manual_seed(seed))
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    assert not torch.equal(first.embed, other.embed)


@pytest.mark.parametrize("changes", [{"heads": 4, "kv_heads": 3}, {"head_dim": 7}])
def test_impossible_shapes_are_refused(changes):
    with pytest.raises(BadConfig):
        config("llama", **changes)


def test_sampling_before_training_leaves_the_gradients_possible():
    model = harsh_model().requires_grad_(True)
    with torch.inference_mode():
        model(TOKENS)
    model.logits(model(TOKENS)).sum().backward()
    assert float(model.blocks[0].attention.qkv.weight.grad.abs().sum()) > 0


@pytest.mark.parametrize("kind", KINDS)
def test_backpropagation_is_the_slope_of_the_loss(kind):
    """Central differences in float64, along a random direction of each weight, with padding and a masked loss."""
    model = harsh_model(kind, std=0.3).double().requires_grad_(True)
    generator = torch.Generator().manual_seed(5)
    tokens = torch.randint(0, 310, (2, 9), generator=generator)
    predicts = torch.ones(2, 8, dtype=torch.bool)
    predicts[0, :3] = predicts[1, 5:] = False

    def loss():
        hidden = model.finish(model.run_blocks(model.embedded(tokens[:, :-1]), 0, None)[predicts])
        return target_loss(hidden, model.embed if model.head is None else model.head, tokens[:, 1:][predicts])

    parameters = dict(model.named_parameters())
    gradients = dict(zip(parameters, torch.autograd.grad(loss(), list(parameters.values())), strict=True))
    size = 1e-5
    with torch.no_grad():
        for name, parameter in parameters.items():
            direction = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
            parameter.add_(direction, alpha=size)
            above = loss()
            parameter.add_(direction, alpha=-2 * size)
            slope = (above - loss()) / (2 * size)
            parameter.add_(direction, alpha=size)
            expected = (gradients[name] * direction).sum()
            assert abs(slope - expected) < 1e-6 * (1 + gradients[name].norm() * direction.norm()), name
