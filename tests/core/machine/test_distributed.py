"""Two real processes that talk to each other, as torchrun would start them; and one alone, which loads nothing."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch

from aigc_cli.core.errors import AigcError
from aigc_cli.core.machine import distributed
from aigc_cli.core.machine.device import set_threads
from aigc_cli.core.machine.distributed import ALONE, World, joined, verdict

PATIENCE = 300
CODE = """
import pathlib, sys
sys.path.insert(0, sys.argv[1])
from test_distributed import as_one_of_two
as_one_of_two(pathlib.Path(sys.argv[2]), sys.argv[3])
"""


def tensors(rank):
    """Return tensors of several shapes, types and layouts, more than one bucket holds."""
    generator = torch.Generator().manual_seed(rank)
    return [
        torch.randn(3, 5, generator=generator).T,
        torch.tensor(float(rank)),
        torch.arange(4) + rank,
        torch.randn(300, generator=generator),
        torch.empty(0),
        torch.randn(2, 2, generator=generator, dtype=torch.float64),
    ]


def as_one_of_two(folder, what):
    try:
        with joined("cpu") as world:
            {"agree": agree, "fail": fail}[what](world, folder)
    except AigcError as error:
        status, speaks = verdict(error.exit_code)
        if speaks:
            print(error, file=sys.stderr)
        sys.exit(status)


def agree(world, folder):
    distributed.BUCKET_BYTES = 64
    summed = tensors(world.rank)
    world.sum_(summed)
    told = {"words": "naïve 头像", "list": [1, None, 2.5]} if world.is_main else "nobody asked"
    with world.main_first():
        if world.is_main:
            (folder / "made").write_text("once")
        found = (folder / "made").read_text()
    results = {
        "sums": [tensor.tolist() for tensor in summed],
        "totals": world.totals(world.rank + 0.1, 1),
        "highest": world.highest(world.rank, -world.rank),
        "decided": world.decided(told),
        "found": found,
    }
    (folder / f"rank-{world.rank}.json").write_text(json.dumps(results))


def fail(world, folder):
    if world.rank == 1:
        error = AigcError("the second one cannot read its disk")
        error.exit_code = 66
        raise error
    world.wait()


def two(folder, what):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    told = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    root = str(Path(__file__).parents[3])
    started = [
        subprocess.Popen(
            [sys.executable, "-c", CODE, str(Path(__file__).parent), str(folder), what],
            env={**os.environ, **told, "RANK": str(rank), "LOCAL_RANK": str(rank), "PYTHONPATH": root},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    said = [process.communicate(timeout=PATIENCE)[1] for process in started]
    return [process.returncode for process in started], said


def test_two_processes_agree(tmp_path):
    statuses, said = two(tmp_path, "agree")
    assert statuses == [0, 0], said
    first, second = (json.loads((tmp_path / f"rank-{rank}.json").read_text()) for rank in range(2))
    assert first == second
    expected = [(one + other).tolist() for one, other in zip(tensors(0), tensors(1), strict=True)]
    assert first["sums"] == expected
    assert first["totals"] == [0.1 + 1.1, 2.0]
    assert first["highest"] == [1.0, 0.0]
    assert first["decided"] == {"words": "naïve 头像", "list": [1, None, 2.5]}
    assert first["found"] == "once"


def test_the_one_that_failed_speaks_and_all_end_with_its_status(tmp_path):
    statuses, said = two(tmp_path, "fail")
    assert statuses == [66, 66]
    assert [line for text in said for line in text.splitlines()] == ["the second one cannot read its disk"]


def test_a_process_alone_loads_no_torch_to_join_nobody():
    code = "import sys\nfrom aigc_cli.core.machine.distributed import joined, verdict\n"
    code += "with joined('cpu') as world: assert (world.rank, world.size, world.decided(5)) == (0, 1, 5)\n"
    code += "assert verdict(65) == (65, True) and 'torch' not in sys.modules"
    environment = {"PYTHONPATH": str(Path(__file__).parents[3])}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)


def test_alone_a_sum_is_what_was_given():
    whole = tensors(3)
    ALONE.sum_(whole)
    assert all(torch.equal(one, other) for one, other in zip(whole, tensors(3), strict=True))
    assert ALONE.totals(1.5, 2) == [1.5, 2]


@pytest.fixture
def launcher_ends():
    """The launcher has sent TERM, which waits for whoever waits for it."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
    yield
    signal.alarm(0)
    signal.sigtimedwait({signal.SIGTERM}, 0)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)


@pytest.mark.parametrize(
    ("told", "is_main"),
    [
        ({}, True),
        ({"RANK": "0", "WORLD_SIZE": "4"}, True),
        ({"RANK": "3", "WORLD_SIZE": "4"}, False),
        ({"RANK": "7", "WORLD_SIZE": "4"}, True),
        ({"RANK": "x", "WORLD_SIZE": "4"}, True),
    ],
)
def test_before_the_processes_have_met_the_first_one_speaks(monkeypatch, launcher_ends, told, is_main):
    for name in ("RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    assert verdict(2) == (2, is_main)


def test_processes_on_one_machine_share_its_cores():
    before = torch.get_num_threads()
    try:
        whole = set_threads(None)
        assert set_threads(None, processes=2) == max(1, whole // 2)
        assert set_threads(None, processes=10 * whole) == 1
        assert set_threads(3, processes=2) == 3
    finally:
        torch.set_num_threads(before)


def test_a_world_knows_its_first():
    assert [World(rank, 3).is_main for rank in range(3)] == [True, False, False]
