"""Discord, as DiscordChatExporter writes it: texts as they are shown, every message counted, damage named."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from aigc_cli.core.errors import AigcError, BadData
from tests.data.chat.readers.driving import looks, read, reader_of
from tests.data.chat.readers.mutating import as_json, broken, mutated

PEOPLE = {
    "wren": {"id": "4001", "name": "wren_", "discriminator": "0000", "nickname": "Wren", "isBot": False},
    "tess": {"id": "4002", "name": "tess.k", "discriminator": "0000", "nickname": "Tess K", "isBot": False},
    "rolls": {"id": "4009", "name": "rolls", "discriminator": "1234", "nickname": "Rolls", "isBot": True},
}


def item(number, who, content, kind="Default", **more):
    return {
        "id": str(900 + number),
        "type": kind,
        "timestamp": f"2025-09-03T18:{number:02}:30.5+02:00",
        "timestampEdited": None,
        "callEndedTimestamp": None,
        "isPinned": False,
        "content": content,
        "author": PEOPLE[who],
        "attachments": [],
        "embeds": [],
        "stickers": [],
        "reactions": [],
        "mentions": [],
        **more,
    }


def document(*items, kind="DirectTextChat", name="Tess K", channel="77"):
    return {
        "guild": {"id": "0", "name": "Direct Messages", "iconUrl": ""},
        "channel": {"id": channel, "type": kind, "categoryId": None, "category": "Private", "name": name},
        "dateRange": {"after": None, "before": None},
        "exportedAt": "2026-01-01T00:00:00+00:00",
        "messages": list(items),
        "messageCount": len(items),
    }


def export(*items, **channel):
    return json.dumps(document(*items, **channel), indent=2, ensure_ascii=False)


def test_a_direct_chat_gives_its_messages_and_who_is_the_contact():
    done = read("discord", export(item(1, "tess", "hi\nyou"), item(2, "wren", "hey", timestampEdited="2025-09-03")))
    assert done.texts == ["hi\nyou", "hey"]
    first, second = done.messages
    assert (first.sender, second.sender, first.chat, first.number) == ("4002", "4001", "77", "901")
    assert first.time == datetime(2025, 9, 3, 16, 1, 30, 500000, tzinfo=UTC).timestamp()
    assert not first.local and not first.edited and second.edited
    assert done.log.names == {"4001": "Wren", "4002": "Tess K"}
    assert done.log.contacts == {"4002"} and done.log.subject == "4001"
    assert done.log.keys == {"77": "77"}


def test_whose_chat_it_is_is_open_where_no_contact_is_named_or_more_speak():
    alone, both = [item(1, "wren", "a")], [item(1, "wren", "a"), item(2, "tess", "b")]
    assert read("discord", export(*both, name="Somebody")).log.subject is None
    assert read("discord", export(*both, item(3, "rolls", "c"))).log.subject is None
    assert read("discord", export(*both, kind="GuildTextChat")).log.subject is None
    assert read("discord", export(*alone)).log.subject is None


def test_notices_are_dropped_though_they_carry_texts_and_a_call_cuts():
    done = read(
        "discord",
        export(
            item(1, "wren", "Joined the server.", "GuildMemberJoin"),
            item(2, "wren", "Pinned a message.", "ChannelPinnedMessage"),
            item(3, "wren", "Started a thread.", "ThreadCreated"),
            item(4, "wren", "", "8"),
            item(5, "tess", "Started a call that lasted 3 minutes.", "Call", callEndedTimestamp="2025-09-03T18:09:00Z"),
        ),
    )
    assert done.log.dropped == {"notice": 4}
    assert [(message.removed, message.text, message.sender) for message in done.messages] == [("call", "", "4002")]


def test_what_is_shown_without_words_is_removed_and_a_caption_is_text():
    def sent(name):
        return [{"id": "1", "url": "https://cdn.example/1", "fileName": name, "fileSizeBytes": 9}]

    done = read(
        "discord",
        export(
            item(1, "wren", "", attachments=sent("cat.PNG")),
            item(2, "wren", "my cat", attachments=sent("cat.png")),
            item(3, "wren", "", attachments=sent("voice-message.ogg")),
            item(4, "wren", " ", attachments=sent("notes.pdf")),
            item(5, "wren", "", stickers=[{"id": "2", "name": "Wave", "format": "Lottie"}]),
            item(6, "rolls", "", embeds=[{"title": "Weather", "description": "rain"}]),
            item(7, "wren", ""),
        ),
    )
    assert done.removed == ["photo", "voice", "file", "sticker", "media", "empty"]
    assert done.texts == ["my cat"] and not done.log.dropped


def test_replies_forwards_and_bots_are_told_apart():
    forwarded = {"timestamp": "2024-01-01T00:00:00+00:00", "content": "news", "attachments": [], "embeds": []}
    done = read(
        "discord",
        export(
            item(1, "tess", "soup?"),
            item(2, "wren", "yes", "Reply", reference={"type": "Default", "messageId": "901", "channelId": "77"}),
            item(3, "wren", "", reference={"type": "Forward", "messageId": "5"}, forwardedMessage=forwarded),
            item(4, "rolls", "You rolled 6", "20", interaction={"id": "3", "name": "roll", "user": PEOPLE["wren"]}),
        ),
    )
    assert [(message.text, message.reply_to, message.borrowed) for message in done.messages] == [
        ("soup?", "", ""),
        ("yes", "901", ""),
        ("news", "", "forwarded"),
        ("You rolled 6", "", "via_bot"),
    ]


RAW = "hi <@4002> and <@!4001>, <:moss:12345> <a:wave:12346> </roll:77>; a < b, <3, <@nobody> <@4999>"
SHOWN = "hi @Tess K and @Wren, :moss: :wave: /roll; a < b, <3, <@nobody> @unknown"


def test_marks_read_as_the_exporter_shows_them_when_it_formats():
    mentions = [PEOPLE["tess"]]
    raw, formatted = (
        read("discord", export(item(1, "wren", text, mentions=mentions))).messages for text in (RAW, SHOWN)
    )
    assert raw == formatted
    assert raw[0].text == SHOWN and raw[0].marked == (("handle", "@Tess K"),)


def test_a_time_in_a_text_is_written_out():
    (text,) = read("discord", export(item(1, "wren", "at <t:1700000000:R>, <#12> <@&5>"))).texts
    assert text == "at 2023-11-14 22:13, #channel @role"


def test_parts_of_an_export_are_one_export_and_read_as_the_whole_does():
    items = [item(number, ("tess", "wren")[number % 2], f"line {number}") for number in range(25)]
    whole = read("discord", export(*items))
    names = ["a/DM - Tess.json", *(f"a/DM - Tess [part {number}].json" for number in range(2, 12))]
    parts = {name: export(*items[3 * place : 3 * place + 3]) for place, name in enumerate(names)}
    listed = [*sorted(parts), "a/other.json", "b/DM - Tess.json"]
    alone, gathered = reader_of("discord").gather(listed)
    assert list(gathered) == names and list(alone) == ["a/other.json"]
    done = read("discord", {name: parts[name] for name in gathered})
    assert done.messages == whole.messages and done.log == whole.log and whole.log.subject == "4001"


def test_files_that_are_named_after_channels_are_exports():
    named = ["G - Text - moss [1064990764406419508].json", "b/G - x [1064990764406419509] (after 2020-01-01).csv"]
    others = ["G - Text - moss.json", "a [12].json", "b/G - x [1064990764406419509].html"]
    assert [list(group) for group in reader_of("discord").gather([*others, *named])] == [[name] for name in named]


def test_a_thread_is_a_chat_of_its_own_and_old_exports_have_names_alone():
    old = item(1, "wren", "still here")
    old["author"] = {"id": "4001", "name": "wren_", "discriminator": "0001", "isBot": False}
    del old["stickers"]
    gone = item(2, "tess", "bye")
    gone["author"] = {"id": None, "name": "Deleted User"}
    done = read("discord", export(old, gone, kind="GuildPublicThread", name="wren_", channel="78"))
    assert done.log.names == {"4001": "wren_", "Deleted User": "Deleted User"}
    assert {message.chat for message in done.messages} == {"78"} and not done.log.contacts


def test_items_of_another_shape_are_counted():
    undated = item(1, "wren", "when?")
    del undated["timestamp"]
    done = read("discord", export(None, 3, "x", undated, {**item(2, "wren", "b"), "timestamp": "soon"}))
    assert done.log.dropped == {"unknown": 5} and not done.messages


def as_csv(*items, columns=6):
    """Return what the exporter writes as CSV of the same items."""
    lines = [["AuthorID", "Author", "Date", "Content", "Attachments", "Reactions"]]
    for found in items:
        author, urls = found["author"], [attachment["url"] for attachment in found["attachments"]]
        date = found["timestamp"].replace("30.5+", "30.5000000+")
        lines.append([author["id"], author["name"], date, found["content"], ",".join(urls), ""])
    quoted = (",".join(f'"{field.replace(chr(34), chr(34) * 2)}"' for field in line[:columns]) for line in lines[1:])
    return "\r\n".join([",".join(lines[0][:columns]), *quoted, ""])


def test_the_same_chat_as_csv_reads_to_the_same_messages():
    picture = {"url": "https://cdn.example/1/cat.png?ex=1&a=b,c", "fileName": "cat.png"}
    items = [
        item(1, "tess", 'hi, "you"\nthere'),
        item(2, "wren", "Joined the server.", "GuildMemberJoin"),
        item(3, "tess", "Started a call that lasted 1,003 minutes.", "Call"),
        item(4, "wren", "", attachments=[picture]),
        item(5, "wren", "my cat", attachments=[picture]),
        item(6, "wren", ""),
        item(7, "wren", "Joined the server. Finally."),
    ]
    name = "Direct Messages - Private - Tess K [1064990764406419508].csv"
    whole = read("discord", export(*items, channel="1064990764406419508"))
    done = read("discord", {name: as_csv(*items)})
    assert looks("discord", as_csv(*items), name) and looks("discord", as_csv(columns=4), name)
    assert done.messages == [replace(message, number="") for message in whole.messages]
    assert done.log.dropped == whole.log.dropped and done.log.keys == whole.log.keys
    assert done.log.names == {"4001": "wren_", "4002": "tess.k"}
    parts = {f"a [part {number}].csv": as_csv(*items) for number in (2, 3)}
    assert [list(names) for names in reader_of("discord").gather([*parts])] == [list(parts)]


def test_an_older_table_has_dates_of_a_clock_somewhere():
    row = '"4001","wren_#0000","{date}","hi",""'
    dates = ("17-Jan-23 07:33 PM", "17-Jan-23 12:05 AM", "17-Foo-23 07:33 PM", "32-Jan-23 07:33 PM", "soon")
    header = "AuthorID,Author,Date,Content,Attachments"
    done = read("discord", "\n".join([header, *(row.format(date=date) for date in dates), '"4001","wren_"']))
    at = [datetime(2023, 1, 17, 19, 33, tzinfo=UTC).timestamp(), datetime(2023, 1, 17, 0, 5, tzinfo=UTC).timestamp()]
    assert [(message.time, message.local) for message in done.messages] == [(time, True) for time in at]
    assert done.log.dropped == {"unknown": 4} and done.log.names == {"4001": "wren_"}


def test_a_row_that_a_damaged_quote_swallowed_is_noticed():
    rows = ['"400100000000000001","wren_","2025-01-01T00:00:00Z","hi,""', '"400200000000000002","t","d","ho",""']
    done = read("discord", "\n".join(["AuthorID,Author,Date,Content", *rows]))
    assert done.log.noticed == {"inside_another": 1} and len(done.messages) == 1


PACKAGE = '[{"ID": 91, "Timestamp": "2024-05-06 07:08:09", "Contents": "hi", "Attachments": ""}]'
PACKAGE_CSV = "ID,Timestamp,Contents,Attachments\n91,2024-05-06 07:08:09.1+00:00,hi,\n"


@pytest.mark.parametrize("package", [PACKAGE, PACKAGE_CSV])
def test_discords_own_data_package_is_known_and_refused_with_the_way_out(package):
    assert looks("discord", package, "messages.json")
    with pytest.raises(BadData, match="your own messages alone") as refused:
        read("discord", package)
    assert "DiscordChatExporter" in refused.value.remedy


def test_the_files_of_a_data_package_are_one_export():
    names = ["package/account/user.json", *(f"package/messages/c{number}/channel.json" for number in (1, 2))]
    names += [f"package/messages/c{number}/messages.json" for number in (1, 2)] + ["package/messages/index.json"]
    (gathered,) = reader_of("discord").gather(names)
    assert set(gathered) == set(names[1:]) and gathered[0].endswith("messages.json")


def test_it_looks_only_like_itself():
    assert looks("discord", export(item(1, "wren", "a")))
    assert looks("discord", export(*(item(number % 60, "wren", "x" * 500) for number in range(900))))
    assert looks("discord", export())
    for other in (
        '{"name": "Tess", "type": "personal_chat", "id": 4, "messages": [{"id": 1, "type": "message"}]}',
        '{"participants": [{"name": "W"}], "messages": [{"sender_name": "W", "timestamp_ms": 1}]}',
        '[{"type": "message", "user": "U1", "ts": "1.0", "text": "x"}]',
        '{"messages": [{"role": "user", "content": "x"}]}',
        '{"guild": {"id": "1"}}',
        '{"guild": 1, "channel": 2, "messages": []}',
        "Wren: hi",
        "",
        "[]",
        "[1]",
        "{",
    ):
        assert not looks("discord", other), other


@pytest.mark.parametrize("content", ["{}", "[]", "3", "", '{"messages": {}}', '{"guild": {}, "channel": {"id": 1}}'])
def test_what_is_no_export_is_bad_data(content):
    with pytest.raises(BadData):
        read("discord", content)


def test_a_file_that_was_cut_is_bad_data_with_its_place():
    whole = export(item(1, "wren", "a"), item(2, "tess", "b"))
    with pytest.raises(BadData, match=r"export: not valid JSON at line \d+"):
        read("discord", whole[: len(whole) // 2])


MANY = document(
    *(item(number, who, RAW, mentions=[PEOPLE["tess"]]) for number, who in enumerate(PEOPLE)),
    item(4, "wren", "", stickers=[{}], attachments=[{"fileName": "a.png"}]),
    item(5, "wren", "x", "Call"),
    item(6, "wren", "x", "Reply", reference={"messageId": "1"}, forwardedMessage={"content": "y"}),
)


def test_damaged_values_lose_nothing_uncounted():
    for value in mutated(MANY, 400):
        try:
            done = read("discord", as_json(value))
        except AigcError:
            continue
        assert done.count == len(value["messages"])


def test_damaged_files_are_read_or_bad_data():
    for data in (*broken(as_json(MANY), 300), *broken(as_csv(*MANY["messages"][:3]).encode(), 300)):
        looks("discord", data)
        try:
            read("discord", data)
        except BadData:
            continue
