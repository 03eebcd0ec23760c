import json
from contextlib import suppress

import pytest

from aigc_cli.core.errors import AigcError, BadData
from aigc_cli.data.chat.messages import Log
from aigc_cli.data.chat.reader import ReadOptions
from aigc_cli.data.chat.readers.messenger import READER, gather, mended
from aigc_cli.data.chat.readers.messenger_phrases import said_by_itself
from tests.data.chat.readers.driving import export_of, looks, read
from tests.data.chat.readers.mutating import as_json, broken, mutated

AT = 1_700_000_000_000


def as_latin_1(text):
    """Return a text as the archives hold it: each byte of its UTF-8 a character."""
    return text.encode().decode("latin-1")


def archive(*messages, title="Mara Oosterveld", names=("Mara Oosterveld", "Jonas Ek"), **more):
    thread = {
        "participants": [{"name": as_latin_1(name)} for name in names],
        "messages": [
            {"sender_name": as_latin_1(sender), "timestamp_ms": AT + at, **fields} for at, sender, fields in messages
        ],
        "title": as_latin_1(title),
        "is_still_participant": True,
        "thread_path": "inbox/maraoosterveld_10158123456789",
        "magic_words": [],
        **more,
    }
    return json.dumps(thread)


def encrypted(*messages, title="Mara Oosterveld", names=("Mara Oosterveld", "Jonas Ek")):
    thread = {
        "participants": list(names),
        "threadName": title,
        "messages": [
            {
                "isUnsent": False,
                "media": [],
                "reactions": [],
                "senderName": sender,
                "text": "",
                "timestamp": AT + at,
                "type": "text",
                **fields,
            }
            for at, sender, fields in messages
        ],
    }
    return json.dumps(thread)


def said(text, **more):
    return {"content": as_latin_1(text), **more}


SPOKEN = archive(
    (9000, "Jonas Ek", said("na dann, bis spät 🌙")),
    (8000, "Mara Oosterveld", {"photos": [{"uri": "photos/1.jpg"}], **said("der Kahn, frisch gestrichen")}),
    (7000, "Jonas Ek", {"audio_files": [{"uri": "audio/1.mp4"}]}),
    (6000, "Mara Oosterveld", {"type": "Call", "call_duration": 61, **said("Mara Oosterveld called you.")}),
    (5000, "Jonas Ek", {"is_unsent": True}),
    (4000, "Mara Oosterveld", said("Reacted 😂 to your message ")),
    (3000, "Mara Oosterveld", said("Mara hat das Gruppenfoto geändert.")),
    (2000, "Jonas Ek", {"share": {"link": "https://example.org/ufer"}, **said("Jonas hat einen Anhang gesendet.")}),
    (1000, "Jonas Ek", {"share": {"link": "https://example.org/a"}, **said("lies das: https://example.org/a")}),
    (0, "Mara Oosterveld", said("ça va, Jonas?", reactions=[{"reaction": as_latin_1("❤"), "actor": "Jonas Ek"}])),
)


def test_archive_is_read_with_its_words_mended_and_a_cut_where_something_is_missing():
    result = read("messenger", SPOKEN)
    assert [(message.text, message.removed) for message in result.messages] == [
        ("na dann, bis spät 🌙", ""),
        ("der Kahn, frisch gestrichen", ""),
        ("", "voice"),
        ("", "call"),
        ("", "deleted"),
        ("", "share"),
        ("lies das: https://example.org/a", ""),
        ("ça va, Jonas?", ""),
    ]
    assert result.log.dropped == {"reaction": 1, "notice": 1}
    assert result.messages[0].time == AT / 1000 + 9
    assert not result.messages[0].local
    assert result.log.newest_first
    assert result.log.keys == {"": "10158123456789"}


def test_chat_of_two_is_titled_as_the_other():
    log = read("messenger", SPOKEN).log
    assert (log.subject, log.contacts) == ("Jonas Ek", {"Mara Oosterveld"})
    group = archive((0, "Jonas Ek", said("x")), names=("Mara Oosterveld", "Jonas Ek", "Ida Li"), title="Kahn")
    assert read("messenger", group).log.subject is None
    renamed = archive((0, "Jonas Ek", said("x")), title="unser Kahn")
    assert read("messenger", renamed).log.subject is None


def test_both_layouts_of_a_chat_are_read_to_the_same_messages():
    words = ("grüß dich 🌊", "morgen um acht", "日曜に会おう", "na gut")
    senders = ("Mara Oosterveld", "Jonas Ek")
    old = [(at, senders[at % 2], said(text)) for at, text in enumerate(words)]
    old += [(4, "Jonas Ek", {"photos": [{"uri": "photos/a.jpg"}]}), (5, "Mara Oosterveld", {"is_unsent": True})]
    new = [(at, senders[at % 2], {"text": text}) for at, text in enumerate(words)]
    new += [
        (4, "Jonas Ek", {"media": [{"uri": "./media/a.jpeg"}], "type": "media"}),
        (5, "Mara Oosterveld", {"isUnsent": True}),
    ]
    from_archive = read("messenger", archive(*reversed(old)))
    from_encrypted = read("messenger", encrypted(*new, title="Mara Oosterveld_17"))
    assert from_archive.messages[::-1] == from_encrypted.messages
    assert from_archive.log.names == from_encrypted.log.names
    assert from_archive.log.subject == from_encrypted.log.subject == "Jonas Ek"
    assert from_archive.log.newest_first and not from_encrypted.log.newest_first


def test_direction_of_time_is_known_before_the_first_message():
    words = [(at, "Jonas Ek", said(str(at))) for at in (0, 0, 1)]
    for messages, is_newest_first in ((words, False), (words[::-1], True), (words[:2], False)):
        log = Log(format="messenger")
        stream = READER.read(export_of(archive(*messages)), log, ReadOptions())
        next(stream)
        assert log.newest_first == is_newest_first


@pytest.mark.parametrize(
    ("text", "after"),
    [
        (as_latin_1("Zoë, 你好 🌊"), "Zoë, 你好 🌊"),
        ("Zoë", "Zoë"),  # is right as it is: its ë is no UTF-8
        ("你好", "你好"),
        ("plain", "plain"),
        (as_latin_1("Zoë") + "…", as_latin_1("Zoë") + "…"),  # goes only half of the way back
        ("\udcff", "\udcff"),
    ],
)
def test_only_what_goes_back_and_forth_is_mended(text, after):
    assert mended(text) == after


def test_files_of_a_chat_are_gathered_by_their_numbers():
    box = "your_instagram_activity/messages/inbox/mara_1"
    paths = [f"{box}/message_{number}.json" for number in (10, 1, 2)]
    paths += [
        "messages/archived_threads/x_2/message_1.json",
        f"{box}/photos/message_3.jpg",
        f"{box}/message_final.json",
    ]
    paths += ["messages/Mara Oosterveld_12.json", "messages/secret_conversations.json"]
    assert list(gather(paths)) == [
        [f"{box}/message_{number}.json" for number in (1, 2, 10)],
        ["messages/archived_threads/x_2/message_1.json"],
        ["messages/Mara Oosterveld_12.json"],
    ]


def test_files_of_a_chat_are_read_as_one():
    newer = archive((2000, "Jonas Ek", said("c")), (1500, "Jonas Ek", said("b")))
    older = archive((1000, "Mara Oosterveld", said("a")), (500, "Mara Oosterveld", {"content": 5}))
    result = read("messenger", {"message_1.json": newer, "message_2.json": older})
    assert result.texts == ["c", "b", "a"]
    assert result.removed == ["empty"]
    assert result.log.newest_first


@pytest.mark.parametrize(
    ("line", "sender", "kind"),
    [
        ("You sent an attachment.", "Jonas Ek", "attached"),
        ("Jonas sent 3 photos.", "Jonas Ek", "attached"),
        ("Jonas Ek a envoyé une pièce jointe.", "Jonas Ek", "attached"),
        ("Jonas envió un archivo adjunto.", "Jonas Ek", "attached"),
        ("Você enviou um anexo.", "Jonas Ek", "attached"),
        ("Liked a message", "Jonas Ek", "reaction"),
        ("Hat mit ❤️ auf deine Nachricht reagiert", "Jonas Ek", "reaction"),
        ("A réagi avec 😮 à votre message ", "Jonas Ek", "reaction"),
        ("Jonas missed your call.", "Jonas Ek", "call"),
        ("You missed a call from Jonas.", "Mara", "call"),
        ("The video chat ended.", "Jonas Ek", "call"),
        ("Du hast eine Nachricht zurückgenommen", "Jonas Ek", "deleted"),
        ("Jonas named the group Kahn: 3 Ruder.", "Jonas Ek", "notice"),
        ("You set the nickname for Mara to Käpt'n.", "Jonas Ek", "notice"),
        ("Jonas ha abbandonato il gruppo.", "Jonas Ek", "notice"),
        ("You are now connected on Messenger.", "Jonas Ek", "notice"),
        ("you sent a photo to my mother?", "Jonas Ek", ""),
        ("Mara sent a photo.", "Jonas Ek", ""),  # of somebody else: said, not done
        ("Jonas left early", "Jonas Ek", ""),
        ("You left the", "Jonas Ek", ""),
        ("You called me\nYou called Jonas.", "Jonas Ek", ""),
        ("I liked a message", "Jonas Ek", ""),
    ],
)
def test_what_the_messenger_says_in_a_senders_name_is_told_from_what_was_said(line, sender, kind):
    assert said_by_itself(line, sender) == kind


def test_attachment_in_an_unknown_language_is_known_by_the_name_it_begins_with():
    share = {"share": {"link": "https://example.org"}}
    sent = archive((0, "Jonas Ek", {**share, **said("Jonas küldött egy mellékletet.")}))
    assert read("messenger", sent).removed == ["share"]
    own = archive((0, "Jonas Ek", {**share, **said("ez jó. https://example.org")}))
    assert read("messenger", own).texts == ["ez jó. https://example.org"]


def test_what_has_no_time_or_is_no_object_is_dropped_and_counted():
    thread = json.loads(archive((0, "Jonas Ek", said("x"))))
    thread["messages"] += [
        {"sender_name": "Jonas Ek", "content": "y"},
        {"sender_name": "Jonas Ek", "content": "y", "timestamp_ms": True},
        {"sender_name": "Jonas Ek", "content": "y", "timestamp_ms": 1e300},
        "z",
        {"sender_name": None, "content": "w", "timestamp_ms": AT},
    ]
    result = read("messenger", json.dumps(thread))
    assert result.log.dropped == {"unreadable_time": 3, "unknown": 1}
    assert result.texts == ["x", "w"]
    assert result.log.names["unknown"] == "Deleted Account"


def test_is_told_from_other_json():
    assert looks("messenger", SPOKEN)
    assert looks("messenger", encrypted((0, "Jonas Ek", {"text": "x"})))
    assert looks("messenger", archive())
    assert looks("messenger", archive(*[(at, "Jonas Ek", said("x" * 500)) for at in range(1000)]))
    assert not looks("messenger", '{"participants": [], "messages": [{"role": "user", "content": "x"}]}')
    assert not looks("messenger", '{"name": "x", "type": "personal_chat", "messages": []}')
    assert not looks("messenger", "Jonas: hej")


@pytest.mark.parametrize("text", ["", "[]", "7", '{"participants": []}', '{"messages": {}}', SPOKEN[:-9], SPOKEN[:300]])
def test_what_is_no_whole_chat_is_bad_data(text):
    with pytest.raises(BadData, match="export"):
        read("messenger", text)


@pytest.mark.parametrize("text", [SPOKEN, encrypted((0, "Jonas Ek", {"text": "hej"}), (1, "Ida", {"isUnsent": True}))])
def test_damaged_chats_are_read_whole_or_refused(text):
    could = 0
    for value in mutated(json.loads(text), 300):
        if isinstance(value.get("messages"), list):
            assert read("messenger", as_json(value)).count == len(value["messages"])
            could += 1
    assert could > 200
    for data in broken(text.encode(), 300):
        with suppress(AigcError):
            read("messenger", data)
            looks("messenger", data)
