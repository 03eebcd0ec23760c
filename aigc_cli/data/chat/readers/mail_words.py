"""What the sender of a mail wrote: without what is quoted, what is forwarded, and the signature.

What mail programs write there is known in some thirty languages (`mail_phrases`). Text that is none of that stays as
it is.
"""

import re
from typing import NamedTuple

from aigc_cli.data.chat.readers import mail_phrases as phrases

_MOST_HEADER_LINES = 4  # that a line such as "On Monday … wrote:" is broken into
_LONGEST_HEADER = 500
_LONGEST_SIGNATURE = 10  # lines after dashes that may also divide a text
_LAST_LINES = 4  # among which "Sent from my telephone" may stand

# "> " before a quoted line, and no face such as >:( or >_<
_QUOTED = re.compile(r"\s{0,4}>(?!(?:[:;.]?[-'^]?[(</\\]{1,3}|_[<>])(?:\s|$))")
# How a line begins that says who wrote what follows: with a word for it, or soon a date, or a name and an address.
_LEADS = re.compile(
    rf"[\s*_-]{{0,8}}(?:{phrases.LEADS}(?:\b|(?=\d))|(?:[^\W\d_]{{1,12}}[.,]?\s{{1,2}}){{0,2}}\d"
    r"|\"?[^<>\n\"]{0,80}\"?\s?<[^<>\s]{1,200}@)",
    re.IGNORECASE,
)
_DATE = re.compile(r"\d{4}|\d[:.h]\d\d|\d\s?[年月/.-]\s?\d|@", re.IGNORECASE)
_ENDS = re.compile(r"[:：]\s*-{0,6}\s*$|\bwrote\s?-{0,6}\s*$|\bwrote:?\s*-{2,6}\s*$")
# Without a word for writing: a date, and at the end an address.
_DATED_ADDRESS = re.compile(
    r"(?:(?:19|20)\d\d|\d[:.]\d\d).{1,300}<[^<>\s]{1,200}@[^<>\s]{1,200}>\s*[:：]\s*$"
    r"|\d{4}年\d{1,2}月\d{1,2}日.{1,120}[^\s<>]@[^\s<>]{1,200}>?\s*[:：]\s*$"
)

_LINK = re.compile(r"\s?[<(]?https?://[^\s<>]{1,500}[>)]?")
_DASHES = re.compile(r"\s?(?:--|—|[–—]{2,})\s*$")
_END_OF_ADDRESS = re.compile(r"\s?>\s?[:：]\s*$")
_RULE = re.compile(r"[\s>]*[_=*~-]{3,}\s*$")
_PGP = re.compile(r"-----(BEGIN|END) PGP (SIGNED MESSAGE|SIGNATURE|MESSAGE|PUBLIC KEY BLOCK)-----\s*$")


class Words(NamedTuple):
    """What was written; `forwarded`: something was passed on; `encrypted`: the words are not readable."""

    text: str
    forwarded: bool = False
    encrypted: bool = False


def own_words(text: str) -> Words:
    """Return what the sender of a mail wrote in it."""
    lines = text.replace("\u00a0", " ").split("\n")
    if any("-----BEGIN PGP" in line for line in lines):
        lines, encrypted = _unsigned(lines)
        if encrypted:
            return Words("", encrypted=True)
    own: list[str] = []
    forwarded, place = False, 0
    while place < len(lines):
        line = lines[place]
        if "--" in line or ":" in line or "：" in line:
            forwarded = bool(phrases.FORWARDED.match(line))
            if forwarded or phrases.ORIGINAL.match(line) or _begins_headers(lines, place):
                break
        introduced = 0 if _QUOTED.match(line) else _introduction(lines, place)
        if introduced:
            place += introduced
            if not _is_quoted_next(lines, place):
                break
            continue
        if not _QUOTED.match(line):
            own.append(line)
        place += 1
    return Words("\n".join(_unsigned_off(own)).strip(), forwarded)


def _introduction(lines: list[str], place: int) -> int:
    """Return how many lines from a place on say who wrote what follows; 0 if they do not."""
    if not lines[place].strip() or not _LEADS.match(lines[place]):
        return 0
    joined = ""
    for count, line in enumerate(lines[place : place + _MOST_HEADER_LINES], start=1):
        if not line.strip() or (_QUOTED.match(line) and not _END_OF_ADDRESS.match(line)):
            return 0
        joined = f"{joined} {line.strip()}".strip().replace(" >:", ">:")
        if len(joined) > _LONGEST_HEADER:
            return 0
        is_whole = _ENDS.search(joined[-40:]) and phrases.WROTE.search(joined) and _DATE.search(joined)
        if is_whole or _DATED_ADDRESS.search(joined):
            return count
    return 0


def _is_quoted_next(lines: list[str], place: int) -> bool:
    """Return whether the next line with words is marked as quoted, so that what is not stands between quotations."""
    following = next((line for line in lines[place:] if line.strip()), "")
    return bool(_QUOTED.match(following))


def _begins_headers(lines: list[str], place: int) -> bool:
    """Return whether the headers of a quoted mail begin: who wrote it, and below two more at least."""
    if not phrases.WHO.match(lines[place]):
        return False
    below = [line for line in lines[place + 1 : place + 10] if line.strip()][:5]
    return sum(1 for line in below if phrases.WHAT.match(line)) >= 2


def _unsigned_off(lines: list[str]) -> list[str]:
    """Return lines without the signature at their end."""
    filled = [place for place, line in enumerate(lines) if line.strip()]
    begins = [place for place in filled if lines[place] == "-- "]
    begins += [place for place in filled[-_LONGEST_SIGNATURE:] if _DASHES.match(lines[place])]
    end = min(begins, default=len(lines))
    filled = [place for place in filled if place < end]
    begins += [place for place in filled[-_LAST_LINES:] if phrases.SENT_FROM.match(_LINK.sub("", lines[place]))]
    end = min(begins, default=len(lines))
    while end and (not lines[end - 1].strip() or _RULE.match(lines[end - 1])):
        end -= 1
    return lines[:end]


def _unsigned(lines: list[str]) -> tuple[list[str], bool]:
    """Return lines without the frame of a PGP signature, and whether what is within is encrypted."""
    kept: list[str] = []
    state = ""
    for line in lines:
        mark = _PGP.match(line)
        if mark and mark[2] == "MESSAGE":
            return [], True
        if mark:
            state = "" if mark[1] == "END" else "head" if mark[2] == "SIGNED MESSAGE" else "skipped"
        elif state == "head":
            state = "" if not line.strip() else state
        elif state != "skipped":
            kept.append(line.removeprefix("- "))
    return kept, False
