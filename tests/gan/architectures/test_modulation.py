"""Adaptive instance normalisation against its equation, and a style generator that is made of it."""

import json

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from aigc_cli.core.disk.checkpoint import save_tensors
from aigc_cli.core.errors import BadData
from aigc_cli.gan.architectures.layers import NORM_EPSILON, AdaptiveNormConv, StyledConv
from aigc_cli.gan.architectures.networks import config_problem, make_generator
from aigc_cli.gan.sampler import load_generator


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def made(*, up=False):
    torch.manual_seed(1)
    return AdaptiveNormConv(8, 6, 5, 3, up=up).double()


def config(**changes):
    return {"arch": "style", "size": 32, "channels": 3, "label_names": ["a", "b"], "z_dim": 8, "width": 0.25, **changes}


def generator_of(**changes):
    torch.manual_seed(0)
    return make_generator(config(**changes))


@pytest.mark.parametrize("up", [False, True])
def test_it_is_mu_plus_sigma_times_the_normalised_convolution(up):
    """G(z) = mu(eps) + sigma(eps) * phi(eps), channel by channel of each picture (Huang & Belongie 2017, eq. 8)."""
    layer, x, w = made(up=up), drawn(3, 8, 4, 4), drawn(3, 5, seed=1)
    found = layer(x, w)
    for place in range(3):
        plain = layer.weight.transpose(0, 1).flip(2, 3) if up else layer.weight
        picture = F.interpolate(x[place : place + 1], scale_factor=2) if up else x[place : place + 1]
        [phi] = F.conv2d(picture, plain / (8 * 9) ** 0.5, padding=1)
        for channel in range(6):
            mean, variance = phi[channel].mean(), phi[channel].var(correction=0)
            mu = layer.mu.weight[channel] @ w[place] / 5**0.5 + layer.mu.bias[channel]
            sigma = layer.sigma.weight[channel] @ w[place] / 5**0.5 + layer.sigma.bias[channel]
            wanted = mu + sigma * (phi[channel] - mean) / (variance + NORM_EPSILON).sqrt()
            assert_close(found[place, channel], wanted, rtol=1e-12, atol=1e-12)


def test_after_the_layer_each_channel_has_the_mean_and_the_deviation_that_the_style_says():
    layer, w = made(up=True), drawn(3, 5, seed=1)
    found = layer(7 + 3 * drawn(3, 8, 16, 16), w)
    assert_close(found.mean((2, 3)), layer.mu(w), rtol=0, atol=1e-9)
    assert_close(found.std((2, 3), correction=0), layer.sigma(w).abs(), rtol=1e-4, atol=0)


def test_a_flat_channel_becomes_its_mean_and_gradients_stay_finite():
    layer = made()
    layer.padding = 0  # so that no border makes it uneven
    x, w = torch.ones(1, 8, 4, 4, dtype=torch.float64, requires_grad=True), drawn(1, 5)
    found = layer(x, w)
    assert_close(found, layer.mu(w)[:, :, None, None].expand_as(found), rtol=0, atol=1e-9)
    found.square().sum().backward()
    assert bool(torch.isfinite(x.grad).all()) and bool(torch.isfinite(layer.weight.grad).all())


def test_the_generator_s_features_have_the_statistics_of_its_styles():
    generator = generator_of(modulation="adain").double()
    seen = {}
    layers = [generator.first, *generator.ups, *generator.convs]
    for layer in layers:
        assert isinstance(layer, AdaptiveNormConv)
        layer.register_forward_hook(lambda layer, told, found: seen.__setitem__(layer, (told[1], found)))
    generator(drawn(4, 8), torch.tensor([0, 1, 0, 1])).square().sum().backward()
    for layer in layers:
        w, found = seen[layer]
        assert_close(found.mean((2, 3)), layer.mu(w), rtol=0, atol=1e-9)
        assert_close(found.std((2, 3), correction=0), layer.sigma(w).abs(), rtol=1e-2, atol=1e-3)
    assert [name for name, weight in generator.named_parameters() if weight.grad is None] == []


def test_labels_and_latents_change_what_a_normalising_generator_draws():
    generator = generator_of(modulation="adain")
    with torch.no_grad():
        rows = [
            generator(torch.full((1, 8), 1.0).index_fill(1, torch.tensor([0]), first), torch.tensor([label]))
            for first, label in ((1.0, 0), (-3.0, 0), (1.0, 1))
        ]
    assert not torch.allclose(rows[0], rows[1], atol=1e-3)
    assert not torch.allclose(rows[0], rows[2], atol=1e-3)


def test_without_a_word_of_it_weights_are_modulated_as_before():
    old, new = generator_of(), generator_of(modulation="weight")
    assert all(isinstance(layer, StyledConv) for layer in (old.first, *old.ups, *old.convs))
    assert old.state_dict().keys() == new.state_dict().keys()
    assert all(torch.equal(value, new.state_dict()[name]) for name, value in old.state_dict().items())


@pytest.mark.parametrize("value", ["ADAIN", "", None, 1, ["adain"], {"adain": 1}])
def test_a_configuration_names_no_other_modulation(value):
    assert config_problem(config(modulation=value)) == "modulation is neither weight nor adain"
    assert config_problem(config(modulation="adain")) == config_problem(config()) == ""


def test_weights_of_one_modulation_do_not_fit_the_other(tmp_path):
    (tmp_path / "aigc.json").write_text(json.dumps({"schema": "aigc.run/1", "kind": "face"}))
    (tmp_path / "config.json").write_text(json.dumps(config(modulation="adain")))
    save_tensors(tmp_path / "generator.safetensors", generator_of(modulation="adain").state_dict())
    assert load_generator(tmp_path).pictures([0, 1], 0, [0, 1], truncation=0.7).shape == (2, 3, 32, 32)
    (tmp_path / "config.json").write_text(json.dumps(config()))
    with pytest.raises(BadData, match="do not fit"):
        load_generator(tmp_path)
