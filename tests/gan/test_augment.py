import torch
from torch.testing import assert_close

from aigc_cli.gan.augment import flip, translate


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def pictures(count=64, side=8):
    return torch.rand(count, 3, side, side, generator=generator(1))


def test_a_flip_mirrors_about_half_and_leaves_the_others():
    before = pictures()
    after = flip(before, generator())
    mirrored = [torch.equal(a, b.flip(2)) for a, b in zip(after, before, strict=True)]
    same = [torch.equal(a, b) for a, b in zip(after, before, strict=True)]
    assert all(m != s for m, s in zip(mirrored, same, strict=True))
    assert 16 < sum(mirrored) < 48


def test_a_translation_moves_the_middle_by_whole_pixels_within_reach():
    before = pictures()
    after = translate(before, 0.25, generator())
    shifts = set()
    for a, b in zip(after, before, strict=True):
        padded = torch.nn.functional.pad(b[None], (2, 2, 2, 2), mode="replicate")[0]
        found = [(y, x) for y in range(5) for x in range(5) if torch.equal(a, padded[:, y : y + 8, x : x + 8])]
        assert len(found) == 1
        shifts.add(found[0])
    assert {y for y, _ in shifts} == {x for _, x in shifts} == set(range(5))


def test_no_strength_changes_nothing():
    before = pictures()
    assert translate(before, 0.0, generator()) is before


def test_the_same_stream_augments_alike():
    assert torch.equal(translate(pictures(), 0.3, generator(5)), translate(pictures(), 0.3, generator(5)))
    assert not torch.equal(translate(pictures(), 0.3, generator(5)), translate(pictures(), 0.3, generator(6)))


def test_gradients_come_back_where_the_pixels_went():
    """Each output pixel copies one input pixel, so the gradients of a sum count the copies: 64 a channel."""
    before = pictures(4).requires_grad_()
    translate(flip(before, generator()), 0.25, generator()).sum().backward()
    assert_close(before.grad.sum((2, 3)), torch.full((4, 3), 64.0))
    mirrored = pictures(4).requires_grad_()
    flip(mirrored, generator()).sum().backward()
    assert_close(mirrored.grad, torch.ones_like(mirrored))
