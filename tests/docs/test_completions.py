"""The completion scripts: current, and tried in real shells."""

import json
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from aigc_cli.data.pictures.dicebear import list_styles
from aigc_cli.table import COMMANDS

needs_fish = pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
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


@contextmanager
def shell_in(shell: str, folder: Path) -> Iterator[int]:
    """Start an interactive shell in `folder` with the completions, and yield its terminal."""
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
        yield terminal
    finally:
        os.close(terminal)
        process.wait(timeout=20)


def in_shell(shell: str, lines: list[str], folder: Path) -> Iterator[list[str]]:
    """Type lines and Enter into an interactive shell in `folder`; yield the words that the program got each time."""
    with shell_in(shell, folder) as terminal:
        for line in lines:
            os.write(terminal, line.encode() + b"\n")
            read_until(terminal, b"DONE\r\n")
            yield [word.rstrip("/") for word in (folder / "words").read_text().splitlines()]


def read_until(terminal: int, mark: bytes, seconds: float = 20) -> bytes:
    heard, deadline = b"", time.monotonic() + seconds
    while mark not in heard:
        ready, _, _ = select.select([terminal], [], [], deadline - time.monotonic())
        assert ready, f"the shell fell silent: {heard!r}"
        heard += os.read(terminal, 65536)
    return heard


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A folder as users have it: runs and prepared sets of every kind, and other things."""
    files = {
        "runs/face/aigc.json": {"schema": "aigc.run/1", "kind": "face"},
        "runs/face/config.json": {"arch": "style", "label_names": ["neutral", "smile", "sad"], "z_dim": 64},
        "runs/text/aigc.json": {"schema": "aigc.run/1", "kind": "text", "settings": {"kind": "face"}},
        "runs/text/config.json": {"architectures": ["smirk"]},
        "runs/plain/aigc.json": {"schema": "aigc.run/1", "kind": "face"},
        "runs/plain/config.json": {"label_names": [], "more": ["smudge"]},
        "data/chat/manifest.json": {"schema": "aigc.manifest/1", "kind": "chat"},
        "data/faces/manifest.json": {"schema": "aigc.manifest/1", "kind": "images"},
        "second runs/text/aigc.json": {"schema": "aigc.run/1", "kind": "text"},
        "notes/todo.txt": {},
    }
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=1, ensure_ascii=False))
    return tmp_path


LINES = [
    ("aigc train-ga\t", ["train-gan"]),
    ("aigc prep\tcha\t", ["prepare", "chat"]),
    ("aigc sample runs/face --trunc\t", ["sample", "runs/face", "--truncation"]),
    ("aigc sample runs/face --device cu\t", ["sample", "runs/face", "--device", "cuda"]),
    ("aigc sample --device=cu\t runs/face", ["sample", "--device=cuda", "runs/face"]),
    ("aigc sample runs/t\t", ["sample", "runs/text"]),
    ("aigc chat r\t", ["chat", "runs/text"]),
    ("aigc chat r\t--seed 1", ["chat", "runs/text", "--seed", "1"]),
    ("aigc chat s\t", ["chat", "second runs/text"]),
    ("aigc chat runs/text --face runs/f\t", ["chat", "runs/text", "--face", "runs/face"]),
    ("aigc chat --face=runs/f\t runs/text", ["chat", "--face=runs/face", "runs/text"]),
    ("aigc train-gan d\t -o runs/p\t", ["train-gan", "data/faces", "-o", "runs/plain"]),
    ("aigc train-gpt d\t -o r\t", ["train-gpt", "data/chat", "-o", "runs/text"]),
    (
        "aigc train-gpt data/chat -o runs/text --init smol\t",
        ["train-gpt", "data/chat", "-o", "runs/text", "--init", "smollm2"],
    ),
    ("aigc train-gan data/faces --preset ti\t", ["train-gan", "data/faces", "--preset", "tiny"]),
    ("aigc train-gan data/faces --metric ran\t", ["train-gan", "data/faces", "--metric", "random_conv"]),
    ("aigc sample runs/face --label sm\t", ["sample", "runs/face", "--label", "smile"]),
    ("aigc sample --label sm\t runs/plain", ["sample", "--label", "sm", "runs/plain"]),
    ("aigc prepare images dicebear:toon\t -o new", ["prepare", "images", "dicebear:toon-head", "-o", "new"]),
    ("aigc prepare chat demo:w\t -o new", ["prepare", "chat", "demo:wren", "-o", "new"]),
    ("aigc prepare text no\tto\t -o new", ["prepare", "text", "notes/todo.txt", "-o", "new"]),
    ("aigc eval text runs/t\t data/c\t", ["eval", "text", "runs/text", "data/chat"]),
    ("aigc --lang zh\t doc\t", ["--lang", "zh-CN", "doctor"]),
]


@pytest.mark.parametrize("shell", START)
def test_a_tab_completes(shell: str, work: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    got = in_shell(shell, [line for line, _ in LINES], work)
    assert [(line, words) for (line, _), words in zip(LINES, got, strict=True)] == LINES


@pytest.mark.parametrize("shell", START)
def test_commands_are_listed_in_the_order_of_help(shell: str, work: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    with shell_in(shell, work) as terminal:
        termios.tcsetwinsize(terminal, (24, 18))  # so narrow that a list has one column
        os.write(terminal, b"echo NAR''ROW\n")
        read_until(terminal, b"NARROW\r\n")  # and the shell has heard of it
        os.write(terminal, b"aigc \t\t")
        listing = read_until(terminal, list(COMMANDS)[-1].encode()).decode()
    assert re.findall(r"^(?!aigc)([a-z-]+)\b", listing, flags=re.MULTILINE) == list(COMMANDS)


@needs_fish
def test_fish_lists_commands_in_the_order_of_help(work: Path) -> None:
    ask = f"source {SCRIPTS}/aigc.fish; complete -C 'aigc '"
    done = subprocess.run(["fish", "--no-config", "-c", ask], cwd=work, capture_output=True, text=True, check=True)
    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == list(COMMANDS)


FISH_OFFERS = {
    "aigc train-g": {"train-gan", "train-gpt"},
    "aigc prepare ": {"images", "chat", "text", "forget"},
    "aigc sample runs/face --trunc": {"--truncation"},
    "aigc sample runs/face --device ": {"auto", "cpu", "cuda", "mps"},
    "aigc sample runs/face --device=c": {"--device=cpu", "--device=cuda"},
    "aigc sample ": {"runs/face", "runs/plain", "runs/text", "second runs/text"},
    "aigc chat r": {"runs/text"},
    "aigc chat runs/text --face ": {"runs/face", "runs/plain"},
    "aigc chat --face=r": {"--face=runs/face", "--face=runs/plain"},
    "aigc train-gpt d": {"data/chat"},
    "aigc train-gan ": {"data/faces"},
    "aigc train-gpt data/chat -o nothing-like-it": set(),
    "aigc train-gpt data/chat --init smol": {"smollm2"},
    "aigc sample runs/face --label ": {"neutral", "smile", "sad"},
    "aigc sample runs/plain --label ": set(),
    "aigc prepare images dicebear:to": {"dicebear:toon-head"},
    "aigc prepare chat demo:w": {"demo:wren"},
    "aigc prepare text notes/": {"notes/todo.txt"},
}


@needs_fish
def test_fish_offers(work: Path) -> None:
    asks = "".join(f"; complete -C '{line}'; echo END" for line in FISH_OFFERS)
    ask = f"source {SCRIPTS}/aigc.fish{asks}"
    done = subprocess.run(["fish", "--no-config", "-c", ask], cwd=work, capture_output=True, text=True, check=True)
    answers = [answer.splitlines() for answer in done.stdout.split("END\n")[:-1]]
    offers = [{entry.split("\t")[0].rstrip("/") for entry in answer} for answer in answers]
    assert dict(zip(FISH_OFFERS, offers, strict=True)) == FISH_OFFERS
    assert done.stderr == ""


def bash_offers(words: list[str], folder: Path, path: str) -> set[str]:
    """Return what bash's function replies to a line of words, the last of which is being typed."""
    line = " ".join(words)
    program = (
        f"source {SCRIPTS}/aigc.bash; compopt() {{ :; }}; COMP_WORDS=({' '.join(map(repr, words))});"
        f"COMP_CWORD={len(words) - 1}; COMP_LINE={line!r}; COMP_POINT={len(line)}; _aigc;"
        "printf '%s\\n' \"${COMPREPLY[@]}\""
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", program], cwd=folder, env={"PATH": path}, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return set(done.stdout.split())


def test_completing_starts_no_program(work: Path) -> None:
    """With an empty PATH every program that a script started would be missed, and said so."""
    bash = shutil.which("bash")
    assert bash is not None
    (work / "bin").mkdir()
    (work / "bin" / "bash").symlink_to(bash)
    only_bash = str(work / "bin")
    offers = {
        "aigc chat r": {"runs/text"},
        "aigc sample runs/face --label ": {"neutral", "smile", "sad"},
        "aigc train-gan ": {"data/faces"},
    }
    for line, offered in offers.items():
        assert bash_offers(line.split(" "), work, only_bash) == offered


def test_every_open_style_is_offered_and_no_other(work: Path) -> None:
    styles = list_styles()
    offered = bash_offers(["aigc", "prepare", "images", "d"], work, os.environ["PATH"])
    assert offered - {"data"} == {"dicebear:"} | {style["source"] for style in styles if style["allowed"]}


def test_values_are_of_real_parameters() -> None:
    """Every entry that says what completes a value names an option or argument that there is."""
    program = (
        "import make_completions as made; root = made.read_commands();"
        "there = {f'{made.name_of(c)} {o.names[-1] if o.names else o.metavar.strip(chr(91) + chr(93))}'"
        " for c in root.walk() for o in (*c.options, *c.arguments)};"
        "print(sorted(made.VALUES.keys() - there))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT / "tools", capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_scripts_are_current(tmp_path: Path) -> None:
    subprocess.run([sys.executable, ROOT / "tools" / "make_completions.py", tmp_path], check=True, cwd=tmp_path)
    fresh = {script.name: script.read_text() for script in tmp_path.iterdir()}
    assert {script.name: script.read_text() for script in SCRIPTS.iterdir()} == fresh, "run `make docs`"
