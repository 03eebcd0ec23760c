"""The architectures by name: each a generator and a critic that take pictures of one size, with or without labels.

A generator maps (latents (B, z_dim), labels (B,) or None) to pictures (B, C, size, size) about in [-1, 1]; a critic
maps (pictures, labels) to a logit a picture, and may also classify (see `StyleCritic`).
"""

import math
from collections.abc import Callable
from typing import Any

from torch import nn

from aigc_cli.core.errors import UsageProblem
from aigc_cli.core.messages import tr
from aigc_cli.gan.dcgan import DcganCritic, DcganGenerator, MlpCritic, MlpGenerator
from aigc_cli.gan.style import DEVIATION_GROUP, StyleCritic, StyleGenerator

GENERATORS: dict[str, Callable[..., nn.Module]] = {
    "style": StyleGenerator,
    "dcgan": DcganGenerator,
    "mlp": MlpGenerator,
}
CRITICS: dict[str, Callable[..., nn.Module]] = {"style": StyleCritic, "dcgan": DcganCritic, "mlp": MlpCritic}


def check_size(arch: str, size: int) -> None:
    """Raise UsageProblem if the architecture cannot make pictures of this size."""
    if arch == "mlp":
        if size % 4:
            raise UsageProblem(
                tr("--arch mlp makes sizes that 4 divides, not {size}", size=size),
                tr("prepare the images at another size"),
            )
    elif size not in (16, 32, 64, 128, 256):
        raise UsageProblem(
            tr("--arch {arch} makes 16, 32, 64, 128 or 256 pixels, not {size}", arch=arch, size=size),
            tr("prepare the images at another --size"),
        )


def make_generator(config: dict[str, Any]) -> nn.Module:
    """Return a generator with random weights for the `config.json` of a face run."""
    check_size(config["arch"], config["size"])
    return GENERATORS[config["arch"]](
        size=config["size"],
        channels=config["channels"],
        labels=len(config["label_names"]),
        z_dim=config["z_dim"],
        width=config["width"],
    )


def make_critic(config: dict[str, Any], batch_size: int) -> nn.Module:
    """Return a critic with random weights that fits the generator of `config`, for batches of `batch_size`."""
    own = {"group": math.gcd(DEVIATION_GROUP, batch_size)} if config["arch"] == "style" else {}
    return CRITICS[config["arch"]](
        size=config["size"],
        channels=config["channels"],
        labels=len(config["label_names"]),
        width=config["width"],
        **own,
    )
