"""The Slurm script in examples/, run by bash with stand-ins for Slurm's programs and torchrun."""

import contextlib
import os
import signal
import subprocess
from pathlib import Path

import pytest

from aigc_cli.app import run

SCRIPT = Path(__file__).parents[2] / "examples" / "train_gpt.slurm"
TORCHRUN = """#!/bin/bash
[ -e long ] && trap 'echo saved >saved; exit 143' TERM
printf '%s\\n' "$@" >words.part && mv words.part words
while [ -e long ]; do sleep 0.02; done
exit "$(cat status)"
"""
SCONTROL = """#!/bin/sh
case "$1" in
show) printf 'one\\ntwo\\n' ;;
requeue) echo "$2" >requeued ;;
esac
"""


@pytest.fixture
def job(tmp_path):
    """Starts the script as a batch job would be, and the folder that it runs in."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in {"srun": '#!/bin/sh\nexec "$@"\n', "torchrun": TORCHRUN, "scontrol": SCONTROL}.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    slurm = {"JOB_ID": "7", "JOB_NODELIST": "n[1-2]", "JOB_NUM_NODES": "2", "GPUS_ON_NODE": "8"}
    environment = {"PATH": f"{programs}:{os.environ['PATH']}", **{f"SLURM_{key}": slurm[key] for key in slurm}}

    def start(*words):
        return subprocess.Popen(["bash", str(SCRIPT), *words], cwd=tmp_path, env=environment)

    return start, tmp_path


def test_it_starts_a_training_that_aigc_knows(job):
    start, folder = job
    (folder / "status").write_text("3")
    assert start("no/such/set", "runs/text", "--batch-size", "96").wait(60) == 3
    words = (folder / "words").read_text().splitlines()
    launcher, (module, *command) = words[: words.index("-m")], words[words.index("-m") + 1 :]
    assert dict(zip(launcher[::2], launcher[1::2], strict=True)) == {
        "--nnodes": "2",
        "--nproc-per-node": "8",
        "--rdzv-backend": "c10d",
        "--rdzv-id": "7",
        "--rdzv-endpoint": "one:29500",
    }
    assert (module, command[:4]) == ("aigc_cli", ["train-gpt", "no/such/set", "-o", "runs/text"])
    assert command[-2:] == ["--batch-size", "96"]
    assert run(command) == 66  # every option is known, only the set is missing
    assert not (folder / "requeued").exists()


def test_stopped_it_waits_for_the_checkpoint_and_queues_itself_again(job):
    start, folder = job
    (folder / "long").touch()
    process = start("set", "run")
    while not (folder / "words").exists():
        with contextlib.suppress(subprocess.TimeoutExpired):
            pytest.fail(f"ended first: {process.wait(timeout=0.005)}")
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 143
    assert (folder / "saved").read_text() == "saved\n"
    assert (folder / "requeued").read_text() == "7\n"
