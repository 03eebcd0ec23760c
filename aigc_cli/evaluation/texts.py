"""`eval texts`: how varied, repetitive and copied generated texts are, beside texts of the person.

Reads texts, never a model, so it answers in a moment and serves texts of any origin. None of the numbers says whether
a text is good; side by side they say whether the generated ones differ from the person's in kind.
"""

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from aigc_cli.core.disk.files import read_bytes
from aigc_cli.core.errors import BadData, NoInput
from aigc_cli.core.words.messages import tr
from aigc_cli.data.manifest import read_manifest, refuse_run
from aigc_cli.evaluation.words import (
    DISTINCT_WORDS,
    distinct,
    longest_overlap,
    loops,
    overlap,
    repetition,
    self_bleu,
    words_of,
)

SCHEMA = "aigc.eval.texts/1"
OVERLAP_WORDS = (4, 8)


def read_texts(place: str) -> list[str]:
    """Return the texts of "-" (stdin), of a JSONL or plain file, or of a prepared set's held-out part.

    A line of JSON gives its `text`, its `reply`, or what the assistant says in its `messages`; a plain line is a text.
    Raises NoInput where nothing is, BadData with the line that is broken.
    """
    path = Path(place)
    if place == "-":
        data = sys.stdin.buffer.read()
    else:
        refuse_run(path)
        if (path / "manifest.json").is_file():
            read_manifest(path, "chat", "text")
        path = path / "valid.jsonl" if path.is_dir() else path
        data = read_bytes(path)
    name = tr("stdin") if place == "-" else str(path)
    try:
        lines = data.decode("utf-8-sig").split("\n")  # not splitlines(): JSON holds U+2028 and others that it splits at
    except UnicodeDecodeError as error:
        raise BadData(
            tr("{path}: not UTF-8 at byte {byte}", path=name, byte=error.start), tr("convert it first")
        ) from error
    texts = [text for number, line in enumerate(lines, 1) if line.strip() for text in _texts_of(name, number, line)]
    if not texts:
        raise NoInput(tr("{path}: no texts in it", path=name), tr("give a text a line, or JSON records"))
    return texts


def _texts_of(name: str, number: int, line: str) -> list[str]:
    if not line.lstrip().startswith("{"):
        return [line.strip()]
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadData(
            tr("{path}: line {number} is not valid JSON", path=name, number=number), tr("truncated? make it again")
        ) from error
    for key in ("text", "reply"):
        if isinstance(record.get(key), str):
            return [record[key]]
    messages = record.get("messages")
    if isinstance(messages, list) and all(isinstance(message, dict) for message in messages):
        return [str(message.get("content", "")) for message in messages if message.get("role") == "assistant"]
    raise BadData(
        tr("{path}: line {number} has no text, reply or messages", path=name, number=number),
        tr("give records of aigc sample, aigc chat or a prepared set"),
    )


def compare_texts(texts: Sequence[str], reference: Sequence[str]) -> dict[str, Any]:
    """Return the record of texts beside reference texts: each number of both, and how much of the first is copied."""
    both: dict[str, Callable[[Sequence[str]], float]] = {
        **{f"distinct_{n}": partial(distinct, n=n) for n in (1, 2, 3)},
        "self_bleu": self_bleu,
        "repetition": lambda side: _mean(map(repetition, side)),
        "looping_rate": lambda side: _mean(map(loops, side)),
        "empty_rate": lambda side: _mean(not text.strip() for text in side),
        "words_per_text": lambda side: _mean(len(words_of(text)) for text in side),
    }
    record: dict[str, Any] = {"schema": SCHEMA, "texts": len(texts), "reference_texts": len(reference)}
    # Among more texts each finds closer relatives, so self-BLEU is of equally many on both sides.
    count = min(len(texts), len(reference))
    for name, measure in both.items():
        sides = (texts[:count], reference[:count]) if name == "self_bleu" else (texts, reference)
        record |= {name: measure(sides[0]), f"reference_{name}": measure(sides[1])}
    known = set(reference)
    return record | {
        "self_bleu_texts": count,
        "distinct_words": DISTINCT_WORDS,
        **{f"overlap_{n}": overlap(texts, reference, n) for n in OVERLAP_WORDS},
        "longest_overlap_words": longest_overlap(texts, reference),
        "copied_rate": _mean(text in known for text in texts),
    }


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return sum(listed) / len(listed) if listed else 0.0
