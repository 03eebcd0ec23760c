"""What the loop asks of something that trains. Not a base class: whatever has these methods can be trained."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from aigc_cli.training.schedule import Schedule

if TYPE_CHECKING:
    from torch import Tensor


class Trainer(Protocol):
    """What the loop needs of something that trains. `objective` names the validation metric; lower is better.

    `counted` is the metric of `update` that says how much a step saw ("tokens"), to be logged by the second too. A
    metric called "loss" is watched for divergence. `pace_since` is the step from which on a step costs what it
    does now: 0 unless the training grows.
    """

    objective: str
    counted: str
    pace_since: int
    schedule: Schedule
    lr_scale: float  # set by the loop after roll-backs and on a plateau; `update` multiplies every learning rate by it

    def update(self, step: int, total_steps: int | None) -> "Mapping[str, float | Tensor]":
        """Do optimisation step `step` (0-based) and return scalars to log."""

    def evaluate(self, step: int) -> dict[str, float]:
        """Return validation metrics, `objective` among them; must not disturb training."""

    def trouble(self, metrics: Mapping[str, float]) -> str:
        """Say what an evaluation shows to have gone wrong, so that the loop goes back ("" if nothing)."""

    def state(self) -> "tuple[dict[str, Tensor], dict[str, Any]]":
        """Return all tensors and JSON scalars that exact resume needs."""

    def restore(self, tensors: "dict[str, Tensor]", scalars: dict[str, Any]) -> None:
        """Take back what `state` returned."""

    def export(self, root: Path, step: int, metrics: dict[str, float]) -> None:
        """Write the model files in the run's root, each atomically: these are the best weights so far."""

    def preview(self, folder: Path, step: int) -> str:
        """Write previews into a folder and return a line to show ("" for none)."""

    def summary(self, metrics: dict[str, float]) -> str:
        """Say where training stands in a few words, from the last logged or evaluated metrics."""

    def expectation(self, total_steps: int) -> str:
        """Say what a training of so many steps is likely to end with ("" where that is not known)."""
