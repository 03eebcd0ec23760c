"""The training of faces as an animated picture: an APNG of the previews, made again from their files.

Knows no networks, and of a preview only that it is a grid of eight columns of pictures, two white pixels around each.
"""

import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from aigc_cli.core.disk.files import read_bytes, write_bytes
from aigc_cli.core.disk.provenance import ai_label, label_png
from aigc_cli.core.disk.rundir import ANIMATION
from aigc_cli.data.pictures.deep import Unusable
from aigc_cli.data.pictures.picture import CHANNELS, decode_png

COLUMNS = 8  # of a preview; the left half of them is shown, so that every row (every label) is
SIDE = 64  # of a shown picture at most, in pixels
MOST_FRAMES = 16
FRAME_MS, LAST_FRAME_MS = 300, 2000


def animate(folder: Path, content_id: str) -> Path | None:
    """Write `training.png` beside the previews `step-*.png` of a folder and return its path; None where fewer than two.

    A pure function of those files: a resumed training writes what an uninterrupted one does. Its size is bounded for
    any number of previews and any size of the pictures. A preview that somebody has damaged is left out.
    """
    frames = [frame for path in evenly(sorted(folder.glob("step-*.png"))) if (frame := _frame(path))]
    frames = [frame for frame in frames if (frame.size, frame.mode) == (frames[-1].size, frames[-1].mode)]
    if len(frames) < 2:
        return None
    durations = [FRAME_MS] * (len(frames) - 1) + [LAST_FRAME_MS]
    buffer = io.BytesIO()
    frames[0].save(buffer, "PNG", save_all=True, append_images=frames[1:], duration=durations, loop=0)
    write_bytes(folder / ANIMATION, label_png(buffer.getvalue(), ai_label(content_id)))
    return folder / ANIMATION


def evenly(paths: Sequence[Path]) -> list[Path]:
    """Return at most MOST_FRAMES of the paths at even distances, the first and the last among them."""
    if len(paths) <= MOST_FRAMES:
        return list(paths)
    return [paths[round(place * (len(paths) - 1) / (MOST_FRAMES - 1))] for place in range(MOST_FRAMES)]


def _frame(path: Path) -> Image.Image | None:
    """Return the left half of a preview's grid, with pictures no larger than SIDE."""
    try:
        pixels, height, width, channels = decode_png(read_bytes(path))
    except Unusable:
        return None
    modes = {count: mode for mode, count in CHANNELS.items()}
    grid = Image.frombytes(modes[channels], (width, height), pixels)
    half = grid.crop((0, 0, (width + 2) // 2, height))
    scale = min(1.0, SIDE / ((width - 2) / COLUMNS - 2))
    size = (round(half.width * scale), round(half.height * scale))
    return half if scale == 1.0 else half.resize(size, Image.Resampling.LANCZOS)
