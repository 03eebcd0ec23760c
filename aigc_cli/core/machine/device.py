"""Where tensors live: device and thread count, chosen once a command."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from aigc_cli.core.errors import Unavailable
from aigc_cli.core.machine.platform import usable_cores
from aigc_cli.core.words.messages import tr

if TYPE_CHECKING:
    import torch


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


def set_threads(count: int | None, *, processes: int = 1) -> int:
    """Set the number of CPU threads and return it; None: every core that this process may use, or its share of them.

    `processes` are those of one training on this machine.
    """
    import torch

    if count is None:
        count = max(1, usable_cores() // processes)
    torch.set_num_threads(count)
    # For the tokenizers library, when it first uses threads; having been told, it does not warn where a process forks.
    os.environ.setdefault("RAYON_NUM_THREADS", str(count))
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    return count


def take_up(name: str, threads: int | None, tell: Callable[[str], None]) -> "torch.device":
    """Set the number of threads, choose a device, `tell` both, and return the device."""
    count, device = set_threads(threads), choose_device(name)
    tell(tr("computing on {device} with {threads} threads", device=device, threads=count))
    return device


def computing_threads() -> int:
    """Return how many CPU threads tensors are computed on."""
    import torch

    return torch.get_num_threads()
