"""How good are the faces after the same minutes: aigc and the PyTorch DCGAN example, side by side in one run.

python benchmarks/gan_faces.py DATA --out FOLDER --example CHECKOUT [--real REAL] [--minutes 5.5] [--only ours|example]
    [--preset NAME] [--set NAME=JSON …] [--beside NAME=JSON …] [--marks MINUTES …] [--options CACHE]
    [--identity FOLDER]

DATA is a set made by `aigc prepare images`; both sides train on its training pictures. CHECKOUT is one of
pytorch/examples: the networks and their initial weights are taken from its dcgan/main.py, its stock settings and its
alternation are repeated here, on pictures in memory, which spares it its loader. It knows 64 pixels only, so smaller
pictures are enlarged for it, as it does itself, and its samples reduced again.

--beside lets ours train a second time in the same run, with the settings of --set and these: "beside" in the table.

Turns of a few seconds alternate until each has had its calibrated minutes (calibrated.py). At 1, 3, 5.5, 10 and 30 of
them (--marks), as far as they go, the samples are kept: FOLDER/WHO-MINUTES.safetensors and a sheet of 64 as PNG. In
the end all are compared with REAL, a folder or a set (the held-out pictures without it): Fréchet distance, spread,
precision, recall, and the share as near to a training picture as the nearest hundredth of REAL, on EfficientNet-Lite0;
the drawing options with --options (gan_options.py); photographs of people in a second space, a face-recognition
network's, with --identity (face_identity.py; FOLDER is the unpacked @vladmandic/face-api). Where ours has labels: how
many are recognised, and the spread within them against the training pictures'. One JSON line a row, then a table.
Neither sampling nor judging counts as training.

Suffixes: N pictures, B batch, C channels, H height, W width, D feature dimension.
"""

import argparse
import ast
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import torch
import torch.nn.functional as F
from calibrated import Machine, Stopwatch, run_slice
from face_identity import IdentityJudge, identity_columns, judge_of
from gan_options import load_judge
from torch import Tensor, nn

from aigc_cli.config.base import resolve
from aigc_cli.config.train_gan import PRESETS, TrainGanSettings
from aigc_cli.core.disk.checkpoint import load_tensors, save_tensors
from aigc_cli.core.disk.files import make_dir, write_bytes
from aigc_cli.core.machine.device import set_threads
from aigc_cli.core.machine.platform import keep_freed_memory
from aigc_cli.core.screen.progress import SilentProgress
from aigc_cli.core.seeding import derived_seed, stream
from aigc_cli.data.pictures.imageset import ImageSet, as_uint8, open_image_set, open_pictures
from aigc_cli.data.samples import encode_png, grid_of
from aigc_cli.evaluation.labels import recognised_labels
from aigc_cli.gan.judge import COMPARED
from aigc_cli.gan.pixels import to_uint8
from aigc_cli.gan.recipes import AUTO
from aigc_cli.gan.trainer import GanTrainer, build_trainer
from aigc_cli.measure.features import extract, load_extractor
from aigc_cli.measure.frechet import frechet_distance, gaussian, spread, spread_within
from aigc_cli.measure.neighbours import near_training, neighbourhood

MARKS = (1.0, 3.0, 5.5, 10.0, 30.0)
CLOSE_SECONDS = 0.5  # a mark is reached when less than this is missing
EXAMPLE_SIZE, EXAMPLE_LATENT, EXAMPLE_CHANNELS, EXAMPLE_BATCH = 64, 100, 64, 64
EXTRACTOR = "efficientnet_lite0"


class Contestant(Protocol):
    """Something that learns to make pictures."""

    images: int

    def step(self, total: int | None) -> None:
        """Train one step of `total`, None while that is not known."""

    def samples(self, count: int) -> tuple[Tensor, Tensor | None]:
        """Return uint8 pictures (N, C, H, W) and the labels asked for (N,)."""


class Ours:
    """The trainer of `aigc train-gan`."""

    def __init__(self, data: Path, given: dict[str, Any]) -> None:
        self._trainer = build_trainer(open_image_set(data), with_preset(given), torch.device("cpu"))
        self.images, self._step = 0, 0

    def step(self, total: int | None) -> None:
        """Update both sides once."""
        self._trainer.update(self._step, total)
        self._step += 1
        self.images += self._trainer.batch_size

    def samples(self, count: int) -> tuple[Tensor, Tensor | None]:
        """Return pictures of the averaged generator, labels in turn."""
        return sampled(self._trainer, count)


class Example:
    """The DCGAN example's networks, taken from a checkout, in its stock alternation."""

    def __init__(self, checkout: Path, images: ImageSet, seed: int) -> None:
        torch.manual_seed(derived_seed(seed, "example"))
        self._generator, self._critic = example_networks(checkout / "dcgan" / "main.py", images.channels)
        self._adam_g, self._adam_d = (
            torch.optim.Adam(network.parameters(), lr=2e-4, betas=(0.5, 0.999))
            for network in (self._generator, self._critic)
        )
        self._size = images.size
        self._batches = endless_batches(images.pixels[~images.is_valid], seed)
        self.images = 0

    def step(self, total: int | None) -> None:
        """Update the discriminator on real and made pictures, then the generator."""
        real = F.interpolate(next(self._batches).float() / 127.5 - 1, size=(EXAMPLE_SIZE,) * 2, mode="bilinear")
        ones, zeros = torch.ones(len(real)), torch.zeros(len(real))
        fake = self._generator(torch.randn(len(real), EXAMPLE_LATENT, 1, 1))
        self._adam_d.zero_grad()
        for pictures, truth in ((real, ones), (fake.detach(), zeros)):
            torch.autograd.backward(F.binary_cross_entropy(self._critic(pictures), truth))
        self._adam_d.step()
        self._adam_g.zero_grad()
        torch.autograd.backward(F.binary_cross_entropy(self._critic(fake), ones))
        self._adam_g.step()
        self.images += len(real)

    @torch.no_grad()
    def samples(self, count: int) -> tuple[Tensor, Tensor | None]:
        """Return pictures as the example makes them: in training mode, normalised by their own batch."""
        random = stream(0, "benchmark latents")
        kept = {name: value.clone() for name, value in self._generator.named_buffers()}
        blocks = []
        for rows in torch.split(torch.arange(count), EXAMPLE_BATCH):
            pictures = self._generator(torch.randn(len(rows), EXAMPLE_LATENT, 1, 1, generator=random))
            if self._size != EXAMPLE_SIZE:
                pictures = F.interpolate(pictures, size=(self._size,) * 2, mode="bilinear", antialias=True)
            blocks.append(to_uint8(pictures))
        self._generator.load_state_dict(kept, strict=False)
        return torch.cat(blocks), None


@torch.no_grad()
def sampled(trainer: GanTrainer, count: int) -> tuple[Tensor, Tensor | None]:
    """Return uint8 pictures of a trainer's averaged generator, and the labels asked for, in turn."""
    names, random = trainer.config["label_names"], stream(0, "benchmark latents")
    labels = torch.arange(count) % len(names) if names else None
    generator = trainer.average.eval()
    device = next(generator.parameters()).device
    blocks = []
    for rows in torch.split(torch.arange(count), 64):
        latents = torch.randn(len(rows), int(trainer.config["z_dim"]), generator=random).to(device)
        pictures = generator(latents, None if labels is None else labels[rows].to(device))
        blocks.append(to_uint8(pictures).cpu().contiguous())
    generator.train()
    return torch.cat(blocks), labels


def finished(trainer: GanTrainer) -> None:
    """Wait until the device has done what it was asked for."""
    float(next(trainer.average.parameters()).sum())


def example_networks(source: Path, channels: int) -> tuple[nn.Module, nn.Module]:
    """Return the generator and discriminator that the file defines, initialised by its own function.

    Only those three definitions are run: the rest of the file reads arguments and trains.
    """
    wanted = ("weights_init", "Generator", "Discriminator")
    tree = ast.parse(source.read_text(encoding="utf-8"))
    tree.body = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name in wanted]
    names: dict[str, Any] = {"torch": torch, "nn": nn, "nz": EXAMPLE_LATENT, "nc": channels}
    names |= {"ngf": EXAMPLE_CHANNELS, "ndf": EXAMPLE_CHANNELS}
    exec(compile(tree, str(source), "exec"), names)
    generator, critic = names["Generator"](1), names["Discriminator"](1)
    return generator.apply(names["weights_init"]), critic.apply(names["weights_init"])


def endless_batches(pixels_NCHW: Tensor, seed: int) -> Iterator[Tensor]:
    """Yield shuffled batches of 64, epoch after epoch; the last of an epoch may be smaller, as in the example."""
    epoch = 0
    while True:
        order = torch.randperm(len(pixels_NCHW), generator=stream(seed, "example order", epoch))
        yield from (pixels_NCHW[rows] for rows in torch.split(order, EXAMPLE_BATCH))
        epoch += 1


class Turn:
    """A contestant, the time that it has had, and the number of steps that it will come to."""

    def __init__(self, contestant: Contestant, minutes: float, now: Callable[[], float] = time.perf_counter) -> None:
        self.contestant, self.watch, self._now = contestant, Stopwatch(), now
        self._seconds, self._steps = 60 * minutes, 0
        self._total: int | None = None

    def missing(self, mark: float) -> float:
        """Return the calibrated seconds to a mark in minutes, 0 when it is as good as reached."""
        seconds = 60 * mark - self.watch.calibrated
        return seconds if seconds > CLOSE_SECONDS else 0.0

    def run(self, machine: Machine, calibrated: float) -> None:
        """Train for about so many calibrated seconds, and foresee the end from the speed of that."""
        steps, before = self._steps, self.watch.calibrated
        run_slice(self._step, machine, self.watch, calibrated, self._now)
        spent = self.watch.calibrated - before
        if self._total is None or spent > 5:  # a shorter turn says little of the speed
            left = max(0.0, self._seconds - self.watch.calibrated)
            self._total = self._steps + round(left * (self._steps - steps) / spent)

    def _step(self) -> None:
        self.contestant.step(self._total)
        self._steps += 1

    def record(self) -> dict[str, Any]:
        """Return what has been done in which time."""
        watch, images = self.watch, self.contestant.images
        return {
            "calibrated_minutes": round(watch.calibrated / 60, 2),
            "minutes": round(watch.seconds / 60, 2),
            "steps": self._steps,
            "images": images,
            "images_per_calibrated_second": round(images / watch.calibrated, 1),
        }


def trained(
    contestants: dict[str, Contestant],
    machine: Machine,
    marks: Sequence[float],
    slice_seconds: float,
    count: int,
    out: Path,
) -> list[dict[str, Any]]:
    """Let the contestants train in turns to the last mark; keep samples at each; return a record of each."""
    turns = {who: Turn(contestant, marks[-1]) for who, contestant in contestants.items()}
    records = []
    for mark in marks:
        while any(turn.missing(mark) for turn in turns.values()):
            for turn in turns.values():
                if missing := turn.missing(mark):
                    turn.run(machine, min(missing, slice_seconds))
        for who, turn in turns.items():
            path = out / f"{who}-{mark:g}.safetensors"
            keep_samples(path, *turn.contestant.samples(count))
            records.append({"who": who, "mark": mark, **turn.record(), "samples": str(path)})
            print(json.dumps({**records[-1], "machine": machine.record()}), file=sys.stderr, flush=True)
    return records


def keep_samples(path: Path, pixels: Tensor, labels: Tensor | None) -> None:
    """Write samples, the labels asked for if any, and a sheet of the first 64."""
    save_tensors(path, {"pixels": pixels} | ({} if labels is None else {"labels": labels}), labelled=True)
    write_bytes(path.with_suffix(".png"), encode_png(grid_of(pixels[:64], columns=8), "benchmark"))


def scores(real_ND: Tensor, generated_MD: Tensor) -> dict[str, float]:
    """Return the four numbers on features: distance and spread, precision and recall among three neighbours."""
    real, generated = gaussian(real_ND), gaussian(generated_MD)
    near = neighbourhood(real_ND, generated_MD, 3)
    return {
        f"frechet[{EXTRACTOR}]": round(frechet_distance(generated, real), 2),
        "spread": round(spread(generated, real), 3),
        "precision": round(float(near.is_realistic_M.double().mean()), 3),
        "recall": round(float(near.is_recalled_N.double().mean()), 3),
    }


class References(NamedTuple):
    """Features of real pictures; of some training pictures, then of their mirror images; these pictures' labels."""

    real_ND: Tensor
    train_ND: Tensor
    labels_N: Tensor | None


def references_of(images: ImageSet, real: Tensor) -> References:
    """Return what samples are compared with."""
    extractor = load_extractor(EXTRACTOR)
    rows = (~images.is_valid).nonzero()[:, 0]
    rows = rows[torch.randperm(len(rows), generator=stream(0, "benchmark references"))[:COMPARED]]
    train = as_uint8(images.pixels[rows])
    both = torch.cat([train, train.flip(3)])
    labels = None if images.labels is None else images.labels[rows]
    return References(extract(extractor, real), extract(extractor, both), labels)


def judged(
    record: dict[str, Any],
    images: ImageSet,
    real: Tensor,
    references: References,
    cache: Path | None,
    identity: IdentityJudge | None = None,
) -> dict[str, Any]:
    """Return the record of kept samples with what every judge says of them."""
    kept = load_tensors(Path(record["samples"]))
    generated_MD = extract(load_extractor(EXTRACTOR), kept["pixels"])
    found = {**record, **scores(references.real_ND, generated_MD)}
    found["near_training"] = round(near_training(generated_MD, references.real_ND, references.train_ND), 4)
    if cache is not None:
        found["drawing"] = load_judge(cache, size=images.size).judge(kept["pixels"], real)
    if identity is not None:
        found["identity"] = identity.judge(kept["pixels"])
    if "labels" in kept and (labels_N := references.labels_N) is not None:
        truth, asked = (images.pixels, images.labels, images.is_valid), (kept["pixels"], kept["labels"])
        within = spread_within(generated_MD, kept["labels"], references.train_ND[: len(labels_N)], labels_N)
        found |= {} if within is None else {"spread_within": round(within, 3)}
        labels = recognised_labels(truth, asked, images.label_names, seed=0, progress=SilentProgress())
        found |= {name: labels[name] for name in ("recognised", "chance", "classifier_accuracy")}
    return found


def table(records: list[dict[str, Any]]) -> str:
    """Return the rows as Markdown."""
    names = (
        "who",
        "mark",
        "images_per_calibrated_second",
        "images",
        f"frechet[{EXTRACTOR}]",
        "spread",
        "precision",
        "recall",
        "near_training",
    )
    drawing = ("confidence", "all_sure", "combinations", "mean_share_distance")
    head = [*names, *(drawing if "drawing" in records[0] else ())]
    head += identity_columns(records[0])
    head += ["spread_within", "recognised"] if any("recognised" in record for record in records) else []
    lines = [head, ["---"] * len(head)]
    for record in records:
        first = {name: values[0] for name, values in record.get("drawing", {}).items() if name in drawing}
        lines.append([str({**record, **first, **identity_columns(record)}.get(name, "")) for name in head])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--example", type=Path, help="a checkout of pytorch/examples")
    parser.add_argument("--real", type=Path, help="pictures that neither side trains on")
    parser.add_argument("--minutes", type=float, default=5.5, help="calibrated, for each side")
    parser.add_argument(
        "--marks", type=float, nargs="*", default=MARKS, help="minutes after which samples are kept too"
    )
    parser.add_argument("--only", choices=("ours", "example"))
    parser.add_argument("--preset", default="small")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=JSON")
    parser.add_argument("--beside", action="append", default=[], metavar="NAME=JSON", help="ours once more, with these")
    parser.add_argument("--options", type=Path, help="folder of the classifier of drawing options")
    parser.add_argument("--identity", type=Path, help="the unpacked @vladmandic/face-api, for photographs of people")
    parser.add_argument("--slice", type=float, default=20, help="seconds of a turn")
    parser.add_argument("--samples", type=int, default=2048)
    parser.add_argument("--threads", type=int)
    arguments = parser.parse_args()
    if arguments.only != "ours" and arguments.example is None:
        parser.error("--example names the checkout, or --only ours leaves it out")
    if arguments.only == "example" and arguments.beside:
        parser.error("--beside is for ours")
    return arguments


def value_of(text: str) -> Any:
    """Return the JSON value that a text is, or the text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def settings_of(pairs: Sequence[str]) -> dict[str, Any]:
    """Return settings given as NAME=JSON."""
    return {name: value_of(text) for name, text in (pair.split("=", 1) for pair in pairs)}


def with_preset(given: dict[str, Any]) -> TrainGanSettings:
    """Return the settings of a preset and what is given; not of auto, which is the defaults until a set is known."""
    settings = resolve(TrainGanSettings, given, presets=PRESETS)
    if settings.preset == AUTO:
        raise SystemExit("preset auto: name what it takes; aigc train-gan DATA -o RUN --dry-run says it")
    return settings


def main() -> None:
    arguments = parsed()
    set_threads(arguments.threads)
    keep_freed_memory()
    images = open_image_set(arguments.data)
    real = open_pictures(arguments.real) if arguments.real else as_uint8(images.pixels[images.is_valid])
    given, beside = settings_of(arguments.set), settings_of(arguments.beside)
    contestants: dict[str, Contestant] = {}
    if arguments.only != "example":
        contestants["ours"] = Ours(arguments.data, {"preset": arguments.preset, **given})
        if arguments.beside:
            contestants["beside"] = Ours(arguments.data, {"preset": arguments.preset, **given, **beside})
    if arguments.only != "ours":
        contestants["example"] = Example(arguments.example, images, seed=0)
    machine = Machine()
    out = make_dir(arguments.out)
    marks = [*(mark for mark in sorted({*arguments.marks}) if 0 < mark < arguments.minutes), arguments.minutes]
    records = trained(contestants, machine, marks, arguments.slice, arguments.samples, out)
    named = {"preset": arguments.preset, "set": given, "beside": beside, "real": len(real)}
    print(json.dumps({**named, "machine": machine.record()}))
    references = references_of(images, real)
    identity = judge_of(arguments.identity, arguments.data, real) if arguments.identity else None
    rows = []
    for record in records:
        rows.append(judged(record, images, real, references, arguments.options, identity))
        print(json.dumps(rows[-1]), flush=True)
    print(table(rows))


if __name__ == "__main__":
    main()
