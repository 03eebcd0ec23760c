"""`aigc train-gan` without a preset: what it takes, what it leaves as it was, and several processes. Real processes."""

import json
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import PATIENCE

SHORT = ("--schedule", "constant", "--metric-images", "16", "--evaluations", "1", "--threads", "1")


@pytest.fixture(scope="module")
def faces(cli, tmp_path_factory):
    """A folder with a set of 24 faces of 32 pixels."""
    folder = tmp_path_factory.mktemp("faces")
    words = (
        "prepare",
        "images",
        "dicebear:dylan",
        "--count",
        "24",
        "--size",
        "32",
        "--valid",
        "0.25",
        "--labels",
        "none",
        "-o",
        "set",
        "-q",
    )
    assert cli.run(folder, *words).returncode == 0
    return folder


def record(path):
    return json.loads((path / "aigc.json").read_text())


def test_a_new_run_is_told_of_and_stored_and_one_of_before_goes_on(cli, faces, tmp_path):
    words = ("train-gan", faces / "set", *SHORT, "--width", "0.1")
    done = cli.run(tmp_path, *words, "-o", "new", "--steps", "1")
    assert done.returncode == 0, done.stderr
    [line] = [line for line in done.stderr.splitlines() if " auto: " in line]
    assert line.endswith("auto: projected, augmentations: 18 pictures of 32 px")
    new = record(tmp_path / "new")
    assert (new["settings"]["preset"], new["settings"]["projected"], new["settings"]["gamma"]) == ("auto", True, 0.5)
    assert (new["auto"]["pictures"], new["auto"]["settings"]["penalty_every"]) == (18, 8)

    # The record is what the version before made of no preset at all; it was stopped after a step.
    words = (*words, "--steps", "2", "--save-every", "1", "-o", "old")
    assert cli.run(tmp_path, *words, "--preset", "small", "-q").returncode == 0
    before, weights = record(tmp_path / "old"), (tmp_path / "old" / "generator.safetensors").read_bytes()
    shutil.rmtree(tmp_path / "old" / "checkpoints" / "step-2")
    stopped = {**before, "status": "interrupted", "step": 1}
    (tmp_path / "old" / "aigc.json").write_text(json.dumps(stopped))
    done = cli.run(tmp_path, *words)
    assert done.returncode == 0, done.stderr
    after = record(tmp_path / "old")
    assert (after["status"], after["settings"], "auto" in after) == ("finished", before["settings"], False)
    assert (tmp_path / "old" / "generator.safetensors").read_bytes() == weights
    assert "resuming at step 1" in done.stderr
    [line] = [line for line in done.stderr.splitlines() if "begun" in line]
    assert "old: goes on as it was begun: augment flip, gamma None, penalty-every 4, preset small" in line


def test_the_plan_and_the_settings_shown_say_what_auto_decides(cli, faces, tmp_path):
    [plan] = cli.records(tmp_path, "train-gan", faces / "set", "-o", "run", "--dry-run", "--gamma", "3")
    assert (plan["settings"]["preset"], plan["settings"]["projected"], plan["settings"]["gamma"]) == ("auto", True, 3)
    assert plan["auto"]["settings"]["augment"] == plan["settings"]["augment"] != "flip"
    [plan] = cli.records(tmp_path, "train-gan", faces / "set", "-o", "run", "--dry-run", "--sweep", "gamma=1,2")
    assert (plan["auto"]["size"], plan["settings"]["projected"]) == (32, True)
    shown = {line["setting"]: line for line in cli.records(tmp_path, "config", "show", "train-gan", "--origin")}
    assert (shown["preset"]["value"], shown["gamma"]["origin"]) == ("auto", "default, or what preset auto decides")
    assert shown["seed"]["origin"] == "default"


@pytest.mark.slow
def test_several_processes_train_with_the_settings_of_the_first(cli, faces, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    told = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    words = ("train-gan", faces / "set", *SHORT, "-o", "run", "--steps", "2")
    of_each = ({"AIGC_WIDTH": "0.1"}, {"AIGC_WIDTH": "0.2", "AIGC_PROJECTED": "false"})
    two = [
        subprocess.Popen(
            [sys.executable, "-m", "aigc_cli", *map(str, words)],
            cwd=tmp_path,
            env=cli.environment(**told, **changes, RANK=str(rank), LOCAL_RANK=str(rank), PYTHONPATH=str(Path.cwd())),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        for rank, changes in enumerate(of_each)
    ]
    said = [process.communicate(timeout=PATIENCE)[1] for process in two]
    assert [process.returncode for process in two] == [0, 0], said
    assert (sum("auto: " in one for one in said), said[1].count("auto: ")) == (1, 0)
    assert (record(tmp_path / "run")["settings"]["width"], record(tmp_path / "run")["step"]) == (0.1, 2)
