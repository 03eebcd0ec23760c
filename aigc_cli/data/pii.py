"""Find personal data in messages and replace it by stable placeholders such as `<PHONE_1>`.

Covers what has a recognisable form: links, e-mail and IP addresses, IBANs, Chinese identity and company
numbers, payment cards, telephone numbers, account handles that are announced as such, and Chinese streets with a
house number. Names and other postal addresses have no form and are NOT covered. Knows nothing of chats, files or
records, and never prints a value. The rules are in `personal`, a file a family.
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
from aigc_cli.data.personal.phones import find_phones
from aigc_cli.data.personal.shadow import Spans, origins, shadow_of

NOT_COVERED = later("names and postal addresses are not redacted, but for Chinese streets with a house number")

_BLANK = "\x00"

# No rule finds anything in a text without one of these.
_NEEDED = (re.compile(r"[0-9@._:=\[({号號弄]"), re.compile(r"[iI][dD](?<![A-Za-z]..)(?![A-Za-z])|아이디"))
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
_KINDS = {rule.name: rule.kind for rule in RULES}


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
    shadow = shadow_of(text)
    if not marked and not any(needed.search(shadow) for needed in _NEEDED):
        return []
    origin = origins(text)
    found: list[Found] = []

    def take(rule: str, spans: Spans) -> None:
        nonlocal shadow
        for start, end in list(spans):
            if start < end and _BLANK not in shadow[start:end]:
                found.append(Found(rule, origin[start], origin[end - 1] + 1))
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


class Redactor:
    """Replaces personal data; the same value gets the same placeholder wherever this redactor sees it.

    Values are remembered only as keyed hashes (BLAKE2b) under a key that dies with the object.
    `counts` holds the number of replacements a rule.
    """

    def __init__(self, key: bytes | None = None) -> None:
        self._key = key or secrets.token_bytes(32)
        self._numbers: dict[str, dict[bytes, int]] = {}
        self.counts: Counter[str] = Counter()

    def redact(self, text: str, marked: Sequence[tuple[str, str]] = ()) -> str:
        """Return the text with each piece of personal data replaced by its placeholder."""
        pieces: list[str] = []
        done = 0
        for item in find_personal_data(text, marked):
            pieces += [text[done : item.start], self._placeholder(item.rule, text[item.start : item.end])]
            done = item.end
            self.counts[item.rule] += 1
        return "".join(pieces) + text[done:]

    def _placeholder(self, rule: str, value: str) -> str:
        kind = _KINDS[rule]
        numbers = self._numbers.setdefault(kind, {})
        digest = hashlib.blake2b(_canonical(rule, value).encode(), key=self._key, digest_size=16).digest()
        return f"<{kind}_{numbers.setdefault(digest, len(numbers) + 1)}>"


def _canonical(rule: str, value: str) -> str:
    """Return one spelling for the ways in which the same value is written.

    A telephone number is known by its last nine digits, so that +44 7700 900123 is 07700 900123.
    """
    plain = shadow_of(value).lower()
    if rule == "phone":
        return re.sub(r"\D", "", plain)[-9:]
    if rule in ("card", "iban"):
        return re.sub(r"[ -]", "", plain)
    return plain
