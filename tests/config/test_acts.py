"""What redacts, writes, overwrites, deletes, exposes, executes or sends is not taken from ./aigc.toml."""

import dataclasses
import os
import re
import signal
import typing
from pathlib import Path

import pytest
import typer

from aigc_cli import app as application
from aigc_cli.config.base import ACTS, setting
from aigc_cli.config.files import refuse_acts
from aigc_cli.core.errors import BadConfig
from aigc_cli.options import stored_values

# Files and folders that a setting names to be read.
READ = {("prepare-chat", "persona"), ("sample", "prompts"), ("chat", "face"), ("chat", "play")}
# Names, helps and choices of a setting that acts, whoever may add it, speak of one of these.
DEEDS = re.compile(
    r"writ|overwr|replac|delet|remov|forget|restart|start again|redact|pii|keep|kept|sav|consent|agreed|private"
    r"|public|send|upload|fetch|download|\burl|\bhost|\bport\b|execut|\brun a |command|script|hook|plugin|program|forc"
)
# What speaks of one and does none of it.
HARMLESS = {
    "accumulate": "saves memory",
    "columns": "which column tells the sender",
    "dry_run": "writes nothing",
    "evaluations": "how often the best weights of the run itself are kept",
    "find_lr": "writes nothing",
    "format": "how a script is read",
    "merge_minutes": "messages of one sender",
    "save_every": "when the run itself is saved",
    "save_minutes": "when the run itself is saved",
    "tensorboard": "more files of the run itself",
    "top_k": "keeps tokens",
    "top_p": "keeps tokens",
}


def commands(command):
    """Yield every command that has settings."""
    if getattr(command.callback, "settings_type", None):
        yield command.callback
    for child in getattr(command, "commands", {}).values():
        yield from commands(child)


COMMANDS = list(commands(typer.main.get_command(application.app)))
MARKED = [
    (command, field)
    for command in COMMANDS
    for field in dataclasses.fields(command.settings_type)
    if field.metadata["acts"]
]


def must_be_marked(section, field, kind):
    """Say whether a setting, as far as its type and words tell, does what must not be told by the working folder."""
    rules = field.metadata
    if Path in (kind, *typing.get_args(kind)) or rules["metavar"] in ("FILE", "DIR", "OUT", "URL", "COMMAND"):
        return (section, field.name) not in READ
    words = " ".join([field.name.replace("_", " "), field.name, rules["help"], *(rules["choices"] or ())]).lower()
    return bool(DEEDS.search(words)) and field.name not in HARMLESS


def test_every_setting_that_acts_is_marked():
    unmarked = [
        (command.section, field.name)
        for command in COMMANDS
        for field in dataclasses.fields(command.settings_type)
        if not field.metadata["acts"]
        and must_be_marked(command.section, field, typing.get_type_hints(command.settings_type)[field.name])
    ]
    assert unmarked == []
    assert {field.name for _, field in MARKED} >= {"force", "grid", "session", "log", "resume", "keep", "keep_pii"}


@pytest.mark.parametrize(
    ("name", "kind", "declared"),
    [
        ("report", Path | None, setting(None, "An HTML page.")),
        ("sheet", str | None, setting(None, "A sheet of pictures.", metavar="FILE")),
        ("fresh", bool, setting(False, "Delete what is there first.")),
        ("webhook", str, setting("", "Whom to tell.")),
        ("when_there", str, setting("stop", "What to do then.", choices=("stop", "overwrite"))),
    ],
)
def test_a_new_setting_that_acts_would_be_found(name, kind, declared):
    made = dataclasses.make_dataclass("New", [(name, kind, declared)])
    assert must_be_marked("new", dataclasses.fields(made)[0], kind)


def value_of(field):
    """Return a value for a setting as a configuration file would say it."""
    return {"consent": '"public"', "resume": '"restart"', "keep": "1"}.get(
        field.name, "true" if isinstance(field.default, bool) else '"thesis.png"'
    )


@pytest.mark.parametrize(
    ("command", "field"), MARKED, ids=[f"{command.section}-{field.name}" for command, field in MARKED]
)
def test_the_working_folder_s_file_is_refused_with_78_and_the_way_out(command, field, tmp_path, monkeypatch, capsys):
    text = f"[{command.section}]\n{field.name.replace('_', '-')} = {value_of(field)}\n"
    own = tmp_path / "home" / "aigc" / "config.toml"
    own.parent.mkdir(parents=True)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    own.write_text(text)
    values = stored_values(command.settings_type, command.section, command.presets)
    assert str(values[field.name][1]) == str(own)
    Path("aigc.toml").write_text(text)
    assert application.run(["config", "show", *command.section.split("-", command.section.count("prepare"))]) == 78
    said = capsys.readouterr().err
    assert f"./aigc.toml: {field.name} {ACTS[field.metadata['acts']]}, and is not taken from here" in said
    option = "--" + field.name.replace("_", "-")
    assert f"give {option}, set AIGC_{field.name.upper()}, or write it into {own}" in said


def test_a_pipe_in_the_working_folder_holds_nobody_up(tmp_path, monkeypatch, capsys):
    def too_long(*_):
        raise TimeoutError

    monkeypatch.chdir(tmp_path)
    os.mkfifo("aigc.toml")
    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(5)
    try:
        assert application.run(["config", "show", "sample"]) == 78
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    assert "./aigc.toml: is there and not a file" in capsys.readouterr().err


def test_a_preset_that_the_folder_s_file_names_carries_nothing_through(tmp_path, monkeypatch):
    @dataclasses.dataclass(frozen=True)
    class Settings:
        preset: str = setting("plain", "Which.")
        resume: str = setting("auto", "How.", acts="deletes")

    presets = {"plain": {}, "fresh": {"resume": "restart"}}
    values = {"preset": ("fresh", "./aigc.toml")}
    with pytest.raises(BadConfig, match="resume decides what is deleted"):
        refuse_acts(Settings, values, presets, {})
    refuse_acts(Settings, {"preset": ("plain", "./aigc.toml")}, presets, {})


def test_config_show_says_which_are_not_taken_from_there(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert application.run(["config", "show", "--origin", "--json"]) == 0
    told = capsys.readouterr().out
    assert told.count('"not_from": "./aigc.toml"') == len(MARKED)
    assert application.run(["config", "show", "--json"]) == 0
    assert "not_from" not in capsys.readouterr().out
