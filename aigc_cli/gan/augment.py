"""Differentiable augmentation of real and generated pictures alike (Zhao et al. 2020, arXiv:2006.10738).

Flips double what little data there is and hit half the pictures. Each other augmentation hits a picture with
probability `strength`, so that most stay as they are to it and the generator is not led to copy it (Karras et al.
2020, arXiv:2006.06676, sec. 2.2). Draws are handed in: two at the same place augment two batches of one size alike.

Shapes: B batch, C channels, H height, W width. Pictures are square, about in [-1, 1].
"""

import math
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from aigc_cli.gan.shares import Draws

SHIFT = 0.125  # largest shift, in sides
SCALE = 0.25  # largest zoom either way, in doublings
TURN = 15.0  # largest turn either way, in degrees
CROP = 0.75  # side of the smallest window, in sides
HOLE = 0.5  # side of what is cut out, in sides
BRIGHTNESS = 0.5  # largest change either way, where black to white is 2


def augment(pictures_BCHW: Tensor, names: Sequence[str], strength: float, random: Draws) -> Tensor:
    """Return the pictures with the named augmentations, each but the flip on a share `strength` of them.

    Whatever turns, scales or crops is composed and sampled once. Without names it returns what it was given.
    """
    if "flip" in names:
        pictures_BCHW = flip(pictures_BCHW, random)
    if strength <= 0:
        return pictures_BCHW
    if "translate" in names:
        pictures_BCHW = translate(pictures_BCHW, strength, random)
    placed = [PLACEMENTS[name] for name in PLACEMENTS if name in names]
    if placed:
        pictures_BCHW = place(pictures_BCHW, placed, strength, random)
    if "colour" in names:
        pictures_BCHW = colour(pictures_BCHW, strength, random)
    if "cutout" in names:
        pictures_BCHW = cutout(pictures_BCHW, strength, random)
    return pictures_BCHW


def flip(pictures_BCHW: Tensor, random: Draws) -> Tensor:
    """Mirror each picture left to right with probability one half."""
    mirrored_B = _hits(pictures_BCHW, 0.5, random)
    return torch.where(mirrored_B[:, None, None, None], pictures_BCHW.flip(3), pictures_BCHW)


def translate(pictures_BCHW: Tensor, strength: float, random: Draws) -> Tensor:
    """Shift pictures by up to `SHIFT` of their side in both directions, whole pixels, edges repeated."""
    side, device = pictures_BCHW.shape[3], pictures_BCHW.device
    reach = max(1, round(SHIFT * side))
    hit_B = _hits(pictures_BCHW, strength, random)
    shift_B2 = random.integers(-reach, reach + 1, len(pictures_BCHW), 2).to(device)
    shift_B2 = shift_B2 * hit_B[:, None]
    places = torch.arange(side, device=device)
    rows_BHW = (shift_B2[:, :1] + places).clamp(0, side - 1)[:, :, None].expand(-1, -1, side)
    columns_BHW = (shift_B2[:, 1:] + places).clamp(0, side - 1)[:, None, :].expand(-1, side, -1)
    index_B = torch.arange(len(pictures_BCHW), device=device)[:, None, None]
    return pictures_BCHW.permute(0, 2, 3, 1)[index_B, rows_BHW, columns_BHW].permute(0, 3, 1, 2)


def place(
    pictures_BCHW: Tensor,
    placements: Sequence[Callable[[int, Draws], Tensor]],
    strength: float,
    random: Draws,
) -> Tensor:
    """Sample pictures where the placements, composed, look: bilinear, the edge repeated; the others stay bit-equal."""
    batch = len(pictures_BCHW)
    looked_B33 = torch.eye(3).expand(batch, 3, 3)
    moved_B = torch.zeros(batch, dtype=torch.bool)
    for placement in placements:
        hit_B = random.uniform(batch) < strength
        matrix_B33 = placement(batch, random)
        looked_B33 = torch.where(hit_B[:, None, None], looked_B33 @ matrix_B33, looked_B33)
        moved_B |= hit_B
    matrix_B23 = looked_B33[:, :2].to(pictures_BCHW)
    grid_BHW2 = F.affine_grid(matrix_B23, list(pictures_BCHW.shape), align_corners=False)
    sampled = F.grid_sample(pictures_BCHW, grid_BHW2, padding_mode="border", align_corners=False)
    return torch.where(moved_B.to(pictures_BCHW.device)[:, None, None, None], sampled, pictures_BCHW)


def scale_matrix(batch: int, random: Draws) -> Tensor:
    """Return where to look, (B, 3, 3), for zooms about the middle by 2^-SCALE to 2^SCALE, uniform in the exponent."""
    factor_B = torch.exp2(SCALE * _symmetric(random, batch))
    return torch.diag_embed(torch.stack([factor_B, factor_B, torch.ones(batch)], 1))


def rotate_matrix(batch: int, random: Draws) -> Tensor:
    """Return where to look, (B, 3, 3), for turns about the middle by up to `TURN` degrees either way."""
    angle_B = math.radians(TURN) * _symmetric(random, batch)
    cosine_B, sine_B, zero_B, one_B = angle_B.cos(), angle_B.sin(), torch.zeros(batch), torch.ones(batch)
    entries = [cosine_B, -sine_B, zero_B, sine_B, cosine_B, zero_B, zero_B, zero_B, one_B]
    return torch.stack(entries, 1).view(batch, 3, 3)


def crop_matrix(batch: int, random: Draws) -> Tensor:
    """Return where to look, (B, 3, 3), for windows of `CROP` to all of the side, anywhere within the picture."""
    side_B = CROP + (1 - CROP) * random.uniform(batch)
    matrix_B33 = torch.diag_embed(torch.stack([side_B, side_B, torch.ones(batch)], 1))
    matrix_B33[:, :2, 2] = (1 - side_B)[:, None] * _symmetric(random, batch, 2)
    return matrix_B33


PLACEMENTS: dict[str, Callable[[int, Draws], Tensor]] = {
    "scale": scale_matrix,
    "rotate": rotate_matrix,
    "crop": crop_matrix,
}


def cutout(pictures_BCHW: Tensor, strength: float, random: Draws) -> Tensor:
    """Set a square of `HOLE` of the side to the middle of the range, its centre anywhere in the picture."""
    batch, side, device = len(pictures_BCHW), pictures_BCHW.shape[3], pictures_BCHW.device
    hit_B = _hits(pictures_BCHW, strength, random)
    hole = round(HOLE * side)
    first_B2 = random.integers(-(hole // 2), side - hole // 2, batch, 2).to(device)
    offset_B2S = torch.arange(side, device=device) - first_B2[:, :, None]
    within_B2S = (offset_B2S >= 0) & (offset_B2S < hole) & hit_B[:, None, None]
    hole_BHW = within_B2S[:, 0, :, None] & within_B2S[:, 1, None, :]
    return pictures_BCHW * ~hole_BHW[:, None]


def colour(pictures_BCHW: Tensor, strength: float, random: Draws) -> Tensor:
    """Change saturation (0 to 2, luma kept), contrast (0.5 to 1.5, the mean kept) and brightness; alpha stays.

    Luma is the mean of the channels (Karras et al. 2020, appendix B).
    """
    seen_BCHW, alpha = pictures_BCHW[:, :3], pictures_BCHW[:, 3:]
    hit_B = _hits(pictures_BCHW, strength, random).float()
    drawn_B3 = _symmetric(random, len(seen_BCHW), 3).to(seen_BCHW.device) * hit_B[:, None]
    saturation, contrast, brightness = drawn_B3.to(seen_BCHW.dtype)[:, :, None, None, None].unbind(1)
    luma_B1HW = seen_BCHW.mean(1, keepdim=True)
    seen_BCHW = seen_BCHW + saturation * (seen_BCHW - luma_B1HW)
    mean_B111 = seen_BCHW.mean((1, 2, 3), keepdim=True)
    seen_BCHW = seen_BCHW + contrast / 2 * (seen_BCHW - mean_B111) + BRIGHTNESS * brightness
    return torch.cat([seen_BCHW, alpha], 1) if alpha.shape[1] else seen_BCHW


def _hits(pictures_BCHW: Tensor, probability: float, random: Draws) -> Tensor:
    return (random.uniform(len(pictures_BCHW)) < probability).to(pictures_BCHW.device)


def _symmetric(random: Draws, count: int, *shape: int) -> Tensor:
    """Return numbers uniform in -1 to 1, (count, *shape)."""
    return 2 * random.uniform(count, *shape) - 1
