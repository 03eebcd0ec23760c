"""Minutes that mean the same on a machine whose speed drifts: seconds of a nominal speed.

A fixed workload, a 3072 x 3072 fp32 matrix product, is timed before, during and after what is measured; 310 GFLOP/s is
nominal. A second counts as measured/310 of a second; the time that the probes take counts as none. Other scripts here
import this module; run by itself it prints what the machine does now. Knows nothing of what is being timed.

python benchmarks/calibrated.py [--seconds 60]
"""

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

import torch

from aigc_cli.core.machine.device import set_threads

NOMINAL_GIGAFLOPS = 310.0
SIDE = 3072
PROBE_EVERY_SECONDS = 60.0
LARGE_DRIFT = 0.1


def gigaflops() -> float:
    """Return the speed of the fixed product now, the better of two after one to warm up, in GFLOP/s."""
    matrix = torch.ones(SIDE, SIDE)
    matrix @ matrix
    seconds = []
    for _ in range(2):
        began = time.perf_counter()
        matrix @ matrix
        seconds.append(time.perf_counter() - began)
    return 2 * SIDE**3 / min(seconds) / 1e9


class Machine:
    """The machine's speed, probed again and again."""

    def __init__(self, probe: Callable[[], float] = gigaflops) -> None:
        self._probe = probe
        self.speeds = [probe()]

    @property
    def speed(self) -> float:
        """The newest speed, in GFLOP/s."""
        return self.speeds[-1]

    def probe(self) -> float:
        """Measure again; return the mean of this and the speed before: that of the time between them."""
        self.speeds.append(self._probe())
        return sum(self.speeds[-2:]) / 2

    @property
    def drift(self) -> float:
        """By which share the fastest probe is above the slowest."""
        return max(self.speeds) / min(self.speeds) - 1

    def record(self) -> dict[str, Any]:
        """Return the speeds and their drift, and a warning where it is too large for a measurement."""
        found: dict[str, Any] = {"gigaflops": [round(speed) for speed in self.speeds], "drift": round(self.drift, 3)}
        if self.drift > LARGE_DRIFT:
            found["warning"] = f"the machine's speed drifted by {self.drift:.0%}: measure again"
        return found


class Stopwatch:
    """The time that one contestant has had, as the clock says and calibrated."""

    def __init__(self) -> None:
        self.seconds = self.calibrated = 0.0

    def add(self, seconds: float, speed: float) -> None:
        """Count seconds during which the machine had a speed in GFLOP/s."""
        self.seconds += seconds
        self.calibrated += seconds * speed / NOMINAL_GIGAFLOPS


def run_slice(
    work: Callable[[], None],
    machine: Machine,
    watch: Stopwatch,
    calibrated: float,
    now: Callable[[], float] = time.perf_counter,
) -> None:
    """Repeat a piece of work for about so many calibrated seconds, a minute by the clock at most; probe; count.

    At least one piece is done. The machine is expected to be as fast as at its newest probe, so what was meant and what
    is counted differ a little.
    """
    began = now()
    limit = min(calibrated * NOMINAL_GIGAFLOPS / machine.speed, PROBE_EVERY_SECONDS)
    work()
    while now() - began < limit:
        work()
    seconds = now() - began
    watch.add(seconds, machine.probe())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    arguments = parser.parse_args()
    set_threads(None)
    machine, ends = Machine(), time.monotonic() + arguments.seconds
    while time.monotonic() < ends:
        machine.probe()
    print(json.dumps(machine.record()))


if __name__ == "__main__":
    main()
