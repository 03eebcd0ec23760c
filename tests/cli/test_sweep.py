"""`aigc train-gan --sweep`, as a process."""

import json
import signal

import pytest

SWEEP = ("--sweep", "gamma=0.5,2", "--sweep-minutes", "0.01")


@pytest.fixture
def words(small, sets, tmp_path):
    """A training of two steps into tmp_path/run."""
    return ("train-gan", sets / "images", "-o", tmp_path / "run", *small["face"], "--steps", "2")


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_it_trains_with_the_best_and_again_repeats_nothing(cli, words, tmp_path):
    *trials, record = cli.records(tmp_path, *words, *SWEEP)
    assert (record["schema"], record["status"]) == ("aigc.run/1", "finished")
    assert {trial["schema"] for trial in trials} == {"aigc.sweep/1"}
    kept = lines(tmp_path / "run" / "sweep.jsonl")
    assert [trial["values"] for trial in kept] == [{"gamma": 0.5}, {"gamma": 2.0}]
    best = min(kept, key=lambda trial: trial["frechet[random_conv]"])
    assert trials[0]["values"] == best["values"]
    assert json.loads((tmp_path / "run" / "aigc.json").read_text())["settings"]["gamma"] == best["values"]["gamma"]

    done = cli.run(tmp_path, *words, *SWEEP)
    assert done.returncode == 0
    assert "already finished at step 2" in done.stderr
    assert "trial 1" not in done.stderr
    assert [json.loads(line) for line in done.stdout.splitlines()] == [*trials, record]
    assert lines(tmp_path / "run" / "sweep.jsonl") == kept
    [plan] = cli.records(tmp_path, *words, *SWEEP, "--dry-run")
    assert (plan["state"], plan["settings"]["gamma"]) == ("finished", best["values"]["gamma"])
    assert "did not begin with this sweep" in cli.refused(tmp_path, 78, *words, "--sweep", "gamma=3,4")


def test_interrupted_it_goes_on_after_the_trials_that_are_done(cli, words, tmp_path):
    kept = tmp_path / "run" / "sweep.jsonl"
    sweep = ("--sweep", "lr=1e-4,2e-4", "--sweep-minutes", "0.05", "--sweep-only")
    process = cli.start(tmp_path, *words, *sweep)
    cli.wait_until(kept.exists, process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert (process.returncode, out) == (130, "")
    assert "the same command goes on from there" in err.splitlines()[-1]
    first = lines(kept)
    assert [trial["values"] for trial in first] == [{"lr": 1e-4}]
    done = cli.run(tmp_path, *words, *sweep)
    assert done.returncode == 0
    assert "trial 1 of 2" not in done.stderr
    assert {json.loads(line)["schema"] for line in done.stdout.splitlines()} == {"aigc.sweep/1"}
    assert lines(kept)[0] == first[0]
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["sweep.jsonl"]  # --sweep-only


def test_the_plan_says_how_long_it_takes_and_nothing_is_written(cli, words, tmp_path):
    [plan] = cli.records(tmp_path, *words, "--sweep", "gamma=0.5,2,8", "--sweep", "lr=1e-3,2e-3", "--dry-run")
    assert plan["sweep"] == {"trials": 6, "done": 0, "minutes_each": 2.0, "seconds": 720.0}
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("--sweep", "gama=1,2"), "did you mean 'gamma'?"),
        (("--sweep", "gamma=1,2", "--gamma", "3"), "--gamma and --sweep gamma exclude each other"),
        (("--sweep-only",), "say what to try with --sweep"),
    ],
)
def test_what_makes_no_sense_is_2(cli, words, tmp_path, asked, said):
    assert said in cli.refused(tmp_path, 2, *words, *asked)
    assert not (tmp_path / "run").exists()
