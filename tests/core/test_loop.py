"""The loop is tested with a real, tiny trainer: least squares by momentum on data drawn from named streams."""

import json
import math
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from aigc_cli.core.checkpoint import load_tensors, save_tensors
from aigc_cli.core.errors import AigcError, BadData, Interrupted, UsageProblem
from aigc_cli.core.loop import Plan, train
from aigc_cli.core.progress import SilentProgress
from aigc_cli.core.rundir import open_for_training
from aigc_cli.core.schedule import learning_rate_factor
from aigc_cli.core.seeding import stream
from aigc_cli.core.signals import StopFlag

TRUTH = torch.tensor([1.0, -2.0, 3.0])


class LeastSquares:
    objective = "error"

    def __init__(self, learning_rate=0.05, kill_at=None, stop_at=None):
        self.lr_scale = 1.0
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
        factor = learning_rate_factor("linear", step, total_steps)
        self.weight = self.weight - self.lr_scale * self.learning_rate * factor * self.momentum
        self.updates += 1
        return {"loss": residual.square().mean()}

    def evaluate(self, step):
        return {"error": (self.weight - TRUTH).norm().item()}

    def state(self):
        return {"weight": self.weight, "momentum": self.momentum}, {"updates": self.updates}

    def restore(self, tensors, scalars):
        self.weight, self.momentum = tensors["weight"], tensors["momentum"]
        self.updates = scalars["updates"]

    def export(self, root, step, metrics):
        save_tensors(root / "model.safetensors", {"weight": self.weight})

    def preview(self, folder, step):
        return ""

    def summary(self, metrics):
        return f"error {metrics.get('error', math.nan):.3f}"


def run_in(path, trainer, **plan):
    path.mkdir(exist_ok=True)
    run, _ = open_for_training(path, "face", {}, {"path": "d", "hash": "h"}, resume="auto", private=False)
    plan = {"steps": 60, "minutes": None, "evaluations": 6, "log_every_steps": 5, **plan}
    with StopFlag() as flag:
        return train(trainer, Plan(**plan), run, SilentProgress(), flag)


def test_training_converges_and_writes_the_record(tmp_path):
    record = run_in(tmp_path / "r", LeastSquares())
    assert record["status"] == "finished"
    assert record["step"] == record["total_steps"] == 60
    assert record["best"]["error"] < 0.5
    assert len(list((tmp_path / "r" / "checkpoints").iterdir())) <= 2
    metrics = [json.loads(line) for line in (tmp_path / "r" / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in metrics if "error" in line] == [10, 20, 30, 40, 50, 60]


def killed(path, save_every_seconds):
    code = "import sys; sys.path.insert(0, sys.argv[1]); import pathlib, test_loop\n"
    code += "test_loop.run_in(pathlib.Path(sys.argv[2]), test_loop.LeastSquares(kill_at=37), save_every_seconds=0.0)"
    process = subprocess.run([sys.executable, "-c", code, str(Path(__file__).parent), str(path)], check=False)
    assert process.returncode == -signal.SIGKILL


def test_kill_and_resume_is_bit_equal(tmp_path):
    run_in(tmp_path / "whole", LeastSquares())
    killed(tmp_path / "cut", 0.0)
    resumed = LeastSquares()
    run_in(tmp_path / "cut", resumed)
    assert resumed.updates == 60
    for name in ("model.safetensors", "checkpoints/step-60/state.safetensors"):
        whole, cut = load_tensors(tmp_path / "whole" / name), load_tensors(tmp_path / "cut" / name)
        assert all(torch.equal(whole[key], cut[key]) for key in whole)
    steps = [json.loads(line)["step"] for line in (tmp_path / "cut" / "metrics.jsonl").read_text().splitlines()]
    assert steps == sorted(steps)


def test_interrupt_saves_and_exits_130(tmp_path):
    with pytest.raises(Interrupted) as caught:
        run_in(tmp_path / "r", LeastSquares(stop_at=23))
    assert caught.value.exit_code == 130
    assert (tmp_path / "r" / "checkpoints" / "step-24").is_dir()
    assert run_in(tmp_path / "r", LeastSquares())["step"] == 60


def test_minutes_become_a_stored_number_of_steps(tmp_path):
    record = run_in(tmp_path / "r", LeastSquares(), steps=None, minutes=0.005)
    assert record["status"] == "finished"
    assert record["total_steps"] == record["step"]
    saved = json.loads((tmp_path / "r" / "checkpoints" / f"step-{record['step']}" / "state.json").read_text())
    assert saved["loop"]["total_steps"] == record["step"]


class Exploding(LeastSquares):
    def __init__(self, broken_scales):
        super().__init__()
        self.broken_scales = broken_scales

    def update(self, step, total_steps):
        metrics = super().update(step, total_steps)
        return {"loss": torch.tensor(math.nan)} if step == 42 and self.lr_scale in self.broken_scales else metrics


def test_non_finite_loss_rolls_back_with_half_the_learning_rate(tmp_path):
    trainer = Exploding([1.0])
    record = run_in(tmp_path / "r", trainer, save_every_seconds=0.0)
    assert record["status"] == "finished"
    assert trainer.lr_scale == 0.5


def test_divergence_after_the_allowed_roll_backs_is_an_error(tmp_path):
    with pytest.raises(AigcError, match="diverged: loss is not finite at step"):
        run_in(tmp_path / "r", Exploding([1.0, 0.5, 0.25]), save_every_seconds=0.0)
    assert (tmp_path / "r" / "checkpoints").iterdir()


def test_early_stop_after_patience(tmp_path):
    class Stuck(LeastSquares):
        def evaluate(self, step):
            return {"error": 1.0}

    assert run_in(tmp_path / "r", Stuck(), patience=2)["step"] == 30


def test_plan_wants_one_length():
    with pytest.raises(UsageProblem):
        Plan(steps=None, minutes=None)
    with pytest.raises(UsageProblem):
        Plan(steps=1, minutes=1.0)


def test_damaged_checkpoint_is_bad_data_and_names_the_way_out(tmp_path):
    with pytest.raises(Interrupted):
        run_in(tmp_path / "r", LeastSquares(stop_at=23), save_every_seconds=0.0)
    (tmp_path / "r" / "checkpoints" / "step-24" / "state.json").write_text('{"loop": {}}')
    with pytest.raises(BadData, match=r"delete .*step-24"):
        run_in(tmp_path / "r", LeastSquares())
    shutil.rmtree(tmp_path / "r" / "checkpoints" / "step-24")
    assert run_in(tmp_path / "r", LeastSquares())["step"] == 60
