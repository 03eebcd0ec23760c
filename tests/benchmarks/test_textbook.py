"""The sets of the textbook benchmark: each picture under its label, at its size, and a sheet with a row a label."""

import importlib
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from aigc_cli.data.pictures.imageset import open_image_set

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def textbook(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("gan_textbook")


def test_pictures_become_a_set_of_their_classes_at_the_size_asked_for(textbook, tmp_path):
    random = np.random.default_rng(0)
    brightness = [20, 200] * 12
    pictures = [level + random.integers(-9, 10, (8, 8)) for level in brightness]
    textbook.write_classes(pictures, ["dark" if level == 20 else "light" for level in brightness], tmp_path / "classes")
    made = open_image_set(textbook.prepared(tmp_path / "classes", tmp_path / "set", 16, mode="L"))
    assert (made.size, made.channels, made.label_names, len(made.pixels)) == (16, 1, ("dark", "light"), 24)
    means = made.pixels.float().mean((1, 2, 3))
    assert torch.equal(made.labels == 1, means > 110)
    assert 0 < int(made.is_valid.sum()) < 24


def test_an_archive_s_two_halves_become_two_sets(textbook, tmp_path):
    with zipfile.ZipFile(tmp_path / "pictures.zip", "w") as packed:
        for index, (split, label) in enumerate(
            [("train", "cat"), ("train", "dog"), ("test", "cat"), ("test", "dog")] * 3
        ):
            path = tmp_path / "one.png"
            Image.fromarray(np.full((32, 32, 3), 20 * index, np.uint8)).save(path)
            packed.write(path, f"cifar10/{split}/{label}/{index}.png")
    train, test = (open_image_set(path) for path in textbook.cifar10(tmp_path, tmp_path / "pictures.zip"))
    assert (len(train.pixels), len(test.pixels)) == (6, 6)
    assert train.label_names == test.label_names == ("cat", "dog")
    assert {int(value) for value in train.pixels[:, 0, 0, 0]}.isdisjoint(test.pixels[:, 0, 0, 0].tolist())


def test_a_sheet_has_a_row_for_each_label(textbook, tmp_path):
    labels = torch.arange(30) % 2
    pixels = (100 + 100 * labels)[:, None, None, None].expand(-1, 1, 4, 4).to(torch.uint8)
    textbook.write_sheet(tmp_path / "sheet.png", pixels, labels)
    with Image.open(tmp_path / "sheet.png") as sheet:
        levels = torch.tensor(np.asarray(sheet))
    assert levels.shape == (2 * 6 + 2, 12 * 6 + 2)
    assert set(levels[2:6].unique().tolist()) == {100, 255} and set(levels[8:12].unique().tolist()) == {200, 255}
