"""What a training is expected to end with, against the trainings that were measured and looked at."""

import pytest

from aigc_cli.config.train_gan import TrainGanSettings
from aigc_cli.gan.expectation import expectation_in_words

# (pictures, size, projected, what the sheet showed): the tables and remarks of benchmarks/RESULTS.md, and the README's
MEASURED = (
    (7_712, 64, True, "recognisable pictures with blotches"),
    (18_912, 64, True, "clear pictures with smudged details"),
    (29_912, 64, True, "clear pictures with smudged details"),
    (14_264, 32, False, "recognisable pictures with blotches"),
    (18_744, 32, False, "recognisable pictures with blotches"),
)


@pytest.mark.parametrize(("images", "size", "projected", "seen"), MEASURED)
def test_words_are_those_of_the_trainings_that_were_looked_at(images, size, projected, seen):
    words = expectation_in_words(TrainGanSettings(projected=projected), size, images)
    assert words.startswith(f"expect {seen} in the end")


@pytest.mark.parametrize("projected", [False, True])
def test_the_shortest_trainings_are_promised_least(projected):
    assert "rough shapes" in expectation_in_words(TrainGanSettings(projected=projected), 64, 1_000)


@pytest.mark.parametrize(
    ("settings", "size"),
    [
        (TrainGanSettings(arch="dcgan"), 64),
        (TrainGanSettings(init="runs/face"), 64),
        (TrainGanSettings(), 128),
    ],
)
def test_nothing_is_promised_for_what_was_not_measured(settings, size):
    assert expectation_in_words(settings, size, 1_000_000) == ""
