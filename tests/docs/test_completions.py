"""The completion scripts: current, and tried in real shells."""

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "completions"
# Each shell gets a stand-in for the program that writes down the words it was called with.
STAND_IN = "aigc() { printf '%s\\n' \"$@\" >words; echo DO''NE; }"
TAKE_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execvp(sys.argv[1], sys.argv[1:])"
)
START = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], f"source {SCRIPTS}/aigc.bash; {STAND_IN}"),
    "zsh": (["zsh", "-f", "-i"], f"fpath=({SCRIPTS} $fpath); autoload -U compinit; compinit -u -D; {STAND_IN}"),
}


def in_shell(shell: str, line: str, folder: Path) -> list[str]:
    """Type a line and Enter into an interactive shell in `folder`; return the words that the program got."""
    command, setting_up = START[shell]
    terminal, inner = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", TAKE_TERMINAL, *command],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "TERM": "dumb", "PS1": "$ ", "HISTFILE": "/dev/null"},
        stdin=inner,
        stdout=inner,
        stderr=inner,
        start_new_session=True,
    )
    os.close(inner)
    try:
        os.write(terminal, f"{setting_up}; echo REA''DY\n".encode())
        read_until(terminal, b"READY\r\n")
        os.write(terminal, line.encode() + b"\n")
        read_until(terminal, b"DONE\r\n")
    finally:
        os.close(terminal)
        process.wait(timeout=20)
    return [word.rstrip("/") for word in (folder / "words").read_text().splitlines()]


def read_until(terminal: int, mark: bytes, seconds: float = 20) -> bytes:
    heard, deadline = b"", time.monotonic() + seconds
    while mark not in heard:
        ready, _, _ = select.select([terminal], [], [], deadline - time.monotonic())
        assert ready, f"the shell fell silent: {heard!r}"
        heard += os.read(terminal, 65536)
    return heard


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A folder as users have it: a run, a prepared set, and other things."""
    for marker in ("runs/face/aigc.json", "data/chat/manifest.json", "notes/todo.txt"):
        path = tmp_path / marker
        path.parent.mkdir(parents=True)
        path.write_text("{}")
    return tmp_path


LINES = [
    ("aigc train-ga\t", ["train-gan"]),
    ("aigc prep\tcha\t", ["prepare", "chat"]),
    ("aigc sample runs/face --trunc\t", ["sample", "runs/face", "--truncation"]),
    ("aigc sample runs/face --device cu\t", ["sample", "runs/face", "--device", "cuda"]),
    ("aigc sample --device=cu\t runs/face", ["sample", "--device=cuda", "runs/face"]),
    ("aigc sample r\t", ["sample", "runs/face"]),
    ("aigc chat r\t", ["chat", "runs/face"]),
    ("aigc train-gpt d\t -o r\t", ["train-gpt", "data/chat", "-o", "runs/face"]),
    ("aigc prepare text no\tto\t -o new", ["prepare", "text", "notes/todo.txt", "-o", "new"]),
]


@pytest.mark.parametrize("shell", START)
@pytest.mark.parametrize(("line", "words"), LINES)
def test_a_tab_completes(shell: str, line: str, words: list[str], work: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    assert in_shell(shell, line, work) == words


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("aigc train-g", {"train-gan", "train-gpt"}),
        ("aigc prepare ", {"images", "chat", "text"}),
        ("aigc sample runs/face --trunc", {"--truncation"}),
        ("aigc sample runs/face --device ", {"auto", "cpu", "cuda", "mps"}),
        ("aigc sample runs/face --device=c", {"--device=cpu", "--device=cuda"}),
        ("aigc sample ", {"runs/face"}),
        ("aigc train-gpt d", {"data/chat"}),
        ("aigc train-gpt data/chat -o nothing-like-it", set()),
        ("aigc prepare text notes/", {"notes/todo.txt"}),
    ],
)
def test_fish_offers(line: str, offered: set[str], work: Path) -> None:
    ask = f"source {SCRIPTS}/aigc.fish; complete -C '{line}'"
    done = subprocess.run(["fish", "--no-config", "-c", ask], cwd=work, capture_output=True, text=True, check=True)
    assert {entry.split("\t")[0].rstrip("/") for entry in done.stdout.splitlines()} == offered
    assert done.stderr == ""


def test_scripts_are_current(tmp_path: Path) -> None:
    subprocess.run([sys.executable, ROOT / "tools" / "make_completions.py", tmp_path], check=True, cwd=tmp_path)
    fresh = {script.name: script.read_text() for script in tmp_path.iterdir()}
    assert {script.name: script.read_text() for script in SCRIPTS.iterdir()} == fresh, "run `make docs`"
