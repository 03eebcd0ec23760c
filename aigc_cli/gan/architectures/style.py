"""The style-based generator and its critic (Karras et al. 2019, arXiv:1812.04948; 2020, arXiv:1912.04958).

Small-machine versions: up-sampling within a transposed convolution, skip-sum of RGB outputs, no noise inputs, one or
two convolutions a resolution. Nothing mixes samples but the critic's minibatch standard deviation.
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aigc_cli.gan.architectures.contract import Critic, Generator
from aigc_cli.gan.architectures.layers import AdaptiveNormConv, EqualConv, EqualLinear, StyledConv, lrelu, widened

# Channels at each resolution at width 1. Measured at 32 pixels only; above that they are chosen for their cost.
CHANNELS = {4: 128, 8: 96, 16: 64, 32: 32, 64: 16, 128: 12, 256: 8}
DEVIATION_GROUP = 4
# How a style sets what a convolution gives, by `--modulation`.
STYLED: dict[str, type[StyledConv] | type[AdaptiveNormConv]] = {"weight": StyledConv, "adain": AdaptiveNormConv}


def channels_at(resolution: int, width: float) -> int:
    """Return the number of feature channels at a resolution, a multiple of 4."""
    return max(4, 4 * round(CHANNELS[resolution] * width / 4))


def resolutions(size: int) -> list[int]:
    """Return 4, 8, … up to `size`."""
    return [2**power for power in range(2, int(math.log2(size)) + 1)]


class StyleGenerator(Generator):
    """Latents and labels to pictures in [-1, 1] (about), through a style space w.

    Pictures are of `resolution`, which is `size` but for a training that grows. `modulation` names the convolutions
    that make features; those that make pictures of them are scaled by the style in either case, and normalised in none.
    """

    def __init__(
        self, *, size: int, channels: int, labels: int, z_dim: int, width: float, modulation: str = "weight"
    ) -> None:
        super().__init__()
        styled = STYLED[modulation]
        self.z_dim, self.labels, self.resolution = z_dim, labels, size
        style = 128
        self.embed = nn.Embedding(labels, z_dim) if labels else None
        self.map_1 = EqualLinear(z_dim * (2 if labels else 1), style, lr_factor=0.1, gain=math.sqrt(2))
        self.map_2 = EqualLinear(style, style, lr_factor=0.1, gain=math.sqrt(2))
        self.constant = nn.Parameter(torch.randn(1, channels_at(4, width), 4, 4))
        self.first = styled(channels_at(4, width), channels_at(4, width), style, 3)
        self.first_rgb = StyledConv(channels_at(4, width), channels, style, 1, demodulate=False)
        self.ups, self.convs, self.rgbs = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        for resolution in resolutions(size)[1:]:
            before, here = channels_at(resolution // 2, width), channels_at(resolution, width)
            self.ups.append(styled(before, here, style, 3, up=True))
            self.convs.append(styled(here, here, style, 3))
            self.rgbs.append(StyledConv(here, channels, style, 1, demodulate=False))

    def mapping(self, z_BZ: Tensor, labels_B: Tensor | None) -> Tensor:
        """Return styles w (B, 128): two layers on the normalised latent and label embedding."""
        parts = [z_BZ]
        if self.embed is not None:
            assert labels_B is not None
            parts.append(self.embed(labels_B))
        x = torch.cat([part * (part.square().mean(1, keepdim=True) + 1e-8).rsqrt() for part in parts], 1)
        return lrelu(self.map_2(lrelu(self.map_1(x))))

    def synthesis(self, w_BS: Tensor) -> Tensor:
        """Return pictures (B, C, resolution, resolution)."""
        x = self.constant.expand(len(w_BS), -1, -1, -1).contiguous(memory_format=torch.channels_last)
        x = lrelu(self.first(x, w_BS))
        picture: Tensor = self.first_rgb(x, w_BS)
        for up, conv, rgb in zip(self.ups, self.convs, self.rgbs, strict=True):
            if x.shape[-1] == self.resolution:
                break
            x = lrelu(up(x, w_BS))
            x = lrelu(conv(x, w_BS))
            picture = F.interpolate(picture, scale_factor=2.0, mode="bilinear", align_corners=False) + rgb(x, w_BS)
        return picture

    def forward(self, z_BZ: Tensor, labels_B: Tensor | None = None) -> Tensor:
        """Return pictures (B, C, resolution, resolution) for latents (B, z_dim) and label indices (B,)."""
        return self.synthesis(self.mapping(z_BZ, labels_B))

    def begin_at(self, resolution: int) -> None:
        """Make pictures of a resolution, those of which all larger ones are at first."""
        self.silence_above(resolution)
        self.work_at(resolution)

    def work_at(self, resolution: int) -> None:
        """Make pictures of a resolution from now on."""
        self.resolution = resolution

    @torch.no_grad()
    def silence_above(self, resolution: int) -> None:
        """Make what lies above a resolution add nothing yet: all pictures are that one's, up-sampled."""
        for here, rgb in zip(resolutions(4 * 2 ** len(self.rgbs))[1:], self.rgbs, strict=True):
            if here > resolution:
                rgb.weight.zero_()  # type: ignore[operator]


class StyleCritic(Critic):
    """Pictures and labels to logits: halving convolutions, minibatch deviation, projection on the label.

    Projection head: Miyato & Koyama 2018, arXiv:1802.05637, eq. 3. Minibatch deviation: Karras et al. 2018, sec. 3,
    over groups of neighbours, so that a batch of real and generated pictures one after the other mixes none of them
    if the number of each is a multiple of `group`.

    Pictures larger than `resolution` are reduced to it. A training that grows has `entries` for its lower resolutions:
    they stay, as the input skips of Karras et al. 2020 (fig. 7), and `from_above` weighs what comes from above them.
    """

    def __init__(
        self,
        *,
        size: int,
        channels: int,
        labels: int,
        width: float,
        group: int = DEVIATION_GROUP,
        entries: Sequence[int] = (),
    ) -> None:
        super().__init__()
        self.labels, self.group, self.resolution, self._size = labels, group, size, size
        self.from_rgb = EqualConv(channels, channels_at(size, width), 3)
        self.downs = nn.ModuleList(
            EqualConv(channels_at(resolution, width), channels_at(resolution // 2, width), 3, down=True)
            for resolution in reversed(resolutions(size)[1:])
        )
        top = channels_at(4, width)
        self.last = EqualConv(top + 1, top, 3)
        self.features = EqualLinear(top * 16, top, gain=math.sqrt(2))
        self.logit = EqualLinear(top, 1)
        self.embed = nn.Parameter(torch.randn(labels, top)) if labels else None
        self.classify = EqualLinear(top, labels) if labels else None
        self.entries = nn.ModuleDict({str(here): EqualConv(channels, channels_at(here, width), 3) for here in entries})
        self.from_above = nn.ParameterDict({str(here): nn.Parameter(torch.ones(())) for here in entries})

    def forward(self, pictures_BCHW: Tensor, labels_B: Tensor | None = None) -> Tensor:
        """Return one logit a picture, shape (B,)."""
        return self._logits(self._features(pictures_BCHW), labels_B)

    def logits_and_classes(self, pictures_BCHW: Tensor, labels_B: Tensor) -> tuple[Tensor, Tensor]:
        """Return a logit a picture (B,) and class logits (B, labels) (AC-GAN: Odena et al. 2017, arXiv:1610.09585)."""
        assert self.classify is not None
        features_BF = self._features(pictures_BCHW)
        return self._logits(features_BF, labels_B), self.classify(features_BF)

    def _features(self, pictures_BCHW: Tensor) -> Tensor:
        picture = reduced(pictures_BCHW, self.resolution).contiguous(memory_format=torch.channels_last)
        x = lrelu(self._entry(self.resolution)(picture))
        for down, here in zip(self.downs, reversed(resolutions(self._size)[1:]), strict=True):
            if here > self.resolution:
                continue
            if here < self.resolution and str(here) in self.entries:
                picture = reduced(picture, here)
                x = lrelu(self._entry(here)(picture)) + self.from_above[str(here)] * x
            x = lrelu(down(x))
        x = lrelu(self.last(torch.cat([x, deviation(x, self.group)], 1)))
        return lrelu(self.features(x.flatten(1)))

    def begin_at(self, resolution: int) -> None:
        """Judge pictures at a resolution, and let what lies above it be heard only as far as it has learned."""
        self.weigh_above(float(resolution == self._size))
        self.work_at(resolution)

    def work_at(self, resolution: int) -> None:
        """Judge pictures at a resolution from now on."""
        self.resolution = resolution

    @torch.no_grad()
    def weigh_above(self, weight: float) -> None:
        """Set how much what lies above each lower resolution has to say: 0 where that is still to be learned."""
        for above in self.from_above.values():
            above.fill_(weight)

    def _entry(self, resolution: int) -> nn.Module:
        return self.from_rgb if resolution == self._size else self.entries[str(resolution)]

    def _logits(self, features_BF: Tensor, labels_B: Tensor | None) -> Tensor:
        logits: Tensor = self.logit(features_BF).squeeze(1)
        if self.embed is not None:
            assert labels_B is not None
            logits = logits + (self.embed[labels_B] * features_BF).sum(1) / math.sqrt(features_BF.shape[1])
        return logits


def reduced(pictures_BCHW: Tensor, size: int) -> Tensor:
    """Return pictures averaged over squares, down to a size that divides theirs."""
    factor = pictures_BCHW.shape[-1] // size
    return pictures_BCHW if factor == 1 else F.avg_pool2d(pictures_BCHW, factor)


def deviation(x_BCHW: Tensor, group: int) -> Tensor:
    """Return the mean standard deviation over groups of neighbours in the batch as one more channel, (B, 1, H, W).

    The batch must be a multiple of `group`; with groups of one it is 0.
    """
    _, channels, height, width = x_BCHW.shape
    grouped = widened(x_BCHW).reshape(-1, group, channels, height, width)
    centred = grouped - grouped.mean(1, keepdim=True)  # var() over so few is ten times slower on a CPU
    spread_G = (centred.square().mean(1) + 1e-8).sqrt().mean((1, 2, 3))
    spread_B = spread_G.to(x_BCHW.dtype).repeat_interleave(group)
    return spread_B[:, None, None, None].expand(-1, 1, height, width)
