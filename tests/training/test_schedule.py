import math
import random

import pytest
import torch

from aigc_cli.training.schedule import PLATEAU_FACTOR, SCHEDULES, Plateau, Schedule


def test_closed_forms_at_named_points():
    assert Schedule(kind="constant").factor(999, 1000) == 1
    assert Schedule(kind="linear").factor(250, 1000) == pytest.approx(0.75)
    assert Schedule(kind="cosine").factor(250, 1000) == pytest.approx((1 + math.cos(math.pi / 4)) / 2)
    half = Schedule(kind="wsd", cooldown=0.5)
    assert [half.factor(step, 1000) for step in (499, 500, 750, 999)] == pytest.approx([1, 1, 0.5, 1 / 500])


@pytest.mark.parametrize(("kind", "middle"), [("linear", 0.55), ("cosine", 0.55), ("wsd", 1.0), ("constant", 1.0)])
def test_the_final_share_is_where_a_falling_schedule_ends(kind, middle):
    schedule = Schedule(kind=kind, final=0.1)
    assert schedule.factor(500, 1000) == pytest.approx(middle)
    assert schedule.factor(1000, 1000) == pytest.approx(1.0 if kind == "constant" else 0.1)


@pytest.mark.parametrize("kind", SCHEDULES)
def test_warm_up_is_linear_and_an_unknown_end_is_the_peak(kind):
    schedule = Schedule(kind=kind, warmup_steps=3)
    assert [schedule.factor(step, 1000) for step in range(3)] == [0.25, 0.5, 0.75]
    assert schedule.factor(500, None) == 1
    assert schedule.factor(0, 10) == 0.5  # a tenth of so short a training is one step


@pytest.mark.parametrize("kind", SCHEDULES)
def test_factors_stay_in_zero_to_one_and_never_rise_after_the_warm_up(kind):
    schedule = Schedule(kind=kind, warmup_steps=5, cooldown=0.3)
    factors = [schedule.factor(step, 50) for step in range(60)]
    assert all(0 <= factor <= 1 for factor in factors)
    assert factors[5:] == sorted(factors[5:], reverse=True)


def test_an_unknown_schedule_is_refused():
    with pytest.raises(ValueError, match="unknown schedule 'trapezoid'"):
        Schedule(kind="trapezoid")


@pytest.mark.parametrize("kind", SCHEDULES)
@pytest.mark.parametrize("warmup", [0, 7])
@pytest.mark.parametrize("total", [1, 30, 70, 200])
def test_common_steps_are_those_that_a_longer_training_repeats(kind, warmup, total):
    schedule = Schedule(kind=kind, warmup_steps=warmup, cooldown=0.4)
    common = schedule.common_steps(total)
    assert 0 <= common <= total
    for longer in (total + 1, 2 * total, 50 * total):
        assert all(schedule.factor(step, total) == schedule.factor(step, longer) for step in range(common))


def test_common_steps_of_the_schedules():
    found = {kind: Schedule(kind=kind, warmup_steps=10, cooldown=0.4).common_steps(1000) for kind in SCHEDULES}
    assert found == {"constant": 1000, "plateau": 1000, "wsd": 600, "linear": 10, "cosine": 10}


@pytest.mark.parametrize("patience", [0, 1, 3])
def test_plateau_is_that_of_torch(patience):
    """torch.optim.lr_scheduler.ReduceLROnPlateau without a threshold, on a walk that improves and does not."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, factor=PLATEAU_FACTOR, patience=patience, threshold=0.0, threshold_mode="abs", eps=0.0
    )
    mine, best, walk = Plateau(), math.inf, random.Random(4)
    for evaluation in range(60):
        value = walk.random() - 0.01 * evaluation
        mine = mine.after(value < best, patience)
        best = min(best, value)
        theirs.step(value)
        assert mine.factor(0.0) == optimizer.param_groups[0]["lr"]
    assert 3 < mine.reductions < 60


def test_a_plateau_is_not_reduced_below_the_final_share():
    assert Plateau(reductions=2).factor(0.1) == 0.25
    assert Plateau(reductions=20).factor(0.1) == 0.1
