"""`aigc train-gan`: train a face generator on a prepared set of images."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aigc_cli.commands.sweep import foreseen, planned_sweep, settled, swept
from aigc_cli.commands.training import Job, train_run
from aigc_cli.config.base import GROUPS, Origin
from aigc_cli.config.train_gan import PRESETS, TrainGanSettings, augmentations
from aigc_cli.core.disk.files import sha256_file
from aigc_cli.core.disk.rundir import RunDir, read_run
from aigc_cli.core.errors import UsageProblem
from aigc_cli.core.machine.distributed import World
from aigc_cli.core.screen.console import Console
from aigc_cli.core.screen.progress import Progress
from aigc_cli.core.words.messages import tr
from aigc_cli.options import with_settings

if TYPE_CHECKING:
    from aigc_cli.gan.trainer import GanTrainer

NEEDED_BYTES = 100_000_000
SWEEP_OPTION = typer.Option(
    "--sweep",
    help="First try values of gamma, lr (both rates), lr_g, lr_d, beta1, beta2, gp_weight or clip_weights, for a few "
    "minutes each, and train with the best by --metric. Of several --sweep every combination is tried.",
    metavar="NAME=A,B",
    rich_help_panel=GROUPS["recipe"],
)
EXAMPLES = """\b
Examples:
  aigc train-gan data/face -o runs/face --minutes 30
  aigc train-gan data/face -o runs/face --minutes 30     the same again goes on where it stopped
  aigc train-gan data/face -o runs/dcgan --arch dcgan --loss nonsaturating --steps 5000
  aigc train-gan data/face64 -o runs/face64 --init runs/face   goes on from 32 to 64 pixels
  aigc train-gan data/face -o runs/face --sweep gamma=0.5,2,8 --sweep lr=2e-3,8e-3
  run=$(aigc train-gan data/face -o runs/face --json | jq -r .run)
"""


def train_gan(
    console: Console,
    settings: TrainGanSettings,
    data: Annotated[Path, typer.Argument(help="A set made by aigc prepare images.", metavar="DATA")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The run folder to make or go on with.", metavar="RUN")
    ],
    origins: dict[str, Origin],
    sweep: Annotated[list[str] | None, SWEEP_OPTION] = None,
) -> None:
    """Train a face generator on a prepared set of images."""
    trials = planned_sweep(settings, origins, data, output, sweep or ())
    if trials is not None:
        settings = settled(settings, trials) if settings.dry_run else swept(console, settings, data, output, trials)
        if settings.sweep_only and not settings.dry_run:
            return

    base = None if settings.init is None else Path(settings.init)
    begins = settings.resume == "restart" or not RunDir(output).checkpoint_steps()

    def check() -> None:
        augmentations(settings)
        if base is not None and begins:
            if base.resolve() == output.resolve():
                raise UsageProblem(tr("--init {init} is the run to make", init=base), tr("use another -o"))
            read_run(base, "face")

    def build(progress: Progress, stop: Callable[[], None], world: World) -> object:
        from aigc_cli.core.machine.device import choose_device
        from aigc_cli.gan.trainer import build_trainer

        trainer = build_trainer(data, settings, choose_device(settings.device), world)
        if base is not None and begins:
            _begin_with(trainer, base, RunDir(output), progress, world)
        return trainer

    job = Job(
        kind="face",
        data_kinds=("images",),
        needed_bytes=NEEDED_BYTES,
        base=base,
        build=build,
        check=check,
        foreseen=lambda: foreseen(settings, trials),
        conclude=lambda run: _concluded(console, run),
    )
    train_run(console, settings, data, output, job)


def _begin_with(trainer: "GanTrainer", base: Path, run: RunDir, progress: Progress, world: World) -> None:
    """Begin with another run's networks, record which, and say how much of them had a place."""
    taken = trainer.begin_with(base)
    if world.is_main:
        run.update_record(base=_base_record(base))
    progress.say(
        tr(
            "from {init}: {generator} of {of_generator} tensors of the generator, {critic} of {of_critic} of "
            "the critic",
            init=base,
            generator=taken.generator,
            of_generator=taken.of_generator,
            critic=taken.critic,
            of_critic=taken.of_critic,
        )
    )


def _concluded(console: Console, run: RunDir) -> Mapping[str, Any]:
    """Say where the run's pictures and curves are, and how many samples are near copies; return the latter."""
    from aigc_cli.gan.conclusion import share_near_training

    if run.animation.is_file():
        console.talk(tr("{path} shows the training; aigc metrics {run} its curves", path=run.animation, run=run.path))
    share = share_near_training(run)
    if share is None:
        return {}
    console.talk(
        tr(
            "{share:.1%} of the samples are as near to a training picture as the nearest 1% of held-out ones",
            share=share,
        )
    )
    return {"near_training": share}


def _base_record(base: Path) -> dict[str, Any]:
    """Return what a run's record says of the run that it began with."""
    record = read_run(base, "face")
    whose = {name: record.get(name) for name in ("subject", "consent", "credit")}
    return {"path": str(base), "sha256": sha256_file(base / "generator.safetensors"), **whose}


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    command = with_settings(train_gan, TrainGanSettings, section="train-gan", presets=PRESETS)
    app.command("train-gan", epilog=EXAMPLES)(command)
