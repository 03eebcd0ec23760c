"""Grey, transparent and 16-bit pictures stay what they are, from the files through training to the samples."""

import json

import numpy as np
import pytest
from PIL import Image

from aigc_cli.core.disk.provenance import read_png_label


@pytest.fixture(scope="module")
def gradient(cli, small, tmp_path_factory):
    """A folder with 24 grey gradients of 16 bits, the set of them, and a run of two steps on it."""
    folder = tmp_path_factory.mktemp("depth")
    (folder / "scans").mkdir()
    for index in range(24):
        ramp = (np.arange(256).reshape(16, 16) * (200 + index)).astype(np.uint16)
        Image.fromarray(ramp).save(folder / "scans" / f"{index}.png")
    (made,) = cli.records(folder, "prepare", "images", "scans", "-o", "set", "--size", "16", "--consent", "public")
    assert (made["mode"], made["channels"], made["bit_depth"], made["value_range"]) == ("L", 1, 16, [0, 65535])
    cli.records(folder, "train-gan", "set", "-o", "run", "--steps", "2", *small["face"])
    return folder


def test_a_set_holds_16_bits_exactly(gradient):
    with Image.open(gradient / "set" / "images" / "000000.png") as picture:
        assert picture.mode == "I;16"
        assert (np.asarray(picture) == np.arange(256).reshape(16, 16) * 200).all()


def test_samples_are_pngs_of_16_bits_with_the_label(cli, gradient):
    words = ("sample", "run", "-n", "4", "-o", "faces", "--grid", "grid.png")
    for record in cli.records(gradient, *words):
        png = (gradient / record["path"]).read_bytes()
        assert png[24:26] == bytes([16, 0])  # bits of a number, and grey (PNG specification, sec. 11.2.2)
        assert read_png_label(png)["AIGC"]["Label"] == "1"
        with Image.open(gradient / record["path"]) as picture:
            numbers = np.asarray(picture)
        assert (numbers % 257 != 0).any()  # more than 8 bits, each said twice
    assert json.loads((gradient / "run" / "config.json").read_text())["bit_depth"] == 16
    with Image.open(gradient / "grid.png") as grid:
        assert grid.mode == "L"
        first = np.asarray(Image.open(gradient / "faces" / "000000.png"))
        assert (np.asarray(grid)[2:18, 2:18] == np.floor(first / 257 + 0.5)).all()


def test_samples_are_judged_in_the_range_of_8_bits(cli, gradient):
    (report,) = cli.records(
        gradient, "eval", "images", "set", "set/images", "--extractor", "random_conv", "--split", "all"
    )
    assert report["metrics"]["frechet[random_conv]"] < 1e-3


def test_other_depths_and_modes_are_made_when_asked_for(cli, gradient):
    words = ("prepare", "images", "scans", "--size", "16", "--dry-run", "-o", "other")
    for options, expected in (
        (("--depth", "8"), ("L", 8, 1)),
        (("--mode", "RGB"), ("RGB", 16, 3)),
        (("--mode", "RGBA", "--depth", "8"), ("RGBA", 8, 4)),
    ):
        (made,) = cli.records(gradient, *words, *options)
        assert (made["mode"], made["bit_depth"], made["channels"]) == expected
