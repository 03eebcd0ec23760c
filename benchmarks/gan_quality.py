"""How good are the faces after so many seconds? Trains, samples, judges; one JSON line a set of settings.

python benchmarks/gan_quality.py DATA --seconds 150 [--set gamma=5 --set batch_size=8 …] [--grid FILE]

Beside the scores: images per second, and the speed of a fixed matrix product before and after, since a machine's
speed drifts. The labels are read by the classifier of `aigc eval images`.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import torch

from aigc_cli.config.base import resolve
from aigc_cli.config.train_gan import PRESETS, TrainGanSettings
from aigc_cli.core.device import set_threads
from aigc_cli.core.files import write_bytes
from aigc_cli.core.progress import SilentProgress
from aigc_cli.core.seeding import stream
from aigc_cli.data.imageset import open_image_set
from aigc_cli.data.samples import encode_png, grid_of
from aigc_cli.evaluation.labels import recognised_labels
from aigc_cli.gan.pixels import to_uint8
from aigc_cli.gan.trainer import GanTrainer, build_trainer
from aigc_cli.measure.features import extract, load_extractor
from aigc_cli.measure.frechet import frechet_distance, gaussian, spread

COUNT = 1000
PROBE = 0.08


def gigaflops(side: int = 1536, repeats: int = 6) -> int:
    """Return the speed of a fixed fp32 matrix product, in GFLOP/s."""
    matrix = torch.rand(side, side)
    matrix @ matrix
    started = time.perf_counter()
    for _ in range(repeats):
        matrix @ matrix
    return round(repeats * 2 * side**3 / (time.perf_counter() - started) / 1e9)


def trained(data: Path, given: dict[str, Any], seconds: float) -> tuple[GanTrainer, int, float]:
    """Train for about so many seconds; the number of steps is set once, from the speed of the first part."""
    trainer = build_trainer(data, resolve(TrainGanSettings, given, presets=PRESETS), torch.device("cpu"))
    started, step, total = time.perf_counter(), 0, None
    while total is None or step < total:
        trainer.update(step, total)
        step += 1
        elapsed = time.perf_counter() - started
        if total is None and elapsed > PROBE * seconds:
            total = int(step * seconds / elapsed)
    return trainer, step, time.perf_counter() - started


@torch.no_grad()
def sampled(trainer: GanTrainer) -> tuple[torch.Tensor, torch.Tensor]:
    """Return uint8 pictures of the averaged generator, and the labels that were asked for, in turn."""
    generator, count = trainer.average.eval(), max(1, len(trainer.config["label_names"]))
    labels = torch.arange(COUNT) % count
    blocks = []
    for begin in range(0, COUNT, 50):
        latents = torch.randn(50, trainer.config["z_dim"], generator=stream(99, "quality", begin))
        asked = labels[begin : begin + 50] if trainer.config["label_names"] else None
        blocks.append(to_uint8(generator(latents, asked)))
    return torch.cat(blocks), labels


def judged(data: Path, pictures: torch.Tensor, labels: torch.Tensor, label_names: tuple[str, ...]) -> dict[str, Any]:
    images = open_image_set(data)
    order = torch.randperm(len(images.pixels), generator=stream(1, "real"))[:2048]
    extractor = load_extractor("efficientnet_lite0")
    real, generated = (gaussian(extract(extractor, pixels)) for pixels in (images.pixels[order], pictures))
    record: dict[str, Any] = {
        f"frechet[{extractor.name}]": round(frechet_distance(generated, real), 1),
        "spread": round(spread(generated, real), 3),
    }
    if label_names and images.labels is not None:
        truth = (images.pixels, images.labels, images.is_valid)
        found = recognised_labels(truth, (pictures, labels), label_names, seed=0, progress=SilentProgress())
        record |= {name: found[name] for name in ("recognised", "classifier_accuracy", "per_label")}
    return record


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--seconds", type=float, default=150)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=JSON")
    parser.add_argument("--grid", type=Path)
    arguments = parser.parse_args()
    set_threads(None)
    pairs = (text.split("=", 1) for text in arguments.set)
    given = {name: json.loads(value) if value[0] in "0123456789.tfn" else value for name, value in pairs}
    before = gigaflops()
    trainer, steps, seconds = trained(arguments.data, given, arguments.seconds)
    after = gigaflops()
    pictures, labels = sampled(trainer)
    if arguments.grid:
        write_bytes(arguments.grid, encode_png(grid_of(pictures[:100], columns=20), "benchmark"))
    rate = round(steps * trainer.batch_size / seconds, 1)
    record = {"settings": given, "seconds": round(seconds, 1), "steps": steps, "images_per_second": rate}
    scores = judged(arguments.data, pictures, labels, tuple(trainer.config["label_names"]))
    print(json.dumps({**record, "gigaflops": [before, after], **scores}))


if __name__ == "__main__":
    main()
