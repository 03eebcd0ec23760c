"""`sample --show` in real terminals: what a terminal gets is the labelled picture, and says no where it cannot."""

import base64
import contextlib
import fcntl
import io
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import termios
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyte
import pytest
from PIL import Image

from aigc_cli.core.disk.provenance import read_png_label
from aigc_cli.core.screen.pictures import PictureStyle, draw
from tests import forked

SAMPLE = ("sample", "face", "-n", "1", "--seed", "3", "--batch-size", "8", "--threads", "1")
PATIENCE = 120


def in_terminal(cli, folder, *words, **changes):
    """Run a command whose stderr is a terminal of 80 columns; return its status and what the terminal got."""
    terminal, inner = pty.openpty()
    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = forked.start(
        *words,
        cwd=folder,
        env=cli.environment(**changes),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=inner,
    )
    os.close(inner)
    heard = b""
    with contextlib.suppress(OSError):  # Linux reports the end of the last writer as an input error
        while piece := os.read(terminal, 65536):
            heard += piece
    os.close(terminal)
    out, _ = process.communicate(timeout=PATIENCE)
    return process.returncode, heard.decode().replace("\r\n", "\n"), out


def test_a_terminal_gets_the_very_picture_that_a_pipe_gets(cli, runs):
    environments = {"kitty": {"TERM": "xterm-kitty"}, "sixel": {"TERM": "foot"}}
    with ThreadPoolExecutor() as pool:
        asked = {
            name: pool.submit(in_terminal, cli, runs, *SAMPLE, "--show", "-o", "-", "-q", **changes)
            for name, changes in environments.items()
        }
    for name, answer in asked.items():
        status, heard, png = answer.result()
        assert status == 0, heard
        assert heard == draw(png, 32, PictureStyle(name))
    payload = re.findall(r"\x1b_G[^;]*;([A-Za-z0-9+/=]*)\x1b\\", asked["kitty"].result()[1])
    carried = base64.standard_b64decode("".join(payload))
    assert carried == asked["kitty"].result()[2]
    assert read_png_label(carried)["AIGC"]["Label"] == "1"


def test_where_no_picture_can_be_drawn_it_says_so(cli, runs):
    assert "--show draws in a terminal" in cli.refused(runs, 2, *SAMPLE, "--show")
    status, heard, out = in_terminal(cli, runs, *SAMPLE, "--show", TERM="dumb")
    assert (status, out) == (2, b"")
    assert heard.startswith("aigc sample: error: this terminal draws no pictures (")


@pytest.fixture
def tmux(tmp_path):
    """Ask a tmux server of its own, of 80 by 24 cells."""
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")

    def ask(*words):
        command = ["tmux", "-S", str(tmp_path / "socket"), "-f", "/dev/null", *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    yield ask
    with contextlib.suppress(subprocess.CalledProcessError):
        ask("kill-server")


def test_half_blocks_arrive_on_the_screen_of_tmux(cli, runs, tmux, tmp_path):
    picture, done = tmp_path / "one.png", tmp_path / "done"
    words = " ".join([sys.executable, "-m", "aigc_cli", *SAMPLE, "--show", "-o", "-", "-q"])
    settings = " ".join(f"{name}={value}" for name, value in cli.environment(COLORTERM="truecolor").items())
    line = f"cd {runs}; env -i TERM=$TERM TMUX=$TMUX {settings} {words} >{picture}; touch {done}; exec sleep 600"
    tmux("new-session", "-d", "-x", "80", "-y", "24", line)
    deadline = time.monotonic() + PATIENCE
    while not done.exists():
        assert time.monotonic() < deadline, tmux("capture-pane", "-p")
        time.sleep(0.05)
    screen = pyte.Screen(80, 24)
    pyte.Stream(screen).feed(tmux("capture-pane", "-p", "-e").rstrip().replace("\n", "\r\n"))
    pixels = np.asarray(Image.open(io.BytesIO(picture.read_bytes())).convert("RGB").resize((32, 32), Image.NEAREST))
    for row in range(16):
        for column in range(32):
            cell = screen.buffer[row][column]
            shown = (cell.data, cell.fg, cell.bg)
            assert shown == ("▀", bytes(pixels[2 * row, column]).hex(), bytes(pixels[2 * row + 1, column]).hex())
    assert screen.buffer[0][32].data == " "
