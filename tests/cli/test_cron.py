"""Jobs as cron starts them: bare environment, no terminal, overlapping, repeated, dated (real processes)."""

import fcntl
import io
import json
import os
import re
import shutil
import stat
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image

DRAW = ("--batch-size", "4", "--threads", "1")


def days(count):
    """Return the folder's name of so many days ago."""
    return f"{datetime.now() - timedelta(days=count):%Y-%m-%d}"


@pytest.fixture
def work(runs, tmp_path):
    """A folder with the runs and sets in it."""
    for name in ("face", "gpt", "talk.txt", "text", "chat", "images"):
        (tmp_path / name).symlink_to(runs / name)
    return tmp_path


def test_a_dated_night_is_quiet_and_keeps_only_the_last_ones(cli, work):
    words = ("sample", "face", "-n", "2", "-o", "nights/%Y-%m-%d", "--keep-days", "2", *DRAW)
    (work / "nights").mkdir()
    done = cli.run(work, *words, "-q")
    if not (work / "nights" / days(0)).exists():
        pytest.skip("the day changed in between")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    for age in (1, 2, 3, 30):
        shutil.copytree(work / "nights" / days(0), work / "nights" / days(age))
    (work / "nights" / days(30) / "letter.txt").write_text("dear")
    done = cli.run(work, *words)
    assert done.returncode == 0
    assert sorted(path.name for path in (work / "nights").iterdir()) == sorted(days(age) for age in (0, 1, 2, 30))
    assert (work / "nights" / days(30) / "000000.png").exists()
    assert f"{days(3)}: deleted" in done.stderr
    assert f"{days(30)}: old, but not aigc's alone" in done.stderr
    assert "all 2 are there: nothing to do" in done.stderr


def test_a_dry_run_deletes_nothing_and_says_what_would_go(cli, work):
    made = ("prepare", "text", "talk.txt", "-o", f"sets/{days(9)}", "-q")
    assert cli.run(work, *made).returncode == 0
    done = cli.run(work, "prepare", "text", "talk.txt", "-o", "sets/%Y-%m-%d", "--keep-days", "1", "--dry-run")
    assert f"sets/{days(9)}: would be deleted" in done.stderr
    assert [path.name for path in (work / "sets").iterdir()] == [days(9)]


def test_lines_in_a_log_carry_the_time(cli, work):
    done = cli.run(work, "prepare", "text", "talk.txt", "-o", "set")
    again = cli.run(work, "prepare", "text", "talk.txt", "-o", "set", "-v")
    assert done.returncode == again.returncode == 0
    assert len(again.stderr.splitlines()) >= 2
    for line in (done.stderr + again.stderr).splitlines():
        assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d ", line), line


class TestOverlapping:
    @pytest.fixture(params=["prepare", "faces", "texts"])
    def words(self, request):
        """A command and its output."""
        return {
            "prepare": ("prepare", "text", "talk.txt", "-o", "out"),
            "faces": ("sample", "face", "-n", "2", "-o", "out", *DRAW),
            "texts": ("sample", "gpt", "-n", "1", "--max-new-tokens", "4", "-o", "out", *DRAW),
        }[request.param]

    def test_the_second_is_turned_away_with_75_or_waits(self, words, cli, work):
        place = work / "out"
        place.touch() if "gpt" in words else place.mkdir()
        descriptor = os.open(place, os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        assert "another aigc process is working in it" in cli.refused(work, 75, *words)
        waiting = cli.start(work, *words, "--lock-wait", "60", "-q")
        cli.wait_until(lambda: has_open(waiting.pid, place), waiting)
        os.close(descriptor)
        out, err = waiting.communicate(timeout=60)
        assert (waiting.returncode, out, err) == (0, "", "")
        assert place.stat().st_size > 0

    @pytest.mark.parametrize(
        "words",
        [
            ("prepare", "images", "images/images", "-o", "out"),
            ("prepare", "chat", "talk.txt", "--me", "Ada", "-o", "out"),
            ("train-gan", "images", "-o", "out", "--steps", "2"),
            ("train-gpt", "chat", "-o", "out", "--steps", "2"),
        ],
        ids=lambda words: "-".join(words[:2]),
    )
    def test_so_is_every_other_command_that_writes(self, words, cli, work):
        (work / "out").mkdir()
        descriptor = os.open(work / "out", os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        assert "another aigc process is working in it" in cli.refused(work, 75, *words)
        os.close(descriptor)
        assert list((work / "out").iterdir()) == []

    def test_a_conversation_is_held_by_one_at_a_time(self, cli, work):
        words = ("chat", "gpt", "-", "--session", "talk.jsonl", "--max-new-tokens", "4", "--threads", "1", "-q")
        place = work / "talk.jsonl"
        place.touch()
        descriptor = os.open(place, os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        assert "another aigc process is working in it" in cli.refused(work, 75, *words[:-1], stdin="hi\n")
        waiting = cli.start(work, *words, "--lock-wait", "60", stdin=subprocess.PIPE)
        cli.wait_until(lambda: has_open(waiting.pid, place), waiting)
        os.close(descriptor)
        _, err = waiting.communicate("hi\n", timeout=60)
        assert (waiting.returncode, err) == (0, "")
        assert place.stat().st_size > 0


def has_open(pid, place):
    """Tell whether a process has opened a file or folder."""
    held = Path(f"/proc/{pid}/fd")
    if not held.exists():
        pytest.skip("this system does not show what a process has open")
    try:
        return any(os.path.realpath(entry) == str(place) for entry in held.iterdir())
    except OSError:
        return False


def test_what_is_refused_leaves_no_folder_behind(cli, work):
    (work / "empty.txt").write_text("")
    assert "no text" in cli.refused(work, 65, "prepare", "text", "empty.txt", "-o", "a/b/set")
    assert not (work / "a").exists()


def test_the_umask_decides_who_may_read(cli, work):
    command = f'umask 027; exec "$0" -m aigc_cli sample face -n 1 -o out -q {" ".join(DRAW)}'
    subprocess.run(["sh", "-c", command, sys.executable], cwd=work, env=cli.environment(), check=True)
    assert stat.S_IMODE((work / "out").stat().st_mode) == 0o750
    assert {stat.S_IMODE(path.stat().st_mode) for path in (work / "out").iterdir()} == {0o640}


class TestPlans:
    def test_of_training_say_what_is_there(self, cli, work, small):
        words = ("train-gpt", "text", "-o", "run", *small["scratch"])
        [plan] = cli.records(work, *words, "--steps", "4", "--dry-run")
        assert (plan["state"], plan["step"], plan["seconds"]) == ("new", 0, "unknown until measured")
        assert not (work / "run").exists()
        [record] = cli.records(work, *words, "--steps", "4")
        [plan] = cli.records(work, *words, "--steps", "4", "--dry-run")
        assert (plan["state"], plan["step"], plan["seconds"]) == ("finished", 4, 0)
        assert record["status"] == "finished"
        line = cli.refused(work, 78, *words, "--steps", "4", "--seed", "9", "--dry-run")
        assert "seed was 0, is 9" in line

    def test_of_sampling_count_what_is_missing(self, cli, work):
        words = ("sample", "face", "-o", "out", *DRAW)
        cli.records(work, *words, "-n", "2")
        before = {path: path.stat().st_mtime_ns for path in (work / "out").iterdir()}
        [plan] = cli.records(work, *words, "-n", "5", "--dry-run")
        assert (plan["items"], plan["missing"]) == (5, 3)
        used = sum(path.stat().st_size for path in (work / "out").iterdir()) / 2
        assert used < plan["disk_bytes"] / 3 < 4 * used + 4096
        assert {path: path.stat().st_mtime_ns for path in (work / "out").iterdir()} == before
        assert "is there with seed" in cli.refused(work, 78, *words, "-n", "2", "--seed", "8", "--dry-run")

    def test_of_preparing_read_everything_and_write_nothing(self, cli, work):
        words = ("prepare", "text", "talk.txt", "-o", "set")
        [plan] = cli.records(work, *words, "--dry-run")
        assert not (work / "set").exists()
        [made] = cli.records(work, *words)
        assert plan["counts"]["characters"] == made["counts"]["characters"]
        written = sum(path.stat().st_size for path in (work / "set").iterdir())
        assert plan["disk_bytes"] > 0.5 * written
        assert cli.records(work, *words, "--dry-run")[0]["unchanged"] is True
        cli.refused(work, 78, *words, "--dry-run", "--valid", "0.3")

    def test_of_evaluating_check_both_sides(self, cli, runs):
        [plan] = cli.records(runs, "eval", "text", "gpt", "chat", "--dry-run")
        assert plan["counts"]["train"] + plan["counts"]["valid"] == 10
        assert "a run, not a set" in cli.refused(runs, 65, "eval", "text", "gpt", "gpt", "--dry-run")


def test_only_missing_texts_are_written_again(cli, work):
    (work / "prompts.txt").write_text("".join(f"what about {i}?\n" for i in range(6)))
    words = ("sample", "gpt", "--prompts", "prompts.txt", "-n", "1", "--max-new-tokens", "4", "-o", "out.jsonl", *DRAW)
    cli.records(work, *words)
    whole = (work / "out.jsonl").read_text()
    lines = whole.splitlines(keepends=True)
    (work / "out.jsonl").write_text("".join(lines[:1] + lines[3:5]))
    [plan] = cli.records(work, *words, "--dry-run")
    assert (plan["items"], plan["missing"]) == (6, 3)
    cli.records(work, *words)
    rest = (work / "out.jsonl").read_text()
    assert rest.startswith("".join(lines[:1] + lines[3:5]))
    assert sorted(rest.splitlines()) == sorted(whole.splitlines())
    assert [json.loads(line)["index"] for line in rest.splitlines()] == [0, 3, 4, 1, 2, 5]


def test_faces_of_a_checkpoint(cli, work):
    steps = sorted(int(path.name.split("-")[1]) for path in (work / "face" / "checkpoints").iterdir())
    best = json.loads((work / "face" / "aigc.json").read_text())["best"]["step"]
    words = ("sample", "face", "-n", "2", *DRAW)
    records = {
        name: cli.records(work, *words, "-o", f"of-{name}", "--checkpoint", name)
        for name in ("best", "last", str(steps[0]))
    }
    pictures = {name: (work / f"of-{name}" / "000000.png").read_bytes() for name in records}
    assert (pixels(pictures["best"]) == pixels(pictures["last"])) == (best == steps[-1])
    assert (pixels(pictures["last"]) == pixels(pictures[str(steps[0])])) == (len(steps) == 1)
    assert len({made[0]["run_hash"] for made in records.values()}) == 2 + (len(steps) > 1)
    assert "there are: " in cli.refused(work, 66, *words, "-o", "none", "--checkpoint", "999999")


def pixels(png):
    with Image.open(io.BytesIO(png)) as image:
        return image.tobytes()
