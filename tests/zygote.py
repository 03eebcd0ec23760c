"""A process that has loaded torch and its kind once, and forks a child for each command: `zygote.py DESCRIPTOR`.

It is the other end of tests/forked.py. Of aigc it knows nothing: each child loads that anew. It loads modules and runs
nothing of theirs, so that no thread is there to be lost in a fork.
"""

import atexit
import contextlib
import fcntl
import gc
import json
import os
import runpy
import select
import signal
import socket
import sys
import tempfile
import termios
import threading
import time
from pathlib import Path

PRELOADED = ("numpy", "PIL.Image", "torch", "torchvision", "tokenizers", "safetensors.torch")
PRELOADED += ("typer", "rich.console", "rich.table", "prompt_toolkit")


def preload():
    """Load what takes long to load."""
    for name in PRELOADED:
        with contextlib.suppress(ImportError):  # a command that needs it will say so
            __import__(name)
    tempfile.tempdir = None  # each command finds its own, from its own environment
    gc.freeze()  # or collecting would copy what is shared


def next_command(control):
    """Fork a child for each request; returns in the child alone, with its request, and ends with the tests."""
    waker, woken = os.pipe()
    for end in (waker, woken):
        os.set_blocking(end, False)
    interrupted = signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    signal.set_wakeup_fd(woken)
    reports: dict[int, int] = {}  # where the status of each child is told
    while True:
        ready, _, _ = select.select([control, waker], [], [])
        if waker in ready:
            os.read(waker, 4096)
            tell_ends(reports)
        if control in ready:
            message, descriptors, _, _ = socket.recv_fds(control, 1 << 20, 4)
            if not message:
                os._exit(0)
            *streams, report = descriptors
            child = os.fork()
            if child == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                signal.signal(signal.SIGINT, interrupted)
                take_streams(streams)
                return json.loads(message)
            tell(report, child)
            reports[child] = report
            for stream in streams:
                os.close(stream)


def tell_ends(reports):
    """Collect the children that have ended, and tell their statuses."""
    while reports:
        child, status = os.waitpid(-1, os.WNOHANG)
        if child == 0:
            return
        report = reports.pop(child)
        tell(report, status)
        os.close(report)


def tell(report, number):
    with contextlib.suppress(BrokenPipeError):  # nobody asks any more
        os.write(report, number.to_bytes(4, sys.byteorder))


def take_streams(streams):
    """Make three descriptors stdin, stdout and stderr, as the interpreter would at its start, and close all others."""
    given = [(stream.encoding, stream.errors) for stream in (sys.stdin, sys.stdout, sys.stderr)]
    for standard, stream in enumerate(streams):
        os.dup2(stream, standard)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    for standard, name in enumerate(("stdin", "stdout", "stderr")):
        encoding, errors = given[standard]
        mode = "w" if standard else "r"
        stream = open(standard, mode, encoding=encoding, errors=errors, newline="\n", closefd=False)  # noqa: SIM115
        stream.buffer.raw.name = f"<{name}>"
        stream.reconfigure(line_buffering=name == "stderr" or stream.isatty())
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def become(request):
    """Take on the folder, environment, umask and session of a request."""
    os.chdir(request["folder"].encode("latin-1"))
    os.environb.clear()
    os.environb.update({name.encode("latin-1"): value.encode("latin-1") for name, value in request["environment"]})
    time.tzset()
    os.umask(request["umask"])
    if request["session"]:
        os.setsid()
    if request["terminal"]:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    # Tests that run in the background would pass on that the interrupt is ignored there.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # No two processes begin alike; `random` sees to that by itself.
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
    if "torch" in sys.modules:
        sys.modules["torch"].default_generator.seed()


def run(module, words):
    """Run a module as `python -m` does, to the end of the process."""
    sys.path[0] = str(Path.cwd())
    sys.orig_argv = [sys.executable, "-m", module, *words]
    sys.argv = [module, *words]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            with contextlib.suppress(OSError, ValueError):  # what cannot be flushed is for the interpreter to report
                leave(end.code or 0)
        raise


def leave(status):
    """End as the interpreter does, except that modules are not taken down, which takes longer than most commands."""
    threading._shutdown()
    atexit._run_exitfuncs()
    gc.collect()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status & 0xFF)


if __name__ == "__main__":
    preload()
    REQUEST = next_command(socket.socket(fileno=int(sys.argv[1])))
    become(REQUEST)
    run(REQUEST["module"], [os.fsdecode(word.encode("latin-1")) for word in REQUEST["words"]])
