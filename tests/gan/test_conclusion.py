import json

import pytest

from aigc_cli.core.disk.rundir import open_for_training
from aigc_cli.gan.conclusion import share_near_training


@pytest.fixture
def run(tmp_path):
    """A run whose best weights are those of step 20."""
    (tmp_path / "run").mkdir()
    run, _ = open_for_training(tmp_path / "run", "face", {}, {"path": "set", "hash": "0"}, resume="auto", private=False)
    run.update_record(best={"step": 20, "frechet[random_conv]": 3.0})
    return run


def write_metrics(run, *lines):
    run.metrics_path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_the_share_is_that_of_the_best_weights(run):
    evaluated = [{"step": step, "near_training[random_conv]": step / 100} for step in (10, 20, 30)]
    write_metrics(run, evaluated[0], {"step": 20, "loss_g": 1.0}, *evaluated[1:])
    assert share_near_training(run) == 0.2


def test_without_held_out_pictures_there_is_none(run):
    write_metrics(run, {"step": 20, "spread": 0.9})
    assert share_near_training(run) is None
