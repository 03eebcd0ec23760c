"""What trainings like this one came to, where there were any. Knows no networks.

Each row is a whole training of `benchmarks/RESULTS.md`, on 4,096 drawn faces without labels, and speaks for trainings
of the same settings and about the same length alone: of all others nothing is said.
"""

from dataclasses import asdict, dataclass

from aigc_cli.config.base import resolve
from aigc_cli.config.train_gan import PRESETS, TrainGanSettings, completed
from aigc_cli.core.words.messages import tr

# What has no part in what a training ends with, or not enough to matter beside one seed
NO_PART = "preset minutes steps metric metric_images evaluations log_every_steps save_minutes save_every keep "
NO_PART += "tensorboard plateau_patience patience sweep_minutes sweep_only seed threads device resume lock_wait dry_run"
ABOUT = 0.25  # how much longer or shorter is about the same length


@dataclass(frozen=True)
class Measured:
    """A training: its preset, the set's size, its steps, the frechet[efficientnet_lite0] it ended with, its heading."""

    preset: str
    size: int
    steps: int
    distance: int
    heading: str


MEASURED = (
    Measured("projected", 64, 2_770, 132, "Faces: 64 pixels, minutes"),
    Measured("projected", 64, 14_905, 76, "Faces: 64 pixels, thirty minutes"),
    Measured("projected", 32, 1_546, 104, "Faces: 32 pixels"),
)


def expectation_in_words(settings: TrainGanSettings, size: int, steps: int, *, labelled: bool) -> str:
    """Say what a measured training of these settings, size and about as many steps came to; "" where none was."""
    for row in MEASURED:
        about = abs(steps - row.steps) <= ABOUT * row.steps
        if about and size == row.size and not labelled and _recipe(settings) == _recipe_of(row.preset):
            return tr(
                "measured: {steps} steps with these settings on 4,096 drawn faces came to a distance of {distance} "
                "(frechet[efficientnet_lite0]); other pictures come to others",
                steps=row.steps,
                distance=row.distance,
            )
    return ""


def _recipe(settings: TrainGanSettings) -> dict[str, object]:
    return {name: value for name, value in asdict(completed(settings)).items() if name not in NO_PART.split()}


def _recipe_of(preset: str) -> dict[str, object]:
    return _recipe(resolve(TrainGanSettings, {"preset": preset}, presets=PRESETS))
