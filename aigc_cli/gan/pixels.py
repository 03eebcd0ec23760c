"""Pictures as networks see them and as files hold them."""

import torch
from torch import Tensor


def to_uint8(pictures: Tensor) -> Tensor:
    """Return pictures in [-1, 1] as uint8 in 0 to 255, clipped and rounded."""
    return ((pictures.float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)


def to_pixels(pictures: Tensor, bit_depth: int) -> Tensor:
    """Return pictures in [-1, 1] as uint8, or as uint16 in 0 to 65535, clipped and rounded."""
    if bit_depth == 8:
        return to_uint8(pictures)
    return ((pictures.float() + 1) * 32767.5).round().clamp(0, 65535).to(torch.uint16)


def from_pixels(pixels: Tensor) -> Tensor:
    """Return uint8 or uint16 pixels as floats (torch's default) in [-1, 1]: x / 127.5 - 1, or x / 32767.5 - 1."""
    return pixels.to(torch.get_default_dtype()) / (32767.5 if pixels.dtype == torch.uint16 else 127.5) - 1
