"""Read ChatGPT's export: `conversations.json`, or `conversations-000.json` and following.

A conversation is a tree: what was asked again, or answered again, is a branch, and only the one that is shown is read.
What a person asks a machine is another register than what people say to each other: it is marked as borrowed, so the
person's prompts teach nothing, and there is something to learn only where the machine is the one to learn (`--me
ChatGPT`). What tools did cuts the conversation; what is never shown, and reasoning, is left out.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any

from aigc_cli.core.errors import BadData
from aigc_cli.core.words.messages import tr
from aigc_cli.data.chat.exports import Export, Head
from aigc_cli.data.chat.messages import ASSISTANT, PROMPT, USER, Log, Message
from aigc_cli.data.chat.reader import Reader, ReadOptions

_PART = re.compile(r"conversations-\d+\.json")
_REASONING = frozenset({"thoughts", "reasoning_recap"})
_HIDDEN = frozenset({"user_editable_context", "model_editable_context"})
_TOOL = frozenset(
    {"code", "execution_output", "tether_quote", "tether_browsing_display", "system_error", "computer_output"}
)
_SENT = {"image": "photo", "audio": "voice", "real_time_user_audio_video": "voice", "video": "video"}
_CITATION = re.compile("\ue200[^\ue201]{0,1000}\ue201|[\ue200-\ue206]")  # marks that the page draws as links
_LATEST = 1 << 36  # seconds since 1970


def _looks(head: Head) -> bool:
    return any(isinstance(item.get("mapping"), dict) for item in first_conversations(head))


def _gather(paths: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield the parts of each export that is more than one file."""
    parts: dict[str, list[str]] = {}
    for path in sorted(paths):
        if _PART.fullmatch(PurePosixPath(path).name):
            parts.setdefault(str(PurePosixPath(path).parent), []).append(path)
    yield from parts.values()


def _read(export: Export, log: Log, options: ReadOptions) -> Iterator[Message]:
    log.names |= {ASSISTANT: "ChatGPT", USER: "User"}
    log.subject, log.has_prompts = USER, True
    for place, conversation in conversations(export, log):
        nodes = conversation.get("mapping")
        if not isinstance(nodes, dict):
            log.drop("unknown", place)
            continue
        yield from _conversation(conversation, nodes, place, log)


def first_conversations(head: Head) -> list[dict[str, Any]]:
    """Return the conversations that an export begins with."""
    value = head.value
    items = value[:5] if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, dict)]


def conversations(export: Export, log: Log) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the conversations of an export, with their places: of a list, or the only one."""
    number = 0
    for part in export.parts:
        stream = export.json(part)
        if stream.kind() not in ("[", "{"):
            raise BadData(tr("{source}: no conversations", source=export.label(part)), tr("export it again"))
        values = [stream.value()] if stream.kind() == "{" else (stream.value() for _ in stream.items())
        for value in values:
            number += 1
            place = tr("{source}: conversation {number}", source=export.label(part), number=number)
            if isinstance(value, dict):
                yield place, value
            else:
                log.drop("unknown", place)
        stream.end()


def _conversation(conversation: dict[str, Any], nodes: dict[str, Any], place: str, log: Log) -> Iterator[Message]:
    shown = _shown(nodes, conversation.get("current_node"))
    on_path = set(shown)
    for key, node in nodes.items():
        if key not in on_path and _has_message(node):
            log.drop("branch", place)
    chat = str(conversation.get("conversation_id") or conversation.get("id") or place)
    if chat != place:
        log.keys[chat] = chat
    time = _time(conversation.get("create_time"))
    for key in shown:
        if not _has_message(nodes[key]):
            continue
        item = nodes[key]["message"]
        if not isinstance(item, dict):
            log.drop("unknown", place)
            continue
        time = _time(item.get("create_time")) or time
        message = _message(item, chat, time, place, log)
        if message is not None:
            yield message


def _has_message(node: Any) -> bool:
    return isinstance(node, dict) and node.get("message") is not None


def _shown(nodes: dict[str, Any], current: Any) -> list[str]:
    """Return the keys of the nodes from the root to the one that is shown last, or to the last if none is told."""
    key = current if isinstance(current, str) and current in nodes else next(reversed(nodes), None)
    path: dict[str, None] = {}
    while isinstance(key, str) and key in nodes and key not in path:
        path[key] = None
        key = nodes[key].get("parent") if isinstance(nodes[key], dict) else None
    return list(reversed(path))


def _message(item: dict[str, Any], chat: str, time: float | None, place: str, log: Log) -> Message | None:
    """Return a node's message; None if it is none, which is counted."""
    author, content, metadata = (_object(item.get(key)) for key in ("author", "content", "metadata"))
    role, kind = author.get("role"), str(content.get("content_type"))
    number = str(item.get("id") or "")
    if (
        role == "system"
        or kind in _HIDDEN
        or metadata.get("is_visually_hidden_from_conversation") is True
        or metadata.get("is_user_system_message") is True
    ):
        log.drop("hidden", place)
        return None
    if kind in _REASONING:
        log.drop("reasoning", place)
        return None
    if role not in ("user", "assistant", "tool"):
        log.drop("unknown", place)
        return None
    sender = USER if role == "user" else ASSISTANT
    borrowed = PROMPT if role == "user" else ""
    text, sent = _words(content)
    if role == "tool" or kind in _TOOL or item.get("recipient") not in (None, "all"):
        return Message(sender=sender, time=time, removed=sent or "tool", chat=chat, number=number)
    if not text and not sent:
        log.drop("empty", place)
        return None
    return Message(
        sender=sender, text=text, time=time, removed="" if text else sent, chat=chat, number=number, borrowed=borrowed
    )


def _words(content: dict[str, Any]) -> tuple[str, str]:
    """Return the words of a message's content, and what else was sent with them."""
    parts = content.get("parts")
    words, sent = [], ""
    for part in parts if isinstance(parts, list) else [content.get("text")]:
        if isinstance(part, str):
            words.append(part)
        elif isinstance(part, dict):
            kind = str(part.get("content_type", ""))
            if isinstance(part.get("text"), str):  # what was said, written down
                words.append(part["text"])
            else:
                sent = sent or next((name for mark, name in _SENT.items() if kind.startswith(mark)), "file")
    return _CITATION.sub("", "\n".join(words)).strip(), sent


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _time(value: Any) -> float | None:
    is_time = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < _LATEST
    return float(value) if is_time else None


READER = Reader(title="ChatGPT", looks=_looks, read=_read, gather=_gather)
