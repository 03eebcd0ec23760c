"""Outputs that are one file which the user names take nobody else's place, unless --force says so."""

import io
import sys

import pytest

from aigc_cli.app import run
from aigc_cli.core.disk.own import written_by_aigc

LETTER = b"Dear Ada,\nthis took me a week.\n"
QUICK = ["--threads", "1", "-q"]


@pytest.fixture
def letter(tmp_path, monkeypatch):
    """A file that somebody wrote by hand, in the working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.StringIO("hi\n"))
    path = tmp_path / "letter"
    path.write_bytes(LETTER)
    return path


@pytest.fixture
def words(request, ada_run, face_run):
    """A command line that would write the letter."""
    if request.param == "grid":
        return ["sample", str(face_run), "-n", "2", "-o", "out", "--grid", "letter", *QUICK]
    if request.param == "texts":
        return ["sample", str(ada_run), "--prompt", "hi", "-n", "1", "-o", "letter", "--max-new-tokens", "4", *QUICK]
    return ["chat", str(ada_run), "-", "--session", "letter", "--max-new-tokens", "4", *QUICK]


@pytest.mark.parametrize("words", ["grid", "texts", "session"], indirect=True)
def test_another_s_file_is_73_and_stays_unless_forced(words, letter, capsys):
    assert run(words) == 73
    error = capsys.readouterr().err
    assert "letter: is there, and aigc did not write it (choose another name, or --force to replace it)" in error
    assert letter.read_bytes() == LETTER
    assert [path.name for path in letter.parent.iterdir()] == ["letter"]  # it is said before anything is made
    assert run([*words, "--force"]) == 0, capsys.readouterr().err
    assert letter.stat().st_size > 0 and written_by_aigc(letter)


@pytest.mark.parametrize("words", ["grid", "texts", "session"], indirect=True)
def test_what_aigc_wrote_is_written_again_or_gone_on_with(words, letter, capsys, monkeypatch):
    letter.unlink()
    assert run(words) == 0, capsys.readouterr().err
    before = letter.read_bytes()
    monkeypatch.setattr(sys, "stdin", io.StringIO("hi\n"))
    assert run(words) == 0, capsys.readouterr().err
    assert letter.read_bytes().startswith(before)


def test_samples_are_put_into_no_folder_of_others(face_run, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "theirs").mkdir()
    held = {"samples.jsonl": b'{"text": "a corpus"}\n', ".video.mp4.part": b"half a download", "000000.png": b"mine"}
    for name, content in held.items():
        (tmp_path / "theirs" / name).write_bytes(content)
    assert run(["sample", str(face_run), "-n", "2", "-o", "theirs", *QUICK]) == 73
    assert "theirs: holds other files" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in (tmp_path / "theirs").iterdir()} == held


def test_a_picture_of_another_s_among_the_samples_stays(face_run, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(["sample", str(face_run), "-n", "1", "-o", "out", *QUICK]) == 0
    (tmp_path / "out" / "000001.png").write_bytes(LETTER)
    assert run(["sample", str(face_run), "-n", "2", "-o", "out", *QUICK]) == 73
    assert "000001.png: is there, and aigc did not write it" in capsys.readouterr().err
    assert (tmp_path / "out" / "000001.png").read_bytes() == LETTER
