"""Read dialogues that already have roles, as JSON or JSONL: OpenAI `messages`, ShareGPT `conversations`, and mixtures.

What the list of a record's turns is called (`messages`, `conversations`, or nothing where the record is the list), and
how a turn says who speaks what (`role` and `content`, or `from` and `value`), do not depend on each other. Each record
is a conversation of its own; the assistant is the subject. A record's own system prompt gives way to "You are NAME."
(and is counted). Tool calls, tool results and pictures are removed, and cut the conversation. What a file says not to
learn is context, as if somebody else had said it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from aigc_cli.core.errors import BadData
from aigc_cli.core.words.messages import tr
from aigc_cli.data.chat.exports import Export, Head, head_of
from aigc_cli.data.chat.messages import ASSISTANT, USER, Log, Message, content_text
from aigc_cli.data.chat.reader import Reader, ReadOptions

_LIST_KEYS = ("messages", "conversations")
_ROLE_KEYS = {"messages": "role", "sharegpt": "from"}  # of a turn, by the format that is named after it
_CONTENT_KEYS = ("content", "value")
_SYSTEM = "system"
_REMOVED = "tool"
_ROLES = {
    "user": USER,
    "human": USER,
    "assistant": ASSISTANT,
    "gpt": ASSISTANT,
    "chatgpt": ASSISTANT,
    "bing": ASSISTANT,
    "bard": ASSISTANT,
    "system": _SYSTEM,
    "developer": _SYSTEM,
    "tool": _REMOVED,
    "function": _REMOVED,
    "function_call": _REMOVED,
    "observation": _REMOVED,
}
# How trainers mark a turn, or a whole record, that is not to be learned: OpenAI's weight, and what others call it.
_WEIGHTS = ("weight", "loss_weight", "loss", "train", "training", "trainable", "learn")
_RECORD_WEIGHTS = ("weight", "loss_weight", "label", "kto_tag")
_UNLEARNED = "assistant, not to be learned"


def role_format(record: Any) -> str | None:
    """Return "messages" or "sharegpt", after the key of its turns' roles, if a parsed record is a dialogue."""
    turns = _turns(record)
    if turns is None or not all(isinstance(turn, dict) for turn in turns):
        return None
    return next((name for name, key in _ROLE_KEYS.items() if all(key in turn for turn in turns)), None)


def is_turn(value: Any) -> bool:
    """Return whether a parsed value is one turn of a dialogue, so that a list of such is one conversation."""
    keys = value.keys() if isinstance(value, dict) else ()
    return any(key in keys for key in _ROLE_KEYS.values()) and any(key in keys for key in _CONTENT_KEYS)


def reader_for(name: str, title: str) -> Reader:
    """Return the reader of dialogues whose turns have their role under the key of a format.

    It takes a mixture; where the user names the format, every turn must have that key.
    """

    def looks(head: Head) -> bool:
        first = head.records[0] if head.records else head.value
        if isinstance(first, list) and not (first and all(is_turn(turn) for turn in first)):
            first = first[0] if first else None
        return role_format(first) == name

    def read(export: Export, log: Log, options: ReadOptions) -> Iterator[Message]:
        log.subject, log.has_roles = ASSISTANT, True
        log.names.update({ASSISTANT: "Assistant", USER: "User", _UNLEARNED: "Assistant"})
        keys = (_ROLE_KEYS[name],) if options.is_told else tuple(_ROLE_KEYS.values())
        for place, record in _records(export):
            yield from _dialogue(record, keys, place, log)

    return Reader(title=title, looks=looks, read=read)


def _records(export: Export) -> Iterator[tuple[str, Any]]:
    """Yield (place, record) of JSON lines, of an array, or of one value."""
    source = export.source
    if head_of(export).records:
        for line, value in export.records():
            yield from _each(value, tr("{source}: line {number}", source=source, number=line), source)
        return
    stream = export.json()
    number, turns = 0, list[Any]()
    while kind := stream.kind():
        if kind != "[":
            number += 1
            yield tr("{source}: record {number}", source=source, number=number), stream.value()
            continue
        for _ in stream.items():
            number += 1
            value = stream.value()
            if is_turn(value):
                turns.append(value)
            else:
                yield tr("{source}: record {number}", source=source, number=number), value
    if turns:
        yield source, turns


def _each(value: Any, place: str, source: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, list) and not (value and all(is_turn(turn) for turn in value)):
        for number, record in enumerate(value, start=1):
            yield tr("{source}: record {number}", source=source, number=number), record
    else:
        yield place, value


def _dialogue(record: Any, keys: Sequence[str], place: str, log: Log) -> Iterator[Message]:
    turns = _turns(record)
    if turns is None:
        raise BadData(tr("{place}: no list of messages", place=place), tr("is this the right file, or --format?"))
    is_learned = not (isinstance(record, dict) and _is_unlearned(record, _RECORD_WEIGHTS))
    begins = True
    for turn in turns:
        message = _message(turn, keys, place, log, is_learned=is_learned)
        if message is not None:
            yield replace(message, begins=begins)
            begins = False


def _turns(record: Any) -> list[Any] | None:
    """Return a record's list of turns, whatever it is called."""
    if isinstance(record, list):
        return record if all(is_turn(turn) for turn in record) else None
    if not isinstance(record, dict):
        return None
    return next((record[key] for key in _LIST_KEYS if isinstance(record.get(key), list)), None)


def _message(turn: Any, keys: Sequence[str], place: str, log: Log, *, is_learned: bool) -> Message | None:
    """Return a turn as a message, None for a system prompt; what is left out is counted."""
    key = next((key for key in keys if isinstance(turn, dict) and key in turn), keys[0])
    role = _ROLES.get(str(turn.get(key)).lower()) if isinstance(turn, dict) else None
    if role is None:
        raise BadData(
            tr("{place}: a message without a known {role_key!r}", place=place, role_key=key),
            tr("known: {names}", names=", ".join(_ROLES)),
        )
    if role == _SYSTEM:
        log.drop("system_prompt", place)
        return None
    if role == _REMOVED:
        return Message(sender=USER, removed="tool")
    content = next((turn[name] for name in _CONTENT_KEYS if name in turn), None)
    text = (content_text(content) or "").strip()
    if not text:
        return Message(sender=role, removed="tool" if "tool_calls" in turn else "empty")
    if role == ASSISTANT and not (is_learned and not _is_unlearned(turn, _WEIGHTS)):
        log.notice("not_to_be_learned", place)
        return Message(sender=_UNLEARNED, text=text)
    return Message(sender=role, text=text)


def _is_unlearned(marked: dict[str, Any], names: Sequence[str]) -> bool:
    """Return whether a turn or a record says by a weight of nought, or by false, that it is not to be learned."""
    values = [marked[name] for name in names if name in marked]
    return marked.get("masked") is True or any(
        value <= 0 if isinstance(value, int | float) else str(value).strip().lower() in ("0", "0.0", "false")
        for value in values
    )
