"""Chinese addresses: a street and a house number, with the places before it and the door behind it.

The number is found first, as a street's word and a number make an address; then one looks back for where it begins:
at a province or a city if there is one, else behind the words that lead to an address ("我住在…"), no part of it.
"""

import re

from aigc_cli.data.personal.places import PLACES
from aigc_cli.data.personal.shadow import Spans

_LONGEST = 40  # characters from an address's begin to its street's end
_NUMERALS = "零〇一二三四五六七八九十百"
_NUMBER = rf"[甲乙丙丁]?(?:\d{{1,5}}(?:[\-之]\d{{1,4}})?|[{_NUMERALS}]{{1,7}})[甲乙丙丁]?"
_NO_HOUSE = (  # what 号 may belong to that is no house: a bus, a gate, a seat, a ship
    r"(?!线|線|楼|樓|院|出口|口|门(?![口前外卫])|門(?![口前外衛])|公|车|車|站|人|台|铺|多|球|选|選|桌|作品|机|機|展|高|线|床|位|字|文|码|碼|令|航|馆|館|店|窗|仓|坑|桥|橋|路|钻|井|矿|令|段|标|標|梁|潜|病|柜|櫃|通知|公告)"
)
_DOOR = (
    r"(?:[A-Za-z]?\d{1,4}(?:号楼|號樓|栋|棟|幢|座|单元|單元|层|層|楼|樓|室|房|号|號|弄|户|戶)(?:之\d{1,3})?"
    r"|[A-Za-z]\d{0,2}(?:室|座|栋|棟|幢|铺|鋪|舖|户|戶)|地下(?![鐵铁室水商車车停街道城]))"
)
# A building between number and door, as in Hong Kong and Macau: 12號幸福大廈3樓C室.
_BUILDING = r"[\u4e00-\u9fff]{2,8}(?:大廈|大厦|大樓|大楼|中心|廣場|广场|花園|花园|閣|阁|苑|邨)"
_HOUSE = re.compile(
    r"(?:(?P<street>大道|大街|胡同|巷子|里弄|路|街|巷|弄|(?<![知频頻跑轨軌通渠味管赛賽车車隧难難报報一几幾弹彈行河航人地国國省县縣乡鄉])道)"
    rf"(?:[东西南北中東]|[{_NUMERALS}]{{1,2}}段|\d{{1,2}}段)?"
    r"|(?P<village>村|屯|庄|莊|社区|社區|小区|小區|新村|花园|花園))"
    rf"(?:\d{{1,4}}(?:巷|弄|弄堂|衖)){{0,2}}(?:{_NUMBER}(?:号院|號院|[号號]{_NO_HOUSE}|弄)(?:附\d{{1,4}}[号號]?|之\d{{1,3}})?)"
    rf"(?:{_BUILDING}(?={_DOOR}))?{_DOOR}{{0,5}}(?:\d{{3,4}}(?!\d))?"
)
_NUMBERED = re.compile("[号號弄]")
# What no place is named with. Some are: 和平, 从化, 那曲, 来宾, 于都.
_LEADS_TO = (
    r"[我你妳您他她它们們在到住去是寄了的给給這这请請跟把就离離喺係嘅约約递遞址为為吧吗呢啊过過也都还還很又]"
    r"|和(?!平|田|县|谐|顺|睦|义|合)|从(?!化|江)|從(?!化)|那(?!曲|坡)|来(?!宾|安|凤|广|福)|來(?!賓)|于(?!都|洪|家)|往|送|发|收|叫|找|搬|见|見"
)
_FIRST_WORDS = re.compile(
    r"(?:收货|收貨|收件|快递|快遞|外卖|外賣|包裹|货物|地点|地點|面试|面試|老家|老宅|公司|单位|單位|学校|學校|店铺|新店|门店|總店|总店|分店|开车|打车|坐车|开|開|放|走|逛|寄|搬|见|說|说|问|問|有|回|租|买|買|对|對|同)+"
)
_REGION = r"(?:特别行政区|特別行政區|自治区|自治區|自治州|自治县|省|市|区|區|县|縣|旗|盟|州|镇|鎮|乡|鄉|街道)"
_HAS_REGION = re.compile(_REGION)
_KNOWN = "|".join(PLACES)
_PLACE_OR_LEAD = re.compile(rf"{_KNOWN}|(?P<lead>{_LEADS_TO})")
_BEGINS = re.compile(rf"(?:{_KNOWN})(?={_REGION}|[\u4e00-\u9fff]{{1,6}}{_REGION})")


def find_addresses(text: str) -> Spans:
    """Yield Chinese streets with a house number, and villages with one where a district stands before them."""
    if not _NUMBERED.search(text):
        return
    done = 0
    for match in _HOUSE.finditer(text):
        start = _begin(text, max(done, match.start() - _LONGEST), match.start())
        is_village = match["street"] is None
        if start < match.start() and (not is_village or _HAS_REGION.search(text, start, match.start())):
            yield start, match.end()
            done = match.end()


def _begin(text: str, earliest: int, street: int) -> int:
    """Return where the address of a street that ends at `street` begins; `street` where nothing names it."""
    start = street
    while start > earliest and "\u4e00" <= text[start - 1] <= "\u9fff":
        start -= 1
    for match in _PLACE_OR_LEAD.finditer(text, start, street):
        if match["lead"]:
            start = match.end()
    known = _BEGINS.search(text, start, street)
    if known and not _HAS_REGION.search(text, start, known.start()):
        return known.start()
    first = _FIRST_WORDS.match(text, start, street)
    return first.end() if first else start
