"""With which settings a face is trained: what is given, else what the run was begun with, else what `auto` chooses."""

from collections.abc import Collection, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from aigc_cli.config.base import Origin, as_begun
from aigc_cli.config.train_gan import PRESETS, TrainGanSettings
from aigc_cli.core.disk.rundir import NOT_COMPARED, RunDir
from aigc_cli.core.machine.distributed import leads
from aigc_cli.core.screen.console import Console
from aigc_cli.core.words.messages import tr
from aigc_cli.data.manifest import PreparedSet
from aigc_cli.gan.recipes import AUTO, DECIDED, Choice, choose, found_in

COMPARED = {field.name for field in fields(TrainGanSettings) if field.metadata["kept"]} - NOT_COMPARED


def settle(
    console: Console,
    settings: TrainGanSettings,
    origins: Mapping[str, Origin],
    data: PreparedSet,
    output: Path,
    *,
    swept: Collection[str] = (),
    trial: Mapping[str, Any] | None = None,
) -> tuple[TrainGanSettings, dict[str, Any]]:
    """Return the settings to train with, and what the record of a run that begins is to keep of how they were chosen.

    With what is not given, the run in `output` goes on as it was begun, whatever is installed or the default by now; so
    does a sweep, of which `trial` are the settings of a trial that is done. `swept` are the fields that a sweep sets.
    A line says what was chosen, or what is gone on with instead.
    """
    given = {name for name, origin in origins.items() if origin.kind not in ("default", "preset")} | set(swept)
    choice, chosen = None, settings
    if settings.preset == AUTO:
        given.discard("preset")
        choice = choose(settings, given, found_in(data.manifest, settings, given))
        chosen = choice.settings
    begun = _begun(output, settings.resume)
    known, names = (begun, COMPARED) if begun else (trial, _of_a_trial(trial or {}))
    going_on = chosen
    if known and ("preset" not in given or known.get("preset") == settings.preset):
        going_on = as_begun(chosen, names - given, known)
    if leads():
        _say(console, output, going_on, chosen, choice)
    return going_on, {AUTO: choice.record(going_on)} if choice and not begun and going_on.preset == AUTO else {}


def _of_a_trial(trial: Mapping[str, Any]) -> set[str]:
    """Return what a sweep goes on with from a trial that is done: its preset, with all that this or auto decides."""
    return {*DECIDED, "preset", *PRESETS.get(str(trial.get("preset")), ())}


def _begun(output: Path, resume: str) -> Mapping[str, Any] | None:
    """Return the settings of the face run that is in a folder, None where training would begin one."""
    run = RunDir(output)
    if resume == "restart" or not run.record_path.is_file():
        return None
    record = run.record()
    settings = record.get("settings")
    return settings if record["kind"] == "face" and isinstance(settings, dict) else None


def _say(
    console: Console, output: Path, going_on: TrainGanSettings, chosen: TrainGanSettings, choice: Choice | None
) -> None:
    """Say what is gone on with where another choice was made now, else what auto chose."""
    differing = sorted(name for name in COMPARED if getattr(going_on, name) != getattr(chosen, name))
    if differing:
        words = ", ".join(f"{name.replace('_', '-')} {getattr(going_on, name)}" for name in differing)
        console.talk(tr("{path}: goes on as it was begun: {settings}", path=output, settings=words))
    elif choice:
        console.talk(choice.words)
        for name, value in choice.decided.items():
            console.detail(tr("{name} = {value} (preset auto)", name=name, value=value))
