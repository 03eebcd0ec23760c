import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from aigc_cli.core.disk import files
from aigc_cli.core.errors import BadData, CannotCreate, NoInput
from aigc_cli.core.machine.platform import exchange


def test_a_failed_write_leaves_the_old_file_and_no_temporary(tmp_path):
    target = tmp_path / "a.txt"
    files.write_text(target, "old")
    with pytest.raises(RuntimeError), files.atomic_path(target) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert target.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.txt"]


def test_private_files_are_for_the_owner_alone(tmp_path):
    files.write_text(tmp_path / "secret", "x", private=True)
    files.write_text(tmp_path / "open", "x")
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600
    assert stat.S_IMODE(files.make_dir(tmp_path / "folder", private=True).stat().st_mode) == 0o700


def test_umask_is_respected(tmp_path):
    before = os.umask(0o027)
    try:
        files.write_text(tmp_path / "a", "x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


def test_atomic_folder_appears_whole_or_not_at_all(tmp_path):
    with pytest.raises(RuntimeError), files.atomic_folder(tmp_path / "set") as temporary:
        (temporary / "half").write_text("x")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    with files.atomic_folder(tmp_path / "set") as temporary:
        (temporary / "whole").write_text("1")
    with pytest.raises(CannotCreate), files.atomic_folder(tmp_path / "set"):
        pass
    with files.atomic_folder(tmp_path / "set", replace=True) as temporary:
        (temporary / "whole").write_text("2")
    assert (tmp_path / "set" / "whole").read_text() == "2"
    assert [entry.name for entry in tmp_path.iterdir()] == ["set"]


def test_unwritable_place_is_cannot_create(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CannotCreate):
        files.make_dir(tmp_path / "file" / "folder")
    with pytest.raises(CannotCreate):
        files.write_text(tmp_path / "missing" / "a", "x")


def test_json_errors_name_the_place(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('{"a": 1,\n "b": ')
    with pytest.raises(BadData, match="line 2"):
        files.read_json(path)
    path.write_bytes(b'{"a": "\xff"}')
    with pytest.raises(BadData, match="byte 7"):
        files.read_json(path)
    path.write_text("[" * 100_000)
    with pytest.raises(BadData):
        files.read_json(path)
    with pytest.raises(NoInput):
        files.read_json(tmp_path / "none.json")


def test_jsonl_round_trip_and_broken_line(tmp_path):
    path = tmp_path / "a.jsonl"
    records = [{"text": "snö ☃"}, {"n": 2}]
    assert files.write_jsonl(path, records) == 2
    assert list(files.read_jsonl(path)) == records
    with path.open("a") as file:
        file.write('{"cut')
    with pytest.raises(BadData, match="line 3"):
        list(files.read_jsonl(path))
    path.write_text(json.dumps([1]))
    with pytest.raises(BadData, match="not a JSON object"):
        list(files.read_jsonl(path))


def test_free_space_is_checked_before_writing(tmp_path):
    files.check_free_space(tmp_path / "not" / "yet", 1)
    with pytest.raises(CannotCreate, match="free"):
        files.check_free_space(tmp_path, 1 << 60)


def test_hashes_agree_with_the_known_digest(tmp_path):
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    (tmp_path / "a").write_bytes(b"abc")
    assert files.sha256_file(tmp_path / "a") == files.sha256_bytes(b"abc") == known


def test_a_folder_s_mode_is_what_the_umask_leaves(tmp_path):
    before = os.umask(0o027)
    try:
        with files.atomic_folder(tmp_path / "shared"):
            pass
        with files.atomic_folder(tmp_path / "mine", private=True):
            pass
    finally:
        os.umask(before)
    assert (tmp_path / "shared").stat().st_mode & 0o777 == 0o750
    assert (tmp_path / "mine").stat().st_mode & 0o777 == 0o700


def test_a_pipe_or_device_is_never_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CannotCreate, match="not a file"):
        files.write_bytes(tmp_path / "pipe", b"x")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    assert [entry.name for entry in tmp_path.iterdir()] == ["pipe"]


def left_by_a_killed_process(path):
    """Let another process die while it writes a folder, another file, and one that replaces what is there."""
    program = (
        "import os, sys, pathlib; from aigc_cli.core.disk import files\n"
        "path = pathlib.Path(sys.argv[1])\n"
        "with files.atomic_folder(path, replace=True) as folder: (folder / 'half').touch(); os._exit(9)\n"
    )
    assert subprocess.run([sys.executable, "-c", program, str(path)], check=False).returncode == 9


def test_what_a_killed_process_left_is_swept_away(tmp_path):
    path = tmp_path / "set"
    left_by_a_killed_process(path)
    assert [entry.suffix for entry in tmp_path.iterdir()] == [".part"]
    with files.atomic_folder(path) as folder:
        (folder / "whole").touch()
    assert [entry.name for entry in tmp_path.iterdir()] == ["set"]


def test_while_a_folder_is_replaced_one_of_the_two_is_there(tmp_path):
    path, seen = tmp_path / "set", []
    if not exchange_is_known(tmp_path):
        pytest.skip("the file system cannot exchange folders")
    path.mkdir()
    done = threading.Event()

    def look():
        while not done.is_set():
            seen.append(path.is_dir())

    looking = threading.Thread(target=look)
    looking.start()
    for _ in range(200):
        with files.atomic_folder(path, replace=True) as folder:
            (folder / "whole").touch()
    done.set()
    looking.join()
    assert seen and all(seen)
    assert [str(entry.relative_to(tmp_path)) for entry in tmp_path.rglob("*")] == ["set", "set/whole"]


def exchange_is_known(folder):
    names = (folder / "one", folder / "other")
    for name in names:
        name.mkdir()
    known = exchange(*names)
    for name in names:
        name.rmdir()
    return known


def test_what_was_moved_aside_is_put_back(tmp_path):
    aside = tmp_path / ".set.abcdefgh.old"
    (aside / "set").mkdir(parents=True)
    (aside / "set" / "old").touch()
    files.sweep_unfinished(tmp_path / "set")
    assert [str(entry.relative_to(tmp_path)) for entry in tmp_path.rglob("*")] == ["set", "set/old"]


def test_what_another_is_writing_stays(tmp_path):
    with files.atomic_folder(tmp_path / "set") as mine, files.atomic_folder(tmp_path / "set", replace=True) as other:
        assert mine.exists() and other.exists()
        (other / "b").touch()
    with files.atomic_path(tmp_path / "file") as part:
        files.sweep_unfinished(tmp_path / "file")
        assert part.exists()
    for name in (".set.d.abcdefgh.part", ".other.abcdefgh.part", ".set.notes.part"):
        (tmp_path / name).mkdir()
    files.sweep_unfinished(tmp_path / "set")
    assert len(list(tmp_path.glob("*.part"))) == 3  # of others


def test_an_empty_folder_becomes_private_and_one_in_use_does_not(tmp_path):
    for name in ("empty", "used"):
        (tmp_path / name).mkdir(mode=0o755)
    (tmp_path / "used" / "a").touch()
    for name in ("empty", "used"):
        files.make_dir(tmp_path / name, private=True)
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("empty", "used")]
    assert modes == [0o700, 0o755]


READERS = [files.read_bytes, files.read_json, files.sha256_file, lambda path: list(files.read_jsonl(path))]


@pytest.mark.parametrize("read", READERS)
def test_devices_and_pipes_are_not_read(tmp_path, read):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(BadData, match="device or pipe"):
            read(path)


@pytest.mark.parametrize("text", ["[" * 100_000, "9" * 5000, '{"a": ' * 50_000])
def test_json_that_python_itself_refuses_is_bad_data(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(BadData, match=r"a\.json"):
        files.read_json(tmp_path / "a.json")
    with pytest.raises(BadData, match="line 1"):
        list(files.read_jsonl(tmp_path / "a.json"))
