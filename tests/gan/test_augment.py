import math

import pytest
import torch
from torch.testing import assert_close

from aigc_cli.config.train_gan import AUGMENTATIONS
from aigc_cli.gan.augment import augment, colour, crop_matrix, cutout, flip, place, translate
from aigc_cli.gan.shares import Draws


def draws(seed=0):
    return Draws(torch.Generator().manual_seed(seed))


class Chosen(Draws):
    """Changes every picture, and by numbers that a test has chosen, -1 to 1."""

    def __init__(self, *numbers):
        super().__init__(torch.Generator())
        self._numbers = torch.tensor(numbers)

    def uniform(self, count, *shape):
        return (self._numbers.expand(count, *shape) + 1) / 2 if shape else torch.zeros(count)


def pictures(count=64, side=8, channels=3):
    return torch.rand(count, channels, side, side, generator=torch.Generator().manual_seed(1))


def is_same(after, before):
    return torch.tensor([torch.equal(a, b) for a, b in zip(after, before, strict=True)])


def test_a_flip_mirrors_about_half_and_leaves_the_others():
    before = pictures()
    after = flip(before, draws())
    mirrored = is_same(after, before.flip(3))
    assert torch.equal(mirrored, ~is_same(after, before))
    assert 16 < int(mirrored.sum()) < 48


def test_a_translation_moves_the_middle_by_whole_pixels_within_reach():
    before = pictures(200, side=16)
    after = translate(before, 1.0, draws())
    shifts = set()
    for a, b in zip(after, before, strict=True):
        padded = torch.nn.functional.pad(b[None], (2, 2, 2, 2), mode="replicate")[0]
        found = [(y, x) for y in range(5) for x in range(5) if torch.equal(a, padded[:, y : y + 16, x : x + 16])]
        assert len(found) == 1
        shifts.add(found[0])
    assert {y for y, _ in shifts} == {x for _, x in shifts} == set(range(5))


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_strength_is_the_share_that_is_changed_and_the_others_stay_bit_equal(name):
    before = pictures(400)
    for strength in (0.0, 0.3):
        changed = ~is_same(augment(before, [name], strength, draws()), before)
        share = 0.5 if name == "flip" else strength
        # A shift by (0, 0) changes nothing: one in nine at eight pixels.
        share *= 8 / 9 if name == "translate" else 1
        assert float(changed.float().mean()) == pytest.approx(share, abs=0.08 if share else 0)


def test_without_strength_or_names_nothing_is_touched():
    before = pictures()
    assert augment(before, [], 1.0, draws()) is before
    assert augment(before, [name for name in AUGMENTATIONS if name != "flip"], 0.0, draws()) is before


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_equal_streams_augment_alike_and_others_do_not(name):
    """Two batches of the same pictures come out the same: how real and generated pictures get one draw."""
    first, second, other = (augment(pictures(), [name], 0.7, draws(seed)) for seed in (5, 5, 6))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_both_halves_of_two_unlike_batches_get_the_same_shift():
    ramp = torch.arange(16.0).expand(32, 1, 16, 16)
    first, second = (translate(picture, 1.0, draws(3)) for picture in (ramp, 100 - 2 * ramp))
    assert_close(second, 100 - 2 * first)
    assert not torch.equal(first, ramp)


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_gradients_are_those_of_finite_differences(name):
    before = pictures(3, side=6).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: augment(x, [name], 0.8, draws(2)), (before,))


def test_gradients_of_a_shift_count_the_copies_of_each_pixel():
    before = pictures(4).requires_grad_()
    translate(flip(before, draws()), 1.0, draws()).sum().backward()
    assert_close(before.grad.sum((2, 3)), torch.full((4, 3), 64.0))


def ramps(count, side=33):
    """Return pictures whose two channels are x and y in -1 to 1, so that each pixel says where it was taken from."""
    place = (2 * torch.arange(side) + 1) / side - 1
    grid = torch.stack([place.expand(side, side), place[:, None].expand(side, side)])
    return grid.expand(count, 2, side, side)


def inner(after):
    return after[:, :, 10:23, 10:23]  # where no edge is repeated


def test_a_scale_looks_at_a_multiple_of_each_place_within_a_quarter_octave():
    before = ramps(300)
    after = augment(before, ["scale"], 1.0, draws())
    factor = inner(after)[:, 0, 0, 0] / inner(before)[:, 0, 0, 0]
    assert_close(inner(after), factor[:, None, None, None] * inner(before), atol=1e-5, rtol=0)
    exponents = factor.log2()
    assert -0.25 <= float(exponents.min()) < -0.23
    assert 0.23 < float(exponents.max()) <= 0.25


def test_a_rotation_keeps_the_distance_from_the_middle_and_turns_at_most_fifteen_degrees():
    before = ramps(300)
    after = augment(before, ["rotate"], 1.0, draws())
    assert_close(inner(after).square().sum(1), inner(before).square().sum(1), atol=1e-5, rtol=0)
    (x, y), (from_x, from_y) = inner(before)[:, :, 0, 0].T, inner(after)[:, :, 0, 0].T
    turns = (x * from_y - y * from_x).atan2(x * from_x + y * from_y) * 180 / math.pi
    assert -15 <= float(turns.min()) < -14
    assert 14 < float(turns.max()) <= 15


def test_a_crop_is_a_window_within_the_picture_drawn_at_full_size():
    """So no edge is ever repeated: the outermost places that it looks at are inside."""
    matrices = crop_matrix(500, draws())
    corners = torch.tensor([[x, y, 1.0] for x in (-1, 1) for y in (-1, 1)])
    seen = (matrices @ corners.T)[:, :2]
    assert float(seen.abs().max()) <= 1 + 1e-6
    width = (seen[:, 0].amax(1) - seen[:, 0].amin(1)) / 2
    height = (seen[:, 1].amax(1) - seen[:, 1].amin(1)) / 2
    assert_close(width, height)
    assert 0.75 <= float(width.min()) < 0.76
    assert 0.99 < float(width.max()) <= 1


def test_placements_compose_as_one_after_the_other():
    """A known window of a known turn, as one sampling, looks where the two one after the other would."""
    quarter_turn = torch.tensor([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    window = torch.tensor([[0.5, 0.0, 0.25], [0.0, 0.5, -0.1], [0.0, 0.0, 1.0]])
    known = [lambda count, _, matrix=matrix: matrix.expand(count, 3, 3) for matrix in (quarter_turn, window)]
    before = ramps(1)
    after = place(before, known, 1.0, draws())
    assert_close(after[:, 0], -(before[:, 1] / 2 - 0.1), atol=1e-5, rtol=0)
    assert_close(after[:, 1], before[:, 0] / 2 + 0.25, atol=1e-5, rtol=0)


def test_a_cutout_is_one_square_of_half_the_side_that_may_leave_the_picture():
    after = cutout(torch.ones(300, 3, 8, 8), 1.0, draws())
    areas = set()
    for picture in after:
        assert torch.equal(picture[0], picture[1])
        rows, columns = (picture[0] == 0).any(1), (picture[0] == 0).any(0)
        assert torch.equal(picture[0] == 0, rows[:, None] & columns)
        areas.add((int(rows.sum()), int(columns.sum())))
    assert max(areas) == (4, 4)
    assert min(rows for rows, _ in areas) == 2  # half of the hole is outside at most, its centre is not


def test_saturation_keeps_the_luma_contrast_the_mean_and_brightness_shifts_all_alike():
    before = pictures(6)

    def changed(*drawn):
        return colour(before, 1.0, Chosen(*drawn))

    for saturation in (-1.0, 0.6):
        after = changed(saturation, 0.0, 0.0)
        assert_close(after.mean(1), before.mean(1))
        assert_close(after - before, saturation * (before - before.mean(1, keepdim=True)))
    assert_close(changed(-1.0, 0.0, 0.0).std(1), torch.zeros(6, 8, 8))  # grey
    after = changed(0.0, -1.0, 0.0)
    assert_close(after.mean((1, 2, 3)), before.mean((1, 2, 3)))
    assert_close(after.std((1, 2, 3)), before.std((1, 2, 3)) / 2)
    assert_close(changed(0.0, 0.0, 1.0), before + 0.5)


def test_colour_leaves_alpha_and_takes_grey():
    before = pictures(8, channels=4)
    after = colour(before, 1.0, draws())
    assert torch.equal(after[:, 3], before[:, 3])
    assert not torch.equal(after[:, :3], before[:, :3])
    grey = colour(pictures(8, channels=1), 1.0, draws())
    assert grey.shape == (8, 1, 8, 8)
