"""How good are the samples, cheaply and always alike: what chooses the best weights of a run.

The Fréchet distance between the features of a fixed number of samples and of real pictures, under the extractor
that `--metric` names. It orders the checkpoints of one run; `aigc eval images` is for everything else.
"""

import torch
from torch import Tensor, nn

from aigc_cli.core.seeding import stream
from aigc_cli.data.imageset import ImageSet
from aigc_cli.gan.pixels import to_uint8
from aigc_cli.measure.features import extract, load_extractor
from aigc_cli.measure.frechet import Gaussian, frechet_distance, gaussian, spread

BATCH = 32


class Judge:
    """Features of real pictures, computed once, and the comparison with a generator's samples."""

    def __init__(self, images: ImageSet, metric: str, count: int, seed: int, device: torch.device) -> None:
        self._images, self._count, self._seed, self._device = images, count, seed, device
        self._extractor = load_extractor(metric, device)
        self.objective = f"frechet[{self._extractor.name}]"
        self._real: Gaussian | None = None

    def scores(self, generator: nn.Module) -> dict[str, float]:
        """Return the Fréchet distance of `count` samples (labels in turn), and their spread."""
        real = self._real_features()
        samples = self._samples(generator)
        generated = gaussian(extract(self._extractor, samples))
        return {self.objective: frechet_distance(generated, real), "spread": spread(generated, real)}

    def _real_features(self) -> Gaussian:
        if self._real is None:
            order = torch.randperm(len(self._images.pixels), generator=stream(self._seed, "judge"))
            self._real = gaussian(extract(self._extractor, self._images.pixels[order[: self._count]]))
        return self._real

    @torch.no_grad()
    def _samples(self, generator: nn.Module) -> Tensor:
        random = stream(self._seed, "judge latents")
        z_dim, labels = int(generator.z_dim), int(generator.labels)  # type: ignore[arg-type]
        generator.eval()
        blocks = []
        for begin in range(0, self._count, BATCH):
            index = torch.arange(begin, min(begin + BATCH, self._count), device=self._device)
            latents = torch.randn(len(index), z_dim, generator=random).to(self._device)
            blocks.append(to_uint8(generator(latents, index % labels if labels else None)).cpu())
        generator.train()
        return torch.cat(blocks)
