"""Telephone numbers.

Three kinds of evidence, from strong to weak: an international prefix; the shape of a country's numbers, some of them
only beside words in that country's script; a word such as "call" or 电话 before any number of six digits or more.
A library for telephone numbers was weighed and left out: it asks which country to assume, refuses numbers that are not
assigned, and is larger than this whole package, while redaction needs recall on any country's numbers.
"""

import re
from collections.abc import Callable, Iterator

from aigc_cli.data.personal.shadow import Spans

_BLANK = "\x00"
_GAP = r"(?: ?\(|\)[ \-]?|[ .\-/·・])?"
# Not the end or the middle of a longer number, of an ISBN, or of a UUID.
_START = r"(?<![\d+#№])(?<!\d[.,])(?<![0-9a-fA-F]-)(?<!\d{4} )"
_END = r"(?!\d|[.,]\d{3}(?!\d)|-\d|[a-fA-F]-?\d|[a-fA-F]{2}\d)"

_DAY, _MONTH = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])"
_DATE_OR_TIME = re.compile(
    r"(?<!\d)(?<!\d[-./])(?:"
    rf"(?:19|20)\d\d([-./]){_MONTH}\1{_DAY}"
    rf"|{_DAY}([-./]){_DAY}\2(?:(?:19|20)\d\d|\d\d)"
    r")(?![-./]?\d)"
    r"|(?<![\d:])\d{1,2}:\d\d(?::\d\d)?(?![\d:])"
)

_INTERNATIONAL = re.compile(
    rf"(?<![\d+])(?<!\d[.,])(?:\(\+ ?|\+ ?\(?|(?<![A-Za-z])00(?=[1-9]))[1-9](?:{_GAP}\d){{6,14}}(?!\d)"
)
_SHAPES = (
    # China: eleven digits from 13 to 19, grouped in any way that no thousands are.
    re.compile(
        r"(?<![\d#№])(?<!\d[.,])(?<![0-9a-fA-F]-)(?:\(?(?:\+|00)?86\)?[ \-]?)?"
        r"(?P<mobile>1[3-9](?:[ .\-·・]?\d){9})(?!\d|[.,]\d)"
    ),
    # A trunk prefix 0: most of Europe, Asia and Africa.
    re.compile(rf"{_START}\(?0[1-9](?:{_GAP}\d){{7,11}}{_END}"),
    # Brazil.
    re.compile(rf"{_START}\(\d\d\) ?9?\d{{4}}-\d{{4}}{_END}"),
    # Hong Kong, Macau and Taiwan, their prefix in brackets without its plus.
    re.compile(rf"{_START}\((?:00)?(?:85[23]|886)\)[ \-]?(?:[2-9]\d{{3}}[ \-]?\d{{4}}|0?[2-9](?:[ \-]?\d){{8}}){_END}"),
    # North America, three, three and four digits.
    re.compile(
        rf"{_START}(?:1[ .\-])?(?:\([2-9]\d\d\) ?|[2-9]\d\d(?P<gap>[ .\-]))[2-9]\d\d"
        rf"(?(gap)(?P=gap)|[ .\-]?)\d{{4}}{_END}"
    ),
)
_HAN = re.compile(r"[\u3400-\u9fff]")
_HANGUL = re.compile(r"[가-힣]")
_CYRILLIC = re.compile(r"[Ѐ-ԯ]")
_LOCAL_SHAPES = (
    (
        _HAN,
        re.compile(
            rf"{_START}[48]00(?P<gap>[ \-]?)"
            rf"(?:\d{{3}}[ \-]?\d{{4}}|\d{{4}}(?P=gap)\d{{3}}|\d(?P=gap)\d{{3}}(?P=gap)\d{{3}}){_END}"
        ),
    ),
    (_HAN, re.compile(rf"{_START}400\d[ \-]\d{{3}}[ \-]\d{{3}}{_END}")),
    (_HANGUL, re.compile(rf"{_START}1[568]\d\d-(?!20\d\d(?!\d)|1[5-9]\d\d(?!\d))\d{{4}}{_END}")),
    (_CYRILLIC, re.compile(rf"{_START}8 ?-?\(?[3489]\d\d\)?(?:[ \-]?\d){{7}}{_END}")),
    (_CYRILLIC, re.compile(rf"{_START}9\d\d(?P<gap>[ \-]?)\d{{3}}(?P=gap)\d\d(?P=gap)\d\d{_END}")),
    (_CYRILLIC, re.compile(rf"{_START}\d{{3}}-\d\d-\d\d{_END}")),
)
_PLAIN_NORTH_AMERICAN = re.compile(rf"{_START}1?[2-9]\d\d[2-9]\d{{6}}{_END}")
_ANY_LETTERS_BUT_LATIN = re.compile(r"[^\W\d_\u0000-\u024f]")

_WORDS_OF_SPACED_SCRIPTS = (
    r"phone|tel|telephone|telefone?|tel[eé]fono|t[eé]l[eé]phone|mobile?|m[oó]vil|handy|cell|celular|call|text|ring|"
    r"whats ?app|sms|fax|landline|portable|numéro|número|ll[aá]ma(?:me)?|ruf|appelle(?:-moi)?|liga|"
    r"тел|телефон[ау]?|моб|мобильный|мобила|сотовый|домашний|рабочий|звони(?:те|ть)?|позвони(?:те)?|перезвони|набери|"
    r"номер (?:телефона|мой)|мой номер|ватсап|вотсап|вайбер|дзвони|подзвони|телефонуй|"
    r"هاتف|الهاتف|جوال|الجوال|جوالي|موبايل|الموبايل|تلفون|اتصل|واتساب|واتس|رقمي|تلفن|موبایل|شماره تلفن|زنگ بزن"
)
_WORDS_OF_HAN = (
    r"电话|電話|手机号?|手機號?|座机|座機|固话|(?<![票单證证牌件运單運据])(?:号码|號碼)|联系方式|聯絡方式|联系电话|"
    r"致电|致電|拨打|撥打|拨|撥|热线|熱線|传真|傳真|"
    r"携帯|でんわ|ダイヤル|연락처|전화|전화번호|핸드폰|휴대폰|(?<!쿠)폰번호"
)
_ANNOUNCED = re.compile(
    rf"(?:(?<![^\W\d_])(?:{_WORDS_OF_SPACED_SCRIPTS})(?![^\W\d_])[^\d\n\x00]{{0,20}}?|(?:{_WORDS_OF_HAN})[^\d\n\x00]{{0,8}}?)"
    rf"(?P<value>\(?\d(?:{_GAP}\d){{5,14}})(?!\d|[.,\-]\d)",
    re.IGNORECASE,
)
_RUSSIAN_MOBILE = re.compile(  # without its 8 or +7
    r"(?<![^\W\d_])(?:номер[а-я]{0,3}|тел|телефон[а-я]{0,2}|моб|мобильн[а-я]{2,3}|сотов[а-я]{2,3}|[а-я]{0,4}звони[а-я]{0,3}|набери[а-я]{0,2})"
    rf"(?![^\W\d_])[^\d\n\x00]{{0,24}}?(?P<value>\(?9\d\d\)?[ \-]?\d{{3}}[ \-]?\d\d[ \-]?\d\d){_END}",
    re.IGNORECASE,
)
# Digits as Chinese words, 幺 for 一: after a word for a telephone, or a whole mobile number that begins with 幺.
_NUMERALS = "零〇一二三四五六七八九幺"
_AS_DIGITS = str.maketrans(_NUMERALS, "001234567891")
_SOME_NUMERALS = re.compile(rf"[{_NUMERALS}]{{7}}")
_SPOKEN = re.compile(
    rf"(?<![{_NUMERALS}])(?:(?:{_WORDS_OF_HAN}|打(?=[我他她给給]))[^\d\n\x00{_NUMERALS}]{{0,8}}(?P<value>[{_NUMERALS}]{{7,11}})"
    rf"|(?P<mobile>幺[三四五六七八九][{_NUMERALS}]{{9}}))(?![{_NUMERALS}十百千万萬亿億年])"
)
# Hong Kong and Macau: eight digits after a verb that takes a number.
_EIGHT_DIGITS = re.compile(
    r"(?:打(?:俾|畀|比|给|給|去)?(?:我|佢|他|她)?|搵(?:我|佢)?|联系|聯絡|whats ?app|wts ?app?|call) ?:? ?"
    rf"(?P<value>[2-9]\d{{3}}[ \-]?\d{{4}}){_END}",
    re.IGNORECASE,
)
_COUNTED = re.compile(
    r" ?(?:元|块钱|塊|圆|円|日元|美元|美金|港币|萬|万|亿|億|원|달러|"
    r"руб|р\.|₽|грн|тенге|долл|евро|ريال|درهم|دينار|جنيه|دولار|تومان|"
    r"[€$£¥₩%‰]|(?:kg|km|mah|[mgt]?b|euros?|pesos?|dollars?|usd|eur|rmb)(?![a-z])|积分|積分|经验|經驗|"
    r"金币|粉丝|粉絲|播放|伤害|傷害|次|票|字|人次|"
    r"points?|views?|followers?|people|players?)",
    re.IGNORECASE,
)
_MESSENGER = re.compile(r"whats ?app|واتس|в[ао]тсап|вайбер", re.IGNORECASE)
_VERSION = re.compile(r"[1-9]\d?\.\d{1,2}\.\d{3,4}")
_BOOK_BEFORE = re.compile(r"(?:isbn|issn|书号|書號|條碼|条码)(?:-?1[03])?[ :]{0,2}(?:97[89][ \-]?)?$", re.IGNORECASE)
_STATE_BEFORE, _ZIP = re.compile(r"[A-Z]{2} {1,2}$"), re.compile(r"\d{5}-\d{4}")  # MA 02110-1301
_SERIAL_BEFORE = re.compile(r"(?:^|[^A-Za-z])(?!(?:TEL|HP|PH|MOB|FAX|M|T|P|CALL|WA|TG|QQ|WX|VX|TO|AT)$)[A-Z]{1,4}$")


def spoken_as_digits(text: str) -> str:
    """Return a text, as long as it was, with telephone numbers in Chinese numerals as digits."""
    if text.isascii() or not _SOME_NUMERALS.search(text):
        return text
    for match in _SPOKEN.finditer(text):
        start, end = match.span("value" if match["value"] else "mobile")
        text = text[:start] + without_numerals(text[start:end]) + text[end:]
    return text


def without_numerals(words: str) -> str:
    """Return a number's words with digits for Chinese numerals."""
    return words.translate(_AS_DIGITS)


def find_phones(text: str) -> Spans:
    """Yield telephone numbers: international, of a country's shape, or announced."""
    for match in _INTERNATIONAL.finditer(text):
        is_round = match[0].lstrip("+").isdecimal() and match[0].endswith("00000")
        if not is_round and sum(map(str.isdigit, match[0])) >= 8 and not _COUNTED.match(text, match.end()):
            yield match.span()
    dateless = _DATE_OR_TIME.sub(lambda match: _BLANK * len(match[0]), text)
    for pattern, is_sure in _patterns_for(text):
        for match in pattern.finditer(dateless):
            start, end = match.span("value" if "value" in pattern.groupindex else 0)
            if is_sure(match) and _is_a_phone(text, start, end):
                yield start, end


def _patterns_for(text: str) -> Iterator[tuple[re.Pattern[str], Callable[[re.Match[str]], bool]]]:
    """Yield the patterns that may be asked of a text, each with what its match must hold."""
    for shape in _SHAPES:
        yield shape, _is_grouped_like_a_phone
    if _CYRILLIC.search(text):
        yield _RUSSIAN_MOBILE, _is_grouped_like_a_phone
    for script, shape in _LOCAL_SHAPES:
        if script.search(text):
            yield shape, _is_grouped_like_a_phone
    if not _ANY_LETTERS_BUT_LATIN.search(text):
        yield _PLAIN_NORTH_AMERICAN, _is_grouped_like_a_phone
    yield _ANNOUNCED, _is_long_enough
    yield _EIGHT_DIGITS, _is_grouped_like_a_phone


def _groups(digits: str) -> list[str]:
    return re.findall(r"\d+", digits)


def _is_grouped_like_a_phone(match: re.Match[str]) -> bool:
    """Return whether the groups are none of a lottery's row or of thousands."""
    mobile = match.groupdict().get("mobile")
    groups = _groups(mobile or match[0])
    if mobile:
        return len(groups) == 1 or (len(groups[0]) >= 3 and min(map(len, groups)) >= 2)
    if len(groups) >= 5 and all(len(group) == 2 for group in groups):
        numbers = [int(group) for group in groups]
        return numbers != sorted(set(numbers)) or numbers[-1] > 49
    return len(set("".join(groups))) > 1


def _is_long_enough(match: re.Match[str]) -> bool:
    """Return whether an announced number is one: six digits right after the word, seven farther off.

    Thousands are none, and no version of a messenger.
    """
    value = match["value"]
    near = match.start("value") - match.start() <= 12
    thousands = re.fullmatch(r"\d{1,3}(?:\.\d{3}){1,4}", value)
    version = _VERSION.fullmatch(value) and _MESSENGER.match(match[0])
    digits = [character for character in value if character.isdigit()]
    return not thousands and not version and len(digits) >= (6 if near else 7) and len(set(digits)) > 1


def _is_a_phone(text: str, start: int, end: int) -> bool:
    """Return whether nothing beside it says that a number is a sum, a serial number or a book's."""
    before = text[max(0, start - 16) : start]
    beside = (
        (_SERIAL_BEFORE, _BOOK_BEFORE, _STATE_BEFORE)
        if _ZIP.fullmatch(text, start, end)
        else (_SERIAL_BEFORE, _BOOK_BEFORE)
    )
    return not (_COUNTED.match(text, end) or any(pattern.search(before) for pattern in beside))
