"""The lower, untrained blocks of a model, computed once for each conversation instead of once a step.

When only upper blocks are adapted, what enters them never changes. Computed in a fixed order, so a resumed run has
bit-equal values. Knows nothing of losses.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from aigc_cli.gpt.batches import Batch, ordered
from aigc_cli.gpt.model import GptModel

# Above this the stored states are larger than they are worth (about 300 MB for a width of 576, in float32).
MAX_TOKENS = 130_000
ROWS = 16


class PrefixStates:
    """The residual stream that enters block `blocks`, for every token but the last of some sequences."""

    def __init__(self, model: GptModel, sequences: Sequence[tuple[list[int], list[bool]]], blocks: int) -> None:
        lengths = torch.tensor([len(ids) - 1 for ids, _ in sequences])
        self._starts = lengths.cumsum(0) - lengths
        self._lengths = lengths
        total = int(lengths.sum())
        self._states_NC = torch.empty(total, model.config.width, dtype=model.norm.dtype)
        with torch.no_grad():
            for batch in ordered(sequences, ROWS):
                states_BTC = model.run_blocks(model.embedded(batch.inputs_BT.to(model.norm.device)), 0, blocks)
                for states_TC, row in zip(states_BTC, batch.rows, strict=True):
                    start, length = int(self._starts[row]), int(lengths[row])
                    self._states_NC[start : start + length] = states_TC[:length]

    def gather(self, batch: Batch) -> Tensor:
        """Return the states of a batch, (B, T, C); padding repeats what is there, and is never looked at."""
        rows = torch.tensor(batch.rows)
        offsets = torch.arange(batch.inputs_BT.shape[1])
        inside = torch.minimum(offsets, self._lengths[rows, None] - 1)
        return self._states_NC[self._starts[rows, None] + inside]
