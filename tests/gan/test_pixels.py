import torch

from aigc_cli.gan.pixels import from_uint8, to_uint8


def test_every_byte_comes_back_and_the_ends_are_minus_one_and_one():
    pixels = torch.arange(256).to(torch.uint8)
    floats = from_uint8(pixels)
    assert (floats[0].item(), floats[-1].item()) == (-1.0, 1.0)
    assert torch.equal(to_uint8(floats), pixels)


def test_what_is_outside_is_clipped():
    assert to_uint8(torch.tensor([-3.0, 1.5, 0.0])).tolist() == [0, 255, 128]
