"""What `train-gan` and `train-gpt` share: lock, existing runs, dry run, signals, the record that is printed."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from aigc_cli.config.base import as_json
from aigc_cli.core.console import Console
from aigc_cli.core.errors import AigcError
from aigc_cli.core.files import check_free_space, make_dir
from aigc_cli.core.messages import tr
from aigc_cli.core.progress import Progress
from aigc_cli.core.rundir import FolderLock, RunDir, delete_run, open_for_training
from aigc_cli.data.manifest import read_manifest

# Settings that say how the command behaves, not how the run trains.
_NOT_KEPT = ("dry_run", "lock_wait", "resume")


def train_run(
    console: Console,
    settings: Any,
    data: Path,
    output: Path,
    *,
    kind: str,
    data_kinds: tuple[str, ...],
    needed_bytes: int,
    build: "Callable[[Progress, Callable[[], None]], Any]",
    check: Callable[[], None] = lambda: None,
) -> None:
    """Train into `output` under its lock, resuming what is there, and print the run's record.

    `needed_bytes` is room for the model, its checkpoints and previews. `check` raises what can be known before
    anything is written; `build` then returns the trainer: it is given where to report
    long work, and what to call now and then in it, for that raises when a signal has come.
    """
    manifest = read_manifest(data, *data_kinds)
    check()
    if settings.tensorboard:
        from aigc_cli.core.events import require_tensorboard

        require_tensorboard()
    if settings.dry_run:
        _show_plan(console, settings, manifest, data, output, kind, needed_bytes)
        return
    private = manifest.get("consent") not in ("public", "synthetic")
    if private:
        os.umask(0o077)
    check_free_space(output, needed_bytes)
    existed = output.exists()
    make_dir(output, private=private)
    kept = {name: value for name, value in as_json(settings).items() if name not in _NOT_KEPT}
    described = {"path": str(data), "hash": manifest["hash"]}
    with FolderLock(output, wait_seconds=settings.lock_wait):
        run, record = open_for_training(output, kind, kept, described, resume=settings.resume, private=private)
        if record["status"] == "finished" and _length(record["settings"]) == _length(kept):
            console.talk(
                tr("{output}: already finished at step {step}: nothing to do", output=output, step=record["step"])
            )
        else:
            run.update_record(
                subject=manifest.get("subject"), consent=manifest.get("consent"), credit=manifest.get("credit", [])
            )
            record = _train(console, settings, lambda *ways: _built(lambda: build(*ways), run, existed), run)
    console.record(summary(output, record))


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


def _train(console: Console, settings: Any, build: Callable[..., Any], run: Any) -> dict[str, Any]:
    from aigc_cli.core.device import set_threads
    from aigc_cli.core.loop import Plan, train
    from aigc_cli.core.platform import keep_freed_memory
    from aigc_cli.core.rundir import versions
    from aigc_cli.core.signals import StopFlag

    with StopFlag() as flag:
        console.talk(tr("loading …"))
        set_threads(settings.threads)
        keep_freed_memory()
        progress = console.progress()
        trainer = build(progress, lambda: flag.raise_if_requested(tr("the same command goes on from there")))
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
        return train(trainer, plan, run, progress, flag)


def summary(output: Path, record: dict[str, Any]) -> dict[str, Any]:
    """Return the record that a training command prints: where the run is and how it went."""
    names = ("kind", "status", "step", "total_steps", "seconds", "best", "subject", "consent")
    return {"schema": "aigc.run/1", "run": str(output), **{name: record.get(name) for name in names}}


def _show_plan(
    console: Console, settings: Any, manifest: dict[str, Any], data: Path, output: Path, kind: str, needed_bytes: int
) -> None:
    length = {"steps": settings.steps} if settings.steps is not None else {"minutes": settings.minutes}
    console.talk(tr("dry run: nothing is written to {output}", output=output))
    console.record(
        {
            "schema": "aigc.plan/1",
            "run": str(output),
            "kind": kind,
            "data": str(data),
            "counts": manifest["counts"],
            "disk_bytes": needed_bytes,
            **length,
            "settings": as_json(settings),
        }
    )
