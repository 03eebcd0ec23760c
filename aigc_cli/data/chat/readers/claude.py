"""Read Claude's export, `conversations.json`.

As with ChatGPT (`chatgpt`), what the person asks is marked as borrowed and teaches nothing; the machine's words are
learned only where it is the one to learn (`--me Claude`). Reasoning and the use of tools are no words.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from aigc_cli.data.chat.exports import Export, Head
from aigc_cli.data.chat.messages import ASSISTANT, PROMPT, USER, Log, Message
from aigc_cli.data.chat.reader import Reader, ReadOptions
from aigc_cli.data.chat.readers.chatgpt import conversations, first_conversations

_SENDERS = {"human": USER, "user": USER, "assistant": ASSISTANT}
_TOOL = frozenset({"tool_use", "tool_result", "server_tool_use", "web_search_tool_result", "artifact"})
_SENT = {"image": "photo", "document": "file", "file": "file"}


def _looks(head: Head) -> bool:
    return any(isinstance(item.get("chat_messages"), list) for item in first_conversations(head))


def _read(export: Export, log: Log, options: ReadOptions) -> Iterator[Message]:
    log.names |= {ASSISTANT: "Claude", USER: "User"}
    log.subject, log.has_prompts = USER, True
    for place, conversation in conversations(export, log):
        items = conversation.get("chat_messages")
        if not isinstance(items, list):
            log.drop("unknown", place)
            continue
        chat = str(conversation.get("uuid") or place)
        if chat != place:
            log.keys[chat] = chat
        shown = _shown(items, conversation.get("current_leaf_message_uuid"))
        for number, item in enumerate(items):
            if not isinstance(item, dict) or str(item.get("sender")) not in _SENDERS:
                log.drop("unknown", place)
            elif shown and number not in shown:
                log.drop("branch", place)
            elif (message := _message(item, chat)) is not None:
                yield message
            else:
                log.drop("empty", place)


def _shown(items: list[Any], current: Any) -> set[int]:
    """Return the places of the messages on the branch that is shown, the last one's if none is told.

    Empty where messages do not tell which one each follows.
    """
    places = {item["uuid"]: place for place, item in enumerate(items) if _is_named(item)}
    parents = {
        place: places[item["parent_message_uuid"]]
        for place, item in enumerate(items)
        if _is_named(item)
        and isinstance(item.get("parent_message_uuid"), str)
        and item["parent_message_uuid"] in places
    }
    if not parents:
        return set()
    place: int | None = places[current] if isinstance(current, str) and current in places else max(places.values())
    path: set[int] = set()
    while place is not None and place not in path:
        path.add(place)
        place = parents.get(place)
    return path


def _is_named(item: Any) -> bool:
    return isinstance(item, dict) and isinstance(item.get("uuid"), str)


def _message(item: dict[str, Any], chat: str) -> Message | None:
    """Return a message, None if nothing was said or shown."""
    sender = _SENDERS[str(item["sender"])]
    text, removed = _words(item)
    if not text and not removed:
        return None
    return Message(
        sender=sender,
        text=text,
        time=_time(item.get("created_at")),
        removed="" if text else removed,
        chat=chat,
        number=str(item.get("uuid") or ""),
        borrowed=PROMPT if sender == USER and text else "",
    )


def _words(item: dict[str, Any]) -> tuple[str, str]:
    """Return the words of a message, and what else there was in it."""
    content = item.get("content")
    blocks = [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []
    words = [block["text"] for block in blocks if block.get("type") == "text" and isinstance(block.get("text"), str)]
    if not blocks and isinstance(item.get("text"), str):
        words = [item["text"]]
    removed = ""
    for block in blocks:
        kind = str(block.get("type"))
        removed = removed or ("tool" if kind in _TOOL else _SENT.get(kind, ""))
    if not removed and any(item.get(key) for key in ("files", "attachments", "files_v2")):
        removed = "file"
    return "\n".join(words).strip(), removed


def _time(value: Any) -> float | None:
    try:
        time = datetime.fromisoformat(value)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None


READER = Reader(title="Claude", looks=_looks, read=_read)
