"""`aigc train-gpt --find-lr`: the sweep of learning rates, drawn or as records, and what it suggests."""

import math
from collections.abc import Callable
from typing import Any

from aigc_cli.commands.metrics import draw
from aigc_cli.core.errors import AigcError, UsageProblem
from aigc_cli.core.machine.distributed import several
from aigc_cli.core.screen.console import Console
from aigc_cli.core.words.messages import tr

SCHEMA = "aigc.find-lr/1"


def find_learning_rate(console: Console, threads: int | None, build: Callable[[], Any]) -> None:
    """Sweep the learning rates of the trainer that `build` returns, and print each trial and the suggestions."""
    if several():
        raise UsageProblem(tr("--find-lr runs in one process"), tr("start it without torchrun"))
    from aigc_cli.core.machine.device import set_threads
    from aigc_cli.training.range_test import POINTS, suggestions, sweep

    console.talk(tr("loading …"))
    set_threads(threads)
    trainer, progress, trials = build(), console.progress(), []
    progress.stage(tr("trying learning rates"), POINTS, tr("steps"))
    for trial in sweep(trainer):
        trials.append(trial)
        progress.advance(1, tr("loss {loss:.3f}", loss=trial.smoothed_loss))
        if console.json_output:
            losses = {"loss": trial.loss, "smoothed_loss": trial.smoothed_loss}
            console.data({"schema": SCHEMA, "factor": trial.factor, **trial.rates, **losses})
    progress.close()
    found = suggestions(trials)
    if not found:
        raise AigcError(tr("the loss did not fall at any learning rate"), tr("lower --learning-rate, which is swept"))
    if not console.json_output:
        curve = [(math.log10(trial.factor), trial.smoothed_loss) for trial in trials]
        draw({tr("loss"): curve}, tr("log10 of the factor on the learning rates"))
    console.rows(
        {"schema": SCHEMA, "suggestion": name, "factor": trial.factor, **trial.rates} for name, trial in found.items()
    )
