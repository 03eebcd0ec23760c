"""Where settings come from: option, variable, ./aigc.toml, the user's file, preset, default. Real processes."""

import json
import subprocess
import sys

import pytest

from aigc_cli.config.base import Origin
from aigc_cli.config.files import unknown_variables, user_file
from aigc_cli.config.sample import SampleSettings, refuse_other_kind
from aigc_cli.core.errors import BadConfig, UsageProblem
from tests import forked


def aigc(cli, folder, *arguments, **variables):
    """Run a command with some variables set."""
    return forked.run(*arguments, cwd=folder, env=cli.environment(**variables))


def shown(done):
    """Return {setting: (value, origin)} of what `config show COMMAND --origin` printed."""
    assert done.returncode == 0, done.stderr
    return {line["setting"]: (line["value"], line["origin"]) for line in map(json.loads, done.stdout.splitlines())}


def test_each_place_overrules_the_one_below_it(cli, tmp_path):
    own = tmp_path / "home" / ".config" / "aigc" / "config.toml"
    own.parent.mkdir(parents=True)
    own.write_text('[train-gpt]\npreset = "nano"\nseed = 1\nclip = 0.1\npatience = 1\n')
    (tmp_path / "aigc.toml").write_text("[train-gpt]\nseed = 2\nclip = 0.2\n")
    done = aigc(cli, tmp_path, "config", "show", "train-gpt", "--origin", HOME=str(tmp_path / "home"), AIGC_SEED="3")
    settings = shown(done)
    assert settings["seed"] == (3, "AIGC_SEED")
    assert settings["clip"] == (0.2, "./aigc.toml")
    assert settings["patience"] == (1, str(own))
    assert settings["width"] == (128, "preset nano")
    assert settings["lora-rank"] == (16, "default")


def test_several_names_come_from_options_lines_of_a_variable_or_a_list(cli, tmp_path):
    def names(**variables):
        return shown(aigc(cli, tmp_path, "config", "show", "prepare", "chat", "--origin", **variables))["me"]

    assert names() == (None, "default")
    (tmp_path / "aigc.toml").write_text("[prepare-chat]\nme = ['Ann B', 'Bo, C']\n")
    assert names() == (["Ann B", "Bo, C"], "./aigc.toml")
    assert names(AIGC_ME="Ann B") == ("Ann B", "AIGC_ME")
    assert names(AIGC_ME="Ann B\nBo, C\n") == (["Ann B", "Bo, C"], "AIGC_ME")
    (tmp_path / "log.txt").write_text("Tom: so\nAnn B: what\nTom: and\nBo, C: this\nTom: yes\n")
    made = aigc(cli, tmp_path, "prepare", "chat", "log.txt", "-o", "a", "--valid", "0", AIGC_ME="Bo, C\nAnn B")
    assert (json.loads(made.stdout)["subject"], json.loads(made.stdout)["counts"]["subject_turns"]) == ("Bo, C", 2)
    command = ("prepare", "chat", "log.txt", "-o", "b", "--valid", "0", "-v", "--me", "Ann B", "--me", "Tom")
    made = aigc(cli, tmp_path, *command)
    assert json.loads(made.stdout)["subject"] == "Ann B"
    assert "me = Ann B, Tom (--me)" in made.stderr


def test_the_user_s_file_is_where_xdg_says_and_nowhere_without_a_home(tmp_path):
    assert str(user_file({"HOME": "/home/ada"})) == "/home/ada/.config/aigc/config.toml"
    assert str(user_file({"HOME": "/home/ada", "XDG_CONFIG_HOME": "/etc/ada"})) == "/etc/ada/aigc/config.toml"
    assert str(user_file({"HOME": "/home/ada", "XDG_CONFIG_HOME": "not/absolute"})) == str(
        user_file({"HOME": "/home/ada"})
    )
    assert user_file({}) is None


def test_the_places_of_the_files_are_shown_with_and_without_a_home(cli, tmp_path):
    lines = aigc(cli, tmp_path, "config", "path").stdout.splitlines()
    assert [json.loads(line)["path"] for line in lines] == [str(tmp_path / "aigc.toml")]
    lines = aigc(cli, tmp_path, "config", "path", HOME=str(tmp_path)).stdout.splitlines()
    assert [json.loads(line)["path"] for line in lines][1] == str(tmp_path / ".config" / "aigc" / "config.toml")
    assert [json.loads(line)["found"] for line in lines] == [False, False]


def test_a_command_of_two_words_and_an_unknown_one(cli, tmp_path):
    assert shown(aigc(cli, tmp_path, "config", "show", "prepare", "chat", "--origin"))["merge-minutes"] == (
        2.0,
        "default",
    )
    line = cli.refused(tmp_path, 2, "config", "show", "train-gann")
    assert "did you mean 'train-gan'?" in line


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[sample]\ncount = 0\n", "./aigc.toml: count = 0 is too small (at least 1)"),
        ('[sample]\ndevice = "cuda0"\n', "./aigc.toml: device = 'cuda0' is not known (did you mean 'cuda'?)"),
        ('[train-gpt]\npreset = "tini"\n', "./aigc.toml: preset = 'tini' is not known (did you mean 'tiny'?)"),
    ],
)
def test_a_file_s_value_that_does_not_fit_is_78_and_names_the_file(content, said, cli, tmp_path):
    (tmp_path / "aigc.toml").write_text(content)
    assert said in cli.refused(tmp_path, 78, "config", "show")


def test_a_misspelt_variable_is_an_error_and_a_foreign_one_is_none(cli, tmp_path):
    done = aigc(cli, tmp_path, "sample", "nowhere", AIGC_TEMPRATURE="0.1")
    assert done.returncode == 78
    assert "AIGC_TEMPRATURE is set, and is no setting (did you mean 'AIGC_TEMPERATURE'?)" in done.stderr
    assert unknown_variables(["AIGC_SEED"], {"AIGC_SEED": "1", "AIGC_API_KEY": "2", "PATH": "3"}) == ["AIGC_API_KEY"]
    with pytest.raises(BadConfig, match="did you mean 'AIGC_SEED'"):
        unknown_variables(["AIGC_SEED"], {"AIGC_SED": "1"})


def test_only_an_option_that_does_not_fit_the_run_is_refused(runs, cli):
    defaults = dict.fromkeys(SampleSettings.__dataclass_fields__, Origin("default"))
    for kind in ("file", "environment", "preset"):
        refuse_other_kind(
            {**defaults, "top_p": Origin(kind, "x"), "truncation": Origin("flag", "--truncation")}, "face"
        )
    with pytest.raises(UsageProblem, match="--top-p does not fit a face run"):
        refuse_other_kind({**defaults, "top_p": Origin("flag", "--top-p")}, "face")
    # An option is refused though it says what the default is.
    assert "--truncation does not fit a text run" in cli.refused(runs, 2, "sample", "gpt", "--truncation", "1")
    done = aigc(cli, runs, "sample", "gpt", "--dry-run", AIGC_TRUNCATION="0.5")
    assert done.returncode == 0, done.stderr


def test_verbose_says_where_settings_come_from_and_how_long_it_took(cli, tmp_path):
    (tmp_path / "aigc.toml").write_text("[prepare-text]\nvalid = 0.2\n")
    (tmp_path / "a.txt").write_text("one\ntwo\nthree\nfour\nfive\n")
    done = aigc(cli, tmp_path, "prepare", "text", "a.txt", "-o", "set", "-v", AIGC_ENCODING="ascii")
    assert done.returncode == 0
    assert "valid = 0.2 (./aigc.toml)" in done.stderr
    assert "encoding = ascii (AIGC_ENCODING)" in done.stderr
    assert "done in " in done.stderr.splitlines()[-1]
    assert "exclude each other" in cli.refused(tmp_path, 2, "prepare", "text", "a.txt", "-o", "set", "-v")


class TestDoctor:
    def test_all_is_well_here_and_said_fast_without_torch(self, cli, tmp_path):
        program = "import sys; from aigc_cli.app import run; print(run(['doctor', '-q']), 'torch' in sys.modules)"
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=tmp_path,
            env=cli.environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        *lines, last = done.stdout.splitlines()
        checks = {line["check"]: line for line in map(json.loads, lines)}
        assert last.split()[0] == "0"
        assert last.split()[1] == str("cuda" in checks["devices"]["value"] or "mps" in checks["devices"]["value"])
        assert {"aigc", "python", "torch", "devices", "bf16", "pictures", "extra demo", "weights SmolLM2"} <= set(
            checks
        )
        assert checks["encoding"]["status"] == "missing"  # the C locale
        assert "LANG=C.UTF-8" in checks["encoding"]["remedy"]
        assert all(line["remedy"] for line in checks.values() if line["status"] != "ok")

    @pytest.mark.parametrize(
        ("content", "variables", "said"),
        [
            ("[sample\n", {}, "aigc.toml"),
            ("[smaple]\n", {}, "did you mean 'sample'?"),
            ("", {"AIGC_SEDE": "1"}, "AIGC_SEED"),
        ],
    )
    def test_what_would_stop_every_command_is_broken_and_69(self, content, variables, said, cli, tmp_path):
        (tmp_path / "aigc.toml").write_text(content)
        done = aigc(cli, tmp_path, "doctor", **variables)
        assert done.returncode == 69
        broken = [line for line in map(json.loads, done.stdout.splitlines()) if line["status"] == "broken"]
        assert len(broken) == 1 and said in broken[0]["remedy"]
        assert said in done.stderr.splitlines()[-1]
