"""Which encoding bytes are in that do not say so, told by how common the characters are that they give.

A wrong encoding of East Asian text seldom fails: it gives other characters, rare ones. So each encoding's own most
common characters are counted: of five lines of a chat that is enough. Names are those of the widest encoding of a
family, cp932 for Shift-JIS, cp949 for EUC-KR, cp950 for Big5. Knows nothing of files.
"""

import codecs
import re

ENOUGH = 1 << 16  # bytes that are looked at
_LEAST = 0.25  # of what is not ASCII, that must be common
_MOST_ODD = 0.1
_ONE_BYTE = 0.6  # what a common letter of one byte weighs: chance gives many of them

_PUNCTUATION = "，。！？、；：“”‘’（）《》「」『』【】…—～·・ー　"
_CHINESE = (
    "的一是不了人我在有他中大上到子和你地出道也得就那下以生自去之可她里小心多天而能好都然日起成事只作想看文手十用"
    "主行方又如前所本面公同三已老又定力些很最打便因重走第几位女真才等比别今新回再被外加明信早晚安做吃谁啊吧呢哈嗯呀哦啦"
    "哪什叫快家太点候怎把先知高月名見晨午夜睡班路口水饭累忙懂笑哭"
)
_SIMPLIFIED = _CHINESE + (
    "这来个国说们为时会对学后么还发当没开无见经头两长从动样现将进实点种声话儿问机给业间东门电总书员报马张难数应车记边风"
    "战觉统题建请爱让认算论义结资队带条变联权领传决达办运吗几岁谢谢买卖饭爷妈听读写过钱块钟错对欢乐帮试单费"
)
_TRADITIONAL = _CHINESE + (
    "這來個國說們為時會對學後麼還發當沒開無見經頭兩長從動樣現將進實點種聲話兒問機給幾業間東門電總書員報馬張難數應車記邊"
    "風戰覺統題請愛讓認論義結資隊帶條變聯權領傳決達辦運嗎歲謝買賣飯爺媽聽讀寫過錢塊鐘錯對歡樂幫試單費喔耶"
)
_KANA = "".join(map(chr, (*range(0x3041, 0x3097), *range(0x30A1, 0x30F7))))
_KANJI = (
    "日一人年大十二本中長出三時行見月分後前生五間上東四今金九入学高円子外八六下来気小七山話女北午百書先名川千水半男西電校語土"
    "木聞食車何南万毎白天母火右読友左休父雨明事自思私言分家手作新同度方持知意理所心地力会使仕楽好元待帰終始夜朝昨晩"
)
_HANGUL = (
    "이가는을를의에다고하지니요네나도어아서그거자해은기사시만대로리라일오게수정한안제보주부우인전여있없었겠것같좋때말생각들면데"
    "까야저내뭐왜했됐래너응구마녕미연무소장년월분동국님할될갈줄걸럼럽워려와과원성건선상신화조비중공모세경위문드스터트물회아음밥"
    "먹집갔왔봤어디언누밤늦빨진짜많잘못ㅋㅎㅠㅜㅇㄴㅡ"
)
_CYRILLIC = "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфїієґ"
_LATIN = "äöüßÄÖÜéèàçêâîôûùëïñáíóúãõåøæœ’‘“”–…€¿¡«»"

_COMMON = {  # by encoding; of two that fit alike the first is taken
    "gb18030": _SIMPLIFIED,
    "cp950": _TRADITIONAL,
    "cp932": _KANA + _KANJI,
    "euc_jp": _KANA + _KANJI,
    "cp949": _HANGUL,
    "windows-1251": _CYRILLIC,
    "koi8-r": _CYRILLIC,
    "windows-1252": _LATIN,
}
_ASCII = "".join(map(chr, range(0x20, 0x7F))) + "\t\r\n"
_EVERY = _ASCII + "".join(_COMMON.values())
_COMMON |= {"utf-16-le": _EVERY, "utf-16-be": _EVERY}
_SETS = {name: frozenset(common + _PUNCTUATION) for name, common in _COMMON.items()}
_BEYOND = re.compile(r"[^\x00-\x7f]")
_ODD = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ue000-\uf8ff\ufffe\uffff]")
_WORD = re.compile(r"(?:(?![\x00-\x7f])[^\W\d_]){3,}")  # three letters beyond ASCII: usual in Cyrillic, not in the West

# What mails and files call an encoding, and the wider one that holds it.
_WIDER = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "gb_2312-80": "gb18030",
    "big5": "cp950",
    "big-5": "cp950",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "sjis": "cp932",
    "x-sjis": "cp932",
    "euc-kr": "cp949",
    "ks_c_5601-1987": "cp949",
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "us-ascii": "utf-8",
    "ascii": "utf-8",
    "unicode-1-1-utf-7": "utf-7",
    "utf8": "utf-8",
}


def likely_encoding(data: bytes) -> str | None:
    """Return the encoding that a text is most likely in, None if none fits or if it is ASCII."""
    data = data[:ENOUGH]
    if data.isascii() and b"\x00" not in data:
        return None
    if b"\x00" not in data and _begun(data, "utf-8") is not None:
        return "utf-8"
    shares = {name: _share(_begun(data, name), name) for name in _COMMON}
    best = max(shares, key=shares.__getitem__)
    return best if shares[best] >= _LEAST else None


def decoded_somehow(data: bytes, declared: str) -> str:
    """Return the text of bytes in the encoding that they declare, or, if they are not, in the likeliest one.

    What cannot be read even so is U+FFFD.
    """
    name = declared.strip().lower()
    text = _decoded(data, _WIDER.get(name, name) or "utf-8")
    if text is None:
        text = _decoded(data, likely_encoding(data) or "windows-1252")
    return data.decode("utf-8", "replace") if text is None else text


def _decoded(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except (LookupError, ValueError):
        return None


def _begun(data: bytes, encoding: str) -> str | None:
    """Return the text that bytes are which may end within a character, None if they are none."""
    try:
        return codecs.getincrementaldecoder(encoding)().decode(data)
    except ValueError:
        return None


def _share(text: str | None, encoding: str) -> float:
    """Return which share of a text's characters is common; below 0 where there are such as nobody writes.

    ASCII says nothing, as most encodings hold it, but much where a character takes two bytes.
    """
    said = text or "" if encoding.startswith("utf-16") else "".join(_BEYOND.findall(text or ""))
    if not said or len(_ODD.findall(text or "")) > _MOST_ODD * len(said):
        return -1.0
    in_words = sum(map(len, _WORD.findall(said if encoding.startswith("utf-16") else text or ""))) / len(said)
    if (_COMMON[encoding] is _CYRILLIC and in_words < 0.5) or (_COMMON[encoding] is _LATIN and in_words > 0.5):
        return -1.0
    common = _SETS[encoding]
    share = sum(character in common for character in said) / len(said)
    return share * _ONE_BYTE if _COMMON[encoding] in (_CYRILLIC, _LATIN) else share
