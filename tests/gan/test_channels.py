"""Beginning with a run of another mode: its pictures seen in this one, and its critic's judgement of them."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from aigc_cli.gan.channels import LUMA, can_become, seen_as
from aigc_cli.gan.pixels import from_pixels, to_uint8
from tests.gan.conftest import write_image_set
from tests.gan.test_transfer import SHAPES, made, pictures_of, stored, tensors_of

LINEAR, BOUNDED = ("style", "r3"), ("dcgan", "mlp", "resnet")


def luma(pictures_BCHW):
    return (pictures_BCHW * torch.tensor(LUMA)[:, None, None]).sum(1, keepdim=True)


def begun(arch, had, needed, tmp_path, *, size=16, **changes):
    """Return a trainer of pictures with `had` channels, and one of `needed` that has begun with its run."""
    settings = {"arch": arch, **SHAPES[arch], **changes}
    old = made(write_image_set(tmp_path / "had", channels=had), seed=1, **settings)
    run = stored(old, tmp_path / "run")
    new = made(write_image_set(tmp_path / "needed", channels=needed, size=size), seed=2, **settings)
    return old, new, new.begin_with(run)


@torch.no_grad()
def judged(trainer, pictures):
    labels = torch.arange(len(pictures)) % 2
    return critic_of(trainer).eval()(pictures, labels)


def critic_of(trainer):
    """Return a trainer's critic, as its checkpoint has it."""
    from aigc_cli.gan.architectures.networks import make_critic

    entries = [int(name.split(".")[1]) for name in tensors_of(trainer, "critic") if name.startswith("from_above.")]
    critic = make_critic(trainer.config, 4, entries=entries)
    critic.load_state_dict(tensors_of(trainer, "critic"))
    return critic


def some_pictures(channels):
    return torch.rand(8, channels, 16, 16, generator=torch.Generator().manual_seed(3)) * 2 - 1


@pytest.mark.parametrize("arch", LINEAR)
def test_the_first_pictures_of_a_grey_run_are_those_of_its_colour_base_in_grey(arch, tmp_path):
    old, new, taken = begun(arch, 3, 1, tmp_path)
    assert (taken.generator, taken.critics) == (taken.of_generator, taken.of_critics)
    colour, grey = pictures_of(old.average), pictures_of(new.average)
    assert colour.std() > 0.1
    assert not torch.allclose(colour[:, :1], colour[:, 1:2], atol=0.01)
    assert torch.allclose(grey, luma(colour), atol=1e-5)


@pytest.mark.parametrize("arch", BOUNDED)
def test_what_goes_into_a_tanh_is_what_becomes_grey(arch, tmp_path):
    old, new, taken = begun(arch, 3, 1, tmp_path)
    assert (taken.generator, taken.critics) == (taken.of_generator, taken.of_critics)
    colour, grey = pictures_of(old.average).double(), pictures_of(new.average).double()
    assert torch.allclose(grey.atanh(), luma(colour.atanh()), atol=1e-4)
    assert float((grey - luma(colour)).abs().mean()) < 0.05  # of 2: most of a tanh is nearly a line


@pytest.mark.parametrize("arch", [*LINEAR, "dcgan", "mlp"])
@pytest.mark.parametrize(("had", "needed"), [(3, 1), (1, 3)])
def test_a_critic_judges_a_picture_as_it_judged_it_in_its_own_mode(arch, had, needed, tmp_path):
    old, new, _ = begun(arch, had, needed, tmp_path)
    pictures = some_pictures(needed)
    in_its_own = pictures.expand(-1, 3, -1, -1) if had == 3 else luma(pictures)
    logits = judged(new, pictures)
    assert logits.std() > 1e-4
    assert torch.allclose(logits, judged(old, in_its_own), atol=1e-5, rtol=1e-4)


def test_spectral_normalisation_keeps_the_directions_of_a_first_layer(tmp_path):
    old, new, _ = begun("resnet", 3, 1, tmp_path)
    for name in ("conv_1", "skip"):
        colour, grey = (getattr(critic_of(one).eval().blocks[0], name).weight.detach() for one in (old, new))
        alike = F.cosine_similarity(grey.flatten(), colour.sum(1).flatten(), 0)
        assert float(alike) == pytest.approx(1, abs=1e-5)
        assert float(torch.linalg.matrix_norm(grey.flatten(1), 2)) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("arch", SHAPES)
def test_a_colour_run_begins_with_the_pictures_of_its_grey_base(arch, tmp_path):
    old, new, _ = begun(arch, 1, 3, tmp_path)
    assert torch.allclose(pictures_of(new.average), pictures_of(old.average).expand(-1, 3, -1, -1), atol=1e-6)


@pytest.mark.parametrize("arch", SHAPES)
@pytest.mark.parametrize("had", [1, 3])
def test_pictures_that_get_transparency_begin_opaque_and_are_judged_by_their_colours(arch, had, tmp_path):
    old, new, _ = begun(arch, had, 4, tmp_path)
    pictures = pictures_of(new.average)
    assert torch.allclose(pictures[:, :3], pictures_of(old.average).expand(-1, 3, -1, -1), atol=1e-6)
    assert (to_uint8(pictures)[:, 3] == 255).all()
    if arch != "resnet":
        seen = some_pictures(4)
        assert torch.allclose(
            judged(new, seen), judged(old, luma(seen[:, :3]) if had == 1 else seen[:, :3]), atol=1e-5, rtol=1e-4
        )


@pytest.mark.parametrize("arch", LINEAR)
def test_a_run_may_be_of_another_mode_and_larger(arch, tmp_path):
    old, new, _ = begun(arch, 3, 1, tmp_path, size=32)
    doubled = F.interpolate(luma(pictures_of(old.average)), scale_factor=2.0, mode="bilinear", align_corners=False)
    assert torch.allclose(pictures_of(new.average), doubled, atol=1e-4)


def test_a_critic_of_a_training_that_grows_is_grey_at_each_of_its_entries(tmp_path):
    old, new, _ = begun("style", 3, 1, tmp_path, size=16, grow=0.5)
    ours, theirs = tensors_of(new, "critic"), tensors_of(old, "critic")
    assert torch.allclose(ours["from_rgb.weight"], theirs["from_rgb.weight"].sum(1, keepdim=True) / 3**0.5)


def test_grey_is_that_of_pillow():
    pixels = torch.randint(256, (3, 64, 64), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    grey = to_uint8(torch.einsum("oc,chw->ohw", seen_as(3, 1), from_pixels(pixels)))
    theirs = np.array(Image.fromarray(pixels.permute(1, 2, 0).numpy()).convert("L"))
    assert (grey[0].int() - torch.from_numpy(theirs).int()).abs().max() <= 1


def test_modes_lead_to_richer_ones_and_back_and_transparency_nowhere():
    assert torch.allclose(seen_as(3, 1) @ seen_as(1, 3), torch.ones(1, 1))
    assert torch.equal(seen_as(4, 3) @ seen_as(3, 4), torch.eye(3))
    allowed = {(had, needed) for had in (1, 3, 4) for needed in (1, 3, 4) if can_become(had, needed)}
    assert allowed == {(1, 1), (1, 3), (1, 4), (3, 1), (3, 3), (3, 4), (4, 4)}
