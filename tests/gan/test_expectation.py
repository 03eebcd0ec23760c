"""What a training is said to come to, against the trainings that were measured."""

from pathlib import Path

import pytest

from aigc_cli.config.base import resolve
from aigc_cli.config.train_gan import PRESETS, TrainGanSettings
from aigc_cli.gan.expectation import MEASURED, expectation_in_words

RESULTS = (Path(__file__).parents[2] / "benchmarks" / "RESULTS.md").read_text()


def said(size, steps, *, labelled=False, **changes):
    settings = resolve(TrainGanSettings, {"preset": "projected", **changes}, presets=PRESETS)
    return expectation_in_words(settings, size, steps, labelled=labelled)


@pytest.mark.parametrize("row", MEASURED, ids=lambda row: f"{row.size}-{row.steps}")
def test_each_row_is_one_of_the_table_under_its_heading(row):
    section = RESULTS.split(f"\n## {row.heading}\n")[1].split("\n## ")[0]
    cells = [line.replace("*", "").split(" | ") for line in section.splitlines() if line.startswith("| ")]
    assert [f"{8 * row.steps:,}", str(row.distance)] in [line[at : at + 2] for line in cells for at in range(len(line))]


@pytest.mark.parametrize("row", MEASURED, ids=lambda row: f"{row.size}-{row.steps}")
def test_a_measured_training_is_named_with_its_length_and_distance(row):
    for steps in (row.steps, int(0.8 * row.steps), int(1.2 * row.steps)):
        assert f"{row.steps} steps" in said(row.size, steps, seed=5, threads=1)
        assert f"distance of {row.distance} " in said(row.size, steps)


@pytest.mark.parametrize(
    "changes",
    [
        {"batch_size": 128},
        {"preset": "small"},
        {"preset": "tiny"},
        {"loss": "hinge"},
        {"width": 0.5},
        {"init": "runs/face"},
        {"augment": "flip,translate"},
        {"schedule": "linear"},
        {"labelled": True},
    ],
)
def test_nothing_is_said_of_what_was_not_measured(changes):
    assert said(64, 2_770)
    assert said(64, 2_770, **changes) == ""


@pytest.mark.parametrize(("size", "steps"), [(64, 94), (64, 7_000), (64, 100_000), (128, 2_770), (16, 1_546)])
def test_nothing_is_said_of_other_sizes_and_lengths(size, steps):
    assert said(size, steps) == ""
