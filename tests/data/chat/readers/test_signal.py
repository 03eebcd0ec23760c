import json
from contextlib import suppress

import pytest

from aigc_cli.core.errors import AigcError, BadData
from aigc_cli.data.chat.readers.signal import gather
from tests.data.chat.readers.driving import looks, read
from tests.data.chat.readers.mutating import broken, mutated

AT = 1_760_000_000_000
ACI = "ERERERERQRGBEREREREREQ=="
NOTE, NEWS, GROUP, TWO = "11", "12", "13", "10"
KNOWN = {"version", "backupTimeMs", "account", "recipient", "chat", "stickerPack"}
FRAMES = [
    {"version": "1", "backupTimeMs": str(AT), "currentAppVersion": "Android 8.1"},
    {"account": {"givenName": "Ilse", "familyName": "Brandt", "username": "ilse.07"}},
    {"recipient": {"id": "1", "self": {}}},
    {"recipient": {"id": "2", "contact": {"aci": ACI, "e164": "491700000001", "profileGivenName": "Oumar"}}},
    {"recipient": {"id": "3", "contact": {"e164": "491700000002", "nickname": {"given": "Frau", "family": "Roth"}}}},
    {"recipient": {"id": "4", "group": {"masterKey": "c2VjcmV0", "snapshot": {"title": {"title": "Chor"}}}}},
    {"recipient": {"id": "5", "releaseNotes": {}}},
    {"chat": {"id": TWO, "recipientId": "2"}},
    {"chat": {"id": NOTE, "recipientId": "1"}},
    {"chat": {"id": NEWS, "recipientId": "5"}},
    {"chat": {"id": GROUP, "recipientId": "4"}},
    {"stickerPack": {"packId": "AA=="}},
]


def item(at, author, chat=TWO, **content):
    way = {"outgoing": {}} if author == "1" else {"incoming": {"read": True}}
    return {"chatItem": {"chatId": chat, "authorId": author, "dateSent": str(AT + at), **way, **content}}


def words(body, **more):
    return {"standardMessage": {"text": {"body": body}, **more}}


def lines(*items, frames=FRAMES):
    return "\n".join(json.dumps(line) for line in [*frames, *items]) + "\n"


def shown(items):
    return [(message.text, message.removed) for message in read("signal", lines(*items)).messages]


ITEMS = [
    item(0, "2", **words("kommst du um acht?")),
    item(1000, "1", **words("ja ✨\nmit Fahrrad", quote={"targetSentTimestamp": str(AT), "text": {"body": "kommst"}})),
    item(2000, "1", revisions=[item(1500, "1", **words("alt"))["chatItem"]], **words("neu")),
    item(3000, "2", stickerMessage={"sticker": {"emoji": "🚲"}}),
    item(4000, "2", remoteDeletedMessage={}),
    item(5000, "2", viewOnceMessage={}),
    item(6000, "2", updateMessage={"individualCall": {"type": "AUDIO_CALL", "state": "ACCEPTED"}}),
    item(7000, "2", updateMessage={"simpleUpdate": {"type": "IDENTITY_UPDATE"}}),
    item(8000, "2", updateMessage={"simpleUpdate": {"type": "BAD_DECRYPT"}}),
    item(9000, "3", GROUP, standardMessage={"attachments": [{"flag": "VOICE_MESSAGE", "pointer": {}}]}),
    item(9500, "3", GROUP, **words("Probe fällt aus")),
    item(10000, "1", NOTE, **words("Milch")),
    item(11000, "5", NEWS, **words("Neu in Signal")),
]


def test_official_export_is_read():
    result = read("signal", lines(*ITEMS))
    assert [(message.sender, message.text, message.removed) for message in result.messages] == [
        (ACI, "kommst du um acht?", ""),
        ("self", "ja ✨\nmit Fahrrad", ""),
        ("self", "neu", ""),
        (ACI, "🚲", ""),
        (ACI, "", "deleted"),
        (ACI, "", "view_once"),
        (ACI, "", "call"),
        (ACI, "", "undecryptable"),
        ("491700000002", "", "voice"),
        ("491700000002", "Probe fällt aus", ""),
    ]
    assert result.log.dropped == {"notice": 1, "saved_messages": 1, "release_notes": 1}
    assert result.log.names == {"self": "Ilse Brandt", ACI: "Oumar", "491700000002": "Frau Roth"}
    assert result.log.subject == "self"
    assert result.log.contacts == {ACI, "491700000002"}
    assert [message.edited for message in result.messages[:3]] == [False, False, True]
    assert result.messages[1].reply_to == result.messages[0].number == str(AT)
    assert result.messages[0].time == AT / 1000
    assert not result.messages[0].local


def test_people_and_chats_are_the_same_in_an_export_that_numbers_them_otherwise():
    renumbered = json.dumps(FRAMES).replace('"id": "', '"id": "9').replace('"recipientId": "', '"recipientId": "9')
    other = json.loads(renumbered)
    once = read("signal", lines(item(0, "2", **words("x")), item(1, "3", GROUP, **words("y"))))
    again = read("signal", lines(item(0, "92", "910", **words("x")), item(1, "93", "913", **words("y")), frames=other))
    assert once.messages == again.messages
    assert once.log.keys == again.log.keys
    assert len(once.log.keys) == 2
    assert "c2VjcmV0" not in str(once.log)  # the key of the group opens it


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (words("", attachments=[{"pointer": {"contentType": "image/jpeg"}}]), ("", "photo")),
        (words("schau", attachments=[{"pointer": {"contentType": "video/mp4"}}]), ("schau", "")),
        ({"standardMessage": {"attachments": [{"pointer": {"fileName": "a.pdf"}}]}}, ("", "file")),
        ({"standardMessage": {"linkPreview": [{"url": "https://example.org"}]}}, ("", "share")),
        ({"standardMessage": {}}, ("", "empty")),
        ({"stickerMessage": {"sticker": {}}}, ("", "sticker")),
        ({"contactMessage": {}}, ("", "contact")),
        ({"poll": {"question": "wann?"}}, ("", "poll")),
        ({"directStoryReplyMessage": {"textReply": {"text": {"body": "schön!"}}}}, ("schön!", "")),
        ({"updateMessage": {"groupCall": {}}}, ("", "call")),
    ],
)
def test_kinds_of_messages(content, expected):
    assert shown([item(0, "2", **content)]) == [expected]


def test_mentions_are_names_and_told_to_the_redaction():
    text = {
        "body": "\ufffc und \ufffc!",
        "bodyRanges": [{"start": 6, "length": 1, "mentionAci": "SELF"}, {"length": 1, "mentionAci": ACI}],
    }
    (message,) = read("signal", lines(item(0, "3", GROUP, standardMessage={"text": text}))).messages
    assert message.text == "@Oumar und @Ilse Brandt!"
    assert message.marked == (("handle", "@Oumar"), ("handle", "@Ilse Brandt"))


def test_words_that_go_on_in_a_file_are_noticed():
    result = read("signal", lines(item(0, "2", **words("lang", longText={"contentType": "text/x-signal-plain"}))))
    assert result.texts == ["lang"]
    assert result.log.noticed == {"text_goes_on_elsewhere": 1}


def test_what_is_not_understood_is_dropped_and_counted():
    result = read(
        "signal",
        lines(
            {"somethingNew": {}},
            7,
            item(0, "2"),
            {"chatItem": None},
            item(0, "2", dateSent="soon", **words("x")),
            item(0, "77", "99", **words("y")),
        ),
    )
    assert result.log.dropped == {"unknown": 3, "unreadable_time": 2}
    assert [(message.sender, message.text) for message in result.messages] == [("unknown 77", "y")]


def test_metadata_belongs_to_the_messages_beside_it():
    paths = ["a/main.jsonl", "a/metadata.json", "a/files/00/x.txt", "b/main.jsonl", "metadata.json"]
    assert list(gather(paths)) == [["a/main.jsonl", "a/metadata.json"]]
    files = {"main.jsonl": lines(*ITEMS), "metadata.json": '{"version": 1}'}
    assert read("signal", files).messages == read("signal", lines(*ITEMS)).messages


def test_is_told_from_other_json_lines():
    assert looks("signal", lines(*ITEMS))
    assert looks("signal", lines(*[item(at, "2", **words("x" * 300)) for at in range(2000)]))
    assert not looks("signal", '{"messages": [{"role": "user", "content": "x"}]}\n')
    assert not looks("signal", '{"chat": "x", "text": "y"}\n{"chat": "x"}\n')
    assert not looks("signal", '{"recipient": "Ann", "text": "y"}\n')
    assert not looks("signal", "Ilse: hallo\n")


@pytest.mark.parametrize("text", ["", "[1]\n", '{"a": 1}\n', lines(*ITEMS)[:-20]])
def test_what_is_no_whole_export_is_bad_data(text):
    with pytest.raises(BadData):
        read("signal", text)


def is_item(line):
    """Return whether a line is an item of a chat or nothing known: what is to be read or dropped."""
    return not (isinstance(line, dict) and line.keys() & KNOWN) or "chatItem" in line


def test_damaged_exports_lose_nothing_uncounted():
    for value in mutated([*FRAMES, *ITEMS], 400):
        assert read("signal", lines(frames=value)).count == sum(map(is_item, value))
    for data in broken(lines(*ITEMS).encode(), 300):
        with suppress(AigcError):
            looks("signal", data)
            read("signal", data)
