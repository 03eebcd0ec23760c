"""`aigc metrics` on a terminal, read through pyte, and as records."""

import json
import os
import pty
import struct
import subprocess
import termios
from fcntl import ioctl

import pyte
import pytest

from tests import forked

COLUMNS, LINES = 80, 40


def run_folder(folder, losses, status="finished"):
    """Write what `aigc metrics` reads of a text run: a loss every 10 steps, and an evaluation at the last."""
    folder.mkdir(exist_ok=True)
    best = {"step": 10 * len(losses), "bits_per_byte": losses[-1] / 2}
    record = {"schema": "aigc.run/1", "kind": "text", "status": status, "best": best}
    (folder / "aigc.json").write_text(json.dumps(record))
    lines = [{"step": 10 * place, "loss": loss, "elapsed_seconds": 1.0} for place, loss in enumerate(losses, start=1)]
    lines += [{"step": best["step"], "bits_per_byte": best["bits_per_byte"], "elapsed_seconds": 1.0}]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"step": 999, "lo')
    return folder


@pytest.fixture
def runs(tmp_path):
    """Two runs of the same length: a falls from 4 to 1, b from 3 to 2."""
    run_folder(tmp_path / "a", [4.0, 2.5, 1.75, 1.25, 1.0])
    run_folder(tmp_path / "b", [3.0, 2.75, 2.5, 2.25, 2.0])
    return tmp_path


@pytest.fixture
def terminal(cli):
    """Runs the command on a terminal, and returns what is on the screen at the end, and the status."""

    def run(folder, *arguments, watch=lambda screen: None):
        primary, secondary = pty.openpty()
        ioctl(secondary, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        process = forked.start(
            "metrics",
            *arguments,
            cwd=folder,
            env=cli.environment(TERM="xterm-256color"),
            stdin=subprocess.DEVNULL,
            stdout=secondary,
            stderr=subprocess.STDOUT,
        )
        os.close(secondary)
        screen = pyte.Screen(COLUMNS, LINES)
        stream = pyte.ByteStream(screen)
        while data := read(primary):
            stream.feed(data)
            watch(screen)
        os.close(primary)
        return screen, process.wait()

    return run


def read(descriptor):
    try:
        return os.read(descriptor, 65536)
    except OSError:  # the other side has gone
        return b""


def is_braille(character):
    return "\u2800" <= character <= "\u28ff"


def test_a_chart_a_metric_with_both_runs_in_their_colours(terminal, runs):
    screen, status = terminal(runs, "a", "b", "--metric", "loss")
    rows = [line.rstrip() for line in screen.display]
    assert status == 0
    assert rows[0] == "loss   a 1   b 2"
    assert rows[1].startswith("        4 │")
    assert rows[10].startswith("        1 │")
    assert rows[11].split() == ["└10", "50"]
    first, last = rows[1][11:], rows[10][11:]
    assert is_braille(first[0])  # a begins highest, at the left
    assert is_braille(last.rstrip()[-1]) and len(rows[10]) == COLUMNS - 1  # and ends lowest, at the right
    colours = {cell.fg for row in range(1, 11) for cell in screen.buffer[row].values() if is_braille(cell.data)}
    assert colours == {"cyan", "magenta"}


def test_without_a_metric_it_draws_the_loss_and_what_chooses_the_best(terminal, runs):
    screen, _ = terminal(runs, "a")
    titles = [line.split()[0] for line in screen.display if line[:1].isalpha()]
    assert titles == ["loss", "bits_per_byte"]


def test_following_draws_until_the_run_is_finished(terminal, tmp_path):
    run_folder(tmp_path / "a", [4.0, 3.0], status="training")
    seen = []

    def finish(screen):
        if "loss   a 3" in screen.display[0] and not seen:
            seen.append(screen.display[0])
            run_folder(tmp_path / "a", [4.0, 3.0, 2.0])

    screen, status = terminal(tmp_path, "a", "--metric", "loss", "--follow", watch=finish)
    assert (status, len(seen)) == (0, 1)
    assert "loss   a 2" in "\n".join(screen.display)


def test_records_are_the_lines_of_the_runs(cli, runs):
    records = cli.records(runs, "metrics", "a", "b")
    assert [record["schema"] for record in records] == ["aigc.metrics/1"] * 12
    assert [record["run"] for record in records] == ["a"] * 6 + ["b"] * 6
    assert records[0] == {"schema": "aigc.metrics/1", "run": "a", "step": 10, "loss": 4.0, "elapsed_seconds": 1.0}
    chosen = cli.records(runs, "metrics", "a", "--metric", "bits_per_byte")
    assert chosen == [{"schema": "aigc.metrics/1", "run": "a", "step": 50, "bits_per_byte": 0.5}]


def test_what_is_not_there_is_said(cli, runs, terminal):
    assert "no such folder" in cli.refused(runs, 66, "metrics", "c")
    assert "did you mean 'loss'?" in cli.refused(runs, 2, "metrics", "a", "--metric", "los")
    screen, status = terminal(runs, "a", "--metric", "los")
    assert status == 2
    assert "did you mean 'loss'?" in screen.display[0]
