import torch

from aigc_cli.gan.pixels import from_pixels, to_pixels, to_uint8


def test_every_byte_comes_back_and_the_ends_are_minus_one_and_one():
    pixels = torch.arange(256).to(torch.uint8)
    floats = from_pixels(pixels)
    assert (floats[0].item(), floats[-1].item()) == (-1.0, 1.0)
    assert torch.equal(to_pixels(floats, 8), pixels)


def test_every_number_of_16_bits_comes_back_too():
    pixels = torch.arange(65536).to(torch.uint16)
    floats = from_pixels(pixels)
    assert (floats[0].item(), floats[-1].item()) == (-1.0, 1.0)
    assert torch.equal(to_pixels(floats, 16), pixels)


def test_what_is_outside_is_clipped():
    assert to_uint8(torch.tensor([-3.0, 1.5, 0.0])).tolist() == [0, 255, 128]
    assert to_pixels(torch.tensor([-3.0, 1.5, 0.0]), 16).tolist() == [0, 65535, 32768]
