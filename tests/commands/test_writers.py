"""Every command that writes, also each later one, has its rows: in the contract, and in the trials that disturb it."""

import ast
import dataclasses
import re
from pathlib import Path

import pytest
import typer

from aigc_cli.app import app, run

ROOT = Path(__file__).parents[2]
WRITING = ("writes", "overwrites", "deletes")
# Print, and leave no file behind (held below). A new command stands here, or has its rows.
READ_ONLY = {
    "completion",
    "config path",
    "config show",
    "doctor",
    "eval images",
    "eval pairs",
    "eval texts",
    "label show",
    "label verify",
    "metrics",
}


def leaves(command, name=""):
    """Yield the name and the command of everything that can be run."""
    children = getattr(command, "commands", {})
    for word, child in children.items():
        yield from leaves(child, f"{name} {word}".strip())
    if not children:
        yield name, command


COMMANDS = dict(leaves(typer.main.get_command(app)))


def is_marked(command):
    """Say whether the command's own declaration tells that it writes: an --output, or a setting that does."""
    fields = dataclasses.fields(getattr(command.callback, "settings_type", None) or NoSettings)
    options = {word for parameter in command.params for word in parameter.opts}
    return "--output" in options or any(field.metadata["acts"] in WRITING for field in fields)


@dataclasses.dataclass
class NoSettings:
    pass


def trials():
    """Return the first words of each command line of benchmarks/faults.py, read without running it."""
    tree = ast.parse((ROOT / "benchmarks" / "faults.py").read_text(encoding="utf-8"))
    table = next(
        node for node in tree.body if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "COMMANDS"
    )
    lines = []
    for value in table.value.values:
        words = value.elts[0].elts
        lines.append([word.value for word in words if isinstance(word, ast.Constant)])
    return lines


def contract():
    """Return the rows of the contract's table of writing commands: the name, and a cell each."""
    text = (ROOT / "docs" / "CONTRACT.md").read_text(encoding="utf-8").split("## What is left when it is disturbed")[1]
    rows = [
        [cell.strip() for cell in line.strip("| ").split(" | ")]
        for line in text.splitlines()
        if line.startswith("| `aigc ")
    ]
    return {row[0].strip("`").removeprefix("aigc "): row[1:] for row in rows}


@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - READ_ONLY))
def test_a_command_that_writes_has_its_rows(name):
    words = name.split()
    assert any(line[: len(words)] == words for line in trials()), "no row in benchmarks/faults.py"
    cells = contract()[name]
    assert len(cells) == 4 and all(re.search(r"`\S+test_\w+\.py", cell) for cell in cells)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_what_is_declared_to_write_is_not_among_those_that_only_read(name):
    assert not (is_marked(COMMANDS[name]) and name in READ_ONLY)


def test_the_rows_are_of_commands_that_there_are():
    assert READ_ONLY | contract().keys() == COMMANDS.keys()
    assert all(" ".join(line).startswith(tuple(COMMANDS)) for line in trials())


@pytest.mark.parametrize("name", sorted(READ_ONLY))
def test_a_command_that_only_reads_leaves_no_file(name, face_run, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    for folder in ("a", "b"):
        assert run(["sample", str(face_run), "-n", "8", "-o", folder, "--threads", "1", "-q"]) == 0
    Path("texts.txt").write_text("hello you\nhow are you\n")
    Path("run").mkdir()
    (tmp_path / "run" / "aigc.json").write_text((face_run / "aigc.json").read_text())
    (tmp_path / "run" / "metrics.jsonl").write_text('{"step": 1, "loss": 2.0}\n')
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    pictures = ["--extractor", "random_conv", "--no-labels", "--kid-subsets", "2", "--bootstrap", "0", "--threads", "1"]
    words = {
        "completion": ["bash"],
        "doctor": [],
        "eval images": ["a", "b", *pictures],
        "eval pairs": ["a", "b"],
        "eval texts": ["texts.txt", "texts.txt"],
        "label show": ["a"],
        "label verify": ["a"],
        "metrics": ["run"],
    }
    assert run([*name.split(), *words.get(name, [])]) == 0, capsys.readouterr().err
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
