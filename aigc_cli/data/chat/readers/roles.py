"""Read dialogues that already have roles: OpenAI `messages` and ShareGPT `conversations`, as JSON or JSONL.

Each record is a conversation of its own; the assistant is the subject. A record's own system prompt gives way to
"You are NAME." (and is counted). Tool calls, tool results and pictures are removed, and cut the conversation.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from aigc_cli.core.errors import BadData
from aigc_cli.core.words.messages import tr
from aigc_cli.data.chat.messages import ASSISTANT, USER, Chat, ChatLog, Message

_SYSTEM = "system"
_REMOVED = "tool"
_OPENAI_ROLES = {
    "user": USER,
    "assistant": ASSISTANT,
    "system": _SYSTEM,
    "developer": _SYSTEM,
    "tool": _REMOVED,
    "function": _REMOVED,
}
_SHAREGPT_ROLES = {
    "human": USER,
    "user": USER,
    "gpt": ASSISTANT,
    "chatgpt": ASSISTANT,
    "assistant": ASSISTANT,
    "bing": ASSISTANT,
    "bard": ASSISTANT,
    "system": _SYSTEM,
    "tool": _REMOVED,
    "function_call": _REMOVED,
    "observation": _REMOVED,
}


def role_format(record: Any) -> str | None:
    """Return "messages" or "sharegpt" if a parsed record is one, else None."""
    if not isinstance(record, dict):
        return None
    messages = record.get("messages")
    if isinstance(messages, list) and all(isinstance(item, dict) and "role" in item for item in messages):
        return "messages"
    return "sharegpt" if isinstance(record.get("conversations"), list) else None


def read_messages(records: Iterable[tuple[str, Any]]) -> ChatLog:
    """Return the log of OpenAI `messages` records, given as (place, record). BadData names the place."""
    return _read(records, "messages", "messages", "role", "content", _OPENAI_ROLES)


def read_sharegpt(records: Iterable[tuple[str, Any]]) -> ChatLog:
    """Return the log of ShareGPT records, given as (place, record). BadData names the place."""
    return _read(records, "sharegpt", "conversations", "from", "value", _SHAREGPT_ROLES)


def _read(
    records: Iterable[tuple[str, Any]],
    format_name: str,
    list_key: str,
    role_key: str,
    content_key: str,
    roles: Mapping[str, str],
) -> ChatLog:
    log = ChatLog(format=format_name, subject=ASSISTANT, has_roles=True)
    log.names = {ASSISTANT: "Assistant", USER: "User"}
    chat = Chat(identity="0")
    log.chats.append(chat)
    for place, record in records:
        items = record.get(list_key) if isinstance(record, dict) else None
        if not isinstance(items, list):
            raise BadData(
                tr("{place}: no list {list_key!r}", place=place, list_key=list_key),
                tr("is this the right file, or --format?"),
            )
        begins = True
        for item in items:
            role = roles.get(str(item.get(role_key)).lower()) if isinstance(item, dict) else None
            if role is None:
                raise BadData(
                    tr("{place}: a message without a known {role_key!r}", place=place, role_key=role_key),
                    tr("known: {names}", names=", ".join(roles)),
                )
            if role == _SYSTEM:
                log.dropped["system_prompt"] += 1
                continue
            text = _content(item.get(content_key)) if role != _REMOVED else ""
            reason = "" if text else ("tool" if role == _REMOVED or "tool_calls" in item else "empty")
            if reason:
                log.dropped[reason] += 1
            chat.messages.append(
                Message(sender=USER if role == _REMOVED else role, text=text, removed=reason, begins=begins)
            )
            begins = False
    return log


def _content(content: Any) -> str:
    """Return the text of a content that is a string, or a list of parts that are all text; else ""."""
    if isinstance(content, str):
        return content.strip()
    if isinstance(content, list) and all(isinstance(part, dict) and part.get("type") == "text" for part in content):
        return "\n".join(str(part.get("text", "")) for part in content).strip()
    return ""
