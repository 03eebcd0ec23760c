"""Prompts for a text run: one on the command line, or a file of them, one a line, plain or JSON. Knows no model."""

import json
import sys
from pathlib import Path
from typing import Any

from aigc_cli.core.disk.files import no_input
from aigc_cli.core.errors import BadData, NoInput, UsageProblem
from aigc_cli.core.words.messages import tr

ROLES = ("system", "user", "assistant")
Conversation = list[dict[str, str]]


def read_prompts(prompt: str | None, prompts: Path | None) -> list[Conversation]:
    """Return one list of messages a prompt; a plain prompt is one user turn, none at all is an empty list.

    `prompts` is a file, or "-" for stdin. Raises NoInput, BadData with the line, UsageProblem if both are given.
    """
    if prompt is not None and prompts is not None:
        raise UsageProblem(tr("--prompt and --prompts exclude each other"), tr("give one of them"))
    if prompts is None:
        return [[{"role": "user", "content": prompt}] if prompt is not None else []]
    conversations = [_messages(line, number) for number, line in enumerate(_lines(prompts), start=1) if line.strip()]
    if not conversations:
        raise NoInput(tr("{path}: no prompts in it", path=prompts), tr("write one prompt a line"))
    return conversations


def _lines(prompts: Path) -> list[str]:
    if str(prompts) == "-":
        return sys.stdin.read().split("\n")  # not splitlines(): JSON holds U+2028 and others that it splits at
    try:
        return prompts.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise BadData(
            tr("{path}: not UTF-8 at byte {byte}", path=prompts, byte=error.start), tr("convert it first")
        ) from error
    except OSError as error:
        raise no_input(prompts, error) from error


def _messages(line: str, number: int) -> Conversation:
    if not line.lstrip().startswith("{"):
        return [{"role": "user", "content": line.strip()}]
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
        return [{"role": "user", "content": value["prompt"]}]
    raise BadData(
        tr("prompts: line {number} has neither prompt nor messages", number=number), tr('write {"prompt": "…"}')
    )


def _message(value: Any, number: int) -> dict[str, str]:
    if isinstance(value, dict) and value.get("role") in ROLES and isinstance(value.get("content"), str):
        return {"role": value["role"], "content": value["content"]}
    raise BadData(
        tr("prompts: line {number} has a message without role or content", number=number),
        tr("roles: {roles}", roles=", ".join(ROLES)),
    )
