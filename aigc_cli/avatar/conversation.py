"""A conversation: its turns, what of them fits the model, and replies as streams of clean text.

Knows neither terminals nor models: a model is anything that is a `Replier`.
"""

import itertools
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from aigc_cli.avatar.expression import Expressions
from aigc_cli.core.errors import BadConfig, UsageProblem
from aigc_cli.core.seeding import derived_seed
from aigc_cli.core.words.messages import tr
from aigc_cli.core.words.plain import clean

Message = dict[str, Any]


class Replier(Protocol):
    """What answers: a model with its tokenizer, or anything that behaves like one."""

    @property
    def prompt_tokens(self) -> int:
        """The most tokens that a prompt may have."""

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Return how many tokens the messages take as a prompt; more messages never take fewer."""

    def stream(self, messages: Sequence[Message], seed: int) -> Iterator[str]:
        """Yield the reply in pieces; equal arguments give equal replies."""


@dataclass(frozen=True)
class Turn:
    """One person's turn. `expression` and `seed` belong to replies; `run` is the hash of the run that spoke."""

    role: str
    content: str
    time: str
    expression: str | None = None
    run: str | None = None
    seed: int | None = None

    @property
    def bubbles(self) -> list[str]:
        """The short messages that the turn was sent as."""
        return self.content.split("\n")

    @property
    def message(self) -> Message:
        """The turn as a model reads it."""
        return {"role": self.role, "content": self.content}


@dataclass
class Conversation:
    """The turns so far and how to go on. `seed` decides every reply, together with the number of replies before it."""

    replier: Replier
    system: str | None
    seed: int
    run: str = ""
    expressions: Expressions = field(default_factory=Expressions)
    turns: list[Turn] = field(default_factory=list)
    _attempt: int = 0

    @property
    def expression(self) -> str:
        """The expression after the last reply."""
        said = (turn.expression for turn in reversed(self.turns) if turn.expression in self.expressions.labels)
        return next(said, None) or self.expressions.neutral

    def reply(self, text: str, stop: Callable[[], bool] = lambda: False) -> Iterator[str]:
        """Add a user's turn and yield the reply's pieces; once the iterator ends, the reply is the last turn.

        When `stop()` turns true, or the iterator is closed or fails, the reply so far is kept; if there is none yet,
        the user's turn is taken back.
        A turn that does not fit the model is refused (UsageProblem) and not added.
        """
        self._attempt = 0
        user = Turn("user", clean(text).strip(), now())
        prompt = self._prompt([*self.turns, user])
        before = list(self.turns)
        self.turns.append(user)
        return self._answer(prompt, stop, before)

    def retry(self, stop: Callable[[], bool] = lambda: False) -> Iterator[str]:
        """Take the last reply back and yield another one; stopped before its first piece, the old one stays."""
        if not self.turns or self.turns[-1].role != "assistant":
            raise UsageProblem(tr("there is no reply yet to try again"))
        prompt = self._prompt(self.turns[:-1])
        before = list(self.turns)
        self.turns.pop()
        self._attempt += 1
        return self._answer(prompt, stop, before)

    def undo(self) -> list[Turn]:
        """Take back the last user's turn and what followed it, and return them (empty if there is none)."""
        starts = [index for index, turn in enumerate(self.turns) if turn.role == "user"]
        if not starts:
            return []
        removed = self.turns[starts[-1] :]
        del self.turns[starts[-1] :]
        return removed

    def answer_to(self, messages: Sequence[Message], seed: int) -> Iterator[str]:
        """Yield the reply to messages that are no part of this conversation."""
        readable = [{**message, "content": clean(message["content"])} for message in messages]
        system = [message for message in readable[:1] if message["role"] == "system"]
        rest = readable[len(system) :]
        if not system and self.system:
            system = [{"role": "system", "content": self.system}]
        return tidy(self.replier.stream(fit(system, rest, self.replier), seed))

    def _prompt(self, turns: Sequence[Turn]) -> list[Message]:
        system = [{"role": "system", "content": self.system}] if self.system else []
        return fit(system, [turn.message for turn in turns], self.replier)

    def _answer(self, prompt: list[Message], stop: Callable[[], bool], before: list[Turn]) -> Iterator[str]:
        count = sum(turn.role == "assistant" for turn in self.turns)
        seed = reply_seed(self.seed, "reply", count, self._attempt)
        said, whole = "", False
        try:
            for piece in tidy(itertools.takewhile(lambda piece: not stop(), self.replier.stream(prompt, seed))):
                said += piece
                yield piece
            whole = not stop()
        finally:
            if said or whole:
                expression = self.expressions.after(self.expression, said)
                self.turns.append(Turn("assistant", said, now(), expression, self.run, seed))
            else:
                self.turns[:] = before


def reply_seed(seed: int, *names: str | int) -> int:
    """Return a seed of 53 bits, which every JSON reader keeps exactly."""
    return derived_seed(seed, *names) >> 10


def now() -> str:
    """Return the local time as ISO 8601 with its offset, to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%S%z")


def tidy(pieces: Iterable[str]) -> Iterator[str]:
    """Yield the pieces cleaned, without white space at either end and without empty lines between."""
    pending, started = "", False
    for piece in pieces:
        text = pending + clean(piece)
        if not started:
            text = text.lstrip()
        body = text.rstrip()
        pending = text[len(body) :]
        if body:
            started = True
            yield re.sub(r"\s*\n\s*", "\n", body)


def fit(system: Sequence[Message], messages: Sequence[Message], replier: Replier) -> list[Message]:
    """Return the system message and the latest messages that fit, from a user's turn on.

    The oldest turns are dropped whole, an exchange at a time; a turn is never cut. UsageProblem if the
    last user's turn alone is too long, or if there is none.
    """
    starts = [index for index, message in enumerate(messages) if message["role"] == "user"]
    if not starts:
        raise UsageProblem(tr("there is no message of the user to answer"))
    candidates = [0, *starts] if starts[0] > 0 else starts
    low, high = 0, len(candidates)
    while low < high:
        middle = (low + high) // 2
        if replier.count_tokens([*system, *messages[candidates[middle] :]]) <= replier.prompt_tokens:
            high = middle
        else:
            low = middle + 1
    if low == len(candidates):
        before = replier.count_tokens(system) if system else 0
        if before >= replier.prompt_tokens:
            raise BadConfig(
                tr(
                    "the system turn takes {tokens} tokens and the model reads {prompt_tokens}",
                    tokens=before,
                    prompt_tokens=replier.prompt_tokens,
                ),
                tr("lower --max-new-tokens, or train with a larger --context or a shorter --persona"),
            )
        tokens = replier.count_tokens([*system, *messages[starts[-1] :]])
        raise UsageProblem(
            tr(
                "the message takes {tokens} tokens and the model reads {prompt_tokens}",
                tokens=tokens,
                prompt_tokens=replier.prompt_tokens,
            ),
            tr("say it in fewer words"),
        )
    return [*system, *messages[candidates[low] :]]
