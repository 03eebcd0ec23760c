"""What is broken, of another kind, full or read-only: one line, the right status, nothing lost. Real processes."""

import importlib.util
import json
import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from aigc_cli.core.disk.checkpoint import load_tensors
from aigc_cli.core.disk.rundir import RunDir

DRAW = ("-n", "2", "-o", "out", "--threads", "1")
WRITE = ("--prompt", "hi", "-n", "1", "--max-new-tokens", "4", "--threads", "1")


def cut_in_half(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def contents(folder):
    """Return every file below a folder with its bytes."""
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class Disk:
    """A small file system in memory."""

    def __init__(self, path, size):
        self.path = path
        path.mkdir()
        self._mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs")

    def _mount(self, *arguments):
        done = self._mounted(*arguments)
        if done.returncode != 0:
            pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")

    def _mounted(self, *arguments):
        return subprocess.run(
            ["mount", *arguments, str(self.path)], env={**os.environ, "LC_ALL": "C"}, capture_output=True, text=True
        )

    def change(self, options):
        """Change its options, such as its size."""
        self._mount("-o", f"remount,{options}")

    def fill(self):
        """Leave room for a page or two, while something is writing: what is there cannot be more than the size."""
        for _ in range(100):
            used = shutil.disk_usage(self.path).used
            if self._mounted("-o", f"remount,size={used + 8192}").returncode == 0:
                return
        pytest.fail("it grew faster than it could be shrunk")

    def remove(self):
        """Unmount it."""
        subprocess.run(["umount", "--lazy", str(self.path)], check=True)


@pytest.fixture
def disk(tmp_path):
    """Make small file systems, gone after the test."""
    disks = []

    def make(size):
        disks.append(Disk(tmp_path / f"disk{len(disks)}", size))
        return disks[-1]

    if shutil.which("mount") is None:
        pytest.skip("there is no mount command here")
    yield make
    for made in disks:
        made.remove()


@pytest.fixture
def read_only(tmp_path):
    """A function that makes a folder read-only, and everything in it, even for root."""
    mounted, changed = [], []

    def protect(folder):
        if os.geteuid() != 0:
            for place in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
                changed.append((place, place.stat().st_mode))
                place.chmod(0o555)
            return
        bound = subprocess.run(["mount", "--bind", folder, folder], capture_output=True, text=True)
        if bound.returncode != 0:
            pytest.skip(f"root cannot be kept from writing here: {bound.stderr.strip()}")
        mounted.append(folder)
        subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=True)

    yield protect
    for place, mode in changed:
        place.chmod(mode)
    for folder in mounted:
        subprocess.run(["umount", "--lazy", folder], check=True)


class TestBrokenPictures:
    @pytest.fixture
    def pictures(self, sets, tmp_path):
        """A folder of three whole pictures and one that is cut."""
        folder = tmp_path / "pictures"
        folder.mkdir()
        names = sorted(path.name for path in (sets / "images" / "images").iterdir())[:4]
        for name in names:
            shutil.copy(sets / "images" / "images" / name, folder / name)
        (folder / names[3]).rename(folder / "cut.png")
        cut_in_half(folder / "cut.png")
        return folder

    def test_an_empty_folder(self, cli, tmp_path):
        (tmp_path / "empty").mkdir()
        assert "empty" in cli.refused(tmp_path, 66, "prepare", "images", "empty", "-o", "set")
        assert [path.name for path in tmp_path.iterdir()] == ["empty"]

    def test_a_truncated_picture_alone(self, cli, pictures, tmp_path):
        line = cli.refused(tmp_path, 65, "prepare", "images", pictures / "cut.png", "-o", "set", "--size", "16")
        assert "1 truncated" in line
        assert not (tmp_path / "set").exists()

    def test_a_truncated_picture_among_others_is_skipped_and_counted(self, cli, pictures, tmp_path):
        done = cli.run(tmp_path, "prepare", "images", "pictures", "-o", "set", "--size", "16", "--valid", "0")
        assert done.returncode == 0
        record = json.loads(done.stdout)
        assert (record["counts"]["train"], record["dropped"]) == (3, {"truncated": 1})
        assert "skipped cut.png: truncated" in done.stderr
        assert len(list((tmp_path / "set" / "images").iterdir())) == 3

    def test_too_few_pictures_for_a_batch(self, cli, pictures, tmp_path, small):
        cli.records(tmp_path, "prepare", "images", "pictures", "-o", "set", "--size", "16", "--valid", "0")
        line = cli.refused(tmp_path, 65, "train-gan", "set", "-o", "run", "--steps", "2", *small["face"])
        assert "set: 3 training images; --batch-size 8 needs 8" in line
        assert not (tmp_path / "run").exists()


class TestBrokenLogs:
    @pytest.mark.parametrize(
        "content", ['{"name": "Wren", "messages": [{"id": 1, ', "", "[1, 2", '{"a": 1}', "\xff\xfe"]
    )
    def test_a_corrupt_export_leaves_the_old_set(self, content, cli, sets, tmp_path):
        shutil.copytree(sets / "chat", tmp_path / "set")
        before = contents(tmp_path / "set")
        (tmp_path / "result.json").write_bytes(content.encode("latin-1"))
        assert "result.json" in cli.refused(tmp_path, 65, "prepare", "chat", "result.json", "-o", "set", "--force")
        assert contents(tmp_path / "set") == before
        assert sorted(path.name for path in tmp_path.iterdir()) == ["result.json", "set"]


class TestBrokenWeights:
    @pytest.mark.parametrize(
        ("kind", "file", "words"),
        [
            ("images", "pixels.safetensors", ("train-gan", "broken", "-o", "out", "--steps", "2", "--threads", "1")),
            ("images", "pixels.safetensors", ("eval", "images", "broken", "broken", "--threads", "1")),
            ("face", "generator.safetensors", ("sample", "broken", *DRAW)),
            ("gpt", "model.safetensors", ("sample", "broken", *WRITE)),
            ("gpt", "tokenizer.json", ("chat", "broken", "-")),
            ("gpt", "model.safetensors", ("train-gpt", "chat", "-o", "out", "--steps", "2", "--init", "broken")),
        ],
    )
    def test_a_truncated_file_is_named(self, kind, file, words, cli, runs, tmp_path):
        shutil.copytree(runs / kind, tmp_path / "broken")
        (tmp_path / "chat").symlink_to(runs / "chat")
        cut_in_half(tmp_path / "broken" / file)
        before = contents(tmp_path / "broken")
        stdin = "hi\n" if words[0] == "chat" else ""
        done = cli.run(tmp_path, *words, *(() if stdin else ("-q",)), stdin=stdin)
        assert (done.returncode, done.stdout) == (65, "")
        *notice, line = done.stderr.splitlines()
        assert f"broken/{file}: " in line
        assert len(notice) == bool(stdin)  # a chat opens with its notice
        assert contents(tmp_path / "broken") == before
        assert sorted(path.name for path in tmp_path.iterdir()) == ["broken", "chat"]

    def test_a_truncated_checkpoint_is_named_and_nothing_is_lost(self, cli, runs, small, tmp_path):
        words = ("train-gpt", "chat", "-o", "gpt", "--steps", "12", *small["scratch"], "-q")
        for name in ("gpt", "chat"):
            shutil.copytree(runs / name, tmp_path / name)
        RunDir(tmp_path / "gpt").update_record(status="training")
        [checkpoint] = (tmp_path / "gpt" / "checkpoints").iterdir()
        cut_in_half(checkpoint / "state.safetensors")
        before = contents(tmp_path / "gpt")
        assert "state.safetensors" in cli.refused(tmp_path, 65, *words[:-1])
        after = contents(tmp_path / "gpt")
        del before[Path("aigc.json")], after[Path("aigc.json")]  # says when it was last tried, and with what
        assert after == before


class TestTheOtherKind:
    @pytest.mark.parametrize(
        ("status", "words", "said"),
        [
            (65, ("chat", "face", "-"), "a face run; this needs a text run"),
            (65, ("chat", "gpt", "-", "--face", "gpt"), "a text run; this needs a face run"),
            (65, ("eval", "text", "face", "chat"), "face"),
            (65, ("eval", "text", "gpt", "images"), "a set of images; this needs chat or text"),
            (65, ("eval", "images", "chat", "chat"), "a set of chat; this needs images"),
            (65, ("train-gan", "images", "-o", "gpt", "--steps", "2"), "a text run; this trains a face run"),
            (65, ("train-gpt", "chat", "-o", "face", "--steps", "2"), "a face run; this trains a text run"),
            (65, ("train-gan", "chat", "-o", "new"), "a set of chat; this needs images"),
            (2, ("sample", "gpt", "--label", "smile"), "--label does not fit a text run"),
            (2, ("sample", "face", "--prompt", "hi", "-o", "new"), "--prompt does not fit a face run"),
        ],
    )
    def test_it_is_refused_and_untouched(self, status, words, said, cli, runs):
        names = sorted(path.name for path in runs.iterdir())
        before = [contents(runs / name) for name in ("face", "gpt", "chat", "images")]
        assert said in cli.refused(runs, status, *words, stdin="hi\n")
        assert [contents(runs / name) for name in ("face", "gpt", "chat", "images")] == before
        assert sorted(path.name for path in runs.iterdir()) == names


class TestNames:
    def test_an_unknown_label(self, cli, runs):
        line = cli.refused(runs, 2, "sample", "face", "--label", "smyle", *DRAW)
        assert "'smyle' is not a label of this run (did you mean 'smile'?)" in line
        assert not (runs / "out").exists()

    def test_pictures_do_not_go_to_a_terminal(self, cli, runs):
        master, slave = pty.openpty()
        process = cli.start(runs, "sample", "face", "-n", "1", "-o", "-", stdout=slave)
        os.close(slave)
        err = process.communicate()[1]
        os.set_blocking(master, False)
        with pytest.raises(OSError):  # nothing was written, and nobody is left to write
            os.read(master, 1)
        os.close(master)
        assert (process.returncode, err.count("\n")) == (2, 1)
        assert "PNG bytes do not go to a terminal" in err


class TestReadOnly:
    @pytest.mark.parametrize(
        "words",
        [
            ("prepare", "images", "faces", "-o", "locked/new", "--size", "16"),
            ("prepare", "chat", "talk.txt", "--me", "Ada", "-o", "locked/new"),
            ("prepare", "text", "talk.txt", "-o", "locked/new"),
            ("train-gan", "images", "-o", "locked/new", "--steps", "2"),
            ("train-gpt", "chat", "-o", "locked/new", "--steps", "2"),
            ("train-gpt", "chat", "-o", "locked", "--steps", "2"),
            ("sample", "face", "-n", "2", "-o", "locked/new", "--threads", "1"),
            ("sample", "gpt", *WRITE, "-o", "locked/new.jsonl"),
            ("chat", "gpt", "-", "--session", "locked/new.jsonl", "--max-new-tokens", "4"),
        ],
    )
    def test_the_output_is_refused(self, words, cli, runs, read_only, tmp_path):
        for name in ("images", "chat", "face", "gpt", "talk.txt"):
            (tmp_path / name).symlink_to(runs / name)
        (tmp_path / "faces").symlink_to(runs / "images" / "images")
        (tmp_path / "locked").mkdir()
        read_only(tmp_path / "locked")
        done = cli.run(tmp_path, *words, "-q", stdin="hi\n")
        assert done.returncode == 73, done.stderr
        assert done.stderr.count("\n") == 1 and "locked" in done.stderr
        assert list((tmp_path / "locked").iterdir()) == []

    def test_a_set_in_it_forgets_nothing(self, cli, runs, read_only, tmp_path):
        shutil.copytree(runs / "chat", tmp_path / "locked" / "chat")
        before = {path: path.read_bytes() for path in (tmp_path / "locked" / "chat").iterdir()}
        read_only(tmp_path / "locked")
        assert "locked" in cli.refused(tmp_path, 73, "prepare", "forget", "locked/chat", "--who", "Bob", "--yes")
        assert {path: path.read_bytes() for path in (tmp_path / "locked" / "chat").iterdir()} == before

    def test_a_finished_run_can_be_used(self, cli, runs, read_only, tmp_path):
        shutil.copytree(runs / "gpt", tmp_path / "gpt")
        read_only(tmp_path / "gpt")
        [record] = cli.records(tmp_path, "sample", "gpt", *WRITE)
        assert record["index"] == 0


class TestFullDisk:
    def test_preparing_leaves_nothing(self, cli, runs, disk, leftovers):
        full = disk("64k")
        line = cli.refused(
            runs, 73, "prepare", "images", "dicebear:dylan", "--count", "64", "--size", "64", "-o", full.path / "set"
        )
        assert "free some space" in line
        assert list(full.path.iterdir()) == []

    def test_training_is_refused_where_it_would_not_fit(self, cli, runs, disk):
        full = disk("2m")
        assert "free" in cli.refused(runs, 73, "train-gan", "images", "-o", full.path / "run", "--steps", "2")
        assert list(full.path.iterdir()) == []

    def test_samples_go_on_when_there_is_room(self, cli, runs, disk, leftovers):
        full = disk("400k")
        words = ("sample", "face", "-n", "400", "--batch-size", "8", "--threads", "1", "-q", "--json", "-o")
        assert "needs about 1 MB" in cli.refused(runs, 73, *words, full.path / "out")
        assert list(full.path.iterdir()) == []
        full.change("size=8m")
        process = cli.start(runs, *words, full.path / "out")
        cli.wait_until(lambda: (full.path / "out" / "000003.png").exists(), process)
        full.fill()
        out, err = process.communicate()
        assert (process.returncode, out) == (73, "")
        assert "free some space" in err
        assert leftovers(full.path) == []
        full.change("size=8m")
        cli.records(runs, *words, full.path / "out")
        cli.records(runs, *words, "roomy")
        there, here = contents(full.path / "out"), contents(runs / "roomy")
        lines = [
            [json.loads(line)["AIGC"] for line in found.pop(Path("samples.jsonl")).splitlines()]
            for found in (there, here)
        ]
        assert lines[0] == lines[1] and there == here

    def test_a_finished_run_needs_no_room(self, cli, runs, small, disk):
        full = disk("8m")
        shutil.copytree(runs / "gpt", full.path / "gpt")
        done = cli.run(runs, "train-gpt", "chat", "-o", full.path / "gpt", "--steps", "12", *small["scratch"])
        assert (done.returncode, "nothing to do" in done.stderr) == (0, True), done.stderr

    def test_training_keeps_the_last_checkpoint_and_goes_on(self, cli, runs, small, disk, leftovers):
        full = disk("4g")
        words = ("train-gpt", "chat", "--steps", "60", "--save-minutes", "0", *small["scratch"], "-q", "-o")
        run = RunDir(full.path / "run")
        process = cli.start(runs, *words, run.path)
        cli.wait_until(lambda: bool(run.checkpoint_steps()) and run.checkpoint_steps()[-1] >= 5, process)
        full.fill()
        out, err = process.communicate()
        assert (process.returncode, out) == (73, "")
        assert err.count("\n") == 1 and "free some space and run the same command again" in err
        assert leftovers(full.path) == []
        last = run.checkpoint_steps()[-1]
        assert 5 <= last < 60 and load_tensors(run.checkpoint(last) / "state.safetensors")
        assert run.record()["kind"] == "text"
        full.change("size=4g")
        assert cli.run(runs, *words, run.path).returncode == 0
        assert cli.run(runs, *words, "undisturbed").returncode == 0
        name = "model.safetensors"
        assert (run.path / name).read_bytes() == (runs / "undisturbed" / name).read_bytes()


class TestHarness:
    """The trials of benchmarks/faults.py: a few in the usual tests, all of them in the slow ones."""

    HARNESS = Path(__file__).parents[2] / "benchmarks" / "faults.py"

    def trials(self, *words):
        """Run the harness and return its records; it must find nothing wrong."""
        done = subprocess.run([sys.executable, self.HARNESS, *words], capture_output=True, text=True)
        records = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        assert [record for record in records if record["problems"]] == []
        assert done.returncode == 0, done.stderr
        return {(record["command"], record["fault"]): record["good"] for record in records}

    def test_commands_that_are_killed_or_limited_once(self):
        commands = ("prepare images", "prepare chat", "prepare forget", "sample images", "sample text", "chat session")
        found = self.trials("--moments", "1", "--faults", "kill", "limit", "--commands", *commands)
        assert found == {(command, fault): 1 for command in commands for fault in ("kill", "limit")}

    @pytest.mark.slow
    @pytest.mark.skipif(os.geteuid() != 0, reason="file systems can be mounted by root alone")
    def test_every_command_at_fifty_moments(self):
        found = self.trials("--moments", "50")
        rows = 12 + bool(importlib.util.find_spec("gguf"))
        assert len(found) == 4 * rows
        assert all(good == 50 for (_, fault), good in found.items() if fault == "kill")
