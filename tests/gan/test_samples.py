"""Samples of a face run: which items there are, and that a folder ends with the same bits however it was filled."""

import pytest
import torch

from aigc_cli.config.sample import SampleSettings
from aigc_cli.core.errors import BadData, NoInput, UsageProblem
from aigc_cli.core.screen.progress import SilentProgress
from aigc_cli.gan.sampler import load_generator
from aigc_cli.gan.samples import face_samples


class Stopped(Exception):
    """What a signal raises."""


def asked(run, **settings):
    return face_samples(run, SampleSettings(batch_size=4, threads=1, device="cpu", **settings))


def filled(samples, folder, stop=lambda: None):
    folder.mkdir(exist_ok=True)
    return samples.fill(folder, SilentProgress(), stop)


def test_labels_take_turns_by_the_absolute_index_unless_one_is_asked_for(face_run):
    items = asked(face_run, start=2, count=4, seed=7).items
    assert [(item["index"], item["label"]) for item in items] == [(2, "angry"), (3, "smile"), (4, "sad"), (5, "angry")]
    assert {item["seed"] for item in items} == {7}
    assert [item["label"] for item in asked(face_run, count=2, label="sad").items] == ["sad", "sad"]
    with pytest.raises(UsageProblem, match=r"'sda' is not a label of this run .did you mean 'sad'"):
        asked(face_run, label="sda")


def test_what_is_drawn_is_what_the_sampler_draws(face_run):
    samples = asked(face_run, start=1, count=6, seed=3)
    told = []
    drawn = list(samples.drawn(samples.items, told.append))
    expected = load_generator(face_run, batch_size=4).pictures(range(1, 7), 3, [1, 2, 0, 1, 2, 0])
    assert [item for item, _ in drawn] == samples.items
    assert all(torch.equal(picture, other) for (_, picture), other in zip(drawn, expected, strict=True))
    assert told == ["computing on cpu with 1 threads"]


def test_a_folder_is_filled_with_what_it_lacks_and_ends_the_same_after_a_stop(face_run, tmp_path):
    samples = asked(face_run, count=6)
    whole = filled(samples, tmp_path / "whole")
    drawn = []

    def stop():
        drawn.append(1)
        if len(drawn) == 2:
            raise Stopped

    with pytest.raises(Stopped):
        filled(samples, tmp_path / "cut", stop)
    assert [item["index"] for item in samples.missing(tmp_path / "cut")] == [2, 3, 4, 5]
    again = filled(samples, tmp_path / "cut", lambda: drawn.append(1))
    assert len(drawn) == 6
    for one, other in zip(whole, again, strict=True):
        name = one["file"]
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "cut" / name).read_bytes()
        assert {**one, "path": ""} == {**other, "path": ""}
    filled(samples, tmp_path / "cut", lambda: pytest.fail("drew what was there"))


def test_looking_for_what_is_missing_changes_nothing(face_run, tmp_path):
    samples = asked(face_run, count=3)
    filled(asked(face_run, count=2), tmp_path / "out")
    (tmp_path / "out" / ".half.part").write_text("x")
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert [item["index"] for item in samples.missing(tmp_path / "out")] == [2]
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    assert samples.missing(tmp_path / "nowhere") == samples.items
    assert not (tmp_path / "nowhere").exists()


def test_room_is_reckoned_from_the_run_before_it_is_loaded(face_run, tmp_path):
    assert asked(face_run, count=1).item_bytes >= 3 * 16 * 16
    (tmp_path / "config.json").write_text('{"size": "large"}')
    with pytest.raises(NoInput, match="no weights yet"):
        asked(tmp_path)
    (tmp_path / "generator.safetensors").touch()
    with pytest.raises(BadData, match="not the configuration of a face run"):
        asked(tmp_path)
