"""The generator's side: how its average follows, and that it learns from every verdict."""

import pytest
import torch
from torch import nn

from aigc_cli.config.train_gan import TrainGanSettings, completed
from aigc_cli.core.seeding import stream
from aigc_cli.gan.architectures.dcgan import DcganGenerator, MlpGenerator
from aigc_cli.gan.generator import EMA_RAMP, GeneratorSide, follow
from aigc_cli.gan.shares import Draws
from aigc_cli.gan.sides import Computing, Turn


def line(weight):
    layer = nn.Linear(1, 1, bias=False)
    nn.init.constant_(layer.weight, weight)
    return layer


def test_the_average_follows_with_the_half_life_it_is_given():
    average, network = line(0.0), line(1.0)
    for _ in range(10):  # ten steps of four pictures: one half-life, at a step so late that the ramp is over
        follow(average, network, 10**6, 4, 40)
    assert average.weight.item() == pytest.approx(0.5, abs=1e-6)


def test_early_on_the_half_life_is_a_share_of_what_has_been_seen_and_without_one_the_average_is_the_network():
    average = line(0.0)
    follow(average, line(1.0), 99, 4, 10**6)
    assert average.weight.item() == pytest.approx(1 - 0.5 ** (1 / (100 * EMA_RAMP)))
    follow(average, line(3.0), 99, 4, 0)
    assert average.weight.item() == 3.0


def test_the_average_takes_over_the_statistics_of_batches():
    average, network = nn.BatchNorm2d(2), nn.BatchNorm2d(2)
    network(torch.randn(4, 2, 3, 3))
    follow(average, network, 5, 4, 8000)
    assert torch.equal(average.running_mean, network.running_mean)
    assert average.num_batches_tracked == 1


@pytest.mark.parametrize("kind", [DcganGenerator, MlpGenerator])
def test_a_step_goes_down_the_sum_of_all_verdicts(kind):
    torch.manual_seed(0)
    network = kind(size=16, channels=1, labels=0, z_dim=4, width=0.1)
    side = GeneratorSide(network, completed(TrainGanSettings(arch="mlp", beta1=0.0)), Computing(torch.device("cpu")))
    turn = Turn(0, 0.5, torch.zeros(6, 1, 16, 16), None, Draws(stream(0, "step", 0)))
    pictures = side.pictures(turn)
    losses = [pictures.mean(), pictures.square().mean()]
    expected = torch.autograd.grad(sum(losses), list(network.parameters()), retain_graph=True)
    logged = side.update(turn, [(losses[0], {"first": losses[0]}), (losses[1], {})])
    for parameter, gradient in zip(network.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.grad, gradient)
    norm = torch.cat([gradient.flatten() for gradient in expected]).norm()
    assert logged["first"] is losses[0]
    assert logged["gradient_norm_g"].item() == pytest.approx(norm.item(), rel=1e-5)
