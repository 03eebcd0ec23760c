"""A real, tiny trainer for the tests of the loop: least squares by momentum on data drawn from named streams."""

import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import torch

from aigc_cli.core.disk.checkpoint import save_tensors
from aigc_cli.core.disk.rundir import open_for_training
from aigc_cli.core.machine.distributed import ALONE
from aigc_cli.core.machine.signals import StopFlag
from aigc_cli.core.screen.progress import SilentProgress
from aigc_cli.core.seeding import stream
from aigc_cli.training.loop import train
from aigc_cli.training.plan import Plan
from aigc_cli.training.schedule import Schedule

TRUTH = torch.tensor([1.0, -2.0, 3.0])


class LeastSquares:
    objective = "error"
    counted = "examples"

    def __init__(self, learning_rate=0.05, kill_at=None, stop_at=None, schedule="linear"):
        self.lr_scale, self.pace_since = 1.0, 0
        self.schedule = Schedule(kind=schedule)
        self.learning_rate, self.kill_at, self.stop_at = learning_rate, kill_at, stop_at
        self.weight, self.momentum = torch.zeros(3), torch.zeros(3)
        self.updates = 0

    def update(self, step, total_steps):
        if step == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        if step == self.stop_at:
            os.kill(os.getpid(), signal.SIGINT)
        x = torch.randn(16, 3, generator=stream(0, "batch", step))
        residual = x @ (self.weight - TRUTH)
        self.momentum = 0.9 * self.momentum + x.T @ residual / 16
        factor = self.schedule.factor(step, total_steps)
        self.weight = self.weight - self.lr_scale * self.learning_rate * factor * self.momentum
        self.updates += 1
        return {"loss": residual.square().mean(), "examples": 16.0}

    def evaluate(self, step):
        return {"error": (self.weight - TRUTH).norm().item()}

    def trouble(self, metrics):
        return ""

    def state(self):
        return {"weight": self.weight, "momentum": self.momentum}, {"updates": self.updates}

    def restore(self, tensors, scalars):
        self.weight, self.momentum = tensors["weight"], tensors["momentum"]
        self.updates = scalars["updates"]

    def export(self, root, step, metrics):
        save_tensors(root / "model.safetensors", {"weight": self.weight})

    def preview(self, folder, step):
        return ""

    def expectation(self, total_steps):
        return ""

    def summary(self, metrics):
        return f"error {metrics.get('error', math.nan):.3f}"


class Noted(SilentProgress):
    """Keeps what is said."""

    def __init__(self, said):
        self.say = said.append


def run_in(path, trainer, said=None, progress=None, world=ALONE, **plan):
    path.mkdir(exist_ok=True)
    run, _ = open_for_training(path, "face", {}, {"path": "d", "hash": "h"}, resume="auto", private=False)
    progress = progress or (SilentProgress() if said is None else Noted(said))
    plan = {"steps": 60, "minutes": None, "evaluations": 6, "log_every_steps": 5, **plan}
    with StopFlag() as flag:
        return train(trainer, Plan(**plan), run, progress, flag, world)


def killed(path, **plan):
    """Train in a process that kills itself at step 37."""
    code = "import json, pathlib, sys; sys.path.insert(0, sys.argv[1])\n"
    code += "from tests.training.least_squares import LeastSquares, run_in\n"
    code += "run_in(pathlib.Path(sys.argv[2]), LeastSquares(kill_at=37), **json.loads(sys.argv[3]))"
    words = [sys.executable, "-c", code, str(Path(__file__).parents[2]), str(path), json.dumps(plan)]
    assert subprocess.run(words, check=False).returncode == -signal.SIGKILL


def lines_of(path):
    """Return the lines of metrics.jsonl, without what depends on the clock or the machine."""
    lines = [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]
    clocked = ("max_resident_bytes", "cores_of_others")
    return [{k: v for k, v in line.items() if "second" not in k and k not in clocked} for line in lines]


def assert_same_run(one, other):
    """Both runs ended with the same bits, and logged the same."""
    names = {str(path.relative_to(one)) for path in one.rglob("*.safetensors")}
    assert "model.safetensors" in names and len(names) >= 2
    for name in names:
        assert (one / name).read_bytes() == (other / name).read_bytes(), name
    assert lines_of(one) == lines_of(other)
