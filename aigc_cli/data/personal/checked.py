"""Numbers that carry a check: IBANs, Chinese identity numbers and company codes, payment cards."""

import re

from aigc_cli.data.personal.shadow import Spans

_IBAN_HEAD = re.compile(r"(?:(?<![A-Za-z0-9])|(?<=[iI][bB][aA][nN]))[A-Za-z]{2}\d{2}(?= ?-?[A-Za-z0-9])")
_CHINESE_ID = re.compile(
    r"(?<!\d)(?<!\d-)[1-9]\d{5}([ -]?)(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\1\d{3}"
    r"(?:\d(?!-?\d)|[Xx](?![A-Za-z0-9]))"
)
# GB 32100-2015: who registered it and what it is, the place (six digits), the body, the check.
_COMPANY_ID = re.compile(
    r"(?<![A-Za-z0-9])(?<![A-Za-z0-9]-)[1-9ANY][ -]?[1-69](?:[ -]?\d){6}(?:[ -]?[0-9A-HJ-NP-RTUWXY]){10}"
    r"(?!-?[A-Za-z0-9])",
    re.IGNORECASE,
)
# Visa of old, Diners, American Express, and those of 16 digits and more; a barcode has 13.
_CARD = re.compile(r"4\d{12}|3[0689]\d{12}|3[47]\d{13}|2131\d{11}|[2-6]\d{15}|[456]\d{16,18}")
_DIGIT_RUN = re.compile(r"(?<!\d)\d++(?:[ -]\d++)*+")

_MOST_GROUPS = 5  # of a card (4 4 4 4 3) or a company code (4 4 4 4 2)

IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BI": 27, "BR": 29,
    "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27, "DK": 18, "DO": 28, "EE": 20, "EG": 29,
    "ES": 24, "FI": 18, "FK": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28,
    "HN": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20,
    "LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19,
    "MN": 20, "MR": 27, "MT": 31, "MU": 30, "NI": 28, "NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28, "PS": 29,
    "PT": 25, "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24, "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24,
    "SM": 27, "SO": 23, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20,
    "YE": 30,
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


def find_ibans(text: str) -> Spans:
    """Yield IBANs of a registered country's length whose check digits are right, in groups or not."""
    for head in _IBAN_HEAD.finditer(text):
        length = IBAN_LENGTHS.get(head[0][:2].upper())
        if length is None:
            continue
        match = re.compile(rf"[A-Za-z0-9](?:[ -]?[A-Za-z0-9]){{{length - 1}}}(?![A-Za-z0-9])").match(text, head.start())
        if match and passes_mod_97(without_gaps(match[0])):
            yield match.span()


def find_chinese_ids(text: str) -> Spans:
    """Yield Chinese identity numbers, also split into place, birthday and the rest."""
    for match in _CHINESE_ID.finditer(text):
        if passes_mod_11_2(without_gaps(match[0])):
            yield match.span()


def find_company_ids(text: str) -> Spans:
    """Yield Chinese company codes (unified social credit identifiers), in groups or not."""
    for match in _COMPANY_ID.finditer(text):
        code = without_gaps(match[0])
        gaps = len(match[0]) - len(code)
        if passes_mod_31(code.upper()) and (not gaps or (gaps <= _MOST_GROUPS and not code.isdecimal())):
            yield match.span()


def find_cards(text: str) -> Spans:
    """Yield runs of 13 to 19 digits that begin as cards do, pass Luhn, and are grouped as cards are printed."""
    for run in _DIGIT_RUN.finditer(text):
        if len(run[0]) < 13:
            continue
        groups = [(run.start() + group.start(), run.start() + group.end()) for group in re.finditer(r"\d+", run[0])]
        first = 0
        while first < len(groups):
            for last in range(min(len(groups), first + _MOST_GROUPS) - 1, first - 1, -1):
                if not _grouped_like_a_card([end - start for start, end in groups[first : last + 1]]):
                    continue
                start, end = groups[first][0], groups[last][1]
                digits = without_gaps(text[start:end])
                if _CARD.fullmatch(digits) and passes_luhn(digits):
                    yield start, end
                    first = last
                    break
            first += 1


def _grouped_like_a_card(sizes: list[int]) -> bool:
    if len(sizes) == 1 or sizes in ([4, 6, 5], [4, 6, 4], [6, 13]):
        return True
    return set(sizes[:-1]) == {4} and sizes[-1] <= 4


def without_gaps(number: str) -> str:
    """Return a number without the spaces and dashes that group it."""
    return number.replace(" ", "").replace("-", "")
