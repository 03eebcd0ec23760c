import json
from datetime import UTC, datetime

import pytest

from aigc_cli.core.errors import BadData
from tests.data.chat.readers.driving import read_found


def message(number, sender, text, **more):
    return {
        "id": number,
        "type": "message",
        "date": "2025-09-03T18:42:00",
        "date_unixtime": str(1756924920 + 60 * number),
        "from": sender.title(),
        "from_id": f"user{ord(sender[0])}",
        "text": text,
        **more,
    }


def read(value):
    return read_found(json.dumps(value).encode(), "result.json")


def single(*messages, peer="tess"):
    return {"name": peer.title(), "type": "personal_chat", "id": ord(peer[0]), "messages": list(messages)}


def full(*chats, owner=None):
    value = {"about": "x", "chats": {"about": "y", "list": list(chats)}}
    return {**value, "personal_information": {"user_id": ord(owner[0])}} if owner else value


def texts(log):
    return [[item.text or f"-{item.removed}-" for item in chat] for chat in log.chats]


def test_single_chat_knows_its_owner_because_the_chat_has_the_contacts_id():
    log = read(single(message(1, "tess", "hi"), message(2, "wren", "hello")))
    assert (log.format, log.subject, log.names) == ("telegram", "user119", {"user116": "Tess", "user119": "Wren"})
    assert texts(log) == [["hi", "hello"]]


def test_full_export_takes_the_owner_from_personal_information():
    group = {
        "name": "G",
        "type": "private_group",
        "id": 7,
        "messages": [message(1, "dev", "yo"), message(2, "abe", "a")],
    }
    log = read(full(group, single(message(3, "abe", "b"), peer="tess"), owner="abe"))
    assert log.names[log.subject] == "Abe"


def test_full_export_without_personal_information_takes_who_is_in_most_chats():
    groups = [
        {
            "name": name,
            "type": "private_group",
            "id": place,
            "messages": [message(1, name, "x"), message(2, "wren", "y")],
        }
        for place, name in enumerate(["tess", "dev"])
    ]
    assert read(full(*groups)).subject == "user119"
    assert read(full(groups[0])).subject is None


def test_left_chats_are_read_and_bots_are_not():
    value = full(single(message(1, "tess", "a")), {**single(message(2, "bot", "b")), "type": "bot_chat"}, owner="wren")
    value["left_chats"] = {"list": [single(message(3, "dev", "c"), peer="dev")]}
    log = read(value)
    assert texts(log) == [["a"], ["c"]]
    assert log.dropped == {"bot_chat": 1}


def test_text_as_entities_is_joined_and_its_personal_data_is_marked():
    parts = ["look: ", {"type": "link", "text": "wren.bike"}, " or ", {"type": "bold", "text": "ask"}, " @tess"]
    (chat,) = read(single(message(1, "tess", parts))).chats
    assert chat[0].text == "look: wren.bike or ask @tess"
    assert chat[0].marked == (("url", "wren.bike"),)
    entities = [{"type": "plain", "text": "me: "}, {"type": "mention", "text": "@tess"}]
    (chat,) = read(single(message(1, "tess", "", text_entities=entities))).chats
    assert (chat[0].text, chat[0].marked) == ("me: @tess", (("handle", "@tess"),))


def test_media_captions_stickers_and_calls():
    log = read(
        single(
            message(1, "tess", "", photo="(File not included)"),
            message(2, "tess", "my cat", photo="(File not included)"),
            message(3, "wren", "", media_type="sticker", file="s.webp", sticker_emoji="🐈"),
            message(4, "wren", "", media_type="voice_message", file="v.ogg"),
            message(5, "wren", "", location_information={"latitude": 1, "longitude": 2}),
            message(6, "wren", ""),
            {"id": 7, "type": "service", "action": "phone_call", "date": "2025-09-03T18:50:00", "actor": "Wren"},
            {"id": 8, "type": "service", "action": "pin_message", "date": "2025-09-03T18:51:00", "actor": "Wren"},
        )
    )
    assert texts(log) == [["-photo-", "my cat", "🐈", "-voice_message-", "-location-", "-empty-", "-call-"]]
    assert log.left_out == {"photo": 1, "voice_message": 1, "location": 1, "empty": 1, "call": 1, "notice": 1}


def test_forwarded_and_bot_words_are_marked_as_borrowed():
    chat = single(
        message(1, "tess", "news", forwarded_from="BBC"),
        message(2, "wren", "joke", via_bot="@gif"),
        message(3, "wren", "own"),
    )
    (read_chat,) = read(chat).chats
    assert [item.borrowed for item in read_chat] == ["forwarded", "via_bot", ""]


def test_times_are_unix_times_and_old_exports_are_read_as_utc():
    old = message(1, "tess", "b")
    del old["date_unixtime"]
    (chat,) = read(single(message(0, "tess", "a"), old)).chats
    assert [item.time for item in chat] == [
        1756924920.0,
        datetime(2025, 9, 3, 18, 42, tzinfo=UTC).timestamp(),
    ]


def test_deleted_account_and_old_numeric_ids():
    gone = message(1, "tess", "x")
    gone.update({"from": None, "from_id": 4242})
    assert read(single(gone)).names == {"user4242": "Deleted Account"}


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (single({"id": 1, "type": "message", "text": "x", "from": "T"}), "message 1: no readable date"),
        (single(message(1, "tess", "x", date_unixtime="1e30")), "message 1: no readable date"),
        (single(message(1, "tess", 3)), "message 1: its text"),
        (single(message(1, "tess", "x"), "y"), "known"),
        (full({"name": "T", "id": 1}), "chat 1 has no list of messages"),
    ],
)
def test_a_shape_that_is_not_telegrams_is_bad_data_with_its_place(value, place):
    with pytest.raises(BadData, match=place):
        read(value)


def block(kind, text, **more):
    return {"type": kind, "text": text, **more}


@pytest.mark.parametrize("beside", [{"text": "", "text_entities": []}, {"text": None}, {}])
def test_the_words_of_a_rich_message_are_its_text(beside):
    blocks = [
        block("heading", "Packing", level=2, anchor="not said"),
        block(
            "paragraph", ["two ", block("bold", ["big", block("italic", "gest")]), " tents, ", block("url", "a.org")]
        ),
        {"type": "list", "items": [block("paragraph", "rope"), {"blocks": [block("paragraph", "a lamp")]}]},
        {"type": "table", "rows": [{"cells": [block("cell", "one"), block("cell", "2")]}]},
        {"type": "photo", "photo": {"title": "not said"}, "caption": {"text": "the lake"}, "tags": ["not said"]},
        block("paragraph", ["ask ", block("mention", "@tess")]),
    ]
    item = {**message(1, "wren", "x"), "rich_message": {"version": "1", "blocks": blocks}}
    del item["text"]
    log = read(single({**item, **beside}))
    (found,) = log.messages
    assert " ".join(found.text.split()) == ("Packing two biggest tents, a.org rope a lamp one 2 the lake ask @tess")
    assert found.marked == (("handle", "@tess"),)
    assert not log.dropped


def test_a_text_beside_a_rich_message_is_the_text_and_one_without_words_is_named():
    blocks = {"blocks": [block("paragraph", "other")]}
    log = read(
        single(message(1, "tess", "this", rich_message=blocks), message(2, "tess", "", rich_message={"blocks": []}))
    )
    assert texts(log) == [["this", "-rich_message-"]]
    assert log.left_out == {"rich_message": 1}


def export_bytes(*texts, data=""):
    """Return an export as Telegram Desktop's writer makes it: control characters as \\xHH."""
    messages = [message(number, "wren", text, buttons=[{"data": data}]) for number, text in enumerate(texts)]
    written = json.dumps(single(*messages), ensure_ascii=False)
    for code in range(0x20):
        if chr(code) not in "\n\r\t":
            written = written.replace(f"\\u{code:04x}", f"\\x{code:02X}")
    return written.replace("\\b", "\\x08").replace("\\f", "\\x0C").encode("utf-8", "surrogateescape")


def test_control_characters_as_telegram_escapes_them_make_nothing_unreadable():
    data = export_bytes("milk\x0bbread", "umbrella\x08", r"C:\\x41", "\x1b[31m", data="\x01\x02")
    assert b"\\x0B" in data and b"\\x01" in data
    with pytest.raises(json.JSONDecodeError):
        json.loads(data)
    (chat,) = read_found(data, "result.json").chats
    assert [item.text for item in chat] == ["milk\x0bbread", "umbrella\x08", r"C:\\x41", "\x1b[31m"]


def test_a_raw_control_character_makes_nothing_unreadable():
    data = json.dumps(single(message(1, "wren", "a@b"))).replace("@", "\x02").encode()
    assert texts(read_found(data, "result.json")) == [["a\x02b"]]


def test_a_byte_that_is_no_utf8_matters_only_where_somebody_said_it():
    assert texts(read_found(export_bytes("hi", data="\udcff"), "result.json")) == [["hi"]]
    with pytest.raises(BadData, match="not utf-8 text at byte"):
        read_found(export_bytes("hi \udcff", data=""), "result.json")
