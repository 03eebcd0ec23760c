"""What a dry run says of a training: state and seconds in closed form, from records as runs have them."""

import pytest

from aigc_cli.config.base import as_json
from aigc_cli.config.train_gan import TrainGanSettings
from aigc_cli.core.disk.rundir import RunDir
from aigc_cli.training.prospect import is_done, measured_memory, prospect


def record(status, step, seconds, **settings):
    return {"status": status, "step": step, "seconds": seconds, "settings": as_json(TrainGanSettings(**settings))}


@pytest.mark.parametrize(
    ("existing", "asked", "state", "seconds"),
    [
        (None, {"minutes": 2.0}, "new", 120.0),
        (None, {"steps": 100}, "new", "unknown until measured"),
        (record("interrupted", 30, 15.0, steps=100), {"steps": 100}, "resumes", 35.0),
        (record("interrupted", 30, 15.0, minutes=2.0), {"minutes": 2.0}, "resumes", 105.0),
        (record("finished", 100, 50.0, steps=100), {"steps": 100}, "finished", 0.0),
        (record("finished", 100, 50.0, steps=100), {"steps": 150}, "resumes", 25.0),
        (record("finished", 100, 50.0, steps=100), {"minutes": 2.0}, "resumes", 70.0),
    ],
)
def test_what_training_would_do_and_for_how_long(existing, asked, state, seconds):
    found = prospect(TrainGanSettings(**asked), existing)
    assert (found["state"], found["seconds"]) == (state, seconds)
    assert found["step"] == (existing["step"] if existing else 0)
    name = "steps" if "steps" in asked else "minutes"
    assert (found[name], found["settings"][name]) == (asked[name], asked[name])


def test_minutes_count_only_where_no_steps_are_given():
    finished = record("finished", 100, 50.0, steps=100, minutes=2.0)
    assert is_done(finished, as_json(TrainGanSettings(steps=100, minutes=9.0)))
    assert not is_done(finished, as_json(TrainGanSettings(minutes=2.0)))
    assert not is_done({**finished, "status": "training"}, finished["settings"])


def test_memory_is_the_highest_that_was_logged(tmp_path):
    assert measured_memory(RunDir(tmp_path)) == {}
    lines = ('{"step": 1, "max_resident_bytes": 5}', '{"step": 1}', '{"step": 2, "max_resident_bytes": 9}')
    (tmp_path / "metrics.jsonl").write_text("\n".join(lines) + "\n")
    assert measured_memory(RunDir(tmp_path)) == {"memory_bytes": 9}
