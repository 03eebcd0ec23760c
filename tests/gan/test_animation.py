"""Previews of one grey level each: what a frame shows is known."""

from itertools import pairwise

import pytest
import torch
from PIL import Image

from aigc_cli.core.disk.provenance import read_png_label
from aigc_cli.data.samples import encode_png, grid_of
from aigc_cli.gan.animation import FRAME_MS, LAST_FRAME_MS, MOST_FRAMES, SIDE, animate


def draw_previews(folder, levels, *, size=8, channels=3):
    """Write previews as training does, all pictures of one level each; the right half is black."""
    folder.mkdir(exist_ok=True)
    for step, level in levels.items():
        pictures = torch.full((40, channels, size, size), level, dtype=torch.uint8)
        pictures[[place for place in range(40) if place % 8 > 3]] = 0
        (folder / f"step-{step:06d}.png").write_bytes(encode_png(grid_of(pictures, columns=8), "test"))
    return folder


def shown(path):
    """Return each frame's middle grey level of the first picture, its duration, and the size of the canvas."""
    levels, durations = [], []
    with Image.open(path) as image:
        for place in range(image.n_frames):
            image.seek(place)
            durations.append(image.info["duration"])
            corner = image.convert("RGB").crop((2, 2, 10, 10))
            levels.append(corner.getpixel((4, 4))[0])
        return levels, durations, image.size


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_the_frames_are_the_previews_in_the_order_of_their_steps(tmp_path, channels):
    folder = draw_previews(tmp_path, {1000000: 200, 20: 100, 3: 50}, channels=channels)
    path = animate(folder, "run.1")
    levels, durations, size = shown(path)
    assert path == folder / "training.png"
    assert levels == [50, 100, 200]
    assert durations == [FRAME_MS, FRAME_MS, LAST_FRAME_MS]
    assert size == (4 * (8 + 2) + 2, 5 * (8 + 2) + 2)  # four of the eight columns, all five rows
    assert read_png_label(path.read_bytes())["AIGC"]["ProduceID"] == "run.1"


def test_a_viewer_that_knows_no_animation_shows_the_first_preview(tmp_path):
    with Image.open(animate(draw_previews(tmp_path, {1: 50, 2: 100}), "run.1")) as image:
        assert image.convert("RGB").getpixel((5, 5)) == (50, 50, 50)


def test_many_previews_are_thinned_evenly_from_the_first_to_the_last(tmp_path):
    levels, _, _ = shown(animate(draw_previews(tmp_path, {step: 2 * step for step in range(100)}), "run.1"))
    assert len(levels) == MOST_FRAMES
    assert (levels[0], levels[-1]) == (0, 198)
    gaps = [after - before for before, after in pairwise(levels)]
    assert set(gaps) <= {12, 14}  # 99 / 15 = 6.6 steps apart: 6 or 7


def test_large_pictures_are_shown_smaller(tmp_path):
    levels, _, size = shown(animate(draw_previews(tmp_path, {1: 50, 2: 100}, size=256), "run.1"))
    assert levels == [50, 100]
    assert size[0] <= 4 * (SIDE + 2) + 2


def test_of_one_preview_there_is_no_animation(tmp_path):
    assert animate(draw_previews(tmp_path, {5: 50}), "run.1") is None
    assert [path.name for path in tmp_path.iterdir()] == ["step-000005.png"]


def test_a_damaged_preview_is_left_out_and_nothing_else_matters(tmp_path):
    folder = draw_previews(tmp_path, {1: 50, 2: 100, 3: 150})
    whole = animate(folder, "run.1").read_bytes()
    (folder / "mine.png").write_bytes(b"precious")
    assert animate(folder, "run.1").read_bytes() == whole  # its own earlier self is no frame
    cut = folder / "step-000002.png"
    cut.write_bytes(cut.read_bytes()[:100])
    assert shown(animate(folder, "run.1"))[0] == [50, 150]
