"""The R3GAN networks: residual, without any normalisation (Huang et al. 2024, arXiv:2501.05441, sec. 3.4).

Blocks of 1x1, grouped 3x3, 1x1 with leaky ReLU, bilinear resampling, and at 4x4 a layer that holds one 4x4 pattern a
channel. Weights that would add variance start at zero or scaled down by the depth (fix-up: Zhang et al. 2019,
arXiv:1901.09321). Meant for the relativistic loss with R1 and R2. Knows nothing of losses.
"""

import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aigc_cli.gan.architectures.contract import Critic, Generator
from aigc_cli.gan.architectures.layers import lrelu

CHANNELS = {4: 256, 8: 256, 16: 192, 32: 128, 64: 96, 128: 64, 256: 32}  # at width 1
GROUP_CHANNELS, EXPANSION, BLOCKS = 16, 2, 1


def channels_at(resolution: int, width: float) -> int:
    """Return the number of feature channels at a resolution, whole groups."""
    return max(GROUP_CHANNELS, GROUP_CHANNELS * round(CHANNELS[resolution] * width / GROUP_CHANNELS))


def _conv(before: int, here: int, kernel: int, *, gain: float = 1.0, groups: int = 1, bias: bool = False) -> nn.Conv2d:
    conv = nn.Conv2d(before, here, kernel, padding=(kernel - 1) // 2, groups=groups, bias=bias)
    with torch.no_grad():
        conv.weight.normal_(0.0, gain / math.sqrt(before // groups * kernel**2))
        if conv.bias is not None:
            conv.bias.zero_()
    return conv


class ResidualBlock(nn.Module):
    """x + 1x1(lrelu(grouped 3x3(lrelu(1x1(x)))), the last weights zero at the start."""

    def __init__(self, channels: int, depth: int) -> None:
        super().__init__()
        wide = channels * EXPANSION
        gain = math.sqrt(2) * depth**-0.25
        self.expand = _conv(channels, wide, 1, gain=gain)
        self.mix = _conv(wide, wide, 3, gain=gain, groups=wide // GROUP_CHANNELS)
        self.contract = _conv(wide, channels, 1, gain=0.0)
        self.bias_1, self.bias_2 = nn.Parameter(torch.zeros(wide, 1, 1)), nn.Parameter(torch.zeros(wide, 1, 1))

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return features of the same shape."""
        y = lrelu(self.mix(lrelu(self.expand(x_BCHW) + self.bias_1)) + self.bias_2)
        return x_BCHW + self.contract(y)  # type: ignore[no-any-return]


def _stage(channels: int, depth: int) -> nn.Sequential:
    return nn.Sequential(*(ResidualBlock(channels, depth) for _ in range(BLOCKS)))


class R3Generator(Generator):
    """A 4x4 pattern a channel weighted by the latent, residual stages with bilinear up-sampling, 1x1 to pictures."""

    def __init__(self, *, size: int, channels: int, labels: int, z_dim: int, width: float) -> None:
        super().__init__()
        self.z_dim, self.labels = z_dim, labels
        sides = [2**power for power in range(2, int(math.log2(size)) + 1)]
        depth = BLOCKS * len(sides)
        self.embed = nn.Embedding(labels, z_dim) if labels else None
        top = channels_at(4, width)
        self.pattern = nn.Parameter(torch.randn(top, 4, 4))
        self.weigh = nn.Linear(z_dim * (2 if labels else 1), top, bias=False)
        nn.init.normal_(self.weigh.weight, 0.0, self.weigh.in_features**-0.5)
        self.stages = nn.ModuleList(_stage(channels_at(side, width), depth) for side in sides)
        self.ups = nn.ModuleList(
            _conv(channels_at(before, width), channels_at(here, width), 1) for before, here in pairwise(sides)
        )
        self.to_picture = _conv(channels_at(size, width), channels, 1, bias=True)

    def forward(self, z_BZ: Tensor, labels_B: Tensor | None = None) -> Tensor:
        """Return pictures (B, C, size, size), about in [-1, 1]."""
        if self.embed is not None:
            assert labels_B is not None
            z_BZ = torch.cat([z_BZ, self.embed(labels_B)], 1)
        x = self.pattern * self.weigh(z_BZ)[:, :, None, None]
        x = self.stages[0](x.contiguous(memory_format=torch.channels_last))
        for up, stage in zip(self.ups, list(self.stages)[1:], strict=True):
            # Projecting first gives the same as up-sampling first, at a quarter of the products.
            x = stage(F.interpolate(up(x), scale_factor=2.0, mode="bilinear", align_corners=False))
        pictures: Tensor = self.to_picture(x)
        return pictures


class R3Critic(Critic):
    """The generator turned round: 1x1 from pictures, residual stages and averaging, a 4x4 sum a channel, dense."""

    def __init__(self, *, size: int, channels: int, labels: int, width: float) -> None:
        super().__init__()
        self.labels = labels
        sides = [2**power for power in range(int(math.log2(size)), 1, -1)]
        depth = BLOCKS * len(sides)
        self.from_picture = _conv(channels, channels_at(size, width), 1, bias=True)
        self.stages = nn.ModuleList(_stage(channels_at(side, width), depth) for side in sides)
        self.downs = nn.ModuleList(
            _conv(channels_at(before, width), channels_at(here, width), 1) for before, here in pairwise(sides)
        )
        top = channels_at(4, width)
        self.pattern = nn.Parameter(torch.randn(top, 4, 4) / 4)
        self.logit = nn.Linear(top, max(1, labels))  # with labels one logit each: the label's own is the answer
        nn.init.normal_(self.logit.weight, 0.0, top**-0.5)
        nn.init.zeros_(self.logit.bias)

    def forward(self, pictures_BCHW: Tensor, labels_B: Tensor | None = None) -> Tensor:
        """Return one logit a picture, shape (B,)."""
        x = self.from_picture(pictures_BCHW)
        for stage, down in zip(self.stages, self.downs, strict=False):
            x = F.avg_pool2d(down(stage(x)), 2)
        features_BF = (self.stages[-1](x) * self.pattern).sum((2, 3))
        logits: Tensor = self.logit(features_BF)
        if not self.labels:
            return logits.squeeze(1)
        assert labels_B is not None
        return logits.gather(1, labels_B[:, None]).squeeze(1)
