"""A trained generator that draws pictures: item i of a seed, or latents that the caller holds.

Item i's latent comes from (seed, i) alone, and pictures are computed in padded blocks that are aligned to the
absolute index, so item i is bit-identical whatever else is asked for, at one batch size.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from aigc_cli.core.disk.checkpoint import load_tensors, read_metadata
from aigc_cli.core.disk.files import read_json
from aigc_cli.core.disk.rundir import RunDir, read_run
from aigc_cli.core.disk.snapshots import load_snapshot
from aigc_cli.core.errors import BadData, NoInput
from aigc_cli.core.seeding import stream
from aigc_cli.core.words.messages import tr
from aigc_cli.gan.architectures.contract import Generator
from aigc_cli.gan.architectures.networks import CONFIG_SEAL, config_digest, config_problem, make_generator
from aigc_cli.gan.architectures.style import StyleGenerator
from aigc_cli.gan.pixels import to_pixels

CENTRE_LATENTS = 1024


def load_generator(
    run: Path, *, device: torch.device | str = "cpu", batch_size: int = 32, step: int | None = None
) -> "Sampler":
    """Return a sampler of the face run's best weights, or of the averaged ones in the checkpoint of a step.

    Raises NoInput where there is no run or it has no weights yet, BadData where it is of another kind or damaged.
    """
    read_run(run, "face")
    config, tensors = best_weights(run) if step is None else _weights_of(run, step)
    try:
        with torch.device("meta"):  # no memory is taken for a model that the weights do not fit
            make_generator(config).load_state_dict({name: value.to("meta") for name, value in tensors.items()})
        generator = make_generator(config)
        generator.load_state_dict(tensors)
    except (KeyError, TypeError, ValueError, OverflowError, RuntimeError) as error:
        raise BadData(
            tr("{run}: config.json and generator.safetensors do not fit each other", run=run), tr("train again")
        ) from error
    return Sampler(generator.to(device), config, batch_size, torch.device(device))


def best_weights(run: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return a face run's configuration and its best averaged weights.

    NoInput where there are none yet, BadData where they are damaged or do not belong to each other.
    """
    if not (run / "generator.safetensors").exists():
        raise NoInput(tr("{run}: no weights yet", run=run), tr("train on: the first evaluation writes them"))
    config = _read_config(run / "config.json", read_metadata(run / "generator.safetensors").get(CONFIG_SEAL))
    return config, load_tensors(run / "generator.safetensors")


def _weights_of(run: Path, step: int) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return the configuration and the averaged generator's weights in a checkpoint."""
    tensors, state = load_snapshot(RunDir(run), step)
    config = state.get("trainer", {}).get("config") if isinstance(state, dict) else None
    problem = config_problem(config)
    if problem:
        raise BadData(tr("{path}: {problem}", path=RunDir(run).checkpoint(step), problem=problem), tr("train again"))
    prefix = "average."
    return dict(config), {
        name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)
    }


def _read_config(path: Path, digest: str | None) -> dict[str, Any]:
    """Return a face run's configuration; BadData if it is none, or not the one of digest `digest`."""
    config = read_json(path)
    problem = config_problem(config)
    if not problem and digest is not None and digest != config_digest(config):
        problem = tr("it was changed after the weights were written")
    if problem:
        raise BadData(tr("{path}: {problem}", path=path, problem=problem), tr("restore it or train again"))
    return dict(config)


class Sampler:
    """Draws pictures (N, C, size, size), uint8 or uint16 as the run's set was, with a generator in evaluation mode."""

    def __init__(self, generator: Generator, config: Mapping[str, Any], batch_size: int, device: torch.device) -> None:
        self.label_names, self.size, self.batch_size = tuple(config["label_names"]), int(config["size"]), batch_size
        self._bit_depth = int(config.get("bit_depth", 8))
        self._generator = generator.eval().requires_grad_(False).to(memory_format=torch.channels_last)
        self._device = device
        self.z_dim = generator.z_dim
        self._centres: Tensor | None = None

    def latents(self, indices: Sequence[int], seed: int) -> Tensor:
        """Return the latents (N, z_dim) of items of a seed."""
        rows = [torch.randn(self.z_dim, generator=stream(seed, "item", index)) for index in indices]
        return torch.stack(rows)

    def pictures(
        self, indices: Sequence[int], seed: int, labels: Sequence[int] | None = None, truncation: float = 1.0
    ) -> Tensor:
        """Return the pictures of items of a seed, label index i for item i where the run has labels."""
        blocks: dict[int, list[int]] = {}
        for place, index in enumerate(indices):
            blocks.setdefault(index // self.batch_size, []).append(place)
        drawn: dict[int, Tensor] = {}
        for block, places in blocks.items():
            first = block * self.batch_size
            latents = self.latents(range(first, first + self.batch_size), seed)
            block_labels = torch.zeros(self.batch_size, dtype=torch.int64)
            for place in places:
                block_labels[indices[place] - first] = labels[place] if labels is not None else 0
            pictures = self.draw(latents, block_labels, truncation)
            drawn |= {place: pictures[indices[place] - first] for place in places}
        return torch.stack([drawn[place] for place in range(len(indices))])

    @torch.no_grad()
    def draw(self, z_BZ: Tensor, labels_B: Tensor | None = None, truncation: float = 1.0) -> Tensor:
        """Return pictures (B, C, size, size) of latents (B, z_dim) and label indices (B,).

        Truncation below 1 moves styles towards their label's mean (Karras et al. 2019, appendix B), or, without a
        style space, scales the latent.
        """
        z = z_BZ.to(self._device)
        labels = None if labels_B is None or not self.label_names else labels_B.to(self._device)
        generator = self._generator
        if truncation == 1.0:
            return to_pixels(generator(z, labels), self._bit_depth).cpu()
        if not isinstance(generator, StyleGenerator):
            return to_pixels(generator(z * truncation, labels), self._bit_depth).cpu()
        centre = self._style_centres(generator)[
            labels if labels is not None else torch.zeros(len(z), dtype=torch.int64)
        ]
        styles = centre + truncation * (generator.mapping(z, labels) - centre)
        return to_pixels(generator.synthesis(styles), self._bit_depth).cpu()

    def _style_centres(self, generator: StyleGenerator) -> Tensor:
        """Return each label's mean style, (labels or 1, style)."""
        if self._centres is None:
            latents = torch.randn(CENTRE_LATENTS, self.z_dim, generator=stream(0, "centre")).to(self._device)
            rows = []
            for label in range(max(1, len(self.label_names))):
                labels = torch.full((CENTRE_LATENTS,), label, device=self._device) if self.label_names else None
                rows.append(generator.mapping(latents, labels).mean(0))
            self._centres = torch.stack(rows)
        return self._centres
