"""Cut the face out of photographs of one face each, for `aigc prepare images`.

python benchmarks/face_crops.py PHOTOGRAPHS --out FOLDER --face-api FOLDER [--margin 0.1]

The detector of face-api (face_api.py) finds the face. The crop is a square around the middle of its box; its side is
the longer one of the box and on each side the margin's share of it more; it is moved back into the photograph where it
leaves it, and made smaller where it does not fit. Every crop is written as PNG under the photograph's name. Nothing is
turned or mirrored. One JSON line says how many, and how sure the detector was of the one that it was least sure of.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from face_api import Box, Detector
from PIL import Image
from torch import Tensor

from aigc_cli.core.disk.files import make_dir


def cropped(picture_CHW: Tensor, box: Box, margin: float) -> Tensor:
    """Return the square around a face of a picture, moved and made smaller so that it lies in the picture."""
    height, width = picture_CHW.shape[1:]
    side = min(height, width, max(1, round(max(box.width, box.height) * (1 + 2 * margin))))
    left, top = (
        min(max(0, round(first + length / 2 - side / 2)), whole - side)
        for first, length, whole in ((box.x, box.width, width), (box.y, box.height, height))
    )
    return picture_CHW[:, top : top + side, left : left + side]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photographs", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--face-api", type=Path, required=True)
    parser.add_argument("--margin", type=float, default=0.1)
    arguments = parser.parse_args()
    detector, out, scores = Detector(arguments.face_api), make_dir(arguments.out), {}
    for path in sorted(arguments.photographs.iterdir()):
        if path.suffix.lower() not in (".jpeg", ".jpg", ".png"):
            continue
        with Image.open(path) as photograph:
            grey = photograph.mode == "L"
            pixels = torch.from_numpy(np.array(photograph.convert("L" if grey else "RGB"))).view(
                photograph.height, photograph.width, -1
            )
        box = detector(pixels.permute(2, 0, 1))
        scores[path.name] = box.score
        face = cropped(pixels.permute(2, 0, 1), box, arguments.margin).permute(1, 2, 0).numpy()
        Image.fromarray(face[:, :, 0] if grey else face).save(out / f"{path.stem}.png")
    if not scores:
        raise SystemExit(f"{arguments.photographs}: no photographs")
    least = min(scores, key=scores.__getitem__)
    print(json.dumps({"faces": len(scores), "least_sure": {least: round(scores[least], 3)}}))


if __name__ == "__main__":
    main()
