"""Conversations as tokens: the ChatML rendering and which tokens are the person's own.

    <|im_start|>ROLE newline CONTENT<|im_end|> newline

Targets are the assistant's content and its end-of-turn token; everybody else's words are context, never targets.
Knows nothing of models or batches.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aigc_cli.core.disk.files import read_jsonl
from aigc_cli.core.errors import BadConfig, BadData
from aigc_cli.core.words.messages import tr
from aigc_cli.data.tokenizer import ChatTokenizer

SCHEMA = "aigc.dialogue/1"
ROLES = ("system", "user", "assistant")
Message = dict[str, str]


def read_dialogues(path: Path) -> list[list[Message]]:
    """Read the conversations of a JSONL file of dialogue records, each a list of {"role", "content"}."""
    dialogues = []
    for number, record in enumerate(read_jsonl(path), start=1):
        messages = record.get("messages")
        if record.get("schema") != SCHEMA or not isinstance(messages, list):
            raise BadData(
                tr("{path}: record {number} is no {schema}", path=path, number=number, schema=SCHEMA),
                tr("make the set again with aigc prepare chat"),
            )
        dialogues.append([_message(path, number, message) for message in messages])
    return dialogues


def _message(path: Path, number: int, message: Any) -> Message:
    role = message.get("role") if isinstance(message, dict) else None
    if role not in ROLES or not isinstance(message.get("content"), str):
        raise BadData(
            tr("{path}: record {number} has a message without role or content", path=path, number=number),
            tr("make the set again"),
        )
    return {"role": role, "content": message["content"]}


def require_chat(tokenizer: ChatTokenizer) -> tuple[int, int]:
    """Return the ids that start and end a turn; BadConfig if the tokenizer has none."""
    if tokenizer.turn_start_id is None or tokenizer.turn_end_id is None:
        raise BadConfig(
            tr("this model's tokenizer has no <|im_start|> and <|im_end|>"),
            tr("use a ChatML model or train from scratch"),
        )
    return tokenizer.turn_start_id, tokenizer.turn_end_id


def encode_message(tokenizer: ChatTokenizer, message: Message) -> tuple[list[int], list[bool]]:
    """Return a turn's tokens and which of them are targets."""
    start, end = require_chat(tokenizer)
    newline = tokenizer.encode("\n")
    head = tokenizer.encode(message["role"] + "\n")
    whole = tokenizer.encode(message["role"] + "\n" + message["content"])
    # A tokenizer may merge the newline with what follows it; then the merged token is not the person's.
    prefix = len(head) if whole[: len(head)] == head else _common(whole, head) + 1
    is_target = message["role"] == "assistant"
    ids = [start, *whole, end, *newline]
    mask = [False] * (1 + prefix) + [is_target] * (len(whole) - prefix + 1) + [False] * len(newline)
    return ids, mask


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def encode_dialogue(tokenizer: ChatTokenizer, messages: Sequence[Message]) -> tuple[list[int], list[bool]]:
    """Return a conversation's tokens, and for each whether it is a target."""
    ids: list[int] = []
    mask: list[bool] = []
    for message in messages:
        turn_ids, turn_mask = encode_message(tokenizer, message)
        ids += turn_ids
        mask += turn_mask
    return ids, mask


def encode_prompt(tokenizer: ChatTokenizer, messages: Sequence[Message], max_tokens: int) -> list[int]:
    """Return the tokens that ask for the assistant's next turn, at most `max_tokens`.

    A system turn is put first where there is none and the model has a default. The oldest turns are dropped whole
    until it fits; the system turn and the last turn stay, the last one cut at its start if it must be.
    """
    messages = list(messages)
    if tokenizer.default_system is not None and (not messages or messages[0]["role"] != "system"):
        messages.insert(0, {"role": "system", "content": tokenizer.default_system})
    start, _ = require_chat(tokenizer)
    opening = [start, *tokenizer.encode("assistant\n")]
    turns = [encode_message(tokenizer, message)[0] for message in messages]
    system = turns.pop(0) if messages and messages[0]["role"] == "system" else []
    room = _room(max_tokens, len(opening) + len(system))
    while len(turns) > 1 and sum(map(len, turns)) > room:
        turns.pop(0)
    if turns and len(turns[0]) > room:
        turns = [turns[0][-room:]]
    return [*system, *(token for turn in turns for token in turn), *opening]


def _room(max_tokens: int, taken: int) -> int:
    """Return how many tokens of a conversation's turns fit beside the system turn and what goes with it."""
    if taken >= max_tokens:
        raise BadConfig(
            tr("a prompt of at most {max_tokens} tokens cannot hold the system turn", max_tokens=max_tokens),
            tr("raise the context"),
        )
    return max_tokens - taken


def windows(
    tokenizer: ChatTokenizer, messages: Sequence[Message], max_tokens: int
) -> list[tuple[list[int], list[bool]]]:
    """Return a conversation as one or more sequences of at most `max_tokens`, cut between turns.

    Each begins with the system turn. A later one repeats the turn before it (as context, not as target), so that a
    reply keeps what it answers. A turn longer than the room is cut at its end. Windows without targets are left out.
    BadConfig where the system turn leaves no room.
    """
    turns = [encode_message(tokenizer, message) for message in messages]
    system: tuple[list[int], list[bool]] = ([], [])
    if messages and messages[0]["role"] == "system":
        system = turns.pop(0)
    room = _room(max_tokens, len(system[0]))
    found: list[tuple[list[int], list[bool]]] = []
    current: list[tuple[list[int], list[bool]]] = []
    for ids, mask in turns:
        used = sum(len(turn) for turn, _ in current)
        if current and used + len(ids) > room:
            found.append(_joined(system, current))
            last = current[-1][0]
            current = [(last, [False] * len(last))] if len(last) + len(ids) <= room else []
        current.append((ids[:room], mask[:room]))
    found.append(_joined(system, current))
    return [(ids, mask) for ids, mask in found if any(mask)]


def _joined(
    system: tuple[list[int], list[bool]], turns: Sequence[tuple[list[int], list[bool]]]
) -> tuple[list[int], list[bool]]:
    parts = [system, *turns]
    return [token for ids, _ in parts for token in ids], [flag for _, mask in parts for flag in mask]


def target_bytes(tokenizer: ChatTokenizer, ids: Sequence[int], is_target: Sequence[bool]) -> int:
    """Return the UTF-8 bytes of the target tokens, the end of a turn counting as one: what bits per byte divides by."""
    return sum(len(tokenizer.token_bytes(token)) or 1 for token, target in zip(ids, is_target, strict=True) if target)
