"""The man pages: current, complete, clean roff, and the same examples as `--help`."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from aigc_cli.app import app, run
from aigc_cli.config.base import GROUPS

ROOT = Path(__file__).parents[2]
MAN = ROOT / "man"
GROFF = shutil.which("groff")
needs_groff = pytest.mark.skipif(GROFF is None, reason="groff is not installed")


def commands(command: Any, *words: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield words, command
    for name, child in getattr(command, "commands", {}).items():
        yield from commands(child, *words, name)


FOUND = dict(commands(typer.main.get_command(app)))
WORDS = {"-".join(("aigc", *words)): words for words in FOUND}
COMMANDS = {name: FOUND[words] for name, words in WORDS.items()}


def plain(page: str) -> str:
    """Return a page's source as a reader sees its words."""
    return re.sub(r"\\f[BIR]", "", page).replace("\\-", "-").replace("\\(aq", "'")


def rendered(path: Path) -> str:
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", "-P-cbou", "-rLL=400n", str(path)],
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.replace("\u2212", "-")  # how some systems' macros show a minus sign


def test_pages_are_current(tmp_path: Path) -> None:
    subprocess.run([sys.executable, ROOT / "tools" / "make_man.py", tmp_path], check=True, cwd=tmp_path)
    fresh = {page.name: page.read_text() for page in tmp_path.iterdir()}
    kept = {page.name: page.read_text() for page in MAN.iterdir()}
    assert kept == fresh, "run `make docs`"


def test_every_command_has_its_page() -> None:
    assert {page.stem for page in MAN.glob("*.1")} == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_in_its_page(name: str) -> None:
    terms = plain((MAN / f"{name}.1").read_text()).split("\n.TP\n")[1:]
    described = {word.rstrip(",") for term in terms for word in term.splitlines()[0].split()}
    options = {
        spelling
        for parameter in COMMANDS[name].params
        for spelling in (*parameter.opts, *parameter.secondary_opts)
        if spelling.startswith("-")
    }
    assert options | {"--help"} <= described


@pytest.mark.parametrize("name", [name for name in COMMANDS if name == "aigc" or "-" in name])
def test_defaults_are_those_of_the_command(name: str) -> None:
    page = plain((MAN / f"{name}.1").read_text())
    for parameter in COMMANDS[name].params:
        if isinstance(parameter.default, int | float) and not isinstance(parameter.default, bool):
            entry = next(e for e in page.split("\n.TP\n") if re.match(rf"(-\w, )?{parameter.opts[0]} ", e))
            value = re.search(r"Default:\s(\S+)\.(?:\s|$)", entry)
            assert value is not None
            assert float(value.group(1)) == parameter.default


@needs_groff
@pytest.mark.parametrize("name", COMMANDS)
def test_roff_is_clean_and_shows_the_examples_as_typed(name: str) -> None:
    screen = rendered(MAN / f"{name}.1")
    assert "NAME" in screen
    for line in (COMMANDS[name].epilog or "").replace("\b", "").strip("\n").splitlines()[1:]:
        assert line.strip() in screen


@pytest.mark.parametrize("name", COMMANDS)
def test_every_page_has_its_sections(name: str) -> None:
    sections = re.findall(r"^\.SH (.*)$", (MAN / f"{name}.1").read_text(), flags=re.MULTILINE)
    assert {"NAME", "SYNOPSIS", "OPTIONS", "ENVIRONMENT", "FILES", "EXIT STATUS", "EXAMPLES", "SEE ALSO"} <= {*sections}


@pytest.mark.parametrize("name", [name for name in COMMANDS if not hasattr(COMMANDS[name], "commands")])
def test_options_stand_under_the_headings_of_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*WORDS[name], "--help"]) == 0
    headings = [line for line in capsys.readouterr().out.splitlines() if line in GROUPS.values()]
    options = (MAN / f"{name}.1").read_text().split(".SH OPTIONS\n")[1].split("\n.SH ")[0]
    assert re.findall(r"^\.SS (.*)$", options, flags=re.MULTILINE) == [
        heading.rstrip(":") for heading in headings if heading != GROUPS["first"]
    ]


@pytest.mark.skipif(shutil.which("mandoc") is None, reason="mandoc is not installed")
def test_mandoc_finds_nothing_to_mend() -> None:
    """But for the date, which pages that the same sources always make the same do not have, and lines of examples."""
    done = subprocess.run(["mandoc", "-Tlint", *sorted(MAN.glob("*.1"))], capture_output=True, encoding="utf-8")
    found = [line for line in done.stdout.splitlines() if "missing date" not in line]
    assert [line for line in found if "longer than 80 bytes: aigc" not in line] == []


def words_of(line: str) -> list[str]:
    """Return the words of the last `aigc` in a line of an example, without what the shell does with its output."""
    inner = re.sub(r"\$\((aigc .*?)( \|.*)?\)", r"; \1", line)
    inner = re.sub(r"<\((aigc .*?)\)", r"; \1", inner)
    parts = [part for part in re.split(r"[|;]|&&", inner) if re.search(r"\baigc ", part)]
    text = re.split(r" [<>]", parts[-1][parts[-1].index("aigc ") :])[0]
    return text.split("     ")[0].split()


def examples_of(command: Any) -> list[str]:
    """Return the lines of a command's examples: below the heading, one a line."""
    lines = (command.epilog or "").replace("\b", "").strip("\n").splitlines()[1:]
    return [line.strip() for line in lines]


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_examples_and_their_options_exist(name: str) -> None:
    lines = examples_of(COMMANDS[name])
    assert len(lines) >= 2
    for line in (line for line in lines if re.search(r"(^|[\s(])aigc ", line)):
        command, words = COMMANDS["aigc"], words_of(line)[1:]
        while words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]
        assert not getattr(command, "commands", {}), f"{line}: which command is it?"
        known = {"--help"} | {spelling for each in command.params for spelling in (*each.opts, *each.secondary_opts)}
        given = {word.split("=")[0] for word in words if re.match(r"--?[a-z]", word)}
        assert given <= known, line
