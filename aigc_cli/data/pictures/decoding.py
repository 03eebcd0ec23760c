"""Many pictures decoded at once, in their order, within one budget of bytes.

Knows nothing of where pictures come from, nor of what becomes of them.
"""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from threading import Condition

from aigc_cli.core.machine.platform import usable_cores
from aigc_cli.data.pictures.deep import Unusable
from aigc_cli.data.pictures.picture import Square, SquareShape, decoded_bytes, square_picture
from aigc_cli.data.pictures.raw import RawPicture

BUDGET = 512 * 10**6  # bytes of files and of pixels that are being decoded
WAITING = 64  # squares that wait for one before them


class ByteBudget:
    """So many bytes that threads share; `peak` is the most that were taken at once, `most` by how many takers."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.taken = self.takers = self.peak = self.most = 0
        self._changed = Condition()

    def take(self, count: int) -> int:
        """Wait until so many bytes are free, take them and return how many; more than there are means all of them."""
        count = min(count, self.limit)
        with self._changed:
            self._changed.wait_for(lambda: self.taken + count <= self.limit)
            self.taken, self.takers = self.taken + count, self.takers + 1
            self.peak, self.most = max(self.peak, self.taken), max(self.most, self.takers)
        return count

    def give_back(self, count: int) -> None:
        """Return what `take` returned."""
        with self._changed:
            self.taken, self.takers = self.taken - count, self.takers - 1
            self._changed.notify_all()


def decoded(
    pictures: Iterator[RawPicture], shape: SquareShape, budget: ByteBudget | None = None, threads: int | None = None
) -> Iterator[tuple[RawPicture, Square | Unusable]]:
    """Yield pictures, without their files' bytes, with their squares or why they cannot be used, in the same order.

    Decoded on every core (Pillow lets go of the interpreter lock), as many at once as the budget (512 MB) holds by what
    their headers say; one that is larger than the budget is decoded alone. One more file than that is in memory, the
    one that is read next.
    """
    budget = budget or ByteBudget(BUDGET)

    def decode(data: bytes, held: int) -> Square | Unusable:
        try:
            return square_picture(data, shape)
        except Unusable as problem:
            return problem
        finally:
            budget.give_back(held)

    waiting: deque[tuple[RawPicture, Future[Square | Unusable]]] = deque()
    with ThreadPoolExecutor(threads or usable_cores()) as pool:
        for raw in pictures:
            held = budget.take(len(raw.data) + decoded_bytes(raw.data, shape))
            waiting.append((replace(raw, data=b""), pool.submit(decode, raw.data, held)))
            while waiting and (len(waiting) > WAITING or waiting[0][1].done()):
                first, future = waiting.popleft()
                yield first, future.result()
        for first, future in waiting:
            yield first, future.result()
