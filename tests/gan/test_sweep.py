"""Sweeps of the smallest networks on noise, and what is chosen from records whose order is known."""

import json

import pytest
import torch

from aigc_cli.config.train_gan import TrainGanSettings
from aigc_cli.core.errors import AigcError, UsageProblem
from aigc_cli.core.screen.progress import SilentProgress
from aigc_cli.data.pictures.imageset import open_image_set
from aigc_cli.gan.sweep import Sweep, best_of, builder, judge, ranked, trials_of
from aigc_cli.gan.trainer import build_trainer

CPU = torch.device("cpu")
SMALL = TrainGanSettings(width=0.1, batch_size=4, metric_images=16)


class Stopped(Exception):
    """What a signal raises."""


def sweep_of(path, *asked, minutes=0.001):
    return Sweep(trials=trials_of(asked, SMALL), minutes=minutes, data_hash="0", path=path / "sweep.jsonl")


def run(sweep, image_set, stop=lambda: None):
    """Run a sweep, and return its records and the settings of the trainers that were built."""
    built, build = [], builder(open_image_set(image_set), CPU)

    def noted(settings):
        built.append(settings)
        return build(settings)

    return sweep.run(noted, judge(open_image_set(image_set), SMALL, CPU), SilentProgress(), stop), built


def record(status, distance, **values):
    scores = {} if distance is None else {"frechet[x]": distance, "spread": 1.0}
    return {"values": values, "status": status, **scores}


class TestAsking:
    def test_every_combination_is_tried_and_lr_sets_both_rates(self):
        trials = trials_of(["gamma=0.5,2", "lr=1e-3,4e-3"], SMALL)
        assert [trial.values for trial in trials] == [
            {"gamma": 0.5, "lr": 0.001},
            {"gamma": 0.5, "lr": 0.004},
            {"gamma": 2.0, "lr": 0.001},
            {"gamma": 2.0, "lr": 0.004},
        ]
        assert [(t.settings.gamma, t.settings.lr_g, t.settings.lr_d) for t in trials[1:3]] == [
            (0.5, 0.004, 0.004),
            (2.0, 0.001, 0.001),
        ]
        assert {t.settings.width for t in trials} == {0.1}

    @pytest.mark.parametrize(
        ("asked", "words"),
        [
            (["gama=1,2"], "'gama' is not known .did you mean 'gamma'"),
            (["seed=1,2"], "'seed' is not known"),
            (["gamma=1,x"], "gamma: 'x' is not a number"),
            (["gamma"], "gamma: '' is not a number"),
            (["gamma=1,"], "gamma: '' is not a number"),
            (["gamma=1"], "two values or more, each once"),
            (["gamma=1,2,1.0"], "two values or more, each once"),
            (["gamma=1,2", "gamma=3,4"], "gamma is given twice"),
            (["lr=1,2", "lr-g=3,4"], "lr_g is given twice"),
            (["gamma=1,-2"], "--gamma -2.0 is too small"),
            (["beta1=0,1"], "--beta1 1.0 is too large"),
            (["lr=1,nan"], "is not a number"),
        ],
    )
    def test_what_makes_no_sense_is_a_usage_error(self, asked, words):
        with pytest.raises(UsageProblem, match=words):
            trials_of(asked, SMALL)


class TestTrying:
    def test_the_first_trial_measures_the_steps_and_all_take_as_many(self, image_set, tmp_path):
        records, _ = run(sweep_of(tmp_path, "gamma=0.5,2", "lr=1e-3,4e-3"), image_set)
        assert [r["values"]["lr"] for r in records] == [0.001, 0.004] * 2
        [steps] = {r["steps"] for r in records}
        assert steps >= 1
        # Training with a trial's settings for so many steps is that trial.
        trial = trials_of(["gamma=0.5,2", "lr=1e-3,4e-3"], SMALL)[2]
        trainer = build_trainer(open_image_set(image_set), trial.settings, CPU)
        for step in range(steps):
            trainer.update(step, steps)
        scores = trainer.evaluate(steps)
        for name in ("frechet[random_conv]", "spread"):
            assert records[2][name] == pytest.approx(scores[name], rel=1e-5)

    def test_a_trial_that_is_done_is_not_repeated(self, image_set, tmp_path):
        sweep = sweep_of(tmp_path, "gamma=0.5,2,8")
        steps = []

        def stop():
            steps.append(1)
            if len(sweep.done()) == 1:  # in the second trial
                raise Stopped

        with pytest.raises(Stopped):
            run(sweep, image_set, stop)
        first = sweep.done()
        assert [r["values"] for r in first] == [{"gamma": 0.5}]
        records, built = run(sweep, image_set)
        assert [settings.gamma for settings in built] == [2.0, 8.0]
        assert records[0] == first[0]
        assert {r["steps"] for r in records} == {first[0]["steps"]}
        assert run(sweep, image_set)[1] == []

    def test_only_trials_of_the_same_settings_minutes_and_data_count(self, image_set, tmp_path):
        sweep = sweep_of(tmp_path, "gamma=0.5,2")
        run(sweep, image_set)
        more = sweep_of(tmp_path, "gamma=8,0.5,2")
        assert [r["values"]["gamma"] for r in more.done()] == [0.5, 2.0]
        assert sweep_of(tmp_path, "gamma=0.5,2", minutes=1.0).done() == []
        other = Sweep(trials=sweep.trials, minutes=sweep.minutes, data_hash="1", path=sweep.path)
        assert other.done() == []
        wider = trials_of(["gamma=0.5,2"], TrainGanSettings(width=0.2, batch_size=4, metric_images=16))
        assert Sweep(trials=wider, minutes=sweep.minutes, data_hash="0", path=sweep.path).done() == []

    def test_a_trial_that_diverges_is_told_and_never_chosen(self, image_set, tmp_path):
        records, _ = run(sweep_of(tmp_path, "lr=1e-3,1e30", minutes=0.02), image_set)
        assert [r["status"] for r in records][1] == "diverged"
        assert "frechet[random_conv]" not in records[1]
        assert ranked(records)[1] == records[1]
        assert json.loads((tmp_path / "sweep.jsonl").read_text().splitlines()[1])["status"] == "diverged"


class TestChoosing:
    def test_the_smallest_distance_of_those_that_went_well(self):
        records = [
            record("diverged", None, gamma=1),
            record("sound", 30.0, gamma=2),
            record("collapsed", 5.0, gamma=3),
            record("sound", 20.0, gamma=4),
        ]
        assert [r["values"]["gamma"] for r in ranked(records)] == [4, 2, 3, 1]
        assert best_of(records)["values"] == {"gamma": 4}

    def test_where_none_went_well_none_is_chosen(self):
        with pytest.raises(AigcError, match="every trial"):
            best_of([record("diverged", None, gamma=1), record("collapsed", 5.0, gamma=3)])
