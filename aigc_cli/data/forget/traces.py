"""What tells a copy of what was said: its words, to the letter, where there are enough of them.

A text counts from so many columns of a terminal on, so that ten Chinese characters count as twenty letters do; what is
shorter anybody may say. Knows nothing of sets or of the files that are looked through.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from aigc_cli.core.words.plain import cell_width

LEAST_COLUMNS = 20
_LEAST = LEAST_COLUMNS // 2  # characters that so many columns have at least
Exchange = tuple[str, str]


class Traces:
    """The texts and the exchanges (question, answer) of some dialogues; an exchange counts however short it is."""

    def __init__(self) -> None:
        self._texts: set[str] = set()
        self._exchanges: set[Exchange] = set()
        self._by_beginning: dict[str, list[str]] = {}

    def __bool__(self) -> bool:
        return bool(self._texts or self._exchanges)

    def add(self, messages: Sequence[Mapping[str, str]]) -> None:
        """Take a dialogue's."""
        for text in _texts(messages):
            if text not in self._texts:
                self._texts.add(text)
                self._by_beginning.setdefault(text[:_LEAST], []).append(text)
        self._exchanges.update(_exchanges(messages))

    def remove(self, messages: Sequence[Mapping[str, str]]) -> None:
        """Leave out what another dialogue, which is kept, has too."""
        for text in self._texts.intersection(_texts(messages)):
            self._texts.remove(text)
            self._by_beginning[text[:_LEAST]].remove(text)
        self._exchanges.difference_update(_exchanges(messages))

    def in_text(self, text: str) -> bool:
        """Return whether a text holds one of the texts."""
        beginnings = self._by_beginning
        for place in range(len(text) - _LEAST + 1):
            for whole in beginnings.get(text[place : place + _LEAST], ()):
                if text.startswith(whole, place):
                    return True
        return False

    def in_value(self, value: Any) -> bool:
        """Return whether a JSON value holds one of the texts or, as `prompt` and `reply`, one of the exchanges."""
        if isinstance(value, str):
            return self.in_text(value)
        if isinstance(value, list):
            return any(map(self.in_value, value))
        if isinstance(value, dict):
            return self._is_exchange(value.get("prompt"), value.get("reply")) or any(map(self.in_value, value.values()))
        return False

    def _is_exchange(self, prompt: Any, reply: Any) -> bool:
        return isinstance(prompt, str) and isinstance(reply, str) and (prompt, reply) in self._exchanges


def _texts(messages: Iterable[Mapping[str, str]]) -> Iterable[str]:
    """Yield what was sent as one, of those who speak, if it is long enough to be told.

    In a group another's turn begins with a name: what follows it is a text of its own, as it stands in an export.
    """
    for message in messages:
        if message["role"] != "system":
            lines = message["content"].split("\n")
            named = [lines[0].partition(": ")[2]] if message["role"] == "user" else []
            yield from (line for line in (*lines, *named) if cell_width(line) >= LEAST_COLUMNS)


def _exchanges(messages: Sequence[Mapping[str, str]]) -> Iterable[Exchange]:
    for before, after in pairwise(messages):
        if (before["role"], after["role"]) == ("user", "assistant"):
            yield before["content"], after["content"]
