"""How good are the samples, cheaply and always alike: what chooses the best weights of a run.

The Fréchet distance between the features of a fixed number of samples and of real pictures, under the extractor
that `--metric` names. It orders the checkpoints of one run; `aigc eval images` is for everything else. The same
features tell whether samples are copies of training pictures, and whether a label has become one picture.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from aigc_cli.core.seeding import stream
from aigc_cli.data.pictures.imageset import ImageSet, as_uint8
from aigc_cli.gan.architectures.contract import Generator
from aigc_cli.gan.pixels import to_uint8
from aigc_cli.measure.features import extract, load_extractor
from aigc_cli.measure.frechet import Gaussian, frechet_distance, gaussian, spread, spread_within
from aigc_cli.measure.neighbours import near_training

BATCH = 32
COMPARED = 2048  # training pictures, at most, that samples are searched among; their mirror images too
MIN_OF_LABEL = 8  # samples of each label, for their spread


class Real(NamedTuple):
    """Real pictures' features, the Gaussian of them, and their labels if they have any."""

    features_ND: Tensor
    gaussian: Gaussian
    labels_N: Tensor | None


class Judge:
    """Features of real pictures, computed once, and the comparison with a generator's samples."""

    def __init__(self, images: ImageSet, metric: str, count: int, seed: int, device: torch.device) -> None:
        self._images, self._count, self._seed, self._device = images, count, seed, device
        self._extractor = load_extractor(metric, device)
        self.objective = f"frechet[{self._extractor.name}]"
        self.nearness = f"near_training[{self._extractor.name}]"
        self._real: Real | None = None
        self._references: tuple[Tensor, Tensor] | None = None

    def scores(self, generator: Generator) -> dict[str, float]:
        """Return the Fréchet distance of `count` samples (labels in turn), their spread, and how many are near copies.

        The last is left out where nothing is held out to compare with, and the spread within labels where there are
        none, or too many for so few samples.
        """
        real = self._real_pictures()
        features_MD = extract(self._extractor, self._samples(generator))
        generated = gaussian(features_MD)
        scores = {
            self.objective: frechet_distance(generated, real.gaussian),
            "spread": spread(generated, real.gaussian),
        }
        count = generator.labels
        if real.labels_N is not None and 0 < count <= self._count // MIN_OF_LABEL:
            asked_M = torch.arange(len(features_MD)) % count
            within = spread_within(features_MD, asked_M, real.features_ND, real.labels_N)
            scores |= {} if within is None else {"spread_within": within}
        if bool(self._images.is_valid.any()):
            held_out_KD, train_ND = self._reference_features()
            scores[self.nearness] = near_training(features_MD, held_out_KD, train_ND)
        return scores

    def _real_pictures(self) -> Real:
        """Return what samples are compared with, from `count` pictures of the whole set."""
        if self._real is None:
            images = self._images
            chosen = torch.randperm(len(images.pixels), generator=stream(self._seed, "judge"))[: self._count]
            labels = None if images.labels is None else images.labels[chosen]
            features_ND = extract(self._extractor, as_uint8(images.pixels[chosen]))
            self._real = Real(features_ND, gaussian(features_ND), labels)
        return self._real

    def _reference_features(self) -> tuple[Tensor, Tensor]:
        """Return the features of held-out pictures, and of training pictures and their mirror images."""
        if self._references is None:
            random = stream(self._seed, "references")
            pixels = self._images.pixels
            order = torch.randperm(len(pixels), generator=random)
            held_out = as_uint8(pixels[order[self._images.is_valid[order]][:COMPARED]])
            train = as_uint8(pixels[order[~self._images.is_valid[order]][:COMPARED]])
            both = torch.cat([train, train.flip(3)])
            self._references = extract(self._extractor, held_out), extract(self._extractor, both)
        return self._references

    @torch.no_grad()
    def _samples(self, generator: Generator) -> Tensor:
        random = stream(self._seed, "judge latents")
        z_dim, labels = generator.z_dim, generator.labels
        generator.eval()
        blocks = []
        for begin in range(0, self._count, BATCH):
            index = torch.arange(begin, min(begin + BATCH, self._count), device=self._device)
            latents = torch.randn(len(index), z_dim, generator=random).to(self._device)
            blocks.append(to_uint8(generator(latents, index % labels if labels else None)).cpu())
        generator.train()
        return torch.cat(blocks)
