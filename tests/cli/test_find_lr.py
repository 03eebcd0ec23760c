"""`aigc train-gpt --find-lr`, as a process."""

import shutil
from itertools import pairwise

import pytest

RATES = ("--learning-rate", "0.003", "--matrix-learning-rate", "0.02")


def test_it_prints_each_trial_and_two_suggestions_and_writes_nothing(cli, small, sets, tmp_path):
    words = ("train-gpt", sets / "text", "-o", tmp_path / "run", *small["scratch"], "--find-lr", *RATES)
    records = cli.records(tmp_path, *words)
    assert not (tmp_path / "run").exists()
    assert {record["schema"] for record in records} == {"aigc.find-lr/1"}
    trials = [record for record in records if "loss" in record]
    found = {record["suggestion"]: record for record in records if "suggestion" in record}
    assert len(trials) > 30
    for one, next_one in pairwise(trials):
        assert next_one["factor"] / one["factor"] == pytest.approx(10 ** (5 / 99))
    for trial in trials:  # both optimizers' rates move by the same factor, from the peaks that the settings have
        assert trial["learning_rate"] == pytest.approx(3e-3 * trial["factor"])
        assert trial["matrix_learning_rate"] == pytest.approx(0.02 * trial["factor"])
    lowest = min(trials, key=lambda trial: trial["smoothed_loss"])
    assert set(found) == {"steepest", "lowest / 10"}
    assert found["steepest"]["factor"] <= lowest["factor"]
    assert found["lowest / 10"]["factor"] == pytest.approx(lowest["factor"] / 10, rel=0.07)


def test_a_set_that_was_altered_is_65(cli, small, sets, tmp_path):
    altered = tmp_path / "set"
    shutil.copytree(sets / "text", altered)
    with (altered / "train.jsonl").open("a") as file:
        file.write('{"schema": "aigc.text/1", "text": "added"}\n')
    words = ("train-gpt", altered, "-o", tmp_path / "run", *small["scratch"], "--find-lr", *RATES)
    assert "altered" in cli.refused(tmp_path, 65, *words)
