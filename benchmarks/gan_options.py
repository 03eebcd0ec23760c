"""Which drawing options do generated avatars show? The second judge of face training: a classifier of real avatars.

python benchmarks/gan_options.py --cache FOLDER [--size 64]                    trains it, states its accuracies
python benchmarks/gan_options.py --cache FOLDER GENERATED --real REAL          and reads pictures by it

DiceBear says with which options it drew an avatar. A small network learns to read all of them from 8,192 avatars that
are in no other set of the benchmark (their seeds begin at 200000, training begins at 0, the real set at 100000), with
mirrored and shifted copies; the options that it reads right on at least 95 % of 2,048 further avatars make the judge.
GENERATED and REAL are folders of pictures, prepared sets or safetensors files with `pixels`.

Knows nothing of features or of how pictures came to be. Suffixes: N pictures, B batch, C channels, H height, W width,
O options, K classes of one option.
"""

import argparse
import io
import json
import sys
import time
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aigc_cli.core.disk.checkpoint import load_tensors, save_tensors
from aigc_cli.core.disk.files import make_dir, read_json, write_json
from aigc_cli.core.machine.device import set_threads
from aigc_cli.core.machine.platform import keep_freed_memory
from aigc_cli.core.seeding import derived_seed, stream
from aigc_cli.data.pictures.dicebear import require_open_style
from aigc_cli.data.pictures.imageset import open_pictures
from aigc_cli.measure.features import as_rgb

GROUNDS = ["b6e3f4", "c0aede", "d1d4f9", "ffd5dc", "ffdfbf"]
RECIPE: dict[str, Any] = {
    "seed": 0,
    "train_seeds": [200_000, 208_192],
    "held_out_seeds": [300_000, 302_048],
    "layers": [[32, 2], [48, 1], [64, 2], [96, 2]],  # channels and stride of each 3x3 convolution
    "epochs": 6,
    "batch_size": 64,
    "learning_rate": 4e-3,
    "weight_decay": 0.05,
    "shift": 2,
}
NEEDED_ACCURACY = 0.95
SURE = 0.9
ABSENT = "none"


def drawn(style: str, size: int, first: int, last: int) -> tuple[Tensor, list[dict[str, str]]]:
    """Return uint8 pictures (N, 3, size, size) of the seeds from `first` until `last`, and the options of each."""
    import numpy as np
    import resvg_py
    from dicebear import Avatar, Style
    from PIL import Image

    require_open_style(style)
    definition = Style(json.loads(files("dicebear_styles").joinpath(f"{style}.json").read_text("utf-8")))
    pictures, options = [], []
    for index in range(first, last):
        wanted = {"seed": f"{style}-{index}", "size": size, "backgroundColor": GROUNDS}
        avatar = Avatar(definition, wanted).to_json()
        png = bytes(resvg_py.svg_to_bytes(svg_string=avatar["svg"]))
        picture = torch.from_numpy(np.array(Image.open(io.BytesIO(png)).convert("RGBA"))).permute(2, 0, 1)
        pictures.append(as_rgb(picture[None])[0])
        options.append(choices_of(avatar["options"]))
    return torch.stack(pictures), options


def choices_of(resolved: dict[str, Any]) -> dict[str, str]:
    """Return an avatar's variants and colours by name; those that it was drawn without are left out."""
    colours = {name: value[0] for name, value in resolved.items() if name.endswith("Color") and len(value) == 1}
    return {name: value for name, value in resolved.items() if name.endswith("Variant") and value} | colours


def classes_of(options: list[dict[str, str]]) -> dict[str, list[str]]:
    """Return the classes of every option that varies, being absent one of them, options and classes sorted."""
    names = sorted({name for one in options for name in one})
    found = {name: sorted({one.get(name, ABSENT) for one in options}) for name in names}
    return {name: classes for name, classes in found.items() if len(classes) > 1}


def indices_of(options: list[dict[str, str]], classes: dict[str, list[str]]) -> Tensor:
    """Return the class index of each avatar's options, (N, O)."""
    return torch.tensor([[its.index(one.get(name, ABSENT)) for name, its in classes.items()] for one in options])


@dataclass(frozen=True)
class OptionsJudge:
    """A trained reader of options, and how often it was right on held-out avatars."""

    network: nn.Sequential
    size: int
    classes: dict[str, list[str]]
    accuracy: dict[str, float]

    @cached_property
    def trusted(self) -> list[str]:
        """The options that it reads well enough to judge by."""
        return [name for name, value in self.accuracy.items() if value >= NEEDED_ACCURACY]

    def read(self, pixels_NCHW: Tensor) -> dict[str, Tensor]:
        """Return each option's probabilities, (N, K), of uint8 pictures."""
        inputs = normalised(pixels_NCHW, self.size)
        with torch.inference_mode():
            logits = torch.cat([self.network(block) for block in torch.split(inputs, 256)])
        parts = torch.split(logits, [len(its) for its in self.classes.values()], 1)
        return {name: part.softmax(1) for name, part in zip(self.classes, parts, strict=True)}

    def judge(self, generated_NCHW: Tensor, real_NCHW: Tensor) -> dict[str, Any]:
        """Return how surely generated pictures are read, how varied they are, and how far from the real shares."""
        generated, real = (
            {name: self.read(pixels)[name] for name in self.trusted} for pixels in (generated_NCHW, real_NCHW)
        )
        halves = [{name: value[part::2] for name, value in real.items()} for part in (0, 1)]
        distances, floor = share_distances(generated, real), share_distances(*halves)
        return {
            "options": len(self.trusted),
            "n": [len(generated_NCHW), len(real_NCHW)],
            "confidence": [confidence(generated), confidence(real)],
            "all_sure": [all_sure(generated), all_sure(real)],
            "combinations": [combinations(generated), combinations(real)],
            "mean_share_distance": [mean_of(distances), mean_of(floor)],
            "share_distances": {name: round(value, 4) for name, value in distances.items()},
        }


def mean_of(values: dict[str, float]) -> float:
    return round(sum(values.values()) / len(values), 4)


def share_distances(a: dict[str, Tensor], b: dict[str, Tensor]) -> dict[str, float]:
    """Return each option's total-variation distance between two sets' shares of classes read: 0 alike, 1 disjoint."""
    return {name: float((shares(a[name]) - shares(b[name])).abs().sum() / 2) for name in a}


def shares(probabilities_NK: Tensor) -> Tensor:
    """Return the share of pictures that are read as each class, (K,)."""
    found = probabilities_NK.argmax(1)
    return torch.bincount(found, minlength=probabilities_NK.shape[1]).double() / len(found)


def confidence(read: dict[str, Tensor]) -> float:
    """Return the mean probability of what is read, over options and pictures."""
    return round(float(torch.stack([value.amax(1) for value in read.values()]).mean()), 4)


def all_sure(read: dict[str, Tensor]) -> float:
    """Return the share of pictures whose every option is read with a probability of more than `SURE`."""
    lowest_N = torch.stack([value.amax(1) for value in read.values()]).amin(0)
    return round(float((lowest_N > SURE).double().mean()), 4)


def combinations(read: dict[str, Tensor]) -> int:
    """Return how many different combinations of options are among the pictures."""
    return len(torch.unique(torch.stack([value.argmax(1) for value in read.values()], 1), dim=0))


def normalised(pixels_NCHW: Tensor, size: int) -> Tensor:
    """Return float pictures in [-1, 1], RGB, size x size (bilinear, antialiased)."""
    images = as_rgb(pixels_NCHW).float() / 127.5 - 1
    if images.shape[-1] != size:
        images = F.interpolate(images, size=(size, size), mode="bilinear", antialias=True, align_corners=False)
    return images.contiguous(memory_format=torch.channels_last)


def options_network(size: int, outputs: int) -> nn.Sequential:
    """Return the untrained network of (B, 3, size, size) pictures: convolutions, then one layer to all the classes."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derived_seed(RECIPE["seed"], "options network"))
        layers: list[nn.Module] = []
        inputs, side = 3, size
        for channels, stride in RECIPE["layers"]:
            layers += [nn.Conv2d(inputs, channels, 3, stride, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU()]
            inputs, side = channels, side // stride
        network = nn.Sequential(*layers, nn.Flatten(), nn.Linear(inputs * side**2, outputs))
        return network.to(memory_format=torch.channels_last)


def train_network(pixels_NCHW: Tensor, indices_NO: Tensor, classes: dict[str, list[str]]) -> nn.Sequential:
    """Train on uint8 pictures (AdamW, one cycle), summing the options' cross-entropies; returned in eval mode."""
    counts = [len(its) for its in classes.values()]
    network = options_network(pixels_NCHW.shape[-1], sum(counts))
    optimizer = torch.optim.AdamW(network.parameters(), RECIPE["learning_rate"], weight_decay=RECIPE["weight_decay"])
    blocks = len(pixels_NCHW) // RECIPE["batch_size"]
    total = RECIPE["epochs"] * blocks
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RECIPE["learning_rate"], total_steps=total)
    for epoch in range(RECIPE["epochs"]):
        order = torch.randperm(len(pixels_NCHW), generator=stream(RECIPE["seed"], "options order", epoch))
        for rows in torch.split(order[: blocks * RECIPE["batch_size"]], RECIPE["batch_size"]):
            batch = changed(normalised(pixels_NCHW[rows], pixels_NCHW.shape[-1]), schedule.last_epoch)
            parts = torch.split(network(batch), counts, 1)
            losses = [F.cross_entropy(part, indices_NO[rows, at]) for at, part in enumerate(parts)]
            optimizer.zero_grad()
            torch.autograd.backward(torch.stack(losses).sum())
            optimizer.step()
            schedule.step()
        print(f"options: epoch {epoch + 1} of {RECIPE['epochs']}", file=sys.stderr, flush=True)
    return network.eval()


def changed(images_BCHW: Tensor, step: int) -> Tensor:
    """Mirror half of the batch and shift all of it by up to `shift` pixels, edges repeated."""
    random, shift = stream(RECIPE["seed"], "options augmentation", step), int(RECIPE["shift"])
    flip = torch.rand(len(images_BCHW), generator=random) < 0.5
    images = torch.where(flip[:, None, None, None], images_BCHW.flip(3), images_BCHW)
    x, y = torch.randint(0, 2 * shift + 1, (2,), generator=random).tolist()
    padded = F.pad(images, (shift,) * 4, mode="replicate")
    moved = padded[:, :, y : y + images.shape[2], x : x + images.shape[3]]
    return moved.contiguous(memory_format=torch.channels_last)


def trained_judge(style: str, size: int) -> OptionsJudge:
    """Draw, train, and measure on held-out avatars."""
    pixels, options = drawn(style, size, *RECIPE["train_seeds"])
    classes = classes_of(options)
    network = train_network(pixels, indices_of(options, classes), classes)
    judge = OptionsJudge(network, size, classes, {})
    pixels, options = drawn(style, size, *RECIPE["held_out_seeds"])
    truth, read = indices_of(options, classes), judge.read(pixels)
    right = {name: (read[name].argmax(1) == truth[:, at]).double().mean() for at, name in enumerate(classes)}
    return OptionsJudge(network, size, classes, {name: round(float(value), 4) for name, value in right.items()})


def load_judge(cache: Path, style: str = "toon-head", size: int = 64) -> OptionsJudge:
    """Return the judge that is in the folder, or make it (a few minutes) and keep it there."""
    weights, about = cache / f"options-{style}-{size}.safetensors", cache / f"options-{style}-{size}.json"
    if about.exists() and (record := read_json(about))["recipe"] == RECIPE:
        network = options_network(size, sum(len(its) for its in record["classes"].values()))
        network.load_state_dict(load_tensors(weights))
        return OptionsJudge(network.eval(), size, record["classes"], record["accuracy"])
    began = time.perf_counter()
    judge = trained_judge(style, size)
    make_dir(cache)
    save_tensors(weights, judge.network.state_dict())
    seconds = round(time.perf_counter() - began)
    record = {"accuracy": judge.accuracy, "seconds": seconds, "classes": judge.classes, "recipe": RECIPE}
    write_json(about, record)
    return judge


def pictures_of(path: Path) -> Tensor:
    """Return the uint8 pictures of a folder, of a prepared set, or of a safetensors file's `pixels`."""
    return load_tensors(path)["pixels"] if path.suffix == ".safetensors" else open_pictures(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("generated", type=Path, nargs="?")
    parser.add_argument("--real", type=Path)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--style", default="toon-head")
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--threads", type=int)
    arguments = parser.parse_args()
    if (arguments.generated is None) != (arguments.real is None):
        parser.error("GENERATED and --real go together")
    set_threads(arguments.threads)
    keep_freed_memory()
    judge = load_judge(arguments.cache, arguments.style, arguments.size)
    print(json.dumps({"accuracy": judge.accuracy, "trusted": judge.trusted}), flush=True)
    if arguments.generated:
        print(json.dumps(judge.judge(pictures_of(arguments.generated), pictures_of(arguments.real))))


if __name__ == "__main__":
    main()
