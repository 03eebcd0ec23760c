"""How strong augmentation should be, from how far the critic overfits (Karras et al. 2020, arXiv:2006.06676, sec. 3).

Numbers alone: three sums of logits and one strength. Knows no networks.
"""

from typing import Any

TARGET = 0.5  # overfitting: 0 where held-out pictures are judged like training ones, 1 where like generated ones
MEASURED_EVERY = 8  # steps between measurements: each costs the critic a look at three batches
MEASUREMENTS = 4  # behind each change, for one batch says little
IMAGES = 20_000  # training pictures in which the strength may go from 0 to 1
STRONGEST = 0.8  # above it the generator begins to copy augmentations (there, fig. 5)


class Adaptation:
    """The strength, and the sums of logits since it was last changed; its `state` is all there is."""

    def __init__(self, strength: float) -> None:
        self.strength = min(strength, STRONGEST)
        self._sums = [0.0, 0.0, 0.0]
        self._count = 0

    @staticmethod
    def due(step: int) -> bool:
        """Whether to measure after a step."""
        return (step + 1) % MEASURED_EVERY == 0

    def take(self, train: float, valid: float, generated: float, batch_size: int) -> None:
        """Take the mean logits of pictures of each kind, all augmented alike; every few times, move the strength.

        It moves towards what brings (D(train) - D(held-out)) / (D(train) - D(generated)) to `TARGET`, as far as the
        pictures of a batch size since the last move allow, within 0 and `STRONGEST`.
        """
        self._sums = [total + mean for total, mean in zip(self._sums, (train, valid, generated), strict=True)]
        self._count += 1
        if self._count < MEASUREMENTS:
            return
        train, valid, generated = self._sums
        # The sign of overfitting - TARGET, without dividing by a gap that may be next to nothing.
        too_far = train > generated and train - valid > TARGET * (train - generated)
        move = MEASURED_EVERY * MEASUREMENTS * batch_size / IMAGES
        self.strength = min(STRONGEST, max(0.0, self.strength + (move if too_far else -move)))
        self._sums, self._count = [0.0, 0.0, 0.0], 0

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint needs, as JSON values."""
        return {"strength": self.strength, "sums": self._sums, "count": self._count}

    def restore(self, state: dict[str, Any]) -> None:
        """Take back what `state` returned."""
        self.strength, self._count = float(state["strength"]), int(state["count"])
        self._sums = [float(total) for total in state["sums"]]
