import json

import pytest

from aigc_cli.gan.adaptation import IMAGES, MEASURED_EVERY, MEASUREMENTS, STRONGEST, Adaptation


def told(adaptation, train, valid, generated, times=MEASUREMENTS):
    for _ in range(times):
        adaptation.take(train, valid, generated, batch_size=8)
    return adaptation.strength


@pytest.mark.parametrize(
    ("train", "valid", "generated", "direction"),
    [
        (2, 2, -2, -1),  # held-out pictures are judged like training ones: no overfitting
        (2, -2, -2, 1),  # like generated ones: all of it
        (2, 0.1, -2, -1),  # on either side of half way
        (2, -0.1, -2, 1),
        (-1, -2, 0, -1),  # the critic takes generated pictures for the more real ones: nothing to measure
    ],
)
def test_it_grows_where_the_critic_overfits_and_falls_where_not(train, valid, generated, direction):
    strength = told(Adaptation(0.4), train, valid, generated)
    assert strength - 0.4 == pytest.approx(direction * MEASURED_EVERY * MEASUREMENTS * 8 / IMAGES)


def test_it_moves_only_when_enough_was_measured_and_stays_within_bounds():
    adaptation = Adaptation(0.0)
    assert told(adaptation, 2, -2, -2, times=MEASUREMENTS - 1) == 0.0
    assert told(adaptation, 2, -2, -2, times=1) > 0
    assert told(adaptation, 2, -2, -2, times=1000) == STRONGEST
    assert told(adaptation, 2, 2, -2, times=1000) == 0.0


def test_the_time_from_nothing_to_all_is_that_of_so_many_pictures():
    adaptation = Adaptation(0.0)
    half = IMAGES // 2 // 8 // MEASURED_EVERY
    assert told(adaptation, 2, -2, -2, times=half) == pytest.approx(0.5, abs=0.02)


def test_a_stored_state_goes_on_alike_in_the_middle_of_measuring():
    first = Adaptation(0.3)
    told(first, 2, -1, -2, times=MEASUREMENTS + 2)
    second = Adaptation(0.9)
    second.restore(json.loads(json.dumps(first.state())))
    assert second.state() == first.state()
    assert told(second, 2, -1, -2, times=2) == told(first, 2, -1, -2, times=2) > 0.3


def test_a_measurement_is_due_every_so_many_steps():
    assert [step for step in range(3 * MEASURED_EVERY) if Adaptation.due(step)] == [
        MEASURED_EVERY - 1,
        2 * MEASURED_EVERY - 1,
        3 * MEASURED_EVERY - 1,
    ]
