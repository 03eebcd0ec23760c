"""Read subtitles that say who speaks: SubRip (`NAME: line`), WebVTT (`<v Name>` too), SubStation Alpha (its names).

Nobody is given another's words: a line without a speaker belongs to nobody and cuts the dialogue, unless the sentence
before it is plainly not at its end. Marks of style, sounds and songs go. Times are those of a film, no dates: of them
only the pauses are told, by which scenes are divided.
"""

import html
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from aigc_cli.core.errors import BadData
from aigc_cli.core.words.messages import tr
from aigc_cli.data.chat.exports import Export, Head
from aigc_cli.data.chat.messages import Log, Message
from aigc_cli.data.chat.names import seen
from aigc_cli.data.chat.reader import Reader, ReadOptions
from aigc_cli.data.chat.readers.script import UNCLEAR

SCENE_SECONDS = 20  # a pause this long divides scenes
_SENTENCE_SECONDS = 2  # within which a sentence goes on
_RECOGNISED_LINES = 30
_CLOCK = r"(?:(\d{1,3}):)?(\d{1,2}):(\d{2})[,.](\d{1,3})"
_TIMING = re.compile(rf"\s*{_CLOCK}\s*-->\s*{_CLOCK}(?:\s.*)?")
_ASS_CLOCK = re.compile(r"\s*(\d{1,3}):(\d{1,2}):(\d{2})[.,:](\d{1,3})\s*")
_NO_TIME = re.compile(r"\n\n+(?=\d+\n)")  # where a cue ends, though the next has no time
_BLOCKS = ("NOTE", "STYLE", "REGION")
_VOICE = re.compile(r"<v(?:\.[^\s<>]{0,80})?[ \t]+([^<>]{1,120})>")
_TAG = re.compile(r"</?[A-Za-z][^<>\n]{0,200}>|<\d[\d:.]{1,12}>|\{\\[^{}\n]{0,400}\}")
_DRAWING = re.compile(r"\{[^{}]*\\p[1-9]")
_SOUND = re.compile(
    r"\[[^\[\]]{0,200}\]|\([^()]{0,200}\)|（[^（）]{0,200}）|[♪♫][^♪♫]{0,300}[♪♫]|^[♪♫].*",
    re.MULTILINE,
)
_DASH = re.compile(r"\s*[-‐–—]\s?(?=[^\s\-–—])")
_NAMED = re.compile(r"(?P<name>[^\s:：\-–][^:：]{0,38}?)\s?(?:\([^()]{1,30}\)\s?)?(?::\s+|：\s?)(?P<text>\S.*)")
_IN_BRACKETS = re.compile(r"[（\[](?P<name>[^（）\[\]]{1,30})[）\]]\s?(?P<text>[^（\[\s].*)")
_ENDS = tuple('.!?…。！？♪"”』」~—')
_WORDS_OF_A_NAME = 4


@dataclass(frozen=True, slots=True)
class _Cue:
    """One cue: from when to when in seconds, who speaks if the format says it, what is written, and in which line."""

    begin: float
    end: float
    name: str
    text: str
    number: int


def _seconds(hours: str | None, minutes: str, seconds: str, part: str) -> float:
    return 3600 * int(hours or 0) + 60 * int(minutes) + int(seconds) + float(f"0.{part}")


def _looks(head: Head) -> bool:
    lines = [line.strip().lstrip("\ufeff").strip() for line in head.lines[:_RECOGNISED_LINES]]
    lines = [line for line in lines if line]
    if not lines:
        return False
    if lines[0].split(None, 1)[0] == "WEBVTT" or lines[0] == "[Script Info]":
        return True
    return len(lines) > 1 and lines[0].isdigit() and _TIMING.fullmatch(lines[1]) is not None


def _cues(export: Export, log: Log | None = None) -> Iterator[_Cue]:
    """Yield the cues in the order of the file; tell the log of what is none."""
    for part in export.parts:
        lines = enumerate(export.lines(part), start=1)
        for number, line in lines:
            first = line.strip().lstrip("\ufeff").strip()
            if first:
                if first.startswith("["):
                    yield from _of_substation(lines, log)
                else:
                    is_vtt = first.split(None, 1)[0] == "WEBVTT"
                    yield from _of_blocks((number, first), lines, is_vtt, log)


def _of_substation(lines: Iterator[tuple[int, str]], log: Log | None) -> Iterator[_Cue]:
    columns = ["layer", "start", "end", "style", "name", "marginl", "marginr", "marginv", "effect", "text"]
    for number, line in lines:
        kind, mark, rest = line.partition(":")
        if kind == "Format" and "Text" in rest:
            columns = [name.strip().lower().replace("actor", "name") for name in rest.split(",")]
        elif mark and kind in ("Dialogue", "Comment"):
            row = dict(zip(columns, rest.split(",", len(columns) - 1), strict=False))
            begin, end = (_ASS_CLOCK.fullmatch(row.get(column, "")) for column in ("start", "end"))
            text = row.get("text", "")
            if kind == "Comment" or _DRAWING.search(text) or not (begin and end):
                if log:
                    log.drop("comment" if kind == "Comment" else "drawing" if begin else "unknown", number, line)
                continue
            text = text.replace("\\N", "\n").replace("\\n", "\n").replace("\\h", " ")
            yield _Cue(_seconds(*begin.groups()), _seconds(*end.groups()), row.get("name", "").strip(), text, number)


def _of_blocks(
    first: tuple[int, str], lines: Iterator[tuple[int, str]], is_vtt: bool, log: Log | None
) -> Iterator[_Cue]:
    """Yield the cues of SubRip, whose texts may have empty lines in them, or of WebVTT, where these end a cue."""
    timing: re.Match[str] | None = None
    at, written = first[0], [first[1]]
    for number, line in lines:
        found = _TIMING.fullmatch(line)
        if found is None:
            written.append(line)
            continue
        yield from _cue(timing, at, _without_identifier(written, is_vtt, is_first=timing is None), is_vtt, log)
        timing, at, written = found, number, []
    yield from _cue(timing, at, written, is_vtt, log)


def _without_identifier(written: list[str], is_vtt: bool, *, is_first: bool) -> list[str]:
    """Return the lines before a cue's time without its own name, or in SubRip its number."""
    last = len(written)
    while last and not is_vtt and not written[last - 1].strip():
        last -= 1
    if is_vtt:
        is_identifier = last > 1 and bool(written[last - 1].strip()) and not written[last - 2].strip()
    else:
        is_identifier = last > (not is_first) and written[last - 1].strip().isdigit()
    return written[: last - 1] if is_identifier else written


def _cue(
    timing: re.Match[str] | None, number: int, written: list[str], is_vtt: bool, log: Log | None
) -> Iterator[_Cue]:
    """Yield the cue of a time and the lines behind it; tell the log of lines that belong to none."""
    text = "\n".join(line.rstrip() for line in written).strip()
    rest = ""
    if is_vtt:  # an empty line ends the heading, and a cue
        text, _, rest = text.partition("\n\n")
    elif timing is None:
        rest = text
    else:
        text, *rests = _NO_TIME.split(text, maxsplit=1)
        rest = "".join(rests)
    for block in rest.split("\n\n") if log else ():
        if log and block.strip() and not (is_vtt and block.lstrip().startswith(_BLOCKS)):
            log.drop("unknown", number, block)
    if timing:
        clock = timing.groups()
        yield _Cue(_seconds(*clock[:4]), _seconds(*clock[4:8]), "", html.unescape(text) if is_vtt else text, number)


def _spoken(cue: _Cue, names: frozenset[str] | None) -> Iterator[tuple[str, str]]:
    """Yield (name, text) of all who speak in a cue, "" for one who is not named; all possible `names` if None."""
    voices = _VOICE.split(cue.text)
    if voices[0].strip() or len(voices) == 1:
        yield from _lines(cue.name, voices[0], names)
    for name, text in zip(voices[1::2], voices[2::2], strict=True):
        yield seen(name), " ".join(_plain(text).split())


def _lines(speaker: str, text: str, names: frozenset[str] | None) -> Iterator[tuple[str, str]]:
    """Yield (name, text) of a text, whose lines may each be somebody's unless its `speaker` is known."""
    name, written = speaker, list[str]()
    for line in _TAG.sub("", text).split("\n"):
        dash = _DASH.match(line)
        bare = line[dash.end() :] if dash else line.strip()
        named = None if speaker else _IN_BRACKETS.fullmatch(bare) or _NAMED.fullmatch(bare)
        if named and not (_is_name(named["name"], names) and (named.re is _NAMED or not named["name"].isupper())):
            named = None
        if named or (dash and not speaker):
            if written:
                yield name, " ".join(_plain("\n".join(written)).split())
            name, written = (seen(named["name"]), [named["text"]]) if named else ("", [bare])
        else:
            written.append(bare)
    yield seen(name), " ".join(_plain("\n".join(written)).split())


def _plain(text: str) -> str:
    return _SOUND.sub(" ", _TAG.sub("", text))


def _is_name(name: str, names: frozenset[str] | None) -> bool:
    """Return whether what stands before a colon names a speaker: in capitals always, else if it is one of `names`."""
    if name.isupper():
        return True
    if not name[:1].isalpha() or name[:1].islower() or len(name.split()) > _WORDS_OF_A_NAME:
        return False
    return names is None or seen(name) in names


def _read(export: Export, log: Log, _: ReadOptions) -> Iterator[Message]:
    counts = Counter(name for cue in _cues(export) for name, text in _spoken(cue, None) if name and text)
    names = frozenset(name for name, count in counts.items() if count > 1)
    if not any(name.isupper() or name in names for name in counts) and not _has_voices(export):
        raise BadData(
            tr("{source}: its lines do not say who speaks", source=export.source), tr("write NAME: before each line")
        )
    last: Message | None = None
    end = begin = float("-inf")
    for cue in _cues(export, log):
        begins = not begin <= cue.begin <= end + SCENE_SECONDS
        is_next = begin <= cue.begin <= end + _SENTENCE_SECONDS
        for place, (name, text) in enumerate(_spoken(cue, names)):
            if not text:
                log.drop("sound", cue.number, cue.text)
                continue
            goes_on = not name and not place and is_next and last is not None and not last.text.endswith(_ENDS)
            if goes_on and last is not None and not last.removed and not _DASH.match(cue.text):
                last = Message(sender=last.sender, text=f"{last.text} {text}", begins=last.begins)
                continue
            if last is not None:
                yield last
            if name:
                log.name(name, name)
            removed = "" if name else UNCLEAR
            last, begins = Message(sender=name, text=text if name else "", removed=removed, begins=begins), False
        begin, end = cue.begin, max(cue.end, cue.begin)
    if last is not None:
        yield last


def _has_voices(export: Export) -> bool:
    return any(cue.name or _VOICE.search(cue.text) for cue in _cues(export))


READER = Reader(title="SRT, WebVTT, ASS", looks=_looks, read=_read)
