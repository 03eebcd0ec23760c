"""`aigc train-gpt`: train a language model on a prepared set of chat or text."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from aigc_cli.commands.training import train_run
from aigc_cli.config.train_gpt import PRESETS, TrainGptSettings
from aigc_cli.core.console import Console
from aigc_cli.core.progress import Progress
from aigc_cli.options import with_settings

SCRATCH_BYTES, FINE_TUNED_BYTES = 200_000_000, 1_200_000_000
EXAMPLES = """\b
Examples:
  aigc train-gpt data/chat -o runs/text --init smollm2 --minutes 10
  aigc train-gpt data/shakespeare -o runs/text --preset nano --tokenizer char --steps 2000
  aigc train-gpt data/chat -o runs/text --minutes 10     the same again goes on where it stopped
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

    def build(progress: Progress, stop: Callable[[], None]) -> object:
        from aigc_cli.core.device import choose_device
        from aigc_cli.gpt.trainer import build_trainer

        return build_trainer(data, settings, choose_device(settings.device), progress, stop)

    def check() -> None:
        if settings.init == "smollm2":
            from aigc_cli.gpt.gguf import smollm2_file

            smollm2_file()

    needed = SCRATCH_BYTES if settings.init is None else FINE_TUNED_BYTES
    train_run(
        console,
        settings,
        data,
        output,
        kind="text",
        data_kinds=("chat", "text"),
        needed_bytes=needed,
        build=build,
        check=check,
    )


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    command = with_settings(train_gpt, TrainGptSettings, section="train-gpt", presets=PRESETS)
    app.command("train-gpt", epilog=EXAMPLES)(command)
