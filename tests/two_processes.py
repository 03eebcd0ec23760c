"""Two gloo processes that do together what a test module's own function says."""

import os
import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PATIENCE = 300


def run_in_two(module, folder):
    """Call `train_as_one_of_two(folder)` of a test module in two processes; fail with what they said."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    code = f"import sys, pathlib; from {module} import train_as_one_of_two as two\n"
    code += "two(pathlib.Path(sys.argv[1]))"
    told = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    two = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(folder)],
            cwd=ROOT,
            env={**os.environ, **told, "RANK": str(rank), "LOCAL_RANK": str(rank), "PYTHONPATH": str(ROOT)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    said = [process.communicate(timeout=PATIENCE)[1] for process in two]
    assert [process.returncode for process in two] == [0, 0], "\n".join(said)
