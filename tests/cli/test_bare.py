"""Nothing is taken for granted: an empty environment, no locale, no HOME, and a working folder that was deleted."""

import json
import subprocess
import sys

import pytest

DELETED = "import os, sys; os.rmdir(os.getcwd()); os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"


def bare(folder, *words, stdin=""):
    """Run aigc with no variable at all, in a new folder that is deleted before it starts."""
    place = folder / "gone"
    place.mkdir()
    command = [sys.executable, "-c", DELETED, "-P", "-m", "aigc_cli", *map(str, words)]
    return subprocess.run(command, cwd=place, env={}, input=stdin, capture_output=True, encoding="utf-8", timeout=120)


@pytest.mark.parametrize("words", [("--help",), ("--version",), ("completion", "zsh"), ("config", "path", "--json")])
def test_what_needs_no_folder_works_in_none(words, tmp_path):
    done = bare(tmp_path, *words)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


def test_the_doctor_says_that_the_folder_is_gone(tmp_path):
    done = bare(tmp_path, "doctor", "--json")
    checks = {record["check"]: record for record in map(json.loads, done.stdout.splitlines())}
    assert done.returncode in (0, 69), done.stderr
    assert checks["folder_writable"]["status"] == "missing"
    assert "deleted" in checks["folder_writable"]["remedy"]


def test_absolute_paths_work_and_relative_ones_are_refused_in_one_line(tmp_path):
    text = "第一行。\n第二行，也不长。\n第三行。\n" * 20
    done = bare(tmp_path, "prepare", "text", "-", "-o", tmp_path / "集", stdin=text)
    assert done.returncode == 0, done.stderr
    parts = [(tmp_path / "集" / f"{part}.jsonl").read_text(encoding="utf-8") for part in ("train", "valid")]
    kept = "".join(json.loads(line)["text"] for part in parts for line in part.splitlines())
    assert kept.replace("\n", "") == text.replace("\n", "")
    refused = bare(tmp_path, "prepare", "text", "-", "-o", "set", "-q", stdin=text)
    assert (refused.returncode, refused.stdout) == (73, "")
    assert refused.stderr.startswith("aigc prepare text: error: set: ")
    assert refused.stderr.count("\n") == 1
