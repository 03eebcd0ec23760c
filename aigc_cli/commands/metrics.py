"""`aigc metrics`: the curves of runs, drawn in the terminal or as records, while they train or afterwards."""

import json
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from aigc_cli.config.base import did_you_mean
from aigc_cli.config.metrics import MetricsSettings
from aigc_cli.core.disk.rundir import RunDir
from aigc_cli.core.errors import NoInput, UsageProblem
from aigc_cli.core.screen.chart import Curve, chart
from aigc_cli.core.screen.console import Console
from aigc_cli.core.words.messages import tr
from aigc_cli.core.words.plain import one_line
from aigc_cli.options import with_settings

SCHEMA = "aigc.metrics/1"
COLOURS = ("cyan", "magenta", "yellow", "green", "red", "blue")
HEIGHT = 10
FOLLOW_SECONDS = 1.0
NOT_DRAWN = ("step", "elapsed_seconds", "max_resident_bytes")
# Without --metric, whatever of these a run has: the loss or losses, and what its best weights are chosen by.
SHOWN = ("loss", "loss_d", "loss_g")
EXAMPLES = """\b
Examples:
  aigc metrics runs/text
  aigc metrics runs/a runs/b --metric bits_per_byte
  aigc metrics runs/face --follow
  aigc metrics runs/text | jq -r 'select(.bits_per_byte) | [.step, .bits_per_byte] | @tsv'
"""


def metrics(
    console: Console,
    settings: MetricsSettings,
    runs: Annotated[list[Path], typer.Argument(help="Runs to compare.", metavar="RUN…")],
) -> None:
    """Show how the numbers of runs went: a chart each, the runs in their colours; records where stdout is no terminal.

    With --metric the records carry only that number.
    """
    found = {str(path): RunDir(path) for path in runs}
    for run in found.values():
        run.record()
    if console.json_output:
        if settings.metric and not settings.follow and any(map(_lines, found.values())):
            _chosen(found, settings.metric)  # a misspelt one would give nothing, and no error
        for record in _followed(found, settings.metric) if settings.follow else _records(found, settings.metric):
            console.data(record)
        return
    names = _chosen(found, settings.metric)
    if settings.follow:
        _follow(found, names)
    for name in names:
        draw(_curves(found, name), name)


def _lines(run: RunDir) -> list[dict[str, Any]]:
    """Return the whole lines of a run's metrics so far."""
    if not run.metrics_path.is_file():
        return []
    lines = []
    for line in run.metrics_path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            lines.append(json.loads(line))
        except json.JSONDecodeError:
            continue  # being written now, or cut off by a kill
    return [line for line in lines if isinstance(line, dict) and "step" in line]


def _chosen(runs: Mapping[str, RunDir], metric: str | None) -> list[str]:
    """Return the metrics to draw; NoInput where nothing is logged yet, UsageProblem for a name that no run has."""
    known = dict.fromkeys(name for run in runs.values() for line in _lines(run) for name in line)
    for name in NOT_DRAWN:
        known.pop(name, None)
    if not known:
        raise NoInput(tr("{path}: nothing is logged yet", path=next(iter(runs))), tr("wait a little"))
    if metric is None:
        best = [name for run in runs.values() for name in run.record().get("best") or {} if name != "step"]
        names = [name for name in (*SHOWN, *dict.fromkeys(best)) if name in known]
        return names or list(known)[:1]
    if metric not in known:
        raise UsageProblem(tr("--metric {name!r} is not known", name=metric), did_you_mean(metric, list(known)))
    return [metric]


def _curves(runs: Mapping[str, RunDir], metric: str) -> dict[str, Curve]:
    found = {
        path: [(float(line["step"]), float(line[metric])) for line in _lines(run) if line.get(metric) is not None]
        for path, run in runs.items()
    }
    return {path: curve for path, curve in found.items() if curve}


def _records(runs: Mapping[str, RunDir], metric: str | None) -> Iterator[dict[str, Any]]:
    for path, run in runs.items():
        yield from _shown(path, _lines(run), metric)


def _shown(path: str, lines: Sequence[dict[str, Any]], metric: str | None) -> Iterator[dict[str, Any]]:
    for line in lines:
        if metric is None or metric in line:
            values = line if metric is None else {"step": line["step"], metric: line[metric]}
            yield {"schema": SCHEMA, "run": path, **values}


def _training(runs: Mapping[str, RunDir]) -> bool:
    return any(run.record()["status"] != "finished" for run in runs.values())


def _followed(runs: Mapping[str, RunDir], metric: str | None) -> Iterator[dict[str, Any]]:
    """Yield records as they come, until every run is finished. What a resume cut off and wrote again comes again."""
    seen = dict.fromkeys(runs, 0)
    while True:
        training = _training(runs)
        for path, run in runs.items():
            lines = _lines(run)
            yield from _shown(path, lines[min(seen[path], len(lines)) :], metric)
            seen[path] = len(lines)
        if not training:
            return
        time.sleep(FOLLOW_SECONDS)


def _follow(runs: Mapping[str, RunDir], names: Sequence[str]) -> None:
    """Draw again and again, on the same place, until every run is finished; then leave the screen as it was."""
    from rich.console import Console as RichConsole
    from rich.console import Group
    from rich.live import Live

    with Live(console=RichConsole(), screen=True, auto_refresh=False) as live:
        while _training(runs):
            live.update(Group(*[_drawn(_curves(runs, name), name) for name in names]), refresh=True)
            time.sleep(FOLLOW_SECONDS)


def draw(curves: Mapping[str, Curve], title: str) -> None:
    """Print one chart on stdout."""
    from rich.console import Console as RichConsole

    RichConsole(file=sys.stdout, highlight=False).print(_drawn(curves, title), soft_wrap=True)


def _drawn(curves: Mapping[str, Curve], title: str) -> Any:
    """Return a chart as rich text: title and last values, the rows with their labels, the range of steps."""
    from rich.text import Text

    styles = {name: COLOURS[place % len(COLOURS)] for place, name in enumerate(curves)}
    text = Text(one_line(title), style="bold", end="")
    for name, curve in curves.items():
        text.append(f"   {one_line(name)} {curve[-1][1]:.4g}", style=styles[name])
    text.append("\n")
    width = max(20, shutil.get_terminal_size().columns - 12)
    for label, cells in chart(curves, width, HEIGHT):
        text.append(f"{label:>9} │")
        for character, name in cells:
            text.append(character, style=styles.get(name, ""))
        text.append("\n")
    places = [place for curve in curves.values() for place, _ in curve]
    if places:
        first, last = f"{min(places):g}", f"{max(places):g}"
        text.append(" " * 10 + "└" + first + " " * max(1, width - len(first) - len(last)) + last + "\n")
    return text


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("metrics", epilog=EXAMPLES)(with_settings(metrics, MetricsSettings, section="metrics"))
