"""How much personal data of invented chat messages would be redacted, and how much else? One JSON record.

The corpus, `redaction.jsonl`, was written and committed without sight of the rules that it measures, from what they
promise: telephone numbers, mail addresses, URLs, IP addresses, bank cards, IBANs, Chinese identity numbers, company
codes, handles named as such, and Chinese addresses with a house number. A line is one message: its text, the spans
of personal data in it ([start, end, kind], none in a look-alike), its language, and which case it is. Everything is
invented: reserved numbers, example domains, ranges of addresses for documentation, published test cards and IBANs, and
numbers whose check digits were computed for the corpus. What shows a mistake of the rules changes the rules; a line
changes only where a careful reader would label it otherwise, in a commit that says so.

A second corpus, `redaction_heldout.jsonl`, was committed after the first was scored and before the rules changed, and
was scored once when they had: it tells rules that generalise from rules that were fitted to the first. Its author
knew the rules as they were and wrote those that they became. A third, `redaction_blind.jsonl`, was written after that
by somebody who saw neither rules nor corpora, and committed with its score; the rules have seen it since.

A datum counts as found if each of its letters and digits is redacted, under whatever kind, and no letter or digit that
belongs to no datum goes with them. A false alarm is a look-alike with any redaction, or a redaction in another message
that takes a letter or digit of no datum. Recall is found / data, precision is found / (found + false alarms).

python benchmarks/redaction.py [--corpus FILE] [--show]
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aigc_cli.data.pii import Found, find_personal_data

CORPUS = Path(__file__).with_suffix(".jsonl")


@dataclass(frozen=True)
class Message:
    """A message of the corpus: spans are [start, end) offsets into the text with their kind; a look-alike has none."""

    text: str
    spans: list[tuple[int, int, str]]
    lang: str
    note: str


def read_corpus(path: Path = CORPUS) -> list[Message]:
    """Return the messages of a file."""
    lines = path.read_text(encoding="utf-8").split("\n")
    rows = [json.loads(line) for line in lines if line]
    return [Message(row["text"], [tuple(span) for span in row["spans"]], row["lang"], row["note"]) for row in rows]


@dataclass(frozen=True)
class Verdict:
    """What became of a message: which of its spans were found, and which redactions are false alarms."""

    message: Message
    found: list[bool]
    alarms: list[Found]

    @property
    def false_alarms(self) -> int:
        """A look-alike counts once, however much of it is redacted."""
        return len(self.alarms) if self.message.spans else min(1, len(self.alarms))

    @property
    def glued(self) -> list[bool]:
        """For each span, whether a letter stands right before or after it."""
        text = self.message.text
        return [text[:start][-1:].isalpha() or text[end:][:1].isalpha() for start, end, _ in self.message.spans]


def judge(message: Message, redactions: Sequence[Found]) -> Verdict:
    """Compare redactions with the spans of a message."""

    def letters(start: int, end: int) -> set[int]:
        return {index for index in range(start, end) if message.text[index].isalnum()}

    personal = {index for start, end, _ in message.spans for index in letters(start, end)}
    taken = [(redaction, letters(redaction.start, redaction.end)) for redaction in redactions]
    alarms = [redaction for redaction, indices in taken if not message.spans or indices - personal]
    found = []
    for start, end, _ in message.spans:
        wanted = letters(start, end)
        touching = [indices for _, indices in taken if indices & wanted]
        found.append(wanted <= set().union(*touching) <= personal)
    return Verdict(message, found, alarms)


def shares(found: int, data: int, false_alarms: int | None = None) -> dict[str, Any]:
    """Return counts with recall and, where false alarms are counted, precision; null where nothing was counted."""
    record: dict[str, Any] = {"data": data, "found": found, "recall": round(found / data, 4) if data else None}
    if false_alarms is not None:
        redacted = found + false_alarms
        record |= {"false_alarms": false_alarms, "precision": round(found / redacted, 4) if redacted else None}
    return record


def score(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Return the record: over all, of glued data, a kind and a language, and the false alarms of each rule."""
    spans = [
        (kind, ok, glued)
        for one in verdicts
        for (_, _, kind), ok, glued in zip(one.message.spans, one.found, one.glued, strict=True)
    ]
    alarms = [redaction.rule for one in verdicts for redaction in one.alarms]

    def of_spans(chosen: list[bool]) -> dict[str, Any]:
        return shares(sum(chosen), len(chosen))

    def of_messages(chosen: Sequence[Verdict]) -> dict[str, Any]:
        data = [ok for one in chosen for ok in one.found]
        look_alikes = [one for one in chosen if not one.message.spans]
        return {
            "positives": len(chosen) - len(look_alikes),
            "look_alikes": len(look_alikes),
            "look_alikes_redacted": sum(one.false_alarms for one in look_alikes),
        } | shares(sum(data), len(data), sum(one.false_alarms for one in chosen))

    return of_messages(verdicts) | {
        "glued": of_spans([ok for _, ok, glued in spans if glued]),
        "kinds": {
            kind: of_spans([ok for other, ok, _ in spans if other == kind])
            for kind in sorted({kind for kind, *_ in spans})
        },
        "langs": {
            lang: of_messages([one for one in verdicts if one.message.lang == lang])
            for lang in sorted({one.message.lang for one in verdicts})
        },
        "alarms_by_rule": {rule: alarms.count(rule) for rule in sorted(set(alarms))},
    }


def mistakes(verdicts: Sequence[Verdict]) -> dict[str, list[dict[str, str]]]:
    """Return the data that were missed and the redactions that should not be, as they stand in their messages."""
    missed, alarmed = [], []
    for one in verdicts:
        message = one.message
        for (start, end, kind), ok in zip(message.spans, one.found, strict=True):
            if not ok:
                missed.append(
                    {"kind": kind, "datum": message.text[start:end], "text": message.text, "note": message.note}
                )
        for redaction in one.alarms:
            taken = message.text[redaction.start : redaction.end]
            alarmed.append({"rule": redaction.rule, "taken": taken, "text": message.text, "note": message.note})
    return {"missed": missed, "alarms": alarmed}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--corpus", type=Path, default=CORPUS)
    parser.add_argument("--show", action="store_true", help="list what was missed and what was redacted wrongly")
    options = parser.parse_args()
    verdicts = [judge(message, find_personal_data(message.text)) for message in read_corpus(options.corpus)]
    record = score(verdicts)
    if options.show:
        record |= mistakes(verdicts)
    print(json.dumps(record, ensure_ascii=False))


if __name__ == "__main__":
    main()
