"""How well a language model writes as the person does: bits per byte, and what its replies look like.

Bits per byte are summed before dividing and comparable across tokenizers. Replies answer held-out prompts. Every
number carries how it was measured. Knows nothing of commands or tables.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from aigc_cli.core.errors import BadConfig, BadData
from aigc_cli.core.screen.progress import Progress, SilentProgress
from aigc_cli.core.seeding import stream
from aigc_cli.core.words.messages import tr
from aigc_cli.data.dialogue import encode_prompt, read_dialogues, target_bytes, windows
from aigc_cli.data.manifest import read_manifest
from aigc_cli.data.textset import all_tokens
from aigc_cli.evaluation.words import DISTINCT_WORDS, distinct, loops, repetition, words_of
from aigc_cli.gpt.batches import Batch, ordered, text_windows
from aigc_cli.gpt.decoding.decode import GenerationSettings, Reply, TextModel, generate, load_text_run
from aigc_cli.gpt.trainer import model_folder

SCHEMA = "aigc.eval.text/1"
RESAMPLES = 1000
ROWS = 16


@dataclass(frozen=True)
class Surprise:
    """Nats and bytes of each held-out piece (a conversation, or a window of text), float64 and in a fixed order."""

    nats: Tensor
    sizes: Tensor
    tokens: int

    @property
    def bits_per_byte(self) -> float:
        """All bits divided by all bytes."""
        return float(self.nats.sum() / math.log(2) / self.sizes.sum())


def evaluate_run(
    run: Path,
    data: Path,
    *,
    base: str | None = None,
    split: str = "valid",
    replies: int = 50,
    context: int = 1024,
    seed: int = 0,
    generation: GenerationSettings | None = None,
    device: torch.device | str = "cpu",
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Return the record of a text run (or any model folder) on a prepared chat or text set.

    `base` names another model (as `train-gpt --init` does) to compare bits per byte with. Reading is in windows of at
    most `context` tokens. With `replies` above 0 and a chat set, that many held-out prompts are answered.
    """
    progress = progress or SilentProgress()
    manifest = read_manifest(data, "chat", "text")
    text = load_text_run(run, device)
    record: dict[str, Any] = {
        "schema": SCHEMA,
        "run": str(run),
        "data": str(data),
        "split": split,
        "context": min(context, text.context),
        "subject": manifest.get("subject") or "unspecified",
        "consent": manifest.get("consent") or "unspecified",
    }
    path = data / f"{split}.jsonl"
    own = surprise(text, path, manifest["kind"], context, progress)
    record |= {
        "tokens": own.tokens,
        "bytes": int(own.sizes.sum()),
        "nats_per_token": float(own.nats.sum()) / own.tokens,
    }
    record |= _with_interval("bits_per_byte", own, seed)
    if base is not None:
        record |= _against_base(base, own, path, manifest["kind"], context, seed, device, progress)
    if replies > 0 and manifest["kind"] == "chat":
        # As `sample` does: a model with a short context answers as briefly as it must.
        generation = generation or GenerationSettings(
            max_new_tokens=min(GenerationSettings.max_new_tokens, text.context // 2)
        )
        record |= evaluate_replies(text, path, replies, generation, seed, progress)
    progress.close()
    return record


def surprise(text: TextModel, path: Path, kind: str, context: int, progress: Progress) -> Surprise:
    """Return how much the person's turns (or a text) surprise the model, piece by piece."""
    context = min(context, text.context)
    if kind == "chat":
        pieces = [window for messages in read_dialogues(path) for window in windows(text.tokenizer, messages, context)]
        batches = ordered(pieces, ROWS)
        sizes = [target_bytes(text.tokenizer, ids, is_target) for ids, is_target in pieces]
    else:
        batches = text_windows(all_tokens(path, text.tokenizer), context, ROWS)
        sizes = []
    if not batches:
        raise BadData(tr("{path}: nothing held out to read", path=path), tr("prepare the set with a larger --valid"))
    nats: dict[int, float] = {}
    count = 0
    progress.stage(tr("reading held-out turns"), len(batches), tr("batches"))
    for batch in batches:
        row_nats = _row_nats(text, batch)
        for row, value in zip(batch.rows or range(len(nats), len(nats) + len(row_nats)), row_nats, strict=True):
            nats[row] = value
        if kind == "text":
            sizes += [
                sum(len(text.tokenizer.token_bytes(token)) or 1 for token in row[1:]) for row in batch.tokens.tolist()
            ]
        count += int(batch.predicts_BT.sum())
        progress.advance()
    ordered_nats = torch.tensor([nats[row] for row in range(len(nats))], dtype=torch.float64)
    return Surprise(ordered_nats, torch.tensor(sizes, dtype=torch.float64), count)


@torch.inference_mode()
def _row_nats(text: TextModel, batch: Batch) -> list[float]:
    hidden_BTC = text.model(batch.inputs_BT.to(text.device))
    totals = []
    for hidden_TC, tokens_T, predicts_T in zip(hidden_BTC, batch.tokens, batch.predicts_BT, strict=True):
        logits = text.model.logits(hidden_TC[predicts_T.to(text.device)])
        targets = tokens_T[1:][predicts_T].to(text.device)
        totals.append(float(torch.nn.functional.cross_entropy(logits, targets, reduction="none").cpu().double().sum()))
    return totals


def bootstrap(numerators: Tensor, denominators: Tensor, seed: int) -> tuple[float, float]:
    """Return the 95 % percentile interval of sum(numerators) / sum(denominators), resampling pieces."""
    count = len(numerators)
    picks = torch.randint(0, count, (RESAMPLES, count), generator=stream(seed, "bootstrap"))
    ratios = numerators[picks].sum(1) / denominators[picks].sum(1)
    low, high = torch.quantile(ratios, torch.tensor([0.025, 0.975], dtype=ratios.dtype)).tolist()
    return low, high


def _with_interval(name: str, measured: Surprise, seed: int) -> dict[str, Any]:
    low, high = bootstrap(measured.nats / math.log(2), measured.sizes, seed)
    return {name: measured.bits_per_byte, f"{name}_interval": [low, high], "pieces": len(measured.nats)}


def _against_base(
    base: str,
    own: Surprise,
    path: Path,
    kind: str,
    context: int,
    seed: int,
    device: torch.device | str,
    progress: Progress,
) -> dict[str, Any]:
    other = surprise(load_text_run(model_folder(base), device), path, kind, context, progress)
    reduction = 1.0 - own.bits_per_byte / other.bits_per_byte
    record = {"base": base, "base_bits_per_byte": other.bits_per_byte, "reduction": reduction}
    if own.sizes.equal(other.sizes):  # the same pieces: a paired interval
        low, high = bootstrap(own.nats, other.nats, seed)
        record["reduction_interval"] = [1.0 - high, 1.0 - low]
    return record


def evaluate_replies(
    text: TextModel, path: Path, count: int, generation: GenerationSettings, seed: int, progress: Progress
) -> dict[str, Any]:
    """Answer `count` held-out prompts, evenly spread, and return what the replies look like."""
    room = text.context - generation.max_new_tokens
    if room < 1:
        raise BadConfig(
            tr(
                "{max_new_tokens} new tokens leave no room in a context of {context}",
                max_new_tokens=generation.max_new_tokens,
                context=text.context,
            ),
            tr("lower it"),
        )
    prompts, answers = held_out_prompts(text, path, min(room, 512))
    chosen = [i * len(prompts) // count for i in range(count)] if len(prompts) > count else range(len(prompts))
    progress.stage(tr("answering held-out prompts"), len(chosen), tr("replies"))
    replies = []
    for reply in generate(text, [prompts[i] for i in chosen], generation, seed=seed, batch_size=16):
        replies.append(reply)
        progress.advance()
    return {**describe_replies(replies, [answers[i] for i in chosen]), "generation": asdict(generation), "seed": seed}


def held_out_prompts(text: TextModel, path: Path, max_tokens: int) -> tuple[list[list[int]], list[str]]:
    """Return every held-out situation in which the person answered somebody, as a prompt, and the answer."""
    prompts, answers = [], []
    for messages in read_dialogues(path):
        for place, message in enumerate(messages):
            if message["role"] == "assistant" and place and messages[place - 1]["role"] == "user":
                prompts.append(encode_prompt(text.tokenizer, messages[:place], max_tokens))
                answers.append(message["content"])
    if not prompts:
        raise BadData(
            tr("{path}: nobody is answered in the held-out part", path=path),
            tr("prepare the chat with a larger --valid"),
        )
    return prompts, answers


def describe_replies(replies: Sequence[Reply], answers: Sequence[str]) -> dict[str, Any]:
    """Return rates of ending, emptiness and looping, distinct-n, and lengths beside the person's own."""
    texts = [reply.text for reply in replies]
    return {
        "replies": len(replies),
        "end_of_turn_rate": sum(reply.finished for reply in replies) / len(replies),
        "empty_rate": sum(not text.strip() for text in texts) / len(texts),
        "looping_rate": sum(map(loops, texts)) / len(texts),
        "repetition": sum(map(repetition, texts)) / len(texts),
        **{f"distinct_{n}": distinct(texts, n) for n in (1, 2, 3)},
        **{f"person_distinct_{n}": distinct(answers, n) for n in (1, 2, 3)},
        "distinct_words": DISTINCT_WORDS,
        "words_per_reply": sum(len(words_of(text)) for text in texts) / len(texts),
        "person_words_per_reply": sum(len(words_of(text)) for text in answers) / len(answers),
    }
