"""The words of a rich message: what Telegram's editor of headings, lists and tables writes beside an empty `text`.

A rich message is a tree of blocks. What is said in them stands under a few keys; the rest says how it looks.
"""

from collections.abc import Iterator
from typing import Any

# Keys whose strings are words, and keys of what holds blocks; strings in a list belong to the list's key.
_WORDS = frozenset({"text", "caption", "title", "subtitle", "header", "kicker", "footer", "summary", "credit", "plain"})
_HOLDERS = frozenset(
    {"blocks", "items", "rows", "cells", "columns", "children", "content", "contents", "parts", "entities", "body"}
)
_MEDIA = frozenset({"photo", "video", "audio", "animation", "document", "file", "media", "thumbnail", "location"})


def rich_pieces(message: Any) -> list[Any]:
    """Return the strings and the text entities of a rich message in order, a line break after each block.

    Empty if nothing is said in it.
    """
    pieces = list(_blocks(message, holds_words=True))
    return pieces if any(str(piece).strip() for piece in pieces) else []


def _blocks(value: Any, *, holds_words: bool) -> Iterator[Any]:
    if isinstance(value, str) and holds_words:
        yield from (value, "\n")
    elif isinstance(value, list):
        for block in value:
            yield from _blocks(block, holds_words=holds_words)
    elif isinstance(value, dict):
        for key, inside in value.items():
            if key in _WORDS:
                yield from (*_inline(inside), "\n")
            elif key not in _MEDIA and not isinstance(inside, str):
                yield from _blocks(inside, holds_words=key in _HOLDERS)


def _inline(value: Any) -> Iterator[Any]:
    """Yield the strings of a block's text, and the entities in it that are one string."""
    if isinstance(value, str) or (isinstance(value, dict) and isinstance(value.get("text"), str)):
        yield value
    elif isinstance(value, list):
        for part in value:
            yield from _inline(part)
    elif isinstance(value, dict):
        yield from _inline(value.get("text"))
