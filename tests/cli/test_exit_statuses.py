"""Every exit status that a man page documents: the command line is run so that it ends with it.

Those of aigc(1) are seen of processes. Those of each command's page are many, so they run through the same command line
in this process, where torch is imported once.
"""

import fcntl
import io
import json
import os
import re
import shutil
import signal
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image

from aigc_cli.app import run
from aigc_cli.core import errors
from aigc_cli.core.disk.checkpoint import load_tensors, save_tensors

MAN = Path(__file__).parents[2] / "man"
NO_DEVICE = "mps" if torch.cuda.is_available() or not torch.backends.mps.is_available() else "cuda"
SMALL_FACE = "--width 0.1 --batch-size 2 --metric-images 16 --metric random_conv --steps 1 --threads 1"
SMALL_TEXT = "--layers 1 --width 16 --heads 2 --kv-heads 1 --context 64 --vocab-size 300 --batch-size 2 --threads 1"

# What each command is given to end with each status. `broken` is a file, or a folder of files, of nothing sensible,
# `taken` a file in the way of an output, `shut` a folder that another process has locked.
LINES = {
    "prepare images": {
        0: "photos -o out -q",
        2: "photos -o out --size 0",
        65: "broken.zip -o out",
        66: "nowhere -o out",
        69: "dicebear:dylan --count 2 -o out",
        73: "photos -o taken",
        75: "photos -o shut",
    },
    "prepare chat": {
        0: "talk.txt --me Ada -o out -q",
        2: "talk.txt -o out --nonsense",
        65: "broken.json --me Ada -o out",
        66: "nowhere --me Ada -o out",
        73: "talk.txt --me Ada -o taken",
        75: "talk.txt --me Ada -o shut",
    },
    "prepare text": {
        0: "talk.txt -o out -q",
        2: "talk.txt -o out --nonsense",
        65: "broken.txt -o out",
        66: "nowhere -o out",
        73: "talk.txt -o taken",
        75: "talk.txt -o shut",
    },
    "prepare forget": {
        0: "chat --since 2024-01-01 -q",
        2: "chat --who Bob",
        65: "text --who Bob --yes",
        66: "nowhere --who Bob --yes",
        73: "chat-and-more --who Bob --yes",
        75: "shut-chat --who Bob --yes",
    },
    "train-gan": {
        0: f"images -o out --dry-run -q {SMALL_FACE}",
        1: f"images -o out -q --lr-g 1e9 --lr-d 1e9 {SMALL_FACE} --steps 60",
        2: "images -o out --size 3",
        65: "text -o out",
        66: "nowhere -o out",
        69: f"images -o out --device {NO_DEVICE} {SMALL_FACE}",
        73: f"images -o taken {SMALL_FACE}",
        75: f"images -o shut {SMALL_FACE}",
    },
    "train-gpt": {
        0: f"text -o out --dry-run -q {SMALL_TEXT}",
        1: "text -o out -q --init gpt-of-huge-weights --steps 3 --batch-size 2 --context 64 --threads 1",
        2: "text -o out --size 3",
        65: "images -o out",
        66: "nowhere -o out",
        69: f"text -o out --device {NO_DEVICE} {SMALL_TEXT}",
        73: f"text -o taken {SMALL_TEXT}",
        75: f"text -o shut {SMALL_TEXT}",
    },
    "sample": {
        0: "face -o out -n 1 -q",
        2: "face -o out -n 0",
        65: "broken-run -o out",
        66: "nowhere -o out",
        69: f"face -o out --device {NO_DEVICE}",
        73: "face -o taken",
        75: "face -o shut",
    },
    "chat": {
        0: "gpt - -q --max-new-tokens 2",
        2: "nowhere - --nonsense",
        65: "broken-run -",
        66: "nowhere -",
        69: f"gpt - --device {NO_DEVICE}",
        73: "gpt - --session taken/session.jsonl",
    },
    "metrics": {0: "face -q", 2: "--nonsense", 65: "broken-run", 66: "nowhere"},
    "eval images": {
        0: "images images --extractor random_conv --no-labels -q",
        2: "images images --extractor inception",
        65: "text images",
        66: "nowhere images",
        69: f"images images --device {NO_DEVICE}",
    },
    "eval pairs": {0: "photos photos -q", 2: "photos --nonsense", 65: "broken broken", 66: "nowhere photos"},
    "eval text": {
        0: "gpt text -q",
        2: "gpt --nonsense",
        65: "face text",
        66: "nowhere text",
        69: f"gpt text --device {NO_DEVICE}",
    },
    "eval texts": {0: "text/train.jsonl text -q", 2: "text --nonsense", 65: "text images", 66: "nowhere text"},
    "label show": {0: "face/generator.safetensors -q", 2: "--nonsense", 65: "broken.png", 66: "nowhere"},
    "label verify": {0: "face/generator.safetensors -q", 2: "--nonsense", 65: "broken.png", 66: "nowhere"},
    "config show": {0: "sample", 2: "simple"},
    "config path": {0: "", 2: "--nonsense"},
    "doctor": {0: "-q", 2: "--nonsense", 69: "-q"},
    "completion": {0: "bash", 2: "dos"},
}


def documented(page: str) -> set[int]:
    """Return the statuses on a page, which is named as its command without the program's name."""
    text = (MAN / f"aigc{page and '-'}{page.replace(' ', '-')}.1").read_text().split(".SH EXIT STATUS")[1]
    return {int(code) for code in re.findall(r"^\\fB(\d+)\\fR$", text.split(".SH ")[0], flags=re.MULTILINE)}


def settings_that_are_none(folder: Path, page: str) -> None:
    """Write a configuration file that no command can use."""
    table = "nonsense" if page == "doctor" else page.replace(" ", "-")
    (folder / "aigc.toml").write_text(f"[{table}]\nnonsense = 1\n")


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the lines name: photos, sets, runs, and things in the way."""
    folder = tmp_path_factory.mktemp("inputs")
    with pytest.MonkeyPatch.context() as patch:
        bare(patch, folder)
        (folder / "photos").mkdir()
        for index in range(20):
            Image.new("RGB", (40, 40), (12 * index, 99, 240 - 12 * index)).save(folder / "photos" / f"{index:02}.png")
        said = "".join(f"{'Ada' if n % 2 else 'Bob'}: line {n}, and what of it?\n" for n in range(60))
        (folder / "talk.txt").write_text(said)
        for line in (
            "prepare images photos -o images --size 16 --valid 0.25 -q",
            "prepare text talk.txt -o text -q",
            "prepare chat talk.txt --me Ada -o chat -q",
            f"train-gan images -o face -q {SMALL_FACE}",
            f"train-gpt text -o gpt -q --steps 1 --evaluations 1 {SMALL_TEXT}",
        ):
            assert run(line.split()) == 0
    shutil.copytree(folder / "gpt", folder / "gpt-of-huge-weights")
    weights = folder / "gpt-of-huge-weights" / "model.safetensors"
    save_tensors(weights, {name: 1e25 * tensor for name, tensor in load_tensors(weights).items()})
    shutil.copytree(folder / "gpt", folder / "gpt-in-training")
    record = json.loads((folder / "gpt" / "aigc.json").read_text())
    (folder / "gpt-in-training" / "aigc.json").write_text(json.dumps({**record, "status": "training"}))
    for name in ("broken.zip", "broken.json", "broken.txt", "broken.png"):
        (folder / name).write_bytes(b"PK\x03\x04\xff\xfe nothing \x00\x01" * 9)
    for name, file in (("broken", "a.png"), ("broken-run", "aigc.json"), ("broken-run", "metrics.jsonl")):
        (folder / name).mkdir(exist_ok=True)
        (folder / name / file).write_text("{ nothing")
    (folder / "taken").write_text("mine")
    (folder / "shut").mkdir()
    shutil.copytree(folder / "chat", folder / "shut-chat")
    shutil.copytree(folder / "chat", folder / "chat-and-more")
    (folder / "chat-and-more" / "notes.txt").write_text("mine")
    return folder


def bare(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Stand in a folder, with no settings from elsewhere."""
    patch.chdir(folder)
    for name in [name for name in os.environ if name.startswith(("AIGC_", "XDG_"))]:
        patch.delenv(name)
    patch.delenv("HOME", raising=False)


CASES = [(page, status) for page in LINES for status in sorted({*LINES[page], *({78} & documented(page))})]


@pytest.mark.parametrize(("page", "status"), CASES)
def test_a_command_ends_with_what_its_page_says(
    page: str, status: int, inputs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bare(monkeypatch, inputs)
    monkeypatch.setattr(sys, "stdin", io.StringIO("hi\n"))
    if (page, status) == ("prepare images", 69):
        monkeypatch.setitem(sys.modules, "dicebear", None)
    lock = os.open("shut-chat" if page == "prepare forget" else "shut", os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        if status == 78 or (page, status) == ("doctor", 69):
            settings_that_are_none(inputs, page)
        assert run([*page.split(), *LINES[page].get(status, LINES[page][0]).split()]) == status
    finally:
        os.close(lock)
        (inputs / "aigc.toml").unlink(missing_ok=True)
        shutil.rmtree(inputs / "out", ignore_errors=True)
    assert ("error: " in capsys.readouterr().err) == (status != 0)


def test_the_lines_above_are_all_that_the_pages_say() -> None:
    """And a group's page says what its commands' pages do."""
    pages = {page.stem.removeprefix("aigc").removeprefix("-"): page for page in MAN.glob("*.1")}
    groups = {name for name in pages if any(other.startswith(f"{name}-") for other in pages)} - {"train"}
    assert {page.replace(" ", "-") for page in LINES} == {*pages} - groups - {""}
    for page, lines in LINES.items():
        assert documented(page) - {78} == {*lines}, page
    for group in groups - {""}:
        below = (documented(name.replace("-", " ")) for name in pages if name.startswith(f"{group}-"))
        assert documented(group) == set().union(*below), group


# Whose line of the table shows each status of aigc(1) with a process; signals and pipes have tests of their own.
PROCESSES = {
    0: "config path",
    1: "train-gpt",
    2: "completion",
    65: "label verify",
    66: "metrics",
    69: "doctor",
    73: "prepare text",
    75: "prepare chat",
    78: "config show",
}
STOPPED = {130, 141, 143}


def test_the_program_s_page_says_every_error_and_how_it_can_be_stopped() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.AigcError)]
    assert {kind.exit_code for kind in kinds} | {0} == PROCESSES.keys()
    assert documented("") == {*PROCESSES} | STOPPED


@pytest.mark.parametrize("status", PROCESSES)
def test_a_process_ends_with_what_the_program_s_page_says(status, cli, inputs):
    page = PROCESSES[status]
    lock = os.open(inputs / "shut", os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        if status in (69, 78):
            settings_that_are_none(inputs, page)
        done = cli.run(inputs, *page.split(), *LINES[page].get(status, LINES[page][0]).split())
    finally:
        os.close(lock)
        (inputs / "aigc.toml").unlink(missing_ok=True)
        shutil.rmtree(inputs / "out", ignore_errors=True)
    assert done.returncode == status
    assert done.stderr.count("error: ") == (status != 0)


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_process_with_what_the_program_s_page_says(stop, cli, inputs):
    process = cli.start(inputs, "metrics", "gpt-in-training", "--follow", "--json")
    assert process.stdout.readline().startswith("{")  # it follows now
    process.send_signal(stop)
    process.communicate()
    assert process.returncode == 128 + stop and process.returncode in STOPPED


def test_a_closed_pipe_ends_a_process_with_what_the_program_s_page_says(cli, inputs):
    reader, writer = os.pipe()
    os.close(reader)
    process = cli.start(inputs, "config", "show", stdout=writer)
    os.close(writer)
    process.communicate()
    assert process.returncode == 141 and process.returncode in STOPPED
