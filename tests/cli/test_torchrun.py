"""`torchrun … -m aigc_cli train-gpt` or `train-gan`: stopped in the middle, taken up by another number; and failing."""

import json
import os
import re
import signal
import subprocess
import sys

import pytest

from aigc_cli.core.disk.rundir import RunDir
from tests.cli.conftest import PATIENCE

STEPS = "60"
TORCHRUN = ("-m", "torch.distributed.run", "--nnodes", "1", "--nproc-per-node", "2", "--rdzv-backend", "c10d")
TORCHRUN += ("--rdzv-endpoint", "localhost:0", "-m", "aigc_cli")


def start(folder, *words):
    return subprocess.Popen(
        [sys.executable, *TORCHRUN, *map(str, words)],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def own_lines(said):
    return [line for line in said.splitlines() if line.startswith("aigc ")]


def losses(path, name="loss"):
    lines = [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]
    return {line["step"]: line[name] for line in lines if name in line}


@pytest.mark.parametrize("parallel", ["ddp", pytest.param("fsdp", marks=pytest.mark.slow)])
def test_stopped_by_term_a_training_goes_on_with_any_number_of_processes(cli, small, sets, tmp_path, parallel):
    words = ["train-gpt", sets / "text", "--steps", STEPS, "--save-minutes", "0", *small["scratch"]]
    words += ["--parallel", parallel, "--batch-size", "5"]
    run = RunDir(tmp_path / "cut")

    def stopped(process):
        reached = (run.checkpoint_steps() or [0])[-1] + 5
        cli.wait_until(lambda: (run.checkpoint_steps() or [0])[-1] >= reached, process)
        process.send_signal(signal.SIGTERM)
        return process.communicate(timeout=PATIENCE)[1]

    said = own_lines(stopped(start(tmp_path, *words, "-o", run.path, "-q")))
    [line] = said
    step = run.checkpoint_steps()[-1]
    assert re.fullmatch(rf"aigc train-gpt: error: stopped by SIGTERM; saved at step {step}; the same command .*", line)
    assert run.record()["status"] == "interrupted"
    assert "stopped by SIGTERM" in stopped(cli.start(tmp_path, *words, "-o", run.path, "-q"))
    assert run.checkpoint_steps()[-1] < int(STEPS)
    process = start(tmp_path, *words, "-o", run.path)
    out, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, said
    assert json.loads(out)["status"] == "finished"
    assert cli.run(tmp_path, *words, "-o", "whole", "-q").returncode == 0
    assert losses(run.path) == pytest.approx(losses(tmp_path / "whole"), rel=1e-4)


def test_what_fails_is_said_once_and_is_the_status(tmp_path):
    process = start(tmp_path, "train-gpt", "none", "-o", "run")
    out, said = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (1, "")  # torchrun's own; it shows that of the processes
    assert len(own_lines(said)) == 1
    statuses = set(re.findall(r"exitcode\s*: (-?\d+)", said))
    assert "66" in statuses and statuses <= {"66", "143"}  # torchrun may end the other before it has heard
    assert not (tmp_path / "run").exists()


def test_faces_are_stopped_in_two_processes_and_go_on_in_one(cli, small, sets, tmp_path):
    words = ["train-gan", sets / "images", "--steps", STEPS, "--save-minutes", "0", "--log-every-steps", "5"]
    words += small["face"]
    run = RunDir(tmp_path / "cut")
    process = start(tmp_path, *words, "-o", run.path, "-q")
    cli.wait_until(lambda: (run.checkpoint_steps() or [0])[-1] >= 8, process)
    process.send_signal(signal.SIGTERM)
    [line] = own_lines(process.communicate(timeout=PATIENCE)[1])
    step = run.checkpoint_steps()[-1]
    assert f"error: stopped by SIGTERM; saved at step {step}; the same command" in line
    assert step < int(STEPS)
    by_two = losses(run.path, "loss_d")
    assert cli.run(tmp_path, *words, "-o", run.path, "-q").returncode == 0
    assert run.record()["status"] == "finished"
    assert {at: loss for at, loss in losses(run.path, "loss_d").items() if at <= step} == by_two
    assert cli.run(tmp_path, *words, "-o", "whole", "-q").returncode == 0
    whole = losses(tmp_path / "whole", "loss_d")
    assert by_two[5] == pytest.approx(whole[5], rel=1e-2)  # then rounding grows: Adam divides by next to nothing
    assert losses(run.path, "loss_d").keys() == whole.keys()


def test_faces_that_normalise_over_the_batch_are_refused_with_a_way_out(sets, small, tmp_path):
    process = start(tmp_path, "train-gan", sets / "images", "-o", "run", "--arch", "dcgan", *small["face"])
    _, said = process.communicate(timeout=PATIENCE)
    [line] = own_lines(said)
    assert "train-gan: error: --arch dcgan normalises over a whole batch" in line
    assert "--arch style" in line
    statuses = set(re.findall(r"exitcode\s*: (-?\d+)", said))
    assert "2" in statuses and statuses <= {"2", "143"}
    assert not (tmp_path / "run").exists()
