"""The shadow of a text: the same words in the one spelling on which rules match.

NFKC (so that full-width letters and digits count), digits of any script as 0 to 9, invisible marks and those that make
an emoji of a character (1️⃣) removed, all dashes alike. Knows nothing of what is looked for.
"""

import unicodedata
from collections.abc import Iterator, Sequence

Spans = Iterator[tuple[int, int]]

_KEPT = "，"  # a mark between clauses, where NFKC would make it one inside a number
_OF_EMOJI = "\ufe0f\u20e3"  # drawn as an emoji, on a key
_INVISIBLE = frozenset(
    _OF_EMOJI + "\u00ad\u061c\u200b\u200c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2069\ufeff"
)
_ALIKE = dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u30fc", "-") | {"٫": ".", "٬": ","}


class _Spellings(dict[int, str]):
    """What stands for each character, worked out when it is first met; `uneven` are those not of one for one."""

    def __init__(self, *, folded: bool) -> None:
        self.folded = folded
        self.uneven: set[str] = set()

    def __missing__(self, code: int) -> str:
        character = chr(code)
        plain = character if character in _KEPT else unicodedata.normalize("NFKC", character)
        plain = "".join(_one_spelling(one) for one in plain if one not in _INVISIBLE)
        self[code] = plain.casefold() if self.folded else plain
        if len(self[code]) != 1:
            self.uneven.add(character)
        return self[code]


_SPELLINGS = _Spellings(folded=False)
_FOLDED = _Spellings(folded=True)


def _one_spelling(character: str) -> str:
    return str(unicodedata.decimal(character, _ALIKE.get(character, character)))


def shadow_of(text: str, *, folded: bool = False) -> str:
    """Return the text to match on; with `folded` capital and small letters are alike (Unicode's case folding)."""
    if text.isascii():
        return text.lower() if folded else text
    return text.translate(_FOLDED if folded else _SPELLINGS)


def origins(text: str, *, folded: bool = False) -> Sequence[int]:
    """Return, for each character of a text's shadow and for its end, the index in the text that it came from.

    The shadow must have been made before: it is what meets characters that stand for none or for several.
    """
    spellings = _FOLDED if folded else _SPELLINGS
    if text.isascii() or spellings.uneven.isdisjoint(text):
        return range(len(text) + 1)
    origin = [index for index, character in enumerate(text) for _ in spellings[ord(character)]]
    return [*origin, len(text)]


def place(text: str, origin: Sequence[int], start: int, end: int) -> tuple[int, int]:
    """Return where in the text a piece of its shadow stands, with the marks that make its last character an emoji."""
    last = origin[end - 1] + 1
    while text[last : last + 1] and text[last] in _OF_EMOJI:
        last += 1
    return origin[start], last
