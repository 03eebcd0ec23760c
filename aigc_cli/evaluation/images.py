"""`eval images`: how far a set of generated pictures is from a set of real ones, and whether it shows what was asked.

Every number carries its extractor's name, the sizes of both sets and its floor: the same number between two halves of
the real set. None is comparable to a published FID, and the record says so.

Suffixes: N real, M generated pictures, C channels, H height, W width, D feature dimension.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from aigc_cli.config.evaluate import EvalImagesSettings
from aigc_cli.core.disk.files import sha256_bytes
from aigc_cli.core.errors import BadData
from aigc_cli.core.machine.device import choose_device, set_threads
from aigc_cli.core.screen.progress import Progress
from aigc_cli.core.seeding import stream
from aigc_cli.core.words.messages import tr
from aigc_cli.data.manifest import read_manifest
from aigc_cli.data.pictures.imageset import as_uint8, open_image_set, open_picture_folder, read_kind
from aigc_cli.evaluation.labels import MIN_HELD_OUT, recognised_labels
from aigc_cli.measure.features import extract, load_extractor
from aigc_cli.measure.frechet import Gaussian, frechet_distance, frechet_from_root, gaussian, spread, square_root
from aigc_cli.measure.intervals import bootstrap_values, normal_interval
from aigc_cli.measure.kernel import kernel_distance_subsets
from aigc_cli.measure.neighbours import neighbourhood

SCHEMA = "aigc.eval.images/1"


@dataclass(frozen=True)
class Side:
    """One side of a comparison: pixels (N, C, H, W), label index or -1 (N,), label names, held out (N,)."""

    path: Path
    pixels: Tensor
    labels: Tensor
    label_names: tuple[str, ...]
    is_valid: Tensor

    def rows(self, rows: Tensor) -> "Side":
        """Return the side with these pictures only."""
        return Side(self.path, self.pixels[rows], self.labels[rows], self.label_names, self.is_valid[rows])


def compare_sets(real: Path, generated: Path, settings: EvalImagesSettings, progress: Progress) -> dict[str, Any]:
    """Compare a real set with a generated one and return the record to print (`aigc.eval.images/1`).

    Each may be a prepared set, a folder of pictures, or a sample folder, whose JSONL names the labels asked for.
    Raises NoInput or BadData for unreadable sides, Unavailable for a missing extractor.
    """
    set_threads(settings.threads)
    extractor = load_extractor(settings.extractor, choose_device(settings.device))
    whole, asked = open_side(real), open_side(generated)
    compared = _sampled(_split(whole, settings.split), settings, "real")
    sampled = _sampled(asked, settings, "generated")
    real_ND = extract(extractor, compared.pixels, progress=progress, title=tr("features of the real set"))
    generated_MD = extract(extractor, sampled.pixels, progress=progress, title=tr("features of the generated set"))
    metrics, intervals = compare_features(real_ND, generated_MD, settings, progress)
    floor, floor_n = _floor(real_ND, settings, progress)
    record: dict[str, Any] = {
        "schema": SCHEMA,
        "real": str(real),
        "generated": str(generated),
        "n_real": len(real_ND),
        "n_generated": len(generated_MD),
        "split": settings.split,
        "seed": settings.seed,
        **_whose(real),
        "real_pixels_sha256": sha256_bytes(compared.pixels.contiguous().numpy().tobytes()),
        "real_size": list(compared.pixels.shape[-2:]),
        "generated_size": list(sampled.pixels.shape[-2:]),
        "extractor": {
            "name": extractor.name,
            "sha256": extractor.sha256,
            "dimension": extractor.dimension,
            "resize": extractor.resize,
        },
        "comparable_to_published_fid": False,
        "metrics": metrics,
        "intervals": intervals,
        "floor": floor,
        "floor_n": floor_n,
    }
    labels = _labels(whole, asked, settings, progress) if settings.labels else None
    return record | ({"labels": labels} if labels else {})


def open_side(path: Path) -> Side:
    """Open a prepared set, or any folder of pictures, as one side of a comparison."""
    if read_kind(path) == "set":
        opened = open_image_set(path)
        labels = opened.labels if opened.labels is not None else torch.full((len(opened.pixels),), -1)
        return Side(path, as_uint8(opened.pixels), labels, opened.label_names, opened.is_valid)
    folder = open_picture_folder(path)
    names = tuple(sorted({label for label in folder.labels if label is not None}))
    indices = torch.tensor([names.index(label) if label is not None else -1 for label in folder.labels])
    return Side(path, folder.pixels, indices, names, torch.zeros(len(indices), dtype=torch.bool))


def compare_features(
    real_ND: Tensor, generated_MD: Tensor, settings: EvalImagesSettings, progress: Progress
) -> tuple[dict[str, float], dict[str, list[float]]]:
    """Return every metric of two feature sets under its full name, and its 95 % interval over generated pictures.

    The bootstrap redraws the generated pictures, for recall and coverage the real ones that their means are over. The
    kernel distance's interval is its spread over subsets, scaled to the whole set; none where a subset is the set.
    """
    tag = f"[{settings.extractor}]"
    a, b = gaussian(real_ND), gaussian(generated_MD)
    kid = kernel_distance_subsets(
        real_ND, generated_MD, subsets=settings.kid_subsets, size=settings.kid_subset_size, seed=settings.seed
    )
    near = neighbourhood(real_ND, generated_MD, settings.neighbours)
    per_picture = {
        "precision": near.is_realistic_M.double(),
        "recall": near.is_recalled_N.double(),
        "density": near.density_M,
        "coverage": near.is_covered_N.double(),
    }
    metrics = {"frechet" + tag: frechet_distance(a, b), "kid" + tag: float(kid.mean())}
    metrics |= {name + tag: float(values.mean()) for name, values in per_picture.items()}
    metrics["spread" + tag] = spread(b, a)
    if not settings.bootstrap:
        return metrics, {}
    resampled = {
        "frechet" + tag: _bootstrap_frechet(a, real_ND, generated_MD, settings, progress),
        "spread" + tag: bootstrap_values(
            lambda rows: spread(gaussian(generated_MD[rows]), a), len(generated_MD), settings.bootstrap, settings.seed
        ),
    }
    for name, values in per_picture.items():
        resampled[name + tag] = bootstrap_values(_mean_of(values), len(values), settings.bootstrap, settings.seed)
    intervals = {name: list(normal_interval(metrics[name], values)) for name, values in resampled.items()}
    share = min(settings.kid_subset_size, len(real_ND), len(generated_MD)) / min(len(real_ND), len(generated_MD))
    if share < 1:
        centred = (kid - kid.mean()) * share**0.5
        intervals["kid" + tag] = list(normal_interval(metrics["kid" + tag], centred))
    return metrics, intervals


def _mean_of(values: Tensor) -> Callable[[Tensor], float]:
    return lambda rows: float(values[rows].mean())


def _bootstrap_frechet(
    real: Gaussian, real_ND: Tensor, generated_MD: Tensor, settings: EvalImagesSettings, progress: Progress
) -> Tensor:
    """Return the distances of resampled generated sets, with the real covariance's root computed once."""
    is_small = min(len(real_ND), len(generated_MD)) < real_ND.shape[1]
    root = None if is_small else square_root(real.covariance())
    progress.stage(tr("intervals"), settings.bootstrap, tr("resamples"))

    def distance(rows: Tensor) -> float:
        progress.advance()
        resampled = gaussian(generated_MD[rows])
        return frechet_distance(real, resampled) if root is None else frechet_from_root(root, real, resampled)

    values = bootstrap_values(distance, len(generated_MD), settings.bootstrap, settings.seed)
    progress.close()
    return values


def _floor(real_ND: Tensor, settings: EvalImagesSettings, progress: Progress) -> tuple[dict[str, float], int]:
    """Return the metrics between two random halves of the real set, as good as pictures can be, and a half's size."""
    half = len(real_ND) // 2
    if half <= settings.neighbours:
        raise BadData(
            tr(
                "{count} real pictures are too few to halve with --neighbours {neighbours}",
                count=len(real_ND),
                neighbours=settings.neighbours,
            ),
            tr("add pictures"),
        )
    order = torch.randperm(len(real_ND), generator=stream(settings.seed, "floor"))
    without_intervals = EvalImagesSettings(
        extractor=settings.extractor,
        neighbours=settings.neighbours,
        kid_subsets=settings.kid_subsets,
        kid_subset_size=settings.kid_subset_size,
        bootstrap=0,
        seed=settings.seed,
    )
    first, second = real_ND[order[:half]], real_ND[order[half : 2 * half]]
    return compare_features(first, second, without_intervals, progress)[0], half


def _whose(real: Path) -> dict[str, Any]:
    """Return whose pictures the real ones are and how they agreed, as the set's manifest says."""
    manifest = read_manifest(real, "images") if read_kind(real) == "set" else {}
    return {"subject": manifest.get("subject"), "consent": manifest.get("consent") or "unspecified"}


def _split(side: Side, split: str) -> Side:
    if split == "all":
        return side
    chosen = side.is_valid if split == "valid" else ~side.is_valid
    if not bool(chosen.any()):
        raise BadData(tr("{path}: no picture is in the {split} part", path=side.path, split=split), tr("--split all"))
    return side.rows(chosen.nonzero()[:, 0])


def _sampled(side: Side, settings: EvalImagesSettings, name: str) -> Side:
    """Return the side, or a seeded random part of it where it has more than `max_images`."""
    if len(side.pixels) <= settings.max_images:
        return side
    order = torch.randperm(len(side.pixels), generator=stream(settings.seed, "sample", name))
    return side.rows(order[: settings.max_images].sort().values)


def _labels(real: Side, generated: Side, settings: EvalImagesSettings, progress: Progress) -> dict[str, Any] | None:
    """Return the GAN-test's record, or None, said aloud, where the sides do not have the labels for it."""
    if len(real.label_names) < 2 or not bool((generated.labels >= 0).any()):
        progress.say(tr("labels are not compared: both sides need them"))
        return None
    if int(real.is_valid.sum()) < MIN_HELD_OUT or not bool((~real.is_valid).any()):
        progress.say(
            tr(
                "labels are not compared: {reference} needs {needed} held-out pictures",
                reference=real.path,
                needed=MIN_HELD_OUT,
            )
        )
        return None
    unknown = [name for name in generated.label_names if name not in real.label_names]
    if unknown:
        raise BadData(
            tr(
                "{path}: label {label!r} is not one of {reference}",
                path=generated.path,
                label=unknown[0],
                reference=real.path,
            ),
            tr("--no-labels"),
        )
    asked = generated.rows((generated.labels >= 0).nonzero()[:, 0])
    names = [real.label_names.index(name) for name in generated.label_names]
    return recognised_labels(
        (real.pixels, real.labels, real.is_valid),
        (asked.pixels, torch.tensor(names)[asked.labels]),
        real.label_names,
        seed=settings.seed,
        progress=progress,
    )
