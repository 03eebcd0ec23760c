"""Real processes with a bare environment, and small sets and runs made by them, for the tests of whole commands."""

import contextlib
import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests import forked

PATIENCE = 120  # seconds; only a failing test waits for it
# Too small to be good, so that the tests are quick. Of the faces' options the last line of defence is --threads 1.
FACE_OPTIONS = ("--width", "0.1", "--batch-size", "8", "--metric-images", "16", "--evaluations", "3", "--threads", "1")
TEXT_OPTIONS = ("--batch-size", "4", "--evaluations", "3", "--log-every-steps", "5", "--threads", "1")
TEXT_SHAPE = ("--layers", "1", "--width", "16", "--heads", "2", "--kv-heads", "1", "--context", "64")
TEXT_SHAPE += ("--vocab-size", "300")

# What Bob asks | what Ada answers; a blank line ends a conversation.
TALK = """
hi there | hey you!
how was the train? | late, as ever. I read my book
which one? | the one about lighthouses
again? | again, it gets better

are you home? | nearly. the number 12 just left without me
shall I pick you up? | please! I am by the bakery
it is raining | I noticed, haha
ten minutes | you are a hero

did you feed the cat? | twice, do not believe her
she looks hungry | she is an actress
and the plants? | all fine but the fern
poor fern | we should give it a grave

dinner on friday? | yes! soup at mine
what kind? | lentil, with too much lemon
can I bring bread? | bring two
and Mila? | and Mila, of course

how is work? | loud. the new printer sings
sings? | three notes, all day long
can you unplug it? | I did, now it sings in the dark
creepy | I call it Pavarotti

are you awake? | no
liar | what is it?
look at the moon | oh wow
told you | thank you for waking me

did you call the dentist? | tomorrow
you said that yesterday | and I will say it tomorrow
coward | certified, with a stamp
I will call | you are too good for me

what did the vet say? | she is fat but happy
like us | speak for yourself
less tuna then? | tell her yourself
never | we are both cowards

I found your scarf | the green one?
the grey one | that is not mine
whose then? | keep it, it was a gift from the wind
poet | lighthouse keeper

do you still have my drill? | which drill
Ada. | it is on the shelf with the skis
since march? | since march, sorry
come for coffee and bring it | on my way
"""


def script():
    """Return the talk as `NAME: line` text."""
    lines = []
    for line in TALK.strip().splitlines():
        asked, _, answered = line.partition(" | ")
        lines += [f"Bob: {asked}", f"Ada: {answered}"] if answered else ["---"]
    return "\n".join(lines) + "\n"


class CommandLine:
    """Runs `aigc` as a user or a cron job does: a process, with no settings but those given."""

    def environment(self, **changes):
        return {"PATH": os.environ["PATH"], "LC_ALL": "C", **changes}

    def start(self, folder, *arguments, **streams):
        """Start a command in a folder; its stdout and stderr are read as UTF-8 unless `streams` says otherwise."""
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "encoding": "utf-8", **streams}
        return forked.start(*arguments, cwd=folder, env=self.environment(), **streams)

    def run(self, folder, *arguments, stdin="", **streams):
        """Run a command to its end; stdin is text, or bytes with encoding=None."""
        process = self.start(folder, *arguments, stdin=subprocess.PIPE, **streams)
        return finished(process, stdin)

    def records(self, folder, *arguments, stdin=""):
        """Run a command that must succeed, and return the records that it printed."""
        done = self.run(folder, *arguments, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def refused(self, folder, status, *arguments, stdin=""):
        """Run a command that must fail with a status and one line, and return the line."""
        done = self.run(folder, *arguments, "-q", stdin=stdin)
        assert (done.returncode, done.stdout) == (status, ""), done.stderr
        assert done.stderr.count("\n") == 1
        assert ": error: " in done.stderr
        return done.stderr

    def wait_until(self, condition, process):
        """Wait until the condition holds while a process runs; fails if the process ends first."""
        for _ in range(200 * PATIENCE):
            if condition():
                return
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.005)
                pytest.fail(f"ended first, with status {process.returncode}: {process.stderr.read()}")
        pytest.fail("waited in vain")


def finished(process, stdin=None):
    out, err = process.communicate(stdin, timeout=PATIENCE)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


@pytest.fixture(scope="session")
def cli():
    """The command line."""
    return CommandLine()


@pytest.fixture(scope="session")
def small():
    """The options that make a training small: "face", "text" (any), "scratch" (from scratch)."""
    return {"face": FACE_OPTIONS, "text": TEXT_OPTIONS, "scratch": (*TEXT_SHAPE, *TEXT_OPTIONS)}


@pytest.fixture(scope="session")
def sets(cli, tmp_path_factory):
    """A folder with the prepared sets `images`, `chat` and `text`, and the records that were printed; read-only."""
    folder = tmp_path_factory.mktemp("sets")
    (folder / "talk.txt").write_text(script(), encoding="utf-8")
    commands = {
        "images": ("images", "dicebear:dylan", "--count", "48", "--size", "16", "--valid", "0.25"),
        "chat": ("chat", "talk.txt", "--me", "Ada", "--consent", "synthetic"),
        "text": ("text", "talk.txt", "--consent", "synthetic"),
    }
    started = {kind: cli.start(folder, "prepare", *words, "-o", kind) for kind, words in commands.items()}
    ended = {kind: finished(process) for kind, process in started.items()}
    for kind, done in ended.items():
        assert done.returncode == 0, done.stderr
        (folder / f"{kind}.record").write_text(done.stdout, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def runs(cli, small, sets):
    """The folder of `sets` with the finished runs `face` (trained on faces) and `gpt` (on the chat); read-only."""
    commands = {
        "face": ("train-gan", "images", "-o", "face", "--steps", "12", *small["face"]),
        "gpt": ("train-gpt", "chat", "-o", "gpt", "--steps", "12", *small["scratch"]),
    }
    with ThreadPoolExecutor() as pool:
        ended = dict(zip(commands, pool.map(lambda words: cli.run(sets, *words), commands.values()), strict=True))
    for kind, done in ended.items():
        assert done.returncode == 0, done.stderr
        (sets / f"{kind}.record").write_text(done.stdout, encoding="utf-8")
    return sets


@pytest.fixture(scope="session")
def leftovers():
    """Finds what a process that did not clean up would have left below a folder."""

    def found(folder: Path):
        return [path.name for path in folder.rglob("*") if path.name.endswith((".part", ".old", ".tmp"))]

    return found
