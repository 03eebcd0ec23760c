"""What a face is trained with: what is given, then what the run was begun with, then what auto chooses."""

import importlib.metadata
import json
from dataclasses import replace

import pytest

from aigc_cli.commands.face_settings import settle
from aigc_cli.config.base import Origin, as_json, resolve_values
from aigc_cli.config.train_gan import PRESETS, TrainGanSettings
from aigc_cli.core.disk.rundir import RunDir, existing_run, open_for_training
from aigc_cli.core.errors import BadConfig
from aigc_cli.core.screen.console import Console
from aigc_cli.data.manifest import PreparedSet
from aigc_cli.gan.recipes import DECIDED
from aigc_cli.gan.sweep import SCHEMA, Sweep, trials_of

MANIFEST = {"kind": "images", "hash": "h", "counts": {"train": 150, "valid": 15}, "size": 64, "label_names": []}
# The settings in the record of a run that the version before made with no option but its length.
BEFORE = {
    "minutes": 30.0,
    "steps": 2,
    "preset": "small",
    "arch": "style",
    "init": None,
    "loss": None,
    "batch_size": 8,
    "width": 1.0,
    "z_dim": None,
    "lr_g": None,
    "lr_d": None,
    "beta1": None,
    "beta2": None,
    "schedule": "wsd",
    "cooldown": 0.3,
    "final_lr": 0.0,
    "plateau_patience": 1,
    "gamma": None,
    "gp_weight": 10.0,
    "clip_weights": 0.01,
    "penalty_every": 4,
    "grow": None,
    "projected": False,
    "d_steps": 1,
    "class_weight": None,
    "labels": True,
    "augment": "flip",
    "augment_strength": 0.5,
    "augment_adapt": False,
    "ema_images": 8000,
    "metric": "random_conv",
    "metric_images": 512,
    "evaluations": 5,
    "log_every_steps": 50,
    "save_minutes": 2.0,
    "patience": 0,
    "seed": 0,
    "threads": None,
    "device": "auto",
    "precision": "fp32",
}


@pytest.fixture
def place(tmp_path):
    """Where the run is to be; `said` what was said on the way."""
    return tmp_path / "run"


def settled(place, *, manifest=MANIFEST, kind="flag", sweep=None, **options):
    """Return the settings of a command with some options, and what a new run's record would keep."""
    values = {name: (value, Origin(kind, f"--{name}")) for name, value in options.items()}
    settings, origins = resolve_values(TrainGanSettings, values, presets=PRESETS)
    return settle(Console(), settings, origins, PreparedSet(place.parent / "set", manifest), place, **(sweep or {}))


def began(place, settings, **more):
    """Write the record of a run with these settings, as training does."""
    run, _ = open_for_training(place, "face", settings, {"path": "set", "hash": "h"}, resume="auto", private=False)
    run.update_record(status="training", **more)
    return run


def goes_on(place, settings):
    """Return the record that training with these settings goes on with; BadConfig where they are others."""
    return existing_run(place, "face", as_json(settings), {"path": "set", "hash": "h"}, resume=settings.resume)


@pytest.fixture
def missing(monkeypatch):
    """Call to have the wheel of the projected recipe no longer installed."""

    def version(name):
        raise importlib.metadata.PackageNotFoundError(name)

    return lambda: monkeypatch.setattr(importlib.metadata, "version", version)


def test_a_new_run_takes_the_recipe_says_it_and_keeps_what_it_came_to(place, capsys):
    settings, kept = settled(place)
    assert (settings.preset, settings.projected, settings.augment_adapt) == ("auto", True, True)
    assert kept["auto"]["pictures"] == 150
    assert kept["auto"]["settings"] == {name: getattr(settings, name) for name in sorted(DECIDED)}
    assert capsys.readouterr().err.endswith("auto: projected, augmentations that adapt: 150 pictures of 64 px\n")
    assert not place.exists()


@pytest.mark.parametrize("kind", ["flag", "environment", "file"])
def test_whatever_is_given_anywhere_stays(place, kind):
    settings, _ = settled(place, kind=kind, gamma=7.0, augment="flip,crop")
    assert (settings.projected, settings.gamma, settings.augment, settings.augment_adapt) == (
        True,
        7.0,
        "flip,crop",
        False,
    )


def test_another_preset_is_taken_as_it_is_and_nothing_is_said(place, capsys):
    settings, kept = settled(place, preset="tiny")
    assert (settings.width, settings.projected, settings.augment, kept) == (0.5, False, "flip", {})
    assert capsys.readouterr().err == ""


def test_a_run_of_the_version_before_goes_on_as_it_was(place, capsys):
    began(place, BEFORE)
    settings, kept = settled(place, steps=2)
    assert BEFORE.items() <= as_json(settings).items()  # settings that are newer have nothing to go on with
    assert kept == {}
    assert goes_on(place, settings)["status"] == "training"
    assert "goes on as it was begun: augment flip" in capsys.readouterr().err


def test_so_it_does_with_other_options_that_were_given_then_and_now(place):
    began(place, {**BEFORE, "width": 0.5, "gamma": 1.0})
    settings, _ = settled(place, gamma=1.0)
    assert (settings.width, settings.gamma, settings.projected) == (0.5, 1.0, False)
    goes_on(place, settings)
    with pytest.raises(BadConfig, match=r"other settings: gamma was 1\.0, is 2\.0 \(use"):
        goes_on(place, settled(place, gamma=2.0)[0])


def test_the_length_is_not_the_runs_but_the_commands(place):
    began(place, BEFORE)
    assert [settled(place, **length)[0].steps for length in ({"steps": 5}, {"minutes": 3.0})] == [5, None]


def test_auto_asked_for_by_name_goes_on_too_and_another_preset_is_refused(place):
    began(place, BEFORE)
    assert settled(place, preset="auto")[0].preset == "small"
    with pytest.raises(BadConfig, match="preset was 'small', is 'projected'"):
        goes_on(place, settled(place, preset="projected")[0])


def test_what_is_installed_by_now_changes_no_run(place, missing, capsys):
    first, kept = settled(place)
    began(place, as_json(first), **kept)
    missing()
    again, kept_again = settled(place)
    assert (again, kept_again) == (first, {})
    assert "goes on as it was begun: augment flip,translate,scale,rotate,colour, augment-adapt True, " in (
        capsys.readouterr().err
    )
    assert goes_on(place, again)["auto"] == kept["auto"]


def test_a_run_begun_without_the_extra_goes_on_without_it(place, monkeypatch, missing):
    with monkeypatch.context() as meanwhile:

        def version(name):
            raise importlib.metadata.PackageNotFoundError(name)

        meanwhile.setattr(importlib.metadata, "version", version)
        first, _ = settled(place)
    began(place, as_json(first))
    assert settled(place)[0] == first != settled(place, resume="restart")[0]


def test_a_preset_that_was_retuned_since_changes_no_run_that_names_it(place, monkeypatch):
    first, _ = settled(place, preset="projected")
    began(place, as_json(first))
    monkeypatch.setitem(PRESETS, "projected", {"projected": True, "gamma": 9.0})
    assert settled(place, preset="projected")[0] == first


def test_a_record_s_values_that_cannot_be_are_not_taken_and_refused(place):
    run = began(place, {**BEFORE, "gamma": "much", "batch_size": -1, "seed": None})
    settings, _ = settled(place)
    assert (settings.gamma, settings.batch_size, settings.seed) == (0.5, 8, 0)
    with pytest.raises(BadConfig, match=r"batch-size was -1, is 8; .*gamma was 'much'"):
        goes_on(place, settings)
    run.update_record(settings=None)
    assert settled(place)[0].projected


def test_restart_chooses_anew(place):
    began(place, BEFORE)
    assert settled(place, resume="restart")[0].projected


class TestSweeps:
    def swept(self, place, data="h", **options):
        """Return a sweep of gamma below `place`, and what it is settled with."""
        values = {name: (value, Origin("flag", f"--{name}")) for name, value in options.items()}
        given, _ = resolve_values(TrainGanSettings, values, presets=PRESETS)
        trials = trials_of(["gamma=1,2"], given)
        sweep = Sweep(trials=trials, minutes=2.0, data_hash=data, path=place / "sweep.jsonl")
        settings, _ = settled(place, sweep={"swept": {"gamma"}, "trial": sweep.begun()}, **options)
        return replace(sweep, trials=trials_of(["gamma=1,2"], settings)), settings

    def tried(self, place, settings, without=None):
        """Write the record of a trial that is done, by a version that had not one of the settings."""
        record = {"schema": SCHEMA, "values": {"gamma": 1.0}, "minutes": 2.0, "data": "h", "status": "sound"}
        left_out = (*LEFT_OUT, without)
        kept = {name: value for name, value in as_json(replace(settings, gamma=1.0)).items() if name not in left_out}
        place.mkdir()
        (place / "sweep.jsonl").write_text(json.dumps({**record, "settings": kept}) + "\n")

    def test_trials_are_of_the_recipe_and_the_swept_value(self, place):
        sweep, _ = self.swept(place)
        assert [(trial.settings.projected, trial.settings.gamma) for trial in sweep.trials] == [
            (True, 1.0),
            (True, 2.0),
        ]

    @pytest.mark.parametrize("begun_with", ["auto", "small", "tiny"])
    def test_one_under_way_goes_on_with_its_recipe(self, place, begun_with, missing):
        first = self.swept(place, preset=begun_with)[1]
        self.tried(place, first)
        missing()
        sweep, settings = self.swept(place)
        assert settings == first
        assert (settings.preset, settings.projected) == (begun_with, begun_with == "auto")
        assert len(sweep.done()) == 1

    def test_so_does_one_of_the_version_before(self, place):
        self.tried(
            place, replace(resolve_values(TrainGanSettings, {}, presets=PRESETS)[0], **BEFORE), without="modulation"
        )
        sweep, settings = self.swept(place)
        assert (settings.preset, settings.projected, len(sweep.done())) == ("small", False, 1)

    def test_another_sweep_or_another_option_begins_anew(self, place, missing):
        self.tried(place, self.swept(place)[1])
        missing()
        assert not self.swept(place, data="other")[1].projected
        sweep, settings = self.swept(place, batch_size=4)
        assert settings.projected and sweep.done() == []

    def test_a_finished_sweep_is_found_again_beside_its_run(self, place, capsys):
        settings = self.swept(place)[1]
        self.tried(place, settings)
        (place / "sweep.jsonl").rename(place.parent / "kept")
        place.rmdir()
        began(place, as_json(replace(settings, gamma=2.0)))
        (place.parent / "kept").rename(place / "sweep.jsonl")
        again, _ = self.swept(place)
        assert len(again.done()) == 1
        assert RunDir(place).record()["settings"]["gamma"] == 2.0
        assert "as it was begun" not in capsys.readouterr().err


LEFT_OUT = ("threads", "device", "save_minutes", "steps", "minutes")
