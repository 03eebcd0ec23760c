"""`aigc train-gan --sweep`: the trials before the training, their table, and the settings that the training takes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from aigc_cli.config.base import Origin
from aigc_cli.config.train_gan import TrainGanSettings
from aigc_cli.core.disk.files import be_private
from aigc_cli.core.disk.rundir import SWEEP, RunDir, delete_run, existing_run, output_folder, read_run
from aigc_cli.core.errors import BadConfig, UsageProblem
from aigc_cli.core.machine.distributed import several
from aigc_cli.core.screen.console import Console
from aigc_cli.core.words.messages import tr
from aigc_cli.data.manifest import read_manifest
from aigc_cli.gan.sweep import NAMES, Sweep, best_of, objective_of, ranked, trials_of


def planned_sweep(
    settings: TrainGanSettings, origins: Mapping[str, Origin], data: Path, output: Path, asked: Sequence[str]
) -> Sweep | None:
    """Return the sweep that `--sweep` asks for, None if it asks for nothing. Nothing is written.

    UsageProblem for what makes no sense, BadConfig where `output` holds a run that did not begin with this sweep.
    """
    if not asked:
        if settings.sweep_only:
            raise UsageProblem(tr("--sweep-only stops after a sweep"), tr("say what to try with --sweep"))
        return None
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
    manifest = read_manifest(data, "images")
    sweep = Sweep(
        trials=trials, minutes=settings.sweep_minutes, data_hash=manifest["hash"], path=RunDir(output).path / SWEEP
    )
    if not RunDir(output).record_path.exists():
        existing_run(output, "face", {}, {}, resume="auto")
    elif settings.resume != "restart" and len(sweep.done()) < len(trials):
        raise BadConfig(
            tr("{path}: the run there did not begin with this sweep", path=output),
            tr("use the same --sweep, another -o, or --resume restart"),
        )
    return sweep


def foreseen(settings: TrainGanSettings, sweep: Sweep | None) -> dict[str, Any]:
    """Return what a dry run says of a sweep: its trials, how many are done, and how long the others take."""
    if sweep is None:
        return {}
    done = 0 if settings.resume == "restart" else len(sweep.done())
    numbers = {"trials": len(sweep.trials), "done": done, "minutes_each": sweep.minutes}
    return {"sweep": {**numbers, "seconds": 60 * sweep.minutes * (len(sweep.trials) - done)}}


def swept(console: Console, settings: TrainGanSettings, data: Path, output: Path, sweep: Sweep) -> TrainGanSettings:
    """Do the trials that are not done, print all, the best first, and return the settings with its values.

    AigcError where none is sound. With `--resume restart` what the run folder holds of a run is deleted first.
    """
    manifest = read_manifest(data, "images")
    base = {} if settings.init is None else read_run(Path(settings.init), "face")
    private = manifest.get("consent") not in ("public", "synthetic") or bool(base.get("private"))
    if private:
        be_private()
    with output_folder(output, wait_seconds=settings.lock_wait, private=private):
        if settings.resume == "restart":
            delete_run(RunDir(output))
        records = sweep.done()
        if len(records) < len(sweep.trials):
            records = _tried(console, settings, data, sweep)
    if not console.quiet or console.explicit_json or settings.sweep_only:
        _print(console, records)
    best = best_of(records)
    words = ", ".join(f"{name} {value:g}" for name, value in best["values"].items())
    console.talk(tr("the sweep's best: {words}", words=words))
    return _with_values(best, sweep)


def settled(settings: TrainGanSettings, sweep: Sweep) -> TrainGanSettings:
    """Return the settings that a training would have: the best trial's, or as they are where trials are to be done."""
    done = sweep.done()
    if settings.resume == "restart" or len(done) < len(sweep.trials):
        return settings
    return _with_values(best_of(done), sweep)


def _with_values(record: Mapping[str, Any], sweep: Sweep) -> TrainGanSettings:
    return next(trial.settings for trial in sweep.trials if trial.values == record["values"])


def _tried(console: Console, settings: TrainGanSettings, data: Path, sweep: Sweep) -> list[dict[str, Any]]:
    from aigc_cli.core.machine.device import choose_device, set_threads
    from aigc_cli.core.machine.platform import keep_freed_memory
    from aigc_cli.core.machine.signals import StopFlag
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
        device, progress = choose_device(settings.device), console.progress()
        try:
            return sweep.run(builder(data, device), judge(data, settings, device), progress, stop)
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
