"""Text of others made safe to print: file names, labels, chats and model output cannot steer a terminal."""

# C0 but tab and newline, DEL and C1 are dropped; half characters of UTF-16 cannot be written and become U+FFFD.
_UNSAFE: dict[int, int | None] = dict.fromkeys([*range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0)])
_UNSAFE |= dict.fromkeys(range(0xD800, 0xE000), 0xFFFD)


def clean(text: str) -> str:
    """Return the text without control characters but newline and tab: it cannot steer a terminal."""
    return text.translate(_UNSAFE)


def one_line(text: str) -> str:
    """Return the text cleaned, on one line: it cannot pass for a line of its own in a log either."""
    return " ".join(clean(text).split())
