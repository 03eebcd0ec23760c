"""Where tensors live: device and thread count, chosen once a command."""

import os
from typing import TYPE_CHECKING

from aigc_cli.core.errors import Unavailable
from aigc_cli.core.messages import tr

if TYPE_CHECKING:
    import torch

DEVICES = ("auto", "cpu", "cuda", "mps")


def choose_device(name: str) -> "torch.device":
    """Return the device for `auto|cpu|cuda|mps`; Unavailable if this machine does not have it."""
    import torch

    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(kind for kind in ("cuda", "mps", "cpu") if available[kind])
    if not available[name]:
        raise Unavailable(
            tr("--device {name}: this torch build or machine has none", name=name), tr("use --device auto")
        )
    return torch.device(name)


def set_threads(count: int | None) -> int:
    """Set the number of CPU threads (None: every core that this process may use) and return it."""
    import torch

    if count is None:
        count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    torch.set_num_threads(count)
    return count


def keep_freed_memory() -> None:
    """Tell glibc to keep freed memory: it returns every large tensor to the system, whose pages then fault anew.

    Halves the time of elementwise steps on a CPU (benchmarks/gpt_ops.py, gan_memory.py). Other C libraries have no
    mallopt.
    """
    import ctypes

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        trim_threshold, mmap_threshold = -1, -3
        mallopt(mmap_threshold, 1 << 30)
        mallopt(trim_threshold, (1 << 31) - 1)
