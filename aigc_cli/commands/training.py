"""What `train-gan` and `train-gpt` share: lock, existing runs, dry run, signals, the record that is printed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from aigc_cli.config.base import as_begun, as_json
from aigc_cli.core.disk.files import be_private, check_free_space, make_dir
from aigc_cli.core.disk.rundir import (
    NOT_COMPARED,
    FolderLock,
    RunDir,
    delete_run,
    existing_run,
    open_for_training,
    read_run,
)
from aigc_cli.core.errors import AigcError
from aigc_cli.core.machine.distributed import World, joined
from aigc_cli.core.screen.console import Console
from aigc_cli.core.screen.progress import Progress
from aigc_cli.core.words.messages import tr
from aigc_cli.data.manifest import PreparedSet, check_data
from aigc_cli.training.plan import Plan
from aigc_cli.training.prospect import UNKNOWN, is_done, measured_memory, prospect


@dataclass(frozen=True, kw_only=True)
class Job:
    """What one command trains, beside its settings.

    `needed_bytes` is room for the model, its checkpoints and previews; of a private `base`, a run whose weights it
    begins with, it becomes private too. `check` raises what can be known before anything is written; `build` then
    returns the trainer: it is given the settings, where to report long work, what to call now and then in it, for that
    raises when a signal has come, and who else trains. `kept` goes into the record of a run that begins, `foreseen`
    into the plan of a dry run, and what `conclude` returns into the record of a run that has just been finished.
    """

    kind: str
    needed_bytes: int
    build: Callable[[Any, Progress, Callable[[], None], World], Any]
    base: Path | None = None
    check: Callable[[], None] = lambda: None
    kept: Mapping[str, Any] = field(default_factory=dict)
    foreseen: Callable[[], Mapping[str, Any]] = dict
    conclude: Callable[[RunDir], Mapping[str, Any]] = lambda _: {}


def train_run(console: Console, settings: Any, data: PreparedSet, output: Path, job: Job) -> None:
    """Train into `output` under its lock, resuming what is there, and print the run's record.

    Of several processes that torchrun started the first one does all this and the others only train with it, with its
    settings, for not everywhere the same may be installed. All of them make a private run theirs alone before they
    join, for joining starts threads.
    """
    private = _is_private(settings, data, output, job)
    if private:
        be_private()
    with joined(settings.device) as world:
        if world.is_main:
            _lead(console, settings, data, output, job, world, private)
        elif theirs := world.decided(None):
            names = {one.name for one in fields(settings)} - NOT_COMPARED
            _train(Console(quiet=True), as_begun(settings, names, theirs), job.build, RunDir(output), world)


def _lead(
    console: Console, settings: Any, data: PreparedSet, output: Path, job: Job, world: World, private: bool
) -> None:
    """Do all but what the other processes do too, which hear here whether there is anything to train."""
    if data.kind != "images":  # the pixels carry their own checksum
        check_data(data.path, data.manifest)
    job.check()
    if settings.tensorboard:
        from aigc_cli.training.events import require_tensorboard

        require_tensorboard()
    kept, described = as_json(settings), {"path": str(data.path), "hash": data.hash}
    existing = existing_run(output, job.kind, kept, described, resume=settings.resume)
    if settings.dry_run:
        _foretell(console, settings, data, output, job, existing)
        world.decided(None)
        return
    if not is_done(existing, kept):
        check_free_space(output, job.needed_bytes)
    existed = output.exists()
    make_dir(output, private=private)
    with FolderLock(output, wait_seconds=settings.lock_wait):
        run, record = open_for_training(output, job.kind, kept, described, resume=settings.resume, private=private)
        if is_done(record, kept):
            console.talk(
                tr("{output}: already finished at step {step}: nothing to do", output=output, step=record["step"])
            )
            world.decided(None)
        else:
            world.decided(kept)
            whose = {"subject": None, "consent": None, "credit": [], **data.manifest}
            names = ("subject", "consent", "credit", *(["persona"] if "persona" in whose else []))
            run.update_record(**{**job.kept, **record, **{name: whose[name] for name in names}})
            _train(console, settings, lambda *ways: _built(lambda: job.build(*ways), run, existed), run, world)
            record = run.update_record(**job.conclude(run))
    from aigc_cli.commands.summary.training import trained

    printed = summary(output, record)
    console.conclude(printed, trained(printed, RunDir(output), converses=data.kind == "chat"))


def _is_private(settings: Any, data: PreparedSet, output: Path, job: Job) -> bool:
    """Say whether a training is of private data, goes on with a private run, or begins with one."""
    if data.is_private:
        return True
    if settings.resume != "restart" and RunDir(output).record_path.exists():
        return bool(RunDir(output).record().get("private"))
    return job.base is not None and bool(read_run(job.base, job.kind).get("private"))


def _foretell(
    console: Console, settings: Any, data: PreparedSet, output: Path, job: Job, existing: Mapping[str, Any] | None
) -> None:
    """Print what the training would do and take."""
    console.talk(tr("dry run: nothing is written to {output}", output=output))
    plan = {"run": str(output), "kind": job.kind, "data": str(data.path), "counts": data.manifest["counts"]}
    plan |= {"disk_bytes": job.needed_bytes, "memory_bytes": UNKNOWN, **job.foreseen()}
    plan |= measured_memory(RunDir(output))
    console.record({"schema": "aigc.plan/1", **plan, **prospect(settings, existing)})


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

    with StopFlag(patient=world.size > 1) as flag:
        console.talk(tr("loading …"))
        set_threads(settings.threads, processes=world.local_size)
        keep_freed_memory()
        progress = console.progress()
        trainer = build(
            settings, progress, lambda: flag.raise_if_requested(tr("the same command goes on from there")), world
        )
        if world.is_main:
            run.update_record(versions=versions())
        return train(trainer, Plan.of(settings), run, progress, flag, world)


def summary(output: Path, record: dict[str, Any]) -> dict[str, Any]:
    """Return the record that a training command prints: where the run is and how it went."""
    names = ("kind", "status", "step", "total_steps", "seconds", "best", "subject", "consent")
    own = {name: record[name] for name in ("near_training",) if name in record}
    return {"schema": "aigc.run/1", "run": str(output), **{name: record.get(name) for name in names}, **own}
