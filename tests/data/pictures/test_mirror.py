"""How one-sided pictures are: closed forms, and drawn faces that look to a side."""

import pytest
import torch

from aigc_cli.data.pictures.mirror import one_sidedness


def noise(count, seed=0):
    return torch.randint(0, 200, (count, 8, 8, 3), generator=torch.Generator().manual_seed(seed)).to(torch.uint8)


def test_pictures_and_their_mirror_images_together_have_no_side():
    pictures = noise(400)
    pictures[:, :, :2] += 55
    assert one_sidedness(torch.cat([pictures, pictures.flip(2)])) < 0.002
    assert one_sidedness(noise(900)) < 0.002


@pytest.mark.parametrize("kind", [torch.uint8, torch.uint16])
def test_it_is_the_squared_mean_of_what_differs_over_its_variance(kind):
    """One column is lighter by a on the left: d is +-a there, and noise of variance 2 v everywhere."""
    pictures = noise(1000)
    pictures[:, :, 0] += 50
    variance = 2 * (200**2 - 1) / 12
    assert one_sidedness(pictures.to(kind)) == pytest.approx(50**2 / 4 / variance, rel=0.05)


def test_where_nothing_can_be_told_it_is_zero():
    assert one_sidedness(noise(1)) == 0
    assert one_sidedness(torch.zeros(5, 8, 8, 1, dtype=torch.uint8)) == 0
    assert one_sidedness(noise(20)) < 0.02
