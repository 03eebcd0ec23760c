"""Prompts for a text run: one on the command line, or a file of them, one a line, plain or JSON. Knows no model."""

import json
import re
import sys
from pathlib import Path
from typing import Any

from aigc_cli.core.disk.files import read_bytes
from aigc_cli.core.errors import BadData, NoInput, UsageProblem
from aigc_cli.core.words.messages import tr
from aigc_cli.core.words.plain import well_formed
from aigc_cli.data.chat.messages import content_text
from aigc_cli.data.encoding import decode_lines

ROLES = ("system", "user", "assistant")
_JSON_BEGINS = re.compile(r"\s*\{\s*[\"}]")  # and not {{char}} or {smiles} of a plain prompt
Conversation = list[dict[str, str]]


def read_prompts(prompt: str | None, prompts: Path | None) -> list[Conversation]:
    """Return one list of messages a prompt; a plain prompt is one user turn, none at all is an empty list.

    `prompts` is a file, or "-" for stdin, in UTF-8 or what its byte order mark says. A line that begins as a JSON
    object does is one; any other is a prompt. Raises NoInput, BadData with the line, UsageProblem if both are given.
    """
    if prompt is not None and prompts is not None:
        raise UsageProblem(tr("--prompt and --prompts exclude each other"), tr("give one of them"))
    if prompts is None:
        return [[{"role": "user", "content": well_formed(prompt)}] if prompt is not None else []]
    conversations = [_messages(line, number) for number, line in enumerate(_lines(prompts), start=1) if line.strip()]
    if not conversations:
        raise NoInput(tr("{path}: no prompts in it", path=prompts), tr("write one prompt a line"))
    return conversations


def _lines(prompts: Path) -> list[str]:
    if str(prompts) == "-":
        return decode_lines(sys.stdin.buffer.read(), "stdin")
    return decode_lines(read_bytes(prompts), str(prompts))


def _messages(line: str, number: int) -> Conversation:
    if not _JSON_BEGINS.match(line):
        return [{"role": "user", "content": well_formed(line.strip())}]
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:  # beside syntax, integers of thousands of digits
        raise BadData(
            tr("prompts: line {number} is not valid JSON", number=number), tr("mend it or write plain text")
        ) from error
    if isinstance(value.get("messages"), list):
        messages = [_message(message, number) for message in value["messages"]]
        while messages and messages[-1]["role"] == "assistant":
            messages.pop()
        if not messages:
            raise BadData(
                tr("prompts: line {number} has no message to answer", number=number), tr("end it with a user's message")
            )
        return messages
    if isinstance(value.get("prompt"), str):
        return [{"role": "user", "content": well_formed(value["prompt"])}]
    raise BadData(
        tr("prompts: line {number} has neither prompt nor messages", number=number), tr('write {"prompt": "…"}')
    )


def _message(value: Any, number: int) -> dict[str, str]:
    role, content = (value.get("role"), content_text(value.get("content"))) if isinstance(value, dict) else (None, None)
    if role in ROLES and content is not None:
        return {"role": role, "content": well_formed(content)}
    raise BadData(
        tr("prompts: line {number} has a message without role or text", number=number),
        tr("roles: {roles}", roles=", ".join(ROLES)),
    )
