"""Plain text and JSON made safe to print, whoever wrote them; text measured in cells, and broken into lines.

The one place that knows what is unsafe. What is joined of letters, marks and emoji (combining marks, U+200D) and the
marks of right-to-left text (U+200E, U+200F) stay: they act on their neighbours alone.
"""

import json
import re
import unicodedata
from typing import Any

# C0 but tab and newline, DEL and C1 command a terminal; bidirectional embeddings, overrides and isolates reorder what
# comes after them, also what is not theirs; half characters of UTF-16 cannot be written.
_COMMANDS = "\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069"
_HALVES = "\ud800-\udfff"
_LINE_ENDS = "\u2028\u2029"  # which readers of lines take for the end of a record
_COMMAND, _HALF = re.compile(f"[{_COMMANDS}]"), re.compile(f"[{_HALVES}]")
_UNSAFE_IN_JSON = re.compile(f"[{_COMMANDS}{_HALVES}{_LINE_ENDS}]")


def clean(text: str) -> str:
    """Return the text without what can steer a terminal or reorder what stands beside it; half characters as U+FFFD."""
    return _HALF.sub("\ufffd", _COMMAND.sub("", text))


def well_formed(text: str) -> str:
    """Return the text with lone halves of UTF-16 characters, which UTF-8 cannot write, replaced by U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if _HALF.search(text) else text


def json_text(value: Any, indent: int | None = None) -> str:
    """Return a value as JSON in which what `clean` takes away stands as escapes: nothing is lost, nothing acts."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return _UNSAFE_IN_JSON.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


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
