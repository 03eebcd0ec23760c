"""What is said and shown of a training of faces: how the critic stands, a preview, a line of words.

Knows no losses. Networks are only asked, and are in training mode afterwards.

Suffixes: B batch, C channels, H height, W width, Z latent.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from aigc_cli.core.disk.files import make_dir, write_bytes
from aigc_cli.core.words.messages import tr
from aigc_cli.data.samples import encode_png, grid_of
from aigc_cli.gan.animation import COLUMNS, animate
from aigc_cli.gan.architectures.style import DEVIATION_GROUP
from aigc_cli.gan.balance import balance_in_words, standing
from aigc_cli.gan.conclusion import MANY_NEAR
from aigc_cli.gan.pictures import Labelled
from aigc_cli.gan.pixels import to_uint8

BLOCK = 64


@torch.no_grad()
def critic_standing(
    critic: nn.Module,
    generator: nn.Module,
    real: Labelled,
    held_out: Labelled,
    latents_BZ: Tensor,
    divide: float | None,
) -> dict[str, float]:
    """Return how the critic judges training, held-out and generated pictures (see `balance.standing`).

    The generated ones have the labels of the real ones.
    """
    critic.eval()
    generator.eval()
    generated = (generator(latents_BZ, real[1]), real[1])
    logits = [_logits(critic, *pictures) for pictures in (real, held_out, generated)]
    critic.train()
    generator.train()
    return standing(*logits, divide=divide)


def _logits(critic: nn.Module, pictures_BCHW: Tensor, labels_B: Tensor | None) -> Tensor:
    """Return logits of as many pictures as fill whole groups of the critic's batch statistics."""
    count = len(pictures_BCHW) // DEVIATION_GROUP * DEVIATION_GROUP
    blocks = [
        critic(pictures_BCHW[at:end], None if labels_B is None else labels_B[at:end])
        for at in range(0, count, BLOCK)
        for end in [min(at + BLOCK, count)]
    ]
    return torch.cat(blocks) if blocks else pictures_BCHW.new_empty(0)


@torch.no_grad()
def write_preview(
    folder: Path, step: int, generator: nn.Module, config: Mapping[str, Any], latents_BZ: Tensor, seed: int
) -> str:
    """Write a grid of a generator's pictures of some latents, a row a label; animate all grids; return its path."""
    make_dir(folder)
    names, count = config["label_names"], len(latents_BZ)
    labels = torch.arange(count, device=latents_BZ.device) * len(names) // count if names else None
    generator.eval()
    pictures = to_uint8(generator(latents_BZ, labels))
    generator.train()
    path = folder / f"step-{step:06d}.png"
    write_bytes(path, encode_png(grid_of(pictures, columns=COLUMNS), f"preview.{seed}.{step}"))
    animate(folder, f"preview.{seed}.training")
    return str(path)


def progress_in_words(metrics: Mapping[str, float], objective: str, nearness: str, resolution: int | None) -> str:
    """Say from metrics how the two sides stand, the speed, the newest distance, and whether samples are copies.

    `resolution` is the one that a growing training has come to, None at the full size.
    """
    parts = [words] if (words := balance_in_words(metrics)) else []
    if "images_per_second" in metrics:
        parts.append(tr("{speed:.0f} images/s", speed=metrics["images_per_second"]))
    if objective in metrics:
        distance, spread = metrics[objective], metrics["spread"]
        parts.append(tr("distance {distance:.1f}, spread {spread:.2f}", distance=distance, spread=spread))
    if metrics.get(nearness, 0.0) > MANY_NEAR:
        parts.append(tr("{share:.0%} nearly copied", share=metrics[nearness]))
    if resolution is not None:
        parts.append(tr("still at {resolution} px", resolution=resolution))
    if "augment_strength" in metrics:
        parts.append(tr("augmentation {strength:.0%}", strength=metrics["augment_strength"]))
    return ", ".join(parts)
