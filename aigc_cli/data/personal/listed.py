"""Names and words that a person lists in a file, to be found wherever they stand.

Widths, capital and small letters and runs of spaces are alike (NFKC, case folded); a whole word where a script sets
spaces between words, anywhere in Chinese, Japanese, Korean, Thai and the like. Nothing is guessed: another form of a
name is another line.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from aigc_cli.core.disk.files import read_bytes, sha256_bytes
from aigc_cli.core.errors import BadData
from aigc_cli.core.words.messages import tr
from aigc_cli.data.personal.shadow import origins, place, shadow_of

# Scripts that set no spaces between words; Korean sets some, and particles behind a name are glued to it.
_UNSPACED = (
    r"\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\u312f\u3130-\u318f\u31a0-\u9fff\ua960-\ua97f"
    r"\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff"
)
# A letter or digit of the other scripts; in the scripts of India vowel signs are part of a word.
_JOINS = rf"(?:(?![{_UNSPACED}])[^\W_]|[\u0900-\u0dff])"
_WORDLIKE = re.compile(_JOINS)


class Listed:
    """The words of a list. `digest` is its hash, without comments and blank lines; the n-th word's number is n."""

    def __init__(self, words: Sequence[str]) -> None:
        self.digest = sha256_bytes("\n".join(words).encode())
        self._numbers: dict[str, int] = {}
        for word in words:
            self._numbers.setdefault(_plain(word), len(self._numbers) + 1)
        by_first: defaultdict[str, list[str]] = defaultdict(list)
        for word in sorted(self._numbers, key=len, reverse=True):  # the longest first: "Ann Lee" before "Ann"
            by_first[word[0]].append(_pattern(word))
        self._firsts = re.compile("[" + "".join(map(re.escape, by_first)) + "]")
        self._words = {
            first: re.compile(_whole(first, r"(?<!%s)") + "(?:" + "|".join(patterns) + ")")
            for first, patterns in by_first.items()
        }

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where listed words stand in a text, in order and without overlaps."""
        shadow = shadow_of(text, folded=True)
        origin: Sequence[int] = ()
        done = 0
        for first in self._firsts.finditer(shadow):
            if first.start() < done:
                continue
            match = self._words[first[0]].match(shadow, first.start())
            if match:
                origin = origin or origins(text, folded=True)
                done = match.end()
                yield place(text, origin, match.start(), done)

    def number(self, word: str) -> int:
        """Return the number of a word that was found."""
        return self._numbers[_plain(word)]


def read_listed(path: Path) -> Listed:
    """Return the words of a UTF-8 file, one a line; lines that begin with # and blank ones are none.

    Raises NoInput where it is missing, and BadData where it is no UTF-8 text or holds no word.
    """
    data = read_bytes(path)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _no_list(path) from error
    if "\0" in text:
        raise _no_list(path)
    words = [line.strip() for line in text.splitlines()]
    words = [word for word in words if _plain(word) and not word.startswith("#")]
    if not words:
        raise BadData(tr("{path}: no word to redact", path=path), tr("write one name or word a line, in UTF-8"))
    return Listed(words)


def _no_list(path: Path) -> BadData:
    return BadData(tr("{path}: not a UTF-8 text", path=path), tr("write one name or word a line, in UTF-8"))


def _plain(word: str) -> str:
    return " ".join(shadow_of(word, folded=True).split())


def _pattern(word: str) -> str:
    """Return the pattern of a folded word, with what may follow it."""
    return r"\s+".join(map(re.escape, word.split())) + _whole(word[-1], "(?!%s)")


def _whole(end: str, border: str) -> str:
    """Return the border that a word has at one of its ends if that is a letter of a script with spaces."""
    return border % _JOINS if _WORDLIKE.match(end) else ""
