"""What others take of the processor: from recorded numbers, from a system's files, and from busy processes."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from aigc_cli.core.machine.load import FULL, TAKEN, Load, Look, between, in_words, look
from aigc_cli.core.machine.platform import computed_seconds, usable_cores

# Of a training on two threads of two cores, beside other trainings.
BEFORE = Look(at=25270.996, everybody=42465.85, own=1.91, cores=2.0)
AFTER = Look(at=25277.041, everybody=42477.95, own=4.32, cores=2.0)


def test_what_was_recorded_beside_other_trainings():
    load = between(BEFORE, AFTER)
    assert load.others == pytest.approx((12.10 - 2.41) / 6.045, abs=1e-6)
    assert load.own == pytest.approx(2.41 / 6.045, abs=1e-6)
    assert in_words(load, 2) == "the machine is busy: others take 80% of 2 cores"


@pytest.mark.parametrize(
    ("load", "threads", "said"),
    [
        (Load(0.05, 1.90, 2.0), 2, ""),  # alone
        (Load(0.30, 1.60, 2.0), 2, ""),  # a browser, now and then
        (Load(0.96, 1.02, 2.0), 2, "others take 48% of 2 cores"),  # two trainings share
        (Load(0.96, 0.98, 2.0), 1, ""),  # one thread has its core
        (Load(30.0, 16.0, 64.0), 64, ""),  # much room is left
        (Load(62.0, 2.0, 64.0), 2, ""),  # a full machine, but nobody has to wait
        (Load(50.0, 14.0, 64.0), 64, "others take 78% of 64 cores"),
        (Load(1.0, 0.4, 1.5), 2, "others take 67% of 1.5 cores"),  # a container's quota
        (Load(0.1, 0.5, 2.0), 2, ""),  # it waits for a disk or a GPU
        (Load(2.1, 0.1, 2.0), 2, "others take 100% of 2 cores"),
    ],
)
def test_it_is_said_where_it_matters_alone(load, threads, said):
    assert in_words(load, threads).endswith(said) and bool(in_words(load, threads)) == bool(said)


def test_noise_of_a_quiet_machine_does_not_reach_what_is_said():
    assert in_words(Load(TAKEN * 2 - 0.01, 2 * FULL - 0.4, 2.0), 2) == ""


@pytest.mark.parametrize(
    "after",
    [
        AFTER._replace(everybody=BEFORE.everybody),  # a system that writes zeros
        AFTER._replace(cores=1.0),  # given another number of cores meanwhile
        AFTER._replace(at=BEFORE.at),
    ],
)
def test_numbers_that_cannot_be_say_nothing(after):
    assert between(BEFORE, after) is None


STAT = "cpu  500 60 70 900 50 5 6 7 0 0\ncpu0 400 30 20 300 40 1 2 3 0 0\ncpu1 100 30 50 600 10 4 4 4 9 9\nintr 1 2\n"


@pytest.fixture
def system(monkeypatch):
    """Call with the files that there are."""

    def pretend(files, cores=frozenset({0, 1})):
        def read(path, **_):
            if str(path) not in files:
                raise FileNotFoundError(path)
            return files[str(path)]

        monkeypatch.setattr(os, "sched_getaffinity", lambda process: cores, raising=False)
        monkeypatch.setattr(os, "sysconf", lambda name: 100)
        monkeypatch.setattr(Path, "read_text", read)

    return pretend


def test_waiting_and_idling_are_no_computing_and_only_own_cores_count(system):
    system({"/proc/stat": STAT})
    assert computed_seconds() == (pytest.approx(4.56 + 1.92), 2.0)
    system({"/proc/stat": STAT}, cores={1})
    assert computed_seconds() == (pytest.approx(1.92), 1.0)


def test_of_a_container_its_quota_counts_and_not_the_machine(system):
    new = {"/sys/fs/cgroup/cpu.max": "150000 100000\n", "/sys/fs/cgroup/cpu.stat": "usage_usec 2500000\nuser_usec 1\n"}
    system({"/proc/stat": STAT, **new})
    assert computed_seconds() == (2.5, 1.5)
    system({"/proc/stat": STAT, **new, "/sys/fs/cgroup/cpu.max": "max 100000\n"})
    assert computed_seconds() == (pytest.approx(6.48), 2.0)
    old = {
        "cpu/cpu.cfs_quota_us": "400000\n",
        "cpu/cpu.cfs_period_us": "100000\n",
        "cpuacct/cpuacct.usage": "3000000000",
    }
    old = {f"/sys/fs/cgroup/{name}": text for name, text in old.items()}
    system({"/proc/stat": STAT, **old})
    assert computed_seconds() == (3.0, 4.0)
    system({"/proc/stat": STAT, **old, "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n"})
    assert computed_seconds() == (pytest.approx(6.48), 2.0)


@pytest.mark.parametrize("stat", [None, "", "cpu0 1 2 3\n", "cpu0 a b c d e f g h\n"])
def test_where_the_system_does_not_say_nothing_is_said(system, stat):
    system({} if stat is None else {"/proc/stat": stat})
    assert (computed_seconds(), look()) == (None, None)


def test_processes_that_compute_are_seen():
    before = look()
    if before is None:
        pytest.skip("this system does not say what is computed")
    work = "import time\nend = time.time() + 1.2\nwhile time.time() < end: pass"
    busy = [subprocess.Popen([sys.executable, "-c", work]) for _ in range(usable_cores())]
    for process in busy:
        process.wait()
    load = between(before, look())
    assert load.others > 0.5 * load.cores
    assert load.own < 0.3
    assert in_words(load, usable_cores())


def test_what_this_process_computes_is_not_of_others():
    before, end = look(), time.process_time() + 0.3
    while time.process_time() < end:
        pass
    if before is None:
        pytest.skip("this system does not say what is computed")
    after = look()
    assert after.own - before.own == pytest.approx(0.3, abs=0.1)
    assert between(before, after).own > 0
