"""How many steps a training has: from minutes, when steps come to cost more, and of a run that gets another length."""

import json
import shutil
import time

import pytest
import torch

from aigc_cli.core.disk.checkpoint import load_tensors
from aigc_cli.core.disk.rundir import RunDir
from aigc_cli.core.errors import BadConfig, Interrupted
from aigc_cli.training.clockwork import Clockwork
from aigc_cli.training.length import Length, shared_steps
from aigc_cli.training.plan import Plan
from aigc_cli.training.schedule import Schedule
from tests.training.least_squares import LeastSquares, assert_same_run, run_in


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
            time.monotonic()
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


def state(step, seconds, total_steps=None, **others):
    return Clockwork(step=step, elapsed_seconds=seconds, total_steps=total_steps, **others)


class TestLength:
    """Closed forms: what fits into the minutes at a cost that is given."""

    def test_minutes_are_resolved_once_the_speed_is_known(self):
        length, work = Length(Plan(steps=None, minutes=1.0, evaluations=2)), state(step=9, seconds=5.0)
        assert not length.resolvable(work)  # fewer than ten steps
        work.step = 10
        assert length.resolvable(work)
        work.evaluations_seconds = 1.0
        assert "1 minutes are" in length.resolve(work, seconds_per_step=0.5)
        assert work.total_steps == 10 + (60 - 5 - 2) / 0.5
        assert not length.resolvable(work)

    def test_a_new_cost_is_measured_from_where_it_is_first_seen_and_anew_after_an_evaluation(self):
        length, work = Length(Plan(steps=None, minutes=1.0, evaluations=1)), state(20, 10.0, total_steps=100)
        assert length.keep_pace(work, 0) == ""
        assert length.keep_pace(work, 20) == ""
        work.step, work.elapsed_seconds = 25, 15.0
        length.measure_anew()
        assert length.keep_pace(work, 20) == ""
        work.step, work.elapsed_seconds = 34, 25.0
        assert length.keep_pace(work, 20) == ""  # fewer than ten steps of the new cost
        work.step, work.elapsed_seconds = 35, 25.0
        assert "now 70 steps" in length.keep_pace(work, 20)  # 35 s are left, a step takes one
        assert length.keep_pace(work, 20) == ""

    def test_steps_are_steps_whatever_they_cost(self):
        length, work = Length(Plan(steps=100, minutes=None)), state(50, 1e6, total_steps=100)
        assert length.keep_to_budget(work) == length.keep_pace(work, 40) == ""
        assert not length.resolvable(work)
        assert (work.total_steps, length.wanted(work)) == (100, 100)

    def test_other_minutes_want_more_steps_at_the_speed_so_far_and_the_same_ones_the_stored_number(self):
        work = state(60, 30.0, total_steps=60, minutes=0.5)
        assert Length(Plan(steps=None, minutes=1.5)).wanted(work) == 180
        assert Length(Plan(steps=None, minutes=0.5)).wanted(work) == 60

    @pytest.mark.parametrize(
        ("kind", "lengths", "shared"),
        [("constant", (40, 90), 40), ("wsd", (40, 90), 20), ("cosine", (40, 90), 0), ("wsd", (None, 90), 45)],
    )
    def test_two_lengths_share_the_steps_before_their_rates_part(self, kind, lengths, shared):
        assert shared_steps(Schedule(kind=kind), *lengths) == shared
