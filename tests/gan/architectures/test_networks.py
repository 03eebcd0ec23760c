"""What every architecture promises, and what each is said to be made of."""

import pytest
import torch
from torch.testing import assert_close

from aigc_cli.core.errors import UsageProblem
from aigc_cli.gan.architectures.networks import CRITICS, GENERATORS, make_critic, make_generator
from aigc_cli.gan.architectures.style import StyleCritic, StyleGenerator, deviation

ALL = sorted(GENERATORS)


def config(arch, *, size=16, channels=3, labels=0, width=0.25, z_dim=8):
    names = [str(label) for label in range(labels)]
    return {"arch": arch, "size": size, "channels": channels, "label_names": names, "z_dim": z_dim, "width": width}


def made(arch, **changes):
    torch.manual_seed(0)
    return make_generator(config(arch, **changes)), make_critic(config(arch, **changes), 4)


def latents(count=4, z_dim=8):
    return torch.randn(count, z_dim, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("arch", ALL)
@pytest.mark.parametrize(("size", "channels", "labels"), [(16, 1, 0), (32, 3, 5), (64, 4, 2)])
def test_pictures_and_logits_for_every_kind(arch, size, channels, labels):
    generator, critic = made(arch, size=size, channels=channels, labels=labels)
    wanted = torch.arange(4) % labels if labels else None
    pictures = generator(latents(), wanted)
    assert pictures.shape == (4, channels, size, size)
    assert critic(pictures, wanted).shape == (4,)


@pytest.mark.parametrize("arch", ALL)
def test_every_weight_of_both_sides_is_trained(arch):
    generator, critic = made(arch, labels=2)
    labels = torch.tensor([0, 1, 1, 0])
    logits = critic(generator(latents(), labels), labels)
    if isinstance(critic, StyleCritic):
        logits = logits + critic.logits_and_classes(generator(latents(), labels), labels)[1].square().sum(1)
    logits.square().sum().backward()
    for module in (generator, critic):
        assert [name for name, weight in module.named_parameters() if weight.grad is None] == []


@pytest.mark.parametrize("arch", ALL)
def test_labels_change_the_picture_and_the_logit(arch):
    generator, critic = made(arch, labels=3)
    with torch.no_grad():
        first, second = (generator(latents(), torch.full((4,), label)) for label in (0, 1))
        assert not torch.allclose(first, second, atol=1e-4)
        logits = [critic(first, torch.full((4,), label)) for label in (0, 1)]
    assert not torch.allclose(*logits, atol=1e-6)


@pytest.mark.parametrize("arch", ["dcgan", "mlp"])
def test_tanh_bounds_the_teaching_architectures(arch):
    generator, _ = made(arch)
    with torch.no_grad():
        assert generator(100 * latents()).abs().max() <= 1


def test_sizes_that_an_architecture_cannot_make_are_refused():
    for arch, size in (("style", 48), ("dcgan", 8), ("style", 512), ("mlp", 18)):
        with pytest.raises(UsageProblem, match=str(size)):
            make_generator(config(arch, size=size))
    assert make_generator(config("mlp", size=20))(latents()).shape == (4, 3, 20, 20)


def test_mlp_is_the_introductory_network():
    generator, critic = made("mlp", size=32, width=1.0, z_dim=100)
    assert generator.dense.weight.shape == (128 * 8 * 8, 100)
    assert generator.to_picture.weight.shape[2:] == (7, 7)
    assert [tuple(weight.shape) for weight in critic.parameters()] == [(128, 3 * 32 * 32), (128,), (1, 128), (1,)]


def test_dcgan_keeps_the_paper_s_initial_spread():
    generator, _ = made("dcgan", size=64, width=1.0, z_dim=100)
    weights = [w for w in generator.parameters() if w.dim() == 4]
    assert [w.shape[1] for w in weights] == [512, 256, 128, 64, 3]
    assert all(w.std().item() == pytest.approx(0.02, rel=0.05) for w in weights)


def test_the_scale_of_a_latent_does_not_matter_to_style():
    generator, _ = made("style")
    assert_close(generator(latents()), generator(5 * latents()), rtol=1e-3, atol=1e-4)


def test_synthesis_of_the_mapping_is_the_generator():
    generator, _ = made("style", labels=2)
    labels = torch.tensor([0, 1, 0, 1])
    assert isinstance(generator, StyleGenerator)
    assert torch.equal(generator(latents(), labels), generator.synthesis(generator.mapping(latents(), labels)))


def test_projection_head_is_linear_in_the_label_s_embedding():
    """The difference of two labels' logits is <e_a - e_b, features> / sqrt(F) (Miyato & Koyama, eq. 3)."""
    _, critic = made("style", labels=2)
    pictures = torch.rand(4, 3, 16, 16)
    zero, one = (critic(pictures, torch.full((4,), label)) for label in (0, 1))
    with torch.no_grad():
        critic.embed[1] = critic.embed[0] + 2 * (critic.embed[1] - critic.embed[0])
    assert_close(critic(pictures, torch.ones(4, dtype=torch.int64)) - zero, 2 * (one - zero), rtol=1e-3, atol=1e-5)


def test_deviation_is_the_standard_deviation_of_each_group():
    x = torch.randn(8, 5, 2, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = deviation(x, 4)
    assert found.shape == (8, 1, 2, 3)
    for start in (0, 4):
        expected = (x[start : start + 4].var(0, correction=0) + 1e-8).sqrt().mean()
        assert_close(found[start : start + 4], expected.expand(4, 1, 2, 3))
    assert deviation(x, 1).abs().max() < 1e-3


@pytest.mark.parametrize("batch_size", [2, 3, 4, 6, 16])
def test_the_critic_mixes_no_generated_picture_into_a_real_one_s_logit(batch_size):
    torch.manual_seed(0)
    critic = make_critic(config("style"), batch_size)
    real, generated = torch.rand(2, batch_size, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    together = critic(torch.cat([real, generated]))
    assert_close(together, torch.cat([critic(real), critic(generated)]))


def test_registries_hold_both_sides_of_each_architecture():
    assert set(GENERATORS) == set(CRITICS)
