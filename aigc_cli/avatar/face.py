"""The avatar's face: one identity, a picture for each expression, all drawn when the face is loaded.

The identity is one latent vector, drawn from a seed; the expression is the label that the generator is given.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from aigc_cli.avatar.expression import Expressions
from aigc_cli.core.disk.files import read_json, sha256_file
from aigc_cli.core.disk.rundir import read_run
from aigc_cli.core.errors import BadData
from aigc_cli.core.words.messages import tr

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Face:
    """PNG files with the AI label, one for each of the run's label names (one under "" if it has none)."""

    pictures: dict[str, bytes]

    def picture(self, expression: str) -> bytes:
        """Return the picture of an expression, or the only one there is."""
        return self.pictures.get(expression) or next(iter(self.pictures.values()))


def face_expressions(run: Path) -> Expressions:
    """Return the expressions of a face run from its files alone, without loading the generator.

    BadData (65) if it is a run of the other kind, NoInput (66) if it is none.
    """
    read_run(run, "face")
    config = read_json(run / "config.json")
    names = config.get("label_names") if isinstance(config, dict) else None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise BadData(
            tr("{path}: no label_names", path=run / "config.json"), tr("train the face again, or restore the file")
        )
    return Expressions(tuple(names))


class FaceSampler(Protocol):
    """What draws faces: a generator with its labels."""

    @property
    def z_dim(self) -> int:
        """The length of a latent vector."""

    @property
    def label_names(self) -> tuple[str, ...]:
        """The expressions, or nothing for a generator without labels."""

    def draw(self, z_BD: "torch.Tensor", labels_B: "torch.Tensor | None", truncation: float, /) -> "torch.Tensor":
        """Return uint8 pictures (B, C, H, W) of latents and label numbers; truncation below 1 is more typical."""


def load_face(run: Path, seed: int, truncation: float, device: "torch.device") -> Face:
    """Draw the identity of `seed` with every expression of a face run."""
    from aigc_cli.gan.sampler import load_generator

    sampler = load_generator(run, device=device)
    return draw_face(sampler, seed, truncation, sha256_file(run / "generator.safetensors")[:16])


def draw_face(sampler: FaceSampler, seed: int, truncation: float, origin: str) -> Face:
    """Draw one latent with every label, as labelled PNG files whose ids begin with `origin`."""
    import torch

    from aigc_cli.core.seeding import stream
    from aigc_cli.data.samples import encode_png

    names = sampler.label_names or ("",)
    z_BD = torch.randn(1, sampler.z_dim, generator=stream(seed, "identity")).expand(len(names), -1)
    labels_B = torch.arange(len(names)) if sampler.label_names else None
    images_BCHW = sampler.draw(z_BD, labels_B, truncation).cpu()
    pictures = zip(names, images_BCHW, strict=True)
    return Face(
        {name: encode_png(image, f"{origin}.identity-{seed}.{index}") for index, (name, image) in enumerate(pictures)}
    )
