"""Which settings? Each combination is tried for a while, on weights that are thrown away, and judged as a run is.

What can be tried does not change the cost of a step, so equal minutes are equal steps: the first trial measures how
many they are and the others take the same number, however the machine's speed drifts. A trial that is done is in the
run folder at once and is not repeated. Knows no screens, and no networks but through a trainer.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aigc_cli.config.base import as_json, did_you_mean, validate
from aigc_cli.config.train_gan import TrainGanSettings
from aigc_cli.core.disk.files import read_jsonl, write_jsonl
from aigc_cli.core.disk.rundir import NOT_COMPARED
from aigc_cli.core.errors import AigcError, UsageProblem
from aigc_cli.core.screen.progress import Progress
from aigc_cli.core.words.messages import tr
from aigc_cli.training.clockwork import Clockwork

if TYPE_CHECKING:
    import torch

    from aigc_cli.data.pictures.imageset import ImageSet
    from aigc_cli.gan.trainer import GanTrainer

SCHEMA = "aigc.sweep/1"
# What can be tried, and the settings that it sets.
NAMES = {
    "gamma": ("gamma",),
    "lr": ("lr_g", "lr_d"),
    "lr_g": ("lr_g",),
    "lr_d": ("lr_d",),
    "beta1": ("beta1",),
    "beta2": ("beta2",),
    "gp_weight": ("gp_weight",),
    "clip_weights": ("clip_weights",),
}
LOOK_EVERY = 20
Scores = Callable[["GanTrainer"], Mapping[str, float]]


@dataclass(frozen=True)
class Trial:
    """One combination: its values by the names that were asked for, and the settings with them."""

    values: dict[str, float]
    settings: TrainGanSettings


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """The trials of one sweep: of how many minutes each, on which data, and the file that keeps what came of them."""

    trials: tuple[Trial, ...]
    minutes: float
    data_hash: str
    path: Path

    def done(self) -> list[dict[str, Any]]:
        """Return the records of trials that are done, in the order of the trials."""
        kept = self._kept()
        newest = (next((one for one in reversed(kept) if self._is_of(one, trial)), None) for trial in self.trials)
        return [record for record in newest if record is not None]

    def begun(self) -> Mapping[str, Any] | None:
        """Return the settings of the newest trial of this sweep that is done, with whatever settings beside its values.

        None where there is none: a sweep of other values, minutes or data is another one.
        """
        values = [trial.values for trial in self.trials]
        ours = (record["settings"] for record in reversed(self._kept()) if record.get("values") in values)
        return next(ours, None)

    def run(
        self,
        build: Callable[[TrainGanSettings], "GanTrainer"],
        score: Scores,
        progress: Progress,
        stop: Callable[[], None],
    ) -> list[dict[str, Any]]:
        """Do the trials that are not done yet, and return the records of all.

        `score` gives the distance first, and the spread. `stop` is called at each step, and may raise.
        """
        for place, trial in enumerate(self.trials, start=1):
            done = self.done()
            if any(record["values"] == trial.values for record in done):
                continue
            words = ", ".join(f"{name} {value:g}" for name, value in trial.values.items())
            steps = next((record["steps"] for record in done if record["steps"]), None)
            title = tr("trial {place} of {count}, {words}", place=place, count=len(self.trials), words=words)
            outcome = _tried(build(trial.settings), score, steps, self.minutes, title, progress, stop)
            others = list(read_jsonl(self.path)) if self.path.is_file() else []
            write_jsonl(self.path, [*others, {**self._record(trial), **outcome}])
        return self.done()

    def _record(self, trial: Trial) -> dict[str, Any]:
        settings = {name: value for name, value in as_json(trial.settings).items() if name not in NOT_COMPARED}
        made = {"values": trial.values, "minutes": self.minutes, "data": self.data_hash, "settings": settings}
        return {"schema": SCHEMA, **made}

    def _kept(self) -> list[dict[str, Any]]:
        """Return the records of all trials on this data, of these minutes, the newest last."""
        ours = {"schema": SCHEMA, "minutes": self.minutes, "data": self.data_hash}
        kept = read_jsonl(self.path) if self.path.is_file() else ()
        of_ours = (record for record in kept if all(record.get(name) == value for name, value in ours.items()))
        return [record for record in of_ours if isinstance(record.get("settings"), dict)]

    def _is_of(self, record: Mapping[str, Any], trial: Trial) -> bool:
        """Say whether a record is a trial's. A setting that its version did not have cannot have been another."""
        old, new = record["settings"], self._record(trial)["settings"]
        same = all(name not in old or old[name] == value for name, value in new.items())
        return same and record.get("values") == trial.values


def trials_of(asked: Sequence[str], settings: TrainGanSettings) -> tuple[Trial, ...]:
    """Return every combination of what `--sweep NAME=A,B,…` asked for, in that order.

    UsageProblem for a name that cannot be tried, a setting asked for twice, and values that are none.
    """
    columns: dict[str, list[float]] = {}
    taken: set[str] = set()
    for text in asked:
        name, _, values = text.partition("=")
        name = name.strip().replace("-", "_")
        if name not in NAMES:
            raise UsageProblem(tr("--sweep {name!r} is not known", name=name), did_you_mean(name, tuple(NAMES)))
        if taken & set(NAMES[name]):
            raise UsageProblem(tr("--sweep {name} is given twice", name=name), tr("put all values into one list"))
        taken |= set(NAMES[name])
        columns[name] = _numbers(name, values)
    trials = [dict(zip(columns, values, strict=True)) for values in product(*columns.values())]
    return tuple(Trial(values, _with(settings, values)) for values in trials)


def swept_by(trials: Sequence[Trial]) -> set[str]:
    """Return the settings that trials set."""
    return {field for name in trials[0].values for field in NAMES[name]}


def _numbers(name: str, text: str) -> list[float]:
    numbers: list[float] = []
    for part in text.split(","):
        try:
            numbers.append(float(part))
        except ValueError as error:
            raise UsageProblem(
                tr("--sweep {name}: {part!r} is not a number", name=name, part=part.strip()),
                tr("for example --sweep {name}=0.5,2", name=name),
            ) from error
    if len(set(numbers)) < max(2, len(numbers)):
        raise UsageProblem(
            tr("--sweep {name} needs two values or more, each once", name=name),
            tr("for example --sweep {name}=0.5,2", name=name),
        )
    return numbers


def _with(settings: TrainGanSettings, values: Mapping[str, float]) -> TrainGanSettings:
    """Return the settings with a trial's values; UsageProblem for one that is out of bounds."""
    changed = {field: value for name, value in values.items() for field in NAMES[name]}
    settings = replace(settings, **changed)  # type: ignore[arg-type]
    validate(settings)
    return settings


def _tried(
    trainer: "GanTrainer",
    score: Scores,
    steps: int | None,
    minutes: float,
    title: str,
    progress: Progress,
    stop: Callable[[], None],
) -> dict[str, Any]:
    """Train, and return what came of it: status, distance and spread, steps planned, seconds taken.

    Without a number of steps it becomes known early on, from the speed and from how long judging takes.
    """
    work, started = Clockwork(total_steps=steps, minutes=minutes), time.monotonic()
    progress.stage(title, steps, tr("steps"))
    scores: Mapping[str, float] = {}
    while work.step != work.total_steps:
        metrics = trainer.update(work.step, work.total_steps)
        work.step += 1
        work.elapsed_seconds = time.monotonic() - started
        progress.advance()
        stop()
        last = work.step == work.total_steps
        if (last or work.step % LOOK_EVERY == 0) and not _finite(metrics):
            break
        if work.total_steps is None and work.probed(60 * minutes):
            if not _finite(metrics):
                break
            seconds_per_step = work.elapsed_seconds / work.step
            score(trainer)
            taken = time.monotonic() - started
            work.evaluations_seconds, work.elapsed_seconds = taken - work.elapsed_seconds, taken
            work.resolve(minutes, seconds_per_step, 1)
            progress.stage(title, work.total_steps, tr("steps"), work.step)
    else:
        scores = score(trainer)
    outcome = {"steps": work.total_steps, "seconds": round(time.monotonic() - started, 3)}
    return {"status": _status(scores), **scores, **outcome}


def _finite(metrics: Mapping[str, Any]) -> bool:
    numbers = (value.detach() if hasattr(value, "detach") else value for value in metrics.values())
    return all(math.isfinite(float(number)) for number in numbers)


def _status(scores: Mapping[str, float]) -> str:
    from aigc_cli.gan.balance import COLLAPSED_SPREAD

    if not scores or not _finite(scores):
        return "diverged"
    return "collapsed" if scores["spread"] < COLLAPSED_SPREAD else "sound"


def ranked(records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the records from the best to the worst: sound ones by their distance, then those that went wrong."""
    order, objective = ("sound", "collapsed", "diverged"), objective_of(records)
    return sorted(records, key=lambda record: (order.index(record["status"]), record.get(objective, math.inf)))


def objective_of(records: Sequence[Mapping[str, Any]]) -> str:
    """Return the name of the distance in records; "" where none has one."""
    return next((name for record in records for name in record if name.startswith("frechet[")), "")


def best_of(records: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the sound record of the smallest distance; AigcError where none is sound."""
    best = ranked(records)[0]
    if best["status"] != "sound":
        raise AigcError(
            tr("every trial of the sweep collapsed or diverged"), tr("try other values, or a longer --sweep-minutes")
        )
    return best


def builder(images: "ImageSet", device: "torch.device") -> Callable[[TrainGanSettings], "GanTrainer"]:
    """Return what makes a trial's trainer, begun with the weights of `--init` where there is one."""
    from aigc_cli.gan.trainer import build_trainer

    def build(settings: TrainGanSettings) -> "GanTrainer":
        trainer = build_trainer(images, settings, device)
        if settings.init is not None:
            trainer.begin_with(Path(settings.init))
        return trainer

    return build


def judge(images: "ImageSet", settings: TrainGanSettings, device: "torch.device") -> Scores:
    """Return what scores a trainer's averaged samples as its run would, near copies aside."""
    import torch

    from aigc_cli.gan.judge import Judge

    nothing_held_out = replace(images, is_valid=torch.zeros_like(images.is_valid))
    made = Judge(nothing_held_out, settings.metric, settings.metric_images, settings.seed, device)
    return lambda trainer: made.scores(trainer.average)
