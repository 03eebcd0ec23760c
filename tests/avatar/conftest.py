"""Conversations with a small legitimate replier: a token is a word, and the reply says what it was given."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest

from aigc_cli.avatar.conversation import Conversation, Message


@dataclass
class Echo:
    """Repeats the last message word by word, after a number that depends on the seed."""

    prompt_tokens: int = 50

    def count_tokens(self, messages: Sequence[Message]) -> int:
        return sum(len(message["content"].split()) for message in messages)

    def stream(self, messages: Sequence[Message], seed: int) -> Iterator[str]:
        yield str(seed % 1000)
        for word in messages[-1]["content"].split(" "):
            yield " " + word


@pytest.fixture
def echo():
    """The replier's class."""
    return Echo


@pytest.fixture
def conversation():
    """Makes conversations with Ada, who echoes."""

    def make(**changes):
        return Conversation(**{"replier": Echo(), "system": "You are Ada.", "seed": 5, **changes})

    return make
