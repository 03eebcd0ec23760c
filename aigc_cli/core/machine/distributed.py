"""Several processes that train one model, as torchrun or Slurm start them: who is who, sums, and decisions.

Every process computes its share of each batch; what they must agree on goes through `World`. Only the first one
writes, logs and speaks. torch.distributed takes long to import, so a process on its own never does. Knows nothing
of models: whoever trains reduces its own gradients by `World.sum_`.
"""

import json
import math
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any

from aigc_cli.core.errors import AigcError, Unavailable, UsageProblem
from aigc_cli.core.words.messages import tr

if TYPE_CHECKING:
    from torch import Tensor

BUCKET_BYTES = 1 << 25
TIMEOUT = timedelta(hours=2)  # for what one process does while the others wait; a process that dies is noticed at once
LAST_SECONDS = 3
_store: Any = None


class World:
    """What a process is among the others: `rank` of `size`, and `local_rank` of `local_size` on this machine."""

    def __init__(self, rank: int = 0, size: int = 1, local_rank: int = 0, local_size: int = 1) -> None:
        self.rank, self.size, self.local_rank, self.local_size = rank, size, local_rank, local_size

    @property
    def is_main(self) -> bool:
        """Whether this is the process that writes, logs and speaks."""
        return self.rank == 0

    def sum_(self, tensors: "Sequence[Tensor]") -> None:
        """Replace each tensor by its sum over all processes, in flat buckets; every process gets the same bits."""
        if self.size == 1:
            return
        import torch
        from torch.distributed import all_reduce

        with _talking():
            for bucket in _buckets(tensors):
                flat = torch.cat([tensor.reshape(-1) for tensor in bucket])
                all_reduce(flat)
                parts = torch.split(flat, [tensor.numel() for tensor in bucket])
                for tensor, part in zip(bucket, parts, strict=True):
                    tensor.copy_(part.view_as(tensor))

    def mean_(self, tensors: "Sequence[Tensor]") -> None:
        """Replace each tensor by its mean over all processes."""
        if self.size == 1:
            return
        import torch

        self.sum_(tensors)
        torch._foreach_div_(list(tensors), self.size)

    def totals(self, *numbers: float) -> list[float]:
        """Return the sums of some numbers over all processes, in float64."""
        return self._reduced(numbers, "SUM")

    def highest(self, *numbers: float) -> list[float]:
        """Return the largest of each number over all processes."""
        return self._reduced(numbers, "MAX")

    def _reduced(self, numbers: Sequence[float], how: str) -> list[float]:
        if self.size == 1:
            return list(numbers)
        import torch
        from torch.distributed import ReduceOp, all_reduce

        values = torch.tensor(numbers, dtype=torch.float64)
        with _talking():
            all_reduce(values, getattr(ReduceOp, how))
        return values.tolist()

    def decided(self, value: Any) -> Any:
        """Return the first process's value (anything that JSON holds) on every process."""
        if self.size == 1:
            return value
        import torch
        from torch.distributed import broadcast

        text = json.dumps(value).encode() if self.is_main else b""
        size = torch.tensor([len(text)])
        with _talking():
            broadcast(size, 0)
            letters = torch.zeros(int(size), dtype=torch.uint8)
            if self.is_main:
                letters = torch.frombuffer(bytearray(text), dtype=torch.uint8)
            broadcast(letters, 0)
        return json.loads(bytes(letters.tolist()))

    def wait(self) -> None:
        """Go on when every process has come here."""
        self.totals(0.0)

    @contextmanager
    def main_first(self) -> Iterator[None]:
        """Run the body on the first process, then on the others: what it writes once, they find and read."""
        if not self.is_main:
            self.wait()
        yield
        if self.is_main:
            self.wait()


ALONE = World()


@contextmanager
def joined(device: str) -> Iterator[World]:
    """Yield this process's world, joined to the others' while the body runs.

    torchrun says by environment variables who is who; without them a process is alone and nothing is imported.
    """
    world = _told()
    if world.size == 1:
        yield world
        return
    import torch
    import torch.distributed

    global _store
    distributed: Any = torch.distributed
    if not distributed.is_available():
        raise Unavailable(tr("this torch build cannot train in several processes"), tr("install another, or run one"))
    _store, _, _ = next(distributed.rendezvous("env://", world.rank, world.size, timeout=TIMEOUT))
    backend = "gloo"
    if device in ("auto", "cuda") and torch.cuda.is_available():
        if world.local_rank >= torch.cuda.device_count():
            raise Unavailable(
                tr(
                    "{count} processes on a machine with {found} GPUs",
                    count=world.local_size,
                    found=torch.cuda.device_count(),
                ),
                tr("start one process for each, or --device cpu"),
            )
        torch.cuda.set_device(world.local_rank)
        backend = "cpu:gloo,cuda:nccl"
    elif device == "mps" or (device == "auto" and torch.backends.mps.is_available()):
        raise UsageProblem(tr("--device mps trains in one process only"), tr("use --device cpu"))
    inner = distributed.PrefixStore("group", _store)
    with _talking():
        distributed.init_process_group(backend, store=inner, rank=world.rank, world_size=world.size, timeout=TIMEOUT)
    yield world
    distributed.destroy_process_group()  # not after an error: the others may be gone, and this process goes too


def verdict(status: int) -> tuple[int, bool]:
    """Return the exit status of a process that fails with `status`, and whether it is the one that says why.

    The process that failed first speaks and gives all the others, which fail because of it, its status. These wait a
    moment, for a launcher ends all processes as soon as one has gone, be it in the middle of a word.
    """
    world = _told()
    if world.size == 1:
        return status, True
    if _store is None:  # before anything but the command line was read: most likely all fail alike
        return status, world.is_main or not _ended_by_launcher()
    try:
        first = json.loads(_store.compare_set("failed", "", json.dumps([world.rank, status])))
    except RuntimeError:  # the process that kept the store has gone
        return status, True
    speaks = first[0] == world.rank
    if not speaks:
        _ended_by_launcher()
    return int(first[1]), speaks


def _ended_by_launcher() -> bool:
    """Wait a moment for TERM, and return whether it came."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGALRM})
    signal.alarm(LAST_SECONDS)
    return signal.sigwait({signal.SIGTERM, signal.SIGALRM}) == signal.SIGTERM


def several() -> bool:
    """Whether this process is one of several."""
    return _told().size > 1


def leads() -> bool:
    """Whether this process is the one that writes, logs and speaks, told before it has joined the others."""
    return _told().is_main


def _told() -> World:
    try:
        rank, size, local_rank, local_size = (
            int(os.environ.get(name, default))
            for name, default in (("RANK", 0), ("WORLD_SIZE", 1), ("LOCAL_RANK", 0), ("LOCAL_WORLD_SIZE", 1))
        )
    except ValueError:
        return World()
    return World(rank, size, local_rank, local_size) if 0 <= rank < size else World()


@contextmanager
def _talking() -> Iterator[None]:
    """Turn what torch says about a process that has gone into one line."""
    try:
        yield
    except RuntimeError as error:
        raise AigcError(
            tr("lost the other processes of this training: {why}", why=error), tr("see what they said")
        ) from error


def _buckets(tensors: "Sequence[Tensor]") -> "Iterator[list[Tensor]]":
    """Yield runs of tensors of one type and device, of at most BUCKET_BYTES unless a single one is larger."""
    for _, alike in groupby(tensors, key=lambda tensor: (tensor.dtype, tensor.device)):
        bucket: list[Tensor] = []
        size = 0
        for tensor in alike:
            nbytes = math.prod(tensor.shape) * tensor.element_size()
            if bucket and size + nbytes > BUCKET_BYTES:
                yield bucket
                bucket, size = [], 0
            bucket.append(tensor)
            size += nbytes
        yield bucket
