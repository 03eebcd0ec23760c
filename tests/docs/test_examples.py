"""The crontab and the systemd units in examples/: what cron and systemd make of them is what was meant."""

import configparser
import os
import re
import shutil
import subprocess
from datetime import date
from pathlib import Path

import pytest
import typer

from aigc_cli.app import app

EXAMPLES = Path(__file__).parents[2] / "examples"
CRONTAB = EXAMPLES / "nightly.cron"
SERVICE, TIMER = EXAMPLES / "aigc-nightly.service", EXAMPLES / "aigc-nightly.timer"
# What each job passes to aigc; DAY and SEED stand for the date.
JOBS = [
    "prepare text notes -o sets/%Y-%m-%d --keep-days 7 -q",
    "train-gpt sets/DAY -o runs/%Y-%m-%d --keep-days 7 --minutes 20 --lock-wait 600 -q",
    "sample runs/face -n 64 --seed SEED -o nights/%Y-%m-%d --grid nights.png --keep-days 30 -q",
    "eval images data/face nights/DAY -q",
]


def cron_commands() -> list[str]:
    """Return the commands as cron hands them to the shell: five fields off, cut at a bare %, \\% become %."""
    jobs = [line for line in CRONTAB.read_text().splitlines() if re.match(r"[\d*]", line)]
    return [re.split(r"(?<!\\)%", job.split(maxsplit=5)[5])[0].replace("\\%", "%") for job in jobs]


def parsed(words: list[str]) -> dict[str, object]:
    """Return the values that the program itself reads from the words; fails if it knows one of them not."""
    command, context = typer.main.get_command(app), None
    while True:
        context = command.make_context(words[0] if context else "aigc", words[1:] if context else words, parent=context)
        words = context._protected_args + context.args if hasattr(context, "_protected_args") else context.args
        child = getattr(command, "commands", {}).get(words[0]) if words else None
        if child is None:
            return context.params
        command = child


@pytest.mark.parametrize(("index", "meant"), list(enumerate(JOBS)))
def test_a_job_of_the_crontab_gives_aigc_its_words(index: int, meant: str, tmp_path: Path) -> None:
    program = tmp_path / "avatar" / ".venv" / "bin" / "aigc"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\nprintf '%s\\n' \"$@\" >words\n")
    program.chmod(0o755)
    days = [date.today()]
    bare = {"PATH": "/usr/bin:/bin"}
    command = cron_commands()[index]
    done = subprocess.run(["/bin/sh", "-c", command], cwd=tmp_path, env=bare, capture_output=True, check=True)
    days.append(date.today())
    words = (tmp_path / "avatar" / "words").read_text().splitlines()
    assert (done.stdout, done.stderr) == (b"", b"")
    assert words in [meant.replace("DAY", f"{day:%Y-%m-%d}").replace("SEED", f"{day:%Y%m%d}").split() for day in days]
    values = parsed(words)
    assert values["quiet"] is True
    assert values.get("keep_days") == (30 if "sample" in words else 7 if "-o" in words else None)


def test_there_is_a_job_a_line() -> None:
    assert len(cron_commands()) == len(JOBS)


def unit(path: Path) -> configparser.ConfigParser:
    """Return a unit file as systemd reads it, but for its percent signs."""
    read = configparser.ConfigParser(interpolation=None, comment_prefixes=("#", ";"))
    read.optionxform = str  # type: ignore[assignment,method-assign]
    read.read(path, encoding="utf-8")
    return read


def test_the_service_runs_a_command_that_aigc_knows() -> None:
    service = unit(SERVICE)["Service"]
    program, *words = service["ExecStart"].split()
    assert program == "%h/avatar/.venv/bin/aigc"
    assert all(re.fullmatch(r"([^%]|%%|%h)*", word) for word in words)  # systemd's own specifiers, doubled
    values = parsed([word.replace("%%", "%") for word in words])
    assert (values["output"], values["keep_days"], values["quiet"]) == ("nights/%Y-%m-%d", 30, True)
    assert service["SuccessExitStatus"] == "143"  # stopped by TERM, after keeping what is done
    timer = unit(TIMER)
    assert re.fullmatch(r"\*-\*-\* \d\d:\d\d:\d\d", timer["Timer"]["OnCalendar"])
    assert timer["Install"]["WantedBy"] == "timers.target"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_finds_nothing_to_say(tmp_path: Path) -> None:
    program = tmp_path / "avatar" / ".venv" / "bin" / "aigc"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for path in (SERVICE, TIMER):
        (tmp_path / path.name).write_text(path.read_text().replace("%h", str(tmp_path)))
    units = [str(tmp_path / path.name) for path in (SERVICE, TIMER)]
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LC_ALL": "C"}
    done = subprocess.run(["systemd-analyze", "verify", *units], env=environment, capture_output=True, text=True)
    about = [line for line in done.stderr.splitlines() if "aigc" in line]
    assert about == []
