"""The command-line contract, held on real processes: stdout, stderr, status and files."""

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from aigc_cli import __version__
from tests import forked

TEXT = "The quick brown fox jumps over the lazy dog.\n" * 200


def aigc(
    *arguments: str | Path, folder: Path, environment: Mapping[str, str] | None = None, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run the command as a user or a cron job does, in `folder`, with no settings but those in `environment`."""
    bare = {"PATH": os.environ["PATH"], "LC_ALL": "C", **(environment or {})}
    return forked.run(*arguments, cwd=folder, env=bare, input=stdin)


def without_rights(
    *arguments: str | Path, folder: Path, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command as a user for whom permissions hold, which root must be made by taking its rights away."""
    if os.geteuid() == 0 and not shutil.which("setpriv"):
        pytest.skip("root cannot be kept from reading here")
    held = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
    bare = {"PATH": os.environ["PATH"], "LC_ALL": "C", **(environment or {})}
    command = [*held, sys.executable, "-m", "aigc_cli", *map(str, arguments)]
    return subprocess.run(command, cwd=folder, env=bare, capture_output=True, encoding="utf-8", check=False)


def refused(done: subprocess.CompletedProcess[str], status: int) -> str:
    """Check that a command failed in the proper way, and return its one line."""
    assert (done.returncode, done.stdout) == (status, "")
    assert done.stderr.count("\n") == 1
    assert ": error: " in done.stderr
    return done.stderr


def record(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """Check that a command succeeded and printed one record, and return it."""
    assert done.returncode == 0, done.stderr
    [line] = done.stdout.splitlines()
    value = json.loads(line)
    assert isinstance(value, dict) and value["schema"].startswith("aigc.")
    return value


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a prepared text set `text`, and the manifest of an image set `images`."""
    folder = tmp_path_factory.mktemp("sets")
    (folder / "source.txt").write_text(TEXT)
    record(aigc("prepare", "text", "source.txt", "-o", "text", folder=folder))
    manifest = json.loads((folder / "text" / "manifest.json").read_text())
    (folder / "images").mkdir()
    (folder / "images" / "manifest.json").write_text(json.dumps({**manifest, "kind": "images"}))
    return folder


def plan(sets: Path, *arguments: str, folder: Path | None = None, **environment: str) -> dict[str, Any]:
    """Return the settings that `train-gpt` would train with."""
    done = aigc(
        "train-gpt",
        sets / "text",
        "-o",
        "run",
        "--dry-run",
        *arguments,
        folder=folder or sets,
        environment=environment,
    )
    settings: dict[str, Any] = record(done)["settings"]
    return settings


class TestUsage:
    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (("train-gtp",), "train-gpt"),
            (("train-gpt", "d", "-o", "r", "--presett", "nano"), "--preset"),
            (("train-gpt", "d", "-o", "r", "--preset", "nanno"), "did you mean 'nano'?"),
            (("train-gpt", "d", "-o", "r", "--device", "cdua"), "did you mean 'cuda'?"),
            (("train-gpt", "d", "-o", "r", "--steps", "many"), "valid int"),
            (("train-gpt", "d", "-o", "r", "--steps", "0"), "at least 1"),
            (("train-gpt", "d", "-o", "r", "--weight-decay", "nan"), "not a number"),
            (("train-gpt", "d", "-o", "r", "--weight-decay", "11"), "at most 10"),
            (("train-gpt", "d"), "-o"),
            (("train-gpt", "-o", "r"), "DATA"),
            (("prepare", "chatt"), "chat"),
            (("prepare", "images", "dicebear:dilan", "-o", "s"), "did you mean 'dylan'?"),
            (("train-gan", "d", "-o", "r", "--metric", "efficientnet"), "did you mean 'efficientnet_lite0'?"),
            (("prepare", "text", "d", "-o", "%Q"), "write %% for %"),
            (("prepare", "text", "d", "-o", "s", "--keep-days", "3"), "whole date"),
        ],
    )
    def test_mistakes_are_one_line_with_a_remedy(self, arguments: tuple[str, ...], said: str, tmp_path: Path) -> None:
        assert said in refused(aigc(*arguments, folder=tmp_path), 2)
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        "arguments",
        [("train-gtp",), ("prepare", "chatt"), ("eval",), ("frob", "nicate"), ("sample", "--cuont", "3"), ("--jsn",)],
    )
    def test_the_remedy_names_a_help_that_there_is(self, arguments: tuple[str, ...], tmp_path: Path) -> None:
        done = aigc(*arguments, folder=tmp_path)
        named = re.search(r"\(see aigc (.*--help)\)", done.stderr)
        assert done.returncode == 2
        assert named or done.stderr.startswith("Usage: aigc eval")
        if named:
            assert aigc(*named.group(1).split(), folder=tmp_path).returncode == 0

    def test_errors_are_red_only_where_colour_is_wanted(self, tmp_path: Path) -> None:
        red = "\x1b[1;31merror:\x1b[0m"
        assert red not in aigc("sample", "nowhere", folder=tmp_path).stderr
        assert red in aigc("sample", "nowhere", "--color", "always", folder=tmp_path).stderr
        assert red in aigc("sample", "nowhere", folder=tmp_path, environment={"FORCE_COLOR": "1"}).stderr
        both = {"FORCE_COLOR": "1", "NO_COLOR": "1"}
        assert red not in aigc("sample", "nowhere", folder=tmp_path, environment=both).stderr
        assert "did you mean 'always'?" in refused(aigc("sample", "x", "--color", "allways", folder=tmp_path), 2)

    def test_the_line_names_the_command(self, tmp_path: Path) -> None:
        assert refused(aigc("train-gpt", "--nonsense", folder=tmp_path), 2).startswith("aigc train-gpt: error: ")
        assert refused(aigc("prepare", "text", "--nonsense", folder=tmp_path), 2).startswith("aigc prepare text: ")

    def test_no_arguments_is_help_on_stderr(self, tmp_path: Path) -> None:
        done = aigc(folder=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert "Usage: aigc" in done.stderr

    def test_version_is_data(self, tmp_path: Path) -> None:
        done = aigc("--version", folder=tmp_path)
        assert (done.returncode, done.stdout, done.stderr) == (0, f"aigc {__version__}\n", "")


class TestInput:
    @pytest.mark.parametrize(
        "arguments",
        [
            ("train-gan", "nowhere", "-o", "run"),
            ("train-gpt", "nowhere", "-o", "run"),
            ("prepare", "text", "nowhere.txt", "-o", "set"),
            ("prepare", "chat", "nowhere.json", "-o", "set"),
            ("prepare", "images", "nowhere", "-o", "set"),
            ("sample", "nowhere", "-o", "out"),
            ("chat", "nowhere", "-"),
        ],
    )
    def test_missing_input_is_66_and_leaves_nothing(self, arguments: tuple[str, ...], tmp_path: Path) -> None:
        assert "nowhere" in refused(aigc(*arguments, folder=tmp_path), 66)
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("output", ["photos/set", "photos", "photos/../photos/set"])
    def test_a_set_inside_its_own_source_is_refused(self, output: str, tmp_path: Path) -> None:
        (tmp_path / "photos").mkdir()
        assert "lies in photos" in refused(aigc("prepare", "images", "photos", "-o", output, folder=tmp_path), 2)
        assert list((tmp_path / "photos").iterdir()) == []

    def test_empty_folders_are_66(self, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()
        for arguments in (("train-gan", "empty", "-o", "run"), ("prepare", "text", "empty", "-o", "set")):
            assert "empty" in refused(aigc(*arguments, folder=tmp_path), 66)
        assert [entry.name for entry in tmp_path.iterdir()] == ["empty"]

    def test_a_set_of_the_wrong_kind_is_65(self, sets: Path, tmp_path: Path) -> None:
        assert "a set of text" in refused(aigc("train-gan", sets / "text", "-o", "run", folder=tmp_path), 65)
        assert "a set of images" in refused(aigc("train-gpt", sets / "images", "-o", "run", folder=tmp_path), 65)
        assert list(tmp_path.iterdir()) == []

    def test_a_damaged_manifest_is_65(self, tmp_path: Path) -> None:
        (tmp_path / "set").mkdir()
        (tmp_path / "set" / "manifest.json").write_text('{"schema": "aigc.man')
        assert "manifest.json" in refused(aigc("train-gpt", "set", "-o", "run", folder=tmp_path), 65)

    def test_a_run_where_a_set_or_another_model_should_be_is_65(self, sets: Path, tmp_path: Path) -> None:
        (tmp_path / "face").mkdir()
        (tmp_path / "face" / "aigc.json").write_text('{"schema": "aigc.run/1", "kind": "face"}')
        (tmp_path / "face" / "config.json").write_text("{}")
        init = ("train-gpt", sets / "text", "-o", "run", "--init", "face")
        assert "a face run; this needs a text run" in refused(aigc(*init, folder=tmp_path), 65)
        assert "a run, not a set" in refused(aigc("train-gpt", "face", "-o", "run", folder=tmp_path), 65)
        assert "a run, not a set" in refused(aigc("eval", "images", "face", "face", folder=tmp_path), 65)
        measured = aigc("eval", "text", "face", sets / "text", folder=tmp_path)
        assert "a face run; this needs a text run" in refused(measured, 65)
        assert "a set of images" in refused(aigc("eval", "texts", sets / "text", sets / "images", folder=tmp_path), 65)
        assert not (tmp_path / "run").exists()

    @pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="there is no file here that cannot be read")
    @pytest.mark.parametrize(
        "arguments",
        [
            ("prepare", "text", "broken", "-o", "set"),
            ("prepare", "chat", "broken", "-o", "set"),
            ("prepare", "images", "broken", "-o", "set"),
            ("eval", "texts", "broken", "broken"),
            ("train-gan", "set-of-broken", "-o", "run"),
            ("chat", "run-of-broken", "-"),
        ],
    )
    def test_what_cannot_be_read_is_66(self, arguments: tuple[str, ...], tmp_path: Path) -> None:
        (tmp_path / "broken").symlink_to("/proc/self/mem")  # reading it is an input/output error, for root too
        for folder, name in (("set-of-broken", "manifest.json"), ("run-of-broken", "aigc.json")):
            (tmp_path / folder).mkdir()
            (tmp_path / folder / name).symlink_to("/proc/self/mem")
        line = refused(aigc(*arguments, folder=tmp_path), 66)
        assert "broken" in line and "Input/output error" in line
        assert not (tmp_path / "set").exists() and not (tmp_path / "run").exists()

    @pytest.mark.parametrize("arguments", [("train-gpt", "shut", "-o", "run"), ("sample", "shut", "-o", "out")])
    def test_what_may_not_be_read_is_66(self, arguments: tuple[str, ...], tmp_path: Path) -> None:
        (tmp_path / "shut").mkdir(mode=0)
        line = refused(without_rights(*arguments, folder=tmp_path), 66)
        assert "shut" in line and "Permission denied" in line

    def test_a_home_that_may_not_be_entered_has_no_settings(self, tmp_path: Path) -> None:
        (tmp_path / "home").mkdir(mode=0)
        done = without_rights("config", "show", "sample", folder=tmp_path, environment={"HOME": f"{tmp_path}/home"})
        assert (done.returncode, done.stderr) == (0, "")
        (tmp_path / "aigc.toml").touch(mode=0)
        assert "aigc.toml: Permission denied" in refused(without_rights("config", "show", folder=tmp_path), 78)

    def test_a_run_of_the_wrong_kind_is_65(self, tmp_path: Path) -> None:
        (tmp_path / "face").mkdir()
        (tmp_path / "face" / "aigc.json").write_text('{"schema": "aigc.run/1", "kind": "face"}')
        assert "a face run" in refused(aigc("chat", "face", "-", folder=tmp_path, stdin="hi\n"), 65)


class TestOutput:
    def test_a_file_in_the_way_is_73_and_kept(self, sets: Path, tmp_path: Path) -> None:
        (tmp_path / "taken").write_text("mine")
        for arguments in (("train-gpt", sets / "text"), ("prepare", "text", sets / "source.txt")):
            assert "taken" in refused(aigc(*arguments, "-o", "taken", "-q", folder=tmp_path), 73)
        assert (tmp_path / "taken").read_text() == "mine"

    def test_a_folder_of_other_things_is_73_and_kept(self, sets: Path, tmp_path: Path) -> None:
        (tmp_path / "mine").mkdir()
        (tmp_path / "mine" / "letter.txt").write_text("dear")
        assert "letter.txt" in refused(aigc("train-gpt", sets / "text", "-o", "mine", folder=tmp_path), 73)
        assert [entry.name for entry in (tmp_path / "mine").iterdir()] == ["letter.txt"]

    def test_a_locked_run_is_75(self, sets: Path, tmp_path: Path) -> None:
        (tmp_path / "run").mkdir()
        descriptor = os.open(tmp_path / "run", os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        try:
            assert "--lock-wait" in refused(aigc("train-gpt", sets / "text", "-o", "run", folder=tmp_path), 75)
        finally:
            os.close(descriptor)
        assert list((tmp_path / "run").iterdir()) == []

    def test_preparing_again_is_a_no_op(self, sets: Path) -> None:
        before = {path.name: path.stat().st_mtime_ns for path in (sets / "text").iterdir()}
        again = record(aigc("prepare", "text", "source.txt", "-o", "text", folder=sets))
        assert again["unchanged"] is True
        assert {path.name: path.stat().st_mtime_ns for path in (sets / "text").iterdir()} == before


class TestStreams:
    def test_records_go_to_stdout_and_talk_to_stderr(self, sets: Path) -> None:
        done = aigc("train-gpt", sets / "text", "-o", "run", "--dry-run", folder=sets)
        assert record(done)["schema"] == "aigc.plan/1"
        assert "dry run" in done.stderr
        assert not (sets / "run").exists()

    def test_quiet_says_nothing(self, sets: Path) -> None:
        done = aigc("train-gpt", sets / "text", "-o", "run", "--dry-run", "-q", folder=sets)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

    def test_quiet_still_prints_the_records_asked_for(self, sets: Path) -> None:
        done = aigc("train-gpt", sets / "text", "-o", "run", "--dry-run", "-q", "--json", folder=sets)
        assert record(done)["kind"] == "text"
        assert done.stderr == ""

    @pytest.mark.parametrize("arguments", [("train-gpt", "text", "-o", "run", "--dry-run"), ("--help",)])
    def test_a_closed_pipe_is_141_and_silent(self, arguments: tuple[str, ...], sets: Path) -> None:
        reader, writer = os.pipe()
        os.close(reader)
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
        done = forked.run(*arguments, cwd=sets, env=environment, stdin=None, stdout=writer, fresh=True)
        os.close(writer)
        assert done.returncode == 141
        assert "Traceback" not in done.stderr and "Exception" not in done.stderr

    def test_stdin_is_read_where_asked_and_names_survive_the_c_locale(self, tmp_path: Path) -> None:
        made = record(aigc("prepare", "text", "-", "-o", "set", "--subject", "Zoë 王", folder=tmp_path, stdin=TEXT))
        assert made["subject"] == "Zoë 王"
        assert json.loads((tmp_path / "set" / "manifest.json").read_text(encoding="utf-8"))["subject"] == "Zoë 王"

    def test_missing_streams_are_no_crash(self, sets: Path) -> None:
        def closed(redirection: str, *arguments: str) -> subprocess.CompletedProcess[str]:
            shell = f'exec "$0" -m aigc_cli "$@" {redirection}'
            command = ["sh", "-c", shell, sys.executable, *arguments]
            return subprocess.run(command, cwd=sets, capture_output=True, encoding="utf-8", check=False)

        assert "no text" in closed("<&-", "prepare", "text", "-", "-q", "-o", "never").stderr
        unheard = closed(">&-", "train-gpt", "text", "-o", "run", "--dry-run", "-q", "--json")
        assert "Bad file descriptor" in refused(unheard, 73)
        mute = closed("2>&-", "sample", "nowhere")
        assert (mute.returncode, mute.stdout) == (66, "")
        assert not (sets / "never").exists()

    def test_names_cannot_steer_the_terminal(self, tmp_path: Path) -> None:
        line = refused(aigc("prepare", "text", "\x1b]0;evil\x07\n.txt", "-o", "set", folder=tmp_path), 66)
        assert line.startswith("aigc prepare text: error: ]0;evil .txt: no such file")

    def test_debug_shows_the_traceback_above_the_line(self, tmp_path: Path) -> None:
        for done in (
            aigc("sample", "nowhere", "--debug", folder=tmp_path),
            aigc("sample", "nowhere", folder=tmp_path, environment={"AIGC_DEBUG": "1"}),
        ):
            assert done.returncode == 66
            assert done.stderr.startswith("Traceback")
            assert done.stderr.splitlines()[-1].startswith("aigc sample: error: nowhere")


class TestSettings:
    def test_flag_over_environment_over_file_over_preset(self, sets: Path, tmp_path: Path) -> None:
        (tmp_path / "aigc.toml").write_text('[train-gpt]\npreset = "nano"\nbatch-size = 5\nseed = 5\nclip = 0.5\n')
        settings = plan(sets, "--seed", "7", folder=tmp_path, AIGC_SEED="6", AIGC_BATCH_SIZE="6")
        chosen = (settings["seed"], settings["batch_size"], settings["clip"], settings["preset"], settings["width"])
        assert chosen == (7, 6, 0.5, "nano", 128)

    def test_the_environment_chooses_a_preset(self, sets: Path) -> None:
        assert plan(sets, AIGC_PRESET="small")["width"] == 320

    def test_a_false_flag_overrides_a_true_environment(self, sets: Path, tmp_path: Path) -> None:
        done = aigc("sample", "nowhere", "--no-dry-run", folder=tmp_path, environment={"AIGC_DRY_RUN": "1"})
        assert done.returncode == 66

    def test_a_wrong_value_in_the_environment_is_a_usage_error(self, sets: Path) -> None:
        done = aigc("train-gpt", sets / "text", "-o", "run", folder=sets, environment={"AIGC_STEPS": "few"})
        assert "--steps" in refused(done, 2)

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            ("[train-gpt]\nbatch-siz = 5\n", "did you mean 'batch_size'?"),
            ("[train-gpt\n", "aigc.toml"),
            ("train-gpt = 3\n", "not a table"),
            ('[train-gpt]\nsteps = "3"\n', "steps = '3'"),
            ("[train_gpt]\nsteps = 3\n", "did you mean 'train-gpt'?"),
            ("steps = 3\n", "[steps] is no command's table"),
        ],
    )
    def test_a_wrong_configuration_file_is_78(self, content: str, said: str, sets: Path, tmp_path: Path) -> None:
        (tmp_path / "aigc.toml").write_text(content)
        assert said in refused(aigc("train-gpt", sets / "text", "-o", "run", folder=tmp_path), 78)

    def test_other_commands_keep_to_their_own_table(self, sets: Path, tmp_path: Path) -> None:
        (tmp_path / "aigc.toml").write_text("[sample]\ncount = 3\n")
        assert plan(sets, folder=tmp_path)["preset"] == "tiny"
