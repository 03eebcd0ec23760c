"""`aigc train-gan`: train a face generator on a prepared set of images."""

from pathlib import Path
from typing import Annotated

import typer

from aigc_cli.commands.face_settings import settle
from aigc_cli.commands.face_training import train_faces
from aigc_cli.config.base import GROUPS, Origin
from aigc_cli.config.train_gan import PRESETS, TrainGanSettings
from aigc_cli.core.screen.console import Console
from aigc_cli.data.manifest import open_set
from aigc_cli.gan.recipes import AUTO, DECIDED
from aigc_cli.options import with_settings

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
    if sweep or settings.sweep_only:
        from aigc_cli.commands.sweep import train_best

        train_best(console, settings, origins, data, output, sweep or ())
    else:
        opened = open_set(data, "images")
        settled, kept = settle(console, settings, origins, opened, output)
        train_faces(console, settled, opened, output, kept=kept)


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    command = with_settings(train_gan, TrainGanSettings, section="train-gan", presets=PRESETS, decided={AUTO: DECIDED})
    app.command("train-gan", epilog=EXAMPLES)(command)
