"""A forked command is what a process of its own would be: its surroundings, its numbers, its end."""

import json
import os
import pty
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from tests import forked

# What a process can know of itself; `values` are numbers that depend on how torch and numpy were loaded.
PROBE = """
import sys
loaded = sorted({name.split(".")[0] for name in sys.modules} & {"torch", "aigc_cli", "runpy"})
import gc, hashlib, json, locale, os, random, resource, signal, tempfile, threading, time
threads = len(os.listdir("/proc/self/task"))
descriptors = sorted(name for name in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{name}"))

chance = [random.random(), os.getpid()]

def stream(name):
    stream = getattr(sys, name)
    assert stream is getattr(sys, f"__{name}__")
    keys = ("name", "mode", "encoding", "errors", "line_buffering", "write_through", "newlines", "closed")
    found = {key: getattr(stream, key) for key in keys}
    return {**found, "seekable": stream.seekable(), "isatty": stream.isatty(), "raw": stream.buffer.raw.name,
            "file": os.readlink(f"/proc/self/fd/{stream.fileno()}").split(":")[0]}

def sums():
    import numpy, torch
    values = {"threads": (torch.get_num_threads(), torch.get_num_interop_threads())}
    values["parallel"] = torch.__config__.parallel_info()
    chance.append(torch.initial_seed())
    torch.manual_seed(3)
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 16, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(3136, 9))
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.01)
    net(torch.randn(16, 3, 16, 16)).logsumexp(1).square().mean().backward()
    optimizer.step()
    values["net"] = hashlib.sha256(b"".join(p.detach().numpy().tobytes() for p in net.parameters())).hexdigest()
    a = numpy.random.default_rng(3).normal(size=(60, 60))
    parts = (*numpy.linalg.eigh(a @ a.T), torch.linalg.svdvals(torch.tensor(a)).numpy())
    values["algebra"] = hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()
    return values

mask = os.umask(0)
found = {
    "argv": sys.argv, "orig_argv": sys.orig_argv, "flags": list(sys.flags), "path": sys.path,
    "main": [__name__, __file__, __spec__.name, sys.modules["__main__"].__spec__.name],
    "environment": {name.hex(): value.hex() for name, value in os.environb.items()},
    "folder": os.getcwd(), "mask": mask, "session": os.getsid(0) == os.getpid(), "group": os.getpgrp() == os.getpid(),
    "streams": [stream(name) for name in ("stdin", "stdout", "stderr")],
    "encodings": [sys.getfilesystemencoding(), sys.getfilesystemencodeerrors(), locale.getencoding(),
                  locale.setlocale(locale.LC_ALL)],
    "signals": {int(s): str(signal.getsignal(s)) for s in signal.valid_signals() if str(signal.getsignal(s))[0] != "<"},
    "interrupt": signal.getsignal(signal.SIGINT) is signal.default_int_handler,
    "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])), "wakeup": signal.set_wakeup_fd(-1),
    "limits": {name: resource.getrlimit(getattr(resource, name)) for name in dir(resource) if name[:7] == "RLIMIT_"},
    "descriptors": descriptors, "threads": [threads, threading.active_count()],
    "temporary": tempfile.gettempdir(), "zone": time.strftime("%H:%M %Z", time.localtime(0)),
    "nice": os.nice(0), "cores": sorted(os.sched_getaffinity(0)), "garbage": [gc.isenabled(), gc.get_threshold()],
}
if "sums" in sys.argv:
    found["values"] = sums()
print(json.dumps({"found": found, "loaded": loaded, "chance": chance}))
"""
WHOLE = {"PATH": os.environ["PATH"], "LC_ALL": "C"}


@pytest.fixture
def program(tmp_path):
    """Writes a module into the folder, and runs it."""

    def run(text, *words, env=WHOLE, **options):
        (tmp_path / "probe.py").write_text(text)
        return forked.run(*words, module="probe", cwd=tmp_path, env=env, **options)

    return run


@pytest.fixture
def started(tmp_path):
    """Writes a module into the folder, and starts it."""

    def start(text, **options):
        (tmp_path / "probe.py").write_text(text)
        streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "encoding": "utf-8"}
        return forked.start(module="probe", cwd=tmp_path, env=WHOLE, **(streams | options))

    return start


def both(program, *arguments, **options):
    """Run a program forked and fresh, and return what each did."""
    done = [program(*arguments, **options, fresh=fresh) for fresh in (False, True)]
    return [(one.returncode, one.stdout, one.stderr) for one in done]


class TestSurroundings:
    def found(self, program, *words, **options):
        fork, fresh = both(program, PROBE, *words, **options)
        assert (fork[0], fork[2], fresh[0], fresh[2]) == (0, "", 0, "")
        fork, fresh = json.loads(fork[1]), json.loads(fresh[1])
        assert fork["found"] == fresh["found"]
        assert all(one != other for one, other in zip(fork["chance"], fresh["chance"], strict=True))
        return fork, fresh

    def test_numbers_and_all_else_are_the_same_to_the_bit_and_nothing_of_aigc_is_loaded(self, program):
        fork, fresh = self.found(program, "sums", "é\udc80", "")
        assert fork["loaded"] == ["runpy", "torch"]
        assert fresh["loaded"] == ["runpy"]
        assert fork["found"]["argv"][1:] == ["sums", "é\udc80", ""]
        assert fork["found"]["threads"] == [1, 1]
        assert fork["found"]["descriptors"] == ["0", "1", "2"]

    def test_the_environment_and_what_is_read_from_it(self, program, tmp_path):
        (tmp_path / "own").mkdir()
        environment = {**WHOLE, "TZ": "XYZ-3", "TMPDIR": str(tmp_path / "own"), "HOME": "/é\udc80", "EMPTY": ""}
        fork, _ = self.found(program, env=environment)
        assert fork["found"]["zone"] == "03:00 XYZ"
        assert fork["found"]["temporary"] == str(tmp_path / "own")

    def test_umask_session_and_streams(self, program, tmp_path):
        (tmp_path / "in").write_text("words")
        mask = os.umask(0o027)
        try:
            with (tmp_path / "in").open() as given:
                fork, _ = self.found(program, start_new_session=True, stdin=given)
        finally:
            os.umask(mask)
        assert (fork["found"]["mask"], fork["found"]["session"]) == (0o027, True)
        assert fork["found"]["streams"][0]["seekable"]

    @pytest.mark.parametrize("fresh", [False, True])
    def test_a_terminal_controls_it(self, started, fresh):
        terminal, inner = pty.openpty()
        program = "import os, sys; print(os.tcgetpgrp(0) == os.getpid(), sys.stdin.isatty(), sys.stdout.line_buffering)"
        with started(program, stdin=inner, stdout=inner, stderr=inner, terminal=True, fresh=fresh) as process:
            os.close(inner)
            assert os.read(terminal, 100) == b"True True True\r\n"
            assert process.wait(60) == 0
        os.close(terminal)

    @pytest.mark.parametrize("name", ["LC_ALL", "LANG", "PYTHONHASHSEED", "OMP_NUM_THREADS", "TORCH_LOGS"])
    def test_what_is_read_before_a_command_runs_makes_it_fresh(self, program, name):
        done = program(PROBE, env={**WHOLE, name: "1"})
        assert json.loads(done.stdout)["loaded"] == ["runpy"]
        assert done.args[1:] == ["-m", "probe"]


class TestEnd:
    @pytest.mark.parametrize(
        ("program_text", "status"),
        [
            ("print('a', end='')", 0),
            ("import sys; print('a', end=''); sys.exit(66)", 66),
            ("import sys; sys.exit(-2)", 254),
            ("import sys; sys.exit('a reason')", 1),
            ("raise KeyError('a')", 1),
            ("import os; os._exit(9)", 9),
            ("import os; os.kill(os.getpid(), 15)", -15),
            ("import os, signal; signal.signal(2, signal.default_int_handler); os.kill(os.getpid(), 2)", -2),
            ("import os, signal; signal.raise_signal(signal.SIGPIPE); print('still here')", 0),
            ("import atexit, sys; atexit.register(print, 'b'); print('a'); sys.exit(3)", 3),
            ("import threading, time; threading.Timer(0.05, print, 'b').start(); print('a')", 0),
            ("import os, sys; os.close(1); print('unheard'); sys.exit(5)", 120),
            ("import sys; sys.stdout.close(); sys.exit(5)", 5),
            ("class A:\n def __del__(self): print('b')\na = A(); a.a = a; del a", 0),
        ],
    )
    def test_status_and_last_words(self, program, program_text, status):
        fork, fresh = both(program, program_text)
        assert fork[0] == fresh[0] == status
        assert fork[1] == fresh[1]
        assert fork[2].splitlines()[-1:] == fresh[2].splitlines()[-1:]  # above it, the way to the program

    def test_it_can_be_waited_for_asked_signalled_and_left(self, started):
        with started("print('here', flush=True); input()") as process:
            assert process.stdout.readline() == "here\n"
            assert process.poll() is None
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.01)
            os.kill(process.pid, 0)
            process.terminate()
            assert process.wait() == process.poll() == -signal.SIGTERM
            process.kill()  # of what has ended: nothing

    def test_stdin_is_given_and_ends(self, program):
        assert (
            both(program, "import sys; print(sys.stdin.read()[::-1])", input="é" * 100_000)[0][1]
            == "é" * 100_000 + "\n"
        )

    def test_many_at_once_leave_nothing_open(self, started):
        before = len(list(Path("/proc/self/fd").iterdir()))
        processes = [started(f"import sys; sys.exit({number})") for number in range(20)]
        ended = {}
        waiters = [
            threading.Thread(target=lambda n=n, p=p: ended.update({n: p.communicate(timeout=60) and p.returncode}))
            for n, p in enumerate(processes)
        ]
        for waiter in waiters:
            waiter.start()
        for waiter in waiters:
            waiter.join()
        assert sorted(ended) == list(range(20))
        assert len(list(Path("/proc/self/fd").iterdir())) == before
