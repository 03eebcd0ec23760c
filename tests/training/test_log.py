"""What is logged of the steps of a training."""

import json
import math

import pytest
import torch

from aigc_cli.training.clockwork import Clockwork
from aigc_cli.training.divergence import Diverged
from aigc_cli.training.log import TrainingLog
from aigc_cli.training.metrics import MetricsLog
from tests.training.least_squares import LeastSquares, run_in


def test_every_log_says_how_fast_and_how_large(tmp_path):
    run_in(tmp_path / "r", LeastSquares())
    lines = [json.loads(line) for line in (tmp_path / "r" / "metrics.jsonl").read_text().splitlines()]
    logged = [line for line in lines if "loss" in line]
    assert len(logged) == 12
    for line in logged:
        assert line["examples_per_second"] == pytest.approx(16 * line["steps_per_second"])
        assert 10**7 < line["max_resident_bytes"] < 10**11


@pytest.fixture
def log(tmp_path):
    """A log of one file, `metrics.jsonl`, and what it holds."""
    path = tmp_path / "metrics.jsonl"
    log = TrainingLog([MetricsLog(path)], "images")
    log.lines = lambda: [json.loads(line) for line in path.read_text().splitlines()]
    return log


def step(log, work, **metrics):
    log.add(work, {name: torch.tensor(value) for name, value in metrics.items()})
    work.step += 1


def test_a_line_is_the_mean_of_what_was_measured_since_the_last_one(log):
    work = Clockwork()
    for loss in (1.0, 2.0, 6.0):
        step(log, work, loss=loss, **({"rare": loss} if loss == 2 else {}))
    log.read(work)
    log.write(work, {})
    step(log, work, loss=5.0)
    log.read(work)
    log.write(work, {})
    assert [(line["step"], line["loss"], line.get("rare")) for line in log.lines()] == [(3, 3.0, 2.0), (4, 5.0, None)]
    assert log.curve == [3.0, 5.0]


def test_sums_that_a_checkpoint_holds_are_gone_on_with(log):
    work = Clockwork()
    for loss in (1.0, 2.0):
        step(log, work, loss=loss)
    log.read(work)
    saved = work.as_json()
    for loss in (100.0, 100.0):
        step(log, work, loss=loss)
    log.read(work)
    log.write(work, {})
    again = Clockwork.from_json(json.loads(json.dumps(saved)))
    log.go_on_from(again)
    assert (log.lines(), log.newest) == ([], {})
    step(log, again, loss=6.0)
    log.read(again)
    log.write(again, {})
    assert [(line["step"], line["loss"]) for line in log.lines()] == [(3, 3.0)]


def test_what_is_not_finite_is_never_written(log):
    work = Clockwork()
    step(log, work, loss=1.0, gradient_norm=math.inf)
    with pytest.raises(Diverged, match="gradient_norm is not finite") as caught:
        log.read(work)
    assert caught.value.sound_step == 1


def test_without_a_loss_the_curve_is_that_of_the_evaluations(log):
    work = Clockwork()
    for distance in (9.0, 4.0):
        step(log, work, loss_g=1.0)
        log.read(work)
        log.write(work, {})
        log.write_evaluation(work, {"distance": distance}, "distance")
    assert log.curve == [9.0, 4.0]
    assert log.newest["distance"] == 4.0
