"""Learning-rate schedules: pure functions from the step to a factor in [0, 1].

`total_steps` is None while a time budget has not yet been resolved to a number of steps; every schedule
then holds its peak, so what ran before the resolution stays valid.
"""

import math

SCHEDULES = ("constant", "linear", "cosine", "trapezoid")


def learning_rate_factor(
    kind: str, step: int, total_steps: int | None, *, warmup_steps: int = 0, cooldown_fraction: float = 0.5
) -> float:
    """Return the factor on the peak learning rate for a 0-based step.

    Warm-up is linear over `warmup_steps`. After it: `constant` stays at 1; `linear` falls to 0 at the end;
    `cosine` is (1 + cos(pi t)) / 2 (Loshchilov & Hutter 2017, arXiv:1608.03983, eq. 5); `trapezoid` stays at 1
    and falls linearly over the last `cooldown_fraction` of all steps (Hägele et al. 2024, arXiv:2405.18392).
    """
    if kind not in SCHEDULES:
        raise ValueError(f"unknown schedule {kind!r}")
    if step < warmup_steps:
        return (step + 1) / (warmup_steps + 1)
    if total_steps is None or kind == "constant":
        return 1.0
    if kind == "trapezoid":
        cooldown_steps = max(1, round(cooldown_fraction * total_steps))
        return min(1.0, max(0, total_steps - step) / cooldown_steps)
    progress = min(1.0, (step - warmup_steps) / max(1, total_steps - warmup_steps))
    if kind == "linear":
        return 1.0 - progress
    return 0.5 * (1.0 + math.cos(math.pi * progress))
