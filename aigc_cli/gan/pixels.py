"""Pictures as networks see them and as files hold them."""

import torch
from torch import Tensor


def to_uint8(pictures: Tensor) -> Tensor:
    """Return pictures in [-1, 1] as uint8 in 0 to 255, clipped and rounded."""
    return ((pictures.float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)


def from_uint8(pixels: Tensor) -> Tensor:
    """Return uint8 pixels as floats in [-1, 1]: x / 127.5 - 1."""
    return pixels.float() / 127.5 - 1
