"""Dense networks' gradients against backpropagation written out by hand, layer by layer, in float64."""

import pytest
import torch
from torch.testing import assert_close

from aigc_cli.gan.architectures.dcgan import MlpCritic
from aigc_cli.gan.architectures.style import StyleGenerator
from aigc_cli.gan.critics.objective import bce_critic


def test_the_dense_critic_s_gradients_are_those_written_out():
    torch.manual_seed(0)
    critic = MlpCritic(size=4, channels=1, labels=0, width=0.1).double()
    pictures = torch.randn(10, 1, 4, 4, dtype=torch.float64)
    real, generated = critic(pictures).chunk(2)
    bce_critic(real, generated).backward()

    x = pictures.flatten(1)
    sums = x @ critic.hidden.weight.T + critic.hidden.bias
    h = sums.clamp(min=0)
    logit = (h @ critic.logit.weight.T + critic.logit.bias).squeeze(1)
    wanted = torch.tensor([1.0] * 5 + [0.0] * 5)
    delta = (1 / (1 + (-logit).exp()) - wanted) / 5  # each half is a mean of its own
    back = delta[:, None] * critic.logit.weight * (sums > 0)

    assert 0 < int((sums > 0).sum()) < sums.numel(), "both sides of the ReLU are passed"
    assert_close(critic.logit.weight.grad, delta[None] @ h)
    assert_close(critic.logit.bias.grad, delta.sum()[None])
    assert_close(critic.hidden.weight.grad, back.T @ x)
    assert_close(critic.hidden.bias.grad, back.sum(0))


def relu(sums):
    return sums.clamp(min=0), (sums > 0).double()


def leaky(sums):
    return torch.where(sums > 0, sums, 0.2 * sums), torch.where(sums > 0, 1.0, 0.2)


def logistic(sums):
    h = 1 / (1 + (-sums).exp())
    return h, h * (1 - h)


def dense_critic():
    """The critic with its answer D, as layers (weights, bias, sigma, scale of the stored weights, of the bias)."""
    critic = MlpCritic(size=4, channels=1, labels=0, width=0.1).double()
    layers = [
        (critic.hidden.weight, critic.hidden.bias, relu, 1, 1),
        (critic.logit.weight, critic.logit.bias, logistic, 1, 1),
    ]
    return lambda x: critic(x.view(-1, 1, 4, 4)).sigmoid()[:, None], layers


def mapping():
    """The two layers from latents to styles."""
    generator = StyleGenerator(size=4, channels=1, labels=0, z_dim=16, width=0.03).double()
    with torch.no_grad():
        for layer in (generator.map_1, generator.map_2):
            layer.bias.normal_()
    layers = [
        (layer.weight, layer.bias, leaky, layer.scale, layer.lr_factor) for layer in (generator.map_1, generator.map_2)
    ]
    return lambda x: generator.mapping(x, None), layers


@pytest.mark.parametrize("network", [dense_critic, mapping])
def test_layers_are_sigma_of_w_h_plus_b_and_gradients_go_back_through_all_of_them(network):
    torch.manual_seed(0)
    function, layers = network()
    x = torch.randn(6, 16, dtype=torch.float64)
    x = (x / x.square().mean(1, keepdim=True).add(1e-8).sqrt()).requires_grad_()  # which the mapping leaves as it is
    found = function(x)
    upstream = torch.randn_like(found)
    asked = [x, *(tensor for weight, bias, *_ in layers for tensor in (weight, bias))]
    of_x, *of_layers = torch.autograd.grad((found * upstream).sum(), asked)

    inputs, slopes, h = [], [], x.detach()
    for weight, bias, sigma, scale, bias_scale in layers:
        inputs.append(h)
        h, slope = sigma(h @ weight.T * scale + bias * bias_scale)
        slopes.append(slope)
    assert_close(found, h)
    back = upstream
    for place in reversed(range(len(layers))):
        weight, _, _, scale, bias_scale = layers[place]
        delta = back * slopes[place]
        assert_close(of_layers[2 * place], delta.T @ inputs[place] * scale)
        assert_close(of_layers[2 * place + 1], delta.sum(0) * bias_scale)
        back = delta @ weight * scale
    if network is dense_critic:  # the mapping normalises its latents before the first layer
        assert_close(of_x, back)
