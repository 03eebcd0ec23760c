import os
import subprocess
import sys

import pytest

from aigc_cli.core.disk.rundir import (
    FolderLock,
    RunDir,
    existing_run,
    open_for_training,
    output_file,
    output_folder,
    read_run,
)
from aigc_cli.core.errors import BadConfig, BadData, CannotCreate, Locked, NoInput

DATA = {"path": "d", "hash": "h"}


def opened(path, kind="face", settings=None, data=DATA, resume="auto"):
    path.mkdir(exist_ok=True)
    return open_for_training(path, kind, settings or {"lr": 1.0, "threads": 2}, data, resume=resume, private=False)


def test_same_settings_open_the_same_run_and_others_are_refused(tmp_path):
    run, _ = opened(tmp_path / "r")
    run.update_record(step=5)
    assert opened(tmp_path / "r")[1]["step"] == 5
    assert opened(tmp_path / "r", settings={"lr": 1.0, "threads": 8})[1]["step"] == 5
    with pytest.raises(BadConfig, match=r"lr was 1\.0, is 2\.0"):
        opened(tmp_path / "r", settings={"lr": 2.0, "threads": 2})
    with pytest.raises(BadConfig, match="other data"):
        opened(tmp_path / "r", data={"path": "e", "hash": "i"})
    with pytest.raises(BadData, match="face run"):
        opened(tmp_path / "r", kind="text")


def test_restart_deletes_the_run(tmp_path):
    run, _ = opened(tmp_path / "r")
    run.checkpoint(3).mkdir()
    record = opened(tmp_path / "r", settings={"lr": 2.0}, resume="restart")[1]
    assert record["status"] == "new"
    assert RunDir(tmp_path / "r").checkpoint_steps() == []


def test_restart_deletes_what_training_wrote_and_nothing_else(tmp_path):
    run, _ = opened(tmp_path / "r")
    (run.checkpoint(3)).mkdir()
    kept = [run.checkpoint(3).parent / "notes.txt", run.path / "previews" / "mine.png"]
    gone = [run.checkpoint(3) / "state.json", run.path / "previews" / "step-000003.png"]
    run.previews.mkdir(exist_ok=True)
    for path in kept + gone:
        path.write_text("x")
    opened(tmp_path / "r", settings={"lr": 2.0}, resume="restart")
    assert [path.exists() for path in kept] == [True, True]
    assert [path.exists() for path in gone] == [False, False]
    assert run.checkpoint_steps() == []


def test_trials_come_before_their_run_and_go_with_it(tmp_path):
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / "sweep.jsonl").write_text("{}\n")
    opened(tmp_path / "r")
    assert (tmp_path / "r" / "sweep.jsonl").exists()
    opened(tmp_path / "r", settings={"lr": 2.0}, resume="restart")
    assert not (tmp_path / "r" / "sweep.jsonl").exists()


def test_a_folder_with_other_things_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(CannotCreate, match=r"thesis\.txt"):
        opened(tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "precious"


def test_leftovers_of_a_killed_process_are_swept(tmp_path):
    run, _ = opened(tmp_path / "r")
    (run.checkpoints / ".step-3.abc.part").mkdir()
    (run.path / ".model.xyz.part").write_text("half")
    opened(tmp_path / "r")
    assert not list(run.path.rglob("*.part"))


def test_reading_wants_a_run_of_the_right_kind(tmp_path):
    with pytest.raises(NoInput, match="no such folder"):
        read_run(tmp_path / "none")
    with pytest.raises(NoInput, match="not a run"):
        read_run(tmp_path)
    opened(tmp_path / "r")
    assert read_run(tmp_path / "r", "face")["kind"] == "face"
    with pytest.raises(BadData, match="this needs a text run"):
        read_run(tmp_path / "r", "text")
    (tmp_path / "r" / "aigc.json").write_text('{"schema": "aigc.run/9", "kind": "face"}')
    with pytest.raises(BadData, match=r"aigc\.run/9"):
        read_run(tmp_path / "r")


def test_second_process_finds_the_folder_locked(tmp_path):
    holder = "import sys; from pathlib import Path; from aigc_cli.core.disk.rundir import FolderLock\n"
    holder += "with FolderLock(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    process = subprocess.Popen(
        [sys.executable, "-c", holder, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ
    )
    assert process.stdin and process.stdout
    with process:
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(Locked), FolderLock(tmp_path):
            pass
        process.kill()
        process.wait()
        with FolderLock(tmp_path, wait_seconds=5):
            pass


def test_what_was_moved_aside_when_a_process_died_is_put_back(tmp_path):
    run, _ = opened(tmp_path / "r")
    (run.checkpoints / ".step-7.x.old" / "step-7").mkdir(parents=True)
    (run.checkpoints / ".step-8.y.part").mkdir()
    assert opened(tmp_path / "r")[0].checkpoint_steps() == [7]
    assert [entry.name for entry in run.checkpoints.iterdir()] == ["step-7"]


def test_an_output_that_came_to_nothing_leaves_no_folder(tmp_path):
    with pytest.raises(RuntimeError), output_folder(tmp_path / "a" / "b"):
        assert (tmp_path / "a" / "b").is_dir()
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    with output_folder(tmp_path / "a" / "b"):
        (tmp_path / "a" / "b" / "file").touch()
    (tmp_path / "mine").mkdir()
    with output_folder(tmp_path / "mine"):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "mine"]


def test_an_output_file_is_locked_and_stays_only_if_something_was_written(tmp_path):
    path = tmp_path / "a" / "texts.jsonl"
    with pytest.raises(RuntimeError), output_file(path):
        with pytest.raises(Locked), FolderLock(path):
            pass
        raise RuntimeError
    assert not path.exists()
    with output_file(path):
        path.write_text("one")
    path.write_text("")
    with output_file(path):  # what was there before is not ours to take away
        pass
    assert path.exists()


def test_the_lock_is_of_what_the_path_names_now(tmp_path):
    """A folder that is replaced under its lock, as a set is, must be locked anew."""
    (tmp_path / "set").mkdir()
    with FolderLock(tmp_path / "set"):
        with pytest.raises(Locked), FolderLock(tmp_path / "set"):
            pass
        (tmp_path / "new").mkdir()
        (tmp_path / "new").replace(tmp_path / "set")
        with FolderLock(tmp_path / "set"), pytest.raises(Locked), FolderLock(tmp_path / "set"):
            pass


def test_looking_at_a_run_changes_nothing(tmp_path):
    data = DATA
    assert existing_run(tmp_path / "none", "face", {"seed": 1}, data, resume="auto") is None
    assert not (tmp_path / "none").exists()
    (tmp_path / "run").mkdir()
    open_for_training(tmp_path / "run", "face", {"seed": 1}, data, resume="auto", private=False)
    before = sorted(tmp_path.rglob("*"))
    assert existing_run(tmp_path / "run", "face", {"seed": 1}, data, resume="auto")["status"] == "new"
    with pytest.raises(BadConfig, match="seed was 1, is 2"):
        existing_run(tmp_path / "run", "face", {"seed": 2}, data, resume="auto")
    assert existing_run(tmp_path / "run", "face", {"seed": 2}, data, resume="restart") is None
    assert sorted(tmp_path.rglob("*")) == before


def test_a_run_from_before_a_setting_existed_goes_on(tmp_path):
    opened(tmp_path / "r", settings={"lr": 1.0})
    assert opened(tmp_path / "r", settings={"lr": 1.0, "newer": "auto"})[1]["settings"] == {"lr": 1.0}
