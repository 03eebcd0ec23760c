"""Samples of a text run: which items there are, and that a file ends the same however it was filled."""

import pytest

from aigc_cli.config.sample import SampleSettings
from aigc_cli.core.disk.provenance import is_own_label
from aigc_cli.core.errors import BadConfig, NoInput
from aigc_cli.core.screen.progress import SilentProgress
from aigc_cli.gpt.samples import text_samples


class Stopped(Exception):
    """What a signal raises."""


@pytest.fixture
def prompts(tmp_path, exchanges):
    path = tmp_path / "prompts.txt"
    path.write_text("\n".join(exchanges) + "\n")
    return path


def asked(run, **settings):
    return text_samples(run, SampleSettings(batch_size=2, max_new_tokens=24, threads=1, device="cpu", **settings))


def filled(samples, path, stop=lambda: None):
    path.touch()
    return samples.fill(path, SilentProgress(), stop)


def test_conversations_take_turns_by_the_absolute_index(ada_run, prompts, exchanges):
    samples = asked(ada_run, prompts=prompts, start=1, count=2, seed=5)
    names = list(exchanges)
    assert [(item["index"], item["prompt"]) for item in samples.items] == list(enumerate(names * 2, start=len(names)))
    assert {item["seed"] for item in samples.items} == {5}
    with pytest.raises(NoInput, match="no checkpoint 3"):
        asked(ada_run, prompts=prompts, checkpoint="3")


def test_a_text_is_labelled_and_the_same_alone_as_among_others(ada_run, prompts):
    samples, told = asked(ada_run, prompts=prompts, count=2, temperature=1.0), []
    records = list(samples.written(samples.items, told.append))
    assert told == ["computing on cpu with 1 threads"]
    assert [record["index"] for record in records] == [item["index"] for item in samples.items]
    assert all(is_own_label(record) and record["text"] for record in records)
    assert len({record["text"] for record in records}) == len(records)
    assert list(samples.written(samples.items[5:6], told.append)) == records[5:6]


def test_a_file_is_filled_with_what_it_lacks_and_ends_the_same_after_a_stop(ada_run, prompts, tmp_path):
    samples, written = asked(ada_run, prompts=prompts, count=2), []
    whole = filled(samples, tmp_path / "whole.jsonl")
    assert len(whole) == len(samples.items)

    def stop():
        written.append(1)
        if len(written) == 3:
            raise Stopped

    with pytest.raises(Stopped):
        filled(samples, tmp_path / "cut.jsonl", stop)
    assert samples.missing(tmp_path / "cut.jsonl") == samples.items[3:]
    assert filled(samples, tmp_path / "cut.jsonl", lambda: written.append(1)) == whole
    assert len(written) == len(samples.items)
    assert (tmp_path / "cut.jsonl").read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
    filled(samples, tmp_path / "cut.jsonl", lambda: pytest.fail("wrote what was there"))
    with pytest.raises(BadConfig, match="item 0 is there with seed 0, not 1"):
        filled(asked(ada_run, prompts=prompts, count=2, seed=1), tmp_path / "cut.jsonl")


def test_looking_for_what_is_missing_makes_nothing(ada_run, prompts, tmp_path):
    samples = asked(ada_run, prompts=prompts, count=1)
    assert samples.missing(tmp_path / "nowhere.jsonl") == samples.items
    assert not (tmp_path / "nowhere.jsonl").exists()
