"""Checkpoints of a training: going on after a kill is bit-equal, and when they are taken changes nothing."""

import json
import shutil

import pytest
import torch

from aigc_cli.core.disk.checkpoint import load_tensors
from aigc_cli.core.disk.rundir import RunDir, open_for_training
from aigc_cli.core.errors import BadData, Interrupted
from aigc_cli.core.machine.distributed import ALONE
from aigc_cli.training.checkpoints import Checkpoints
from aigc_cli.training.clockwork import Clockwork
from aigc_cli.training.divergence import LossWatch
from aigc_cli.training.plan import Plan
from tests.training.least_squares import LeastSquares, assert_same_run, killed, lines_of, run_in


def test_kill_and_resume_is_bit_equal(tmp_path):
    run_in(tmp_path / "whole", LeastSquares())
    killed(tmp_path / "cut", save_every_seconds=0.0)
    resumed = LeastSquares()
    run_in(tmp_path / "cut", resumed)
    assert resumed.updates == 60
    for name in ("model.safetensors", "checkpoints/step-60/state.safetensors"):
        whole, cut = load_tensors(tmp_path / "whole" / name), load_tensors(tmp_path / "cut" / name)
        assert all(torch.equal(whole[key], cut[key]) for key in whole)
    steps = [json.loads(line)["step"] for line in (tmp_path / "cut" / "metrics.jsonl").read_text().splitlines()]
    assert steps == sorted(steps)


def test_what_was_logged_before_a_kill_without_a_checkpoint_is_not_there_twice(tmp_path):
    run_in(tmp_path / "whole", LeastSquares())
    killed(tmp_path / "cut", save_every_seconds=1e9)
    assert not list((tmp_path / "cut" / "checkpoints").iterdir())
    assert len(lines_of(tmp_path / "cut")) == 10
    run_in(tmp_path / "cut", LeastSquares())
    assert lines_of(tmp_path / "cut") == lines_of(tmp_path / "whole")


def test_damaged_checkpoint_is_bad_data_and_names_the_way_out(tmp_path):
    with pytest.raises(Interrupted):
        run_in(tmp_path / "r", LeastSquares(stop_at=23), save_every_seconds=0.0)
    (tmp_path / "r" / "checkpoints" / "step-24" / "state.json").write_text('{"loop": {}}')
    with pytest.raises(BadData, match=r"delete .*step-24"):
        run_in(tmp_path / "r", LeastSquares())
    shutil.rmtree(tmp_path / "r" / "checkpoints" / "step-24")
    assert run_in(tmp_path / "r", LeastSquares())["step"] == 60


def test_what_is_logged_does_not_depend_on_when_it_is_saved(tmp_path):
    plan = {"log_every_steps": 7, "keep_checkpoints": 1}
    run_in(tmp_path / "seldom", LeastSquares(), **plan)
    run_in(tmp_path / "often", LeastSquares(), save_every_steps=4, **plan)
    for stop in (3, 20, 41):
        with pytest.raises(Interrupted):
            run_in(tmp_path / "stopped", LeastSquares(stop_at=stop), **plan)
    run_in(tmp_path / "stopped", LeastSquares(), **plan)
    assert_same_run(tmp_path / "seldom", tmp_path / "often")
    assert_same_run(tmp_path / "seldom", tmp_path / "stopped")


def test_checkpoints_by_steps_and_how_many_stay(tmp_path):
    class Watched(LeastSquares):
        seen = ()

        def update(self, step, total_steps):
            self.seen = {*self.seen, tuple(RunDir(tmp_path / "r").checkpoint_steps())}
            return super().update(step, total_steps)

    trainer = Watched()
    run_in(tmp_path / "r", trainer, save_every_steps=8, keep_checkpoints=3, evaluations=1)
    assert RunDir(tmp_path / "r").checkpoint_steps() == [48, 56, 60]
    assert trainer.seen == {(), (8,), (8, 16), (8, 16, 24), (16, 24, 32), (24, 32, 40), (32, 40, 48), (40, 48, 56)}


@pytest.fixture
def checkpoints(tmp_path):
    """Checkpoints of a wsd training of 40 steps, which falls over its second half."""
    run, _ = open_for_training(tmp_path, "face", {}, {"path": "d", "hash": "h"}, resume="auto", private=False)
    plan = Plan(steps=40, minutes=None, save_every_steps=7, save_every_seconds=60.0)
    return Checkpoints(run, LeastSquares(schedule="wsd"), plan, ALONE)


def test_one_is_due_by_the_step_by_the_clock_and_where_a_longer_run_could_branch_off(checkpoints):
    def due(step, seconds=0.0):
        return checkpoints.due(Clockwork(step=step, total_steps=40), seconds)

    assert [step for step in range(1, 41) if due(step)] == [7, 14, 20, 21, 28, 35]  # the last is saved at the end
    assert due(5, seconds=61.0)
    assert not checkpoints.due(Clockwork(step=7, total_steps=40, losses=LossWatch(high=1)), 61.0)


def test_what_is_saved_is_what_is_restored(checkpoints):
    work = Clockwork(step=3, total_steps=40, elapsed_seconds=1.5, best=0.25, best_step=2, sums={"loss": 4.0})
    checkpoints.save(work, "interrupted")
    assert checkpoints.restore(3) == work
    assert (checkpoints.steps(), checkpoints.newest_until(2), checkpoints.newest_until(9)) == ([3], None, 3)
    record = checkpoints._run.record()
    assert (record["status"], record["step"], record["best"]) == ("interrupted", 3, {"step": 2, "error": 0.25})
