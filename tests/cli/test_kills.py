"""Training killed with -9 anywhere, again and again, and taken up by the same command: the same bits, the same log."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

STEPS = 30
SCHEDULES = ("constant", "linear", "cosine", "wsd", "plateau")
SHARED = ("--steps", str(STEPS), "--save-every", "4", "--save-minutes", "100")


def killed(cli, cases):
    """Run the driver on cases, and return how many kills each took before its end."""
    driver = Path(__file__).with_name("kill_driver.py")
    done = subprocess.run(
        [sys.executable, str(driver), json.dumps(cases)], env=cli.environment(), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def case(folder, name, seed, kills, words):
    whole, cut = str(folder / f"{name}-whole"), str(folder / f"{name}-cut")
    return {"whole": whole, "cut": cut, "seed": seed, "kills": kills, "words": [str(word) for word in words]}


def lines(run):
    """Return the metrics of a run, without what depends on the clock or the machine."""
    return [
        {name: value for name, value in json.loads(line).items() if "second" not in name and "max_" not in name}
        for line in (run / "metrics.jsonl").read_text().splitlines()
    ]


def assert_same(case):
    whole, cut = Path(case["whole"]), Path(case["cut"])
    files = [sorted(path.relative_to(run) for path in run.rglob("*") if path.is_file()) for run in (whole, cut)]
    assert files[0] == files[1]
    weights = [path for path in files[0] if path.suffix == ".safetensors"]
    assert len(weights) >= 3  # the model, and the checkpoints kept
    for path in (*weights, *(path for path in files[0] if path.parts[0] == "previews")):
        assert (cut / path).read_bytes() == (whole / path).read_bytes(), path
    assert lines(cut) == lines(whole)
    records = [json.loads((run / "aigc.json").read_text()) for run in (whole, cut)]
    assert [record["best"] for record in records] == [records[0]["best"]] * 2


def scratch(small, sets, *words):
    return ("train-gpt", sets / "text", *SHARED, *small["scratch"], *words)


def test_text_in_parts_of_batches(cli, small, sets, tmp_path):
    words = scratch(small, sets, "--accumulate", "2", "--schedule", "plateau", "--plateau-patience", "0")
    cases = [case(tmp_path, "text", 3, 3, words)]
    assert killed(cli, cases)[0] >= 2
    assert_same(cases[0])


@pytest.mark.slow
def test_every_schedule_and_tokenizer_and_faces(cli, small, sets, tmp_path):
    cases = [
        case(
            tmp_path,
            f"{tokenizer}-{schedule}",
            place,
            8,
            scratch(small, sets, "--tokenizer", tokenizer, "--schedule", schedule, "--accumulate", str(1 + place % 2)),
        )
        for tokenizer in ("char", "bpe")
        for place, schedule in enumerate(SCHEDULES)
    ]
    cases += [
        case(tmp_path, f"face-{schedule}", 9, 8, ("train-gan", sets / "images", *SHARED, *small["face"]))
        for schedule in ("wsd", "plateau")
    ]
    assert sum(killed(cli, cases)) > 4 * len(cases)
    for one in cases:
        assert_same(one)
