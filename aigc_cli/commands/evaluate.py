"""`aigc eval images|pairs|text|texts`: how good what was generated is, each number with the way it was measured."""

from pathlib import Path
from typing import Annotated, Any

import typer

from aigc_cli.config.base import as_json
from aigc_cli.config.evaluate import EvalImagesSettings, EvalPairsSettings, EvalTextSettings, EvalTextsSettings
from aigc_cli.core.disk.rundir import read_run
from aigc_cli.core.errors import NoInput
from aigc_cli.core.screen.console import Console
from aigc_cli.core.words.messages import tr
from aigc_cli.data.manifest import read_manifest
from aigc_cli.options import with_settings

UNKNOWN = "unknown until measured"
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
TEXTS_EXAMPLES = """\b
Examples:
  aigc eval texts replies.jsonl data/chat
  aigc sample runs/text --prompts questions.txt --json | aigc eval texts - data/chat/valid.jsonl
"""


def images(
    console: Console,
    settings: EvalImagesSettings,
    real: Annotated[Path, typer.Argument(help="The real set, or a folder of pictures.", metavar="REAL")],
    generated: Annotated[Path, typer.Argument(help="A sample folder, or any folder of pictures.", metavar="GENERATED")],
) -> None:
    """Compare two sets of pictures: Fréchet and kernel distance, precision, recall, spread, labels recognised."""
    if settings.dry_run:
        from aigc_cli.data.pictures.imageset import count_pictures
        from aigc_cli.measure.features import load_extractor

        load_extractor(settings.extractor)
        counts = {"real": count_pictures(real), "generated": count_pictures(generated)}
        _plan(console, settings, {"real": str(real), "generated": str(generated), "counts": counts})
        return
    from aigc_cli.commands.summary.evaluation import images_compared
    from aigc_cli.evaluation.images import compare_sets

    record = compare_sets(real, generated, settings, console.progress())
    console.conclude(record, images_compared(record), always=True)


def pairs(
    console: Console,
    settings: EvalPairsSettings,
    first: Annotated[Path, typer.Argument(help="A folder of pictures.", metavar="A")],
    second: Annotated[Path, typer.Argument(help="A folder of pictures with the same names.", metavar="B")],
) -> None:
    """Compare pictures of the same name pair by pair: structural similarity (SSIM) and PSNR."""
    if settings.dry_run:
        from aigc_cli.data.pictures.imageset import count_pictures

        counts = {"first": count_pictures(first), "second": count_pictures(second)}
        _plan(console, settings, {"first": str(first), "second": str(second), "counts": counts})
        return
    from aigc_cli.commands.summary.evaluation import pairs_compared
    from aigc_cli.evaluation.pairs import compare_pairs

    *each, record = compare_pairs(first, second, settings, console.progress())
    if each:
        console.rows(each)
    console.conclude(record, pairs_compared(record), always=True)


def text(
    console: Console,
    settings: EvalTextSettings,
    run: Annotated[Path, typer.Argument(help="A text run, or any model folder.", metavar="RUN")],
    data: Annotated[Path, typer.Argument(help="A prepared chat or text set.", metavar="DATA")],
) -> None:
    """Measure a language model: bits per byte on held-out turns, and what its replies look like."""
    if (run / "aigc.json").is_file():
        read_run(run, "text")
    if settings.dry_run:
        if not (run / "config.json").is_file():
            raise NoInput(
                tr("{folder}: no model there (no config.json)", folder=run),
                tr("give a Hugging Face model folder or a text run"),
            )
        counts = read_manifest(data, "chat", "text")["counts"]
        _plan(console, settings, {"run": str(run), "data": str(data), "counts": counts})
        return
    from aigc_cli.commands.summary.evaluation import text_measured
    from aigc_cli.core.machine.device import choose_device, set_threads
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
    console.conclude(record, text_measured(record), always=True)


def texts(
    console: Console,
    settings: EvalTextsSettings,
    generated: Annotated[str, typer.Argument(help="JSONL or plain text, a text a line; - is stdin.", metavar="FILE")],
    reference: Annotated[str, typer.Argument(help="The person's texts: a file, or a prepared set.", metavar="DATA")],
) -> None:
    """Compare texts with the person's: how varied, how repetitive, and how much of them is copied."""
    from aigc_cli.commands.summary.evaluation import texts_compared
    from aigc_cli.evaluation.texts import compare_texts, read_texts

    sides = [read_texts(place) for place in (generated, reference)]
    if settings.dry_run:
        counts = {"texts": len(sides[0]), "reference": len(sides[1])}
        _plan(console, settings, {"texts": generated, "reference": reference, "counts": counts})
        return
    record = compare_texts(*sides)
    console.conclude(record, texts_compared(record), always=True)


def _plan(console: Console, settings: Any, facts: dict[str, Any]) -> None:
    """Print what would be measured; nothing is written anyway, and how long it takes only measuring tells."""
    console.talk(tr("dry run: nothing is computed or written"))
    unknown = {"disk_bytes": 0, "memory_bytes": UNKNOWN, "seconds": UNKNOWN}
    console.record({"schema": "aigc.plan/1", **facts, **unknown, "settings": as_json(settings)})


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    group = typer.Typer(help="Measure what was generated.", rich_markup_mode=None, no_args_is_help=True)
    group.command("images", epilog=IMAGES_EXAMPLES)(with_settings(images, EvalImagesSettings, section="eval-images"))
    group.command("pairs", epilog=PAIRS_EXAMPLES)(with_settings(pairs, EvalPairsSettings, section="eval-pairs"))
    group.command("text", epilog=TEXT_EXAMPLES)(with_settings(text, EvalTextSettings, section="eval-text"))
    group.command("texts", epilog=TEXTS_EXAMPLES)(with_settings(texts, EvalTextsSettings, section="eval-texts"))
    app.add_typer(group, name="eval")
