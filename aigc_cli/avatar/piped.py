"""A conversation without a terminal: a line in is a turn, a reply goes out, as text or as labelled records."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from aigc_cli.avatar.conversation import Conversation, Message, reply_seed
from aigc_cli.core.disk.provenance import label_record
from aigc_cli.core.errors import BadData
from aigc_cli.core.words.messages import tr
from aigc_cli.data.chat.messages import content_text

SCHEMA = "aigc.reply/1"
ROLES = ("system", "user", "assistant")


@dataclass(frozen=True)
class Request:
    """What one line asks: the next turn of the conversation, or the reply to messages of their own."""

    index: int
    prompt: str | None = None
    messages: tuple[Message, ...] = ()


def read_requests(lines: Iterable[str], *, as_json: bool) -> Iterator[Request]:
    """Yield a request for each line that is not blank. With `as_json` a line may be {"prompt"} or {"messages"}.

    A line that is not a JSON object is the prompt itself. BadData names the line that cannot be understood.
    """
    index = 0
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text:
            continue
        value = _json_object(text) if as_json else None
        yield Request(index, prompt=text) if value is None else _request(index, number, value)
        index += 1


def _json_object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _request(index: int, number: int, value: dict[str, Any]) -> Request:
    prompt, messages = value.get("prompt"), value.get("messages")
    if isinstance(prompt, str) and prompt.strip() and messages is None:
        return Request(index, prompt=prompt)
    if prompt is None and isinstance(messages, list) and messages:
        return Request(index, messages=tuple(_message(number, message) for message in messages))
    raise BadData(
        tr("line {number}: neither a prompt nor messages", number=number),
        tr('write {"prompt": "…"} or {"messages": […]}'),
    )


def _message(number: int, value: Any) -> Message:
    role, content = (value.get("role"), content_text(value.get("content"))) if isinstance(value, dict) else (None, None)
    if role not in ROLES or content is None:
        raise BadData(
            tr("line {number}: a message without role or text", number=number),
            tr("roles are system, user and assistant"),
        )
    return {"role": role, "content": content}


def reply_text(conversation: Conversation, request: Request) -> Iterator[str]:
    """Yield the reply to a request in pieces."""
    if request.prompt is not None:
        return conversation.reply(request.prompt)
    return conversation.answer_to(request.messages, _own_seed(conversation, request))


def reply_record(conversation: Conversation, request: Request) -> dict[str, Any]:
    """Return the reply to a request as a labelled `aigc.reply/1` record."""
    text = "".join(reply_text(conversation, request))
    if request.prompt is not None:
        last = conversation.turns[-1]
        asked, expression, seed = {"prompt": request.prompt}, last.expression, last.seed
    else:
        asked = {"messages": list(request.messages)}  # type: ignore[dict-item]
        expression = conversation.expressions.after(conversation.expressions.neutral, text)
        seed = _own_seed(conversation, request)
    return label_record(
        {
            "schema": SCHEMA,
            "index": request.index,
            **asked,
            "reply": text,
            "bubbles": text.split("\n"),
            "expression": expression,
            "run": conversation.run,
            "seed": seed,
        }
    )


def _own_seed(conversation: Conversation, request: Request) -> int:
    return reply_seed(conversation.seed, "messages", request.index)
