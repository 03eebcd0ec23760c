"""Read `NAME: line` text, the way dialogues are written by hand, in scripts and in transcripts.

A line without a name goes on with the message before it. A line of dashes, asterisks or equals signs ends a
conversation; an empty line does too, unless the file puts empty lines between most messages.
"""

import re

from aigc_cli.core.errors import BadData
from aigc_cli.core.words.messages import tr
from aigc_cli.data.chat.messages import Chat, ChatLog, Message

_SPOKEN = re.compile(
    r"\s*(?P<name>[^\s:：<>{}\[\]\"][^:：<>{}\[\]\"]{0,39}?)\s*[:：](?!//)"
    r"(?=\s|[^\x00-\x7f]|[A-Za-z]|(?<=\D：)\d)\s*(?P<text>.*)"  # "妈：6点回来" is spoken, "晚上8：30" is a time
)
_BREAK = re.compile(r"\s*[-*=_#~]{3,}\s*")


def _is_spoken(line: str) -> re.Match[str] | None:
    match = _SPOKEN.fullmatch(line)
    return match if match and any(character.isalpha() for character in match["name"]) else None


def is_script(text: str) -> bool:
    """Return whether most lines of a text begin with a name, and at least two names speak."""
    lines = [line for line in text.splitlines()[:2000] if line.strip() and not _BREAK.fullmatch(line)]
    spoken = [match["name"] for line in lines if (match := _is_spoken(line))]
    return len(set(spoken)) >= 2 and 2 * len(spoken) >= len(lines) and len(set(spoken)) <= max(2, 3 * len(spoken) // 4)


def read_script(text: str, source: str) -> ChatLog:
    """Return the log of a `NAME: line` text. BadData if its first line has no name."""
    log = ChatLog(format="script")
    lines = text.splitlines()
    blank_breaks = not _is_double_spaced(lines)
    chat = Chat(identity="0")
    log.chats.append(chat)
    begins = True
    name = ""
    spoken: list[str] = []

    def finish() -> None:
        nonlocal begins
        words = " ".join(part for part in spoken if part)
        if name and words:
            log.names.setdefault(name, name)
            chat.messages.append(Message(sender=name, text=words, begins=begins))
            begins = False
        spoken.clear()

    for number, line in enumerate(lines, start=1):
        match = _is_spoken(line)
        if match:
            finish()
            name = match["name"]
            spoken.append(match["text"].strip())
        elif _BREAK.fullmatch(line) or (blank_breaks and not line.strip()):
            finish()
            name, begins = "", True
        elif name:
            spoken.append(line.strip())
        elif line.strip():
            raise BadData(
                tr("{source}: line {number} does not begin with a name", source=source, number=number),
                tr("write NAME: line, or use --format"),
            )
    finish()
    return log


def _is_double_spaced(lines: list[str]) -> bool:
    spoken = [number for number, line in enumerate(lines) if _is_spoken(line)]
    followed = sum(1 for number in spoken[:-1] if not lines[number + 1].strip())
    return len(spoken) > 2 and 2 * followed > len(spoken)
