"""How much of the processor others take, between two looks at what has been computed so far. Loads nothing heavy.

Others are all processes but this one, and other virtual machines on the same cores. Where the system does not say what
is computed, nothing is said.
"""

import os
import time
from typing import NamedTuple

from aigc_cli.core.machine.platform import computed_seconds
from aigc_cli.core.words.messages import tr

LEAST_SECONDS = 5.0  # between two looks; the system counts in hundredths of a second, and others come and go
FULL = 0.9  # share of the cores that is computed on where whoever wants more must wait
TAKEN = 0.2  # share of the cores that others must have taken: a quiet machine shows .01 to .05
SERVED = 0.8  # share of what this process would use from which on it is not held up


class Look(NamedTuple):
    """At a time: seconds computed so far by everybody and by this process, and the cores that they were computed on."""

    at: float
    everybody: float
    own: float
    cores: float


class Load(NamedTuple):
    """Cores that others and this process have used on average, of so many."""

    others: float
    own: float
    cores: float


def look() -> Look | None:
    """Return what has been computed so far; None where the system does not say."""
    computed = computed_seconds()
    if computed is None:
        return None
    own = os.times()
    return Look(time.perf_counter(), computed[0], own.user + own.system, computed[1])


def between(before: Look, after: Look) -> Load | None:
    """Return who has used the cores between two looks.

    None where the numbers cannot be: less was computed than this process alone has, or on another number of cores.
    """
    seconds, everybody, own = (late - early for early, late in zip(before[:3], after[:3], strict=True))
    slack = 0.1 * own + 0.05  # the two counts are taken one after the other, and in ticks
    if seconds <= 0 or before.cores != after.cores or everybody + slack < own:
        return None
    return Load(max(0.0, everybody - own) / seconds, own / seconds, after.cores)


def in_words(load: Load, threads: int) -> str:
    """Say how much others take, if this process, which computes on so many threads, is held up by it; else ""."""
    full = load.others + load.own >= FULL * load.cores
    served = load.own >= SERVED * min(threads, load.cores)
    if served or not full or load.others < TAKEN * load.cores:
        return ""
    share = min(1.0, load.others / load.cores)
    return tr("the machine is busy: others take {share:.0%} of {cores:g} cores", share=share, cores=load.cores)
