"""Peak memory of `aigc prepare images` on archives of pictures that are small on disk and large in memory.

    python benchmarks/prepare_memory.py [--count 24] [--side 5000] [--threads 16]

Draws a zip for each kind, decodes it in a process of its own, and prints a JSON line: bytes of the archive, of one
picture as `decoded_bytes` reckons it from its header, and the peak of the process above that of one that decodes small
pictures. The budget of `data/pictures/decoding` should hold it.
"""

import argparse
import io
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from aigc_cli.data.pictures.decoding import BUDGET
from aigc_cli.data.pictures.deep import encode_png_16
from aigc_cli.data.pictures.picture import SquareShape, decoded_bytes

SHAPE = SquareShape(size=64, mode="auto", min_side=8, max_pixels=1e9)
PREPARE = """
import sys
from aigc_cli.core.machine.platform import peak_memory
from aigc_cli.data.pictures.decoding import decoded
from aigc_cli.data.pictures.picture import SquareShape
from aigc_cli.data.pictures.sources import open_source
shape = SquareShape(size=64, mode="auto", min_side=8, max_pixels=1e9)
made = [made for _, made in decoded(open_source(sys.argv[1]).pictures(), shape, threads=int(sys.argv[2]))]
print(peak_memory(), sum(hasattr(one, "pixels") for one in made))
"""


def encoded(kind: str, side: int, number: int) -> bytes:
    """Return one file of a kind; no two are alike."""
    file = io.BytesIO()
    if kind == "deep":
        flat = np.zeros((side, side, 3), np.uint16)
        flat[0, number] = 65535
        return encode_png_16(flat)
    mode = {"bits": "1", "clear": "RGBA"}.get(kind, "RGB")
    image = Image.new(mode, (side, side))
    image.putpixel((number, 0), 1 if mode == "1" else (255,) * len(image.getbands()))
    options = {"progressive": True} if kind == "progressive" else {}
    image.save(file, {"jpeg": "JPEG", "progressive": "JPEG", "webp": "WEBP"}.get(kind, "PNG"), **options)
    return file.getvalue()


def peak_of(archive: Path, threads: int) -> int:
    """Return the peak memory of a process that decodes an archive, in bytes."""
    words = [sys.executable, "-c", PREPARE, str(archive), str(threads)]
    return int(subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()[0])


def main() -> None:
    """Measure each kind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("--side", type=int, default=5000)
    parser.add_argument("--threads", type=int, default=16)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        base = 0
        for kind in ("small", "bits", "colour", "clear", "deep", "jpeg", "progressive", "webp"):
            side = 64 if kind == "small" else asked.side
            archive = Path(folder, f"{kind}.zip")
            with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as opened:
                for number in range(asked.count):
                    data = encoded(kind, side, number)
                    opened.writestr(f"{number}.png", data)
            peak = peak_of(archive, asked.threads)
            base = base or peak
            record = {"kind": kind, "archive_bytes": archive.stat().st_size, "budget": BUDGET}
            record |= {"one": decoded_bytes(data, SHAPE), "peak_above_small": peak - base}
            print(json.dumps(record), flush=True)


if __name__ == "__main__":
    main()
