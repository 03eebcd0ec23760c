import random

from aigc_cli.training.divergence import PATIENCE, RATIO, WINDOW, LossWatch


def fed(losses, watch=None):
    """Return the step of the first log (one a step) that is called diverged, or None, and the watch."""
    watch = watch or LossWatch()
    return next((step for step, loss in enumerate(losses) if watch.diverged(step, loss)), None), watch


def test_a_loss_that_explodes_and_stays_is_seen_with_the_step_before():
    step, watch = fed([4.0, 3.0, 2.5, 2.4, 2.3, 9.0, 9.5, 40.0, 2.0])
    assert step == 7
    assert watch.sound_step == 4
    assert watch.usual == 2.5


def test_a_hard_batch_is_no_divergence():
    assert fed([4.0, 3.0, 2.5, 2.4] + [9.0] * (PATIENCE - 1) + [2.4, 9.0, 9.0, 2.3])[0] is None


def test_noise_around_a_small_loss_is_no_divergence():
    noise = random.Random(1)
    losses = [3.0, 2.0, 1.0] + [0.02 * noise.lognormvariate(0, 2) for _ in range(500)]
    assert max(losses[100:]) > 50 * RATIO * 0.02
    assert fed(losses)[0] is None


def test_a_training_that_gets_slowly_worse_than_at_its_start_is_not_called_diverged():
    assert fed([1.0 + 0.05 * step for step in range(100)])[0] is None


def test_the_watch_forgets_what_is_long_past():
    _, watch = fed([10.0] * 5 + [2.0] * WINDOW)
    assert watch.usual == 2.0
    assert len(watch.sound) == WINDOW
