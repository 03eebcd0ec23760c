"""Writing with a trained model: many texts at a time, or one as a stream, with a preallocated key-value cache.

Item i is bit-identical whatever is asked for beside it: a block is always computed at its full number of rows, row
i % batch_size belongs to item i, each prompt is read alone, and attention looks at one row at a time. Knows nothing
of commands, labels or what the text is for.
"""

import codecs
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from aigc_cli.config.sample import SampleSettings
from aigc_cli.core.errors import BadConfig
from aigc_cli.core.seeding import stream as random_stream
from aigc_cli.core.words.messages import tr
from aigc_cli.data.dialogue import Message, encode_prompt
from aigc_cli.data.tokenizer import ChatTokenizer, load_tokenizer
from aigc_cli.gpt.bases.hf import check_tokenizer, read_model
from aigc_cli.gpt.decoding.sampling import GenerationSettings, draw, penalised
from aigc_cli.gpt.decoding.spelling import Spelling
from aigc_cli.gpt.model import GptModel, KeyValueCache, Window

__all__ = ["GenerationSettings", "Reply", "TextModel", "generate", "load_text_run", "sample_texts", "stream"]

UNIFORMS = 64
_UTF_8 = codecs.getincrementaldecoder("utf-8")


@dataclass(frozen=True)
class Reply:
    """What was written: the text, its tokens without the stop token, and whether it ended by itself."""

    text: str
    tokens: list[int]
    finished: bool


@dataclass
class TextModel:
    """A model, its tokenizer, and the conversation that its cache holds at the moment."""

    model: GptModel
    tokenizer: ChatTokenizer
    seen: list[int] = field(default_factory=list)
    cache: KeyValueCache | None = None
    spelling: Spelling = field(init=False)

    def __post_init__(self) -> None:
        self.spelling = Spelling(self.tokenizer)

    @property
    def context(self) -> int:
        """The most tokens that a prompt and its reply may have together."""
        return self.model.config.context

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return self.model.norm.device


def load_text_run(run: Path, device: torch.device | str = "cpu") -> TextModel:
    """Load a text run or any model folder. NoInput, BadData as `hf.read_model`."""
    model = read_model(run).to(device).eval().requires_grad_(False)
    tokenizer = load_tokenizer(run)
    check_tokenizer(run, tokenizer)
    return TextModel(model, tokenizer)


class _Uniforms:
    """The numbers in [0, 1) of one item, drawn in pieces of fixed size."""

    def __init__(self, seed: int, item: int) -> None:
        self._generator = random_stream(seed, "item", item)
        self._left: list[float] = []

    def next(self) -> float:
        if not self._left:
            self._left = torch.rand(UNIFORMS, generator=self._generator, dtype=torch.float64).tolist()[::-1]
        return self._left.pop()


@dataclass
class _Row:
    """One item while it is being written. `prompt` is the number of tokens before it, `text` its whole characters."""

    uniforms: _Uniforms
    prompt: int
    limit: int
    tokens: list[int] = field(default_factory=list)
    text: str = ""
    finished: bool = False
    # What does not belong to a character is left out, and so is a character that the limit cut.
    _decoder: codecs.IncrementalDecoder = field(default_factory=lambda: _UTF_8(errors="ignore"))

    @property
    def begun(self) -> bytes:
        """The bytes of a character that is not whole yet."""
        return self._decoder.getstate()[0]

    def add(self, token: int, piece: bytes) -> None:
        self.tokens.append(token)
        self.text += self._decoder.decode(piece)

    @property
    def open(self) -> bool:
        return not self.finished and len(self.tokens) < self.limit


def _limit(text: TextModel, prompt: Sequence[int], settings: GenerationSettings) -> int:
    if not prompt:
        raise BadConfig(tr("an empty prompt"), tr("give at least one token"))
    if len(prompt) >= text.context:
        raise BadConfig(
            tr("a prompt of {count} tokens; the model reads {context}", count=len(prompt), context=text.context),
            tr("shorten it"),
        )
    return min(settings.max_new_tokens, text.context - len(prompt))


@torch.inference_mode()
def _choose(text: TextModel, rows: Sequence[_Row], logits_BV: Tensor, settings: GenerationSettings) -> None:
    """Add the next token to every row that is open, or mark it finished."""
    stops = list(text.tokenizer.stop_ids)
    logits_BV[:, text.tokenizer.size :] = float("-inf")
    for row, logits_V in zip(rows, logits_BV, strict=True):
        penalised(logits_V, list(dict.fromkeys(row.tokens)), settings.repetition_penalty)
        if len(row.tokens) < settings.min_new_tokens:
            logits_V[stops] = float("-inf")
        text.spelling.rule_out(logits_V, row.begun)
    drawn = draw(logits_BV, [row.uniforms.next() for row in rows], settings)
    for row, token in zip(rows, drawn, strict=True):
        if row.open and token in stops:
            row.finished = True
        elif row.open:
            row.add(token, text.tokenizer.token_bytes(token))


def generate(
    text: TextModel,
    prompts: Sequence[Sequence[int]],
    settings: GenerationSettings,
    *,
    seed: int,
    first: int = 0,
    batch_size: int = 8,
) -> Iterator[Reply]:
    """Yield one reply for each prompt, in order; prompts[j] is item first + j of the seed's stream.

    Raises BadConfig for an empty prompt or one that fills the context.
    """
    limits = [_limit(text, prompt, settings) for prompt in prompts]
    done = 0
    while done < len(prompts):
        item = first + done
        count = min(batch_size - item % batch_size, len(prompts) - done)
        rows = [_Row(_Uniforms(seed, item + j), len(prompts[done + j]), limits[done + j]) for j in range(count)]
        _write_block(text, prompts[done : done + count], rows, settings, item % batch_size, batch_size)
        for row in rows:
            yield Reply(row.text, row.tokens, row.finished)
        done += count


@torch.inference_mode()
def _write_block(
    text: TextModel,
    prompts: Sequence[Sequence[int]],
    rows: Sequence[_Row],
    settings: GenerationSettings,
    offset: int,
    batch_size: int,
) -> None:
    """Write items that stand at rows `offset`.. of a block; the other rows compute on nothing."""
    model = text.model
    capacity = max(row.prompt + row.limit for row in rows)
    cache = KeyValueCache(model, batch_size, capacity)
    logits_BV = _read_prompts(text, prompts, cache, offset)
    tokens_B, positions_B = torch.zeros(2, batch_size, dtype=torch.long, device=text.device)
    _choose(text, rows, logits_BV, settings)
    while any(row.open for row in rows):
        places = {offset + j: row.prompt + len(row.tokens) - 1 for j, row in enumerate(rows) if row.open}
        for place in places:
            tokens_B[place] = rows[place - offset].tokens[-1]
            positions_B[place] = places[place]
        hidden = model(tokens_B[:, None], Window(cache, places=places), positions_B[:, None])
        _choose(text, rows, model.logits(hidden[:, 0])[offset : offset + len(rows)].float().clone(), settings)


def _read_prompts(text: TextModel, prompts: Sequence[Sequence[int]], cache: KeyValueCache, offset: int) -> Tensor:
    """Put each prompt's keys and values in its row, reading equal prompts once, and return the last scores."""
    model = text.model
    known: dict[tuple[int, ...], tuple[int, Tensor]] = {}
    logits = []
    for place, prompt in enumerate(map(tuple, prompts), start=offset):
        if prompt not in known:
            single = KeyValueCache(model, 1, len(prompt))
            tokens = torch.tensor([prompt], device=text.device)
            hidden = model(tokens, Window(single, 0, len(prompt)))
            known[prompt] = (place, model.logits(hidden[:, -1]).float())
            cache.tensor[:, :, place, :, : len(prompt)] = single.tensor[:, :, 0]
        else:
            cache.tensor[:, :, place, :, : len(prompt)] = cache.tensor[:, :, known[prompt][0], :, : len(prompt)]
        logits.append(known[prompt][1])
    return torch.cat(logits)


def stream(
    text: TextModel, prompt: Sequence[int], settings: GenerationSettings, *, seed: int, item: int = 0
) -> Generator[str, None, Reply]:
    """Yield a reply piece by piece, never splitting a character; the generator's value is the whole reply.

    What the cache already holds of the prompt is not computed again: in a conversation only the new turn is read.
    Closing the generator early leaves the cache consistent.
    """
    row = _Row(_Uniforms(seed, item), len(prompt), _limit(text, prompt, settings))
    logits_BV = _read_on(text, prompt)
    while True:
        before = len(row.text)
        _choose(text, [row], logits_BV, settings)
        if len(row.text) > before:
            yield row.text[before:]
        if not row.open:
            break
        logits_BV = _read_on(text, [*prompt, *row.tokens])
    return Reply(row.text, row.tokens, row.finished)


@torch.inference_mode()
def _read_on(text: TextModel, tokens: Sequence[int]) -> Tensor:
    """Bring the cache to hold `tokens`, computing only what is new, and return the scores after the last."""
    model, cache = text.model, text.cache
    start = 0
    if cache is not None:
        limit = min(len(text.seen), len(tokens) - 1)
        start = next((i for i in range(limit) if text.seen[i] != tokens[i]), limit)
    if cache is None or cache.capacity < len(tokens):
        capacity = min(text.context, max(1024, 2 * len(tokens)))
        larger = KeyValueCache(model, 1, capacity)
        if cache is not None:
            larger.tensor[..., :start, :] = cache.tensor[..., :start, :]
        text.cache = cache = larger
    end = len(tokens)
    text.seen = list(tokens[:start])
    positions = torch.arange(start, end, device=text.device)
    mask = None
    if start and end - start > 1:
        mask = torch.arange(end, device=text.device) <= positions[:, None]
    hidden = model(torch.tensor([tokens[start:]], device=text.device), Window(cache, start, end, mask), positions)
    text.seen = list(tokens)
    return model.logits(hidden[:, -1]).float().clone()


def sample_texts(
    text: TextModel,
    conversations: Sequence[Sequence[Message]],
    settings: SampleSettings,
    items: Sequence[int] | None = None,
) -> Iterator[dict[str, Any]]:
    """Yield one record a text: for every conversation `settings.count` continuations by the assistant.

    A model of plain text goes on from the last words instead. Items take the conversations in turn, so item i is the
    same whatever `count` and `start` are. With `items` (ascending) only these are written.
    """
    generation = GenerationSettings(
        max_new_tokens=min(settings.max_new_tokens, text.context // 2),
        temperature=settings.temperature,
        top_k=settings.top_k,
        top_p=settings.top_p,
        min_p=settings.min_p,
        repetition_penalty=settings.repetition_penalty,
    )
    prompts = [opening(text, messages, text.context - generation.max_new_tokens) for messages in conversations]
    count = len(prompts)
    if items is None:
        items = range(settings.start * count, (settings.start + settings.count) * count)
    for block in _in_a_row(items):
        asked = [prompts[item % count] for item in block]
        replies = generate(text, asked, generation, seed=settings.seed, first=block[0], batch_size=settings.batch_size)
        for item, reply in zip(block, replies, strict=True):
            messages = conversations[item % count]
            yield {
                "index": item,
                "seed": settings.seed,
                "batch_size": settings.batch_size,
                "prompt": messages[-1]["content"] if messages else "",
                "text": reply.text,
                "finished": reply.finished,
                "tokens": len(reply.tokens),
            }


def _in_a_row(items: Sequence[int]) -> Iterator[list[int]]:
    """Yield ascending numbers in runs without a gap."""
    block: list[int] = []
    for item in items:
        if block and item != block[-1] + 1:
            yield block
            block = []
        block.append(item)
    if block:
        yield block


def opening(text: TextModel, messages: Sequence[Message], max_tokens: int) -> list[int]:
    """Return the tokens to go on from: the chat prompt, or for a model of plain text the last words themselves."""
    if text.tokenizer.chat:
        return encode_prompt(text.tokenizer, messages, max_tokens)
    start = text.tokenizer.end_of_text_id
    plain = text.tokenizer.encode(messages[-1]["content"]) if messages else []
    if not plain and start is None:
        raise BadConfig(tr("this model has no token to begin a text with"), tr("give --prompt"))
    return plain[-max_tokens:] or [int(start or 0)]
