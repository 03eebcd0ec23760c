"""Exports damaged at random, the same ones at each run: values of other types, missing keys, cut and flipped bytes."""

import copy
import json
import random
from collections.abc import Iterator, Sequence
from typing import Any

JUNK = (None, True, 0, -1, 1e300, 10**40, "", "x", "\ud800", "\x00", [], {}, [None], [[]], {"x": None}, "1" * 300)


def mutated(value: Any, count: int, seed: int = 0) -> Iterator[Any]:
    """Yield copies of parsed JSON, each with one to three places changed."""
    source = random.Random(seed)
    for _ in range(count):
        changed = copy.deepcopy(value)
        for _ in range(source.randint(1, 3)):
            _change(changed, source)
        yield changed


def broken(data: bytes, count: int, seed: int = 0) -> Iterator[bytes]:
    """Yield copies of a file, each cut, with bytes flipped, or with a piece of it twice or missing."""
    source = random.Random(seed)
    for _ in range(count):
        first, last = sorted((source.randrange(len(data) + 1), source.randrange(len(data) + 1)))
        flipped = bytearray(data)
        for _ in range(3):
            flipped[source.randrange(len(data))] = source.choice(b'{}[]",:\\\n\x00\xff0e-<&')
        yield source.choice((data[:first], data[:first] + data[last:], data[:last] + data[first:], bytes(flipped)))


def patched(text: str, pieces: Sequence[str], count: int, seed: int = 0) -> Iterator[str]:
    """Yield copies of a text, each with one to five of the pieces put in, some in the place of what stood there."""
    source = random.Random(seed)
    for _ in range(count):
        changed = text
        for _ in range(source.randrange(1, 6)):
            place = source.randrange(len(changed) + 1)
            changed = changed[:place] + source.choice(pieces) + changed[place + source.choice([0, 0, 1, 3, 40]) :]
        yield changed


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode()


def _change(value: Any, source: random.Random) -> None:
    """Change one place within an object or a list: whatever stands there, or what is below it."""
    places = list(value) if isinstance(value, dict) else list(range(len(value)))
    if not places:
        return
    place = source.choice(places)
    if isinstance(value[place], dict | list) and value[place] and source.random() < 0.8:
        _change(value[place], source)
    elif source.random() < 0.3:
        del value[place]
    else:
        value[place] = copy.deepcopy(source.choice(JUNK))
