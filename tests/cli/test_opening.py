"""A training opens its set once: the interpreter itself reports every file that is opened."""

import json
import subprocess
import sys

import pytest

# Runs commands one after the other, each a list of words; prints how often each opened the files of a set, and which
# modules on sweeps were imported by then.
COUNTED = """
import collections, json, os, sys
opened = collections.Counter()

def seen(event, arguments):
    if event == "open" and isinstance(arguments[0], (str, bytes, os.PathLike)):
        opened[os.path.realpath(os.fsdecode(arguments[0]))] += 1

sys.addaudithook(seen)
from aigc_cli.app import run
counts = []
for words in json.loads(sys.argv[1]):
    opened.clear()
    assert run(words) == 0, words
    below = {path: count for path, count in opened.items() if os.path.dirname(path) == words[1]}
    sweeps = [name for name in sys.modules if name.startswith("aigc_cli.") and "sweep" in name]
    counts.append([{os.path.basename(path): count for path, count in below.items()}, sweeps])
print(json.dumps(counts))
"""


@pytest.fixture(scope="module")
def seen(cli, small, sets, tmp_path_factory):
    """What trainings of two steps open of their sets and import: of faces, with a sweep before it, of words."""
    folder = tmp_path_factory.mktemp("opening")
    faces = ["train-gan", sets / "images", *small["face"], "--steps", "2"]
    commands = {
        "plain": [*faces, "-o", folder / "plain"],
        "swept": [*faces, "-o", folder / "swept", "--sweep", "gamma=0.5,2", "--sweep-minutes", "0.01"],
        "text": ["train-gpt", sets / "chat", *small["scratch"], "--steps", "2", "-o", folder / "text"],
    }
    words = json.dumps([list(map(str, command)) for command in commands.values()])
    command = [sys.executable, "-c", COUNTED, words]
    streams = {"capture_output": True, "encoding": "utf-8", "check": False}
    process = subprocess.run(command, cwd=folder, env=cli.environment(), **streams)
    assert process.returncode == 0, process.stderr
    assert len((folder / "swept" / "sweep.jsonl").read_text().splitlines()) == 2
    for run in commands:
        assert json.loads((folder / run / "aigc.json").read_text())["status"] == "finished"
    return dict(zip(commands, json.loads(process.stdout.splitlines()[-1]), strict=True))


@pytest.mark.parametrize("training", ["plain", "swept", "text"])
def test_a_training_opens_its_manifest_once(seen, training):
    assert seen[training][0]["manifest.json"] == 1


def test_a_sweep_opens_the_pictures_no_oftener_than_one_training(seen):
    assert seen["swept"][0] == seen["plain"][0]
    assert "pixels.safetensors" in seen["plain"][0]


def test_a_training_without_a_sweep_knows_nothing_of_sweeps(seen):
    assert seen["plain"][1] == []
    assert "aigc_cli.gan.sweep" in seen["swept"][1]
