import random
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime

import pytest

from aigc_cli.core.errors import AigcError, BadData
from tests.data.chat.readers.driving import looks, read
from tests.data.chat.readers.mutating import broken

EVENING = """\
May 17, 2022  5:29:42 PM (Read by them after 1 hour, 49 seconds)
Me
are you at the harbour?

May 17, 2022  5:31:00 PM (Read by you after 3 seconds)
Noor
yes
and it rains

bring a coat
Tapbacks:
    Loved by Me
    🎉 by Noor

May 17, 2022  5:31:30 PM You named the conversation Boats

May 17, 2022 11:05:00 PM
Noor
attachments/12/IMG_4501.HEIC
look

May 17, 2022 12:00:05 AM
Me
/Users/x/Library/Messages/Attachments/0a/10/Audio Message.caf

May 18, 2022  7:00:00 AM
Noor
Outline Sticker from Noor: attachments/12/3.heic

"""
REPLIES = """\
May 17, 2022  5:00:00 PM
Noor
who comes?
    May 17, 2022  5:02:00 PM
    Me
    I do

    May 17, 2022  5:03:00 PM (Read by Sam after 1 second)
    +31600000001
    so do I
    with the dog

Tapbacks:
    Liked by Me

May 17, 2022  5:01:00 PM
Noor
anyone?

May 17, 2022  5:02:00 PM
Me
I do
This message responded to an earlier message.

"""


def shown(text):
    return [(message.sender, message.text, message.removed) for message in read("imessage", text).messages]


def body(*lines):
    """Return what is read of one message's lines."""
    (message,) = read("imessage", "\n".join(("May 17, 2022  5:29:42 PM", "Noor", *lines, "", ""))).messages
    return message.text or message.removed


def test_conversation_is_read():
    result = read("imessage", EVENING)
    assert [(message.sender, message.text, message.removed) for message in result.messages] == [
        ("Me", "are you at the harbour?", ""),
        ("Noor", "yes\nand it rains\n\nbring a coat", ""),
        ("Noor", "look", ""),
        ("Me", "", "voice"),
        ("Noor", "", "sticker"),
    ]
    assert result.log.dropped == {"notice": 1}
    assert (result.log.subject, result.log.contacts) == ("Me", {"Noor"})
    assert all(message.local for message in result.messages)
    at = [datetime.fromtimestamp(message.time, UTC).strftime("%d %H:%M:%S") for message in result.messages]
    assert at == ["17 17:29:42", "17 17:31:00", "17 23:05:00", "17 00:00:05", "18 07:00:00"]


def test_reply_that_stands_twice_counts_once():
    result = read("imessage", REPLIES)
    assert [(message.text, message.reply_to) for message in result.messages] == [
        ("who comes?", ""),
        ("anyone?", ""),
        ("I do", "who comes?"),
        ("so do I\nwith the dog", "who comes?"),  # the text that it would stand in a second time is not here
    ]
    assert result.log.dropped == {"repeated": 1}


def test_reply_of_an_older_version_sets_in_its_first_line_alone():
    old = """\
May 17, 2022  5:00:00 PM
Noor
who comes?
    May 17, 2022  5:02:00 PM
    Me
    I do
and the dog

Reactions:
Loved by Me

the others too
This message responded to an earlier message.

"""
    assert shown(old) == [
        ("Noor", "who comes?\nthe others too", ""),
        ("Me", "I do\nand the dog", ""),
    ]


def test_owner_under_another_name_is_whose_messages_they_read():
    text = EVENING.replace("\nMe\n", "\nSam Idle\n").replace("by you", "by Sam Idle")
    assert read("imessage", text).log.subject == "Sam Idle"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["Sent with Slam is a lie"], "Sent with Slam is a lie"),
        (["boo", "Sent with Slam"], "boo"),
        (["May 17, 2022  5:29:40 PM helo", "Edited 5 seconds later: hello", "Edited 1 minute later: hello!"], "hello!"),
        (["Edited it later: no"], "Edited it later: no"),
        (["May 17, 2022  5:29:40 PM I was born"], "May 17, 2022  5:29:40 PM I was born"),
        (["They deleted a message."], "deleted"),
        (["She deleted a message."], "She deleted a message."),
        (["Noor unsent this message part 3 seconds after sending!"], "deleted"),
        (["This message was deleted from the conversation!", "secret"], "deleted"),
        (["SharePlay Message", "Ended"], "call"),
        (["Started sharing location!"], "location"),
        (["Attachment missing!"], "file"),
        (["33/33c81da8ae3194fc5a0ea993ef6ffe0b048baedb"], "file"),
        (["~/Library/Messages/Attachments/ab/cd/x.mov"], "video"),
        (["IMG_0001.jpeg"], "photo"),
        (["/usr/local/bin"], "/usr/local/bin"),
        (["try this: a/b or c.txt"], "try this: a/b or c.txt"),
        (["https://example.org/a", "Boats of the north", "All about boats"], "https://example.org/a"),
        (["Apple Cash transaction: $20"], "media"),
        (["Fitness message:", "closed three rings"], "media"),
        (["hola", "Translated from:", "hello"], "hello"),
        (["Tapbacks:", "are fun"], "Tapbacks:\nare fun"),
        (["nice \ufffc one", "a.png"], "nice  one"),
        ([], "empty"),
    ],
)
def test_lines_that_nobody_typed_are_no_text(lines, expected):
    assert body(*lines) == expected


def test_line_that_looks_like_a_beginning_within_a_message_is_noticed():
    result = read("imessage", EVENING.replace("and it rains", "May 17, 2022  5:29:42 PM\nand it rains"))
    assert result.log.noticed == {"inside_another": 1}
    assert len(result.messages) == 5


def test_what_stands_before_the_first_message_is_dropped_and_counted():
    assert read("imessage", "hello\n\n" + EVENING).log.dropped == {"before_the_first": 1, "notice": 1}


def test_reaction_that_was_sent_as_a_message_is_dropped_and_counted():
    result = read(
        "imessage", EVENING.replace("look\n", "Loved “are you at the harbour?”\n").replace("attachments/12/", "x ")
    )
    assert result.log.dropped == {"notice": 1}
    result = read(
        "imessage", EVENING.replace("attachments/12/IMG_4501.HEIC\nlook\n", "Loved “are you\nat the harbour?”\n")
    )
    assert result.log.dropped == {"notice": 1, "reaction": 1}


def test_time_without_a_sender_takes_nobody_elses_message():
    result = read("imessage", "May 16, 2022  5:29:42 PM\n" + EVENING.replace("5:29:42 PM", "5:29:42\u202fPM"))
    assert result.log.dropped == {"no_sender": 1, "notice": 1}
    assert [message.sender for message in result.messages] == ["Me", "Noor", "Noor", "Me", "Noor"]


@pytest.mark.parametrize(
    "announced",
    [
        "You renamed the conversation to Hello",
        "Noor changed the group photo.",
        "Noor added Sam to the conversation.",
        "Noor performed something that is new",
    ],
)
def test_announcements_are_dropped_and_counted(announced):
    result = read("imessage", f"May 17, 2022  5:29:42 PM {announced}\n\n{EVENING}")
    assert result.log.dropped == {"notice": 2}
    assert len(result.messages) == 5


def test_is_told_from_other_text():
    assert looks("imessage", EVENING)
    assert looks("imessage", "May 17, 2022  5:29:42 PM You renamed the conversation to x\n\n" + EVENING)
    assert not looks("imessage", "May 17, 2022, 5:29 PM - Noor: hello\n")
    assert not looks("imessage", "[2022-05-17, 17:29] Noor: hello\n")
    assert not looks("imessage", "May 17, 2022  5:29:42 PM it rained\n")
    assert not looks("imessage", "Noor: hello\n")
    assert not looks("imessage", "")


@pytest.mark.parametrize("text", ["", "hello\n", "May 37, 2022  5:29:42 PM\nNoor\nx\n", "May 17, 2022  5:29:42 PM"])
def test_what_is_no_conversation_is_bad_data(text):
    with pytest.raises(BadData, match="export"):
        read("imessage", text)


def test_long_lines_take_no_long_time():
    for line in ("/" * 200_000, "a/" * 100_000 + ".", " " * 200_000, "Loved by " * 20_000, "1" * 200_000):
        assert body("x", line, "Tapbacks:", line)


def written(at, sender, text, *, indent="", old=False):
    """Return a message as it is written, set in wholly or, in older versions, in the first of its lines."""
    when = datetime.fromtimestamp(1_650_000_000 + at, UTC)
    lines = [f"{when:%b %d, %Y} {when.hour % 12 or 12:2}:{when:%M:%S %p}", sender, *text.split("\n")]
    set_in = 3 if old else len(lines)
    return "".join((indent if line and place < set_in else "") + line + "\n" for place, line in enumerate(lines))


@pytest.mark.parametrize("old", [False, True])
def test_nothing_is_lost_or_read_twice_in_any_conversation(old):
    for seed in range(150):
        chance = random.Random(seed)
        texts = ["yes", "no\nor so", "um", "May be", *([] if old else ["one\n\ntwo"])]
        said, pieces, later, notices = [], [], [], 0
        for at in range(0, 100_000_000, 10_000_001):
            sender, text = chance.choice(("Me", "Noor", "+31600000001")), chance.choice(texts)
            said.append((1_650_000_000 + at, sender, text, ""))
            piece = written(at, sender, text)
            if chance.random() < 0.4:
                answer = (at + chance.randrange(1, 9), chance.choice(("Me", "Noor")), chance.choice(texts))
                piece += written(*answer, indent="    ", old=old) + "\n"
                said.append((1_650_000_000 + answer[0], answer[1], answer[2], text))
                if chance.random() < 0.7:
                    later.append(written(*answer) + "This message responded to an earlier message.\n")
            pieces.append(piece)
            if chance.random() < 0.3:
                pieces.append("Jun 03, 2022  1:00:00 PM Noor changed the group photo.\n")
                notices += 1
        result = read("imessage", "\n".join([*pieces, *later]) + "\n")
        read_in = [(message.time, message.sender, message.text, message.reply_to) for message in result.messages]
        assert sorted(read_in) == sorted(said), f"seed {seed}"
        assert result.log.dropped == Counter(notice=notices, repeated=len(later))


def test_damaged_conversations_are_read_or_refused():
    for text in (EVENING, REPLIES):
        for data in broken(text.encode(), 400):
            with suppress(AigcError):
                looks("imessage", data)
                assert read("imessage", data).count
