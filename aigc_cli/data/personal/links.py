r"""Links, mail and IP addresses.

Boundaries are "no further Latin letter" and the like, never `\b`, because a Chinese character counts as a word
character. A name in letters of a script that sets spaces (Cyrillic, Arabic, …) is found whole; a Chinese one only after
`://` or an @, as nothing says where it begins in a sentence; the name before that @ begins behind a word that leads to
it.
"""

import ipaddress
import re

from aigc_cli.data.personal.shadow import Spans

LATIN = r"A-Za-z0-9À-ɏ"
_SPACED = r"À-ɏͰ-ϿЀ-ԯ֐-ۿऀ-ॿ"  # letters of scripts that set spaces between words, beyond ASCII

_LABEL = r"[A-Za-z0-9][A-Za-z0-9-]{0,62}"
_REST = rf"(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]|(?<=[/_=%\-{_SPACED}])[{_SPACED}])*"
# Top domains that are no word and no file's ending; with a path behind them, words too.
_DOMAINS = (
    r"(?:com|org|net|edu|gov|info|io|app|dev|xyz|top|shop|site|club|vip|cc|tv|ai|eu|(?:co|ac|org|gov|com|net|or|ne|go)\."
    r"(?:uk|cn|tw|hk|jp|kr|au|nz|br|tr|ru|ua|in|il|za|ar|mx|eg|sa|ae|sg|my|th)|cn|tw|hk|mo|jp|kr|sg|ru|ua|by|kz|de|fr|"
    r"pt|es|nl|pl|cz|gr|ch|se|dk|fi|hu|ro|ir|ae|sa|eg|tr|il|vn|th|uk|ca|au|br|mx)"
)
_DOMAINS_WITH_PATH = rf"(?:{_DOMAINS}|me|it|be|ly|gl|im|gg|us|link|page|live|news|blog|online|store|tech|fun|pro)"
_DOMAINS_ALONE = (
    r"(?:com|org|net|edu|gov|(?:co|ac|org|gov|com|net|or|ne|go)\.(?:uk|cn|tw|hk|jp|kr|au|nz|br|tr|ua|in|il|za)"
    r"|cn|tw|hk|jp|kr|ru|ua)"
)
# Names of products and codes of stocks are none.
_NO_DOMAIN = r"(?!(?:\d{4,6}\.(?:tw|hk|ss|sz)|(?:asp|ado|vb|ml|paint|entity|xamarin)\.net)(?![A-Za-z0-9/.-]))"
_ENDS = rf"(?![{LATIN}@-]|\.[A-Za-z])"
_NAMED_IN_HAN = (
    r"(?:中国|中國|公司|网络|網絡|网址|網址|网站|网店|中文网|在线|商城|商店|香港|澳門|澳门|台湾|台灣|新加坡|集团|公益|政务|广告|游戏|"
    r"测试|測試|みんな|コム|ストア|テスト|한국|닷컴|닷넷|테스트)"
)
_LETTERS_UNSPACED = r"\u3040-\u30ff\u3400-\u9fff가-힣"
_UNSPACED = rf"[{_LETTERS_UNSPACED}]"
_MORE_UNSPACED = rf"[{_LETTERS_UNSPACED}-]"
# A path in Chinese, Japanese or Korean ends at a space or the text's end; in a sentence nothing says where it does.
_REST_WITHOUT_SPACES = re.compile(
    rf"(?:{_UNSPACED}{_MORE_UNSPACED}{{1,29}}+/)*+{_UNSPACED}{_MORE_UNSPACED}{{1,29}}+(?=\s|$)"
)
_URL = re.compile(
    rf"(?<![{LATIN}@.\-_])(?:"
    rf"(?:https?|ftp|tg)://(?:(?:[^\W_][\w-]{{0,62}}\.){{1,4}}(?:{_NAMED_IN_HAN}|{_UNSPACED}{{1,12}}(?=[/:?#\s]|$)|[{_SPACED}]{{2,24}}))?{_REST}"
    rf"|www\.(?:{_LABEL}\.){{1,6}}[A-Za-z]{{2,24}}(?:[/?#:]{_REST})?"
    rf"|(?:{_LABEL}\.){{1,6}}{_DOMAINS_WITH_PATH}(?::\d{{2,5}})?/{_REST}"
    rf"|{_NO_DOMAIN}(?:{_LABEL}\.){{1,6}}{_DOMAINS_ALONE}{_ENDS}"
    rf"|(?:[A-Za-z][A-Za-z0-9-]{{1,62}}\.){{2,6}}{_DOMAINS}{_ENDS}"
    r")",
    re.IGNORECASE,
)
_SPACED_URL = re.compile(
    rf"(?<![{LATIN}{_SPACED}@.\-_])(?:[{LATIN}{_SPACED}][{LATIN}{_SPACED}-]{{0,62}}\.){{1,4}}"
    rf"(?:рф|рус|укр|бел|срб|бг|қаз|москва|онлайн|сайт|дети|السعودية|امارات|مصر|ایران|ελ)(?![{LATIN}{_SPACED}@])(?:/{_REST})?",
    re.IGNORECASE,
)
_WORDS_FOR_AT = r"골뱅이|собак[аи]|собачка|アット(?:マ-ク)?|艾特"
_MARKED = rf"[\[({{](?:at|{_WORDS_FOR_AT})[\])}}]"
_AT = rf"(?:@| ?(?:{_MARKED}|{_WORDS_FOR_AT}) ?)"
_AT_BEFORE = re.compile(rf"(?:@ |(?:{_MARKED}|[{LATIN}] ?(?:{_WORDS_FOR_AT})) ?)$", re.IGNORECASE)
_DOT = r"(?:\.| ?[\[({]dot[\])}] ?)"
_WORD_FOR_AT = re.compile(rf"{_MARKED}|{_WORDS_FOR_AT}| dot ", re.IGNORECASE)
_NO_NAME_BEFORE_AT = r"look|looking|me|us|you|it|is|are|was|work|works|here|find|shop|live|online|available|stuff"
_WORD = rf"[{LATIN}][{LATIN}_-]{{0,40}}"
_EMAILS = (
    re.compile(
        rf"(?<![{LATIN}._%+-])[{LATIN}][{LATIN}._%+'-]{{0,63}}{_AT}{_LABEL}(?:{_DOT}{_LABEL}){{0,6}}{_DOT}[A-Za-z]{{2,24}}",
        re.IGNORECASE,
    ),
    re.compile(
        rf"(?<![{LATIN}{_SPACED}._%+-])[{LATIN}{_SPACED}][{LATIN}{_SPACED}._%+-]{{0,63}}@"
        rf"(?:[{LATIN}{_SPACED}][{LATIN}{_SPACED}-]{{0,62}}\.){{1,5}}[A-Za-z{_SPACED}]{{2,24}}",
        re.IGNORECASE,
    ),
    re.compile(  # in words: a name "at" a domain with its "dot"
        rf"(?<![{LATIN}._%+-])(?!(?:{_NO_NAME_BEFORE_AT}) at )"
        rf"{_WORD}(?: dot {_WORD}){{0,3}} at {_WORD}(?: dot {_WORD}){{0,3}} dot [A-Za-z]{{2,24}}(?![{LATIN}])",
        re.IGNORECASE,
    ),
)
_DOMAIN_OF_EMAIL = re.compile(rf"@(?:[^\W_][\w-]{{0,62}}\.){{1,4}}{_NAMED_IN_HAN}")
_LATIN_NAME = re.compile(rf"[{LATIN}._%+-]{{1,64}}$")
_UNSPACED_NAME = re.compile(rf"[{_LETTERS_UNSPACED}]{{1,12}}$")
_LEADS_TO_NAME = re.compile(
    r"(?:邮箱|郵箱|信箱|邮件|郵件|アドレス|은|는|[是为為了给給到发發写寫寄叫往向]|[はがをにへ](?=[\u30a0-\u30ff\u3400-\u9fff]))(?=.)"
)
_SPACED_EMAIL = re.compile(
    r"(?:mail|邮箱|郵箱|邮件|信箱|почт[аеуы]|メ-ル|アドレス|메일|بريد|إيميل|ايميل|ایمیل)[^\n@]{0,12}?"
    rf"(?P<value>(?<![{LATIN}._%+-])[{LATIN}][{LATIN}._%+'-]{{0,63}} ?@ ?(?:{_LABEL}\.){{1,6}}[A-Za-z]{{2,24}})",
    re.IGNORECASE,
)
_IPV4 = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?!\d|\.\d)")
_IPV6 = re.compile(r"(?<![0-9A-Za-z:.])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){3,7}(?![0-9A-Za-z:])")
_VERSION_BEFORE = re.compile(
    r"(?:版本?号?|固件|驱动|驅動|补丁|(?<![A-Za-z])(?:v|ver|version|release|build|firmware|driver)\.?"
    r"|バ-ジョン|ドライバ-?|ファ-ムウェア|버전|펌웨어|верси[яию]|прошивк[аиу]|билд|إصدار|تحديث|نسخة|نسخه)[ :]{0,2}$",
    re.IGNORECASE,
)
_SECTION_AFTER = re.compile(r" ?(?:节|節|章|条|條|款|版|절|장|항|バ-ジョン|버전)")
_MACHINE_BEFORE = re.compile(
    r"(?:ip|服务器|伺服器|主机|主機|地址|网关|網關|dns|server|host|ping|ssh|サ-バ-?|アドレス|서버|주소|сервер|адрес|айпи|سيرفر|خادم)"
    r"[^\d]{0,8}$",
    re.IGNORECASE,
)


def find_urls(text: str) -> Spans:
    """Yield links, and domains that stand alone where their ending says so."""
    if "." not in text and "://" not in text:
        return
    for pattern in (_URL, _SPACED_URL):
        for match in pattern.finditer(text):
            if _AT_BEFORE.search(text, max(0, match.start() - 12), match.start()):
                continue
            further = _REST_WITHOUT_SPACES.match(text, match.end()) if match[0].endswith("/") else None
            end = further.end() if further else match.start() + len(match[0].rstrip(".,;:!?'\")]*_~"))
            yield match.start(), end


def find_emails(text: str) -> Spans:
    """Yield mail addresses, also such as `a (at) example [dot] org`."""
    if "@" not in text and not _WORD_FOR_AT.search(text):
        return
    for pattern in _EMAILS:
        yield from (match.span() for match in pattern.finditer(text))
    yield from (match.span("value") for match in _SPACED_EMAIL.finditer(text))
    for match in _DOMAIN_OF_EMAIL.finditer(text):
        start = _begin_of_name(text, match.start())
        if start < match.start():
            yield start, match.end()


def _begin_of_name(text: str, at: int) -> int:
    """Return where the name before an @ begins, in letters of one kind."""
    name = _LATIN_NAME.search(text, max(0, at - 64), at) or _UNSPACED_NAME.search(text, max(0, at - 12), at)
    if not name:
        return at
    leads = [lead.end() for lead in _LEADS_TO_NAME.finditer(text, name.start(), at)]
    return leads[-1] if leads else name.start()


def find_ip_addresses(text: str) -> Spans:
    """Yield IP addresses, versions 4 and 6, that are no version of a program and no number of a section."""
    if text.count(".") >= 3:
        for match in _IPV4.finditer(text):
            if _is_address(match[0]) and _is_of_a_machine(text, match):
                yield match.span()
    if text.count(":") >= 3:
        for match in _IPV6.finditer(text):
            if _is_address(match[0]):
                yield match.span()


def _is_address(words: str) -> bool:
    try:
        ipaddress.ip_address(words)
    except ValueError:
        return False
    return True


def _is_of_a_machine(text: str, match: re.Match[str]) -> bool:
    """Return whether four numbers are an address: what versions look like must be called an address."""
    before = text[max(0, match.start() - 24) : match.start()]
    if _MACHINE_BEFORE.search(before):
        return True
    if _VERSION_BEFORE.search(before) or _SECTION_AFTER.match(text, match.end()):
        return False
    parts = [int(part) for part in match[0].split(".")]
    return parts[0] == 10 or max(parts) > 30
