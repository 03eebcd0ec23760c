"""`aigc train-gpt`: train a language model on a prepared set of chat or text."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aigc_cli.commands.find_lr import find_learning_rate
from aigc_cli.commands.training import Job, train_run
from aigc_cli.config.train_gpt import PRESETS, TrainGptSettings
from aigc_cli.core.disk.rundir import read_run
from aigc_cli.core.machine.distributed import World
from aigc_cli.core.screen.console import Console
from aigc_cli.core.screen.progress import Progress
from aigc_cli.data.manifest import PreparedSet, check_data, open_set
from aigc_cli.gpt.estimate import disk_bytes, planned
from aigc_cli.options import with_settings

if TYPE_CHECKING:
    from aigc_cli.gpt.step import GptTrainer

FINE_TUNED_BYTES = 1_200_000_000
EXAMPLES = """\b
Examples:
  aigc train-gpt data/chat -o runs/text --init smollm2 --minutes 10
  aigc train-gpt data/shakespeare -o runs/text --preset nano --tokenizer char --steps 2000
  aigc train-gpt data/chat -o runs/text --minutes 10     the same again goes on where it stopped
  aigc train-gpt data/chat -o runs/text --find-lr        which learning rate?
  run=$(aigc train-gpt data/chat -o runs/text --json | jq -r .run)
"""


def train_gpt(
    console: Console,
    settings: TrainGptSettings,
    data: Annotated[Path, typer.Argument(help="A set made by aigc prepare chat or prepare text.", metavar="DATA")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The run folder to make or go on with.", metavar="RUN")
    ],
) -> None:
    """Train a language model on a prepared set of chat or text."""
    opened = open_set(data, "chat", "text")

    def build(settings: TrainGptSettings, progress: Progress, stop: Callable[[], None], world: World) -> object:
        from aigc_cli.core.machine.device import choose_device
        from aigc_cli.gpt.trainer import build_trainer

        return build_trainer(opened, settings, choose_device(settings.device), progress, stop, world)

    if settings.find_lr:
        check_data(data, opened.manifest)
        steady = replace(settings, schedule="constant", warmup_steps=0)
        find_learning_rate(console, settings.threads, lambda: _trainer(opened, steady))
        return

    def check() -> None:
        if settings.init == "smollm2":
            from aigc_cli.gpt.bases.gguf import smollm2_file

            smollm2_file()
        elif settings.init and (Path(settings.init) / "aigc.json").is_file():
            read_run(Path(settings.init), "text")

    def foreseen() -> dict[str, object]:
        return planned(settings, _text_bytes(data)) if settings.init is None else {}

    needed = FINE_TUNED_BYTES if settings.init else disk_bytes(settings, _text_bytes(data))
    job = Job(
        kind="text",
        needed_bytes=needed,
        build=build,
        check=check,
        foreseen=foreseen,
    )
    train_run(console, settings, opened, output, job)


def _trainer(data: PreparedSet, settings: TrainGptSettings) -> "GptTrainer":
    from aigc_cli.core.machine.device import choose_device
    from aigc_cli.gpt.trainer import build_trainer

    return build_trainer(data, settings, choose_device(settings.device))


def _text_bytes(data: Path) -> int:
    """Return the size of what is trained on; 0 where there is none, which is said later."""
    path = data / "train.jsonl"
    return path.stat().st_size if path.is_file() else 0


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    command = with_settings(train_gpt, TrainGptSettings, section="train-gpt", presets=PRESETS)
    app.command("train-gpt", epilog=EXAMPLES)(command)
