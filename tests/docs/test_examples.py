"""The crontab in examples/: what cron makes of it is the command that was meant."""

import re
import subprocess
from datetime import date
from pathlib import Path

from aigc_cli.app import run

CRONTAB = Path(__file__).parents[2] / "examples" / "nightly.cron"


def cron_commands() -> list[str]:
    """Return the commands as cron hands them to the shell: five fields off, cut at a bare %, \\% become %."""
    jobs = [line for line in CRONTAB.read_text().splitlines() if re.match(r"[\d*]", line)]
    return [re.split(r"(?<!\\)%", job.split(maxsplit=5)[5])[0].replace("\\%", "%") for job in jobs]


def test_the_nightly_job_samples_into_a_folder_of_the_day(tmp_path: Path) -> None:
    [command] = cron_commands()
    program = tmp_path / "avatar" / ".venv" / "bin" / "aigc"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\nprintf '%s\\n' \"$@\" >words\n")
    program.chmod(0o755)
    days = [f"{date.today():%Y%m%d}"]
    bare = {"PATH": "/usr/bin:/bin"}
    done = subprocess.run(["/bin/sh", "-c", command], cwd=tmp_path, env=bare, capture_output=True, check=True)
    days.append(f"{date.today():%Y%m%d}")
    words = (tmp_path / "avatar" / "words").read_text().splitlines()
    assert (done.stdout, done.stderr) == (b"", b"")
    assert words in [
        f"sample runs/face -n 64 --seed {day} -o nights/{day} --grid nights/{day}.png -q".split() for day in days
    ]
    # The program itself knows all of these words: what is missing is only the run.
    assert run([str(tmp_path / "none") if word == "runs/face" else word for word in words]) == 66
