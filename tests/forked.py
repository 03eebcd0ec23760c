"""Commands as processes that need not load torch again: `start` and `run`, for tests that start many.

A command is forked from a process that has loaded torch and its kind (tests/zygote.py), one for each process of tests.
It is given what a new process would be given, folder, environment, streams, umask and session, loads all of aigc
itself, and ends as a process: with its status or signal, what it flushes, its exit functions. tests/test_forked.py
compares the two. What a fork hides, a test asks for with `fresh`: what is loaded at the start, another seed of hashes,
what is said as modules are taken down. Another locale, or other variables of the interpreter, its libraries and their
threads, are beyond a fork, and make the process fresh by themselves.
"""

import contextlib
import fcntl
import functools
import inspect
import json
import os
import select
import socket
import subprocess
import sys
import termios
import threading
from pathlib import Path

ZYGOTE = Path(__file__).with_name("zygote.py")
# Variables that the interpreter, its libraries and the loader read before a command runs, and those that a zygote has.
EARLY = ("PYTHON", "LC_", "LANG", "OMP_", "GOMP_", "KMP_", "MKL_", "OPENBLAS_", "TORCH", "PYTORCH_", "NPY_", "NUMPY_")
EARLY += ("CUDA_", "PILLOW_", "TYPER_", "TQDM_", "LD_", "MALLOC_", "GLIBC_")
USUAL = {"LC_ALL": "C"}
POSSIBLE = {"cwd", "env", "stdin", "stdout", "stderr", "encoding", "errors", "text", "bufsize", "start_new_session"}
STARTING = threading.Lock()


class Zygote:
    """The process that forks the commands of this one."""

    def __init__(self):
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            command = [sys.executable, str(ZYGOTE), str(theirs.fileno())]
            environment = {"PATH": os.environ["PATH"], **USUAL}
            self._process = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()]
            )

    def fork(self, request, streams):
        """Start what is asked; returns its process id and the descriptor that its status will come from."""
        told, tells = os.pipe()
        try:
            socket.send_fds(self._control, [json.dumps(request).encode()], [*streams, tells])
        finally:
            os.close(tells)
        return _number(told), told

    def close(self):
        """Let it go; commands that still run are not touched."""
        self._control.close()
        self._process.wait()


@functools.cache
def _zygote():
    return Zygote()


def zygote():
    """Return the one zygote of this process, started when it is first needed."""
    with STARTING:
        return _zygote()


def close():
    """End the zygote, if there is one."""
    if _zygote.cache_info().currsize:
        _zygote().close()
        _zygote.cache_clear()


def _number(descriptor):
    data = os.read(descriptor, 4)
    if not data:
        raise RuntimeError("the process that forks the commands has gone")
    return int.from_bytes(data, sys.byteorder)


class Forked(subprocess.Popen):
    """A command that is forked from the zygote, in all else a `Popen`: its pipes, its texts, its waiting."""

    def __init__(self, module, words, *, terminal=False, **options):
        self._module, self._words, self._terminal, self._told = module, words, terminal, None
        super().__init__([sys.executable, "-m", module, *words], **options)

    def _execute_child(self, *values):
        asked = dict(zip(inspect.signature(super()._execute_child).parameters, values, strict=True))
        request = {
            "module": self._module,
            "words": [_plain(word) for word in self._words],
            "folder": _plain(asked["cwd"] or Path.cwd()),
            "environment": [(_plain(name), _plain(value)) for name, value in asked["env"].items()],
            "umask": _umask(),
            "session": asked["start_new_session"],
            "terminal": self._terminal,
        }
        given = (asked["p2cread"], asked["c2pwrite"], asked["errwrite"])
        streams = [standard if stream == -1 else stream for standard, stream in enumerate(given)]
        self.pid, self._told = zygote().fork(request, streams)
        self._child_created = True
        pipes = ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")
        self._close_pipe_fds(*(asked[name] for name in pipes))

    def poll(self):
        """Return the status, or None while it runs."""
        return self._status(0)

    def wait(self, timeout=None):
        """Wait for the end, and return the status."""
        status = self._status(timeout)
        if status is None:
            raise subprocess.TimeoutExpired(self.args, timeout)
        return status

    def _status(self, timeout):
        if self.returncode is None and select.select([self._told], [], [], timeout)[0]:
            with self._waitpid_lock:
                if self.returncode is None:
                    self.returncode = os.waitstatus_to_exitcode(_number(self._told))
                    os.close(self._told)
        return self.returncode


def _plain(value):
    """Return a name, a text or a path as text that JSON keeps: a character a byte."""
    return os.fsencode(value).decode("latin-1")


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def start(*arguments, module="aigc_cli", terminal=False, fresh=False, **options):
    """Start `aigc ARGUMENTS` as `subprocess.Popen` would; `env` must be given.

    With `terminal`, its stdin becomes the terminal that controls it.
    """
    words = [os.fspath(word) if isinstance(word, Path) else str(word) for word in arguments]
    early = {name: value for name, value in options["env"].items() if name.startswith(EARLY)}
    if terminal:
        options["start_new_session"] = True
    if not fresh and sys.platform == "linux" and early == USUAL and set(options) <= POSSIBLE:
        return Forked(module, words, terminal=terminal, **options)
    if terminal:
        options["preexec_fn"] = functools.partial(fcntl.ioctl, 0, termios.TIOCSCTTY, 0)
    return subprocess.Popen([sys.executable, "-m", module, *words], **options)


def run(*arguments, input=None, timeout=120, **options):
    """Run `aigc ARGUMENTS` to its end and return what it said; takes what `start` takes, and text for its stdin."""
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "encoding": "utf-8"}
    with start(*arguments, **(streams | options)) as process, contextlib.ExitStack() as unfinished:
        unfinished.callback(process.kill)
        out, err = process.communicate(input, timeout=timeout)
        unfinished.pop_all()
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)
