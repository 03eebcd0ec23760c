"""Named feature extractors: pictures in, one feature vector a picture out.

A distance is only as meaningful as its extractor, so the extractor's name, its weights' hash and its resize travel
with every number. None of those here is the literature's Inception: their distances compare sets with each other,
never with a published FID.

Suffixes: N pictures, B batch, C channels, H height, W width, D feature dimension.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

from aigc_cli.core.disk.files import sha256_bytes
from aigc_cli.core.errors import UsageProblem
from aigc_cli.core.screen.progress import Progress, SilentProgress
from aigc_cli.core.seeding import stream
from aigc_cli.core.words.messages import tr
from aigc_cli.measure import efficientnet

RANDOM_CONV_SIZE = 64
RANDOM_CONV_CHANNELS = (3, 32, 64, 128)


@dataclass(frozen=True)
class Extractor:
    """A fixed map from uint8 RGB pictures, (B, 3, H, W), to float32 features, (B, D)."""

    name: str
    dimension: int
    sha256: str
    resize: str
    device: torch.device
    embed: Callable[[Tensor], Tensor]


def load_extractor(name: str, device: torch.device | str = "cpu") -> Extractor:
    """Return the extractor of that name. Unavailable if its weights are not here, UsageProblem if unknown."""
    if name not in EXTRACTORS:
        raise UsageProblem(
            tr("unknown extractor {name!r}", name=name), tr("choose {known}", known=", ".join(EXTRACTORS))
        )
    return EXTRACTORS[name](torch.device(device))


@torch.inference_mode()
def extract(
    extractor: Extractor,
    pixels_NCHW: Tensor,
    *,
    batch_size: int = 32,
    progress: Progress | None = None,
    title: str = "",
) -> Tensor:
    """Return (N, D) float32 features, on the CPU, of uint8 pictures with 1, 3 or 4 channels (alpha over white)."""
    progress = progress or SilentProgress()
    progress.stage(title or tr("features"), len(pixels_NCHW), tr("images"))
    rows = []
    for start in range(0, len(pixels_NCHW), batch_size):
        batch = pixels_NCHW[start : start + batch_size]
        rows.append(extractor.embed(as_rgb(batch).to(extractor.device)).float().cpu())
        progress.advance(len(batch))
    progress.close()
    return torch.cat(rows) if rows else torch.empty(0, extractor.dimension)


def as_rgb(pixels_BCHW: Tensor) -> Tensor:
    """Return uint8 pictures with three channels: grey is repeated, alpha is composited over white."""
    channels = pixels_BCHW.shape[1]
    if channels == 1:
        return pixels_BCHW.expand(-1, 3, -1, -1)
    if channels == 4:
        alpha = pixels_BCHW[:, 3:].float() / 255
        return (pixels_BCHW[:, :3] * alpha + 255 * (1 - alpha)).round().to(torch.uint8)
    return pixels_BCHW


def _load_efficientnet_lite0(device: torch.device) -> Extractor:
    return Extractor(
        name="efficientnet_lite0",
        dimension=efficientnet.DIMENSION,
        sha256=efficientnet.LITE0.sha256,
        resize=f"{efficientnet.IMAGE_SIZE} px bilinear, antialiased",
        device=device,
        embed=partial(efficientnet.embed, efficientnet.load_efficientnet(efficientnet.LITE0, device)),
    )


def _load_random_conv(device: torch.device) -> Extractor:
    """Three seeded random convolutions: no knowledge of pictures, a diagnostic that needs no download."""
    generator = stream(0, "random_conv")
    pairs = pairwise(RANDOM_CONV_CHANNELS)
    kernels = [torch.randn(o, i, 4, 4, generator=generator) / (i * 8) ** 0.5 for i, o in pairs]
    return Extractor(
        name="random_conv",
        dimension=sum(RANDOM_CONV_CHANNELS[1:]),
        sha256=sha256_bytes(b"".join(kernel.numpy().tobytes() for kernel in kernels)),
        resize=f"{RANDOM_CONV_SIZE} px bilinear, antialiased",
        device=device,
        embed=partial(_embed_random_conv, [kernel.to(device) for kernel in kernels]),
    )


def _embed_random_conv(kernels: list[Tensor], pixels_BCHW: Tensor) -> Tensor:
    size = (RANDOM_CONV_SIZE, RANDOM_CONV_SIZE)
    pixels = pixels_BCHW.to(kernels[0])
    x = F.interpolate(pixels, size=size, mode="bilinear", antialias=True, align_corners=False) / 127.5 - 1
    pooled = []
    for kernel in kernels:
        x = F.conv2d(x, kernel, stride=2, padding=1).relu()
        pooled.append(x.mean((2, 3)))
    return torch.cat(pooled, 1)


EXTRACTORS: dict[str, Callable[[torch.device], Extractor]] = {
    "efficientnet_lite0": _load_efficientnet_lite0,
    "random_conv": _load_random_conv,
}
