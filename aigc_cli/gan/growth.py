"""At which resolution a training is: low ones first, each for its share of the time (Karras et al. 2018, 1710.10196).

A step at half the size costs less, and large shapes are learned there as well. Knows no networks.
"""

from typing import Any

from aigc_cli.gan.architectures.style import resolutions

FIRST_RESOLUTION = 16
LEAST_SIZE = 64  # smaller ones were worse for it: at 32 pixels a step costs hardly more than at 16


class Growth:
    """The course of a training of pictures of `size` that grows during the first `share` of it.

    Every resolution lasts twice as long as the one before: at 64 pixels and a share of 0.5, 16 pixels until 1/6 and 32
    until 1/2. `since` is the step at which the resolution was last changed.
    """

    def __init__(self, size: int, share: float) -> None:
        self._size = size
        below = growing_resolutions(size) if share else []
        whole = 2 ** len(below) - 1
        self._ends = {resolution: share * (2 ** (place + 1) - 1) / whole for place, resolution in enumerate(below)}
        self.resolution, self.since = (below or [size])[0], 0

    @property
    def first(self) -> int:
        """The resolution that a training begins at."""
        return next(iter(self._ends), self._size)

    def grows(self, step: int, total_steps: int | None) -> bool:
        """Whether a step is the first one at a higher resolution; from it on `resolution` is that one.

        The length of a training that is given in minutes changes with the cost of a step, so its progress is counted
        from the last change. Without a known length nothing grows.
        """
        if total_steps is None or self.resolution == self._size:
            return False
        done = self._ends.get(self.resolution // 2, 0.0)
        progress = done + (1 - done) * (step - self.since) / max(1, total_steps - self.since)
        if progress < self._ends[self.resolution]:
            return False
        self.resolution, self.since = self.resolution * 2, step
        return True

    def finish(self) -> None:
        """Go on at the full size, as with networks that were trained before."""
        self.resolution = self._size

    def state(self) -> dict[str, int]:
        """Return what an exact resume needs."""
        return {"resolution": self.resolution, "since": self.since}

    def restore(self, saved: dict[str, Any]) -> None:
        """Take back what `state` returned."""
        self.resolution, self.since = int(saved["resolution"]), int(saved["since"])


def growing_resolutions(size: int) -> list[int]:
    """Return the resolutions that a training of pictures of `size` goes through before, from the lowest on."""
    if size < LEAST_SIZE:
        return []
    return [resolution for resolution in resolutions(size) if FIRST_RESOLUTION <= resolution < size]
