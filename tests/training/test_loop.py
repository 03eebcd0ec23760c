"""The turn of the loop, with a real, tiny trainer: when it evaluates, goes back and stops, and what it says."""

import json
import math

import pytest
import torch

from aigc_cli.core.disk.rundir import RunDir
from aigc_cli.core.errors import AigcError, Interrupted
from aigc_cli.core.screen.progress import LineProgress
from tests.training.least_squares import LeastSquares, assert_same_run, lines_of, run_in


class Promising(LeastSquares):
    """Promises something of trainings of more than forty steps."""

    def expectation(self, total_steps):
        return "expect much" if total_steps > 40 else ""


@pytest.mark.parametrize(("steps", "times"), [(40, 0), (60, 1)])
def test_what_to_expect_is_said_once_when_the_length_is_known(tmp_path, steps, times):
    said = []
    run_in(tmp_path / "r", Promising(), said, steps=steps)
    assert said.count("expect much") == times


def test_what_to_expect_of_minutes_is_said_with_their_number_of_steps(tmp_path, steady_clock):
    said = []
    run_in(tmp_path / "r", Promising(), said, steps=None, minutes=0.05)
    length = next(place for place, line in enumerate(said) if "steps at this speed" in line)
    assert said.index("expect much") == length + 1


def test_training_converges_and_writes_the_record(tmp_path):
    record = run_in(tmp_path / "r", LeastSquares())
    assert record["status"] == "finished"
    assert record["step"] == record["total_steps"] == 60
    assert record["best"]["error"] < 0.5
    assert len(list((tmp_path / "r" / "checkpoints").iterdir())) <= 2
    metrics = [json.loads(line) for line in (tmp_path / "r" / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in metrics if "error" in line] == [10, 20, 30, 40, 50, 60]


def test_interrupt_saves_and_exits_130(tmp_path):
    with pytest.raises(Interrupted) as caught:
        run_in(tmp_path / "r", LeastSquares(stop_at=23))
    assert caught.value.exit_code == 130
    assert (tmp_path / "r" / "checkpoints" / "step-24").is_dir()
    assert run_in(tmp_path / "r", LeastSquares())["step"] == 60


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


class Stale(LeastSquares):
    """Improves until step 30, then never again."""

    def evaluate(self, step):
        return {"error": 1.0 / min(step, 30)}


@pytest.mark.parametrize("kill", [29, 30, 39, 40, 49])
def test_early_stop_is_the_same_after_a_kill_around_it(tmp_path, kill):
    plan = {"steps": 100, "evaluations": 10, "patience": 2, "save_every_steps": 3}
    record = run_in(tmp_path / "whole", Stale(), **plan)
    assert (record["step"], record["best"]["step"]) == (50, 30)
    for _ in range(2):
        with pytest.raises(Interrupted):
            run_in(tmp_path / "cut", Stale(stop_at=kill), **plan)
        kill += 1 if kill < 49 else 1000
        if kill > 100:
            break
    again = run_in(tmp_path / "cut", Stale(), **plan)
    assert (again["step"], again["best"]) == (50, record["best"])
    assert_same_run(tmp_path / "whole", tmp_path / "cut")


def test_the_rate_is_halved_on_a_plateau_and_stays_so_after_a_stop(tmp_path):
    plan = {"steps": 100, "evaluations": 10, "plateau_patience": 1}
    whole, cut = Stale(schedule="plateau"), Stale(schedule="plateau")
    run_in(tmp_path / "whole", whole, **plan)
    assert whole.lr_scale == 0.5**3  # stale at 40 and 50, 60 and 70, 80 and 90
    for stop in (45, 69, 70):
        with pytest.raises(Interrupted):
            run_in(tmp_path / "cut", Stale(schedule="plateau", stop_at=stop), **plan)
    run_in(tmp_path / "cut", cut, **plan)
    assert cut.lr_scale == whole.lr_scale
    assert_same_run(tmp_path / "whole", tmp_path / "cut")


class Spiking(LeastSquares):
    """Its loss is 50 from step 42 on, if the learning rate is not lower by then."""

    def update(self, step, total_steps):
        metrics = super().update(step, total_steps)
        return {**metrics, "loss": torch.tensor(50.0)} if step >= 42 and self.lr_scale == 1.0 else metrics


def test_a_loss_that_stays_high_goes_back_to_before_it_rose(tmp_path):
    said = []
    trainer = Spiking()
    record = run_in(tmp_path / "r", trainer, said, log_every_steps=1, save_every_steps=4, steps=60)
    assert (record["status"], trainer.lr_scale) == ("finished", 0.5)
    assert [line for line in said if "the loss rose to 50, from 0." in line and "back to step 40" in line]
    assert [line["step"] for line in lines_of(tmp_path / "r") if "error" not in line] == list(range(1, 61))
    assert all(line["loss"] < 50 for line in lines_of(tmp_path / "r") if "loss" in line)


class Collapsing(LeastSquares):
    """Its evaluations show trouble after step 35, until the learning rate is low enough."""

    def __init__(self, enough):
        super().__init__()
        self.enough = enough

    def evaluate(self, step):
        return {"error": 1.0 / step}

    def trouble(self, metrics):
        return "all samples are alike" if metrics["error"] < 1 / 35 and self.lr_scale > self.enough else ""


def test_trouble_at_an_evaluation_goes_back_to_before_the_last_sound_one(tmp_path):
    said = []
    record = run_in(tmp_path / "r", Collapsing(0.25), said, save_every_steps=4, keep_checkpoints=1)
    assert (record["status"], record["best"]["step"]) == ("finished", 60)
    line = "all samples are alike at step 40: back to step 28, learning rate x 0."
    assert [text for text in said if text.startswith(line)] == [f"{line}5", f"{line}25"]


class Worse(Collapsing):
    """Having gone back, it never comes near again to what it was."""

    def evaluate(self, step):
        return {"error": 1.0 / step if self.lr_scale == 1.0 else 0.5}


def test_the_best_weights_stay_the_best_after_going_back_to_before_them(tmp_path):
    record = run_in(tmp_path / "r", Worse(0.5), save_every_steps=4, keep_checkpoints=1)
    assert record["status"] == "finished"
    assert record["best"] == {"step": 30, "error": 1 / 30}


def test_trouble_that_stays_is_an_error_that_says_what_was_seen(tmp_path):
    with pytest.raises(
        AigcError, match=r"diverged: all samples are alike at step 40 .lower the learning rate"
    ) as caught:
        run_in(tmp_path / "r", Collapsing(0.0), save_every_steps=4)
    assert caught.value.exit_code == 1
    assert RunDir(tmp_path / "r").record()["best"]["step"] == 30


def test_a_plain_huge_learning_rate_ends_with_what_was_seen(tmp_path):
    with pytest.raises(AigcError, match=r"diverged: (the loss rose to|loss is not finite)"):
        run_in(tmp_path / "r", LeastSquares(learning_rate=1e3), steps=400, log_every_steps=1, save_every_steps=4)


def test_the_last_line_of_progress_has_the_last_evaluation(tmp_path, capsys):
    record = run_in(tmp_path / "r", LeastSquares(), progress=LineProgress(every_seconds=0))
    shown = [line for line in capsys.readouterr().err.splitlines() if "training: 60/60" in line]
    assert len(shown) == 1
    assert f"error {lines_of(tmp_path / 'r')[-1]['error']:.3f}" in shown[0]
    assert record["step"] == 60
