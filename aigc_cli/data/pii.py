"""Find personal data in messages and replace it by stable placeholders such as `<PHONE_1>`.

Covers what has a recognisable form: links, e-mail and IP addresses, IBANs, Chinese identity and company
numbers, payment cards, telephone numbers, account handles that are announced as such, and Chinese streets with a
house number. Names and other postal addresses have no form and are NOT covered, but for words that a file lists.
Knows nothing of chats, files or records, and never prints a value. The rules are in `personal`, a file a family.
"""

import hashlib
import re
import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aigc_cli.core.words.messages import later
from aigc_cli.data.personal.addresses import find_addresses
from aigc_cli.data.personal.checked import find_cards, find_chinese_ids, find_company_ids, find_ibans
from aigc_cli.data.personal.handles import find_handles
from aigc_cli.data.personal.links import find_emails, find_ip_addresses, find_urls
from aigc_cli.data.personal.listed import Listed
from aigc_cli.data.personal.phones import find_phones, spoken_as_digits, without_numerals
from aigc_cli.data.personal.shadow import Spans, origins, place, shadow_of

NOT_COVERED = later("names and postal addresses are not redacted, but for Chinese streets with a house number")
NOT_LISTED = later(
    "names that --redact does not list and postal addresses are not redacted, "
    "but for Chinese streets with a house number"
)
SWITCHED_OFF = later("redaction was switched off")
ONLY_LISTED = later("redaction was switched off, but for the words of --redact")
LISTED = "listed"  # the rule's name of words that a file lists

_BLANK = "\x00"

# No rule finds anything in a text without one of these.
_NEEDED = (re.compile(r"[0-9@._:=\[({号號弄]"), re.compile(r"[iI][dD](?<![A-Za-z]..)(?![A-Za-z])|아이디| dot "))
_NOT_DIGITS = re.compile(r"[^0-9]+")


@dataclass(frozen=True)
class Rule:
    """A named search; what it finds becomes `<KIND_n>`. It finds nothing in a text with fewer digits than `digits`."""

    name: str
    kind: str
    find: Callable[[str], Spans]
    digits: int = 0


RULES = (
    Rule("url", "URL", find_urls),
    Rule("email", "EMAIL", find_emails),
    Rule("ip", "IP", find_ip_addresses),
    Rule("iban", "IBAN", find_ibans, digits=2),
    Rule("chinese_id", "ID", find_chinese_ids, digits=17),
    Rule("company_id", "ID", find_company_ids, digits=7),
    Rule("card", "CARD", find_cards, digits=13),
    Rule("address", "ADDRESS", find_addresses),
    Rule("phone", "PHONE", find_phones, digits=6),
    Rule("handle", "HANDLE", find_handles),
)
_KINDS = {rule.name: rule.kind for rule in RULES} | {LISTED: "NAME"}


@dataclass(frozen=True)
class Found:
    """One piece of personal data: the rule that found it and where it stands, `text[start:end]`."""

    rule: str
    start: int
    end: int


def find_personal_data(text: str, marked: Sequence[tuple[str, str]] = ()) -> list[Found]:
    """Return what the rules find, in order and without overlaps.

    `marked` is what the messenger itself recognised: pairs of a rule's name and the exact words.
    """
    shadow = spoken_as_digits(shadow_of(text))
    if not marked and not any(needed.search(shadow) for needed in _NEEDED):
        return []
    origin = origins(text)
    found: list[Found] = []

    def take(rule: str, spans: Spans) -> None:
        nonlocal shadow
        for start, end in list(spans):
            if start < end and _BLANK not in shadow[start:end]:
                found.append(Found(rule, *place(text, origin, start, end)))
                shadow = shadow[:start] + _BLANK * (end - start) + shadow[end:]

    for rule_name, words in marked:
        plain = shadow_of(words)
        if plain:
            take(rule_name, (match.span() for match in re.finditer(re.escape(plain), shadow)))
    digits = len(_NOT_DIGITS.sub("", shadow))
    for rule in RULES:
        if digits >= rule.digits:
            take(rule.name, rule.find(shadow))
    return sorted(found, key=lambda item: item.start)


def _merged(found: list[Found], listed: list[Found]) -> list[Found]:
    """Return all finds, in order; what overlaps becomes one, of the rule, as nothing of either may stay."""
    merged: list[Found] = []
    for item in sorted(found + listed, key=lambda item: item.start):
        if merged and item.start < merged[-1].end:
            last = merged.pop()
            rule = item.rule if last.rule == LISTED else last.rule
            item = Found(rule, last.start, max(last.end, item.end))
        merged.append(item)
    return merged


class Redactor:
    """Replaces personal data; the same value gets the same placeholder wherever this redactor sees it.

    Values are remembered only as keyed hashes (BLAKE2b) under a key that dies with the object. What a file lists
    (`listed`) is known anyhow: its n-th word is `<NAME_n>`, in every set that is made with the file. Without `rules`
    nothing else is replaced. `counts` holds the number of replacements a rule.
    """

    def __init__(self, key: bytes | None = None, *, listed: Listed | None = None, rules: bool = True) -> None:
        self._key = key or secrets.token_bytes(32)
        self.listed = listed
        self._rules = rules
        self._numbers: dict[str, dict[bytes, int]] = {}
        self.counts: Counter[str] = Counter()

    def redact(self, text: str, marked: Sequence[tuple[str, str]] = ()) -> str:
        """Return the text with each piece of personal data replaced by its placeholder."""
        pieces: list[str] = []
        done = 0
        found = find_personal_data(text, marked) if self._rules else []
        if self.listed is not None:
            found = _merged(found, [Found(LISTED, start, end) for start, end in self.listed.find(text)])
        for item in found:
            pieces += [text[done : item.start], self._placeholder(item.rule, text[item.start : item.end])]
            done = item.end
            self.counts[item.rule] += 1
        return "".join(pieces) + text[done:]

    def hide_listed(self, text: str) -> str:
        """Return the text, which is no message, with what the file lists replaced and nothing counted."""
        if self.listed is None:
            return text
        pieces, done = [], 0
        for start, end in self.listed.find(text):
            pieces += [text[done:start], self._placeholder(LISTED, text[start:end])]
            done = end
        return "".join(pieces) + text[done:]

    @property
    def note(self) -> str:
        """What is not redacted."""
        if self._rules:
            return NOT_COVERED if self.listed is None else NOT_LISTED
        return SWITCHED_OFF if self.listed is None else ONLY_LISTED

    def _placeholder(self, rule: str, value: str) -> str:
        kind = _KINDS[rule]
        if rule == LISTED and self.listed is not None:
            return f"<{kind}_{self.listed.number(value)}>"
        numbers = self._numbers.setdefault(kind, {})
        digest = hashlib.blake2b(_canonical(rule, value).encode(), key=self._key, digest_size=16).digest()
        return f"<{kind}_{numbers.setdefault(digest, len(numbers) + 1)}>"


def _canonical(rule: str, value: str) -> str:
    """Return one spelling for the ways in which the same value is written.

    A telephone number is known by its last nine digits, so that +44 7700 900123 is 07700 900123.
    """
    plain = shadow_of(value).lower()
    if rule == "phone":
        return re.sub(r"\D", "", without_numerals(plain))[-9:]
    if rule in ("card", "iban"):
        return re.sub(r"[ -]", "", plain)
    return plain
