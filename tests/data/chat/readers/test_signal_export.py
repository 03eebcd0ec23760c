import json
from contextlib import suppress
from datetime import UTC, datetime

import pytest

from aigc_cli.core.errors import AigcError, BadData
from aigc_cli.data.chat.readers.signal_export import gather
from tests.data.chat.readers.driving import looks, read
from tests.data.chat.readers.mutating import broken, mutated

MARKDOWN = """\
[2026-03-01 18:00:00] Aya: How is everyone?··

[2026-03-01 18:00:05] Me:·

> How is everyone?
> and the dog

We're great!
Even the dog.··
(- Aya: 👍, Me: ❤ -)

[2026-03-01 18:01:00] Aya: look![IMG 1.jpg](./media/IMG%201.jpg)··

[2026-03-01 18:02:00] Aya:   [voice.m4a](./media/voice.m4a)··

[2026-03-01 18:03:00] Aya: ··
(( 🐕 ))

[2026-03-01 18:04:00] Me: (This message was deleted)

[2026-03-01 18:05:00] Me: Outgoing voice call (accepted, 3m 2s)··

[2026-03-01 18:06:00] Aya:   (media not exported)··

[2026-03-01 18:07:00] Aya:   [sticker](../exported_stickers/aa/3.webp)··

[2026-03-01 18:08:00] Me: > no quote
[x] done: yes··

""".replace("·", " ")  # each message ends with spaces


def record(time, sender, body, **more):
    whole = {"quote": "", "sticker": None, "reactions": [], "attachments": [], "deleted": False, "call": False}
    return {"date": f"2026-03-01T18:{time}", "sender": sender, "body": body + "  ", **whole, **more}


RECORDS = [
    record("00:00.123000", "Aya", "How is everyone?"),
    record("00:05", "Me", "We're great!\nEven the dog.", quote="\n\n> How is everyone?\n> and the dog\n\n"),
    record("01:00", "Aya", "look", attachments=[{"name": "IMG 1.jpg", "path": "media/IMG%201.jpg"}]),
    record("02:00", "Aya", "", attachments=[{"name": "voice.m4a", "path": "media/voice.m4a"}]),
    record("03:00", "Aya", "", sticker={"id": "1", "emoji": "🐕"}),
    record("04:00", "Me", "gone", deleted=True),
    record("05:00", "Me", "Outgoing voice call (accepted, 3m 2s)", call=True),
    record("06:00", "Aya", "", attachments=[{"name": "", "path": "", "missing_kind": "media"}]),
    record("07:00", "Aya", "", sticker={"id": "3", "emoji": ""}),
    record("08:00", "Me", "> no quote\n[x] done: yes"),
]


def lines(records):
    return "".join(json.dumps(record) + "\n" for record in records)


def shown(result):
    return [
        (int(message.time), message.sender, message.text, message.removed, message.reply_to)
        for message in result.messages
    ]


def test_markdown_is_read():
    result = read("signal_export", MARKDOWN)
    assert [(sender, text, removed) for _, sender, text, removed, _ in shown(result)] == [
        ("Aya", "How is everyone?", ""),
        ("Me", "We're great!\nEven the dog.", ""),
        ("Aya", "look", ""),
        ("Aya", "", "voice"),
        ("Aya", "🐕", ""),
        ("Me", "", "deleted"),
        ("Me", "", "call"),
        ("Aya", "", "media"),
        ("Aya", "", "sticker"),
        ("Me", "> no quote\n[x] done: yes", ""),
    ]
    assert result.log.subject == "Me"
    assert result.messages[1].reply_to == "How is everyone?\nand the dog"
    assert result.messages[0].time == datetime(2026, 3, 1, 18, tzinfo=UTC).timestamp()
    assert result.messages[0].local


def test_both_layouts_of_a_chat_are_read_to_the_same_messages():
    assert shown(read("signal_export", lines(RECORDS))) == shown(read("signal_export", MARKDOWN))


def test_where_both_lie_in_a_folder_one_is_read():
    paths = ["out/Aya/chat.md", "out/Aya/data.json", "out/Jim/chat.md", "out/Bo/data.json", "out/Aya/media/data.md"]
    assert list(gather(paths)) == [["out/Aya/data.json", "out/Aya/chat.md"]]
    both = read("signal_export", {"data.json": lines(RECORDS), "chat.md": MARKDOWN})
    assert shown(both) == shown(read("signal_export", lines(RECORDS)))


def test_older_markdown_has_a_comma_and_no_seconds():
    old = "[2019-05-29, 15:04] Me: How is everyone?\n[2019-05-29, 15:10] Aya: We're great!\n"
    assert read("signal_export", old).texts == ["How is everyone?", "We're great!"]
    assert looks("signal_export", old)


def test_what_fits_nothing_is_counted():
    result = read("signal_export", "# Aya\n" + MARKDOWN.replace("Even the dog.", "[2026-13-01 18:00] Bo: x"))
    assert result.log.dropped == {"before_the_first": 1}
    assert result.log.noticed == {"inside_another": 1}
    damaged = [{}, record("00:00", "Aya", "x", date="soon"), record("00:00", 7, "y"), 5]
    result = read("signal_export", lines(damaged))
    assert result.log.dropped == {"unknown": 2, "unreadable_time": 1}
    assert (result.texts, list(result.log.names)) == (["y"], ["No-Sender"])


def test_is_told_from_other_formats():
    assert looks("signal_export", MARKDOWN)
    assert looks("signal_export", lines(RECORDS))
    swedish = "[2026-03-01 18:00:00] Aya: hej\n[2026-03-01 18:00:05] Bo: hejsan\n"  # WhatsApp for iOS
    assert not looks("signal_export", swedish)
    assert not looks("signal_export", '{"role": "user", "content": "x"}\n')
    assert not looks("signal_export", "Aya: hej\n")


@pytest.mark.parametrize("text", ["", "Aya: hej\n", "{}\n", lines(RECORDS)[:-30]])
def test_what_is_no_chat_is_bad_data(text):
    with pytest.raises(BadData):
        read("signal_export", text)


def test_long_lines_take_no_long_time():
    for line in (
        "[" * 99_000,
        "![a](./" * 14_000,
        "[" * 200_000,
        "(- " * 70_000,
        "(( " * 70_000,
        "![a](./" * 30_000,
        "> " * 100_000,
    ):
        assert read("signal_export", f"[2026-03-01 18:00:00] Aya: x\n{line}\n").count == 1


def test_damaged_chats_lose_nothing_uncounted():
    for value in mutated(RECORDS, 300):
        with suppress(BadData):
            assert read("signal_export", lines(value)).count == len(value)
    for text in (MARKDOWN, lines(RECORDS)):
        for data in broken(text.encode(), 300):
            with suppress(AigcError):
                looks("signal_export", data)
                assert read("signal_export", data).count
