"""Names of accounts, where a service's name announces them.

Letters alone are a handle only after "ID:", 微信号： and the like, or behind an @: "insta is down" names none.
The shadow writes ー as -, so the katakana names have dashes here.
"""

import re

from aigc_cli.data.personal.shadow import Spans

# What announces a handle: a piece that each way to write the name holds in small letters, and the ways.
_LATIN_NAMES = {
    "chat": "we ?chat|snap ?chat", "weixin": "weixin", "wx": "wx", "vx": "vx", "v信": "v信", "qq": "qq",
    "telegram": "telegram", "tg": "tg", "insta": "insta(?:gram)?", "ig": "ig", "snap": "snap", "discord": "discord",
    "skype": "skype", "signal": "signal", "twitter": "twitter", "tik": "tik ?tok", "kakao": "kakao(?: ?talk)?",
    "viber": "viber", "line": "(?-i:LINE|Line)|line(?=(?: ?id)? ?(?:是|為|为|は))", "vk": "vk",
}  # fmt: skip
_RUSSIAN_NAMES = {
    "вичат": "вичат", "телеграм": "телеграмм?", "телега": "телега", "тг": "тг", "инста": "инста(?:грамм?)?", "вк": "вк",
    "вконтакте": "вконтакте", "дискорд": "дискорд", "скайп": "скайп", "снапчат": "снапчат",
}  # fmt: skip
_NAMES_AS_THEY_ARE = """
微信 威信 薇信 徽信 扣扣 企鹅 企鵝 抖音 快手 小红书 小紅書 微博 电报 電報 推特 飞机号
ライン ツイッタ- テレグラム ディスコ-ド ウィ-チャット 디코 카톡 카카오 위챗 라인 디스코드 트위터 텔레
تلغرام تليجرام تيليجرام تلجرام تلقرام تلگرام سنابي ديسكورد
"""
_OTHER_NAMES = {
    **{name: name for name in _NAMES_AS_THEY_ARE.split()},
    "加v": "加v(?![a-z])", "v:": "(?<![a-z])v(?=:)",
    "賴": "賴(?=[ :是也A-Za-z0-9@])|[加我]賴", "赖": "赖(?=[ :是也A-Za-z0-9@])|[加我]赖",
    "薇": "(?<![小阿采蔷薔紫雨白晓曉])薇❤?", "威": "[加+➕]威❤?|威❤", "卫星": "[加+➕]卫星|卫星号",
    "تلي": "(?<![\u0621-\u064a])تلي(?![\u0621-\u064a])", "تيلي": "(?<![\u0621-\u064a])تيلي(?![\u0621-\u064a])",
    "카카오톡": "카카오톡", "텔레그램": "텔레그램",
    "인스타": "인스타(?:그램)?", "カカオ": "カカオ(?:ト-ク)?", "インスタ": "インスタ(?:グラム)?",
    "تشات": "وي ?تشات", "سناب": "سناب(?: ?شات)?",
    "انستا": "انستا(?:غرام|قرام|جرام)?", "إنستا": "إنستا(?:غرام|قرام|جرام)?", "اینستا": "اینستا(?:گرام)?",
}  # fmt: skip
_PIECES = (*_LATIN_NAMES, *_RUSSIAN_NAMES, *_OTHER_NAMES, "q群", "q:")


def _any_of(names: dict[str, str]) -> str:
    return "|".join(sorted(names.values(), key=len, reverse=True))


_SERVICE = (
    rf"(?:(?<![A-Za-z])(?:{_any_of(_LATIN_NAMES)})(?![A-Za-z])|(?<![Ѐ-ԯ])(?:{_any_of(_RUSSIAN_NAMES)})(?![Ѐ-ԯ])"
    rf"|{_any_of(_OTHER_NAMES)})"
)
_ID = (
    r"(?:(?:の|의)? ?(?:id(?![A-Za-z])|handle|user ?name|user|name|"
    r"号码?|號碼?|账号|帐号|帳號|賬號|アカウント|アイディ-|아이디|계정|ник|айди|аккаунт|يوزر|حساب|معرف|آیدی))"
)
_AS_WELL = ("也可以", "也行")  # a verb may follow: no announcement
_IS = rf"(?:[:=]|is(?= )|也?是|{'|'.join(_AS_WELL)}|为|為|係|は|が|는|은|이(?= )|це|это)"
_VALUE = r"[A-Za-z0-9](?:[A-Za-z0-9_-]|\.(?=[A-Za-z0-9_])){3,30}[A-Za-z0-9_]"
_AT_NAME = re.compile(rf"{_SERVICE}[^\n@\x00]{{0,16}}(?P<value>@[A-Za-z0-9_.]{{2,31}}[A-Za-z0-9_])", re.IGNORECASE)
_NAMED = re.compile(
    rf"(?P<service>{_SERVICE})(?P<id>[,，]? ?{_ID})? ?(?P<is>{_IS})? ?(?P<value>{_VALUE})(?![A-Za-z0-9@_])",
    re.IGNORECASE,
)
_GLUED = re.compile(r"(?<![A-Za-z])(?:vx|wx)(?P<value>[a-z]{3,20}[_-]?\d{2,12})(?![A-Za-z0-9@_.-])", re.IGNORECASE)
_PAGE_OF_VK = re.compile(
    r"(?<![^\W\d_])(?:вк|vk|вконтакте)[ :/-]{0,3}(?P<value>id\d{5,12})(?![A-Za-z0-9_])", re.IGNORECASE
)
_TAG_OF_DISCORD = re.compile(
    r"(?:디코|디스코드|discord|ディスコ-ド|дискорд)(?: ?(?:id|아이디|태그|tag|のid|ник))? ?(?:[:은는は]|is )? ?"
    r"(?!서버|채널|サ-バ-|チャンネル|server|channel)(?P<value>[^\s#@:\x00]{2,32}#\d{4})(?!\d)",
    re.IGNORECASE,
)
_GROUP_OF_QQ = re.compile(r"(?<![A-Za-z])q(?:q?群号?|(?=:)) ?[:是]? ?(?P<value>\d{5,11})(?!\d|\.\d)", re.IGNORECASE)
_HAN = re.compile(r"[\u3400-\u9fff]")
_NUMBERED = re.compile(r"微信|we ?chat|qq|扣扣|企鹅", re.IGNORECASE)  # services where digits alone are a handle
_NUMBER = re.compile(r"\d+(?:[._-]\d+)*")
_AMOUNT_AFTER = re.compile(r" ?(?:元|块|万|人|个|條|条|次|步|年|円|원|명|개|년|[%€$£¥₩])")


def find_handles(text: str) -> Spans:
    """Yield the handles of accounts that a service's name announces."""
    small = text.lower()
    if not any(piece in small for piece in _PIECES):
        return
    yield from (match.span("value") for match in _AT_NAME.finditer(text))
    for pattern in (_PAGE_OF_VK, _TAG_OF_DISCORD):
        yield from (match.span("value") for match in pattern.finditer(text))
    match = _NAMED.search(text)
    while match:
        is_one = _is_a_handle(match) and not _AMOUNT_AFTER.match(text, match.end())
        if is_one:
            yield match.span("value")
        match = _NAMED.search(text, match.end() if is_one else match.start() + 1)
    if _HAN.search(text):
        for pattern in (_GLUED, _GROUP_OF_QQ):
            yield from (match.span("value") for match in pattern.finditer(text))


def _is_a_handle(match: re.Match[str]) -> bool:
    """Return whether what follows a service's name is an account: it has a digit or _, or is announced."""
    value, called = match["value"], match["id"] or ""
    called = called if match["is"] not in _AS_WELL else ""
    announced = bool(called and (match["is"] or called[-1] in "号號码碼"))
    if _NUMBER.fullmatch(value):
        numbered = _NUMBERED.fullmatch(match["service"]) or announced
        return bool(numbered) and value.isdigit() and len(value) <= 13
    return announced or any(character.isdigit() or character == "_" for character in value)
