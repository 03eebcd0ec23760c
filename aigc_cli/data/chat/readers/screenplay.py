"""Read screenplays: plain text as it is typed, its names centred or not, and Fountain.

A line in capitals with words right below it is a name, and these are what is said, up to an empty line. What happens
between is left out and does not cut the dialogue; a new scene does. Directions in brackets go.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from aigc_cli.core.errors import BadData
from aigc_cli.core.words.messages import tr
from aigc_cli.data.chat.exports import Export, Head
from aigc_cli.data.chat.messages import Log, Message
from aigc_cli.data.chat.names import seen
from aigc_cli.data.chat.reader import Reader, ReadOptions

_RECOGNISED_LINES = 1000
_NAMES = 3  # lines that are names, for a text with one scene to be recognised
_LONGEST_NAME = 45
_SCENE = re.compile(
    r"(?:\d{1,4}[A-Z]?\.?\s+)?(?:(?:INT|EXT|EST|INT\.?\s?/\s?EXT|EXT\.?\s?/\s?INT|I/E)[. ]|\.(?=[^.\s])).*",
    re.IGNORECASE,
)
_TRANSITION = re.compile(
    r"(?:>\s?)?(?:[A-Z' ]{2,30} (?:TO|IN|OUT|UP|BLACK)[:.]?|FADE (?:IN|OUT)[:.]?|THE END\.?|INTERCUT.{0,40})"
)
_BETWEEN = re.compile(r"(?:\(?(?:MORE|CONTINUED)\)?:?(?:\s*\(\d+\))?|\d{1,4}\.|={3,}|CONTINUED:.{0,20})", re.IGNORECASE)
_MARK = re.compile(r"(?:#{1,6}|=|!|~)\s?.*|>.*<")  # Fountain's sections, synopses, forced action, lyrics, centred text
_EXTENSION = re.compile(r"\s*\([^()]{1,40}\)|\s*\^$|^@")
_DIRECTION = re.compile(r"\([^()]{0,300}\)|\[\[.{0,300}?\]\]")
_EMPHASIS = re.compile(r"(\*{1,3}|_)(?=\S)(.{1,300}?)(?<=\S)\1")


@dataclass(frozen=True, slots=True)
class _Paragraph:
    """Lines without an empty one between them, and the number of the first."""

    number: int
    lines: list[str]


def _paragraphs(lines: Iterable[str]) -> Iterator[_Paragraph]:
    """Yield the paragraphs; page breaks, page numbers and what Fountain comments out are none."""
    written: list[str] = []
    first, in_comment = 1, False
    for number, line in enumerate(lines, start=1):
        bare = line.replace("\x0c", "").strip().lstrip("\ufeff")
        if in_comment or bare.startswith("/*"):
            in_comment = "*/" not in bare
            continue
        is_held = line == "  " and bool(written)  # two spaces: an empty line of what is said
        if _BETWEEN.fullmatch(bare) or is_held:
            continue
        if bare:
            first = first if written else number
            written.append(bare)
        elif written:
            yield _Paragraph(first, written)
            written = []
    if written:
        yield _Paragraph(first, written)


def _name(paragraph: _Paragraph) -> str:
    """Return who speaks in a paragraph, "" if nobody does."""
    line = paragraph.lines[0]
    if len(paragraph.lines) < 2 or len(line) > 2 * _LONGEST_NAME or _is_break(line) or _MARK.fullmatch(line):
        return ""
    name = _EXTENSION.sub("", line).strip()
    is_plain = name.isupper() and not name.endswith((".", "!", "?", ":", ",", "-", "…")) and ":" not in name
    return seen(name) if name and len(name) <= _LONGEST_NAME and (line.startswith("@") or is_plain) else ""


def _is_break(line: str) -> bool:
    return _SCENE.fullmatch(line) is not None or _TRANSITION.fullmatch(line) is not None


def _looks(head: Head) -> bool:
    paragraphs = list(_paragraphs(head.lines[:_RECOGNISED_LINES]))
    names = [name for paragraph in paragraphs if (name := _name(paragraph))]
    if head.name.lower().endswith(".fountain"):
        return bool(names)
    has_scene = any(_SCENE.fullmatch(paragraph.lines[0]) for paragraph in paragraphs)
    return has_scene and len(names) >= _NAMES and len(set(names)) > 1


def _read(export: Export, log: Log, _: ReadOptions) -> Iterator[Message]:
    begins, has_begun = True, False
    for part in export.parts:
        for paragraph in _paragraphs(export.lines(part)):
            breaks = sum(1 for line in paragraph.lines if _is_break(line))
            name = _name(paragraph)
            said = _EMPHASIS.sub(r"\2", _DIRECTION.sub(" ", " ".join(paragraph.lines[1:]))) if name else ""
            words = " ".join(said.split())
            begins |= breaks > 0
            if words:
                has_begun = True
                log.name(name, name)
                yield Message(sender=name, text=words, begins=begins)
                begins = False
            elif breaks < len(paragraph.lines):
                log.drop("action", paragraph.number, paragraph.lines[0])
    if not has_begun:
        raise BadData(
            tr("{source}: nobody speaks in it", source=export.source), tr("is this the right file, or --format?")
        )


READER = Reader(title="screenplay", looks=_looks, read=_read)
