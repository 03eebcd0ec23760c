"""`aigc eval images|pairs|text`: how good what was generated is, each number with the way it was measured."""

from pathlib import Path
from typing import Annotated

import typer

from aigc_cli.config.evaluate import EvalImagesSettings, EvalPairsSettings, EvalTextSettings
from aigc_cli.core.console import Console
from aigc_cli.options import with_settings

IMAGES_EXAMPLES = """\b
Examples:
  aigc sample runs/face -n 2000 -o faces
  aigc eval images data/face faces
  aigc eval images data/face faces --json | jq '.metrics'
"""
PAIRS_EXAMPLES = """\b
Examples:
  aigc eval pairs originals/ copies/
  aigc eval pairs originals/ copies/ --per-pair --json
"""
TEXT_EXAMPLES = """\b
Examples:
  aigc eval text runs/text data/chat
  aigc eval text runs/text data/chat --base smollm2 --json
"""


def images(
    console: Console,
    settings: EvalImagesSettings,
    real: Annotated[Path, typer.Argument(help="The real set, or a folder of pictures.", metavar="REAL")],
    generated: Annotated[Path, typer.Argument(help="A sample folder, or any folder of pictures.", metavar="GENERATED")],
) -> None:
    """Compare two sets of pictures: Fréchet and kernel distance, precision, recall, spread, labels recognised."""
    from aigc_cli.evaluation.images import compare_sets

    console.record(compare_sets(real, generated, settings, console.progress()))


def pairs(
    console: Console,
    settings: EvalPairsSettings,
    first: Annotated[Path, typer.Argument(help="A folder of pictures.", metavar="A")],
    second: Annotated[Path, typer.Argument(help="A folder of pictures with the same names.", metavar="B")],
) -> None:
    """Compare pictures of the same name pair by pair: structural similarity (SSIM) and PSNR."""
    from aigc_cli.evaluation.pairs import compare_pairs

    for record in compare_pairs(first, second, settings, console.progress()):
        console.record(record)


def text(
    console: Console,
    settings: EvalTextSettings,
    run: Annotated[Path, typer.Argument(help="A text run, or any model folder.", metavar="RUN")],
    data: Annotated[Path, typer.Argument(help="A prepared chat or text set.", metavar="DATA")],
) -> None:
    """Measure a language model: bits per byte on held-out turns, and what its replies look like."""
    from aigc_cli.core.device import choose_device, set_threads
    from aigc_cli.evaluation.text import evaluate_run

    set_threads(settings.threads)
    record = evaluate_run(
        run,
        data,
        base=settings.base,
        split=settings.split,
        replies=settings.replies,
        context=settings.context,
        seed=settings.seed,
        device=choose_device(settings.device),
        progress=console.progress(),
    )
    console.record(record)


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    group = typer.Typer(help="Measure what was generated.", rich_markup_mode=None, no_args_is_help=True)
    group.command("images", epilog=IMAGES_EXAMPLES)(with_settings(images, EvalImagesSettings, section="eval-images"))
    group.command("pairs", epilog=PAIRS_EXAMPLES)(with_settings(pairs, EvalPairsSettings, section="eval-pairs"))
    group.command("text", epilog=TEXT_EXAMPLES)(with_settings(text, EvalTextSettings, section="eval-text"))
    app.add_typer(group, name="eval")
