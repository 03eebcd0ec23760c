"""The layouts in which WeChat's messages are exported, each read to the same rows. Knows nothing of what they say.

Tables: of PyWxDump and WeClone (WeFlow writes them too), of WeChatMsg (all chats, or one), of chatlog. JSON: of WeFlow
and EchoTrace, and of chatlog.
"""

import csv
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from aigc_cli.core.errors import BadData
from aigc_cli.core.words.messages import tr
from aigc_cli.data.chat.dates import clock_seconds
from aigc_cli.data.chat.exports import LONGEST_LINE, Export, Head, Part
from aigc_cli.data.chat.messages import Log
from aigc_cli.data.chat.readers.fields import identifier, iso_seconds, milliseconds, string, table
from aigc_cli.data.chat.readers.kinds import NOTICE, kind_of
from aigc_cli.data.chat.readers.wechat_content import kind_of_number
from aigc_cli.data.json_stream import JsonStream

GROUP = "@chatroom"  # how the names of groups end
_SYSTEM = "系统消息"
_CLOCK = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})[ T](\d{1,2}):(\d\d)(?::(\d\d)(?:\.\d{1,9})?)?")
_LIKE_A_ROW = re.compile(
    r"\n(?:\d{1,12},\d{5,20},[^,\n]{1,20},[01],|\d{1,12},\d{1,9},\d{1,14},\d{1,9},[01],\d{10},"
    r"|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,(?:[^,\n]{0,80},){4})"
)
_LONGEST_HEADER = 1000  # characters


class Row(NamedTuple):
    """One message as a layout has it. `kind` is one of `kinds`; `is_own`: None where the layout does not tell.

    `time` is in seconds since 1970, None where none can be read. `reply_to` is what a reply answers, where that is not
    in the content. `is_told`: the layout tells texts from what stands for something else.
    """

    where: object
    kind: str
    content: str
    sender: str
    name: str
    is_own: bool | None
    time: float | None
    local: bool
    chat: str
    number: str = ""
    reply_to: str = ""
    is_told: bool = True


_Fields = Mapping[str, str]


def _of_weclone(row: _Fields, where: int) -> Row:
    content = row.get("msg")
    if content is None:
        content = _within(row["content"])
    word = row["type_name"]
    sender = row["talker"].strip()
    time, local = _time(row["CreateTime"])
    return Row(
        where,
        kind_of(word),
        content,
        sender,
        sender,
        _flag(row["is_sender"]),
        time,
        local,
        row.get("room_name", "").strip(),
        _number(row["MsgSvrID"]),
        is_told=word != "text",  # WeFlow calls so whatever it has no other word for
    )


def _of_wechatmsg(row: _Fields, where: int) -> Row:
    kind = kind_of_number(_integer(row["Type"]), _integer(row["SubType"]))
    time, local = _time(row["CreateTime"] or row.get("StrTime", ""))
    name = row.get("Remark", "").strip() or row.get("NickName", "").strip()
    sender = row.get("Sender", "").strip() or name or row["TalkerId"]
    chat, number = row["TalkerId"].strip(), _number(row.get("MsgSvrID", ""))
    return Row(where, kind, row["StrContent"], sender, name, _flag(row["IsSender"]), time, local, chat, number)


def _of_memotrace(row: _Fields, where: int) -> Row:
    time, local = _time(row["时间"])
    sender = row["发送人"].strip()
    name = row.get("备注", "").strip() or sender
    return Row(where, kind_of(row["类型"]), row["内容"], sender, name, None, time, local, "", _number(row["消息ID"]))


def _of_chatlog_table(row: _Fields, where: int) -> Row:
    time, local = _time(row["Time"])
    sender, chat = row["Sender"].strip(), row["Talker"].strip()
    kind = NOTICE if sender == _SYSTEM else "text"
    is_own = False if sender == chat else None
    return Row(where, kind, row["Content"], sender, row["SenderName"], is_own, time, local, chat, is_told=False)


# By the columns that must be there.
_TABLES: dict[tuple[str, ...], Callable[[_Fields, int], Row]] = {
    ("MsgSvrID", "type_name", "is_sender", "talker", "CreateTime"): _of_weclone,
    ("TalkerId", "Type", "SubType", "IsSender", "CreateTime", "StrContent"): _of_wechatmsg,
    ("消息ID", "类型", "发送人", "时间", "内容"): _of_memotrace,
    ("Time", "SenderName", "Sender", "TalkerName", "Talker", "Content"): _of_chatlog_table,
}
_WITHOUT_KEY = (_of_wechatmsg, _of_memotrace)  # TalkerId counts the contacts of one computer


def looks(head: Head) -> bool:
    """Return whether an export is one of these layouts."""
    value = head.value
    if isinstance(value, list):
        return bool(value) and _is_of_chatlog(value[0])
    if not isinstance(value, dict):
        return _table_of(next(csv.reader([head.lines[0][:_LONGEST_HEADER]]), [])) is not None
    if isinstance(value.get("weflow"), dict):  # what follows may lie behind a picture, out of sight
        return "session" in value or not head.is_whole
    session, messages = table(value.get("session")), value.get("messages")
    return "wxid" in session and isinstance(messages, list) and bool(messages) and "isSend" in table(messages[0])


def rows(export: Export, part: Part, log: Log) -> Iterator[Row]:
    """Yield the messages of a part, in whichever layout it is. BadData for another, or for damage."""
    stream = export.json(part)
    kind = stream.kind()
    if kind == "{":
        yield from _weflow(stream, export.label(part), log)
    elif kind == "[":
        yield from _chatlog(stream, log)
    else:
        yield from _table_rows(export, part, log)


def _unknown(source: str) -> BadData:
    return BadData(
        tr("{source}: not an export of WeChat that is known", source=source),
        tr("export it with WeFlow, WeChatMsg, PyWxDump or chatlog, as CSV or JSON"),
    )


def _table_of(columns: Sequence[str]) -> Callable[[_Fields, int], Row] | None:
    names = {column.strip() for column in columns}
    return next((layout for needed, layout in _TABLES.items() if names.issuperset(needed)), None)


def _table_rows(export: Export, part: Part, log: Log) -> Iterator[Row]:
    csv.field_size_limit(max(csv.field_size_limit(), LONGEST_LINE))
    reader = csv.reader(line + "\n" for line in export.lines(part))
    try:
        columns = [column.strip() for column in next(reader, [])]
        layout = _table_of(columns)
        if layout is None or (layout is _of_weclone and not {"msg", "content"}.intersection(columns)):
            raise _unknown(export.label(part))
        end, has_key = len(columns), layout not in _WITHOUT_KEY
        while (begin := reader.line_num + 1) and (values := next(reader, None)) is not None:
            if len(values) < end:
                if values:
                    log.drop("unknown", begin, ",".join(values))
                continue
            row = layout(dict(zip(columns, values, strict=False)), begin)
            if reader.line_num > begin and (inside := _LIKE_A_ROW.search(row.content)):
                log.notice("inside_another", begin, row.content[inside.start() + 1 :])
            if has_key and row.chat:
                log.keys[row.chat] = row.chat
            yield row
    except csv.Error as error:
        place = tr("{source}: line {number}", source=export.label(part), number=reader.line_num)
        raise BadData(tr("{place}: not a row of a table", place=place), tr("export it again")) from error


def _is_of_chatlog(item: Any) -> bool:
    return isinstance(item, dict) and {"seq", "time", "talker", "sender", "isSelf", "type"} <= item.keys()


def _chatlog(stream: JsonStream, log: Log) -> Iterator[Row]:
    for place in stream.items():
        where, item = place + 1, stream.value()
        if not isinstance(item, dict):
            log.drop("unknown", where)
            continue
        sender, chat = identifier(item.get("sender")), identifier(item.get("talker"))
        contents = table(item.get("contents"))
        kind = kind_of_number(_integer(item.get("type")), _integer(item.get("subType")))
        log.keys[chat] = chat
        yield Row(
            where,
            NOTICE if sender == _SYSTEM else kind,
            string(item.get("content")),
            sender,
            string(item.get("senderName")),
            _flag(item.get("isSelf")),
            iso_seconds(item.get("time")),
            False,
            chat,
            identifier(item.get("seq")),
            string(table(contents.get("refer")).get("content")),
        )
    stream.end()


def _weflow(stream: JsonStream, source: str, log: Log) -> Iterator[Row]:
    has_messages = False
    people: dict[str, dict[str, Any]] = {}  # of the compact form
    for key in stream.members():
        if key == "session" and stream.kind() == "{":
            _take_session(stream, log)
        elif key == "senders" and stream.kind() == "[":
            people |= {identifier(who.get("senderID")): who for _ in stream.items() if (who := table(stream.value()))}
        elif key == "messages" and stream.kind() == "[":
            has_messages = True
            for place in stream.items():
                item = stream.value()
                if isinstance(item, dict):
                    yield _of_weflow(item, people.get(identifier(item.get("senderID")), {}), place + 1)
                else:
                    log.drop("unknown", place + 1)
    if not has_messages:
        raise _unknown(source)
    stream.end()


def _take_session(stream: JsonStream, log: Log) -> None:
    """Take whom the chat is with, and pass over the rest: a picture, among others."""
    for key in stream.members():
        if key == "wxid" and (identity := identifier(stream.value())):
            log.keys[""] = identity


def _of_weflow(item: Mapping[str, Any], person: Mapping[str, Any], where: int) -> Row:
    time, local = milliseconds(item.get("createTime")), False
    if time is None:
        time, local = _time(string(item.get("formattedTime")))
    is_own = _flag(item.get("isSend"))
    sender = identifier(item.get("senderUsername")) or identifier(person.get("wxid"))
    kind = kind_of(string(item.get("type"))) or (NOTICE if is_own is None else "")  # nobody's are of the system
    return Row(
        where,
        kind,
        string(item.get("content")),
        sender,
        string(item.get("senderDisplayName")) or string(person.get("displayName")),
        is_own,
        time,
        local,
        "",
        _number(identifier(item.get("platformMessageId"))),
        _number(identifier(item.get("replyToMessageId"))) or string(item.get("quotedContent")),
    )


def _within(content: str) -> str:
    """Return the words of the older table's JSON, or the content where it is none."""
    if not content.startswith("{"):
        return content
    try:
        return string(table(json.loads(content, strict=False)).get("msg"))
    except (ValueError, RecursionError):
        return content


def _time(text: str) -> tuple[float | None, bool]:
    """Return the seconds since 1970, and whether they are those of a clock somewhere."""
    text = text.strip()
    if text.isdecimal():
        return milliseconds(text), False
    if text.endswith("Z") or (text[-6:-5] in ("+", "-") and text[-3:-2] == ":"):
        return iso_seconds(text), False
    found = _CLOCK.fullmatch(text)
    if found is None:
        return None, True
    return clock_seconds(*(int(part or 0) for part in found.groups())), True


def _flag(value: Any) -> bool | None:
    """Return a yes or no that is written as 1, "1", true or "True"; None where it is neither."""
    text = str(value).strip().casefold() if isinstance(value, str | int) else ""
    return {"1": True, "true": True, "0": False, "false": False}.get(text)


def _integer(value: Any) -> int:
    """Return a whole number that may be written as text; 0 for none, which is no type."""
    text = str(value).strip() if isinstance(value, str | int) else ""
    return int(text) if text.isdecimal() and len(text) < 19 else 0


def _number(text: str) -> str:
    """Return a message's number, "" where it is none: a program for tables makes 7.4E+18 of it."""
    text = text.strip()
    return text if text.isdecimal() and text.strip("0") else ""
