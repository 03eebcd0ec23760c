"""A record of a dialogue set: what its turns say, and when, without anybody's name but the subject's."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from aigc_cli.data.chat.messages import ASSISTANT, USER, Log
from aigc_cli.data.chat.turns import Turn

SCHEMA = "aigc.dialogue/1"


def dialogue_record(
    turns: Sequence[Turn], subject: str, system: str, chat_hash: str, *, has_bubbles: bool
) -> dict[str, Any]:
    """Return the record of turns, of which the subject's are the assistant's, behind a system turn."""
    messages = [{"role": "system", "content": system}]
    bubbles: list[list[str] | None] = [None]
    for turn in turns:
        messages.append({"role": ASSISTANT if turn.sender == subject else USER, "content": turn.content})
        bubbles.append(list(turn.bubbles) if has_bubbles else None)
    return {
        "schema": SCHEMA,
        "messages": messages,
        "bubbles": bubbles,
        "chat": chat_hash,
        "time": iso(turns[0].began),
        "ended": iso(turns[-1].ended),
    }


def iso(seconds: float | None) -> str | None:
    """Return seconds since 1970 as a time in UTC."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def others_in(log: Log, turns: Sequence[Turn], subject: str) -> list[str]:
    """Return the names and ids of those who speak beside the subject."""
    others = {turn.sender for turn in turns} - {subject}
    return [name for sender in others for name in (sender, log.names[sender])]
