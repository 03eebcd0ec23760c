"""What differs between Linux, macOS and Linux under Windows (WSL): the only place that asks the operating system.

Callers say what they need and never which system they are on; a test reads every other module and holds that. What
needs no branch is not here: processes are spawned everywhere (macOS cannot fork once Metal is in use), and what must
be float64 is moved to the CPU first (Metal has no float64). Loads nothing heavy.
"""

import errno
import fcntl
import os
import sys
from pathlib import Path


def usable_cores() -> int:
    """Return how many cores this process may use: on Linux those left to it by taskset, Slurm or a container."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def computed_seconds() -> tuple[float, float] | None:
    """Return the seconds computed so far for anybody on the cores that this process may use, and how many those are.

    None where the system does not say (macOS). What another virtual machine took of a core counts, waiting for a disk
    does not. Of a container with a quota it is the container's own processes and the quota: what others do on the
    machine is not taken from that.
    """
    return _of_the_quota() or _of_the_cores()


def _of_the_cores() -> tuple[float, float] | None:
    try:
        lines = Path("/proc/stat").read_text().splitlines()
        mine = {f"cpu{number}" for number in os.sched_getaffinity(0)}
        counts = [[int(part) for part in line.split()[1:9]] for line in lines if line.split(" ")[0] in mine]
        ticks = os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, AttributeError):
        return None
    if not counts or any(len(count) < 8 for count in counts):
        return None
    idle, waiting = 3, 4
    return sum(sum(count) - count[idle] - count[waiting] for count in counts) / ticks, float(len(counts))


def _of_the_quota() -> tuple[float, float] | None:
    """Return seconds and cores of the control group (version 2, or 1); None where it has no quota."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        used = dict(line.split() for line in Path("/sys/fs/cgroup/cpu.stat").read_text().splitlines())
        return int(used["usage_usec"]) / 1e6, int(quota) / int(period)
    except (OSError, ValueError, KeyError, ZeroDivisionError):  # no quota is the word max
        pass
    try:
        quota, period = (Path(f"/sys/fs/cgroup/cpu/cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
        used_nanoseconds = int(Path("/sys/fs/cgroup/cpuacct/cpuacct.usage").read_text())
        return (used_nanoseconds / 1e9, int(quota) / int(period)) if int(quota) > 0 else None
    except (OSError, ValueError, ZeroDivisionError):
        return None


def flush_to_disk(descriptor: int) -> None:
    """Return when the file or folder is on the disk itself.

    On macOS `fsync` stops at the drive's own cache and F_FULLFSYNC does not; file systems that cannot do it (network
    shares) get `fsync`.
    """
    full = getattr(fcntl, "F_FULLFSYNC", None)
    if full is not None:
        try:
            fcntl.fcntl(descriptor, full)
        except OSError:
            pass
        else:
            return
    os.fsync(descriptor)


def exchange(one: Path, other: Path) -> bool:
    """Let two files change names in one step, and return whether it was done: not every file system can.

    Linux calls it renameat2, macOS renamex_np.
    """
    import ctypes

    library, names = ctypes.CDLL(None, use_errno=True), (os.fsencode(one), os.fsencode(other))
    if hasattr(library, "renameat2"):
        here, swap = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
        failed = library.renameat2(here, names[0], here, names[1], swap)
    elif hasattr(library, "renamex_np"):
        failed = library.renamex_np(*names, 2)  # RENAME_SWAP
    else:
        return False
    number = ctypes.get_errno() if failed else 0
    if number in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
        return False
    if number:
        raise OSError(number, os.strerror(number), str(other))
    return True


def rest_while_waiting() -> None:
    """Let threads that wait for the others of a computation sleep: to be called before torch is loaded.

    By default they spin for milliseconds, so that where another process has one of the cores both wait for the wrong
    one, and a training on two cores takes three times as long and more, instead of less than twice
    (benchmarks/gan_busy.py). Whoever has set OMP_WAIT_POLICY keeps it.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def keep_freed_memory() -> None:
    """Tell glibc to keep freed memory: it returns every large tensor to the system, whose pages then fault anew.

    Halves the time of elementwise steps on a CPU (benchmarks/gpt_ops.py, gan_memory.py). The C
    library of macOS has no mallopt and is left as it is.
    """
    import ctypes

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        trim_threshold, mmap_threshold = -1, -3
        mallopt(mmap_threshold, 1 << 30)
        mallopt(trim_threshold, (1 << 31) - 1)


def peak_memory() -> int:
    """Return the most bytes that this process has held at one time.

    Linux tells it in /proc: its getrusage starts from what the parent held when it started the process.
    """
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8", errors="replace").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        import resource

        unit = 1 if sys.platform == "darwin" else 1024
        return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def available_memory() -> int | None:
    """Return the bytes that a new process can have, None where the system does not say (macOS).

    What Linux says is available, or what the control group leaves (a container, a Slurm job).
    """
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        system = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError):
        return None
    try:
        limit = int(Path("/sys/fs/cgroup/memory.max").read_text())
        used = int(Path("/sys/fs/cgroup/memory.current").read_text())
    except (OSError, ValueError):  # no limit is the word max
        return system
    return min(system, max(0, limit - used))


def processor_features() -> set[str]:
    """Return what the processor can do, in the words of /proc/cpuinfo or of sysctl; empty where neither is there."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return _sysctl_features()
    return {word for line in text.splitlines() if line.startswith(("flags", "Features")) for word in line.split()}


def _sysctl_features() -> set[str]:
    import subprocess

    try:
        done = subprocess.run(["sysctl", "hw.optional.arm"], capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.SubprocessError):
        return set()
    pairs = (line.partition(": ") for line in done.stdout.splitlines())
    return {name.rpartition(".")[2] for name, _, value in pairs if value == "1"}


def may_have_accelerator() -> bool:
    """Return whether it is worth asking torch for a device: an NVIDIA driver, WSL's GPU, or Metal."""
    return sys.platform == "darwin" or any(Path(name).exists() for name in ("/dev/nvidiactl", "/dev/dxg"))


def system_name() -> str:
    """Return the system, its release and the machine in words; a release that names Microsoft is WSL's."""
    about = os.uname()
    return f"{about.sysname} {about.release} {about.machine}"
