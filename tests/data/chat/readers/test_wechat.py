"""WeChat, in the layouts of its exporters: one chat in six of them reads to the same messages; nothing is lost."""

import csv
import io
import json
from datetime import UTC, datetime

import pytest

from aigc_cli.config.prepare_chat import PrepareChatSettings
from aigc_cli.core.errors import AigcError, BadData
from aigc_cli.core.screen.progress import SilentProgress
from aigc_cli.data.chat.prepare import prepare_chat
from tests.data.chat.readers.driving import looks, read
from tests.data.chat.readers.mutating import as_json, broken, mutated

ME, PEER, ROOM = "wxid_maidong0001", "wxid_ali000000002", "4455667788@chatroom"
START = 1751335200  # 2025-07-01 02:00:00 UTC
PYWXDUMP = "id,MsgSvrID,type_name,is_sender,talker,room_name,msg,src,CreateTime"
WEFLOW_CSV = "id,MsgSvrID,type_name,is_sender,talker,msg,src,CreateTime"
WECHATMSG = "localId,TalkerId,Type,SubType,IsSender,CreateTime,Status,StrContent,StrTime,Remark,NickName,Sender"
MEMOTRACE = "消息ID,类型,发送人,时间,内容,备注,昵称,更多信息"
CHATLOG = "Time,SenderName,Sender,TalkerName,Talker,Content"


def table(header, *rows):
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows([header.split(","), *rows])
    return "\ufeff" + out.getvalue()


def clock(place):
    return datetime.fromtimestamp(START + 30 * place, UTC).strftime("%Y-%m-%d %H:%M:%S")


def quote_xml(reply, quoted, number="0", kind=57):
    return (
        f'<?xml version="1.0"?>\n<msg><appmsg appid="" sdkver="0"><title>{reply}</title><type>{kind}</type>'
        f"<refermsg><type>1</type><svrid>{number}</svrid><displayname>阿梨</displayname><content>{quoted}</content>"
        "</refermsg></appmsg></msg>"
    )


# What was said, each with its kind. A reply's words are (answer, quoted).
CHAT = [
    ("text", PEER, "今晚吃什么[捂脸]"),
    ("text", ME, '火锅🍲？\n或者, "烧烤"'),
    ("photo", PEER, ""),
    ("quote", ME, ("看起来不错&好吃", "今晚吃什么[捂脸]")),
    ("pat", PEER, ""),
    ("voice", ME, ""),
    ("text", PEER, "「阿梨：七点？」这样"),
    ("call", ME, ""),
    ("recall", PEER, ""),
    ("money", PEER, ""),
    ("transfer", ME, ""),
    ("sticker", ME, ""),
    ("text", PEER, "じゃあ、また後で 김치도 😋"),
    ("link", ME, ""),
    ("file", PEER, ""),
    ("location", PEER, ""),
    ("text", ME, "好"),
]
REMOVED = {"photo", "voice", "call", "sticker", "link", "file", "location"}
NOTICES = sum(kind in ("pat", "recall", "money", "transfer") for kind, _, _ in CHAT)


def pywxdump():
    words = dict(
        text="文本", photo="图片", quote="引用回复", pat="拍一拍", voice="语音", call="语音通话", recall="消息撤回1"
    )
    words |= dict(
        money="红包", transfer="转账", sticker="动画表情", link="(分享)卡片式链接", file="文件", location="位置"
    )
    rows = []
    for place, (kind, who, said) in enumerate(CHAT):
        if kind == "quote":
            said = f"{said[0]}\n\n[引用]({clock(0)})阿梨:{said[1]}"
        said = said or {"recall": "<revokemsg>你撤回了一条消息</revokemsg>", "photo": "图片"}.get(kind, "x")
        own = int(who == ME)
        rows.append((place, 7437267147299592000 + place, words[kind], own, who, PEER, said, "", clock(place)))
    return table(PYWXDUMP, *rows)


def old_pywxdump():
    """The older one, with the words in JSON; the times as a program for tables writes them again."""
    reader = csv.reader(io.StringIO(pywxdump().lstrip("\ufeff")))
    next(reader)
    rows = []
    for number, server, word, own, who, room, said, source, time in reader:
        rows.append((number, server, word, own, who, room, json.dumps({"src": source, "msg": said}), time))
    return table("id,MsgSvrID,type_name,is_sender,talker,room_name,content,CreateTime", *rows)


def weflow_csv():
    """WeFlow's, which has no word for most and leaves quotes out; names instead of ids."""
    shown = dict(
        pat='"阿梨" 拍了拍 "我"',
        call="[语音通话] 12:34",
        recall='"阿梨" 撤回了一条消息',
        money="[红包]恭喜发财，大吉大利",
    )
    shown |= dict(
        photo="[图片]", voice="[其他消息]", transfer="[转账]¥12.00 火锅", sticker="[表情包：哭]", link="[链接]菜谱"
    )
    shown |= dict(file="[文件]a.pdf", location="[位置] 某路 (1,2)")
    words = dict(photo="image", voice="voice", sticker="sticker", file="file", location="location")
    rows = []
    for place, (kind, who, said) in enumerate(CHAT):
        if kind == "quote":
            said = f"{said[0]}[引用 阿梨：{said[1]}]"
        time = datetime.fromtimestamp(START + 30 * place, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        name = "麦冬" if who == ME else "阿梨"
        said = said or shown[kind]
        number = 7437267147299592000 + place
        rows.append((place, number, words.get(kind, "text"), int(who == ME), name, said, "", time))
    return table(WEFLOW_CSV, *rows)


def wechatmsg():
    numbers = dict(text=(1, 0), photo=(3, 0), quote=(49, 57), pat=(10000, 4), voice=(34, 0), call=(50, 0))
    numbers |= dict(recall=(10000, 0), money=(49, 2001), transfer=(49, 2000), sticker=(47, 0), link=(49, 5))
    numbers |= dict(file=(49, 6), location=(48, 0))
    rows = []
    for place, (kind, who, said) in enumerate(CHAT):
        if kind == "quote":
            said = quote_xml(said[0].replace("&", "&amp;"), said[1])
        names = ("", "麦冬", ME) if who == ME else ("阿梨", "Ali", PEER)
        first, second = numbers[kind]
        rows.append((900 + place, 3, first, second, int(who == ME), START + 30 * place, "", said, clock(place), *names))
    return table(WECHATMSG, *rows)


def chatlog_item(place, kind, who, said, room=PEER):
    numbers = dict(text=(1, 0), photo=(3, 0), quote=(49, 57), pat=(49, 62), voice=(34, 0), call=(50, 0), file=(49, 6))
    numbers |= dict(recall=(10000, 0), money=(49, 2001), transfer=(49, 2000), sticker=(47, 0), link=(49, 5))
    numbers |= dict(location=(48, 0))
    quoted = {"refer": {"type": 1, "sender": PEER, "content": said[1]}} if kind == "quote" else {}
    return {
        "seq": (START + 30 * place) * 1000,
        "time": datetime.fromtimestamp(START + 30 * place + 28800, UTC).strftime("%Y-%m-%dT%H:%M:%S+08:00"),
        "talker": room,
        "talkerName": "阿梨",
        "isChatRoom": room == ROOM,
        "sender": "系统消息" if kind == "recall" else who,
        "senderName": "麦冬" if who == ME else "阿梨",
        "isSelf": who == ME,
        "type": numbers[kind][0],
        "subType": numbers[kind][1],
        "content": said[0] if kind == "quote" else said,
        "contents": {"title": "x", "url": "http://x", **quoted},
    }


def chatlog():
    return json.dumps([chatlog_item(place, *item) for place, item in enumerate(CHAT)])


def chatlog_csv():
    shown = dict(
        photo="![图片](http://127.0.0.1:5030/image/a)", pat='"阿梨" 拍了拍 "我"', voice="[语音]", call="[语音通话]"
    )
    shown |= dict(
        recall='"阿梨" 撤回了一条消息', money="[红包]", transfer="[转账|发送 ￥12.00]", sticker="![动画表情](http://x)"
    )
    shown |= dict(link="[链接|菜谱](http://x)", file="[文件|a.pdf](http://x)", location="[位置|某路]")
    rows = []
    for place, (kind, who, said) in enumerate(CHAT):
        if kind == "quote":
            said = f"> 阿梨({PEER}) 07-01 10:00:00\n> {said[1]}\n{said[0]}"
        sender = "系统消息" if kind == "recall" else who
        rows.append((clock(place), "麦冬" if who == ME else "阿梨", sender, "阿梨", PEER, said or shown[kind]))
    return table(CHATLOG, *rows)


def weflow_item(place, kind, who, said):
    words = dict(text="文本消息", photo="图片消息", quote="引用消息", pat="系统消息", voice="语音消息", call="通话消息")
    words |= dict(
        recall="系统消息", money="红包卡片", transfer="转账消息", sticker="动画表情", link="链接消息", file="文件消息"
    )
    words |= dict(location="位置消息")
    quoted = {"quotedSender": "阿梨", "quotedContent": said[1]} if kind == "quote" else {}
    return {
        "localId": place + 1,
        "createTime": START + 30 * place,
        "formattedTime": "2025-07-01 10:00:00",
        "type": words[kind],
        "localType": 1,  # which is not to be relied on
        "content": f"{said[0]}[引用 阿梨：{said[1]}]"
        if kind == "quote"
        else f"\n{said}"
        if kind == "text"
        else f"[{kind}]",
        "isSend": int(who == ME),
        "senderUsername": who,
        "senderDisplayName": "麦冬" if who == ME else "阿梨",
        "source": "<msgsource></msgsource>",
        "senderAvatarKey": who,
        "platformMessageId": str(7437267147299592000 + place),
        **quoted,
    }


def weflow(wxid=PEER, avatar="data:image/png;base64,AAAA", messages=None, **more):
    return {
        "weflow": {"version": "1.0.3", "exportedAt": START},
        "session": {"avatar": avatar, "wxid": wxid, "nickname": "Ali", "displayName": "阿梨", "type": "私聊"},
        "messages": [weflow_item(place, *item) for place, item in enumerate(CHAT)] if messages is None else messages,
        "avatars": {PEER: "data:image/png;base64," + "A" * 50},
        **more,
    }


LAYOUTS = {
    "pywxdump": pywxdump(),
    "old_pywxdump": old_pywxdump(),
    "weflow_csv": weflow_csv(),
    "wechatmsg": wechatmsg(),
    "chatlog": chatlog(),
    "chatlog_csv": chatlog_csv(),
    "weflow": json.dumps(weflow(), ensure_ascii=False),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_layouts_converge_to_the_same_messages(layout):
    assert looks("wechat", LAYOUTS[layout], "chat.csv")
    done = read("wechat", LAYOUTS[layout])
    names = {"麦冬": ME, "阿梨": PEER}
    got = [
        (message.removed, names.get(message.sender, message.sender), message.text, message.reply_to, message.time)
        for message in done.messages
    ]
    expected = []
    for place, (kind, who, said) in enumerate(CHAT):
        text, quoted = said if kind == "quote" else (said, "")
        if kind in ("text", "quote"):
            expected.append(("", who, text, quoted, START + 30 * place))
        elif kind in REMOVED:
            expected.append((kind, who, "", "", START + 30 * place))
    assert got == expected
    assert done.log.dropped == {"notice": NOTICES} and done.count == len(CHAT)
    if layout != "chatlog_csv":  # which does not tell
        assert names.get(done.log.subject, done.log.subject) == ME
    assert {names.get(sender, sender) for sender in done.log.contacts} == {PEER}


def test_names_keys_numbers_and_zones_are_taken_where_they_are():
    done = {layout: read("wechat", content) for layout, content in LAYOUTS.items()}
    assert done["wechatmsg"].log.names == {ME: "麦冬", PEER: "阿梨"} == done["weflow"].log.names
    keys = {layout: set(result.log.keys.values()) for layout, result in done.items()}
    assert keys.pop("wechatmsg") == set() == keys.pop("weflow_csv")
    assert all(key == {PEER} for key in keys.values())
    numbers = {layout: result.messages[0].number for layout, result in done.items()}
    assert numbers["pywxdump"] == numbers["weflow"] == numbers["weflow_csv"] == "7437267147299592000"
    assert numbers["wechatmsg"] == numbers["chatlog_csv"] == ""
    local = {layout: result.messages[0].local for layout, result in done.items()}
    assert [layout for layout in local if local[layout]] == ["pywxdump", "old_pywxdump", "chatlog_csv"]


def row(word, said, own=0, talker=PEER, room=PEER, number=12345678901, time="2025-07-01 10:00:00"):
    return (1, number, word, own, talker, room, said, "", time)


def read_rows(*rows):
    return read("wechat", table(PYWXDUMP, *rows))


def test_a_text_stays_as_it_was_written_whatever_it_looks_like():
    texts = [
        "[红包]",
        "[图片]",
        "[链接] 这是我打的字",
        "<3 <msg 是什么",
        "Ingredients:\n面粉",
        "「」",
        "a[引用 b]",
        "> 引用\n我",
    ]
    texts += ["我撤回了一条消息", "12:30 - 我: 你好", '{"msg": 1}']
    assert read_rows(*(row("文本", text) for text in texts)).texts == texts


def test_an_old_quote_is_taken_apart_even_when_it_quotes_one():
    rule = "- " * 14 + "-"
    simple = f"「阿梨：几点？」\n{rule}\n七点"
    nested = f"「麦冬：「阿梨：几点？」\n{rule}\n七点」\n{rule}\n好"
    first, second = read_rows(row("文本", simple), row("文本", nested)).messages
    assert (first.text, first.reply_to) == ("七点", "几点？")
    assert (second.text, second.reply_to) == ("好", f"「阿梨：几点？」\n{rule}\n七点")


def test_xml_that_an_exporter_left_is_read_by_its_type():
    quoted = (
        "&lt;msg&gt;&lt;appmsg&gt;&lt;title&gt;内层&lt;/title&gt;&lt;type&gt;5&lt;/type&gt;&lt;/appmsg&gt;&lt;/msg&gt;"
    )
    done = read_rows(
        row("引用回复", quote_xml("答 &lt;b&gt; &#x1F602;", "问", "7437267147299592543")),
        row("引用回复", quote_xml("<![CDATA[a < b]]>", quoted)),
        row("文本", "wxid_abc12345:\n" + quote_xml("群里的答", "wxid_abc12345:\n问")),
        row("文本", "<msg><appmsg><title>t</title><type>2000</type></appmsg></msg>"),
        row("文本", "<msg><appmsg><title>t</title><type>19</type></appmsg></msg>"),
        row("文本", '<?xml version="1.0"?><msg><img aeskey="x"/></msg>'),
        row("未知", '<voipmsg type="VoIPBubbleMsg"><VoIPBubbleMsg/></voipmsg>'),
        row("文本", '<sysmsg type="revokemsg"><revokemsg/></sysmsg>'),
        row("文本", '<msg bigheadimgurl="x" username="wxid_x" nickname="y"/>'),
        row("文本", "<msg>" + "<a>" * 9),
    )
    assert done.texts == ["答 <b> 😂", "a < b", "群里的答"]
    assert [message.reply_to for message in done.messages[:3]] == ["7437267147299592543", "内层", "问"]
    assert done.removed == ["forwarded", "photo", "call", "contact", "media"]
    assert done.log.dropped == {"notice": 2}


def test_hostile_xml_expands_nothing_and_reads_nothing():
    laughs = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(12))
    bomb = f'<!DOCTYPE m [<!ENTITY l0 "ha">{laughs}<!ENTITY f SYSTEM "file:///etc/passwd">]>' + quote_xml(
        "&l12;&f;", "&l12;"
    )
    message = read_rows(row("引用回复", bomb)).messages[0]
    assert (message.text, message.reply_to) == ("&l12;&f;", "&l12;")


def test_long_lines_that_nearly_fit_take_no_time():
    near = [
        "- " * 60_000,
        "「" + "」\n- - - " * 20_000,
        "[引用](" * 20_000,
        "1" * 100_000,
        '"' * 50_000,
        "<title>" * 20_000,
    ]
    near += ["> " + "9" * 90_000, "wxid_" + "a" * 90_000, "<msg" + " " * 90_000 + "<appmsg" + "<refermsg>" * 9000]
    for word in ("文本", "引用回复", "未知", "text"):
        assert read_rows(*(row(word, text) for text in near)).count == len(near)


def test_a_group_names_the_writer_before_the_text():
    header = "localId,TalkerId,Type,SubType,IsSender,CreateTime,Status,StrContent,StrTime,Remark,NickName,Sender"
    base = [1, 3, 1, 0, 0, START, ""]
    done = read(
        "wechat",
        table(
            header,
            [*base, f"{PEER}:\n大家好", "", "", "群", PEER],
            [*base, "xinglai:\n我也来了", "", "", "群", "xinglai"],
            [*base, "Ingredients:\n面粉", "", "", "群", "xinglai"],
        ),
    )
    assert [(message.sender, message.text) for message in done.messages] == [
        (PEER, "大家好"),
        ("xinglai", "我也来了"),
        ("xinglai", "Ingredients:\n面粉"),
    ]
    group = weflow(
        ROOM, messages=[weflow_item(0, "text", ROOM, "mumu2020:\n到了吗"), weflow_item(1, "text", "", "谁？")]
    )
    assert [message.sender for message in read("wechat", json.dumps(group)).messages] == ["mumu2020", "unknown"]


def test_the_owner_is_one_sender_whatever_each_row_calls_him():
    done = read_rows(
        row("文本", "你好"), row("文本", "在", 1, "我"), row("文本", "啊", 1, ""), row("系统通知", "x", 1, "other")
    )
    assert [message.sender for message in done.messages] == [PEER, "我", "我"]
    assert (done.log.subject, done.log.contacts) == ("我", {PEER})


def test_weflow_in_its_compact_form_with_senders_apart_and_of_echotrace():
    items = [
        {**weflow_item(0, "text", PEER, "嗨"), "senderID": 1},
        {**weflow_item(1, "text", ME, "嗨嗨"), "senderID": 2},
    ]
    for item in items:
        del item["senderUsername"], item["senderDisplayName"]
    people = [{"senderID": 1, "wxid": PEER, "displayName": "阿梨"}, {"senderID": 2, "wxid": ME, "displayName": "麦冬"}]
    session = weflow()["session"]
    done = read("wechat", json.dumps({"weflow": {}, "session": session, "senders": people, "messages": items}))
    assert [message.sender for message in done.messages] == [PEER, ME] and done.log.names[ME] == "麦冬"
    echo = {"session": session, "messages": [{**weflow_item(0, "text", PEER, "嗨"), "isSend": None, "type": "?"}]}
    assert looks("wechat", json.dumps(echo))
    done = read("wechat", json.dumps(echo))
    assert done.log.dropped == {"notice": 1} and not done.messages
    del echo["messages"][0]["isSend"]
    echo["messages"][0]["type"] = "文本消息"
    assert read("wechat", json.dumps(echo)).texts == ["嗨"]


def test_voices_that_were_written_down_are_read_and_unknown_types_are_not():
    items = [weflow_item(place, "text", PEER, "") for place in range(5)]
    for item, (word, content) in zip(
        items,
        [("语音消息", "[语音消息] 我到楼下了"), ("语音消息", "voices/1.wav"), ("其他消息", "恭喜发财，大吉大利"),
         ("其他消息", '"阿梨" 拍了拍 "我"'), ("未知类型(99)", "[名片]某人")],
        strict=True,
    ):  # fmt: skip
        item |= {"type": word, "content": content}
    done = read("wechat", json.dumps(weflow(messages=items)))
    assert done.texts == ["我到楼下了"] and done.removed == ["voice", "media", "contact"]
    assert done.log.dropped == {"notice": 1}


def test_memotraces_table_of_one_chat_has_no_owner():
    done = read(
        "wechat",
        table(
            MEMOTRACE,
            ("81234567890123456", "文本", "小红", "2024-02-01 10:00:00", "在吗", "红红", "小红", ""),
            ("81234567890123457", "图片", "我", "2024-02-01 10:01:00", "", "", "我", ""),
        ),
    )
    assert [(message.text, message.removed, message.sender) for message in done.messages] == [
        ("在吗", "", "小红"),
        ("", "photo", "我"),
    ]
    assert done.log.names["小红"] == "红红" and done.log.subject is None


def test_a_swallowed_row_is_told_and_a_short_one_counted():
    inside = "2,12345678902,文本,1,b,a,没了,,2025-07-01 10:00:00"
    swallowed = f'{PYWXDUMP}\n1,12345678901,文本,0,a,a,"开头\n{inside}",,2025-07-01 10:00:00\n'
    done = read("wechat", swallowed + "3,4,文本\n\n4,12345678903,文本,0,a,a,末,,昨天\n")
    assert done.log.noticed == {"inside_another": 1} and done.log.dropped == {"unknown": 2}
    assert len(done.texts) == 1 and done.count == 3


@pytest.mark.parametrize(
    ("written", "local"),
    [
        ("2025/7/1 2:00", True),
        ("2025-07-01 02:00:00", True),
        ("2025-07-01 02:00:00.250", True),
        ("2025-07-01T02:00:00.000Z", False),
        ("2025-07-01 10:00:00+08:00", False),
        ("1751335200", False),
        ("1751335200000", False),
    ],
)
def test_times_in_every_form(written, local):
    message = read_rows(row("文本", "a", time=written)).messages[0]
    assert (message.time, message.local) == (START, local)


@pytest.mark.parametrize("written", ["", "昨天", "2025-13-01 10:00:00", "2025-07-01 25:00:00", "9" * 400])
def test_a_row_whose_time_cannot_be_read_is_counted(written):
    done = read_rows(row("文本", "a", time=written))
    assert done.log.dropped == {"unknown": 1} and not done.messages


def test_it_looks_only_like_itself():
    large = weflow(avatar="data:image/png;base64," + "A" * 400_000)
    assert looks("wechat", json.dumps(large))
    large["session"]["avatar"] = large["session"].pop("avatar")  # the picture last, as WeFlow writes it
    assert looks("wechat", json.dumps(large))
    for other in (
        "id,name,message\n1,a,b\n",
        "[2025/7/1 10:00] 阿梨: 嗨",
        '{"session": {"id": 1}, "messages": [{"text": "x"}]}',
        '{"session": {"wxid": "x"}, "messages": [{"text": "x"}]}',
        '[{"type": "message", "user": "U1", "ts": "1.0", "text": "x"}]',
        '{"chatlab": {"version": "0.0.2"}, "meta": {"platform": "wechat"}, "members": [], "messages": []}',
        '{"messages": [{"role": "user", "content": "x"}]}',
        "",
        "[]",
        "[1]",
        "{",
        '"' * 200_000,
    ):
        assert not looks("wechat", other), other[:60]


@pytest.mark.parametrize("content", ["{}", "[", "3", "", '{"messages": 1}', "id,msg\n1,2\n", f"{WEFLOW_CSV[:20]}\n1\n"])
def test_what_is_no_export_is_bad_data(content):
    with pytest.raises(BadData):
        read("wechat", content)


def test_damaged_values_lose_nothing_uncounted():
    for value in mutated(weflow(), 200):
        try:
            done = read("wechat", as_json(value))
        except AigcError:
            continue
        assert done.count == len(value["messages"])
    for value in mutated(json.loads(chatlog()), 200, seed=1):
        assert read("wechat", as_json(value)).count == len(value)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_damaged_files_are_read_or_bad_data(layout):
    for data in broken(LAYOUTS[layout].encode(), 100):
        looks("wechat", data)
        try:
            read("wechat", data)
        except BadData:
            continue


def test_a_chat_from_two_exporters_is_learned_once(tmp_path):
    rows, items = [], []
    for place in range(40):
        who, time = (ME, PEER)[place % 2 == 0], START + 7200 * (place // 2) + 60 * (place % 2)
        shown = datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M:%S")
        number = 7437267147299592000 + place
        rows.append((place, number, "文本", int(who == ME), who, PEER, f"第{place}句[捂脸]", "", shown))
        items.append({**weflow_item(place, "text", who, f"第{place}句[捂脸]"), "createTime": time})
    (tmp_path / "阿梨.csv").write_text(table(PYWXDUMP, *rows), encoding="utf-8")
    (tmp_path / "阿梨.json").write_text(json.dumps(weflow(messages=items)), encoding="utf-8")
    settings = PrepareChatSettings(subject="麦冬")
    record = prepare_chat([tmp_path], tmp_path / "set", settings, SilentProgress())
    assert (record["formats"], record["subject"]) == (["wechat"], "麦冬")
    assert record["counts"]["messages"] == 40 and record["dropped"]["duplicate"] == 40
    first = json.loads((tmp_path / "set" / "train.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert [turn["content"] for turn in first["messages"]][1:] == ["第0句[捂脸]", "第1句[捂脸]"]
