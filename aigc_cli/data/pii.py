r"""Find personal data in messages and replace it by stable placeholders such as `<PHONE_1>`.

Covers what has a recognisable form: links, e-mail and IP addresses, IBANs, Chinese identity and company
numbers, payment cards, telephone numbers, account handles that are announced as such, and Chinese streets with a
house number. Names and other postal addresses have no form and are NOT covered. Knows nothing of chats, files or
records, and never prints a value.

Matching runs on a shadow of the text: NFKC (so that full-width digits count), invisible marks removed, all
dashes alike. Boundaries are "no further digit" and "no further Latin letter", never `\b`, because a Chinese
character counts as a word character. A library for telephone numbers was weighed and left out: it asks which
country to assume, refuses numbers that are not assigned, and is larger than this whole package, while
redaction needs recall on any country's numbers; its examples serve as the test's oracle.
"""

import hashlib
import ipaddress
import re
import secrets
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from aigc_cli.core.words.messages import later

Spans = Iterator[tuple[int, int]]

NOT_COVERED = later("names and postal addresses are not redacted, but for Chinese streets with a house number")

_BLANK = "\x00"
_INVISIBLE = frozenset("\u00ad\u061c\u200b\u200c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2069\ufeff")
_DASHES = dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u30fc", "-")

_LATIN = r"A-Za-z0-9À-ɏ"
_TOP_DOMAINS = r"(?:com|org|net|edu|gov|info|io|app|dev|me|co\.uk|org\.uk|ac\.uk|com\.cn|cn|de|fr|pt|es|it|nl|ru|jp|eu)"
_URL = re.compile(
    rf"(?<![{_LATIN}@.])(?:"
    r"(?:https?|ftp|tg)://[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+"
    r"|www\.[A-Za-z0-9\-.]+\.[A-Za-z]{2,}(?:/[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]*)?"
    rf"|(?:[A-Za-z0-9][A-Za-z0-9-]*\.)+{_TOP_DOMAINS}(?:/[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+)"
    rf"|(?:[A-Za-z0-9][A-Za-z0-9-]*\.)+(?:com|org|net|edu|gov|co\.uk|com\.cn)(?![{_LATIN}@]|\.[A-Za-z])"
    r")",
    re.IGNORECASE,
)
_EMAIL = re.compile(
    rf"(?<![{_LATIN}._%+-])[{_LATIN}][{_LATIN}._%+'-]*"
    r"(?:@| ?[\[(]at[\])] ?)"
    r"[A-Za-z0-9-]+(?:(?:\.| ?[\[(]dot[\])] ?)[A-Za-z0-9-]+)*(?:\.| ?[\[(]dot[\])] ?)[A-Za-z]{2,}",
    re.IGNORECASE,
)
_IPV4 = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?!\d|\.\d)")
_IPV6 = re.compile(r"(?<![0-9A-Za-z:.])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){3,7}(?![0-9A-Za-z:])")
_IBAN_HEAD = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?= ?[A-Za-z0-9])")
_CHINESE_ID = re.compile(
    r"(?<!\d)[1-9]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}(?:\d(?!\d)|[Xx](?![A-Za-z0-9]))"
)
_COMPANY_ID = re.compile(r"(?<![A-Za-z0-9])[0-9A-HJ-NP-RTUWXY]{2}\d{6}[0-9A-HJ-NP-RTUWXY]{10}(?![A-Za-z0-9])")
_DIGIT_RUN = re.compile(r"(?<!\d)\d+(?:[ -]\d+)*(?!\d)")
_DAY, _MONTH = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])"
_DATE_OR_TIME = re.compile(
    r"(?<!\d)(?<!\d[-./])(?:"
    rf"(?:19|20)\d\d([-./]){_MONTH}\1{_DAY}"
    rf"|{_DAY}([-./]){_DAY}\2(?:(?:19|20)\d\d|\d\d)"
    r")(?![-./]?\d)"
    r"|(?<![\d:])\d{1,2}:\d\d(?::\d\d)?(?![\d:])"
)
# A street and its house number, with the places before it and the door behind it. The words that lead to an address
# ("我住在…") are no part of a place's name.
_PLACE = r"(?:(?![我你他她它们在到住去是寄来了的给从往这那请和跟把就离])[\u4e00-\u9fff])"
_CHINESE_ADDRESS = re.compile(
    rf"(?:{_PLACE}{{2,8}}?(?:省|自治区|市|区|县|镇|乡|村)){{0,4}}{_PLACE}{{1,8}}?"
    r"(?:大道|大街|路|街|巷|弄|胡同)\d{1,5}(?:号(?!线|楼|院)|弄|号院)"
    r"(?:[A-Za-z]?\d{1,4}(?:号楼|栋|幢|座|单元|层|楼|室|房|号))*(?:\d{3,4}(?!\d))?"
)

_GAP = r"(?: ?\(|\) ?|[ .\-/])?"
_INTERNATIONAL_PHONE = re.compile(rf"(?<![\d+.,])(?:\+ ?|00)[1-9](?:{_GAP}\d){{6,14}}(?!\d)")
_NATIONAL_PHONES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?<!\d)(?:(?:\+|00)?86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?!\d)",
        rf"(?<![\d.,+])\(?0\d(?:{_GAP}\d){{7,11}}(?!\d)",
        r"(?<![\d.,-])(?:1[ .-]?)?(?:\([2-9]\d\d\) ?|[2-9]\d\d[ .-]?)[2-9]\d\d[ .-]?\d{4}(?![.,]?\d)",
        r"(?:(?<![A-Za-z])(?:phone|tel|telephone|telefone?|mobile|cell|call|text|ring|whatsapp|sms|fax|landline)"
        r"(?![A-Za-z])|电话|手机|座机|号码|联系方式|致电|拨打)[^\d\n\x00]{0,20}?"
        rf"(?P<value>\(?\d(?:{_GAP}\d){{5,14}})(?!\d)",
    )
)
_SERVICES = (
    r"(?:(?<![A-Za-z])(?:wechat|weixin|wx|vx|qq|telegram|insta(?:gram)?|ig|snap(?:chat)?|discord|skype|signal|twitter)"
    r"(?![A-Za-z])|微信|抖音)"
)
_HANDLES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"{_SERVICES}[^\n@\x00]{{0,16}}(?P<value>@[A-Za-z0-9_.]{{2,31}}[A-Za-z0-9_])",
        rf"{_SERVICES} ?(?:id|handle|user(?:name)?|name|号码?|账号|帐号)? ?(?:[:=]|is(?= )|是|为|号)? ?"
        r"(?P<value>(?=[A-Za-z0-9_.-]*[0-9_])[A-Za-z0-9][A-Za-z0-9_.-]{3,30}[A-Za-z0-9_])",
    )
)

# No rule finds anything in a text without one of these.
_NEEDED = re.compile(r"[\d@._]|://|[\[(]at[\])]", re.IGNORECASE)

IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BR": 29, "BY": 28,
    "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18,
    "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22,
    "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20,
    "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MR": 27, "MT": 31, "MU": 30, "NL": 18,
    "NO": 15, "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "SA": 24, "SC": 31, "SE": 24,
    "SI": 19, "SK": 24, "SM": 27, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24,
    "XK": 20,
}  # fmt: skip


def passes_luhn(digits: str) -> bool:
    """Return whether a card number's last digit checks (ISO/IEC 7812-1 annex B, the Luhn formula)."""
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if position % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def passes_mod_97(iban: str) -> bool:
    """Return whether an IBAN without spaces has the remainder 1 (ISO 13616, ISO 7064 MOD 97-10)."""
    rotated = iban[4:] + iban[:4]
    return int("".join(str(int(character, 36)) for character in rotated)) % 97 == 1


def passes_mod_11_2(number: str) -> bool:
    """Return whether an 18-character Chinese identity number checks (GB 11643-1999, ISO 7064 MOD 11-2)."""
    total = sum(int(digit) * pow(2, 17 - position, 11) for position, digit in enumerate(number[:17]))
    return "10X98765432"[total % 11] == number[17].upper()


def passes_mod_31(code: str) -> bool:
    """Return whether an 18-character Chinese company code checks (GB 32100-2015, ISO 7064-like MOD 31-3)."""
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    if any(character not in alphabet for character in code):
        return False
    total = sum(alphabet.index(character) * pow(3, position, 31) for position, character in enumerate(code[:17]))
    return alphabet[(31 - total % 31) % 31] == code[17]


def _urls(text: str) -> Spans:
    for match in _URL.finditer(text):
        yield match.start(), match.start() + len(match[0].rstrip(".,;:!?'\")]*_~"))


def _emails(text: str) -> Spans:
    yield from (match.span() for match in _EMAIL.finditer(text))


def _ip_addresses(text: str) -> Spans:
    for pattern in (_IPV4, _IPV6):
        for match in pattern.finditer(text):
            try:
                ipaddress.ip_address(match[0])
            except ValueError:
                continue
            yield match.span()


def _ibans(text: str) -> Spans:
    for head in _IBAN_HEAD.finditer(text):
        length = IBAN_LENGTHS.get(head[0][:2].upper())
        if length is None:
            continue
        match = re.compile(rf"[A-Za-z0-9](?: ?[A-Za-z0-9]){{{length - 1}}}(?![A-Za-z0-9])").match(text, head.start())
        if match and passes_mod_97(match[0].replace(" ", "")):
            yield match.span()


def _chinese_ids(text: str) -> Spans:
    yield from (match.span() for match in _CHINESE_ID.finditer(text) if passes_mod_11_2(match[0]))


def _company_ids(text: str) -> Spans:
    yield from (match.span() for match in _COMPANY_ID.finditer(text) if passes_mod_31(match[0]))


def _cards(text: str) -> Spans:
    """Yield runs of 13 to 19 digits that begin with 2 to 6, pass Luhn, and are grouped as cards are printed."""
    for run in _DIGIT_RUN.finditer(text):
        groups = [(run.start() + group.start(), run.start() + group.end()) for group in re.finditer(r"\d+", run[0])]
        first = 0
        while first < len(groups):
            for last in range(len(groups) - 1, first - 1, -1):
                if not _grouped_like_a_card([end - start for start, end in groups[first : last + 1]]):
                    continue
                start, end = groups[first][0], groups[last][1]
                digits = re.sub(r"\D", "", text[start:end])
                if 13 <= len(digits) <= 19 and digits[0] in "23456" and passes_luhn(digits):
                    yield start, end
                    first = last
                    break
            first += 1


def _grouped_like_a_card(sizes: list[int]) -> bool:
    if len(sizes) == 1 or sizes in ([4, 6, 5], [4, 6, 4], [6, 13]):
        return True
    return set(sizes[:-1]) == {4} and sizes[-1] <= 4


def _chinese_addresses(text: str) -> Spans:
    yield from (match.span() for match in _CHINESE_ADDRESS.finditer(text))


def _phones(text: str) -> Spans:
    for match in _INTERNATIONAL_PHONE.finditer(text):
        yield match.span()
    dateless = _DATE_OR_TIME.sub(lambda match: _BLANK * len(match[0]), text)
    for pattern in _NATIONAL_PHONES:
        for match in pattern.finditer(dateless):
            yield match.span("value" if "value" in pattern.groupindex else 0)


def _handles(text: str) -> Spans:
    for pattern in _HANDLES:
        yield from (match.span("value") for match in pattern.finditer(text))


@dataclass(frozen=True)
class Rule:
    """A named search; what it finds becomes `<KIND_n>`."""

    name: str
    kind: str
    find: Callable[[str], Spans]


RULES = (
    Rule("url", "URL", _urls),
    Rule("email", "EMAIL", _emails),
    Rule("ip", "IP", _ip_addresses),
    Rule("iban", "IBAN", _ibans),
    Rule("chinese_id", "ID", _chinese_ids),
    Rule("company_id", "ID", _company_ids),
    Rule("card", "CARD", _cards),
    Rule("address", "ADDRESS", _chinese_addresses),
    Rule("phone", "PHONE", _phones),
    Rule("handle", "HANDLE", _handles),
)
_KINDS = {rule.name: rule.kind for rule in RULES}


def _shadow(text: str) -> tuple[str, list[int] | range]:
    """Return the text to match on and, for each of its characters, the index in `text` it came from."""
    if text.isascii():
        return text, range(len(text) + 1)
    characters: list[str] = []
    origin: list[int] = []
    for index, character in enumerate(text):
        if character in _INVISIBLE:
            continue
        for plain in unicodedata.normalize("NFKC", character):
            characters.append(_DASHES.get(plain, plain))
            origin.append(index)
    origin.append(len(text))
    return "".join(characters), origin


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
    shadow, origin = _shadow(text)
    if not marked and not _NEEDED.search(shadow):
        return []
    found: list[Found] = []

    def take(rule: str, start: int, end: int) -> None:
        nonlocal shadow
        if start < end and _BLANK not in shadow[start:end]:
            found.append(Found(rule, origin[start], origin[end - 1] + 1))
            shadow = shadow[:start] + _BLANK * (end - start) + shadow[end:]

    for rule_name, words in marked:
        plain = _shadow(words)[0]
        if plain:
            for match in list(re.finditer(re.escape(plain), shadow)):
                take(rule_name, *match.span())
    for rule in RULES:
        for start, end in list(rule.find(shadow)):
            take(rule.name, start, end)
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
    plain = _shadow(value)[0].lower()
    if rule == "phone":
        return re.sub(r"\D", "", plain)[-9:]
    if rule in ("card", "iban"):
        return re.sub(r"[ -]", "", plain)
    return plain
