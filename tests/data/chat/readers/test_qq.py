"""QQ, as its message manager and QQChatExporter write it: every line and item a message or counted."""

import json
import tracemalloc
from datetime import UTC, datetime

import pytest

from aigc_cli.config.prepare_chat import PrepareChatSettings
from aigc_cli.core.errors import AigcError, BadData
from aigc_cli.core.screen.progress import SilentProgress
from aigc_cli.data.chat.messages import Log
from aigc_cli.data.chat.prepare import prepare_chat
from aigc_cli.data.chat.reader import ReadOptions
from tests.data.chat.readers.driving import export_of, looks, read, reader_of
from tests.data.chat.readers.mutating import as_json, broken, mutated

RULE = "=" * 64
TITLE = "消息记录（此消息记录为文本格式，不支持重新导入）"
START = 1751335200  # 2025-07-01 02:00:00 UTC


def section(partner, *messages, group="我的好友"):
    head = [RULE, f"消息分组:{group}", RULE, f"消息对象:{partner}", RULE, ""]
    return "\n".join([*head, *(f"2025-07-01 {when} {who}\n{said}\n" for when, who, said in messages)])


def text(*sections):
    return f"\ufeff{TITLE}\n\n" + "\n".join(sections)


def said(done):
    return [(message.sender, message.text or f"-{message.removed}-") for message in done.messages]


def test_a_group_names_people_by_number_or_address_whatever_they_call_themselves():
    done = read(
        "qq",
        text(
            section(
                "周末骑行",
                ("10:00:00", "【管理员】麦冬(100200300)", "几点出发？"),
                ("10:00:05", "阿梨 (真的)(200300400)", "九点\n\n老地方[表情]"),
                ("10:00:09", "Tess<tess@example.com>", "好/呲牙"),
                ("10:01:00", "骑车的麦冬(100200300)", "[图片]这里[图片]见"),
                ("10:01:30", "(300400500)", "じゃあまた 김치 😋"),
                ("10:02:00", "匿名的猫(80000000)", "喵"),
                ("10:02:01", "匿名的狗(80000000)", "汪"),
                group="我的群聊",
            )
        ),
    )
    assert said(done) == [
        ("100200300", "几点出发？"),
        ("200300400", "九点\n\n老地方"),
        ("tess@example.com", "好/呲牙"),
        ("100200300", "这里见"),
        ("300400500", "じゃあまた 김치 😋"),
        ("匿名的猫", "喵"),
        ("匿名的狗", "汪"),
    ]
    assert done.log.names["100200300"] == "麦冬" and done.log.names["200300400"] == "阿梨 (真的)"
    assert {message.chat for message in done.messages} == {"周末骑行"} and all(m.local for m in done.messages)
    assert done.messages[0].time == START + 8 * 3600 and not done.log.contacts


def test_a_chat_of_two_has_no_numbers_and_the_partner_is_the_contact():
    done = read("qq", text(section("阿梨", ("10:00:00", "阿梨", "在吗"), ("10:00:05", "麦冬", "在"))))
    assert said(done) == [("阿梨", "在吗"), ("麦冬", "在")]
    assert done.log.contacts == {"阿梨"} and done.log.subject is None


def test_all_chats_in_one_file_stay_apart():
    done = read(
        "qq",
        text(
            section("阿梨(200300400)", ("10:00:00", "阿梨", "一")),
            section("同名", ("10:00:00", "同名", "二")),
            section("同名", ("10:00:00", "同名", "三")),
        ),
    )
    assert [message.chat for message in done.messages] == ["200300400", "同名", "同名 (3)"]
    assert done.log.keys == {"200300400": "200300400"} and done.count == 3


def test_media_calls_and_notices():
    rows = [
        ("[图片]", "photo"),
        ("[表情]", "sticker"),
        ("[图片][图片]", "photo"),
        ("", "empty"),
        ("[语音]", "voice"),
        ("[视频]", "video"),
        ("[文件]", "file"),
        ("[地理位置]", "location"),
        ("[卡片消息]", "link"),
        ("[聊天记录]", "forwarded"),
        ("[语音通话]通话时长 01:02", "call"),
        ("[闪照]", "photo"),
        ("[QQ红包]我发了一个“口令红包”，请使用新版手机QQ查收红包。", None),
        ("[戳一戳]请使用最新版手机QQ体验新功能", None),
        ("[转账]", None),
        ("麦冬撤回了一条消息", None),
        ("对方撤回了一条消息", None),
    ]
    kept = ["他撤回了一条消息你看到没", "[图片 这样打的", "[呲牙]哈哈", "[文件]在这里呀", "/捂脸"]
    messages = [(f"10:{place:02}:00", "麦冬(100200300)", body) for place, (body, _) in enumerate(rows)]
    messages += [(f"11:{place:02}:00", "麦冬(100200300)", body) for place, body in enumerate(kept)]
    messages += [
        ("12:00:00", "系统消息(10000)", "阿梨加入本群。"),
        ("12:00:01", "系统消息(1000000)", "通话时长 00:12"),
    ]
    done = read("qq", text(section("群", *messages, group="我的群聊")))
    assert done.texts == kept
    assert done.removed == [kind for _, kind in rows if kind] + ["call"]
    assert done.log.dropped == {"notice": 6} and done.count == len(messages)


def test_a_line_within_a_message_that_looks_like_a_beginning_is_told_and_stays():
    inside = "看这个：\n2019-01-01 08:00:00 旧的(100200300)\n新年好\n" + RULE + "\n2025-07-01 10:00:00 没有号码\n完"
    rows = [(f"10:{place:02}:00", "麦冬(100200300)", str(place)) for place in range(30)]
    done = read("qq", text(section("群", *rows, ("11:00:00", "阿梨(200300400)", inside), group="我的群聊")))
    assert done.texts[-1] == inside and done.count == 31
    assert done.log.noticed == {"inside_another": 2}


def test_rules_at_the_end_of_a_section_or_of_the_file_are_no_text():
    file = f"消息分组:我的好友\n{RULE[:48]}\n消息对象:甲\n{RULE[:48]}\n\n2025-07-01 10:00:00 甲\na\n\n{RULE[:48]}\n\n"
    assert looks("qq", file) and read("qq", file).texts == ["a"]
    file += section("乙", ("10:00:00", "乙", f"一\n{RULE}\n\n二")) + RULE
    done = read("qq", file)
    assert done.texts == ["a", f"一\n{RULE}\n\n二"] and [m.chat for m in done.messages] == ["甲", "乙"]


def test_without_blank_lines_every_beginning_counts():
    done = read(
        "qq", f"{TITLE}\n消息对象:群\n2024-01-02 03:04:05 甲(10001)\na\n2024-01-02 3:05:06 PM 乙(10002)\nb\nc\n散"
    )
    assert done.texts == ["a", "b\nc\n散"] and not done.log.noticed
    assert done.messages[1].time - done.messages[0].time == 12 * 3600 + 61


def test_what_stands_outside_of_messages_is_counted():
    done = read("qq", f"{TITLE}\n\n别的话\n{section('甲', ('10:00:00', '甲', 'a'))}\n2025-02-30 10:00:00 甲\nb")
    assert done.log.dropped == {"unknown": 1} and done.count == 2
    assert done.texts == ["a\n\n2025-02-30 10:00:00 甲\nb"]


OWNER = {"selfUid": "u_me", "selfUin": "100200300", "selfName": "麦冬"}
PEOPLE = {"me": ("u_me", "100200300", "麦冬"), "ali": ("u_ali", "200300400", "阿梨")}


def element(kind, **data):
    return {"type": kind, "data": data}


def item(place, who, *elements, words=None, resources=(), **more):
    uid, uin, name = PEOPLE[who]
    joined = "".join(part["data"].get("text", "") for part in elements if part["type"] == "text")
    return {
        "id": str(7600672345327336300 + place),
        "seq": str(place),
        "timestamp": (START + 30 * place) * 1000,
        "time": "2025-07-01 10:00:00",
        "sender": {"uid": uid, "uin": uin, "name": name, "avatarBase64": "data:image/png;base64,AAAA"},
        "type": "type_1",
        "content": {
            "text": joined if words is None else words,
            "html": "",
            "elements": list(elements),
            "resources": [{"type": kind, "filename": name} for kind, name in resources],
            "mentions": [],
        },
        "recalled": False,
        "system": False,
        **more,
    }


FIRST = "7600672345327336300"
CHAT = [
    item(0, "ali", element("text", text="今晚吃什么"), element("face", id="264", name="/捂脸")),
    item(1, "me", element("reply", referencedMessageId=FIRST, content="今晚吃什么"), element("text", text="火锅🍲")),
    item(2, "me", element("image", filename="a].jpg"), words="[图片:a].jpg]", resources=[("image", "a].jpg")]),
    item(3, "ali", element("at", name="麦冬"), element("text", text=" 好"), element("image", filename="b.jpg")),
    item(4, "ali", element("market_face", name="害羞"), words="[害羞]"),
    item(5, "ali", element("audio", duration=3), words="[语音:3秒]"),
    item(6, "me", element("file", filename="c.pdf"), words="[文件:c.pdf]"),
    item(7, "me", element("forward", title="聊天记录"), words="[聊天记录]"),
    item(8, "me", element("json", title="x"), words="[JSON消息]"),
    item(9, "me", element("av_record", summary="语音通话 - 已结束"), words="语音通话 - 已结束", system=True),
    item(10, "ali", element("system", text="阿梨 戳了戳 麦冬"), words="阿梨 戳了戳 麦冬", system=True),
    item(11, "ali", element("wallet", summary="恭喜发财"), words="恭喜发财"),
    item(12, "ali", element("text", text="说错了"), recalled=True),
    item(13, "me", element("text", text="  "), words=""),
    item(14, "me", element("text", text="또 봐")),
]  # fmt: skip
SAID = [
    ("200300400", "今晚吃什么/捂脸"),
    ("100200300", "火锅🍲"),
    ("100200300", "-photo-"),
    ("200300400", "@麦冬 好"),
    ("200300400", "-sticker-"),
    ("200300400", "-voice-"),
    ("100200300", "-file-"),
    ("100200300", "-forwarded-"),
    ("100200300", "-link-"),
    ("100200300", "-call-"),
    ("200300400", "-deleted-"),
    ("100200300", "-empty-"),
    ("100200300", "또 봐"),
]


def single(items=CHAT, **more):
    return {
        "metadata": {"name": "QQChatExporter V5 / https://github.com/shuakami/qq-chat-exporter", "version": "5.5.1"},
        "chatInfo": {"name": "阿梨", "type": "private", **OWNER, "peerUin": "200300400", "avatar": "data:" + "A" * 99},
        "statistics": {"totalMessages": len(items)},
        "messages": list(items),
        "avatars": {"100200300": "data:image/png;base64,AAAA"},
        **more,
    }


def chunked(*chunks, named=None):
    names = [f"c{number:06}.jsonl" for number in range(1, len(chunks) + 1)]
    manifest = {
        "metadata": {"name": "QQChatExporter V5", "version": "5.5.1", "format": "chunked-jsonl"},
        "chatInfo": single()["chatInfo"],
        "chunked": {"format": "chunked-jsonl", "chunks": [{"relativePath": f"chunks/{n}"} for n in named or names]},
    }
    files = {"x/manifest.json": json.dumps(manifest)}
    for name, items in zip(names, chunks, strict=True):
        files[f"x/chunks/{name}"] = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in items)
    return {**files, "x/avatars.json": '{"1": "data:'}


def test_one_file_and_chunks_read_to_the_same():
    whole, parts = read("qq", json.dumps(single(), indent=2)), read("qq", chunked(CHAT[:5], CHAT[5:]))
    assert said(whole) == SAID and whole.log.dropped == {"notice": 2} and whole.count == len(CHAT)
    assert parts.messages == whole.messages and parts.log == whole.log
    assert whole.log.subject == "100200300" and whole.log.contacts == {"200300400"}
    assert whole.log.names == {"100200300": "麦冬", "200300400": "阿梨"} and whole.log.keys == {"": "200300400"}
    reply = whole.messages[1]
    assert (reply.reply_to, reply.number, reply.time) == ("7600672345327336300", "7600672345327336301", START + 30)


OLD_MARKS = {"at": "@{name}", "face": "{name}", "text": "{text}", "market_face": "[动画表情]", "forward": "[聊天记录]"}
OLD_MARKS |= {"json": "[卡片消息]", "av_record": "[语音通话]", "system": "{text}", "wallet": "[红包]"}


def test_version_4_reads_to_the_same_words():
    """Its text holds what stands for pictures, and for the message that is answered."""
    resources = {"image": "图片", "audio": "语音", "file": "文件"}
    items = []
    for old in CHAT:
        content = dict(old["content"])
        parts = [part for part in content.pop("elements") if part["type"] != "text"]
        words, kinds, reply = "", [], {}
        for part in old["content"]["elements"]:
            kind, data = part["type"], part["data"]
            if kind == "reply":
                reply = {**data, "senderName": "阿[梨]"}
                words += f"[回复 阿[梨]: {data['content']}]\n"
            elif kind in resources:
                kinds.append({"type": kind, "filename": data.get("filename", "")})
                words += f"[{resources[kind]}: {data.get('filename', '')}]"
            else:
                words += OLD_MARKS[kind].format(**data)
        items.append(
            {
                "messageId": old["id"],
                "timestamp": datetime.fromtimestamp(old["timestamp"] / 1000, UTC).isoformat().replace("+00:00", "Z"),
                "sender": {"uid": old["sender"]["uid"], "name": "旧名"},
                "messageType": 2,
                "isSystemMessage": old["system"],
                "isRecalled": old["recalled"],
                "content": {"text": words, "resources": kinds, "emojis": [], "reply": reply or None, "special": parts},
                "rawMessage": {"senderUin": old["sender"]["uin"], "sendNickName": old["sender"]["name"]},
            }
        )
    value = single(items) | {"metadata": {"name": "QQChatExporter V4 / x", "version": "4.0.0"}}
    done = read("qq", json.dumps(value))
    assert done.texts == [words for _, words in SAID if not words.startswith("-")]
    assert [message.sender for message in done.messages if message.text] == [who for who, w in SAID if w[0] != "-"]
    assert done.messages[1].reply_to == "7600672345327336300" and done.messages[0].number == CHAT[0]["id"]
    assert done.count == len(CHAT)


def test_the_text_of_the_message_manager_converges_with_json():
    marks = {"-photo-": "[图片]", "-sticker-": "[表情]", "-voice-": "[语音]", "-file-": "[文件]", "-empty-": ""}
    marks |= {"-forwarded-": "[聊天记录]", "-link-": "[卡片消息]", "-call-": "[语音通话]"}
    names = {number: name for _, number, name in PEOPLE.values()}
    items = [one for one in CHAT if one not in (CHAT[10], CHAT[11])]
    rows = [
        (
            f"{datetime.fromtimestamp(one['timestamp'] / 1000, UTC):%H:%M:%S}",
            f"{names[who]}({who})",
            marks.get(words, words),
        )
        for one, (who, words) in zip(items, SAID, strict=True)
        if words != "-deleted-"
    ]
    done = read("qq", text(section("群", *rows)))
    whole = [message for message in read("qq", json.dumps(single())).messages if message.removed != "deleted"]
    assert [(m.sender, m.text, m.removed, m.time) for m in done.messages] == [
        (m.sender, m.text, m.removed, m.time) for m in whole
    ]


def test_the_newer_mark_counts_where_both_are_there():
    one = item(0, "ali", element("text", text="a"), isSystemMessage=True, isRecalled=True)
    del (other := dict(one, isRecalled=False))["system"]
    done = read("qq", json.dumps(single([one, other])))
    assert done.texts == ["a"] and done.log.dropped == {"notice": 1}


def test_a_call_without_elements_is_told_by_its_words():
    words = ["语音通话 通话时长 01:00", "[视频通话] 已取消", "刚才视频通话没接到", "收到一笔转账", "他拍了拍我"]
    items = [item(place, "ali", words=said) for place, said in enumerate(words)]
    done = read("qq", json.dumps(single(items)))
    assert done.texts == words[2:] and done.removed == ["call", "call"]


def test_an_older_5_repeats_the_whole_text_in_its_first_element():
    whole = "[图片: x.jpg]非常感谢[/打招呼]@地瓜"
    one = item(0, "ali", element("text", text=whole), element("image", filename="x.jpg"),
               element("at", uid="u", name="地瓜"), element("face", id="1", name="/打招呼"),
               words=whole, resources=[("image", "x.jpg")])  # fmt: skip
    assert read("qq", json.dumps(single([one]))).texts == ["非常感谢[/打招呼]@地瓜"]


def test_who_has_no_number_goes_by_the_other_identity_and_a_system_message_by_none():
    nobody = item(0, "ali", element("text", text="a"))
    nobody["sender"] = {"uid": "u_x", "uin": "0", "name": ""}
    own = item(1, "me", element("text", text="b"))
    own["sender"] = {"uid": "u_me", "name": "我"}
    done = read("qq", json.dumps(single([nobody, own])))
    assert said(done) == [("u_x", "a"), ("100200300", "b")] and done.log.names["u_x"] == "u_x"


def test_a_chunk_alone_is_read_without_an_owner():
    chunk = chunked(CHAT)["x/chunks/c000001.jsonl"]
    assert looks("qq", chunk, "c000001.jsonl")
    done = read("qq", chunk)
    assert said(done) == SAID and done.log.subject is None
    bare = '{"id": "1", "timestamp": 1752192000000, "sender": {"uid": "u"}, "content": {"text": "a"}}'
    assert looks("qq", bare) and looks("qq", bare + "\n" + bare) and read("qq", bare).texts == ["a"]


def test_a_chunk_that_is_missing_is_bad_data():
    files = chunked(CHAT[:5], CHAT[5:])
    del files["x/chunks/c000002.jsonl"]
    with pytest.raises(BadData, match=r"c000002\.jsonl is not there"):
        read("qq", files)


def test_the_files_of_a_chunked_export_are_gathered():
    paths = ["a.txt", "q/avatars.json", "q/chunks/c000002.jsonl", "q/chunks/c000001.jsonl", "q/manifest.json"]
    paths += ["manifest.json", "other/manifest.json", "other/c.jsonl"]
    assert list(reader_of("qq").gather(paths)) == [
        ["q/manifest.json", "q/chunks/c000001.jsonl", "q/chunks/c000002.jsonl", "q/avatars.json"]
    ]


def test_pictures_of_people_are_passed_over_piece_by_piece():
    """None of 30 pictures of 2 MB is among what is held at once."""
    picture = '"data:image/png;base64,' + "A" * (2 << 20) + '"'
    avatars = ",".join(f'"{number}":{picture}' for number in range(30))
    data = json.dumps(single(CHAT[:1]))[:-1] + f',"avatars":{{{avatars}}}}}'
    export = export_of(data.encode(), "chat.json")
    del data, avatars
    tracemalloc.start()
    messages = list(reader_of("qq").read(export, Log(format="qq"), ReadOptions()))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(messages) == 1
    assert peak < 24 << 20


def test_it_looks_only_like_itself():
    assert looks("qq", text(section("甲", ("10:00:00", "甲", "a"))))
    assert looks("qq", "消息对象:群\n2024-01-02 03:04:05 甲(10001)\na\n")
    assert looks("qq", json.dumps(single()))
    assert looks(
        "qq", json.dumps(single() | {"chatInfo": {"name": "x", "avatar": "data:image/png;base64," + "A" * 300_000}})
    )
    assert looks("qq", chunked(CHAT)["x/manifest.json"], "manifest.json")
    for other in (
        "2024-01-02 03:04:05 甲(10001)\na\n",
        "1/2/21, 12:00 - A: 消息对象:群",
        '{"metadata": {"v": 1}, "messages": []}',
        '{"weflow": {}, "session": {"wxid": "x"}, "messages": []}',
        '{"name": "x", "icons": [], "manifest_version": 3}',
        '{"sender": "a", "timestamp": 1, "content": "x"}',
        "",
        "[]",
        "{",
    ):
        assert not looks("qq", other), other


@pytest.mark.parametrize("content", ["{}", "[]", "", "a\nb", '{"messages": 1}', '{"chatInfo": {}}'])
def test_what_is_no_export_is_bad_data(content):
    with pytest.raises(BadData):
        read("qq", content)


def test_long_lines_that_nearly_fit_take_no_time():
    near = ["2025-07-01 10:00:00 " + "(1" * 60_000, "2025-07-01 10:00:00 " + "<a@" * 60_000, "=" * 200_000]
    near += [
        "2025-07-01 10:00:00" + " " * 200_000,
        "1" * 200_000,
        "2025-07-01 10:00:00 " + "【a】" * 60_000 + "(12345)",
    ]
    assert read("qq", text(section("甲", ("10:00:00", "甲", "a"))) + "\n" + "\n".join(near)).count >= 1
    marks = ["[图片:" * 60_000, "[回复 " * 60_000, "[" * 200_000]
    items = [item(0, "me", words=mark) for mark in marks]
    assert read("qq", json.dumps(single(items))).count == len(marks)


def test_damaged_values_lose_nothing_uncounted():
    for value in mutated(single(), 300):
        try:
            done = read("qq", as_json(value))
        except AigcError:
            continue
        assert done.count == len(value["messages"])


def test_damaged_files_are_read_or_bad_data():
    manager = text(section("甲", *((f"10:{n:02}:00", "甲", "a\n\nb[图片]") for n in range(9))), section("乙"))
    for whole in (as_json(single()), manager.encode(), chunked(CHAT)["x/chunks/c000001.jsonl"].encode()):
        for data in broken(whole, 150):
            looks("qq", data)
            try:
                read("qq", data)
            except BadData:
                continue


def exchanges():
    return [(("ali", "me")[place % 2], START + 7200 * (place // 2) + 60 * (place % 2)) for place in range(40)]


def test_a_folder_with_chunks_becomes_a_set(tmp_path):
    items = [
        {**item(place, who, element("text", text=f"第{place}句")), "timestamp": time * 1000}
        for place, (who, time) in enumerate(exchanges())
    ]
    for name, content in chunked(items[:15], items[15:]).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    record = prepare_chat([tmp_path / "x"], tmp_path / "set", PrepareChatSettings(), SilentProgress())
    assert (record["formats"], record["subject"], record["counts"]["messages"]) == (["qq"], "麦冬", 40)


def test_the_message_managers_text_becomes_a_set(tmp_path):
    rows = [(f"{time - START:06}", PEOPLE[who][2], f"第{time}句") for who, time in exchanges()]
    rows = [(f"{int(when) // 3600:02}:{int(when) // 60 % 60:02}:00", who, said) for when, who, said in rows[:24]]
    (tmp_path / "阿梨.txt").write_text(text(section("阿梨", *rows)), encoding="utf-8")
    record = prepare_chat([tmp_path / "阿梨.txt"], tmp_path / "set", PrepareChatSettings(me="麦冬"), SilentProgress())
    assert (record["formats"], record["subject"], record["counts"]["messages"]) == (["qq"], "麦冬", 24)
