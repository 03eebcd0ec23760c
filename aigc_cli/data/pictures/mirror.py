"""Whether pictures look to one side, so that their mirror images are not like them."""

import torch
from torch import Tensor

COMPARED = 1024  # pictures, at most


def one_sidedness(pixels_NHWC: Tensor) -> float:
    """Return how far a set's mean picture is from its mirror image, for pictures (N, H, W, C) of any integer type.

    With d = picture - mirror image, it is the squared mean of d over the variance of d, both averaged over the pixels,
    without bias: about 0 where either side is as likely, and the larger the more a picture tells its side. Two pictures
    at least; 0 for fewer, and where nothing differs.
    """
    step = max(1, len(pixels_NHWC) // COMPARED)
    pictures = pixels_NHWC[::step][:COMPARED]
    if len(pictures) < 2:
        return 0.0
    total, squares = torch.zeros(2, *pictures.shape[1:], dtype=torch.float64)
    for chunk in torch.split(pictures, 64):
        difference = chunk.double() - chunk.flip(2).double()
        total += difference.sum(0)
        squares += difference.square().sum(0)
    count = len(pictures)
    mean = total / count
    variance = float((squares / count - mean.square()).mean()) * count / (count - 1)
    excess = float(mean.square().mean()) - variance / count
    return max(0.0, excess / variance) if variance > 0 else 0.0
