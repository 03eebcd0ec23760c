"""What one step of training sees: a pure function of the seed and the step, so there is no loader state.

`WindowData` cuts windows out of running text; `DialogueData` pads conversations of similar length together, with the
person's own tokens as targets. Knows nothing of models or optimizers.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from aigc_cli.core.errors import BadData
from aigc_cli.core.seeding import stream
from aigc_cli.core.words.messages import tr
from aigc_cli.data.tokens import Tokens, Vector

LENGTH_BLUR = 0.25


@dataclass(frozen=True)
class Batch:
    """Rows of T + 1 tokens, right-padded, and the places whose next token is a target, (B, T) bool.

    `rows` are the indices of the sequences in the data; windows have none.
    """

    tokens: Tensor
    predicts_BT: Tensor
    rows: tuple[int, ...] = ()

    def parts(self, count: int) -> "list[Batch]":
        """Return the rows in at most `count` parts of nearly equal size."""
        size = -(-len(self.tokens) // count)
        return [
            Batch(self.tokens[i : i + size], self.predicts_BT[i : i + size], self.rows[i : i + size])
            for i in range(0, len(self.tokens), size)
        ]

    def share(self, rank: int, size: int) -> "Batch":
        """Return the rows of process `rank` of `size`: the same number for each, so that all compute as many parts.

        Where the rows do not go round, the first one takes the missing places, with nothing to predict.
        """
        if size == 1:
            return self
        count = -(-len(self.tokens) // size)
        own = range(rank * count, (rank + 1) * count)
        index = torch.tensor([row if row < len(self.tokens) else 0 for row in own])
        real = torch.tensor([[row < len(self.tokens)] for row in own])
        rows = tuple(self.rows[row] for row in index.tolist()) if self.rows else ()
        return Batch(self.tokens[index], self.predicts_BT[index] & real, rows)

    @property
    def inputs_BT(self) -> Tensor:
        """All tokens but the last of each row, which is only ever predicted."""
        return self.tokens[:, :-1]

    def targets(self) -> Tensor:
        """Return the tokens to predict, one for each true place, in row order."""
        return self.tokens[:, 1:][self.predicts_BT]


class TrainingData(Protocol):
    """Where batches come from."""

    def batch(self, step: int) -> Batch:
        """Return the batch of a step."""


class WindowData:
    """Windows of running text: every token of a window is predicted from those before it."""

    def __init__(self, tokens: Tokens, context: int, batch_size: int, seed: int) -> None:
        if len(tokens) < context + 2:
            raise BadData(
                tr("{count} tokens of text; windows of {context} need more", count=len(tokens), context=context),
                tr("add text or lower --context"),
            )
        self._tokens = tokens
        self._context, self._batch_size, self._seed = context, batch_size, seed

    def batch(self, step: int) -> Batch:
        """Return windows at places drawn from the stream of this step."""
        generator = stream(self._seed, "batch", step)
        starts = torch.randint(0, len(self._tokens) - self._context, (self._batch_size,), generator=generator)
        return _window_batch(torch.from_numpy(self._tokens.read(starts.tolist(), self._context + 1)))


def _window_batch(tokens: Tensor) -> Batch:
    return Batch(tokens, torch.ones_like(tokens[:, 1:], dtype=torch.bool))


def text_windows(tokens: Vector | Sequence[int], context: int, batch_size: int) -> list[Batch]:
    """Return the whole of a text as windows in order, each token but the first predicted exactly once."""
    whole = torch.from_numpy(np.asarray(tokens, np.int64))
    windows = [whole[i : i + context + 1] for i in range(0, len(whole) - 1, context)]
    full = [window for window in windows if len(window) == context + 1]
    batches = [_window_batch(torch.stack(full[i : i + batch_size])) for i in range(0, len(full), batch_size)]
    return batches + [_window_batch(window[None]) for window in windows if len(window) <= context]


class DialogueData:
    """Conversations: each is seen once an epoch, in batches of similar length so that little padding is computed."""

    def __init__(self, sequences: Sequence[tuple[list[int], list[bool]]], batch_size: int, seed: int) -> None:
        if not sequences:
            raise BadData(tr("no turns of the person to learn from"), tr("prepare a chat in which the subject speaks"))
        self._sequences = sequences
        self._batch_size, self._seed = batch_size, seed
        self.batches_per_epoch = math.ceil(len(sequences) / batch_size)
        self._plan = lru_cache(maxsize=2)(self._epoch)

    def batch(self, step: int) -> Batch:
        """Return the conversations of a step; epochs follow each other without a seam."""
        epoch, index = divmod(step, self.batches_per_epoch)
        return padded(self._sequences, self._plan(epoch)[index])

    def _epoch(self, epoch: int) -> list[list[int]]:
        generator = stream(self._seed, "epoch", epoch)
        lengths = torch.tensor([len(ids) for ids, _ in self._sequences])
        # Lengths are blurred before sorting, so that every epoch mixes its batches anew.
        blurred = lengths * (1 + LENGTH_BLUR * torch.rand(len(lengths), generator=generator))
        near = blurred.argsort().tolist()
        plan = [near[i : i + self._batch_size] for i in range(0, len(near), self._batch_size)]
        return [plan[i] for i in torch.randperm(len(plan), generator=generator).tolist()]


def padded(sequences: Sequence[tuple[list[int], list[bool]]], rows: Sequence[int]) -> Batch:
    """Return some sequences as one right-padded batch. Padding is never seen: attention is causal."""
    longest = max(len(sequences[row][0]) for row in rows)
    tokens = torch.zeros(len(rows), longest, dtype=torch.long)
    predicts = torch.zeros(len(rows), longest - 1, dtype=torch.bool)
    for place, row in enumerate(rows):
        ids, is_target = sequences[row]
        tokens[place, : len(ids)] = torch.tensor(ids)
        predicts[place, : len(ids) - 1] = torch.tensor(is_target[1:])
    return Batch(tokens, predicts, tuple(rows))


def ordered(sequences: Sequence[tuple[list[int], list[bool]]], batch_size: int) -> list[Batch]:
    """Return all sequences in batches of similar length: for evaluation, where order does not matter."""
    order = sorted(range(len(sequences)), key=lambda index: len(sequences[index][0]))
    return [padded(sequences, order[i : i + batch_size]) for i in range(0, len(order), batch_size)]
