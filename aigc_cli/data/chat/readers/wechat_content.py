"""What a WeChat message says: by the words and numbers that exporters have for its type, and by the XML WeChat stores.

XML is searched, never parsed: no entity of its own is expanded and nothing outside is fetched. Knows nothing of files.
"""

import re
from html import unescape
from typing import NamedTuple

from aigc_cli.data.chat.readers.kinds import MEDIA, NOTICE, QUOTE, TEXT, kind_of

_BY_NUMBER = {
    1: TEXT,
    3: "photo",
    34: "voice",
    42: "contact",
    43: "video",
    47: "sticker",
    48: "location",
    50: "call",
    52: "call",
    53: "call",
    62: "video",
    64: "call",
    66: "contact",
    **dict.fromkeys((37, 40, 65, 10000, 10002), NOTICE),
}
_APP = 49
_BY_APP_NUMBER = {
    6: "file",
    8: "sticker",
    17: "location",
    19: "forwarded",
    57: QUOTE,
    74: "file",
    **dict.fromkeys((62, 87, 2000, 2001, 2003), NOTICE),  # pats, announcements, transfers, red packets and covers
}
_ROOTS = (
    ("<sysmsg", NOTICE),
    ("<revokemsg", NOTICE),
    ("<voip", "call"),
    ("<img", "photo"),
    ("<videomsg", "video"),
    ("<voicemsg", "voice"),
    ("<emoji", "sticker"),
    ("<location", "location"),
    ("username=", "contact"),
)
_XML = re.compile(r"\s{0,9}<(?:\?xml|!DOCTYPE|msg\b|appmsg\b|sysmsg\b|revokemsg\b|voip\w{0,20}\b)")
_PREFIX = re.compile(r"\n?([A-Za-z]\w[\w-]{4,38}):\n")
_RULE = re.compile(r"」\n(?:- ){4,}-?\n")
_REFERENCE = re.compile(r"\n?\[引用\]\([^()\n]{0,40}\)[^\n:]{0,100}:")
_CHATLOG_QUOTE = re.compile(r"> (?:\[引用\]|[^\n]{0,200}\d\d-\d\d \d\d:\d\d:\d\d)\n")
_STANDS_FOR = re.compile(
    r"!?\[(图片|语音消息|语音|视频号直播|视频号|视频|动画表情|表情包|GIF表情|名片|位置|文件|小程序|链接|音乐|合并转发|"
    r"聊天记录|笔记|群公告|转账收款|转账|红包封面|红包|分享|语音通话|视频通话|通话|引用消息|其他消息)(?:\]|[|：])"
)
_GREETINGS = ("", "微信红包", "恭喜发财", "大吉大利")
_WHO = r"(?:\"[^\"\n]{1,64}\"|“[^”\n]{1,64}”|你|我|自己|对方)"
_TOLD = re.compile(rf"{_WHO} ?(?:拍了拍 ?{_WHO}[^\n]{{0,40}}|撤回了一条(?:成员)?消息[^\n]{{0,12}})")


class Said(NamedTuple):
    """A message's words, or why there are none, and what it answers: a number or words."""

    text: str = ""
    removed: str = ""
    reply_to: str = ""


def kind_of_number(number: int, app_number: int = 0) -> str:
    """Return what a type is by WeChat's numbers. WeChat 4 has the second one in the bits above the lower 32."""
    if number >> 32:
        number, app_number = number & 0xFFFFFFFF, number >> 32
    if number == _APP:
        return _BY_APP_NUMBER.get(app_number, "link")
    return _BY_NUMBER.get(number, MEDIA)


def said(kind: str, content: str, *, is_told: bool = True) -> Said | None:
    """Return what a message says; None for a notice. `is_told`: texts are told from what stands for others."""
    if kind == NOTICE:
        return None
    if "<" in content[:10] and _XML.match(content) and kind in (TEXT, QUOTE, "link", "file", MEDIA, ""):
        return _said_in_xml(content)
    if kind == "voice":
        return _shown("voice", content)
    if kind not in (TEXT, QUOTE, ""):
        return Said(removed=kind)
    if not is_told or kind == "":
        stands_for = _STANDS_FOR.match(content)
        if stands_for and _is_no_emoji(stands_for[1], content[stands_for.end() :]):
            shown = kind_of(stands_for[1])
            return None if shown == NOTICE else _shown(shown or MEDIA, content)
        if _TOLD.fullmatch(content.strip()):
            return None
    if not kind:  # the exporter had no word for it: nobody is known to have typed this
        return Said(removed=MEDIA)
    words, quoted = _apart(content, kind, is_told=is_told)
    words = words.strip()
    return Said(words, "" if words else "empty", quoted)


def without_prefix(content: str, sender: str, *, in_group: bool) -> tuple[str, str]:
    """Return (sender, text): WeChat stores who wrote to a group before the text, on a line of its own."""
    found = _PREFIX.match(content)
    if found and (found[1] == sender or found[1].startswith("wxid_") or (in_group and not sender)):
        return sender or found[1], content[found.end() :]
    return sender, content


def _is_no_emoji(name: str, rest: str) -> bool:
    """Return whether a mark stands for something: [红包] is also one of WeChat's emoji, and then words follow it."""
    return name != "红包" or any(rest == greeting or (greeting and greeting in rest) for greeting in _GREETINGS)


def _shown(kind: str, content: str) -> Said:
    """Return something shown; a voice message may have been written down."""
    words = content.removeprefix("[语音消息] ") if content.startswith("[语音消息] ") else ""
    return Said(words) if kind == "voice" and words.strip() and "转文字失败" not in words else Said(removed=kind)


def _apart(content: str, kind: str, *, is_told: bool) -> tuple[str, str]:
    """Return the words of a message and those of the message that it quotes."""
    if content.startswith("「"):
        rules = list(_RULE.finditer(content))
        if rules:
            _, colon, words = content[1 : rules[-1].start()].partition("：")
            return content[rules[-1].end() :], words if colon else content[1 : rules[-1].start()]
    if is_told and kind == TEXT:
        return content, ""
    if found := _REFERENCE.search(content):
        return content[: found.start()], content[found.end() :].strip()
    if content.endswith("]") and "[引用 " in content:
        words, _, quoted = content[:-1].partition("[引用 ")
        return words, quoted.partition("：")[2] or quoted
    if not is_told and _CHATLOG_QUOTE.match(content):
        lines = content.split("\n")
        end = next((place for place, line in enumerate(lines) if not line.startswith("> ")), len(lines))
        return "\n".join(lines[end:]), "\n".join(line[2:] for line in lines[1:end])
    return content, ""


def _said_in_xml(xml: str) -> Said | None:
    if "<appmsg" not in xml:
        kind = next((kind for mark, kind in _ROOTS if mark in xml), MEDIA)
        return None if kind == NOTICE else Said(removed=kind)
    referred = _element(xml, "refermsg", is_raw=True)
    own = xml.replace(referred, "", 1) if referred else xml
    number = _element(own, "type")
    kind = _BY_APP_NUMBER.get(int(number), "link") if number.isdecimal() and len(number) < 6 else "link"
    if kind == NOTICE:
        return None
    if kind != QUOTE:
        return Said(removed=kind)
    text = _element(own, "title").strip()
    answered = _element(referred, "svrid").strip("0 ") and _element(referred, "svrid").strip()
    return Said(text, "" if text else "empty", answered or _words_of(_element(referred, "content")))


def _words_of(quoted: str) -> str:
    """Return the words of a quoted message, which may be stored as XML itself, and with its sender before it."""
    quoted = without_prefix(quoted, "", in_group=True)[1]
    return _element(quoted, "title") if _XML.match(quoted) else quoted


def _element(xml: str, name: str, *, is_raw: bool = False) -> str:
    """Return the text of the first element of a name, "" if there is none."""
    begin = xml.find(f"<{name}>")
    end = xml.find(f"</{name}>", begin)
    if begin < 0 or end < 0:
        return ""
    inner = xml[begin + len(name) + 2 : end]
    if is_raw:
        return inner
    inner = inner.strip()
    if inner.startswith("<![CDATA[") and inner.endswith("]]>"):
        return inner[9:-3]
    return unescape(inner)
