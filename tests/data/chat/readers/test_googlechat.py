"""Google Chat, as Takeout exports it: chats in folders, the owner, dates in many languages, what was deleted."""

import json
from datetime import UTC, datetime

import pytest

from aigc_cli.core.errors import AigcError, BadData
from aigc_cli.data.chat.readers.written_dates import written_time
from tests.data.chat.readers.driving import looks, read, reader_of
from tests.data.chat.readers.mutating import as_json, broken, mutated

WREN = {"name": "Wren Hale", "email": "Wren@moss.example", "user_type": "Human"}
TESS = {"name": "Tess Kay", "email": "tess@rain.example", "user_type": "Human"}
BELL = {"name": "Bell", "user_type": "Bot"}
OWNER = {"user": WREN, "membership_info": [{"group_id": "DM AAAA", "membership_state": "MEMBER_JOINED"}]}


def said(minute, who, text, topic=None, **more):
    topic = topic or f"t{minute}"
    return {
        "creator": who,
        "created_date": f"Thursday, November 3, 2016 at 6:{minute:02}:05\u202fPM UTC",
        "text": text,
        "topic_id": topic,
        "message_id": f"AAAA/{topic}/t{minute}",
        **more,
    }


def files_of(value, owner=OWNER):
    """Return a Takeout of one chat."""
    chat = "Google Chat/Groups/DM AAAA"
    files = {"Google Chat/Users/User 1/user_info.json": owner, f"{chat}/messages.json": value}
    return {name: as_json(content) for name, content in files.items()} | {f"{chat}/group_info.json": b'{"members": []}'}


def only(*items):
    done = read("googlechat", files_of({"messages": list(items)}))
    assert done.count == len(items)
    return done


def test_a_chat_gives_its_messages_and_the_owner():
    done = only(said(1, TESS, "hi"), said(2, WREN, "hey\nyou", updated_date="x"), said(3, BELL, "rain at 5"))
    assert done.texts == ["hi", "hey\nyou", "rain at 5"]
    first, second, third = done.messages
    assert (first.sender, first.chat, first.number) == ("tess@rain.example", "AAAA", "AAAA/t1/t1")
    assert first.time == datetime(2016, 11, 3, 18, 1, 5, tzinfo=UTC).timestamp() and not first.local
    assert second.edited and not first.edited and third.borrowed == "via_bot"
    assert done.log.names == {"tess@rain.example": "Tess Kay", "wren@moss.example": "Wren Hale", "Bell": "Bell"}
    assert done.log.subject == "wren@moss.example" and done.log.keys == {"AAAA": "AAAA"}


def test_a_deleted_message_cuts_where_it_stood():
    gone = {
        "message_state": "DELETED",
        "deleted_date": "Tuesday, September 10, 2019 at 8:44:40 PM UTC",
        "topic_id": "t2",
        "deletion_metadata": {"deletion_type": "CREATOR"},
        "message_id": "AAAA/t2/t2",
    }
    done = only(said(1, TESS, "hi"), gone, said(3, WREN, "hey"))
    assert [message.removed for message in done.messages] == ["", "deleted", ""]
    assert done.messages[1].time == done.messages[0].time
    assert only(gone).messages[0].time == datetime(2019, 9, 10, 20, 44, 40, tzinfo=UTC).timestamp()


def test_an_edited_message_may_tell_only_in_what_stood_before_when_it_was_sent():
    edited = said(4, WREN, "soup", previous_message_versions=[{"created_date": said(2, WREN, "")["created_date"]}])
    del edited["created_date"]
    (message,) = only(edited).messages
    assert message.time == datetime(2016, 11, 3, 18, 2, 5, tzinfo=UTC).timestamp() and message.edited


def test_threads_and_quotes_tell_what_they_answer():
    quoted = {"creator": TESS, "text": "soup?", "message_id": "AAAA/t1/t1"}
    done = only(
        said(1, TESS, "soup?"),
        said(2, WREN, "yes", "t1"),
        said(3, WREN, "yes!", quoted_message_metadata=quoted),
        said(4, WREN, "yes?", quoted_message_metadata={"creator": TESS, "text": "soup?"}),
    )
    assert [message.reply_to for message in done.messages] == ["", "AAAA/t1/t1", "AAAA/t1/t1", "soup?"]


def test_what_is_shown_without_words_is_removed_and_a_caption_is_text():
    def sent(name):
        return {"attached_files": [{"original_name": name, "export_name": f"File-{name}"}]}

    def noted(**metadata):
        return {"annotations": [{"start_index": 0, "length": 0, **metadata}]}

    done = only(
        said(1, WREN, "my moss", **sent("moss.png")),
        said(2, WREN, None, **sent("moss.png")),
        said(3, WREN, "", **sent("notes.pdf")),
        said(4, WREN, " ", **noted(video_call_metadata={"meeting_space": {}})),
        said(5, WREN, None, **noted(gsuite_integration_metadata={"call_data": {"call_status": "CALL_MISSED"}})),
        said(6, WREN, None, **noted(gsuite_integration_metadata={"tasks_data": {}})),
        said(7, WREN, None, **noted(drive_metadata={"id": "1"})),
        said(8, WREN, None),
    )
    assert done.texts == ["my moss"]
    assert done.removed == ["photo", "file", "call", "call", "media", "file", "empty"]


EVENING = datetime(2016, 11, 3, 18, 9, 5, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    "text",
    [
        "Thursday, November 3, 2016 at 6:09:05\u202fPM UTC",
        "Thursday, November 3, 2016 at 6:09:05 PM UTC",
        "Thursday, 3 November 2016 at 18:09:05 UTC",
        "Donnerstag, 3. November 2016 um 18:09:05 UTC",
        "jeudi 3 novembre 2016 à 18:09:05 UTC",
        "jeudi 3 novembre 2016, 18 h 09 min 05 s UTC",
        "jueves, 3 de noviembre de 2016, 18:09:05 UTC",
        "jueves, 3 de noviembre de 2016, 6:09:05 p. m. UTC",
        "quinta-feira, 3 de novembro de 2016 às 18:09:05 UTC",
        "giovedì 3 novembre 2016 alle ore 18:09:05 UTC",
        "donderdag 3 november 2016 om 18:09:05 UTC",
        "czwartek, 3 listopada 2016 18:09:05 UTC",
        "četvrtak, 3. studenoga 2016. u 18:09:05 UTC",
        "четверг, 3 ноября 2016 г., 18:09:05 UTC",
        "четвер, 3 листопада 2016 р. о 18:09:05 UTC",
        "3 Kasım 2016 Perşembe 18:09:05 UTC",
        "torsdag den 3. november 2016 kl. 18.09.05 UTC",
        "torstai 3. marraskuuta 2016 klo 18.09.05 UTC",
        "2016. november 3., csütörtök 18:09:05 UTC",
        "Πέμπτη 3 Νοεμβρίου 2016 στις 6:09:05 μ.μ. UTC",
        "Kamis, 03 November 2016 pukul 18.09.05 UTC",
        "lúc 18:09:05 UTC Thứ Năm, 3 tháng 11, 2016",
        "2016年11月3日木曜日 18:09:05 UTC",
        "2016年11月3日木曜日 18時09分05秒 UTC",
        "2016年11月3日星期四 UTC 18:09:05",
        "2016年11月3日 星期四 下午6:09:05 [UTC]",
        "2016년 11월 3일 목요일 오후 6시 9분 5초 UTC",
        "الخميس، ٣ نوفمبر ٢٠١٦ في ٦:٠٩:٠٥ م UTC",
        "יום חמישי, 3 בנובמבר 2016 בשעה 18:09:05 UTC",
        "गुरुवार, 3 नवंबर 2016 को 6:09:05 pm UTC बजे",
        "วันพฤหัสบดีที่ 3 พฤศจิกายน พุทธศักราช 2559 เวลา 18 นาฬิกา 09 นาที 05 วินาที UTC",
    ],
)
def test_a_date_in_any_language_is_one_time(text):
    assert written_time(text) == EVENING


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("Samstag, 23. Jänner 2021 um 00:00:00 UTC", (2021, 1, 23, 0)),
        ("piątek, 1 listopada 2013 12:00:00 UTC", (2013, 11, 1, 12)),
        ("petak, 1. listopada 2013. u 12:00:00 UTC", (2013, 10, 1, 12)),
        ("Friday, November 1, 2013 at 12:00:00 AM UTC", (2013, 11, 1, 0)),
        ("2013年11月1日 星期五 凌晨12:00:00 [UTC]", (2013, 11, 1, 0)),
    ],
)
def test_months_of_two_languages_and_midnight(text, day):
    assert written_time(text) == datetime(*day, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "Thursday, November 3, 2016",
        "Thursday, Smarch 3, 2016 at 6:09:05 PM UTC",
        "Thursday, November 31, 2016 at 6:09:05 PM UTC",
        "Thursday, November 3, 2016 at 6:69:05 PM UTC",
        "3/11/2016 18:09:05 UTC",
        "18:09:05 " * 40,
    ],
)
def test_what_is_no_date_gives_none(text):
    assert written_time(text) is None


def test_a_chat_in_another_language_reads_to_the_same_messages():
    def in_german(item):
        minute = item["created_date"].split(":")[1]
        return {**item, "created_date": f"Donnerstag, 3. November 2016 um 18:{minute}:05 UTC"}

    items = [said(1, TESS, "hi"), said(2, WREN, "hey")]
    assert only(*items).messages == only(*map(in_german, items)).messages


def test_a_language_that_is_not_known_is_bad_data_and_one_date_is_not():
    strange = {"created_date": "Diʻilñééʼ 3 Níłchʼitsoh 2016 18:01:05 UTC"}
    with pytest.raises(BadData, match="language that is not known"):
        only({**said(1, TESS, "hi"), **strange}, {**said(2, TESS, "hi"), **strange})
    done = only({**said(1, TESS, "hi"), **strange}, said(2, TESS, "hi"))
    assert done.log.dropped == {"unknown": 1} and done.texts == ["hi"]


def test_the_files_of_a_takeout_are_one_export():
    names = ["T/Google Chat/Users/User 1/user_info.json", "T/Google Chat/Groups/DM a/messages.json"]
    names += ["T/Google Chat/Groups/DM a/group_info.json", "T/Google Chat/Groups/Space b/messages.json"]
    names += ["T/Google Chat/Groups/Space b/group_info.json"]
    others = ["T/Google Chat/Groups/DM a/File-x.json", "messages.json", "signal/messages.json"]
    (gathered,) = reader_of("googlechat").gather(sorted(names + others))
    assert set(gathered) == set(names) and gathered[0].endswith("user_info.json")
    (alone,) = reader_of("googlechat").gather(["group_info.json", "messages.json"])
    assert list(alone) == ["messages.json", "group_info.json"]


def test_chats_of_one_takeout_stay_apart():
    files = files_of({"messages": [said(1, TESS, "hi")]})
    other = {**said(2, WREN, "hello"), "message_id": "BBBB/t2/t2"}
    files["Google Chat/Groups/Space BBBB/messages.json"] = as_json({"messages": [other]})
    done = read("googlechat", files)
    assert [(message.chat, message.text) for message in done.messages] == [("AAAA", "hi"), ("BBBB", "hello")]


def test_it_looks_only_like_itself():
    value = {"messages": [said(1, WREN, "hi")]}
    assert looks("googlechat", files_of(value))
    assert looks("googlechat", as_json(value), "messages.json")
    assert looks("googlechat", {"messages.json": b'{"messages": []}', "group_info.json": b"{}"})
    for other in (
        '[{"type": "message", "user": "U1", "ts": "1.0", "text": "x"}]',
        '{"name": "Tess", "type": "personal_chat", "id": 4, "messages": [{"id": 1, "type": "message"}]}',
        '{"messages": [{"role": "user", "content": "x"}]}',
        '{"participants": [], "messages": [{"sender_name": "W", "timestamp_ms": 1}]}',
        '{"messages": []}',
        '{"members": []}',
        "[]",
        "{",
        "",
        "Wren: hi",
    ):
        assert not looks("googlechat", other, "messages.json"), other
    assert not looks("googlechat", as_json(OWNER), "user_info.json")


@pytest.mark.parametrize("content", ["{}", "3", "", '{"messages": {}}', "[]"])
def test_what_is_no_export_is_bad_data(content):
    with pytest.raises(BadData):
        read("googlechat", content)


def test_a_file_that_was_cut_is_bad_data_with_its_place():
    files = files_of({"messages": [said(1, WREN, "hi")]})
    files["Google Chat/Groups/DM AAAA/messages.json"] = files["Google Chat/Groups/DM AAAA/messages.json"][:-20]
    with pytest.raises(BadData, match=r"DM AAAA/messages\.json: not valid JSON at line 1"):
        read("googlechat", files)


MANY = {
    "messages": [
        said(1, TESS, "hi"),
        said(2, WREN, None, attached_files=[{"original_name": "a.png"}]),
        said(3, BELL, "x", quoted_message_metadata={"message_id": "a/b/c", "text": "y"}),
        said(4, WREN, None, annotations=[{"gsuite_integration_metadata": {"call_data": {}}}, {"drive_metadata": {}}]),
        {"message_state": "DELETED", "deleted_date": "x", "message_id": "AAAA/a/b"},
        {**said(5, WREN, "x", previous_message_versions=[{"created_date": "x"}]), "created_date": None},
    ]
}


def test_damaged_values_lose_nothing_uncounted():
    for value in mutated({"owner": OWNER, **MANY}, 500):
        owner = value.pop("owner", None)
        try:
            done = read("googlechat", files_of(value, owner))
        except AigcError:
            continue
        assert done.count == len(value["messages"])


def test_damaged_files_are_read_or_bad_data():
    for data in broken(json.dumps(MANY).encode(), 300):
        looks("googlechat", data)
        try:
            read("googlechat", data)
        except BadData:
            continue
