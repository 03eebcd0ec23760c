"""One training of a face generator: what `train-gan` does once, and a sweep with the best of its trials."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aigc_cli.commands.training import Job, train_run
from aigc_cli.config.train_gan import TrainGanSettings, augmentations, completed
from aigc_cli.core.disk.files import sha256_file
from aigc_cli.core.disk.rundir import RunDir, read_run
from aigc_cli.core.errors import UsageProblem
from aigc_cli.core.machine.distributed import World
from aigc_cli.core.screen.console import Console
from aigc_cli.core.screen.progress import Progress
from aigc_cli.core.words.messages import tr
from aigc_cli.data.manifest import PreparedSet

if TYPE_CHECKING:
    from aigc_cli.data.pictures.imageset import ImageSet
    from aigc_cli.gan.trainer import GanTrainer

NEEDED_BYTES = 100_000_000


def train_faces(
    console: Console,
    settings: TrainGanSettings,
    data: PreparedSet,
    output: Path,
    *,
    kept: Mapping[str, Any],
    images: "ImageSet | None" = None,
    foreseen: Callable[[], Mapping[str, Any]] = dict,
) -> None:
    """Train into `output` and print the run's record. `images` are the set's where they have been read already.

    `kept` is what the record of a run that begins says of how the settings were chosen. `foreseen` adds to the plan of
    a dry run.
    """
    base = None if settings.init is None else Path(settings.init)
    begins = settings.resume == "restart" or not RunDir(output).checkpoint_steps()

    def check() -> None:
        augmentations(settings)
        completed(settings)
        if base is not None and begins:
            if base.resolve() == output.resolve():
                raise UsageProblem(tr("--init {init} is the run to make", init=base), tr("use another -o"))
            read_run(base, "face")

    def build(settings: TrainGanSettings, progress: Progress, stop: Callable[[], None], world: World) -> object:
        from aigc_cli.core.machine.device import choose_device
        from aigc_cli.data.pictures.imageset import load_image_set
        from aigc_cli.gan.trainer import build_trainer

        trainer = build_trainer(images or load_image_set(data), settings, choose_device(settings.device), world)
        if base is not None and begins:
            _begin_with(trainer, base, RunDir(output), progress, world)
        return trainer

    job = Job(
        kind="face",
        needed_bytes=NEEDED_BYTES,
        base=base,
        build=build,
        check=check,
        kept=kept,
        foreseen=lambda: {**kept, **foreseen()},
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
            "from {init}: {generator} of {of_generator} tensors of the generator, {critics} of {of_critics} of "
            "its critics",
            init=base,
            generator=taken.generator,
            of_generator=taken.of_generator,
            critics=taken.critics,
            of_critics=taken.of_critics,
        )
    )


def _concluded(console: Console, run: RunDir) -> Mapping[str, Any]:
    """Return how many samples are near copies; say it, and where the pictures are, where no summary will."""
    from aigc_cli.gan.conclusion import share_near_training

    share = share_near_training(run)
    if not console.json_output:
        return {} if share is None else {"near_training": share}
    if run.animation.is_file():
        console.talk(tr("{path} shows the training; aigc metrics {run} its curves", path=run.animation, run=run.path))
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
