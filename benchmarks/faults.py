"""What does each writing command leave behind when it is killed, or may not write? JSON lines and a table.

python benchmarks/faults.py [--moments 50] [--commands NAME …] [--faults kill full limit read-only] [--seed 0]

`kill`: SIGKILL at random moments of an undisturbed run's duration, then the same command again. `full`: a small disk
in memory that fills up. `limit`: files may not grow beyond a size (RLIMIT_FSIZE). `read-only`: a folder that root
cannot write either. After each: no half file under its final name, the lock free, checkpoints whole, the exit code
as documented, one line of error; then the same command, with nothing in its way, must exit 0 and leave what an
undisturbed one leaves, bit for bit but for times.

Every command that writes has a row (tests/commands/test_writers.py); the import of a GGUF file needs the extra `gguf`.

Processes are forked from one that has loaded torch, so that moments fall into the work and not into imports.
`full` and `read-only` need root.
"""

import argparse
import importlib.util
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch  # noqa: F401 - loaded before the forks
import tokenizers  # noqa: F401
import torch
import torchvision.utils  # noqa: F401

from aigc_cli import app
from aigc_cli.core.disk.checkpoint import load_tensors
from aigc_cli.core.disk.files import read_json, read_jsonl
from aigc_cli.core.disk.provenance import read_png_label
from aigc_cli.core.disk.rundir import RunDir
from aigc_cli.core.errors import AigcError

PATIENCE_SECONDS = 120.0
CANNOT_CREATE = 73
FAULTS = ("kill", "full", "limit", "read-only")
TRAINING = ("--evaluations", "3", "--save-minutes", "0", "--threads", "1")
SHAPE = ("--layers", "1", "--width", "16", "--heads", "2", "--kv-heads", "1", "--context", "64", "--vocab-size", "300")
FACE = ("--width", "0.1", "--batch-size", "8", "--metric-images", "16", *TRAINING)
TEXT = ("--batch-size", "4", *TRAINING)
SWEEPING = ("--sweep-minutes", "0.01")
SAMPLING = ("--batch-size", "4", "--threads", "1")
# Name -> the command line that writes `out`, and what it reads from stdin.
COMMANDS: dict[str, tuple[tuple[str, ...], str]] = {
    "prepare images": (("prepare", "images", "pictures", "--size", "16", "-o", "out"), ""),
    "prepare chat": (("prepare", "chat", "talk.txt", "--me", "Ada", "-o", "out"), ""),
    "prepare text": (("prepare", "text", "talk.txt", "-o", "out"), ""),
    "prepare forget": (("prepare", "forget", "out", "--until", "2024-02-01", "--search", "copies", "--yes"), ""),
    "train-gan": (("train-gan", "images", "-o", "out", "--steps", "16", *FACE), ""),
    "train-gan init": (("train-gan", "images", "-o", "out", "--init", "face", "--steps", "16", *FACE), ""),
    "train-gan sweep": (
        ("train-gan", "images", "-o", "out", "--sweep", "gamma=1,2", *SWEEPING, "--steps", "16", *FACE),
        "",
    ),
    "train-gpt": (("train-gpt", "text", "-o", "out", "--steps", "24", *SHAPE, *TEXT), ""),
    "train-gpt lora": (("train-gpt", "chat", "--init", "gpt", "-o", "out", "--steps", "16", *TEXT), ""),
    "sample images": (("sample", "face", "-n", "24", "-o", "out", "--grid", "grid.png", *SAMPLING), ""),
    "sample text": (
        ("sample", "gpt", "--prompt", "hi", "-n", "24", "--max-new-tokens", "24", "-o", "out.jsonl", *SAMPLING),
        "",
    ),
    "eval text": (("eval", "text", "gpt", "chat", "--base", "base.gguf", "--replies", "0", "--threads", "1"), ""),
    "chat session": (
        ("chat", "gpt", "-", "--session", "out.jsonl", "--seed", "1", "--max-new-tokens", "24", "--threads", "1"),
        "".join(f"and {number}?\n" for number in range(60)),
    ),
}
# What a command changes is copied, not linked: name -> (input, copy).
CHANGED = {"prepare forget": (("dated", "out"), ("previews", "copies"))}
INPUTS = ("pictures", "talk.txt", "images", "chat", "text", "face", "gpt", "base.gguf")
OUTPUTS = ("out", "copies", "out.jsonl", "grid.png", "base-*")  # what is imported without a HOME lies beside its file
# What the clock decides how far it comes: the values of a sweep, and what is trained with them.
TIMED = ("train-gan sweep",)
# Files that are appended to: a line may be cut where the process died, and the next run takes it away.
APPENDED = ("metrics.jsonl", "samples.jsonl", "out.jsonl")


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str
    seconds: float


class Child:
    """A command line in a process of its own."""

    def __init__(self, folder: Path, words: tuple[str, ...], stdin: str, limit_bytes: int | None = None) -> None:
        self._files = [tempfile.TemporaryFile() for _ in range(3)]  # noqa: SIM115 - they last as long as it does
        self._files[0].write(stdin.encode())
        self._files[0].seek(0)
        self._began = time.monotonic()
        self._ended: int | None = None
        self.pid = os.fork()
        if self.pid == 0:
            _become(folder, words, [file.fileno() for file in self._files], limit_bytes)

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        if self._ended is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self._ended = os.waitstatus_to_exitcode(status) if pid else None
        return self._ended is None

    def kill(self) -> None:
        """End it at once."""
        if self.running:
            os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> Ended:
        """Wait until it has ended; one that hangs is killed, which shows as status -9."""
        while self.running and time.monotonic() - self._began < PATIENCE_SECONDS:
            time.sleep(0.002)
        seconds = time.monotonic() - self._began
        self.kill()
        while self.running:
            time.sleep(0.002)
        texts = []
        for file in self._files[1:]:
            file.seek(0)
            texts.append(file.read().decode("utf-8", "replace"))
        assert self._ended is not None
        return Ended(self._ended, *texts, seconds)


def _become(folder: Path, words: tuple[str, ...], streams: list[int], limit_bytes: int | None) -> None:
    """Run the command line in this (forked) process and leave it."""
    status = 1
    try:
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        os.chdir(folder)
        os.environ.pop("HOME", None)
        if limit_bytes is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))
        torch.set_num_threads(1)
        sys.argv = ["aigc", *words]
        app.main()
    except SystemExit as leaving:
        status = leaving.code if isinstance(leaving.code, int) else 1
    finally:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except OSError:
                status = status or CANNOT_CREATE
        os._exit(status)


def run(folder: Path, words: tuple[str, ...], stdin: str = "", limit_bytes: int | None = None) -> Ended:
    """Run a command line to its end."""
    return Child(folder, words, stdin, limit_bytes).wait()


def make_inputs(folder: Path) -> None:
    """Make the small sets and runs that the commands read."""
    lines = []
    for number in range(60):
        lines += [f"Bob: question {number}, how is the weather?", f"Ada: answer {number}, {'rain ' * (number % 7)}."]
        lines += ["---"] if number % 4 == 3 else []
    (folder / "talk.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    dated = [
        f"2024/{month}/{day}, 12:0{minute} - {who}: {who} speaks of day {day} of month {month}, {'at length ' * 20}"
        for month in (1, 2, 3)
        for day in range(1, 29)
        for minute, who in enumerate(("Bob", "Ada"))
    ]
    (folder / "dated.txt").write_text("\n".join(dated) + "\n", encoding="utf-8")
    (folder / "previews").mkdir()
    said = [{"schema": "aigc.preview/1", "prompt": line.split(" - ")[1].split(": ", 1)[1]} for line in dated[20::40]]
    (folder / "previews" / "step-1.jsonl").write_text("".join(json.dumps(line) + "\n" for line in said))
    for words in (
        ("prepare", "images", "dicebear:dylan", "--count", "32", "--size", "16", "--valid", "0.25", "-o", "images"),
        ("prepare", "chat", "talk.txt", "--me", "Ada", "-o", "chat"),
        ("prepare", "chat", "dated.txt", "--me", "Ada", "-o", "dated"),
        ("prepare", "text", "talk.txt", "-o", "text"),
        ("train-gan", "images", "-o", "face", "--steps", "4", *FACE),
        ("train-gpt", "chat", "-o", "gpt", "--steps", "8", *SHAPE, *TEXT),
    ):
        ended = run(folder, words)
        assert ended.status == 0, ended.err
    shutil.copytree(folder / "images" / "images", folder / "pictures")
    if importlib.util.find_spec("gguf"):
        sys.path.insert(0, str(Path(__file__).parents[1]))
        from tests.gpt.bases.test_gguf import write_gguf
        from tests.gpt.models import harsh_model

        write_gguf(folder / "base.gguf", harsh_model("llama", width=32, mlp_width=64))


def furnish(folder: Path, inputs: Path, changed: tuple[tuple[str, str], ...]) -> Path:
    """Make a folder with links to the inputs, and copies of those that are changed."""
    folder.mkdir(exist_ok=True)
    for name, copy in changed:
        shutil.copytree(inputs / name, folder / copy)
    for name in INPUTS:
        if (inputs / name).exists():
            (folder / name).symlink_to(inputs / name)
    return folder


def outputs(folder: Path) -> Iterator[Path]:
    """Yield every file that a command wrote in its folder."""
    for found in sorted(path for name in OUTPUTS for path in folder.glob(name)):
        if found.is_dir():
            yield from sorted(path for path in found.rglob("*") if path.is_file())
        else:
            yield found


def result(folder: Path) -> dict[str, Any]:
    """Return what a finished command left, without times and without checkpoints but the last."""
    steps = RunDir(folder / "out").checkpoint_steps()
    found: dict[str, Any] = {}
    for path in outputs(folder):
        name = str(path.relative_to(folder))
        if "checkpoints" in name and f"step-{steps[-1]}/" not in name:
            continue
        found[name] = _timeless(json_values(path)) if path.suffix in (".json", ".jsonl") else path.read_bytes()
    return found


def json_values(path: Path) -> Any:
    """Return a JSON file's value, a JSONL file's records; of metrics only what evaluations wrote."""
    if path.suffix == ".json":
        return read_json(path)
    records = list(read_jsonl(path))
    return [r for r in records if "steps_per_second" not in r and "loss" not in r and "loss_d" not in r]


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        clock = ("created", "time", "versions", "lr_scale")
        return {k: _timeless(v) for k, v in value.items() if "seconds" not in k and k not in clock}
    return [_timeless(item) for item in value] if isinstance(value, list) else value


def half_files(folder: Path) -> list[str]:
    """Return what is wrong with the files that stand under their final names."""
    problems = []
    for path in outputs(folder):
        if any(part.startswith(".") for part in path.relative_to(folder).parts):
            continue
        try:
            _check_whole(path)
        except (AigcError, ValueError) as error:
            problems.append(f"{path.relative_to(folder)}: {error}")
    if (folder / "out").is_dir() and "manifest.json" in (names := {path.name for path in (folder / "out").iterdir()}):
        complete = {"pixels.safetensors", "images.jsonl"} <= names or {"train.jsonl", "valid.jsonl"} <= names
        problems += [] if complete else ["out: a set that is not complete"]
    return problems


def _check_whole(path: Path) -> None:
    if path.suffix == ".json":
        read_json(path)
    elif path.suffix == ".jsonl":
        data = path.read_bytes()
        whole = data[: data.rfind(b"\n") + 1] if path.name in APPENDED else data
        for line in whole.splitlines():
            json.loads(line)
    elif path.suffix == ".safetensors":
        load_tensors(path)
    elif path.suffix == ".png" and path.parent.name != "images":
        read_png_label(path.read_bytes())


def leftovers(folder: Path) -> list[str]:
    """Return the temporary files and folders that lie about."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob(".*") if path.suffix in (".part", ".old"))


class Case:
    """One command, its undisturbed result, and the folders in which it is disturbed."""

    def __init__(self, name: str, inputs: Path, work: Path) -> None:
        self.words, self.stdin = COMMANDS[name]
        self._inputs, self._work, self._count = inputs, work, 0
        self.is_training, self.is_chat = name.startswith("train"), name.startswith("chat")
        self.is_timed, self.changed = name in TIMED, CHANGED.get(name, ())
        folder = self.folder()
        ended = run(folder, self.words, self.stdin)
        assert ended.status == 0, ended.err
        self.seconds, self.whole = ended.seconds, result(folder)
        self.bytes = sum(path.stat().st_size for path in outputs(folder))
        self.largest = max(path.stat().st_size for path in outputs(folder))

    def folder(self) -> Path:
        """Return a new folder to run in."""
        self._count += 1
        return self.furnished(self._work / str(self._count))

    def furnished(self, folder: Path) -> Path:
        """Put into a folder what the command reads."""
        return furnish(folder, self._inputs, self.changed)

    def again(self, folder: Path) -> list[str]:
        """Run the command once more with nothing in its way; return what is wrong then."""
        before = (folder / "out.jsonl").read_bytes() if self.is_chat and (folder / "out.jsonl").exists() else b""
        ended = run(folder, self.words, self.stdin)
        problems = half_files(folder) + [f"left: {name}" for name in leftovers(folder)]
        if ended.status != 0:
            return [*problems, f"again: status {ended.status}: {ended.err.strip().splitlines()[-1:]}"]
        if self.is_chat:  # goes on with the conversation, so it ends elsewhere
            kept = before[: before.rfind(b"\n") + 1]
            return problems + ([] if (folder / "out.jsonl").read_bytes().startswith(kept) else ["again: turns lost"])
        if self.is_timed:
            return problems
        found = result(folder)
        unlike = sorted(name for name in {*found, *self.whole} if found.get(name) != self.whole.get(name))
        return problems + [f"again: {name} differs" for name in unlike]


def refused(ended: Ended) -> list[str]:
    """Return what is wrong with the way a command said that it cannot write."""
    problems = [] if ended.status == CANNOT_CREATE else [f"status {ended.status}: {ended.err.strip()[-300:]}"]
    errors = [line for line in ended.err.splitlines() if ": error: " in line]
    return problems + ([] if len(errors) == 1 and "Traceback" not in ended.err else [f"said: {ended.err[-300:]}"])


def killed(case: Case, moments: int, random_: random.Random) -> Iterator[list[str]]:
    """Kill the command at random moments of its duration."""
    for _ in range(moments):
        folder, moment = case.folder(), random_.uniform(0, case.seconds)
        child = Child(folder, case.words, case.stdin)
        ends = time.monotonic() + moment
        while child.running and time.monotonic() < ends:
            time.sleep(0.0005)
        child.kill()
        child.wait()
        yield half_files(folder) + case.again(folder)
        shutil.rmtree(folder)


def limited(case: Case, moments: int, random_: random.Random) -> Iterator[list[str]]:
    """Let no file grow beyond a random size below that of the largest."""
    for _ in range(moments):
        folder = case.folder()
        ended = run(folder, case.words, case.stdin, limit_bytes=random_.randrange(1, case.largest))
        yield refused(ended) + half_files(folder) + case.again(folder)
        shutil.rmtree(folder)


@contextmanager
def disk(folder: Path, size: int) -> Iterator[Callable[[int], bool]]:
    """Mount a file system of some bytes in memory at a folder; yields what changes its size, and says if it could."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)
    try:

        def resize(bytes_: int) -> bool:
            command = ["mount", "-o", f"remount,size={bytes_}", folder]
            return subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 0

        yield resize
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def filled(case: Case, moments: int, random_: random.Random) -> Iterator[list[str]]:
    """Run on a disk that is too small; a training is on its way when the room ends, for it asks for room before."""
    roomy = 8 * 1024**3
    for number in range(moments):
        place = case.folder().with_suffix(f".disk{number}")
        has_room = case.is_training or case.changed
        with disk(place, roomy if has_room else random_.randrange(4096, case.bytes)) as resize:
            case.furnished(place)
            if case.changed:
                resize(shutil.disk_usage(place).used + random_.randrange(0, case.largest - 8192))
            child = Child(place, case.words, case.stdin)
            if case.is_training:
                reached = RunDir(place / "out")
                step = random_.randrange(1, 14)
                while child.running and reached.checkpoint_steps()[-1:] < [step]:
                    time.sleep(0.0005)
                # What is written between the look and the change may be more than the new size.
                while child.running and not resize(shutil.disk_usage(place).used + random_.randrange(0, 8192)):
                    pass
            ended = child.wait()
            if case.is_training and ended.status == 0:
                continue  # it was faster than the disk could be made small
            problems = refused(ended) + half_files(place) + [f"left: {name}" for name in leftovers(place)]
            resize(roomy)
            yield problems + case.again(place)


def protected(case: Case, moments: int, random_: random.Random) -> Iterator[list[str]]:
    """Run in a folder that nobody may write: an empty one, and one where a killed run has left its part."""
    for number in range(2):
        folder = case.folder()
        if number:
            child = Child(folder, case.words, case.stdin)
            time.sleep(0.4 * case.seconds)
            child.kill()
            child.wait()
        before = {path: path.read_bytes() for path in outputs(folder)}
        subprocess.run(["mount", "--bind", folder, folder], check=True)
        try:
            subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=True)
            ended = run(folder, case.words, case.stdin)
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)
        after = {path: path.read_bytes() for path in outputs(folder)}
        # The kill came too late: there was nothing to do.
        finished = ended.status == 0 and (case.is_timed or result(folder) == case.whole)
        problems = [] if finished else refused(ended)
        problems += [] if before == after else ["something was written"]
        yield problems + case.again(folder)


TRIALS = {"kill": killed, "full": filled, "limit": limited, "read-only": protected}


def main() -> None:
    """Run the trials and print a JSON line each, then the table; status 1 if anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moments", type=int, default=50)
    parser.add_argument("--commands", nargs="+", choices=COMMANDS, default=list(COMMANDS))
    parser.add_argument("--faults", nargs="+", choices=FAULTS, default=list(FAULTS))
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    table: dict[str, dict[str, str]] = {}
    wrong = 0
    with tempfile.TemporaryDirectory() as temporary:
        inputs = Path(temporary) / "inputs"
        inputs.mkdir()
        make_inputs(inputs)
        for name in given.commands:
            if name == "eval text" and not (inputs / "base.gguf").exists():
                print("eval text: left out, it writes only what it imports, and gguf is not installed", file=sys.stderr)
                continue
            work = Path(temporary) / name.replace(" ", "-")
            work.mkdir()
            case = Case(name, inputs, work)
            for fault in given.faults:
                random_ = random.Random(f"{given.seed} {name} {fault}")
                outcomes = list(TRIALS[fault](case, given.moments, random_))
                good = sum(not problems for problems in outcomes)
                said = Counter(problem for problems in outcomes for problem in problems)
                wrong += len(outcomes) - good
                record = {"command": name, "fault": fault, "trials": len(outcomes), "good": good, "problems": said}
                print(json.dumps(record), flush=True)
                table.setdefault(name, {})[fault] = f"{good} of {len(outcomes)}"
            shutil.rmtree(work)
    print(f"\n| command | {' | '.join(given.faults)} |\n|---|{'---|' * len(given.faults)}")
    for name, cells in table.items():
        print(f"| `{name}` | {' | '.join(cells[fault] for fault in given.faults)} |")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
