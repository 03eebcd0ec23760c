"""The loop is tested with a real, tiny trainer: least squares by momentum on data drawn from named streams."""

import itertools
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

from aigc_cli.core.disk.checkpoint import load_tensors, save_tensors
from aigc_cli.core.disk.rundir import RunDir, open_for_training
from aigc_cli.core.errors import AigcError, BadConfig, BadData, Interrupted, UsageProblem
from aigc_cli.core.machine.signals import StopFlag
from aigc_cli.core.screen.progress import LineProgress, SilentProgress
from aigc_cli.core.seeding import stream
from aigc_cli.training import loop
from aigc_cli.training.loop import Plan, train
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


@pytest.fixture
def steady_clock(monkeypatch):
    """Every look at the clock takes a millisecond, so that all runs train at the same speed."""
    looks = itertools.count()
    monkeypatch.setattr("aigc_cli.training.loop.time.monotonic", lambda: 0.001 * next(looks))


class Noted(SilentProgress):
    """Keeps what is said."""

    def __init__(self, said):
        self.say = said.append


def run_in(path, trainer, said=None, progress=None, **plan):
    path.mkdir(exist_ok=True)
    run, _ = open_for_training(path, "face", {}, {"path": "d", "hash": "h"}, resume="auto", private=False)
    progress = progress or (SilentProgress() if said is None else Noted(said))
    plan = {"steps": 60, "minutes": None, "evaluations": 6, "log_every_steps": 5, **plan}
    with StopFlag() as flag:
        return train(trainer, Plan(**plan), run, progress, flag)


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


def lines_of(path):
    """Return the lines of metrics.jsonl, without what depends on the clock or the machine."""
    lines = [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]
    return [{k: v for k, v in line.items() if "second" not in k and k != "max_resident_bytes"} for line in lines]


def assert_same_run(one, other):
    """Both runs ended with the same bits, and logged the same."""
    names = {str(path.relative_to(one)) for path in one.rglob("*.safetensors")}
    assert "model.safetensors" in names and len(names) >= 2
    for name in names:
        assert (one / name).read_bytes() == (other / name).read_bytes(), name
    assert lines_of(one) == lines_of(other)


def killed(path, **plan):
    code = "import json, pathlib, sys; sys.path.insert(0, sys.argv[1]); import test_loop\n"
    code += "trainer, plan = test_loop.LeastSquares(kill_at=37), json.loads(sys.argv[3])\n"
    code += "test_loop.run_in(pathlib.Path(sys.argv[2]), trainer, **plan)"
    words = [sys.executable, "-c", code, str(Path(__file__).parent), str(path), json.dumps(plan)]
    assert subprocess.run(words, check=False).returncode == -signal.SIGKILL


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


class Growing(LeastSquares):
    """After a quarter of its steps each takes many times as long."""

    def update(self, step, total_steps):
        if total_steps is not None and step >= total_steps / 4 and not self.pace_since:
            self.pace_since = step
        for _ in range(20 if self.pace_since else 0):
            loop.time.monotonic()
        return super().update(step, total_steps)


def test_a_training_that_grows_keeps_its_minutes(tmp_path, steady_clock):
    said = []
    trainer = Growing(schedule="constant")
    record = run_in(tmp_path / "r", trainer, said, steps=None, minutes=0.04)
    assert record["seconds"] == pytest.approx(2.4, rel=0.1)
    words = [line for line in said if "a step costs more" in line]
    assert len(words) == 1
    assert f"{record['step']} steps" in words[0]
    saved = json.loads((tmp_path / "r" / "checkpoints" / f"step-{record['step']}" / "state.json").read_text())
    assert saved["loop"]["paced_since"] == trainer.pace_since > 0


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


class TestAnotherLength:
    @pytest.mark.parametrize("schedule", ["constant", "plateau", "wsd"])
    def test_a_finished_run_goes_on_as_if_it_had_been_planned_so(self, tmp_path, schedule):
        evaluations = {"evaluations": 3, "plateau_patience": 0}
        run_in(tmp_path / "whole", LeastSquares(schedule=schedule), steps=90, **evaluations)
        run_in(tmp_path / "longer", LeastSquares(schedule=schedule), steps=30, **{**evaluations, "evaluations": 1})
        trainer = LeastSquares(schedule=schedule)
        record = run_in(tmp_path / "longer", trainer, steps=90, **evaluations)
        assert (record["status"], record["step"], record["settings"]["steps"]) == ("finished", 90, 90)
        assert trainer.updates == 90
        states = [
            load_tensors(tmp_path / name / "checkpoints/step-90/state.safetensors") for name in ("whole", "longer")
        ]
        assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])

    def test_wsd_goes_back_to_where_its_rate_had_not_begun_to_fall(self, tmp_path):
        run_in(tmp_path / "r", LeastSquares(schedule="wsd"), steps=40, evaluations=4)
        assert RunDir(tmp_path / "r").checkpoint_steps() == [20, 40]
        with pytest.raises(Interrupted):
            run_in(tmp_path / "r", LeastSquares(schedule="wsd", stop_at=20), steps=80)
        assert RunDir(tmp_path / "r").checkpoint_steps() == [20, 21]

    def test_it_may_be_lengthened_and_shortened_before_its_end(self, tmp_path):
        for stop, steps in ((10, 40), (20, 200), (30, 50)):
            with pytest.raises(Interrupted):
                run_in(tmp_path / "r", LeastSquares(schedule="constant", stop_at=stop), steps=steps)
        run_in(tmp_path / "r", LeastSquares(schedule="constant"), steps=60)
        run_in(tmp_path / "whole", LeastSquares(schedule="constant"), steps=60)
        one, other = (tmp_path / name / "checkpoints/step-60/state.safetensors" for name in ("r", "whole"))
        assert one.read_bytes() == other.read_bytes()

    @pytest.mark.parametrize(("schedule", "steps"), [("linear", 80), ("cosine", 80), ("constant", 20)])
    def test_what_cannot_be_is_refused_and_changes_nothing(self, tmp_path, schedule, steps):
        run_in(tmp_path / "r", LeastSquares(schedule=schedule), steps=40)
        before = {path: path.read_bytes() for path in (tmp_path / "r").rglob("*") if path.is_file()}
        with pytest.raises(
            BadConfig, match=f"made for 40 steps: a {schedule} schedule over {steps} has other"
        ) as caught:
            run_in(tmp_path / "r", LeastSquares(schedule=schedule), steps=steps)
        assert caught.value.exit_code == 78
        assert {path: path.read_bytes() for path in (tmp_path / "r").rglob("*") if path.is_file()} == before

    def test_more_minutes_become_more_steps_at_the_speed_so_far(self, tmp_path, steady_clock):
        first = run_in(tmp_path / "r", LeastSquares(schedule="constant"), steps=None, minutes=0.02)
        second = run_in(tmp_path / "r", LeastSquares(schedule="constant"), steps=None, minutes=0.06)
        assert second["status"] == "finished"
        assert second["step"] == pytest.approx(3 * first["step"], rel=0.1)
        assert second["seconds"] == pytest.approx(3.6, rel=0.1)


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


def test_every_log_says_how_fast_and_how_large(tmp_path):
    run_in(tmp_path / "r", LeastSquares())
    lines = [json.loads(line) for line in (tmp_path / "r" / "metrics.jsonl").read_text().splitlines()]
    logged = [line for line in lines if "loss" in line]
    assert len(logged) == 12
    for line in logged:
        assert line["examples_per_second"] == pytest.approx(16 * line["steps_per_second"])
        assert 10**7 < line["max_resident_bytes"] < 10**11


def test_a_time_budget_is_exact_once_its_steps_are_stored(tmp_path, steady_clock):
    plan = {"steps": None, "minutes": 0.02, "save_every_steps": 9}
    with pytest.raises(Interrupted):
        run_in(tmp_path / "one", LeastSquares(schedule="wsd", stop_at=70), **plan)
    shutil.copytree(tmp_path / "one", tmp_path / "other")
    record = run_in(tmp_path / "one", LeastSquares(schedule="wsd"), **plan)
    assert record["total_steps"] > 150
    for stop in (101, 140):
        with pytest.raises(Interrupted):
            run_in(tmp_path / "other", LeastSquares(schedule="wsd", stop_at=stop), **plan)
    run_in(tmp_path / "other", LeastSquares(schedule="wsd"), **plan)
    assert_same_run(tmp_path / "one", tmp_path / "other")
