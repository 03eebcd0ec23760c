"""What `train-gan` and `train-gpt` share: lock, existing runs, dry run, signals, the record that is printed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aigc_cli.config.base import as_json
from aigc_cli.core.disk.files import be_private, check_free_space, make_dir, read_jsonl
from aigc_cli.core.disk.rundir import FolderLock, RunDir, delete_run, existing_run, open_for_training, read_run
from aigc_cli.core.errors import AigcError
from aigc_cli.core.machine.distributed import World, joined
from aigc_cli.core.screen.console import Console
from aigc_cli.core.screen.progress import Progress
from aigc_cli.core.words.messages import tr
from aigc_cli.data.manifest import check_data, read_manifest

UNKNOWN = "unknown until measured"


@dataclass(frozen=True, kw_only=True)
class Job:
    """What one command trains, beside its settings.

    `needed_bytes` is room for the model, its checkpoints and previews; of a private `base`, a run whose weights it
    begins with, it becomes private too. `check` raises what can be known before anything is written; `build` then
    returns the trainer: it is given where to report long work, what to call now and then in it, for that raises when a
    signal has come, and who else trains. `foreseen` adds to the plan of a dry run, and `conclude` to the record of a
    run that has just been finished.
    """

    kind: str
    data_kinds: tuple[str, ...]
    needed_bytes: int
    build: Callable[[Progress, Callable[[], None], World], Any]
    base: Path | None = None
    check: Callable[[], None] = lambda: None
    foreseen: Callable[[], Mapping[str, Any]] = dict
    conclude: Callable[[RunDir], Mapping[str, Any]] = lambda _: {}


def train_run(console: Console, settings: Any, data: Path, output: Path, job: Job) -> None:
    """Train into `output` under its lock, resuming what is there, and print the run's record.

    Of several processes that torchrun started the first one does all this and the others only train with it. All of
    them make a private run theirs alone before they join, for joining starts threads.
    """
    private = _is_private(settings, data, output, job)
    if private:
        be_private()
    with joined(settings.device) as world:
        if world.is_main:
            _lead(console, settings, data, output, job, world, private)
        elif world.decided(None):
            _train(Console(quiet=True), settings, job.build, RunDir(output), world)


def _lead(console: Console, settings: Any, data: Path, output: Path, job: Job, world: World, private: bool) -> None:
    """Do all but what the other processes do too, which hear here whether there is anything to train."""
    manifest = read_manifest(data, *job.data_kinds)
    if manifest["kind"] != "images":  # the pixels carry their own checksum
        check_data(data, manifest)
    job.check()
    if settings.tensorboard:
        from aigc_cli.training.events import require_tensorboard

        require_tensorboard()
    kept, described = as_json(settings), {"path": str(data), "hash": manifest["hash"]}
    existing = existing_run(output, job.kind, kept, described, resume=settings.resume)
    if settings.dry_run:
        console.talk(tr("dry run: nothing is written to {output}", output=output))
        plan = {"run": str(output), "kind": job.kind, "data": str(data), "counts": manifest["counts"]}
        plan |= {"disk_bytes": job.needed_bytes, "memory_bytes": UNKNOWN, **job.foreseen()}
        plan["memory_bytes"] = _measured_memory(output) or plan["memory_bytes"]
        console.record({"schema": "aigc.plan/1", **plan, **_prospect(settings, existing)})
        world.decided(False)
        return
    if not _is_done(existing, kept):
        check_free_space(output, job.needed_bytes)
    existed = output.exists()
    make_dir(output, private=private)
    with FolderLock(output, wait_seconds=settings.lock_wait):
        run, record = open_for_training(output, job.kind, kept, described, resume=settings.resume, private=private)
        if _is_done(record, kept):
            console.talk(
                tr("{output}: already finished at step {step}: nothing to do", output=output, step=record["step"])
            )
            world.decided(False)
        else:
            world.decided(True)
            run.update_record(
                subject=manifest.get("subject"), consent=manifest.get("consent"), credit=manifest.get("credit", [])
            )
            _train(console, settings, lambda *ways: _built(lambda: job.build(*ways), run, existed), run, world)
            record = run.update_record(**job.conclude(run))
    console.record(summary(output, record))


def _is_private(settings: Any, data: Path, output: Path, job: Job) -> bool:
    """Say whether a training is of private data, goes on with a private run, or begins with one."""
    if read_manifest(data, *job.data_kinds).get("consent") not in ("public", "synthetic"):
        return True
    if settings.resume != "restart" and RunDir(output).record_path.exists():
        return bool(RunDir(output).record().get("private"))
    return job.base is not None and bool(read_run(job.base, job.kind).get("private"))


def _is_done(record: Mapping[str, Any] | None, settings: Mapping[str, Any]) -> bool:
    """Say whether a run has been trained for as long as the settings say."""
    finished = record is not None and record["status"] == "finished"
    return finished and record is not None and _length(record["settings"]) == _length(settings)


def _length(settings: Mapping[str, Any]) -> tuple[str, Any]:
    """Return how long settings say to train; minutes count only where no steps are given."""
    return ("steps", settings["steps"]) if settings["steps"] is not None else ("minutes", settings["minutes"])


def _built(build: Callable[[], Any], run: RunDir, existed: bool) -> Any:
    """Return the trainer; where there can be none, a run that has only just been made is not left behind."""
    try:
        return build()
    except AigcError:
        if run.record()["status"] == "new":
            delete_run(run)
            if not existed:
                run.path.rmdir()
        raise


def _train(console: Console, settings: Any, build: Callable[..., Any], run: RunDir, world: World) -> dict[str, Any]:
    from aigc_cli.core.disk.rundir import versions
    from aigc_cli.core.machine.device import set_threads
    from aigc_cli.core.machine.platform import keep_freed_memory
    from aigc_cli.core.machine.signals import StopFlag
    from aigc_cli.training.loop import train
    from aigc_cli.training.plan import Plan

    with StopFlag(patient=world.size > 1) as flag:
        console.talk(tr("loading …"))
        set_threads(settings.threads, processes=world.local_size)
        keep_freed_memory()
        progress = console.progress()
        trainer = build(progress, lambda: flag.raise_if_requested(tr("the same command goes on from there")), world)
        if world.is_main:
            run.update_record(versions=versions())
        plan = Plan(
            steps=settings.steps,
            minutes=None if settings.steps is not None else settings.minutes,
            evaluations=settings.evaluations,
            log_every_steps=settings.log_every_steps,
            save_every_seconds=60 * settings.save_minutes,
            save_every_steps=settings.save_every,
            keep_checkpoints=settings.keep,
            patience=settings.patience,
            plateau_patience=settings.plateau_patience,
            tensorboard=settings.tensorboard,
        )
        return train(trainer, plan, run, progress, flag, world)


def summary(output: Path, record: dict[str, Any]) -> dict[str, Any]:
    """Return the record that a training command prints: where the run is and how it went."""
    names = ("kind", "status", "step", "total_steps", "seconds", "best", "subject", "consent")
    own = {name: record[name] for name in ("near_training",) if name in record}
    return {"schema": "aigc.run/1", "run": str(output), **{name: record.get(name) for name in names}, **own}


def _measured_memory(output: Path) -> int | None:
    """Return the peak of memory that the run there has logged, None if it has logged none."""
    path = RunDir(output).metrics_path
    peaks = (
        [line["max_resident_bytes"] for line in read_jsonl(path) if "max_resident_bytes" in line]
        if path.is_file()
        else []
    )
    return max(peaks, default=None)


def _prospect(settings: Any, existing: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what training would do: begin, go on at a step, or nothing; for how long; and with which settings.

    The seconds that are left are the budget's, or those that the run's own speed promises. Of a run that has not
    begun, steps say nothing of the time.
    """
    step = existing["step"] if existing else 0
    state = "new" if existing is None else "finished" if _is_done(existing, as_json(settings)) else "resumes"
    spent = existing["seconds"] if existing else 0.0
    seconds: float | str = UNKNOWN
    if state == "finished":
        seconds = 0.0
    elif settings.steps is None:
        seconds = max(0.0, 60.0 * settings.minutes - spent)
    elif step:
        seconds = round(spent / step * max(0, settings.steps - step), 1)
    length = {"steps": settings.steps} if settings.steps is not None else {"minutes": settings.minutes}
    return {"state": state, "step": step, **length, "seconds": seconds, "settings": as_json(settings)}
