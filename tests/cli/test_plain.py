"""What a terminal and a pipe get of every command where names and contents are hostile.

One pass over all commands with stdout and stderr as pseudo-terminals and one with pipes, in this process; the tests
then read what came out. A command that the passes do not know fails `test_every_command_is_tried`.
"""

import contextlib
import io
import json
import os
import pty
import re
import shutil
import sys
import threading

import pytest
import typer
from PIL import Image

from aigc_cli import app

# Colours that aigc never uses, a title, C1's CSI, DEL, an override, an isolate and an embedding that stay open.
ACTING = "\x1b[45;5m\x1b]0;t\x07\x9b31m\x7f\u202e\u2067\u202a"
BYTE = "" if sys.platform == "darwin" else "\udcff"  # in a file name, a byte that is no UTF-8
EVIL = f"evil{ACTING}{BYTE}"
NAME = f"evil{ACTING}"  # of what holds tensors: safetensors opens no path that is not UTF-8
KEPT = "مرحبا\u200f e\u0301 👩\u200d🔬 许麦冬"  # right-to-left, a combining mark, joined emoji, Chinese
OWN = re.compile(r"\x1b\[[0-9;]*[mAK]|\x1b\[\?25[lh]|\r")  # colours, and what moves a progress bar
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def leaves(command=None, names=()):
    """Yield the words of every command that does something."""
    command = command or typer.main.get_command(app.app)
    below = getattr(command, "commands", None)
    if below is None:
        yield " ".join(names)
    for name in below or ():
        yield from leaves(below[name], (*names, name))


def picture(path, shade):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (16, 16), (shade, 255 - shade, 90)).save(path, "PNG")


def make_world(folder, ada_run, face_run):
    """Fill a folder with pictures, chats, texts, runs and settings that are as hostile as names and contents can be."""
    for number in range(24):
        picture(folder / EVIL / f"{EVIL}{number % 2}" / f"{EVIL}{number}.png", 10 * number)
    (folder / EVIL / f"{EVIL}0" / f"{EVIL}.png").write_bytes(b"broken")
    said = [
        {"id": number, "type": "message", "date": f"2024-05-{1 + number // 4:02}T10:0{number % 4}:00", "from": sender}
        | {"from_id": f"user{number % 2}", "text": f"{KEPT} {EVIL} {number}"}
        for number, sender in enumerate([f"Bob{EVIL}", NAME] * 30)
    ]
    chat = {"name": EVIL, "type": "personal_chat", "id": 1, "messages": said}
    (folder / f"{EVIL}.json").write_text(json.dumps(chat))
    (folder / f"{EVIL}.txt").write_text(f"{KEPT} {NAME}\n" * 30, encoding="utf-8")
    for run, name, labels in ((ada_run, "text", None), (face_run, "face", [f"{EVIL}0", f"{EVIL}1", "sad"])):
        place = folder / f"{NAME}{name}"
        shutil.copytree(run, place)
        record = json.loads((place / "aigc.json").read_text()) | {"subject": EVIL, "consent": EVIL, "step": 1}
        (place / "aigc.json").write_text(json.dumps(record))
        if labels:
            config = json.loads((place / "config.json").read_text())
            (place / "config.json").write_text(json.dumps(config | {"label_names": labels}))
    lines = [{"step": step, f"loss{EVIL}": 1 / step, "loss": step, "note": EVIL} for step in (1, 2, 3)]
    (folder / f"{NAME}text" / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    turn = {"schema": "aigc.session/1", "role": "user", "content": EVIL, "time": EVIL, "expression": EVIL}
    (folder / f"{EVIL}.jsonl").write_text(json.dumps(turn) + "\n")
    (folder / "lines.jsonl").write_text(json.dumps({"text": EVIL, "id": EVIL}) + "\n")
    (folder / "aigc.toml").write_text(f"[sample]\nprompt = {json.dumps('evil' + ACTING)}\n")
    return folder


TINY = ("--steps", "2", "--threads", "1", "--batch-size", "4", "--evaluations", "1")
SHAPE = ("--layers", "1", "--width", "16", "--heads", "2", "--kv-heads", "1", "--context", "256", "--vocab-size", "300")
# Command -> its command lines, in an order in which each finds what it needs.
LINES = {
    "prepare images": [[EVIL, "-o", f"{NAME}.set", "--size", "16", "--labels", "folders", "--valid", "0.5"]],
    "prepare chat": [
        [f"{EVIL}.json", "-o", f"{NAME}.chat", "--me", NAME],
        [f"{EVIL}.json", "-o", f"{EVIL}.none", "--me", EVIL],
        [f"{EVIL}.json", "-o", f"{NAME}.both", "--me", NAME, "--me", EVIL, "--with", "user0", "-v"],
        [f"{EVIL}.json", "-o", f"{EVIL}.none", "--me", NAME, "--with", EVIL],
        [f"{EVIL}.json", "-o", f"{EVIL}.none", "--me", NAME, "--since", EVIL],
        [f"{EVIL}.json", "-o", f"{EVIL}.none", "--me", NAME, "--persona", f"{EVIL}.none"],
    ],
    "prepare text": [[f"{EVIL}.txt", "-o", f"{NAME}.lines"], [f"{EVIL}.none", "-o", "none"]],
    "train-gan": [
        [f"{NAME}.set", "-o", f"{NAME}.gan", *TINY, "--arch", "mlp", "--width", "0.1", "--metric-images", "16"],
        [f"{NAME}.chat", "-o", "none"],
    ],
    "train-gpt": [[f"{NAME}.chat", "-o", f"{NAME}.gpt", *TINY, *SHAPE, "--eval-tokens", "64"]],
    "metrics": [[f"{NAME}text", f"{NAME}.gan"], [f"{NAME}text", "--metric", EVIL]],
    "sample": [
        [f"{NAME}face", "-n", "4", "-o", f"{NAME}.out", "--grid", f"{NAME}.grid.png", "--threads", "1"],
        [f"{NAME}face", "--label", EVIL, "-o", f"{NAME}.out"],
        [f"{NAME}text", "-n", "2", "--prompt", f"evil{ACTING}", "--max-new-tokens", "4", "--threads", "1"],
    ],
    "eval images": [
        [
            f"{NAME}.set",
            f"{NAME}.set",
            "--extractor",
            "random_conv",
            "--bootstrap",
            "0",
            "--neighbours",
            "2",
            "--no-labels",
        ],
    ],
    "eval pairs": [[f"{NAME}.set", f"{NAME}.set", "--per-pair"]],
    "eval text": [[f"{NAME}text", f"{NAME}.chat", "--replies", "1", "--threads", "1"], [EVIL, f"{NAME}.chat"]],
    "eval texts": [[f"{EVIL}.txt", f"{NAME}.chat"], [f"{EVIL}.txt", f"{EVIL}.none"]],
    "prepare forget": [[f"{NAME}.both", "--until", "2024-05-03", "--yes"], [f"{NAME}.both", "--who", EVIL]],
    "label show": [[f"{NAME}.out", "lines.jsonl"]],
    "label verify": [[f"{NAME}.out", f"{NAME}text"]],
    "chat": [
        [f"{NAME}text", "-", "--threads", "1"],
        [f"{NAME}text", "--play", "lines.txt", "--face", f"{NAME}face", "--threads", "1"],
        [f"{NAME}text", "-", "--session", f"{EVIL}.jsonl", "--threads", "1"],
    ],
    "config show": [["sample", "--origin"], [EVIL]],
    "config path": [[]],  # in a folder of a hostile name
    "doctor": [[]],
    "completion": [[EVIL]],
}


class Place:
    """Runs command lines in a folder, both streams going to pseudo-terminals or to pipes."""

    def __init__(self, folder, *, on_terminal):
        self._folder, self._on_terminal = folder, on_terminal

    def run(self, arguments, stdin=""):
        """Return what came on stdout and on stderr."""
        read, write = zip(*(pty.openpty() if self._on_terminal else os.pipe() for _ in range(2)), strict=True)
        came = [bytearray(), bytearray()]
        readers = [threading.Thread(target=_drain, args=ends, daemon=True) for ends in zip(read, came, strict=True)]
        for reader in readers:
            reader.start()
        saved = (sys.stdin, sys.stdout, sys.stderr, os.umask(0o022), os.environ.copy())
        sys.stdin = io.StringIO(stdin)
        streams = [os.fdopen(end, "w", encoding="utf-8", errors="replace") for end in write]
        sys.stdout, sys.stderr = streams
        os.environ |= {"COLUMNS": "200", "TERM": "xterm-256color", "AIGC_PICTURES": "half-blocks", "AIGC_DEBUG": "1"}
        try:
            with contextlib.chdir(self._folder), contextlib.suppress(SystemExit):
                app.run(arguments)
        finally:
            for stream in streams:
                stream.close()
            sys.stdin, sys.stdout, sys.stderr = saved[:3]
            os.umask(saved[3])
            os.environ.clear()
            os.environ |= saved[4]
            for reader in readers:
                reader.join()
        return tuple(part.decode("utf-8") for part in came)


def _drain(descriptor, into):
    with contextlib.suppress(OSError):  # a terminal that nobody holds any more ends in EIO
        while part := os.read(descriptor, 65536):
            into += part
    os.close(descriptor)


def passed(folder, ada_run, face_run, *, on_terminal):
    """Return (command line, stdout, stderr) of each command line, by command; on a terminal of a misspelt one too."""
    world = make_world(folder, ada_run, face_run)
    (world / "lines.txt").write_text(f"hi {KEPT}{ACTING}\n", encoding="utf-8")
    place = Place(world, on_terminal=on_terminal)
    came = {}
    for command in LINES:
        lines = [*LINES[command], *([[f"--evil{ACTING}"]] if on_terminal else [])]
        came[command] = [(line, *place.run([*command.split(), *line], f"hi {EVIL}\n")) for line in lines]
    return came


@pytest.fixture(scope="module")
def seen(tmp_path_factory, ada_run, face_run):
    """What the terminal got."""
    return passed(tmp_path_factory.mktemp("seen") / f"evil{ACTING}", ada_run, face_run, on_terminal=True)


@pytest.fixture(scope="module")
def piped(tmp_path_factory, ada_run, face_run):
    """What the pipes got."""
    return passed(tmp_path_factory.mktemp("piped") / f"evil{ACTING}", ada_run, face_run, on_terminal=False)


def test_every_command_is_tried():
    assert set(leaves()) == set(LINES)


@pytest.mark.parametrize("command", LINES)
def test_nothing_hostile_reaches_a_terminal(command, seen):
    for line, out, err in seen[command]:
        for text in (out, err):
            assert "\x1b[45;5m" not in text, line
            found = UNSAFE.search(OWN.sub("", text))
            assert found is None, (line, text[max(0, found.start() - 60) : found.end() + 20])
    assert all("evil" in "".join(came[1:]) for came in seen[command][-2:]), command


@pytest.mark.parametrize("command", LINES)
def test_a_pipe_gets_it_escaped_and_whole_and_a_log_none_of_it(command, piped):
    for line, out, err in piped[command]:
        assert UNSAFE.search(OWN.sub("", out) + err) is None, line
        if command not in ("chat", "completion"):
            for text in out.splitlines():
                json.loads(text)


def test_json_loses_nothing(piped):
    [record] = [json.loads(out) for line, out, _ in piped["prepare images"] if out]
    assert record["out"] == f"{NAME}.set"
    values = [json.loads(text) for _, out, _ in piped["config show"] for text in out.splitlines()]
    assert [value["value"] for value in values if value["setting"] == "prompt"] == [f"evil{ACTING}"]
    shown = [json.loads(text) for _, out, _ in piped["sample"] for text in out.splitlines()]
    assert {record["prompt"] for record in shown if record["kind"] == "text"} == {NAME}


@pytest.mark.parametrize("command", [name for name in LINES if name.startswith(("prepare", "train", "eval"))])
def test_a_terminal_gets_a_few_lines_for_a_person(command, seen):
    _, out, _ = seen[command][0]
    lines = OWN.sub("", out).splitlines()
    if command == "eval pairs":
        lines = lines[lines.index(next(line for line in lines if "beside" in line)) :]
    assert 3 <= len(lines) <= 12
    assert not lines[0].startswith(" ") and all(line.startswith("  ") for line in lines[1:])
    assert not any("schema" in line for line in lines)


def test_what_only_joins_or_reads_the_other_way_stays(seen):
    [(_, out, _)] = [came for came in seen["chat"] if "--play" in came[0]]
    assert KEPT in out
