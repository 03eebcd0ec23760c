"""Plain text on a terminal: made safe to print, whoever wrote it, measured in cells, and broken into lines."""

import re
import unicodedata

# C0 but tab and newline, DEL and C1 are dropped; half characters of UTF-16 cannot be written and become U+FFFD.
_UNSAFE: dict[int, int | None] = dict.fromkeys([*range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0)])
_UNSAFE |= dict.fromkeys(range(0xD800, 0xE000), 0xFFFD)


def clean(text: str) -> str:
    """Return the text without control characters but newline and tab: it cannot steer a terminal."""
    return text.translate(_UNSAFE)


def one_line(text: str) -> str:
    """Return the text cleaned, on one line: it cannot pass for a line of its own in a log either."""
    return " ".join(clean(text).split())


def cell_width(text: str) -> int:
    """Return how many cells a text takes in a terminal; East Asian wide characters take two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


# What is not broken: a word, or one Chinese character, with the punctuation that belongs to it.
_OPENING, _CLOSING, _WIDE = "（「《【“", "，。；：、！？）」》】”…", "\u2e80-\u2fff\u3040-\u9fff"
_UNIT = rf"\s+|[{_OPENING}]*(?:[{_WIDE}]|[^\s{_WIDE}{_OPENING}{_CLOSING}]+)?[{_CLOSING}]*"


def wrap(text: str, width: int) -> list[str]:
    """Break a text into lines of at most `width` cells, between words and between Chinese characters.

    No line begins with closing punctuation or ends with opening; a word wider than a line has a line of its own.
    """
    lines = [""]
    for unit in re.findall(_UNIT, text.strip()):
        if cell_width(lines[-1] + unit.rstrip()) > width and lines[-1]:
            lines[-1] = lines[-1].rstrip()
            lines.append(unit.lstrip())
        else:
            lines[-1] += unit
    return lines
