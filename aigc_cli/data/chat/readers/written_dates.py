"""Read dates that are written out in words, with the time and in UTC, as Google writes them in the user's language.

Months have names or numbers; digits may be of any script. Knows nothing of formats.
"""

import re
from datetime import date
from functools import lru_cache

from aigc_cli.data.chat.dates import of_24, wall_clock
from aigc_cli.data.chat.readers.whatsapp_phrases import HALF_DAYS

# The months as a date names them, folded, language by language: English, German, French, Spanish, Portuguese, Italian,
# Dutch, Polish, Russian, Ukrainian, Turkish, Swedish, Danish, Norwegian, Finnish, Czech, Slovak, Hungarian, Romanian,
# Greek, Indonesian, Malay, Catalan, Serbian, Bulgarian, Lithuanian, Latvian, Estonian, Slovenian, Croatian, Hebrew,
# Arabic, Persian, Hindi, Bengali, Tamil, Thai, Filipino. Chinese, Japanese, Korean and Vietnamese number them.
_MONTH_NAMES = (
    "january february march april may june july august september october november december",
    "januar februar märz april mai juni juli august september oktober november dezember",
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "januari februari maart april mei juni juli augustus september oktober november december",
    "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
    "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
    "січня лютого березня квітня травня червня липня серпня вересня жовтня листопада грудня",
    "ocak şubat mart nisan mayıs haziran temmuz ağustos eylül ekim kasım aralık",
    "januari februari mars april maj juni juli augusti september oktober november december",
    "januar februar marts april maj juni juli august september oktober november december",
    "januar februar mars april mai juni juli august september oktober november desember",
    "tammikuuta helmikuuta maaliskuuta huhtikuuta toukokuuta kesäkuuta "
    "heinäkuuta elokuuta syyskuuta lokakuuta marraskuuta joulukuuta",
    "ledna února března dubna května června července srpna září října listopadu prosince",
    "januára februára marca apríla mája júna júla augusta septembra októbra novembra decembra",
    "január február március április május június július augusztus szeptember október november december",
    "ianuarie februarie martie aprilie mai iunie iulie august septembrie octombrie noiembrie decembrie",
    "ιανουαρίου φεβρουαρίου μαρτίου απριλίου μαΐου ιουνίου "
    "ιουλίου αυγούστου σεπτεμβρίου οκτωβρίου νοεμβρίου δεκεμβρίου",
    "januari februari maret april mei juni juli agustus september oktober november desember",
    "januari februari mac april mei jun julai ogos september oktober november disember",
    "gener febrer març abril maig juny juliol agost setembre octubre novembre desembre",
    "јануар фебруар март април мај јун јул август септембар октобар новембар децембар",
    "януари февруари март април май юни юли август септември октомври ноември декември",
    "sausio vasario kovo balandžio gegužės birželio liepos rugpjūčio rugsėjo spalio lapkričio gruodžio",
    "janvāris februāris marts aprīlis maijs jūnijs jūlijs augusts septembris oktobris novembris decembris",
    "jaanuar veebruar märts aprill mai juuni juuli august september oktoober november detsember",
    "januar februar marec april maj junij julij avgust september oktober november december",
    "siječnja veljače ožujka travnja svibnja lipnja srpnja kolovoza rujna listopada studenoga prosinca",
    "ינואר פברואר מרץ אפריל מאי יוני יולי אוגוסט ספטמבר אוקטובר נובמבר דצמבר",
    "يناير فبراير مارس أبريل مايو يونيو يوليو أغسطس سبتمبر أكتوبر نوفمبر ديسمبر",
    "ژانویه فوریه مارس آوریل مه ژوئن ژوئیه اوت سپتامبر اکتبر نوامبر دسامبر",
    "जनवरी फ़रवरी मार्च अप्रैल मई जून जुलाई अगस्त सितंबर अक्टूबर नवंबर दिसंबर",
    "জানুয়ারি ফেব্রুয়ারি মার্চ এপ্রিল মে জুন জুলাই আগস্ট সেপ্টেম্বর অক্টোবর নভেম্বর ডিসেম্বর",
    "ஜனவரி பிப்ரவரி மார்ச் ஏப்ரல் மே ஜூன் ஜூலை ஆகஸ்ட் செப்டம்பர் அக்டோபர் நவம்பர் டிசம்பர்",
    "มกราคม กุมภาพันธ์ มีนาคม เมษายน พฤษภาคม มิถุนายน กรกฎาคม สิงหาคม กันยายน ตุลาคม พฤศจิกายน ธันวาคม",
    "enero pebrero marso abril mayo hunyo hulyo agosto setyembre oktubre nobyembre disyembre",
)
_MONTHS = {name: number for names in _MONTH_NAMES for number, name in enumerate(names.split(), start=1)}
_MONTHS |= {"jänner": 1, "listopada": 11}
_CROATIAN_OCTOBER = re.compile(r"\d\.\s*listopada")  # and November in Polish, which puts no full stop there
_HALVES = {**HALF_DAYS, "дп": 0, "пп": 12, "pg": 0, "ptg": 12, "pop": 12, "قظ": 0, "بظ": 12, "noon": 12}
_TIME = re.compile(
    r"(?<!\d)(?P<hour>\d{1,2})(?:[:.]|\s?(?:h|[時时点點시]|นาฬิกา)\s?)(?P<minute>\d{2}|\d(?=\s?[分분]))"
    r"(?:[:.]|\s?(?:min|[分분]|นาที)\s?)(?P<second>\d{1,2})(?!\d)\s?(?:s\b|[秒초]|วินาที)?"
)
_BEFORE_TIME = re.compile(r"([^\W\d_]{2,3})\s*$")
_ZONE = re.compile(r"[\[(]?\b(?:UTC|GMT|TU)\b")
_INVISIBLE = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_WORD = re.compile(r"[^\s\d,.،;:()\[\]/'’\-–]+")  # combining marks are no letters to a regular expression
_NUMBERED = re.compile("月|월|tháng")
_NUMBER = re.compile(r"\d+")
_BUDDHIST_YEARS = 543
_LONGEST = 160  # characters


def written_time(text: str) -> float | None:
    """Return the seconds since 1970 of a date and time written out, which are UTC's; None where they are not read."""
    if len(text) > _LONGEST:
        return None
    found = _TIME.search(text)
    if found is None:
        return None
    midnight, half = _around(text[: found.start()], text[found.end() :])
    hour, minute, second = int(found["hour"]), int(found["minute"]), int(found["second"])
    if midnight is None or hour > 24 or minute > 59 or second > 60:
        return None
    return midnight + 3600 * of_24(hour, half) + 60 * minute + second


@lru_cache(4096)
def _around(before: str, after: str) -> tuple[float | None, int | None]:
    """Return when the day begins that is written around a time, and the half-day of the time; None for none."""
    before, after = _INVISIBLE.sub("", before), _INVISIBLE.sub("", after)
    day = _day(f"{before} {_ZONE.sub('', after)}".casefold())
    return None if day is None else wall_clock(day, 0, 0), _half_day(before, after)


def _half_day(before: str, after: str) -> int | None:
    words = [re.sub(r"[.,\-]", "", word) for word in _ZONE.split(after, maxsplit=1)[0].casefold().split()]
    half = next((_HALVES[word] for word in ("".join(words[:2]), *words[:1]) if word in _HALVES), None)
    if half is None and (word := _BEFORE_TIME.search(before)) and not word[1].isascii():
        half = _HALVES.get(word[1].casefold())
    return half


def _day(text: str) -> date | None:
    numbers = [(int(number), len(number)) for number in _NUMBER.findall(text)]
    years = [number for number, length in numbers if length == 4]
    others = [number for number, length in numbers if length <= 2]
    if len(years) != 1 or len(numbers) != 1 + len(others):
        return None
    year = years[0] - (_BUDDHIST_YEARS if years[0] > 2400 else 0)
    month = next(
        (_MONTHS[name] for word in _WORD.findall(text) for name in (word, word.removeprefix("ב")) if name in _MONTHS),
        None,
    )
    if _CROATIAN_OCTOBER.search(text):
        month = 10
    if month is None and len(others) == 2 and _NUMBERED.search(text):
        month = others.pop(0 if numbers[0][1] == 4 else 1)
    if month is None or len(others) != 1:
        return None
    try:
        return date(year, month, others[0])
    except ValueError:
        return None
