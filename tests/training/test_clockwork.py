from dataclasses import replace

import pytest

from aigc_cli.training.clockwork import Clockwork


def test_steps_are_lowered_once_where_the_projection_is_far_beyond_the_budget():
    work = Clockwork(step=100, total_steps=1000, minutes=1.0, elapsed_seconds=7.4)
    assert not work.lower(1.0)  # 74 seconds, of 60
    work.elapsed_seconds = 10.0  # 100 seconds
    assert work.lower(1.0)
    assert work.total_steps == 600
    work.elapsed_seconds = 50.0
    assert not work.lower(1.0)


@pytest.mark.parametrize("seconds", [80.0, 1000.0])
def test_a_training_that_is_over_is_not_lengthened_because_it_took_too_long(seconds):
    work = Clockwork(step=1000, total_steps=1000, minutes=1.0, elapsed_seconds=seconds)
    before = replace(work)
    assert not work.lower(1.0)
    assert work == before


def test_a_training_whose_steps_come_to_cost_more_keeps_its_minutes():
    work = Clockwork(step=100, total_steps=600, elapsed_seconds=10.0, evaluations=5, evaluations_seconds=2.0)
    work.repace(minutes=1.0, seconds_per_step=0.2, since=95)
    assert (work.total_steps, work.paced_since) == (100 + 200, 95)  # 60 s, less 10 and 5 evaluations of 2 s
