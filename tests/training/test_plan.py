"""What the loop is told before it begins."""

import pytest

from aigc_cli.config.train_gan import TrainGanSettings
from aigc_cli.config.train_gpt import TrainGptSettings
from aigc_cli.core.errors import UsageProblem
from aigc_cli.training.plan import Plan


def test_plan_wants_one_length():
    with pytest.raises(UsageProblem):
        Plan(steps=None, minutes=None)
    with pytest.raises(UsageProblem):
        Plan(steps=1, minutes=1.0)


def test_steps_override_minutes_and_minutes_between_checkpoints_become_seconds():
    plan = Plan.of(TrainGanSettings(steps=7, minutes=3.0, save_minutes=0.5, save_every=9, keep=4))
    assert (plan.steps, plan.minutes, plan.save_every_seconds) == (7, None, 30.0)
    assert (plan.save_every_steps, plan.keep_checkpoints) == (9, 4)
    plan = Plan.of(TrainGptSettings(minutes=3.0))
    assert (plan.steps, plan.minutes) == (None, 3.0)
