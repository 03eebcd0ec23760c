"""Read the text that QQ's message manager exports: one chat, or all of them one after another.

A line of a date, a time and a name begins a message. In groups the name is followed by the number or the address of who
wrote, in chats of two by nothing, so that a line within a message may look the same: each section is read twice, first
to learn what its lines of this kind have in common.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from aigc_cli.data.chat.dates import clock_seconds, of_24
from aigc_cli.data.chat.exports import Export, Head, Part
from aigc_cli.data.chat.messages import Log, Message
from aigc_cli.data.chat.readers.fields import shown_name
from aigc_cli.data.chat.readers.kinds import NOTICE, kind_of

_TITLE = "消息记录（此消息记录为文本格式"
_LABELS = ("消息分组:", "消息分组：", "消息对象:", "消息对象：")
_RULE = re.compile(r"={40,80}")
_BEGIN = re.compile(
    r"(\d{4})[-/](\d{1,2})[-/](\d{1,2}) (?:(上午|下午) ?)?(\d{1,2}):(\d\d):(\d\d)(?: ([AaPp][Mm]))? {1,2}(\S.*)"
)
_DIVIDERS = frozenset("-/")
_NUMBER = re.compile(r"(.*)\((\d{5,12})\)")
_ADDRESS = re.compile(r"(.*)<([^<>\s@]{1,80}@[^<>\s@]{1,80})>")
_SYSTEM, _ANONYMOUS = frozenset({"10000", "1000000", "系统消息"}), "80000000"
_ROLE = re.compile(r"^(?:【[^】\n]{1,40}】)+(?=.)")
_RECALLED = "撤回了一条消息"
_SECOND_HALF = {"上午": 0, "am": 0, "下午": 12, "pm": 12}
_PICTURES = ("[图片]", "[表情]")
_SHOWN = re.compile(
    r"\[(QQ红包|红包|转账|语音通话|视频通话|语音|短视频|视频|文件|离线文件|地理位置|位置|链接|卡片消息|分享|音乐|小程序|"
    r"聊天记录|合并转发|转发|闪照|动画表情|原创表情|戳一戳|拍一拍|窗口抖动|礼物|送礼物)\]"
)
_KINDS = {"闪照": "photo", **dict.fromkeys(("戳一戳", "窗口抖动", "礼物", "送礼物"), NOTICE)}
_CLEAR = 9  # times as many lines of one kind as of the other make a rule of it


class _Line(NamedTuple):
    number: int
    text: str
    kind: str  # "frame", "section", "begin" or ""
    begin: re.Match[str] | None = None
    after_blank: bool = False


@dataclass
class _Form:
    """How messages begin in one section: after a blank line or not, with a number or without."""

    after_blank: int = 0
    after_text: int = 0
    numbered: int = 0
    bare: int = 0

    def add(self, line: _Line) -> None:
        self.after_blank += line.after_blank
        self.after_text += not line.after_blank
        is_numbered = _writer(line)[2]
        self.numbered += is_numbered
        self.bare += not is_numbered

    def begins(self, line: _Line) -> bool:
        if not line.after_blank and self.after_blank >= _CLEAR * self.after_text:
            return False
        sender, _, is_numbered = _writer(line)
        return is_numbered or sender in _SYSTEM or self.numbered < _CLEAR * self.bare


@dataclass
class _Open:
    """A message whose lines are still being read."""

    line: _Line
    time: float
    words: list[str] = field(default_factory=list)


def is_text(head: Head) -> bool:
    """Return whether this is the message manager's text."""
    lines = head.lines[:20]
    return any(line.startswith(_TITLE) for line in lines[:3]) or (
        any(line.startswith(_LABELS) for line in lines) and any(_BEGIN.fullmatch(line) for line in lines)
    )


def read_text(export: Export, part: Part, log: Log) -> Iterator[Message]:
    """Yield the messages of a text, a chat a section."""
    forms = [_Form()]
    for line in _lines(export.lines(part)):
        if line.kind == "section":
            forms.append(_Form())
        elif line.begin and _time(line.begin) is not None:
            forms[-1].add(line)
    number, partner = 0, ""
    chats: list[str] = [""]
    current: _Open | None = None
    for line in _lines(export.lines(part)):
        time = _time(line.begin) if line.begin else None
        if line.kind == "section":
            yield from _closed(current, chats[-1], partner, log)
            current, number, partner = None, number + 1, line.text.partition(line.text[4])[2].strip()
            chats.append(_chat(partner, chats, log))
        elif time is not None and forms[number].begins(line):
            yield from _closed(current, chats[-1], partner, log)
            current = _Open(line, time)
        elif line.kind == "frame":
            continue
        elif current is not None:
            if time is not None:
                log.notice("inside_another", line.number, line.text)
            current.words.append(line.text)
        elif line.text.strip():
            log.drop("unknown", line.number, line.text)
    yield from _closed(current, chats[-1], partner, log)


def _lines(lines: Iterable[str]) -> Iterator[_Line]:
    """Yield the lines with what they are: those of the frame around sections, or perhaps the first of a message."""
    in_frame, after_blank = True, True
    held: list[_Line] = []  # rules and blank lines behind one: the frame's, if nothing or a label follows
    for number, text in enumerate(lines, start=1):
        is_rule, is_label = text[:1] == "=" and _RULE.fullmatch(text) is not None, text.startswith(_LABELS)
        if held and text.strip() and not is_rule:
            in_frame = in_frame or is_label
            yield from (line._replace(kind="frame" if in_frame else "") for line in held)
            held.clear()
        if held or (is_rule and not in_frame):
            held.append(_Line(number, text, ""))
            after_blank = not is_rule
            continue
        begin = _BEGIN.fullmatch(text.rstrip()) if text[4:5] in _DIVIDERS else None
        kind = "begin" if begin else ""
        if in_frame and (is_rule or is_label or text.startswith(_TITLE)):
            kind = "section" if text.startswith(_LABELS[2:]) else "frame"
        yield _Line(number, text, kind, begin, after_blank)
        in_frame = in_frame and not begin
        after_blank = kind in ("section", "frame") or not text.strip()
    yield from (line._replace(kind="frame") for line in held)


def _time(begin: re.Match[str]) -> float | None:
    """Return the time that a line shows, None if there is no such day or hour."""
    year, month, day, before, hour, minute, second, behind, _ = begin.groups()
    half = _SECOND_HALF.get((before or behind).casefold()) if before or behind else None
    return clock_seconds(int(year), int(month), int(day), of_24(int(hour), half), int(minute), int(second))


def _chat(partner: str, chats: list[str], log: Log) -> str:
    """Return what to call a section's chat, which is no other's; with a number it is the same in every export."""
    numbered = _NUMBER.fullmatch(partner)
    chat = numbered[2] if numbered else partner
    if numbered:
        log.keys[chat] = chat
    elif chat in chats:
        chat = f"{chat} ({len(chats)})"
    return chat


def _writer(line: _Line) -> tuple[str, str, bool]:
    """Return who wrote: the identity, the name shown, and whether the identity is a number or an address."""
    return _identified(line.begin[9]) if line.begin else ("", "", False)


@lru_cache(maxsize=4096)
def _identified(who: str) -> tuple[str, str, bool]:
    found = _NUMBER.fullmatch(who) or _ADDRESS.fullmatch(who)
    if found is None:
        return who, who, False
    name = _ROLE.sub("", found[1].strip(), count=1)
    return (name or found[2]) if found[2] == _ANONYMOUS else found[2], name, True


def _closed(message: _Open | None, chat: str, partner: str, log: Log) -> Iterator[Message]:
    """Yield a message all of whose lines were read, or drop it as a notice."""
    if message is None:
        return
    sender, name, is_numbered = _writer(message.line)
    body = "\n".join(message.words).strip()
    text, removed = _words(body)
    if sender in _SYSTEM:
        text, removed = "", "call" if removed == "call" or "通话时长" in text else NOTICE
    if removed == NOTICE or (text.endswith(_RECALLED) and text.removesuffix(_RECALLED) in (name, "你", "对方")):
        log.drop("notice", message.line.number, body)
        return
    if sender not in log.names:
        log.name(sender, shown_name(name, sender))
    if not is_numbered and sender == partner:
        log.contacts.add(sender)
    yield Message(sender=sender, text=text, time=message.time, removed=removed, local=True, chat=chat)


def _words(body: str) -> tuple[str, str]:
    """Return a message's words, or why there are none; pictures among words are passed over."""
    found = _SHOWN.match(body)
    if found:
        kind = _KINDS.get(found[1]) or kind_of(found[1])
        rest = body[found.end() :]
        if not rest or (kind in (NOTICE, "call") and "\n" not in rest):
            return "", kind
    text = body
    for picture in _PICTURES:
        text = text.replace(picture, "")
    if text.strip():
        return text.strip(), ""
    return "", next((kind_of(picture) for picture in _PICTURES if picture in body), "empty")
