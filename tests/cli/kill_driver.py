"""Trains a case undisturbed, and again killed with -9 at random places: `kill_driver.py CASE.json`. For test_kills.

torch is loaded once; each training is a forked process that runs the real command. It kills itself at the n-th call of
anything (`sys.setprofile`), so that no place is spared: in the middle of a save, a rename, a step.
"""

import json
import os
import random
import signal
import sys

import torch  # noqa: F401 - loaded before the forks

from aigc_cli.app import main


def train(words, *, kill_at=None):
    """Run a command in a process of its own, and return its status and how many calls it made."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        calls = 0

        def count(frame, event, argument):
            nonlocal calls
            calls += 1
            if calls == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

        status = 70
        sys.argv = ["aigc", *words]
        sys.setprofile(count)
        try:
            main()
        except SystemExit as end:
            status = int(end.code or 0)
        finally:
            sys.setprofile(None)
            os.write(writer, str(calls).encode())
            os._exit(status)
    _, status = os.waitpid(child, 0)
    os.close(writer)
    calls = int(os.read(reader, 20) or 0)
    os.close(reader)
    return os.waitstatus_to_exitcode(status), calls


def run(case):
    words, dice = case["words"], random.Random(case["seed"])
    status, calls = train([*words, "-o", case["whole"], "-q"])
    assert status == 0
    killed = 0
    for _ in range(case["kills"]):
        status, _ = train([*words, "-o", case["cut"], "-q"], kill_at=dice.randrange(calls // 4, calls))
        killed += status == -signal.SIGKILL
    status, _ = train([*words, "-o", case["cut"], "-q"])
    assert status == 0
    return killed


if __name__ == "__main__":
    print(json.dumps([run(case) for case in json.loads(sys.argv[1])]))
