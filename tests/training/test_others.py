"""What a training says of a busy machine: in its notes while it lasts, once in a line of its own, and as a number."""

import itertools
import json
import os
import time
from pathlib import Path

import pytest

from aigc_cli.core.machine.distributed import World
from aigc_cli.core.screen.progress import SilentProgress
from aigc_cli.training.others import Others
from tests.training.least_squares import LeastSquares, run_in

BUSY = "the machine is busy: others take 48% of 2 cores"


class Kept(SilentProgress):
    """Keeps what is said and noted."""

    def __init__(self):
        self.said, self.notes = [], []
        self.say = self.said.append

    def advance(self, amount=1, note="", curve=()):
        self.notes += [note] if note else []


@pytest.fixture
def machine(monkeypatch):
    """A system with two cores, of which others take `machine["others"]`, where a look comes ten seconds after another.

    Of the rest this process has what is left of 99 hundredths.
    """
    state, looks = {"others": 0.96, "everybody": 0.0, "own": 0.0}, itertools.count()
    read_text = Path.read_text

    def read(path, *arguments, **options):
        if str(path) == "/proc/stat":
            state["everybody"] += 10 * 1.98
            state["own"] += 10 * (1.98 - state["others"])
            return f"cpu0 {round(100 * state['everybody'])} 0 0 0 0 0 0 0 0 0\ncpu1 0 0 0 0 0 0 0 0 0 0\n"
        if str(path).startswith("/sys/fs/cgroup/cpu"):
            raise FileNotFoundError(path)
        return read_text(path, *arguments, **options)

    monkeypatch.setattr(Path, "read_text", read)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1}, raising=False)
    monkeypatch.setattr(os, "times", lambda: os.times_result((state["own"], 0.0, 0.0, 0.0, 0.0)))
    monkeypatch.setattr(time, "perf_counter", lambda: 10.0 * next(looks))
    monkeypatch.setattr("torch.get_num_threads", lambda: 2)
    return state


def test_notes_say_it_a_line_says_it_once_and_the_number_is_logged(tmp_path, machine):
    progress = Kept()
    run_in(tmp_path / "run", LeastSquares(), progress=progress)
    assert progress.said.count(BUSY) == 1
    assert len(progress.notes) == 12
    assert all(note.startswith("error ") and note.endswith(f", {BUSY}") for note in progress.notes)
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [line["cores_of_others"] for line in lines if "loss" in line] == [0.96] * 12
    assert not any("cores_of_others" in line for line in lines if "loss" not in line)


def test_it_is_said_no_longer_than_it_lasts(machine):
    others = Others(alone=True)
    assert (others.measured(), others.words) == ({"cores_of_others": 0.96}, BUSY)
    machine["others"] = 0.1
    assert (others.measured(), others.words) == ({"cores_of_others": 0.1}, "")


def test_between_two_looks_is_some_time(machine, monkeypatch):
    clock = iter([0.0, 4.9, 5.1, 10.0])
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    others = Others(alone=True)
    assert [bool(others.measured()) for _ in range(3)] == [False, True, False]


def test_processes_that_train_together_are_no_others(tmp_path, machine):
    progress = Kept()
    run_in(tmp_path / "run", LeastSquares(), progress=progress, world=World(local_size=2))
    assert not any("busy" in line for line in (*progress.said, *progress.notes))
    assert "cores_of_others" not in (tmp_path / "run" / "metrics.jsonl").read_text()


def test_a_quiet_training_says_nothing(tmp_path, machine):
    machine["others"], progress = 0.04, Kept()
    run_in(tmp_path / "run", LeastSquares(), progress=progress)
    assert not any("busy" in line for line in (*progress.said, *progress.notes))
