"""Residual generator and critic with spectral normalisation (SNGAN: Miyato et al. 2018, arXiv:1802.05957, table 4).

The generator normalises by batch, with gains and offsets of its own for each label (Dumoulin et al. 2017,
arXiv:1610.07629); the critic divides every weight by its largest singular value and projects on the label. Knows
nothing of losses.
"""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from aigc_cli.gan.architectures.contract import Critic, Generator

# Channels at width 1 up to 32 pixels, as in the paper; halved at each resolution above.
GENERATOR_CHANNELS, CRITIC_CHANNELS = 256, 128


def channels_at(resolution: int, most: int, width: float) -> int:
    """Return the number of feature channels at a resolution."""
    return max(8, round(most * width * min(1.0, 32 / resolution)))


class LabelNorm(nn.Module):
    """Batch normalisation whose gain and offset are those of each picture's label, if there are labels."""

    def __init__(self, channels: int, labels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=not labels)
        self.gain = nn.Parameter(1 + 0.02 * torch.randn(labels, channels)) if labels else None
        self.offset = nn.Parameter(torch.zeros(labels, channels)) if labels else None

    def forward(self, x_BCHW: Tensor, labels_B: Tensor | None) -> Tensor:
        """Return the normalised features, same shape."""
        y: Tensor = self.norm(x_BCHW)
        if self.gain is None or self.offset is None:
            return y
        assert labels_B is not None
        return torch.addcmul(self.offset[labels_B][:, :, None, None], y, self.gain[labels_B][:, :, None, None])


class UpBlock(nn.Module):
    """x up-sampled and projected, plus norm, ReLU, up, 3x3, norm, ReLU, 3x3."""

    def __init__(self, before: int, here: int, labels: int) -> None:
        super().__init__()
        self.norm_1, self.norm_2 = LabelNorm(before, labels), LabelNorm(here, labels)
        self.conv_1, self.conv_2 = nn.Conv2d(before, here, 3, padding=1), nn.Conv2d(here, here, 3, padding=1)
        self.skip = nn.Conv2d(before, here, 1)

    def forward(self, x_BCHW: Tensor, labels_B: Tensor | None) -> Tensor:
        """Return features at twice the resolution."""
        y = F.interpolate(F.relu(self.norm_1(x_BCHW, labels_B)), scale_factor=2.0)
        y = self.conv_2(F.relu(self.norm_2(self.conv_1(y), labels_B)))
        wide: Tensor = F.interpolate(self.skip(x_BCHW), scale_factor=2.0)
        return torch.add(wide, y)


class ResnetGenerator(Generator):
    """Dense 4x4, residual blocks to the size, norm, ReLU, 3x3, tanh."""

    def __init__(self, *, size: int, channels: int, labels: int, z_dim: int, width: float) -> None:
        super().__init__()
        self.z_dim, self.labels = z_dim, labels
        self.top = channels_at(4, GENERATOR_CHANNELS, width)
        self.dense = nn.Linear(z_dim, self.top * 16)
        self.blocks = nn.ModuleList()
        here = self.top
        for power in range(3, int(math.log2(size)) + 1):
            before, here = here, channels_at(2**power, GENERATOR_CHANNELS, width)
            self.blocks.append(UpBlock(before, here, labels))
        self.norm = nn.BatchNorm2d(here)
        self.to_picture = nn.Conv2d(here, channels, 3, padding=1)
        self.apply(_glorot)

    def forward(self, z_BZ: Tensor, labels_B: Tensor | None = None) -> Tensor:
        """Return pictures (B, C, size, size) in [-1, 1]."""
        x = self.dense(z_BZ).view(len(z_BZ), self.top, 4, 4).contiguous(memory_format=torch.channels_last)
        for block in self.blocks:
            x = block(x, labels_B)
        return torch.tanh(self.to_picture(F.relu(self.norm(x))))


class DownBlock(nn.Module):
    """x projected, plus (ReLU,) 3x3, ReLU, 3x3; both averaged over 2x2 where the block halves the resolution."""

    def __init__(self, before: int, here: int, *, halve: bool, first: bool = False) -> None:
        super().__init__()
        self.halve, self.first = halve, first
        self.conv_1 = spectral_norm(nn.Conv2d(before, here, 3, padding=1))
        self.conv_2 = spectral_norm(nn.Conv2d(here, here, 3, padding=1))
        self.skip = spectral_norm(nn.Conv2d(before, here, 1)) if halve or before != here else None

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return features at half the resolution, or at the same."""
        y = self.conv_2(F.relu(self.conv_1(x_BCHW if self.first else F.relu(x_BCHW))))
        x: Tensor = x_BCHW if self.skip is None else self.skip(x_BCHW)
        return F.avg_pool2d(x + y, 2) if self.halve else x + y


class ResnetCritic(Critic):
    """Residual blocks down to 8 pixels, two more, ReLU, sum over places, dense; projection on the label."""

    def __init__(self, *, size: int, channels: int, labels: int, width: float) -> None:
        super().__init__()
        self.labels = labels
        blocks: list[nn.Module] = []
        before = channels
        for power in range(int(math.log2(size)), 3, -1):
            here = channels_at(2**power, CRITIC_CHANNELS, width)
            blocks.append(DownBlock(before, here, halve=True, first=not blocks))
            before = here
        top = channels_at(8, CRITIC_CHANNELS, width)
        blocks += [DownBlock(before, top, halve=False), DownBlock(top, top, halve=False)]
        self.blocks = nn.Sequential(*blocks)
        self.logit = spectral_norm(nn.Linear(top, 1))
        self.embed = spectral_norm(nn.Embedding(labels, top)) if labels else None
        self.apply(_glorot)

    def forward(self, pictures_BCHW: Tensor, labels_B: Tensor | None = None) -> Tensor:
        """Return one logit a picture, shape (B,)."""
        features_BF = F.relu(self.blocks(pictures_BCHW)).sum((2, 3))
        logits: Tensor = self.logit(features_BF).squeeze(1)
        if self.embed is not None:
            assert labels_B is not None
            logits = logits + (self.embed(labels_B) * features_BF).sum(1)
        return logits


def _glorot(module: nn.Module) -> None:
    """Draw weights by Glorot & Bengio 2010, eq. 16, wider by sqrt(2) in front of a ReLU."""
    if not isinstance(module, nn.Conv2d | nn.Linear):
        return
    parametrized: Any = module
    weight = parametrized.parametrizations.weight.original if hasattr(module, "parametrizations") else module.weight
    nn.init.xavier_uniform_(weight, 1.0 if weight.dim() == 2 or weight.shape[2] == 1 else math.sqrt(2))
    if module.bias is not None:
        nn.init.zeros_(module.bias)
