"""How much personal data of invented chat messages would be redacted, and how much else? One JSON record.

The corpus, `redaction.jsonl`, was written and committed without sight of the rules that it measures, from what they
promise: telephone numbers, mail addresses, URLs, IP addresses, bank cards, IBANs, Chinese identity numbers, company
codes, handles named as such, and Chinese addresses with a house number. A line is one message: its text, the spans
of personal data in it ([start, end, kind], none in a look-alike), its language, and which case it is. Everything is
invented: reserved numbers, example domains, ranges of addresses for documentation, published test cards and IBANs, and
numbers whose check digits were computed for the corpus. What shows a mistake of the rules changes the rules; a line
changes only where a careful reader would label it otherwise, in a commit that says so.
"""

import json
from dataclasses import dataclass
from pathlib import Path

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
