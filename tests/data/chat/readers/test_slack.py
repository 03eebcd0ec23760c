"""Slack: a workspace's folders and lists, marks as they are shown, threads, bots and notices; and a dumped channel."""

import json

import pytest

from aigc_cli.core.errors import AigcError, BadData
from tests.data.chat.readers.driving import looks, read, reader_of
from tests.data.chat.readers.mutating import as_json, broken, mutated

WREN, TESS, LARK, BOT = "U0WREN000", "U0TESS000", "U0LARK000", "B0BUILD00"
USERS = [
    {"id": WREN, "name": "wren", "real_name": "Wren Hale", "profile": {"display_name": "", "real_name": "Wren Hale"}},
    {"id": TESS, "name": "tess", "real_name": "Tess Kay", "profile": {"display_name": "tess ☂"}},
    {"id": LARK, "name": "lark", "deleted": True, "profile": {"real_name": "Lark"}},
]
CHANNELS = [{"id": "C0GENERAL", "name": "general", "members": [WREN, TESS]}, {"id": "C0MOSSES0", "name": "mosses"}]
DMS = [{"id": "D0WRENTES", "created": 1, "members": [WREN, TESS]}]


def said(second, who, text, **more):
    return {"type": "message", "user": who, "text": text, "ts": f"1700000{second:03}.000200", "team": "T1", **more}


def exported(channel, **lists):
    """Return an export of one channel's items, which go into files of ten."""
    days = {
        f"general/2023-11-{15 + place // 10}.json": channel[place : place + 10] for place in range(0, len(channel), 10)
    }
    files = {
        "users.json": USERS,
        "channels.json": CHANNELS,
        "dms.json": DMS,
        **lists,
        **(days or {"general/2023-11-15.json": []}),
    }
    return {name: as_json(value) for name, value in files.items()}


def only(*items):
    done = read("slack", exported(list(items)))
    assert done.count == len(items)
    return done


def test_a_workspace_gives_its_channels_with_their_ids_and_peoples_names():
    files = exported([said(1, WREN, "hi"), said(2, TESS, "hello", edited={"user": TESS, "ts": "1700000009.000000"})])
    files["D0WRENTES/2023-11-15.json"] = as_json([said(3, LARK, "psst")])
    done = read("slack", files)
    assert [(message.chat, message.sender, message.text, message.edited) for message in done.messages] == [
        ("C0GENERAL", WREN, "hi", False),
        ("C0GENERAL", TESS, "hello", True),
        ("D0WRENTES", LARK, "psst", False),
    ]
    assert done.messages[0].time == 1700000001.0002 and done.messages[0].number == "1700000001.000200"
    assert done.log.names == {WREN: "Wren Hale", TESS: "tess ☂", LARK: "Lark"}
    assert done.log.keys == {chat: chat for chat in ("C0GENERAL", "D0WRENTES")}
    assert done.log.contacts == {"USLACKBOT"} and done.log.subject is None


@pytest.mark.parametrize(
    ("text", "shown", "marked"),
    [
        (f"ask <@{TESS}>, or <@U0GONE000|gone>", "ask @tess ☂, or @gone", {"@tess ☂", "@gone"}),
        ("ask <@U0GONE000>", "ask @unknown", set()),
        ("in <#C0GENERAL|general> or <#C0MOSSES0> or <#C0HIDDEN0|>", "in #general or #mosses or #channel", set()),
        ("<!here> <!subteam^S1|@garden> at <!date^1392734382^{date}|18 Feb>", "@here @garden at 18 Feb", set()),
        ("<https://a.example/x?y=1&amp;z|the docs> <https://b.example>", "the docs https://b.example", set()),
        (
            "<mailto:w@a.example|w@a.example> <mailto:w@a.example> <tel:+4930123>",
            "w@a.example w@a.example +4930123",
            set(),
        ),
        ("1 &lt; 2 &amp;&amp; 3 &gt; 2 &amp;lt; <3", "1 < 2 && 3 > 2 &lt; <3", set()),
        ("&lt;@U0WREN000&gt; <>", "<@U0WREN000> <>", set()),
    ],
)
def test_marks_read_as_slack_shows_them(text, shown, marked):
    (message,) = only(said(1, WREN, text)).messages
    assert message.text == shown
    assert {words for _, words in message.marked} == marked


def test_threads_tell_what_they_answer():
    root = said(1, WREN, "soup?", thread_ts="1700000001.000200", reply_count=2)
    done = only(
        root,
        said(2, TESS, "yes", thread_ts="1700000001.000200", parent_user_id=WREN),
        said(3, WREN, "all: soup", thread_ts="1700000001.000200", subtype="thread_broadcast", root=root),
    )
    assert [message.reply_to for message in done.messages] == ["", "1700000001.000200", "1700000001.000200"]


def test_notices_are_dropped_and_what_cannot_be_read_cuts():
    done = only(
        said(1, TESS, f"<@{TESS}> has joined the channel", subtype="channel_join"),
        said(2, TESS, "set the topic", subtype="channel_topic"),
        said(3, TESS, "a new kind", subtype="canvas_shared_in_2031"),
        said(4, "USLACKBOT", "This message was deleted.", subtype="tombstone", hidden=True),
        said(5, TESS, "", subtype="huddle_thread", room={"id": "R1"}),
        said(6, WREN, "", is_hidden_by_limit=1),
        said(7, WREN, ""),
    )
    assert done.log.dropped == {"notice": 3} and not done.texts
    assert done.removed == ["deleted", "call", "deleted", "empty"]


def test_files_are_removed_and_their_captions_are_text():
    picture = {"id": "F1", "name": "moss.PNG", "mimetype": "image/png", "mode": "hosted"}
    uploaded = f"<@{WREN}|wren> uploaded a file: <https://x.example/F1|moss.png>"
    done = only(
        said(1, WREN, "my moss", files=[picture]),
        said(2, WREN, "", files=[picture]),
        said(3, WREN, "", files=[{"name": "clip", "mimetype": "video/mp4"}, picture]),
        said(4, WREN, "", files=[{"id": "F2", "mode": "tombstone"}]),
        said(5, WREN, "", files=[{"name": "memo.m4a"}], subtype="file_share"),
        said(6, WREN, f"{uploaded} and commented: look:\nmoss", file=picture, subtype="file_share", upload=True),
        said(7, WREN, uploaded, file=picture, subtype="file_share", upload=True),
        said(
            8, None, f"<@{TESS}> commented on a file", subtype="file_comment", comment={"user": TESS, "comment": "nice"}
        ),
    )
    assert done.texts == ["my moss", "look:\nmoss", "nice"]
    assert done.removed == ["photo", "video", "deleted", "voice", "photo"]
    assert done.messages[-1].sender == TESS


def test_bots_and_what_was_shared_are_borrowed():
    shared = {"is_share": True, "author_id": TESS, "text": "moss is &lt;3", "fallback": "x"}
    unfurled = {"title": "A page", "text": "of words", "from_url": "https://a.example"}
    done = only(
        {**said(1, None, "built", subtype="bot_message", bot_id=BOT, username="build")},
        {**said(2, None, "", subtype="bot_message", bot_id=BOT, attachments=[{"fallback": "red"}, {"text": "2 fail"}])},
        said(3, WREN, "by an app", bot_id="B0APP0000", bot_profile={"name": "App"}),
        said(4, WREN, "", attachments=[shared]),
        said(5, WREN, "see https://a.example", attachments=[unfurled]),
        said(6, WREN, "", attachments=[unfurled]),
        said(7, "USLACKBOT", "Reminder: moss"),
    )
    assert [(message.text, message.borrowed) for message in done.messages] == [
        ("built", "via_bot"),
        ("red\n2 fail", "via_bot"),
        ("by an app", "via_bot"),
        ("moss is <3", "forwarded"),
        ("see https://a.example", ""),
        ("", ""),
        ("Reminder: moss", "via_bot"),
    ]
    assert done.log.names[BOT] == "build" and done.removed == ["media"]


def test_an_edit_that_stands_as_an_item_gives_its_last_words():
    changed = {"type": "message", "subtype": "message_changed", "ts": "1700000050.000000", "hidden": True}
    (message,) = only({**changed, "message": said(1, WREN, "new"), "original": said(1, WREN, "old")}).messages
    assert (message.text, message.edited, message.number) == ("new", True, "1700000001.000200")


def test_a_dumped_channel_reads_as_the_exported_one():
    thread = "1700000001.000200"
    replies = [said(number, TESS, f"r{number}", thread_ts=thread) for number in range(2, 5)]
    head, tail = said(1, WREN, "soup?", thread_ts=thread), said(9, WREN, "bye")
    people = {"user_profile": {"display_name": "", "real_name": "Wren Hale"}}
    whole = read("slack", exported([head, *replies, tail]))
    dumped = {"channel_id": "C0GENERAL", "name": "general", "messages": [{**head, **people}, tail]}
    dumped["messages"][0]["slackdump_thread_replies"] = [
        {**reply, "user_profile": USERS[1]["profile"]} for reply in replies
    ]
    assert looks("slack", as_json(dumped))
    done = read("slack", as_json(dumped))
    assert done.messages == whole.messages and done.log == whole.log


def test_the_files_of_a_workspace_are_one_export():
    names = ["x/users.json", "x/channels.json", "x/dms.json", "x/integration_logs.json", "x/general/2024-02-01.json"]
    names += ["x/general/2023-12-31.json", "x/general/canvas.json", "x/D1/2024-01-01.json", "y/chat.json"]
    (gathered,) = reader_of("slack").gather(sorted(names))
    assert set(gathered) == set(names) - {"y/chat.json"}
    assert list(gathered)[:4] == ["x/users.json", "x/channels.json", "x/dms.json", "x/integration_logs.json"]
    days = [name for name in gathered if "/general/2" in name]
    assert days == ["x/general/2023-12-31.json", "x/general/2024-02-01.json"]
    (alone,) = reader_of("slack").gather(["2024-01-02.json", "2024-01-01.json", "note.txt"])
    assert list(alone) == ["2024-01-01.json", "2024-01-02.json"]
    assert not list(reader_of("slack").gather(["a/b.json", "c/2024-01-01.json"]))


def test_it_looks_only_like_itself():
    assert looks("slack", exported([said(1, WREN, "hi")]))
    assert looks("slack", {**exported([]), "users.json": b"[]"})
    assert looks("slack", as_json([said(1, WREN, "hi")]), "2024-01-01.json")
    for other in (
        '[{"id": 1, "type": "message", "date": "2024-01-01"}]',
        '{"name": "Tess", "type": "personal_chat", "id": 4, "messages": [{"id": 1, "type": "message"}]}',
        '[{"type": "m.room.message", "origin_server_ts": 1}]',
        '[{"role": "user", "content": "x"}]',
        "[]",
        "[3]",
        "{",
        "",
        "Wren: hi",
    ):
        assert not looks("slack", other), other
    assert not looks("slack", {"users.json": as_json(USERS)})


@pytest.mark.parametrize("content", ["{}", "3", "", '{"messages": {}}', '"x"'])
def test_what_is_no_export_is_bad_data(content):
    with pytest.raises(BadData):
        read("slack", content)


def test_a_day_that_was_cut_is_bad_data_with_its_place():
    files = exported([said(1, WREN, "hi")])
    files["general/2023-11-15.json"] = files["general/2023-11-15.json"][:40]
    with pytest.raises(BadData, match=r"general/2023-11-15\.json: not valid JSON at line 1"):
        read("slack", files)


MANY = [
    said(1, WREN, f"<@{TESS}> <https://a.example|x> &lt;", thread_ts="1.0"),
    said(2, TESS, "", files=[{"name": "a.png", "mimetype": "image/png"}]),
    said(3, TESS, "", subtype="bot_message", bot_id=BOT, attachments=[{"text": "x", "is_share": True}]),
    said(4, TESS, "x", subtype="file_comment", comment={"user": WREN, "comment": "y"}),
    {"type": "message", "subtype": "message_changed", "message": said(5, WREN, "x"), "ts": "3.1"},
    said(6, TESS, "x", subtype="channel_join"),
    said(7, WREN, "x", user_profile={"display_name": "w"}, bot_profile={"name": "b"}, file={"initial_comment": {}}),
]


def test_damaged_values_lose_nothing_uncounted():
    whole = {"users": USERS, "channels": CHANNELS, "day": MANY}
    for value in mutated(whole, 500):
        files = {"users.json": value.get("users"), "channels.json": value.get("channels")}
        files["general/2024-01-01.json"] = value.get("day")
        try:
            done = read("slack", {name: as_json(content) for name, content in files.items()})
        except AigcError:
            continue
        assert done.count == len(value["day"])


def test_damaged_files_are_read_or_bad_data():
    for data in broken(json.dumps(MANY).encode(), 300):
        looks("slack", data)
        try:
            read("slack", data)
        except BadData:
            continue
