"""What only parses must start fast: help, version and usage errors load none of the heavy packages."""

import subprocess
import sys
from pathlib import Path

import pytest

from aigc_cli.table import COMMANDS

HEAVY = {"torch", "numpy", "PIL", "torchvision", "tokenizers", "safetensors", "transformers", "prompt_toolkit"}
# Runs the program as `aigc` does, then says on its last line which packages it has loaded.
PROGRAM = """
import sys
from aigc_cli.app import run
status = run(sys.argv[1:])
print(status, *sorted(sys.modules))
"""
DUMMIES = [f"dummy-{number}" for number in range(25 - len(COMMANDS))]
DUMMY = """
from aigc_cli.options import with_settings

def run(console):
    "Do nothing."
    print("nothing done")

def register(app):
    app.command({name!r})(with_settings(run))
"""
# Before it: a line in the table for each dummy; their modules are in the folder that is the first word.
TABLE_OF_DUMMIES = f"""
import sys
from aigc_cli import commands, table
commands.__path__.append(sys.argv.pop(1))
for name in {DUMMIES}:
    table.COMMANDS[name] = table.Entry(table.LOOK_AFTER, "Do nothing.")
"""


@pytest.fixture
def dummies(tmp_path: Path) -> str:
    """A folder of as many more commands as make twenty-five."""
    for name in DUMMIES:
        (tmp_path / f"{name.replace('-', '_')}.py").write_text(DUMMY.format(name=name))
    return str(tmp_path)


def loaded(program: str, *arguments: str) -> tuple[int, list[str], set[str]]:
    """Return the status of a command in a fresh process, its lines, and the names of the modules that it has loaded."""
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True)
    *lines, last = done.stdout.splitlines()
    status, *modules = last.split()
    return int(status), lines, set(modules)


def run(*arguments: str) -> tuple[int, set[str]]:
    status, _, modules = loaded(PROGRAM, *arguments)
    return status, {name.split(".")[0] for name in modules}


def commands_in(modules: set[str]) -> set[str]:
    return {name.split(".")[2] for name in modules if name.startswith("aigc_cli.commands.")}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--help",), 0),
        (("--version",), 0),
        (("prepare", "--help"), 0),
        (("prepare", "images", "--help"), 0),
        (("prepare", "chat", "--help"), 0),
        (("train-gan", "--help"), 0),
        (("train-gpt", "--help"), 0),
        (("sample", "--help"), 0),
        (("eval", "--help"), 0),
        (("eval", "images", "--help"), 0),
        (("chat", "--help"), 0),
        (("config", "show"), 0),
        (("config", "path"), 0),
        (("eval", "texts", __file__, __file__), 0),
        ((), 2),
        (("train-gun",), 2),
        (("train-gan", "--stepps", "3"), 2),
        (("train-gan", "data", "-o", "run", "--steps", "many"), 2),
        (("train-gan", "no-such-folder", "-o", "run"), 66),
        (("sample", "no-such-folder", "-o", "out"), 66),
        (("prepare", "images", "no-such-folder", "-o", "out"), 66),
    ],
)
def test_nothing_heavy_is_loaded(arguments: tuple[str, ...], expected: int) -> None:
    status, packages = run(*arguments)
    assert status == expected
    assert "typer" in packages
    assert not packages & HEAVY


# Packages that only a command at work needs; the framework converts options with pydantic.
AT_WORK = {"rich", "pydantic"}


@pytest.mark.parametrize(
    ("arguments", "expected", "modules"),
    [
        (("--help",), 0, set()),
        (("--version",), 0, set()),
        ((), 2, set()),
        (("train-gun",), 2, set()),
        (("--langg", "en"), 2, set()),
        (("metrics", "--help"), 0, {"metrics"}),
        (("prepare", "--help"), 0, {"prepare"}),
        (("prepare", "chatt"), 2, {"prepare"}),
        (("eval", "text", "--nothing"), 2, {"evaluate"}),
    ],
)
def test_only_the_command_that_is_asked_for_is_loaded(
    arguments: tuple[str, ...], expected: int, modules: set[str]
) -> None:
    status, _, names = loaded(PROGRAM, *arguments)
    assert (status, commands_in(names)) == (expected, modules)
    assert not names & AT_WORK


def test_twenty_five_commands_are_listed_and_none_is_loaded(dummies: str) -> None:
    status, lines, names = loaded(TABLE_OF_DUMMIES + PROGRAM, dummies, "--help")
    assert (status, commands_in(names)) == (0, set())
    assert not {name.split(".")[0] for name in names} & (HEAVY | AT_WORK)
    listed = [line.split()[0] for line in lines[lines.index("Prepare:") :] if line.startswith("  ")]
    assert len(COMMANDS) + len(DUMMIES) == 25
    assert listed[:25] == [*COMMANDS, *DUMMIES]


def test_one_of_twenty_five_commands_is_loaded_alone(dummies: str) -> None:
    status, lines, names = loaded(TABLE_OF_DUMMIES + PROGRAM, dummies, "dummy-3")
    assert (status, lines, commands_in(names)) == (0, ["nothing done"], {"dummy_3"})


def test_other_commands_settings_are_read_only_where_a_variable_may_be_theirs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def of_training_is_read() -> bool:
        status, _, names = loaded(PROGRAM, "metrics", "nowhere")
        assert (status, commands_in(names)) == (66, {"metrics"})
        return "aigc_cli.config.train_gan" in names

    monkeypatch.chdir(tmp_path)
    (tmp_path / "aigc.toml").write_text("[train-gan]\nsteps = 3\n\n[metrics]\nfollow = false\n")
    monkeypatch.setenv("AIGC_METRIC", "loss")
    assert not of_training_is_read()
    monkeypatch.setenv("AIGC_CLIP_WEIGHTS", "0.5")
    assert of_training_is_read()
