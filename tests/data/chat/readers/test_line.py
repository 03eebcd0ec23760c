"""LINE's exports in the layouts of its systems and languages: every line is a message, part of one, or counted."""

import random
from datetime import UTC, datetime

import pytest

from aigc_cli.core.errors import AigcError, BadData, UsageProblem
from aigc_cli.data.chat.readers.line_names import Names
from tests.data.chat.readers.driving import looks, read


def at(*numbers):
    return datetime(*numbers, tzinfo=UTC).timestamp()


def told(text, **options):
    """Return (sender, text or why there is none) of each message."""
    return [(message.sender, message.text or message.removed) for message in read("line", text, **options).messages]


JAPANESE = """\ufeff[LINE] 花さんとのトーク履歴
保存日時：2021/01/05 12:00

2021/01/02(土)
09:05\t花\tおはよう
09:06\t太郎\t"今日は
雨だね

""そう""かも"
09:07\t花\t[スタンプ]
09:08\t花\t了解です(emoji)
09:09\t太郎\t(emoji)
09:10\t花\t☎ 通話時間 1:02
09:11\t花がメッセージの送信を取り消しました
09:12\tメッセージの送信を取り消しました
09:13\t\t花が参加しました。
09:14\t太郎\t[アルバム] 冬
09:15\t太郎\t[写真]

2021/01/03(日)
午後 0:05\t花\t見て：10:30\t集合ね
24:30\t太郎\tまだ起きてる
"""


def test_tabs_in_japanese():
    result = read("line", JAPANESE)
    assert [(m.sender, m.text or m.removed) for m in result.messages] == [
        ("花", "おはよう"),
        ("太郎", '今日は\n雨だね\n\n"そう"かも'),
        ("花", "sticker"),
        ("花", "了解です"),
        ("太郎", "sticker"),
        ("花", "call"),
        ("花", "deleted"),
        ("", "deleted"),
        ("太郎", "album"),
        ("太郎", "photo"),
        ("花", "見て：10:30\t集合ね"),
        ("太郎", "まだ起きてる"),
    ]
    assert result.log.dropped == {"notice": 1}
    assert [m.time for m in result.messages[-2:]] == [at(2021, 1, 3, 12, 5), at(2021, 1, 3, 0, 30)]
    assert all(m.local for m in result.messages)


DAYS = [
    "2021/01/02(土)",
    "2021/01/02（六）",
    "2021/1/2（週六）",
    "2021/1/2週六",
    "2021.01.02 土曜日",
    "2021.01.02 Saturday",
    "2021/01/02 Sat",
    "2021/01/02(Sat)",
    "2021.01.02 วันเสาร์",
    "2021. 1. 2. 토요일",
    "2021년 1월 2일 토요일",
    "2021年1月2日 土曜日",
    "R3/01/02(土)",
    "ส. 02/01/2564",
    "Sat, 02/01/2021",
    "Sat, 1/2/2021",
    "Sat, 2021/01/02",
]
TIMES = ["15:04", "午後3:04", "午後 3:04", "下午03:04", "오후 3:04", "03:04PM", "3:04 pm", "3:04 p.m."]


@pytest.mark.parametrize("day", DAYS)
@pytest.mark.parametrize("gap", ["\t", " ", "    "])
def test_days_in_every_language(day, gap):
    text = f"{day}\n{TIMES[0]}{gap}Ann{gap}hello\n15:05{gap}Bo{gap}hi\nthere\n"
    assert looks("line", text)
    messages = read("line", text).messages
    assert [(m.sender, m.text) for m in messages] == [("Ann", "hello"), ("Bo", "hi\nthere")]
    assert messages[0].time == at(2021, 1, 2, 15, 4)


@pytest.mark.parametrize("time", TIMES)
def test_times_in_every_language(time):
    (message,) = read("line", f"2021/01/02(Sat)\n{time}\tAnn\thello\n").messages
    assert message.time == at(2021, 1, 2, 15, 4)


def test_days_of_the_week_tell_the_order_of_day_and_month():
    assert read("line", "Sat, 1/2/2021\n10:00\tA\tx\n").messages[0].time == at(2021, 1, 2, 10)
    assert read("line", "Mon, 1/2/2021\n10:00\tA\tx\n").messages[0].time == at(2021, 2, 1, 10)
    assert read("line", "Sat, 1/2/2021\n10:00\tA\tx\n", dates="dmy").messages[0].time == at(2021, 2, 1, 10)


def test_an_open_order_is_asked_for():
    with pytest.raises(UsageProblem, match="can be read as dmy or mdy"):
        read("line", "samedi 1/2/2021\n10:00\tA\tx\n")


HEADS = [
    ("[LINE] 花とのトーク履歴", "保存日時：2021/01/05 12:00"),
    ("[LINE] Chat history with Hana", "Saved on: 2021/01/05, 12:00"),
    ("[LINE] Chat history in Team", "Save date: 2021/01/05"),
    ("[LINE] 與花的聊天記錄", "儲存日期：2021/01/05 12:00"),
    ("[LINE] ประวัติการแชทกับ Hana", "บันทึกเมื่อ: 2021/01/05 12:00"),
    ("[LINE] Hana님과의 대화", "저장한 날짜: 2021/01/05 12:00"),
]


@pytest.mark.parametrize("head", HEADS)
def test_headings_are_none_of_the_messages(head):
    text = "\n".join([*head, "", "2021/01/02(Sat)", "10:00\tHana\thi"])
    assert looks("line", text)
    result = read("line", text)
    assert result.texts == ["hi"]
    assert not result.log.dropped


@pytest.mark.parametrize(
    ("written", "removed"),
    [
        ("[写真]", "photo"),
        ("[Photo]", "photo"),
        ("[照片]", "photo"),
        ("[사진]", "photo"),
        ("[รูป]", "photo"),
        ("[貼圖]", "sticker"),
        ("[สติกเกอร์]", "sticker"),
        ("[Voice message]", "voice"),
        ("[File] plan.pdf", "file"),
        ("[位置情報] 東京都", "location"),
        ("[null] https://maps.google.com/x", "location"),
        ("[投票]", "poll"),
        ("☎ Missed call", "call"),
        ("☎ 未接來電", "call"),
        ("ⓘ このメッセージは表示できません。", "media"),
        ("You unsent a message.", "deleted"),
        ("", "media"),
    ],
)
def test_what_is_not_here_cuts(written, removed):
    result = read("line", f"2021/01/02(Sat)\n10:00\tAnn\t{written}\n10:01\tBo\twords\n")
    assert [m.removed for m in result.messages] == [removed, ""]
    assert not result.log.dropped


@pytest.mark.parametrize("text", ["[Photo] of the year", "[ok]", "写真", '"quoted"', "unsent a message from my past"])
def test_what_people_write_themselves_stays(text):
    assert told(f"2021/01/02(Sat)\n10:00\tAnn\t{text}\n") == [("Ann", text)]


def test_events_with_a_name_in_the_column_of_names():
    text = "2021/01/02(Sat)\n10:00\tAnn\tBo left the chat\n10:01\tBo\tmum left the chat\n10:02\tAnn\tok\n"
    result = read("line", f"{text}10:03\tAnn\tCy joined the group\n10:04\t花\t太郎がグループに参加しました\n")
    assert result.texts == ["mum left the chat", "ok"]
    assert result.log.dropped == {"notice": 3}


def test_lines_may_be_indented_to_their_column():
    assert told("2021/01/02(Sat)\n10:00\tAnn\tone\n\t\ttwo\n\tthree\n") == [("Ann", "one\ntwo\nthree")]


def test_calls_of_computers_have_no_sign():
    text = "2025.05.15 วันพฤหัสบดี\n08:35 สมหญิง สวัสดีค่ะ\n08:40 ยกเลิกข้อความแล้ว\n08:41 สมชาย ไม่ได้รับสาย\n"
    assert told(text) == [("สมหญิง", "สวัสดีค่ะ"), ("", "deleted"), ("สมชาย", "call")]


@pytest.mark.parametrize(
    "notice",
    [
        "Ann joined the group.",
        "Ann left the chat",
        "Ann added Bo to the group",
        "Ann changed the group's name to 'x'.",
        "Group call started.",
        "花がグループに参加しました",
        "花がグループから退会しました。",
        "花が次郎をグループに招待しました。",
        "花がグループ名を「冬」に変更しました。",
        "花加入聊天",
        "花已離開群組",
        "花邀請次郎加入群組",
        "花已將次郎強制退出社群。",
        "群組語音通話已開始",
        "花님이 나갔습니다.",
        "สมชาย เพิ่ม สมหญิง เข้ากลุ่ม",
    ],
)
@pytest.mark.parametrize("gap", ["\t", "\t\t", " "])
def test_notices_are_counted_as_such(notice, gap):
    words = gap[0]
    result = read("line", f"2021/01/02(Sat)\n10:00{words}Ann{words}hi\n10:01{gap}{notice}\n10:02{words}Bo{words}ok\n")
    assert result.texts == ["hi", "ok"]
    assert result.log.dropped == {"notice": 1}


def test_a_day_and_a_time_within_a_quoted_message_stay_text_and_are_told():
    text = '2021/01/02(土)\n10:00\t花\t"予定\n2021/01/09(土)\n10:30 集合\n11:30\t解散\n以上"\n10:05\t太郎\tはい\n'
    result = read("line", text)
    assert result.texts == ["予定\n2021/01/09(土)\n10:30 集合\n11:30\t解散\n以上", "はい"]
    assert result.log.noticed == {"inside_another": 3}
    assert {m.time for m in result.messages} == {at(2021, 1, 2, 10), at(2021, 1, 2, 10, 5)}


def test_a_quotation_mark_that_is_never_closed_swallows_nobody():
    text = '2021/01/02(土)\n10:00\t花\t"やあ\n10:05\t太郎\tはい\n\n2021/01/03(日)\n10:00\t花\tおはよう\n'
    assert told(text) == [("花", '"やあ'), ("太郎", "はい"), ("花", "おはよう")]


SPACES = """2021.01.02 土曜日
09:05 Ann Lee おはよう
09:06 Bo 今日は 雨
傘が いる
10:30 集合
09:07 Ann Lee スタンプ
09:08 Ann Lee ok
09:08 Ann Lee ok then
09:09 Bo unsent a message.
09:10 メッセージの送信を取り消しました
09:11 Cy joined the chat.
09:12 Bo ☎ 0:12
21:13 Ann Lee ok
2021.01.03 日曜日
08:00 Ann Lee 写真
08:01 Bo ok
"""


def test_spaces_and_names_of_two_words():
    result = read("line", SPACES)
    assert [(m.sender, m.text or m.removed) for m in result.messages] == [
        ("Ann Lee", "おはよう"),
        ("Bo", "今日は 雨\n傘が いる\n10:30 集合"),
        ("Ann Lee", "sticker"),
        ("Ann Lee", "ok"),
        ("Ann Lee", "ok then"),
        ("Bo", "deleted"),
        ("", "deleted"),
        ("Bo", "call"),
        ("Ann Lee", "ok"),
        ("Ann Lee", "photo"),
        ("Bo", "ok"),
    ]
    assert result.log.dropped == {"notice": 1}
    assert result.log.noticed == {"inside_another": 1}
    assert result.count == 12


def test_who_often_writes_may_write_at_an_earlier_time():
    text = "2021.01.02 Saturday\n" + "".join(
        f"1{hour}:00 {name} x{hour}\n" for hour in range(4) for name in ("Al", "Bo")
    )
    assert told(text + "09:00 Al late\n08:59 meet there\n")[-1] == ("Al", "late\n08:59 meet there")


def test_a_name_in_the_title_is_known():
    text = "2021.01.02 Saturday\n16:23 Bob van Dyk Today\n16:24 Al yes\n"
    assert [m.sender for m in read("line", {"[LINE]Bob van Dyk.txt": text}).messages] == ["Bob van Dyk", "Al"]


def test_names_end_where_words_differ():
    names = Names()
    lines = [
        f"{name} {word}" for name in ("Ann Lee", "Ann Moe", "Bo") for word in ["a", "b", "c", "ok", "ok", "ok", "fine"]
    ]
    for line in lines:
        names.add(line)
    assert {names.divided(line)[0] for line in lines} == {"Ann Lee", "Ann Moe", "Bo"}


def test_layouts_converge():
    said = [("花", "おはよう", 9, 5), ("太郎", "今日は\n雨", 9, 6), ("花", "うん", 15, 7), ("花", "はい", 15, 8)]
    tabs = "2021/01/02(土)\n" + "".join(
        f"{hour:02}:{minute:02}\t{name}\t{chr(34) + text + chr(34) if chr(10) in text else text}\n"
        for name, text, hour, minute in said
    )
    spaces = "2021.01.02 土曜日\n" + "".join(f"{h:02}:{m:02} {name} {text}\n" for name, text, h, m in said)
    halves = "2021/01/02（六）\n" + "".join(
        f"{'下午' if h > 12 else '上午'}{h % 12 or 12:02}:{m:02}\t{name}\t{text}\n" for name, text, h, m in said
    )
    assert read("line", tabs).messages == read("line", spaces).messages == read("line", halves).messages
    assert [m.text for m in read("line", tabs).messages] == [text for _, text, _, _ in said]


def test_lines_before_the_first_are_counted():
    result = read("line", "[LINE] x\nSaved on: 1\nsomething\n\n2021/01/02(Sat)\n10:00\tA\tx\n")
    assert result.log.dropped == {"before_the_first": 1}


@pytest.mark.parametrize("text", ["", "[LINE] Chat history with A\nSaved on: x\n", "hello\nworld\n"])
def test_without_a_message_it_is_damaged(text):
    with pytest.raises(BadData, match="not a LINE export"):
        read("line", text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "12/31/20, 23:55 - Ana: hola\n12/31/20, 23:56 - Bea: hi\n",
        "[31/12/2020, 23:55:07] Ana: hola\n",
        "Ann: hello\nBo: hi\n",
        '{"messages": []}',
        "2020-01-01 12:00:00 nick(123)\nhello\n",
        "2025년 1월 2일 오후 2:30, name : text\n",
        "2021 was a good year\n10:30 we met\n",
    ],
)
def test_others_are_not_taken(text):
    assert not looks("line", text)


@pytest.mark.parametrize("sample", [JAPANESE, SPACES])
def test_damage_raises_nothing_else_and_loses_nothing(sample):
    rng = random.Random(5)
    pieces = [*'\t\n":[] ', "10:00\t", "10:00 ", "2021/01/09(土)\n", "☎", "\ufeff", "[スタンプ]", "99:99\tA\tx\n"]
    for _ in range(300):
        text = sample
        for _ in range(rng.randrange(1, 6)):
            place = rng.randrange(len(text) + 1)
            text = text[:place] + rng.choice(pieces) + text[place + rng.choice([0, 0, 1, 3, 40]) :]
        try:
            result = read("line", text)
        except AigcError:
            continue
        kept = "".join("".join(m.text.split()) for m in result.messages)
        assert len(kept) <= len(text)
        assert result.count > 0


@pytest.mark.parametrize("line", ["1" * 50_000, " " * 50_000, "[" * 50_000, "10:00 " * 9_000, "a " * 25_000])
def test_long_lines_are_read_at_once(line):
    read("line", f"2021/01/02(Sat)\n10:00\tA\t{line}\n{line}\n10:01\tB\tx\n")
    read("line", f"2021/01/02(Sat)\n10:00 A {line}\n{line}\n10:01 B x\n")
