"""stdout is data, stderr is talk: the one place that knows terminals, colour, `--json`, `-q` and `-v`."""

import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aigc_cli.core.screen.progress import BarProgress, LineProgress, Progress, SilentProgress, timestamp
from aigc_cli.core.screen.summary import Summary
from aigc_cli.core.words.messages import in_english
from aigc_cli.core.words.plain import clean, json_text, one_line

MOST_COLUMNS = 8  # of a table with a heading; more would be too narrow to read


class Console:
    """What a command may say. Records go to stdout: JSONL when piped or asked for, a table on a terminal."""

    def __init__(
        self, *, json_output: bool = False, quiet: bool = False, verbose: bool = False, debug: bool = False
    ) -> None:
        self.quiet = quiet
        self.verbose = verbose
        self.debug = debug
        self.json_output = json_output or not _is_terminal(sys.stdout)
        self.explicit_json = json_output

    def record(self, record: Mapping[str, Any]) -> None:
        """Print what was done (it carries its `schema`). With `-q` only where JSON was asked for."""
        if not self.quiet or self.explicit_json:
            self.data(record)

    def data(self, record: Mapping[str, Any], *, essence: Sequence[str] = ()) -> None:
        """Print a record that the command is there for, such as a text or a measurement: with `-q` too.

        On a terminal only its `essence`, if there is one.
        """
        if self.json_output:
            _write_json(record)
        else:
            self._table({name: record[name] for name in essence} if essence else record)

    def conclude(self, record: Mapping[str, Any], summary: Summary, *, always: bool = False) -> None:
        """Print a record, or on a terminal the few lines that stand for it. With `-q` as `record`, or `always`."""
        if self.json_output:
            (self.data if always else self.record)(record)
        elif always or not self.quiet:
            first, *rest = map(clean, summary.lines(shutil.get_terminal_size().columns))
            print(f"\x1b[1m{first}\x1b[0m" if has_colour(sys.stdout) else first, *rest, sep="\n", flush=True)

    def rows(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Print many records that the command is there for: on a terminal as one table, or one each if it is wide."""
        if self.json_output:
            for record in records:
                _write_json(record)
            return
        shown = [{name: value for name, value in record.items() if name != "schema"} for record in records]
        if max((len(_flat(record)) for record in shown), default=0) > MOST_COLUMNS:
            for record in shown:
                self._table(record)
        else:
            self._rows(shown)

    def talk(self, line: str) -> None:
        """Say one line on stderr, unless quiet; with the time where it goes to a log."""
        if not self.quiet:
            stamp = "" if _is_terminal(sys.stderr) else timestamp()
            print(stamp + one_line(line), file=sys.stderr, flush=True)

    def detail(self, line: str) -> None:
        """Say one line on stderr to those who asked for more with `-v`."""
        if self.verbose:
            self.talk(line)

    def progress(self) -> Progress:
        """Return the renderer that fits: none when quiet, bars on a terminal, else plain timestamped lines."""
        if self.quiet:
            return SilentProgress()
        return BarProgress(self.verbose) if _is_terminal(sys.stderr) else LineProgress(verbose=self.verbose)

    def _table(self, record: Mapping[str, Any]) -> None:
        from rich.console import Console as RichConsole
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, show_header=False, pad_edge=False)
        table.add_column(style="bold", no_wrap=True)
        table.add_column()
        for name, value in _flat(record):
            table.add_row(Text(clean(name)), Text(clean(value)))
        RichConsole(highlight=False).print(table)

    def _rows(self, records: Sequence[Mapping[str, Any]]) -> None:
        from rich.console import Console as RichConsole
        from rich.table import Table
        from rich.text import Text

        flat = [dict(_flat(record)) for record in records]
        table = Table(box=None, pad_edge=False)
        columns = list(dict.fromkeys(name for row in flat for name in row))
        for name in columns:
            table.add_column(Text(clean(name)), overflow="fold")
        for row in flat:
            table.add_row(*(Text(clean(row.get(name, ""))) for name in columns))
        RichConsole(highlight=False).print(table)


def _write_json(record: Mapping[str, Any]) -> None:
    sys.stdout.write(json_text(in_english(record)) + "\n")
    sys.stdout.flush()


def choose_colour(choice: str) -> None:
    """Obey `--color`: rich, prompt_toolkit and `pictures` all read these two variables."""
    if choice == "never":
        os.environ["NO_COLOR"] = "1"
    elif choice == "always":
        os.environ.pop("NO_COLOR", None)
        os.environ["FORCE_COLOR"] = "1"


def has_colour(stream: Any) -> bool:
    """Tell whether what is written to a stream may be coloured: NO_COLOR, else FORCE_COLOR, else a terminal."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (_is_terminal(stream) and os.environ.get("TERM") != "dumb")


def _is_terminal(stream: Any) -> bool:
    return bool(stream is not None and stream.isatty())


def _flat(record: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for name, value in record.items():
        if isinstance(value, Mapping):
            rows += _flat(value, f"{prefix}{name}.")
        elif isinstance(value, float):
            rows.append((prefix + name, f"{value:.4g}"))
        elif isinstance(value, list):
            items = (f"{item:.4g}" if isinstance(item, float) else str(item) for item in value)
            rows.append((prefix + name, ", ".join(items)))
        elif value is not None:
            rows.append((prefix + name, str(value)))
    return rows


def open_missing_streams() -> None:
    """Give the process the streams that it was started without (`<&-`, `>&-`), so that no file takes their place.

    Reading finds nothing, writing data fails as it would without them, and talk goes nowhere.
    """
    for descriptor, name, mode in ((0, "stdin", "r"), (1, "stdout", "r"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            null = os.open(os.devnull, os.O_WRONLY if mode == "w" else os.O_RDONLY)
            if null != descriptor:
                os.dup2(null, descriptor)
                os.close(null)
            setattr(sys, name, open(descriptor, "r" if name == "stdin" else "w", closefd=False))  # noqa: SIM115


def utf8_streams() -> None:
    """Make stdout and stderr UTF-8 whatever the locale says (cron runs under LC_ALL=C)."""
    for stream in (sys.stdout, sys.stderr, sys.stdin):
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="surrogateescape" if stream is sys.stdin else "replace")


def abandon_stdout() -> None:
    """Point stdout at nothing, so that the interpreter's last flush of what it cannot write stays silent."""
    descriptor = os.open(os.devnull, os.O_WRONLY)
    os.dup2(descriptor, 1)
    os.close(descriptor)
