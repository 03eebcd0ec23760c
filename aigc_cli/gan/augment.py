"""Differentiable augmentation of real and generated pictures alike (Zhao et al. 2020, arXiv:2006.10738).

Flips double what little data there is; translation by a share of the side, filled with the edge, keeps the critic
from remembering places. Draws come from the generator that is handed in.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def flip(pictures_BCHW: Tensor, random: torch.Generator) -> Tensor:
    """Mirror each picture left to right with probability one half."""
    mirrored_B = torch.rand(len(pictures_BCHW), generator=random, device=random.device) < 0.5
    return torch.where(mirrored_B[:, None, None, None], pictures_BCHW.flip(3), pictures_BCHW)


def translate(pictures_BCHW: Tensor, share: float, random: torch.Generator) -> Tensor:
    """Shift each picture by up to `share` of its side in both directions, whole pixels, edges repeated."""
    side = pictures_BCHW.shape[3]
    reach = round(share * side)
    if reach == 0:
        return pictures_BCHW
    batch = len(pictures_BCHW)
    shift_B2 = torch.randint(0, 2 * reach + 1, (batch, 2), generator=random, device=random.device)
    padded = F.pad(pictures_BCHW, (reach,) * 4, mode="replicate")
    place = torch.arange(side, device=pictures_BCHW.device)
    rows_BHW = (shift_B2[:, :1] + place)[:, :, None].expand(-1, -1, side)
    columns_BHW = (shift_B2[:, 1:] + place)[:, None, :].expand(-1, side, -1)
    index_B = torch.arange(batch, device=pictures_BCHW.device)[:, None, None]
    return padded.permute(0, 2, 3, 1)[index_B, rows_BHW, columns_BHW].permute(0, 3, 1, 2)
