"""`aigc train-gan --sweep`: trials of settings, their table, and the training with the best of them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aigc_cli.commands.face_settings import settle
from aigc_cli.commands.face_training import train_faces
from aigc_cli.config.base import Origin
from aigc_cli.config.train_gan import TrainGanSettings
from aigc_cli.core.disk.files import be_private
from aigc_cli.core.disk.rundir import SWEEP, RunDir, delete_run, existing_run, output_folder, read_run
from aigc_cli.core.errors import BadConfig, UsageProblem
from aigc_cli.core.machine.distributed import several
from aigc_cli.core.screen.console import Console
from aigc_cli.core.words.messages import tr
from aigc_cli.data.manifest import PreparedSet, open_set
from aigc_cli.gan.sweep import NAMES, Sweep, Trial, best_of, objective_of, ranked, swept_by, trials_of

if TYPE_CHECKING:
    from aigc_cli.data.pictures.imageset import ImageSet


def train_best(
    console: Console,
    settings: TrainGanSettings,
    origins: Mapping[str, Origin],
    data: Path,
    output: Path,
    asked: Sequence[str],
) -> None:
    """Try what `--sweep` asks for and print all, the best first; then train with the best, but for `--sweep-only`.

    With `--dry-run` nothing is tried. UsageProblem for what makes no sense, AigcError where no trial is sound.
    """
    trials = _asked(settings, origins, asked)
    opened = open_set(data, "images")
    sweep = Sweep(
        trials=trials, minutes=settings.sweep_minutes, data_hash=opened.hash, path=RunDir(output).path / SWEEP
    )
    trial = None if settings.resume == "restart" else sweep.begun()
    settings, kept = settle(console, settings, origins, opened, output, swept=swept_by(trials), trial=trial)
    sweep = replace(sweep, trials=trials_of(asked, settings))
    _check_place(settings, output, sweep)
    if settings.dry_run:
        foreseen = partial(_foreseen, settings, sweep)
        train_faces(console, _settled(settings, sweep), opened, output, kept=kept, foreseen=foreseen)
        return
    records, images = _swept(console, settings, opened, output, sweep)
    if not console.quiet or console.explicit_json or settings.sweep_only:
        _print(console, records)
    best = best_of(records)
    words = ", ".join(f"{name} {value:g}" for name, value in best["values"].items())
    console.talk(tr("the sweep's best: {words}", words=words))
    if not settings.sweep_only:
        train_faces(console, _with_values(best, sweep), opened, output, kept=kept, images=images)


def _asked(settings: TrainGanSettings, origins: Mapping[str, Origin], asked: Sequence[str]) -> tuple[Trial, ...]:
    """Return the trials that are asked for; UsageProblem for what makes no sense."""
    if not asked:
        raise UsageProblem(tr("--sweep-only stops after a sweep"), tr("say what to try with --sweep"))
    if several():
        raise UsageProblem(tr("--sweep runs in one process"), tr("start it without torchrun"))
    trials = trials_of(asked, settings)
    for name in trials[0].values:
        for field in NAMES[name]:
            if origins[field].kind == "flag":
                raise UsageProblem(
                    tr("{option} and --sweep {name} exclude each other", option=origins[field].place, name=name),
                    tr("give one of them"),
                )
    return trials


def _check_place(settings: TrainGanSettings, output: Path, sweep: Sweep) -> None:
    """Raise BadConfig where `output` holds a run that did not begin with this sweep, CannotCreate for other things."""
    if not RunDir(output).record_path.exists():
        existing_run(output, "face", {}, {}, resume="auto")
    elif settings.resume != "restart" and len(sweep.done()) < len(sweep.trials):
        raise BadConfig(
            tr("{path}: the run there did not begin with this sweep", path=output),
            tr("use the same --sweep, another -o, or --resume restart"),
        )


def _foreseen(settings: TrainGanSettings, sweep: Sweep) -> dict[str, Any]:
    """Return what a dry run says of a sweep: its trials, how many are done, and how long the others take."""
    done = 0 if settings.resume == "restart" else len(sweep.done())
    numbers = {"trials": len(sweep.trials), "done": done, "minutes_each": sweep.minutes}
    return {"sweep": {**numbers, "seconds": 60 * sweep.minutes * (len(sweep.trials) - done)}}


def _settled(settings: TrainGanSettings, sweep: Sweep) -> TrainGanSettings:
    """Return the settings that a training would have: the best trial's, or as they are where trials are to be done."""
    done = sweep.done()
    if settings.resume == "restart" or len(done) < len(sweep.trials):
        return settings
    return _with_values(best_of(done), sweep)


def _swept(
    console: Console, settings: TrainGanSettings, opened: PreparedSet, output: Path, sweep: Sweep
) -> "tuple[list[dict[str, Any]], ImageSet | None]":
    """Do the trials that are not done; return the records of all, and the pictures if they had to be read.

    With `--resume restart` what the run folder holds of a run is deleted first.
    """
    base = {} if settings.init is None else read_run(Path(settings.init), "face")
    private = opened.is_private or bool(base.get("private"))
    if private:
        be_private()
    with output_folder(output, wait_seconds=settings.lock_wait, private=private):
        if settings.resume == "restart":
            delete_run(RunDir(output))
        records = sweep.done()
        if len(records) == len(sweep.trials):
            return records, None
        return _tried(console, settings, opened, sweep)


def _with_values(record: Mapping[str, Any], sweep: Sweep) -> TrainGanSettings:
    return next(trial.settings for trial in sweep.trials if trial.values == record["values"])


def _tried(
    console: Console, settings: TrainGanSettings, opened: PreparedSet, sweep: Sweep
) -> "tuple[list[dict[str, Any]], ImageSet]":
    from aigc_cli.core.machine.device import choose_device, set_threads
    from aigc_cli.core.machine.platform import keep_freed_memory
    from aigc_cli.core.machine.signals import StopFlag
    from aigc_cli.data.pictures.imageset import load_image_set
    from aigc_cli.gan.sweep import builder, judge

    count, done = len(sweep.trials), len(sweep.done())
    if done:
        console.talk(tr("{done} of {count} trials are done", done=done, count=count))
    total = sweep.minutes * (count - done)
    console.talk(
        tr(
            "{count} trials of {minutes:g} minutes each: {total:g} minutes",
            count=count - done,
            minutes=sweep.minutes,
            total=total,
        )
    )
    with StopFlag() as flag:

        def stop() -> None:
            flag.raise_if_requested(tr("trials that are done stay; the same command goes on from there"))

        console.talk(tr("loading …"))
        set_threads(settings.threads)
        keep_freed_memory()
        images, device, progress = load_image_set(opened), choose_device(settings.device), console.progress()
        try:
            records = sweep.run(builder(images, device), judge(images, settings, device), progress, stop)
            return records, images
        finally:
            progress.close()


def _print(console: Console, records: Sequence[dict[str, Any]]) -> None:
    """Print a record a trial, the best first; on a terminal only what differs."""
    if console.json_output:
        without = ("data", "settings")  # which the file has
        console.rows({name: record[name] for name in record if name not in without} for record in ranked(records))
        return
    shown = ("status", objective_of(records), "spread")
    console.rows({**record["values"], **{name: record.get(name) for name in shown}} for record in ranked(records))
