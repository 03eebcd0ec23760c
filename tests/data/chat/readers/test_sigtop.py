import json
from contextlib import suppress
from datetime import UTC, datetime

import pytest

from aigc_cli.core.errors import AigcError, BadData
from tests.data.chat.readers.driving import looks, read
from tests.data.chat.readers.mutating import as_json, broken, mutated

TEXT = """\
Conversation: Ines Duarte (+351900000001)

From: You
Type: outgoing
Sent: Sun, 1 Mar 2026 18:00:00 +0100
Reaction: ❤ from Ines Duarte (+351900000001)

vens?
às oito

e o cão

From: Ines Duarte (+351900000001)
Type: incoming
Sent: Sun, 1 Mar 2026 18:01:00 +0100
Received: Sun, 1 Mar 2026 18:01:02 +0100

> From: You
> Sent: Sun, 1 Mar 2026 18:00:00 +0100
>
> vens?
> às oito

claro

From: Ines Duarte (+351900000001)
Type: incoming
Sent: Sun, 1 Mar 2026 18:02:00 +0100
Received: Sun, 1 Mar 2026 18:02:02 +0100
Attachment: no filename (audio/aac, 900 bytes)

From: You
Type: outgoing
Sent: Sun, 1 Mar 2026 18:03:00 +0100
Edited: 2 versions

| Version: 2
| Sent: Sun, 1 Mar 2026 18:03:30 +0100
|
| até logo!
|
| Version: 1
| Sent: Sun, 1 Mar 2026 18:03:00 +0100
|
| até logp

Type: keychange
Sent: Sun, 1 Mar 2026 18:04:00 +0100
Received: Sun, 1 Mar 2026 18:04:00 +0100

From: Ines Duarte (+351900000001)
Type: call-history
Sent: Sun, 1 Mar 2026 18:05:00 +0100
Received: Sun, 1 Mar 2026 18:05:00 +0100

"""
SHORT = """\
2026-03-01 18:00 You: vens?
às oito

e o cão
2026-03-01 18:01 Ines Duarte: [reply to You on 2026-03-01 18:00] claro
2026-03-01 18:02 Ines Duarte: [1 attachment]
2026-03-01 18:03 You: [edited] até logo!
2026-03-01 18:04 Ines Duarte: [keychange message]
2026-03-01 18:05 Ines Duarte: [call-history message]
"""
AT = int(datetime(2026, 3, 1, 17, tzinfo=UTC).timestamp()) * 1000


def item(minute, kind, body="", **more):
    source = {} if kind == "outgoing" else {"sourceServiceId": "a-1"}
    return {"conversationId": "c", "type": kind, "sent_at": AT + minute * 60_000, "body": body, **source, **more}


ITEMS = [
    item(0, "outgoing", "vens?\nàs oito\n\ne o cão", reactions=[{"emoji": "❤"}]),
    item(1, "incoming", "claro", quote={"id": AT, "text": "vens?"}),
    item(2, "incoming", attachments=[{"contentType": "audio/aac", "flags": 1}]),
    item(3, "outgoing", "até logo!", editHistory=[{"body": "até logo!"}, {"body": "até logp"}]),
    item(4, "keychange"),
    item(5, "call-history"),
]
SAID = [
    ("You", "vens?\nàs oito\n\ne o cão", "", False),
    ("Ines Duarte", "claro", "", False),
    ("Ines Duarte", "", "voice", False),
    ("You", "até logo!", "", True),
    ("Ines Duarte", "", "call", False),
]


def shown(result):
    return [
        (result.log.names.get(message.sender), message.text, message.removed, message.edited)
        for message in result.messages
    ]


def test_text_is_read():
    result = read("sigtop", TEXT)
    assert shown(result) == SAID
    assert result.log.dropped == {"notice": 1}
    assert [message.time * 1000 - AT for message in result.messages] == [0, 60_000, 120_000, 180_000, 300_000]
    assert not result.messages[0].local
    assert result.messages[1].reply_to == "vens?\nàs oito"
    assert (result.log.subject, result.log.contacts) == ("You", {"+351900000001"})
    assert result.log.keys == {"": "+351900000001"}


def test_layouts_of_a_conversation_are_read_to_the_same_messages():
    of_text, of_json = read("sigtop", TEXT), read("sigtop", {"Ines Duarte (+351900000001).json": json.dumps(ITEMS)})
    assert shown(of_json) == shown(of_text)
    assert [message.time for message in of_json.messages] == [message.time for message in of_text.messages]
    assert of_json.messages[1].reply_to == of_json.messages[0].number
    short = read("sigtop", SHORT)  # says of attachments how many there are, and of the time not the second
    assert [(*row[:2], row[2].replace("media", "voice"), row[3]) for row in shown(short)] == SAID
    assert short.messages[0].local
    assert of_text.log.dropped == of_json.log.dropped == short.log.dropped == {"notice": 1}


def test_words_of_a_quote_in_an_edited_message_are_not_its_own():
    quote = "|\n| > From: You\n| > Sent: x\n| >\n| > vens?\n|\n| até logo!\n| \n| sim"
    quoted = TEXT.replace("|\n| até logo!", quote, 1)
    message = read("sigtop", quoted).messages[3]
    assert (message.text, message.reply_to) == ("até logo!\n\nsim", "vens?")


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"deletedForEveryone": True, "body": "x"}, ("", "deleted")),
        ({"isViewOnce": True}, ("", "view_once")),
        ({"sticker": {"emoji": "🐕"}}, ("🐕", "")),
        ({"sticker": {"packId": "x"}}, ("", "sticker")),
        ({"attachments": [{"contentType": "image/png"}], "body": "olha"}, ("olha", "")),
        ({"hasAttachments": 1}, ("", "media")),
        ({}, ("", "empty")),
    ],
)
def test_kinds_of_messages_in_json(more, expected):
    (message,) = read("sigtop", json.dumps([item(0, "incoming", **more)])).messages
    assert (message.text, message.removed) == expected


def test_what_fits_nothing_is_dropped_and_counted():
    late = item(0, "incoming", "x", sent_at="soon")
    damaged = [7, {}, late, item(0, "incoming", "y"), {"type": "incoming"}]
    result = read("sigtop", json.dumps(damaged))
    assert result.log.dropped == {"unknown": 3, "unreadable_time": 1}
    assert read("sigtop", "hello\n\n" + SHORT).log.dropped == {"before_the_first": 1, "notice": 1}
    assert read("sigtop", TEXT.replace("Sun, 1 Mar 2026 18:01", "unknown 18:01")).log.dropped["unreadable_time"] == 1


def test_is_told_from_other_formats():
    assert looks("sigtop", TEXT)
    assert looks("sigtop", SHORT)
    assert looks("sigtop", json.dumps(ITEMS))
    assert not looks("sigtop", "2026-03-01 18:00 - You: hei\n")
    assert not looks("sigtop", "2026-03-01 18:00 Ann: hei\n2026-03-01 18:01 Bo: hei\n")
    assert not looks("sigtop", "Conversation: about boats\nAnn: hei\n")
    assert not looks("sigtop", '[{"role": "user", "content": "x"}]')
    assert not looks("sigtop", "[]")


@pytest.mark.parametrize("text", ["", "[]", "hello\n", "Conversation: x\n\n", json.dumps(ITEMS)[:-40], "[1]"])
def test_what_is_no_conversation_is_bad_data(text):
    with pytest.raises(BadData):
        read("sigtop", text)


def test_long_lines_take_no_long_time():
    for line in ("(" * 200_000, " (a" * 60_000, "[reply to " * 20_000, "edited, " * 20_000):
        assert read("sigtop", TEXT.replace("vens?", line)).count == 6
        assert read("sigtop", SHORT.replace(": vens?", ": " + line)).count == 6
        assert read("sigtop", TEXT.replace("Ines", line)).count == 6


def test_damaged_conversations_lose_nothing_uncounted():
    for value in mutated(ITEMS, 300):
        with suppress(BadData):
            assert read("sigtop", as_json(value)).count == len(value)
    for text in (TEXT, SHORT, json.dumps(ITEMS)):
        for data in broken(text.encode(), 200):
            with suppress(AigcError):
                looks("sigtop", data)
                assert read("sigtop", data).count
