"""What a training from scratch will need, from its settings alone: parameters, tokens, memory, disk.

Arithmetic, so that a plan costs no time: imports no torch. `benchmarks/gpt_memory.py` holds it to what is measured.
Knows one process on a processor; on an accelerator all but `PROCESS_BYTES` and the text lie in its memory.
"""

import math
from dataclasses import dataclass
from typing import Any

from aigc_cli.config.train_gpt import TrainGptSettings

FLOAT = 4
# A process that has loaded Python, torch and the tokenizer's library, and computed something: most of it is torch,
# here one that can do CUDA; one for processors alone takes some 200 MB less.
PROCESS_BYTES = 630_000_000
# What comes and goes in a step leaves holes in the heap that the next does not quite fill (fitted to nano..base).
HOLES = 1.25
EVALUATION_ROWS = 16
# Tokens that a character tokenizer has beside one for each character of an alphabet: special ones and all bytes.
SPECIAL_AND_BYTES = 259
ALPHABET = 100
_LOSS_CHUNK, _WRITTEN_OUT_TOKENS = 256, 128  # as in `functions`
_IN_MEMORY_BYTES = 32 << 20  # as in `data.textset`
_TOKENIZING_BYTES = 110_000_000  # a group of texts, with all that the library says of each token
_SHARD_BYTES = 32 << 20


def mlp_width(width: int) -> int:
    """Return the width of the hidden layer of SwiGLU: 8/3 of the model's, so that it has the values of a plain one."""
    return -(-width * 8 // 3 // 32) * 32


def is_tied(vocabulary: int) -> bool:
    """Whether the head is the embedding; for so few tokens as characters are, one of its own learns faster."""
    return vocabulary >= 2000


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Sizes: width, blocks, a head, all query heads together, all key heads together, hidden layer, tokens."""

    width: int
    layers: int
    head: int
    queries: int
    keys: int
    mlp: int
    vocabulary: int

    @property
    def matrices(self) -> int:
        """The values in the matrices of all blocks."""
        return self.layers * self.width * (2 * self.queries + 2 * self.keys + 3 * self.mlp)

    @property
    def parameters(self) -> int:
        """All values: matrices, embedding, head, gains."""
        gains = self.layers * 2 * (self.width + self.head) + self.width
        return self.matrices + self.vocabulary * self.width * (1 if is_tied(self.vocabulary) else 2) + gains


def shape_of(settings: TrainGptSettings) -> Shape:
    """Return the shape of a new model; its vocabulary is a guess for characters."""
    head = settings.width // settings.heads
    return Shape(
        width=settings.width,
        layers=settings.layers,
        head=head,
        queries=settings.heads * head,
        keys=settings.kv_heads * head,
        mlp=mlp_width(settings.width),
        vocabulary=settings.vocab_size if settings.tokenizer == "bpe" else SPECIAL_AND_BYTES + ALPHABET,
    )


def bytes_per_token(settings: TrainGptSettings) -> float:
    """Return about how many bytes of text a token stands for; measured on English: 2.8 at 1k, 3.1 at 2k, 4.2 at 32k."""
    return 1.0 if settings.tokenizer == "char" else 0.28 * math.log2(settings.vocab_size)


def memory_parts(settings: TrainGptSettings, text_bytes: int) -> dict[str, int]:
    """Return the parts of the peak of resident memory, in bytes.

    Weights, gradients and the optimizer's tensors stay. The rest of a step is the larger of what the backward pass
    needs (the activations of one part of the batch, and the loss) and what Muon does (a copy of the gradients, and
    four of its largest stack of matrices).
    """
    shape = shape_of(settings)
    is_muon = settings.optimizer == "muon"
    others = shape.parameters - (shape.matrices if is_muon else 0)
    parts = {
        "process": PROCESS_BYTES,
        "weights": FLOAT * shape.parameters,
        "gradients": FLOAT * shape.parameters,
        "optimizer": FLOAT * (2 * others + (shape.matrices if is_muon else 0)),
        "text": _TOKENIZING_BYTES + (5 * text_bytes if text_bytes <= _IN_MEMORY_BYTES else 4 * _SHARD_BYTES),
    }
    largest = 2 * shape.layers * shape.mlp * shape.width
    backward = kept_bytes(settings, shape) + _passing_bytes(settings, shape) + _loss(shape)
    update = FLOAT * (shape.matrices + 4 * largest) if is_muon else 0
    evaluation = FLOAT * EVALUATION_ROWS * settings.context * (4 * shape.width + 3 * shape.mlp)
    parts["step"] = round(HOLES * max(backward, update, evaluation))
    return parts


def kept_bytes(settings: TrainGptSettings, shape: Shape) -> int:
    """Return the bytes that the blocks keep of one part of a batch for the backward pass.

    A token: the inputs of both norms and of the four products, queries, keys and values before and after they are
    turned, what attention made of them, gate, silu(gate) and up.
    """
    block = 4 * shape.width + 4 * shape.queries + 3 * shape.keys + 4 * shape.mlp
    if settings.context <= _WRITTEN_OUT_TOKENS:  # the weights, and keys and values as the products want them
        block += settings.heads * settings.context + 2 * shape.keys
    own = shape.width if settings.gradient_checkpointing else block
    return FLOAT * _part_tokens(settings) * shape.layers * own


def _passing_bytes(settings: TrainGptSettings, shape: Shape) -> int:
    """Return the bytes that the last norm, the loss and one block take beside that while they go backward."""
    again = 4 * shape.queries + 3 * shape.keys + 4 * shape.mlp if settings.gradient_checkpointing else 0
    return FLOAT * _part_tokens(settings) * (10 * shape.width + 6 * shape.mlp + again)


def _part_tokens(settings: TrainGptSettings) -> int:
    return -(-settings.batch_size // settings.accumulate) * settings.context


def _loss(shape: Shape) -> int:
    """Return the bytes of a chunk of logits, twice, and of the head's gradient on its way, twice."""
    return 2 * FLOAT * shape.vocabulary * (_LOSS_CHUNK + shape.width)


def disk_bytes(settings: TrainGptSettings, text_bytes: int) -> int:
    """Return the room that a run and its set's shards take: model and checkpoints, one of each in the making.

    Beside the last `keep` checkpoints two older ones may stay: to go back to, and to branch off from.
    """
    shape = shape_of(settings)
    model = FLOAT * shape.parameters
    state = model + FLOAT * (shape.matrices if settings.optimizer == "muon" else 0)
    state += 2 * FLOAT * (shape.parameters - (shape.matrices if settings.optimizer == "muon" else 0))
    shards = 0 if text_bytes <= _IN_MEMORY_BYTES else round(2 * text_bytes / bytes_per_token(settings))
    return 2 * model + (settings.keep + 3) * state + shards + 20_000_000


def planned(settings: TrainGptSettings, text_bytes: int) -> dict[str, Any]:
    """Return what a plan says of a training from scratch on so many bytes of training text."""
    shape, memory = shape_of(settings), memory_parts(settings, text_bytes)
    return {
        "parameters": shape.parameters,
        "training_tokens": round(text_bytes / bytes_per_token(settings)),
        "tokens_per_step": settings.batch_size * settings.context,
        "memory_bytes": sum(memory.values()),
        "memory": memory,
    }
