"""Do the textbook's presets learn? Handwritten digits or CIFAR-10, with labels, so many calibrated minutes each.

python benchmarks/gan_textbook.py digits --out FOLDER --preset NAME [NAME …] [--minutes 5] [--marks MINUTES …]
    [--set NAME=JSON …]
python benchmarks/gan_textbook.py cifar10 --archive ZIP --out FOLDER --preset NAME [NAME …] …

`digits` are scikit-learn's 1,797 of 8 x 8 pixels, in its wheel, at 16 pixels; never mirrored, which would make other
signs of them. `cifar10` is an archive with pictures in …/train/CLASS and …/test/CLASS. Sets are made once, in FOLDER,
by what `aigc prepare images` is made of.

Presets take turns (gan_faces.py) until each has had its calibrated minutes (calibrated.py); one preset alone has them
without a break. At each mark 2,000 samples, labels in turn, are compared with pictures that no preset trains on: the
set's held-out tenth, or CIFAR-10's test pictures. What counts here is the spread, the spread within labels, and the
share whose label a classifier of real pictures recognises; sheets beside them, a row a label, are to be looked at.
One JSON line a row, then a table.
"""

import argparse
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from calibrated import Machine
from gan_faces import Contestant, Ours, judged, references_of, settings_of, trained
from PIL import Image
from torch import Tensor

from aigc_cli.config.prepare_images import PrepareImagesSettings
from aigc_cli.config.train_gan import PRESETS
from aigc_cli.core.disk.checkpoint import load_tensors
from aigc_cli.core.disk.files import make_dir, write_bytes
from aigc_cli.core.machine.device import set_threads
from aigc_cli.core.machine.platform import keep_freed_memory
from aigc_cli.core.screen.progress import SilentProgress
from aigc_cli.data.pictures.images import prepare_images
from aigc_cli.data.pictures.imageset import as_uint8, open_image_set, open_pictures
from aigc_cli.data.samples import encode_png, grid_of

SAMPLES = 2000
PICTURES_A_LABEL = 12  # on a sheet
DIGITS_SIZE, CIFAR10_SIZE = 16, 32
COLUMNS = ("who", "mark", "steps", "images_per_calibrated_second", "spread", "spread_within", "recognised", "chance")
COLUMNS += ("classifier_accuracy", "frechet[efficientnet_lite0]", "precision", "recall", "near_training")


def write_classes(pictures: Sequence[np.ndarray], classes: Sequence[str], folder: Path) -> None:
    """Write grey pictures (H, W) of 0 to 255 as PNGs, a folder a class."""
    for index, (picture, name) in enumerate(zip(pictures, classes, strict=True)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture.astype(np.uint8)).save(folder / name / f"{index:04d}.png")


def prepared(source: Path, out: Path, size: int, **more: Any) -> Path:
    """Make a set of a folder of classes, or find it made."""
    settings = PrepareImagesSettings(size=size, labels="folders", **more)
    prepare_images([str(source)], out, settings, SilentProgress())
    return out


def digits(folder: Path) -> tuple[Path, Path | None]:
    """Return the set of scikit-learn's handwritten digits; its held-out tenth is what to compare with."""
    from sklearn.datasets import load_digits

    pictures = folder / "digits-pictures"
    if not pictures.is_dir():
        found = load_digits()
        write_classes((found.images * (255 / 16)).round(), [str(digit) for digit in found.target], pictures)
    return prepared(pictures, folder / "digits", DIGITS_SIZE, mode="L"), None


def cifar10(folder: Path, archive: Path) -> tuple[Path, Path | None]:
    """Return the sets of an archive's training and test pictures."""
    pictures = folder / "cifar10-pictures"
    if not pictures.is_dir():
        with zipfile.ZipFile(archive) as packed:
            for name in packed.namelist():
                *_, split, label, file = ["", "", *Path(name).parts]
                if split in ("train", "test"):
                    place = pictures / split / label
                    place.mkdir(parents=True, exist_ok=True)
                    (place / file).write_bytes(packed.read(name))
    train, test = (
        prepared(pictures / split, folder / f"cifar10-{split}", CIFAR10_SIZE, mode="RGB") for split in ("train", "test")
    )
    return train, test


def write_sheet(path: Path, pixels: Tensor, labels: Tensor) -> None:
    """Write a sheet of kept samples, a row a label."""
    rows = [(labels == label).nonzero()[:PICTURES_A_LABEL, 0] for label in range(int(labels.max()) + 1)]
    write_bytes(path, encode_png(grid_of(pixels[torch.cat(rows)], PICTURES_A_LABEL), "benchmark"))


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Return the rows as Markdown."""
    lines = [COLUMNS, ["---"] * len(COLUMNS)]
    for row in rows:
        lines.append([f"{row[name]:.3g}" if isinstance(row[name], float) else str(row[name]) for name in COLUMNS])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", choices=("digits", "cifar10"))
    parser.add_argument("--archive", type=Path, help="of CIFAR-10")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--preset", nargs="+", choices=tuple(PRESETS), required=True)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=JSON")
    parser.add_argument("--minutes", type=float, default=5.0, help="calibrated, for each preset")
    parser.add_argument("--marks", type=float, nargs="*", default=[], help="minutes after which to judge too")
    parser.add_argument("--slice", type=float, default=20, help="seconds of a turn")
    parser.add_argument("--threads", type=int)
    arguments = parser.parse_args()
    if arguments.pictures == "cifar10" and arguments.archive is None:
        parser.error("cifar10 needs --archive")
    return arguments


def main() -> None:
    arguments = parsed()
    set_threads(arguments.threads)
    keep_freed_memory()
    out = make_dir(arguments.out)
    made = digits(out) if arguments.pictures == "digits" else cifar10(out, arguments.archive)
    own = {"augment": "none"} if arguments.pictures == "digits" else {}
    given = {**own, **settings_of(arguments.set)}
    contestants: dict[str, Contestant] = {
        preset: Ours(made[0], {"preset": preset, **given}) for preset in arguments.preset
    }
    images = open_image_set(made[0])
    real = open_pictures(made[1]) if made[1] else as_uint8(images.pixels[images.is_valid])
    machine = Machine()
    marks = [*(mark for mark in sorted({*arguments.marks}) if 0 < mark < arguments.minutes), arguments.minutes]
    records = trained(contestants, machine, marks, arguments.slice, SAMPLES, out)
    print(json.dumps({"pictures": arguments.pictures, "set": given, "real": len(real), "machine": machine.record()}))
    references, rows = references_of(images, real), []
    for record in records:
        kept = load_tensors(Path(record["samples"]))
        write_sheet(Path(record["samples"]).with_suffix(".png"), kept["pixels"], kept["labels"])
        rows.append(judged(record, images, real, references, None))
        print(json.dumps(rows[-1]), flush=True)
    print(table(rows))


if __name__ == "__main__":
    main()
