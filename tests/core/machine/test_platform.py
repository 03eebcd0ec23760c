"""What differs between systems, and that nothing but core/machine/platform.py asks which one this is."""

import ast
import ctypes
import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from aigc_cli.core.machine import platform
from aigc_cli.core.machine.platform import flush_to_disk, usable_cores

PACKAGE = Path(platform.__file__).parents[2]
# Words that only one system understands, or that answer the question which one it is.
ASKING = {"sys.platform", "os.uname", "os.name", "os.cpu_count", "os.sched_getaffinity", "os.fsync", "os.fork"}
ASKING_MODULES = {"platform", "resource", "winreg", "msvcrt"}
SYSTEM_MODULES = {"os", "fcntl", "signal", "socket", "time", "ctypes"}
SYSTEM_WORDS = ("/proc/", "/sys/", "sched_getaffinity", "mallopt", "fullfsync", "microsoft", "darwin", "win32")


def platform_questions(source: str) -> set[str]:
    """Return what a module asks of the operating system; docstrings do not count."""
    tree, found = ast.parse(source), set()
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node) in ASKING:
            found.add(ast.unparse(node))
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names} & ASKING_MODULES
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names} & ASKING | {node.module} & ASKING_MODULES
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("hasattr", "getattr"):
            about = ast.unparse(node.args[0]).split(".")[0].split("(")[0]
            found |= {ast.unparse(node)} if about in SYSTEM_MODULES and len(node.args[1:]) else set()
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            found |= {word for word in SYSTEM_WORDS if word in node.value.lower()}
    return found


def test_only_one_module_asks_which_system_this_is():
    asking = {
        path.relative_to(PACKAGE).as_posix(): found
        for path in sorted(PACKAGE.rglob("*.py"))
        if (found := platform_questions(path.read_text(encoding="utf-8")))
    }
    assert asking.keys() == {"core/machine/platform.py"}, asking


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import sys\nif sys.platform == 'linux': pass", {"sys.platform"}),
        ("from os import cpu_count", {"os.cpu_count"}),
        ("import platform", {"platform"}),
        ("if hasattr(os, 'setsid'): pass", {"hasattr(os, 'setsid')"}),
        ("open('/proc/self/statm')", {"/proc/"}),
        ("def f():\n    'Reads /proc/meminfo.'\n    return hasattr(value, 'detach')", set()),
    ],
)
def test_the_rule_catches_what_it_forbids(source, found):
    assert platform_questions(source) == found


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system binds no process to cores")
def test_a_process_bound_to_one_core_uses_one():
    program = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))});"
        "from aigc_cli.core.machine.platform import usable_cores; print(usable_cores())"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout == b"1\n"


def test_where_nothing_binds_processes_every_core_counts(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 7)
    assert usable_cores() == 7


@pytest.fixture
def flushed(monkeypatch, tmp_path):
    """A descriptor, and the list of what was asked of the system for it."""
    asked, fsync = [], os.fsync
    monkeypatch.setattr(os, "fsync", lambda descriptor: (asked.append("fsync"), fsync(descriptor)))
    with (tmp_path / "file").open("wb") as file:
        yield file.fileno(), asked


def test_linux_flushes_with_fsync(monkeypatch, flushed):
    monkeypatch.delattr(fcntl, "F_FULLFSYNC", raising=False)
    flush_to_disk(flushed[0])
    assert flushed[1] == ["fsync"]


def test_macos_flushes_the_drive_s_cache_too(monkeypatch, flushed):
    descriptor, asked = flushed
    monkeypatch.setattr(fcntl, "F_FULLFSYNC", 51, raising=False)
    monkeypatch.setattr(fcntl, "fcntl", lambda *words: asked.append(words))
    flush_to_disk(descriptor)
    assert asked == [(descriptor, 51)]


def test_a_file_system_without_the_full_flush_gets_fsync(monkeypatch, flushed):
    descriptor, asked = flushed

    def refuse(descriptor, command):
        raise OSError(45, "Operation not supported")

    monkeypatch.setattr(fcntl, "F_FULLFSYNC", 51, raising=False)
    monkeypatch.setattr(fcntl, "fcntl", refuse)
    flush_to_disk(descriptor)
    assert asked == ["fsync"]


def resident_after_freeing(first: str) -> int:
    """Return how many bytes a process still holds after it has freed 128 MiB that it had written to."""
    program = (
        f"import os; from aigc_cli.core.machine.platform import keep_freed_memory; {first};"
        "held = lambda: int(open('/proc/self/statm').read().split()[1]) * os.sysconf('SC_PAGE_SIZE');"
        "before = held(); block = bytearray(128 << 20); del block; print(held() - before)"
    )
    return int(subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout)


@pytest.mark.skipif(
    not Path("/proc/self/statm").exists() or not hasattr(ctypes.CDLL(None), "mallopt"), reason="needs Linux and glibc"
)
def test_freed_memory_is_kept_only_when_asked_for():
    assert resident_after_freeing("pass") < 1 << 20
    assert resident_after_freeing("keep_freed_memory()") > 100 << 20


@pytest.mark.parametrize(("had", "comes_to"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_threads_that_wait_rest_unless_somebody_wants_them_to_spin(had, comes_to):
    """Of every command, and before torch is loaded, for it is read just once."""
    given = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    code = (
        "import os, sys; from aigc_cli.app import main\nassert 'torch' not in sys.modules\n"
        "sys.argv[1:] = ['--version']\ntry: main()\nexcept SystemExit: print(os.environ['OMP_WAIT_POLICY'])"
    )
    environment = given | ({} if had is None else {"OMP_WAIT_POLICY": had})
    ended = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert ended.stdout.split()[-1] == comes_to


def test_the_peak_of_memory_counts_what_was_held_and_freed():
    program = (
        "from aigc_cli.core.machine.platform import peak_memory; before = peak_memory();"
        "block = bytearray(64 << 20); del block; print(peak_memory() - before)"
    )
    risen = int(subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout)
    assert 60 << 20 < risen < 80 << 20


@pytest.mark.skipif(not Path("/proc/meminfo").exists(), reason="only Linux says what memory is available")
def test_available_memory_is_less_than_all_of_it():
    assert 0 <= platform.available_memory() < os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def test_the_system_is_named_with_its_kernel():
    assert platform.system_name().split()[0] == os.uname().sysname
    assert os.uname().machine in platform.system_name()


def test_two_files_change_names_in_one_step_or_not_at_all(tmp_path):
    one, other = tmp_path / "a b", tmp_path / "é"
    one.write_text("one")
    other.write_text("other")
    if not platform.exchange(one, other):
        pytest.skip("this file system cannot")
    assert (one.read_text(), other.read_text()) == ("other", "one")
    with pytest.raises(FileNotFoundError):
        platform.exchange(one, tmp_path / "nothing")
    assert one.read_text() == "other"
