"""Matrix: Element's export and plain events, edits put in their place, quoted replies, what could not be decrypted."""

import json

import pytest

from aigc_cli.core.errors import AigcError, BadData
from tests.data.chat.readers.driving import looks, read
from tests.data.chat.readers.mutating import as_json, broken, mutated

WREN, TESS, ROOM = "@wren:moss.example", "@tess_k:rain.example", "!garden:moss.example"


def event(second, who, kind="m.room.message", content=None, **more):
    return {
        "type": kind,
        "sender": who,
        "content": content if content is not None else {},
        "origin_server_ts": 1_700_000_000_000 + 1000 * second + 250,
        "event_id": f"${second}",
        "room_id": ROOM,
        "unsigned": {"age": 5},
        **more,
    }


def said(second, who, body, msgtype="m.text", relates=None, **more):
    content = {"msgtype": msgtype, "body": body, **more}
    return event(second, who, content=content | ({"m.relates_to": relates} if relates else {}))


def reply(to):
    return {"m.in_reply_to": {"event_id": f"${to}"}}


def edit(second, who, original, body):
    relation = {"rel_type": "m.replace", "event_id": f"${original}"}
    return said(second, who, f"* {body}", relates=relation, **{"m.new_content": {"msgtype": "m.text", "body": body}})


def joined(second, who, name):
    return event(second, who, "m.room.member", {"membership": "join", "displayname": name}, state_key=who)


def room(*events, by=WREN):
    return {
        "room_name": "Garden",
        "room_creator": "Wren",
        "topic": "",
        "export_date": "1 January 2026",
        "exported_by": by,
        "messages": list(events),
    }


def only(*events, **export):
    done = read("matrix", json.dumps(room(*events, **export), indent=2))
    assert done.count == len(events)
    return done


def test_a_room_gives_its_messages_names_and_owner():
    done = only(
        said(1, TESS, "hi"),
        joined(2, TESS, "Tess"),
        said(3, WREN, "hello\nyou", **{"format": "org.matrix.custom.html", "formatted_body": "<b>hello</b>"}),
        joined(4, TESS, "Tess Kay"),
        said(5, WREN, "waves", "m.emote"),
        said(6, "@bot:moss.example", "rain at 5", "m.notice"),
    )
    assert done.texts == ["hi", "hello\nyou", "waves", "rain at 5"]
    assert [message.borrowed for message in done.messages] == ["", "", "", "via_bot"]
    first = done.messages[0]
    assert (first.sender, first.time, first.number, first.chat) == (TESS, 1_700_000_001.25, "$1", ROOM)
    assert done.log.names == {TESS: "Tess Kay", WREN: "wren", "@bot:moss.example": "bot"}
    assert done.log.subject == WREN and done.log.keys == {ROOM: ROOM}
    assert done.log.dropped == {"notice": 2}


def test_the_owner_may_be_told_by_a_name_that_one_person_has():
    names = [joined(1, WREN, "Wren"), joined(2, TESS, "Tess")]
    words = [said(3, WREN, "a"), said(4, TESS, "b")]
    assert only(*names, *words, by="Wren").log.subject == WREN
    assert only(*names, *words, by="Someone").log.subject is None
    assert only(joined(1, TESS, "Wren"), *names[:1], *words, by="Wren").log.subject is None


def test_a_reply_loses_the_words_that_it_answers_and_nothing_else():
    quoted = f"> <{WREN}> soup?\n> or tea?\n\nsoup"
    done = only(
        said(1, WREN, "soup?\nor tea?"),
        said(2, TESS, quoted, relates=reply(1)),
        said(3, TESS, f"> * <{WREN}> waves\n\n> not quoted by a client", relates=reply(1)),
        said(4, TESS, "> my own quote\n\nyes", relates=reply(1)),
        said(5, TESS, quoted),
    )
    assert done.texts[1:] == ["soup", "> not quoted by a client", "> my own quote\n\nyes", quoted]
    assert [message.reply_to for message in done.messages] == ["", "$1", "$1", "$1", ""]


def test_a_thread_answers_its_root_or_what_it_names():
    falling_back = {"rel_type": "m.thread", "event_id": "$1", "is_falling_back": True, **reply(7)}
    named = {"rel_type": "m.thread", "event_id": "$1", "is_falling_back": False, **reply(8)}
    done = only(said(9, TESS, "a", relates=falling_back), said(10, TESS, "b", relates=named))
    assert [message.reply_to for message in done.messages] == ["$1", "$8"]


def test_what_is_not_readable_cuts():
    gone = event(1, WREN, unsigned={"redacted_because": {"type": "m.room.redaction"}})
    done = only(
        gone,
        event(2, WREN),
        event(3, WREN, "m.room.encrypted", {"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "AwgA"}),
        said(4, WREN, "** Unable to decrypt: no key **", "m.bad.encrypted"),
        event(5, WREN, "m.call.invite", {"call_id": "1"}),
        event(6, WREN, "org.matrix.msc3381.poll.start", {"body": "soup?"}),
        said(7, WREN, "moss.png", "m.image", url="mxc://moss.example/1"),
        said(8, WREN, "memo.ogg", "m.audio"),
        said(9, WREN, "at the gate", "m.location", geo_uri="geo:1,2"),
        said(10, WREN, "", "m.text"),
        said(11, WREN, "?", "org.example.new"),
        event(12, WREN, "m.sticker", {"body": "a cat waves", "url": "mxc://moss.example/2"}),
    )
    removed = ["deleted", "deleted", "encrypted", "encrypted", "call", "poll", "photo", "voice", "location"]
    assert done.removed == [*removed, "empty", "sticker"] and done.texts == ["?"]


def test_captions_and_emoji_of_stickers_are_words():
    done = only(
        said(1, WREN, "my moss", "m.image", filename="moss.png"),
        said(2, WREN, "moss.png", "m.image", filename="moss.png"),
        event(3, WREN, "m.sticker", {"body": "🐈"}),
    )
    assert done.texts == ["my moss", "🐈"] and done.removed == ["photo"]


def test_reactions_redactions_and_requests_are_dropped():
    annotation = {"m.relates_to": {"rel_type": "m.annotation", "event_id": "$1", "key": "👍"}}
    done = only(
        event(1, WREN, "m.reaction", annotation),
        event(2, WREN, "m.room.redaction", {"redacts": "$1"}),
        event(3, WREN, "m.room.name", {"name": "Moss"}, state_key=""),
        said(4, WREN, "verify me", "m.key.verification.request"),
        {**said(5, WREN, "when?"), "origin_server_ts": "soon"},
        {**said(6, WREN, "who?"), "sender": None},
        None,
    )
    assert done.log.dropped == {"reaction": 1, "notice": 3, "unknown": 3} and not done.messages


def test_plain_events_with_edits_read_as_elements_export_does():
    bundled = {"m.relations": {"m.replace": {"event_id": "$9"}}}
    shown = [said(1, WREN, "soup?"), {**said(2, TESS, "yes"), "unsigned": bundled}, said(3, WREN, "good")]
    plain = [
        said(1, WREN, "soup?"),
        said(2, TESS, "yse"),
        edit(7, TESS, 2, "yess"),
        said(3, WREN, "good"),
        edit(9, TESS, 2, "yes"),
        edit(10, WREN, 2, "never"),
    ]
    whole = only(*shown).messages
    for events in (plain, plain[::-1]):
        wrapped = [{"decrypted": value, "encrypted": {"type": "m.room.encrypted"}} for value in events]
        lines = "\n".join(json.dumps(value) for value in events)
        for content in (json.dumps(events), json.dumps({"chunk": events}), json.dumps(wrapped), lines):
            done = read("matrix", content)
            assert looks("matrix", content)
            assert sorted(done.messages, key=lambda message: message.time) == whole
            assert done.log.dropped == {"edit": 3}


def test_an_edit_of_what_is_not_in_the_file_is_the_message():
    done = only(edit(7, TESS, 2, "yess"), edit(9, TESS, 2, "yes"))
    (message,) = done.messages
    assert (message.text, message.number, message.edited, message.sender) == ("yes", "$2", True, TESS)
    assert done.log.dropped == {"edit": 1} and done.log.names == {TESS: "tess_k"}


def test_it_looks_only_like_itself():
    assert looks("matrix", json.dumps(room(said(1, WREN, "hi")), indent=2))
    assert looks("matrix", json.dumps(room()))
    assert looks("matrix", json.dumps(room(*(said(number, WREN, "x" * 900) for number in range(400)))))
    for other in (
        '[{"type": "message", "user": "U1", "ts": "1.0", "text": "x"}]',
        '{"name": "Tess", "type": "personal_chat", "id": 4, "messages": [{"id": 1, "type": "message"}]}',
        '{"messages": [{"role": "user", "content": "x"}]}',
        '{"messages": []}',
        '{"role": "user", "content": {}}\n{"role": "user"}',
        "[]",
        "[3]",
        "{",
        "",
        "Wren: hi",
    ):
        assert not looks("matrix", other), other


@pytest.mark.parametrize("content", ["{}", "3", "", '{"messages": {}}', '"x"'])
def test_what_is_no_export_is_bad_data(content):
    with pytest.raises(BadData):
        read("matrix", content)


def test_a_file_that_was_cut_is_bad_data_with_its_place():
    whole = json.dumps(room(said(1, WREN, "a"), said(2, TESS, "b")), indent=2)
    with pytest.raises(BadData, match=r"export: not valid JSON at line \d+"):
        read("matrix", whole[: len(whole) // 2])
    with pytest.raises(BadData, match="export: line 2"):
        read("matrix", json.dumps(said(1, WREN, "a")) + '\n{"type": ')


MANY = room(
    joined(1, TESS, "Tess"),
    said(2, TESS, f"> <{WREN}> soup?\n\nyes", relates=reply(1)),
    edit(3, TESS, 2, "no"),
    edit(4, WREN, 77, "lost"),
    said(5, WREN, "x", "m.image", filename="y", relates={"rel_type": "m.thread", "event_id": "$2", **reply(2)}),
    event(6, WREN, "m.sticker", {"body": "🐈"}),
    {"decrypted": said(7, WREN, "y"), "encrypted": {}},
    event(8, WREN, unsigned={"redacted_because": {}, "m.relations": {"m.replace": {}}}),
    by="Tess",
)


def test_damaged_values_lose_nothing_uncounted():
    for value in mutated(MANY, 500):
        try:
            done = read("matrix", as_json(value))
        except AigcError:
            continue
        assert done.count == len(value["messages"])


def test_damaged_files_are_read_or_bad_data():
    for data in (*broken(as_json(MANY), 200), *broken(b"\n".join(map(as_json, MANY["messages"])), 200)):
        looks("matrix", data)
        try:
            read("matrix", data)
        except BadData:
            continue
