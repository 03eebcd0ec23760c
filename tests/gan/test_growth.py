"""Growing: when a resolution ends, and that a network that has just grown draws and judges what it did before."""

import pytest
import torch
import torch.nn.functional as F

from aigc_cli.gan.architectures.style import StyleCritic, StyleGenerator
from aigc_cli.gan.growth import Growth


def resolutions_of(size, share, total):
    growth = Growth(size, share)
    found = []
    for step in range(total):
        growth.grows(step, total)
        found.append(growth.resolution)
    return found


def test_every_resolution_lasts_twice_as_long_as_the_one_before():
    found = resolutions_of(128, 0.7, 1000)
    assert [found.count(resolution) for resolution in (16, 32, 64, 128)] == [100, 200, 400, 300]
    assert found == sorted(found)


@pytest.mark.parametrize(("size", "share"), [(16, 0.5), (32, 0.5), (64, 0.0), (28, 0.0)])
def test_some_begin_at_their_size(size, share):
    assert set(resolutions_of(size, share, 10)) == {size}


def test_nothing_grows_before_the_length_is_known():
    growth = Growth(64, 0.5)
    assert not any(growth.grows(step, None) for step in range(100))
    assert growth.resolution == 16


def test_a_length_that_changes_with_the_cost_of_a_step_moves_no_share_of_the_time():
    # 100 s; steps of 1 s at 32 px and of 2 s at 64 px: 50 steps and 25 more are half and half of the time.
    growth = Growth(64, 0.6)
    grown = []
    for step in range(75):
        total = {16: 100, 32: 100, 64: 75}[growth.resolution]
        if growth.grows(step, total):
            grown.append(step)
    assert grown == [20, 60]
    slower = Growth(64, 0.5)
    slower.grows(17, 100)  # 16 px end at a sixth; from here on a step costs twice as much, so 41 or 42 remain
    assert (slower.resolution, slower.since) == (32, 17)
    ends = next(step for step in range(18, 60) if slower.grows(step, 17 + 42))
    assert ends - 17 == pytest.approx(42 * (1 / 2 - 1 / 6) / (1 - 1 / 6), abs=1)


def test_state_is_what_a_resume_needs():
    growth = Growth(64, 0.5)
    growth.grows(17, 100)
    taken = Growth(64, 0.5)
    taken.restore(growth.state())
    assert [taken.grows(step, 100) for step in range(18, 100)] == [growth.grows(step, 100) for step in range(18, 100)]


def test_a_generator_that_has_just_grown_draws_the_same_pictures_larger():
    torch.manual_seed(0)
    generator = StyleGenerator(size=64, channels=3, labels=0, z_dim=8, width=0.125)
    generator.silence_above(16)
    latents = torch.randn(4, 8)
    generator.resolution = 16
    small = generator(latents)
    assert small.shape[-1] == 16
    generator.resolution = 32
    larger = F.interpolate(small, scale_factor=2.0, mode="bilinear", align_corners=False)
    torch.testing.assert_close(generator(latents), larger)
    generator.resolution = 64
    whole = F.interpolate(larger, scale_factor=2.0, mode="bilinear", align_corners=False)
    torch.testing.assert_close(generator(latents), whole)


def test_a_critic_that_has_just_grown_judges_by_the_reduced_picture_alone():
    torch.manual_seed(0)
    critic = StyleCritic(size=64, channels=3, labels=0, width=0.125, entries=(16, 32))
    critic.weigh_above(0.0)
    pictures = torch.rand(4, 3, 64, 64)
    critic.resolution = 16
    at_16 = critic(F.avg_pool2d(pictures, 4))
    for resolution in (32, 64):
        critic.resolution = resolution
        torch.testing.assert_close(critic(pictures), at_16)
    critic.weigh_above(1.0)
    assert (critic(pictures) - at_16).abs().max() > 1e-3
