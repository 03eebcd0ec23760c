"""ChatLab's exchange format: JSON and JSON lines read to the same messages; every item a message or counted."""

import json

import pytest

from aigc_cli.config.prepare_chat import PrepareChatSettings
from aigc_cli.core.errors import AigcError, BadData
from aigc_cli.core.screen.progress import SilentProgress
from aigc_cli.data.chat.prepare import prepare_chat
from tests.data.chat.readers.driving import looks, read
from tests.data.chat.readers.mutating import as_json, broken, mutated

START = 1703001600
PEOPLE = {"a": ("100200300", "麦冬", "骑行的麦冬"), "b": ("200300400", "阿梨", None)}


def item(place, who, kind, content, **more):
    identity, name, nickname = PEOPLE[who]
    shown = {"groupNickname": nickname} if nickname else {}
    return {
        "sender": identity,
        "accountName": name,
        **shown,
        "timestamp": START + 10 * place,
        "type": kind,
        "content": content,
        "platformMessageId": f"m{place}",
        **more,
    }


CHAT = [
    item(0, "a", 0, "大家好！\n今天[捂脸]"),
    item(1, "b", 25, "好", replyToMessageId="m0"),
    item(2, "b", 25, "行[引用 麦冬：大家好！]"),
    item(3, "a", 1, "[图片: 截图.jpg]"),
    item(4, "a", 1, "[图片]看这里[捂脸]"),
    item(5, "a", 1, None),
    item(6, "b", 1, "images/a b/1.png"),
    item(7, "b", 2, "[语音消息]"),
    item(8, "b", 3, "https://example.com/v.mp4"),
    item(9, "b", 4, "[文件] 报告.pdf"),
    item(10, "b", 5, "😂"),
    item(11, "b", 5, "好的[/捂脸]走"),
    item(12, "b", 5, "[表情包：哭]"),
    item(13, "a", 7, "[链接] 菜谱"),
    item(14, "a", 8, "[位置]"),
    item(15, "a", 20, "[红包]"),
    item(16, "a", 21, "[转账]"),
    item(17, "a", 22, "拍了拍"),
    item(18, "a", 23, "[语音通话] 01:00"),
    item(19, "a", 24, "[音乐]"),
    item(20, "a", 26, "[聊天记录]"),
    item(21, "a", 27, "[名片]"),
    item(22, "a", 80, "阿梨加入了群聊"),
    item(23, "a", 81, "[已撤回] 说错了"),
    item(24, "a", 99, "?"),
    item(25, "a", 1234, "?"),
    item(26, "a", 0, None),
    item(27, "a", 0, "じゃあまた 김치"),
]
SAID = [
    "大家好！\n今天[捂脸]", "好", "行", "-photo-", "看这里[捂脸]", "-photo-", "-photo-", "-voice-", "-video-", "-file-",
    "😂", "好的[/捂脸]走", "-sticker-", "-link-", "-location-", "-call-", "-link-", "-forwarded-", "-contact-",
    "-deleted-", "-media-", "-media-", "-empty-", "じゃあまた 김치",
]  # fmt: skip
HEAD = {"chatlab": {"version": "0.0.2", "exportedAt": START, "generator": "x"}}
META = {"name": "骑行", "platform": "wechat", "type": "group", "groupId": "38988428513", "ownerId": "100200300"}
MEMBERS = [
    {"platformId": "100200300", "accountName": "麦冬", "groupNickname": "管理员", "avatar": "data:image/png;base64,A"}
]


def document(items=CHAT, meta=META, **more):
    return {**HEAD, "meta": dict(meta), "members": list(MEMBERS), "messages": list(items), **more}


def lines(items=CHAT, meta=META):
    rows = [{"_type": "header", **HEAD, "meta": meta}, *({"_type": "member", **one} for one in MEMBERS)]
    rows += [{"_type": "message", **one} for one in items]
    return "# made by hand\n" + "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def test_both_forms_read_to_the_same_messages():
    whole, streamed = read("chatlab", json.dumps(document(), indent=2)), read("chatlab", lines())
    assert [message.text or f"-{message.removed}-" for message in whole.messages] == SAID
    assert whole.log.dropped == {"notice": 4} and whole.count == len(CHAT)
    assert streamed.messages == whole.messages and streamed.log == whole.log
    assert whole.log.names == {"100200300": "管理员", "200300400": "阿梨"}
    assert whole.log.subject == "100200300" and whole.log.keys == {"": "38988428513"}
    first, second, third = whole.messages[:3]
    assert (first.sender, first.time, first.local, first.number) == ("100200300", START, False, "m0")
    assert (second.reply_to, third.reply_to) == ("m0", "大家好！")


def test_a_private_chat_of_the_first_version_tells_no_owner():
    meta = {"name": "和阿梨", "platform": "qq", "type": "private"}
    done = read("chatlab", json.dumps({**document(CHAT[:2], meta), "chatlab": {"version": "0.0.1"}}))
    assert done.log.subject is None and not done.log.keys and done.count == 2


def test_the_order_of_the_members_does_not_matter_and_an_owner_who_is_nobody_is_none():
    value = document(CHAT[:2])
    turned = read("chatlab", json.dumps(dict(reversed(value.items()))))
    assert turned.texts == SAID[:2] and turned.log.subject == "100200300"
    assert read("chatlab", json.dumps(document(CHAT[:2], {**META, "ownerId": "9"}))).log.subject is None
    header = {"chatlab": {}, "meta": {"groupAvatar": "A" * 400_000}, "_type": "header"}
    content = json.dumps(header) + "\n" + json.dumps({"_type": "message", **CHAT[0]})
    assert looks("chatlab", content) and read("chatlab", content).count == 1


def test_times_in_thousandths_and_senders_without_an_id():
    one = item(0, "a", 0, "x", timestamp=START * 1000, sender=None)
    done = read("chatlab", json.dumps(document([one])))
    assert (done.messages[0].time, done.messages[0].sender) == (START, "麦冬")


def test_items_of_another_shape_are_counted():
    assert read("chatlab", json.dumps(document([None, 3, {}, {"timestamp": "soon"}]))).log.dropped == {"unknown": 4}
    assert read("chatlab", lines([]) + '{"_type": "reaction"}\n[]\n\n').log.dropped == {"unknown": 2}


def test_it_looks_only_like_itself():
    for own in (json.dumps(document()), lines(), json.dumps(document(CHAT * 99)), lines(CHAT * 99)):
        assert looks("chatlab", own)
    for other in (
        '{"weflow": {}, "session": {"wxid": "x"}, "messages": []}',
        '{"meta": {}, "messages": []}',
        '{"chatlab": "x"}',
        '{"messages": [{"role": "user", "content": "x"}]}',
        "# a heading\ntext",
        "",
        "[]",
        "{",
    ):
        assert not looks("chatlab", other), other


@pytest.mark.parametrize(
    "content", ["{}", "[]", "", "x", '{"chatlab": {}}', '{"_type": "message"}', '{"messages": []}']
)
def test_what_is_no_export_is_bad_data(content):
    with pytest.raises(BadData):
        read("chatlab", content)


def test_a_line_that_was_cut_is_bad_data_with_its_place():
    with pytest.raises(BadData, match="line 31"):
        read("chatlab", lines()[:-20])


def test_contents_that_nearly_fit_take_no_time():
    near = ["[引用 " * 50_000 + "]", "[" * 200_000, "a/" * 100_000, "[图片" * 60_000, "." * 200_000, "http" * 50_000]
    assert read(
        "chatlab", json.dumps(document([item(0, "a", kind, text) for text in near for kind in (1, 5, 25)]))
    ).count


def test_damaged_values_lose_nothing_uncounted():
    for value in mutated(document(), 300):
        try:
            done = read("chatlab", as_json(value))
        except AigcError:
            continue
        assert done.count == len(value["messages"])


def test_damaged_files_are_read_or_bad_data():
    for whole in (as_json(document()), lines().encode()):
        for data in broken(whole, 200):
            looks("chatlab", data)
            try:
                read("chatlab", data)
            except BadData:
                continue


def test_lines_become_a_set_of_their_owner(tmp_path):
    items = [item(720 * (place // 2) + place % 2, "ba"[place % 2], 0, f"第{place}句") for place in range(40)]
    (tmp_path / "骑行.jsonl").write_text(lines(items), encoding="utf-8")
    record = prepare_chat([tmp_path / "骑行.jsonl"], tmp_path / "set", PrepareChatSettings(), SilentProgress())
    assert (record["formats"], record["subject"], record["counts"]["messages"]) == (["chatlab"], "管理员", 40)
