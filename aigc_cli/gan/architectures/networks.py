"""The architectures by name: each a generator and a critic that take pictures of one size, with or without labels.

What each pair is asked stands in `contract`.
"""

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

from aigc_cli.config.train_gan import MLP_STEP, MODULATIONS, SIZES
from aigc_cli.core.disk.files import sha256_bytes
from aigc_cli.core.errors import UsageProblem
from aigc_cli.core.words.messages import tr
from aigc_cli.gan.architectures.contract import Critic, Generator
from aigc_cli.gan.architectures.dcgan import DcganCritic, DcganGenerator, MlpCritic, MlpGenerator
from aigc_cli.gan.architectures.r3 import R3Critic, R3Generator
from aigc_cli.gan.architectures.resnet import ResnetCritic, ResnetGenerator
from aigc_cli.gan.architectures.style import DEVIATION_GROUP, StyleCritic, StyleGenerator

GENERATORS: dict[str, Callable[..., Generator]] = {
    "style": StyleGenerator,
    "dcgan": DcganGenerator,
    "mlp": MlpGenerator,
    "resnet": ResnetGenerator,
    "r3": R3Generator,
}
CRITICS: dict[str, Callable[..., Critic]] = {
    "style": StyleCritic,
    "dcgan": DcganCritic,
    "mlp": MlpCritic,
    "resnet": ResnetCritic,
    "r3": R3Critic,
}

MAX_NUMBER = 1 << 20
CONFIG_SEAL = "aigc_config_sha256"  # in the weights' metadata: which `config.json` they belong to


def check_size(arch: str, size: int) -> None:
    """Raise UsageProblem if the architecture cannot make pictures of this size."""
    if arch == "mlp":
        if size % MLP_STEP:
            raise UsageProblem(
                tr("--arch mlp makes sizes that 4 divides, not {size}", size=size),
                tr("prepare the images at another size"),
            )
    elif size not in SIZES:
        raise UsageProblem(
            tr("--arch {arch} makes 16, 32, 64, 128 or 256 pixels, not {size}", arch=arch, size=size),
            tr("prepare the images at another --size"),
        )


def config_problem(config: object) -> str:
    """Say why a value read from a `config.json` describes no generator, or return an empty string."""
    if not isinstance(config, dict) or config.get("arch") not in tuple(GENERATORS):
        return tr("not the configuration of a face run")
    numbers = [config.get(name) for name in ("size", "channels", "z_dim")]
    if any(type(number) is not int or not 0 < number <= MAX_NUMBER for number in numbers):
        return tr("size, channels or z_dim is no sensible number")
    if type(config.get("width")) not in (int, float) or not 0 < config["width"] <= MAX_NUMBER:
        return tr("width is no sensible number")
    if config.get("bit_depth", 8) not in (8, 16):
        return tr("bit_depth is neither 8 nor 16")
    if config.get("modulation", "weight") not in MODULATIONS:
        return tr("modulation is neither weight nor adain")
    names = config.get("label_names")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return tr("label_names is no list of names")
    try:
        check_size(config["arch"], config["size"])
    except UsageProblem as problem:
        return problem.message
    return ""


def config_digest(config: dict[str, Any]) -> str:
    """Return the SHA-256 of a face run's `config.json`, however it is laid out."""
    return sha256_bytes(json.dumps(config, sort_keys=True).encode())


def make_generator(config: dict[str, Any]) -> Generator:
    """Return a generator with random weights for the `config.json` of a face run.

    One of before there was a `modulation` has `weight`.
    """
    check_size(config["arch"], config["size"])
    own = {"modulation": config.get("modulation", "weight")} if config["arch"] == "style" else {}
    return GENERATORS[config["arch"]](
        size=config["size"],
        channels=config["channels"],
        labels=len(config["label_names"]),
        z_dim=config["z_dim"],
        width=config["width"],
        **own,
    )


def make_critic(
    config: dict[str, Any], batch_size: int, *, normalise: bool = True, entries: Sequence[int] = ()
) -> Critic:
    """Return a critic with random weights that fits the generator of `config`, for batches of `batch_size`.

    Without `normalise` the dcgan critic has no batch normalisation; the others never have. `entries` are the lower
    resolutions that a style critic is to judge while a training grows.
    """
    own: dict[str, Any] = {}
    if config["arch"] == "style":
        own = {"group": math.gcd(DEVIATION_GROUP, batch_size), "entries": entries}
    elif config["arch"] == "dcgan":
        own = {"normalise": normalise}
    return CRITICS[config["arch"]](
        size=config["size"],
        channels=config["channels"],
        labels=len(config["label_names"]),
        width=config["width"],
        **own,
    )
