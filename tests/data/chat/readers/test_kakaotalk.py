"""KakaoTalk's four layouts in Korean and English: one chat reads the same in all; every line is accounted for."""

import random
from datetime import UTC, datetime

import pytest

from aigc_cli.core.errors import AigcError, BadData
from tests.data.chat.readers.driving import looks, read


def at(*numbers):
    return datetime(*numbers, tzinfo=UTC).timestamp()


# (day and time, who, what): who None for a notice. 나 is the owner of the telephone.
CHAT = [
    ((2025, 1, 2, 0, 5), "김하늘", "새해 복 많이 받아 : )"),
    ((2025, 1, 2, 0, 6), "나", "너도!\n\n- 하나, 둘\n셋"),
    ((2025, 1, 2, 12, 30), "김하늘", "사진"),
    ((2025, 1, 2, 12, 31), None, "김하늘님이 박바다님을 초대했습니다."),
    ((2025, 1, 2, 14, 0), "박바다", 'He said "안녕", ok?'),
    ((2025, 1, 3, 9, 0), "나", "이모티콘"),
    ((2025, 1, 3, 9, 1), "박바다", "삭제된 메시지입니다."),
    ((2025, 1, 3, 9, 2), "김하늘", "https://example.org/a,b : c"),
    ((2025, 1, 3, 23, 59), "나", "잘 자"),
]
WEEKDAYS = "월화수목금토일"
ENGLISH = ["", "January", "February", "March"]
EXPECTED = [
    ("김하늘", "새해 복 많이 받아 : )", ""),
    ("나", "너도!\n\n- 하나, 둘\n셋", ""),
    ("김하늘", "", "photo"),
    ("박바다", 'He said "안녕", ok?', ""),
    ("나", "", "sticker"),
    ("박바다", "", "deleted"),
    ("김하늘", "https://example.org/a,b : c", ""),
    ("나", "잘 자", ""),
]


def korean(hour, minute):
    return f"{'오전' if hour < 12 else '오후'} {(hour + 11) % 12 + 1}:{minute:02}"


def english(hour, minute):
    """Return a time by twelve hours."""
    return f"{(hour + 11) % 12 + 1}:{minute:02} {'AM' if hour < 12 else 'PM'}"


def joined(hour, minute):
    return english(hour, minute).lower().replace(" ", "")


def by_days(head, day_line, said, notice, chat=CHAT):
    """Return an export that has a line for each day."""
    lines, before = [*head], None
    for (year, month, day, hour, minute), who, what in chat:
        if (year, month, day) != before:
            before = (year, month, day)
            lines += day_line(year, month, day, hour, minute)
        date = (year, month, day, hour, minute)
        lines.append(said(*date, who, what) if who else notice(*date, what))
    return "\n".join(lines) + "\n"


def weekday(year, month, day):
    return WEEKDAYS[datetime(year, month, day, tzinfo=UTC).weekday()]


def windows_korean():
    return by_days(
        ["김하늘, 박바다 님과 카카오톡 대화", "저장한 날짜 : 2025-01-05 10:44:52", ""],
        lambda y, mo, d, *_: [f"--------------- {y}년 {mo}월 {d}일 {weekday(y, mo, d)}요일 ---------------"],
        lambda y, mo, d, h, m, who, what: f"[{who}] [{korean(h, m)}] {what}",
        lambda y, mo, d, h, m, what: what,
    )


def windows_english():
    return by_days(
        ["김하늘 with KakaoTalk Chats", "Date Saved : 2025-01-05 10:44:52", ""],
        lambda y, mo, d, *_: [f"--------------- Thursday, {ENGLISH[mo]} {d}, {y} ---------------"],
        lambda y, mo, d, h, m, who, what: f"[{who}] [{english(h, m)}] {what}",
        lambda y, mo, d, h, m, what: what,
    )


def android_korean(me="회원님"):
    return by_days(
        ["\ufeff김하늘 2 님과 카카오톡 대화", "저장한 날짜 : 2025년 1월 5일 오전 11:29", "", ""],
        lambda y, mo, d, h, m: ["", f"{y}년 {mo}월 {d}일 {korean(h, m)}"],
        lambda y, mo, d, h, m, who, what: f"{y}년 {mo}월 {d}일 {korean(h, m)}, {me if who == '나' else who} : {what}",
        lambda y, mo, d, h, m, what: f"{y}년 {mo}월 {d}일 {korean(h, m)}, {what}",
    )


def android_english():
    return by_days(
        ["\ufeffKakaoTalk Chats with 김하늘", "Date Saved : January 5, 2025, 1:08 PM", "", ""],
        lambda y, mo, d, h, m: ["", f"{ENGLISH[mo]} {d}, {y}, {english(h, m)}"],
        lambda y, mo, d, h, m, who, what: (
            f"{ENGLISH[mo]} {d}, {y} at {english(h, m)}, {'you' if who == '나' else who} : {what}"
        ),
        lambda y, mo, d, h, m, what: f"{ENGLISH[mo]} {d}, {y} at {english(h, m)}, {what}",
    )


def android_of_2015():
    return by_days(
        ["KakaoTalk Chats with 김하늘", "Date Saved : 1:01am, August 3, 2015", "", ""],
        lambda y, mo, d, h, m: ["", f"{joined(h, m)}, {ENGLISH[mo]} {d}, {y}"],
        lambda y, mo, d, h, m, who, what: (
            f"{joined(h, m)}, {ENGLISH[mo]} {d}, {y}, {'you' if who == '나' else who} : {what}"
        ),
        lambda y, mo, d, h, m, what: f"{joined(h, m)}, {ENGLISH[mo]} {d}, {y}, {what}",
    )


def ios_korean():
    return by_days(
        ["\ufeff김하늘과 카카오톡 대화-1.txt", "저장한 날짜 : 2025. 1. 5. 오전 12:15", "", ""],
        lambda y, mo, d, *_: ["", f"{y}년 {mo}월 {d}일 {weekday(y, mo, d)}요일"],
        lambda y, mo, d, h, m, who, what: (
            f"{y}. {mo}. {d}. {korean(h, m)}, {'회원님' if who == '나' else who} : {what}"
        ),
        lambda y, mo, d, h, m, what: f"{y}. {mo}. {d}. {korean(h, m)}: {what}",
    )


def ios_by_days():
    return by_days(
        ["팀 채팅방 카카오톡 대화", "저장한 날짜 : 2025년 1월 5일 오후 7:17", "", ""],
        lambda y, mo, d, *_: ["", f"{y}년 {mo}월 {d}일 {weekday(y, mo, d)}요일"],
        lambda y, mo, d, h, m, who, what: f"{korean(h, m)}, {who} : {what}",
        lambda y, mo, d, h, m, what: f"{korean(h, m)}, {what}",
    )


def ios_by_24_hours():
    return by_days(
        ["김하늘과 카카오톡 대화", "저장한 날짜 : 2025. 1. 5. 00:15", "", ""],
        lambda y, mo, d, *_: ["", f"{y}년 {mo}월 {d}일 {weekday(y, mo, d)}요일"],
        lambda y, mo, d, h, m, who, what: f"{y}. {mo}. {d}. {h:02}:{m:02}, {'회원님' if who == '나' else who} : {what}",
        lambda y, mo, d, h, m, what: f"{y}. {mo}. {d}. {h:02}:{m:02}: {what}",
    )


def ios_english():
    return by_days(
        ["\ufeffKakaoTalk Chats with 김하늘-1.txt", "Date Saved : Jan 5, 2025, 12:20 AM", "", ""],
        lambda y, mo, d, *_: ["", f"Thursday, {ENGLISH[mo]} {d}, {y}"],
        lambda y, mo, d, h, m, who, what: (
            f"{ENGLISH[mo][:3]} {d}, {y}, {english(h, m)}, {'You' if who == '나' else who} : {what}"
        ),
        lambda y, mo, d, h, m, what: f"{ENGLISH[mo][:3]} {d}, {y}, {english(h, m)}: {what}",
    )


def macos():
    lines = ["Date,User,Message"]
    for (y, mo, d, h, m), who, what in CHAT:
        doubled = what.replace('"', '""')
        lines.append(f'{y}-{mo:02}-{d:02} {h:02}:{m:02}:00,"{who or "김하늘"}","{doubled}"')
    return "\n".join(lines) + "\n"


LAYOUTS = [
    windows_korean,
    windows_english,
    android_korean,
    android_english,
    android_of_2015,
    ios_korean,
    ios_by_days,
    ios_by_24_hours,
    ios_english,
    macos,
]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_all_layouts_read_to_the_same_messages(layout, end):
    text = layout().replace("\n", end)
    assert looks("kakaotalk", text)
    result = read("kakaotalk", text)
    owner = result.log.subject
    told = [("나" if m.sender == owner else m.sender, m.text, m.removed) for m in result.messages]
    assert told == EXPECTED
    assert [m.time for m in result.messages] == [at(*time) for time, who, _ in CHAT if who]
    assert result.log.dropped == {"notice": 1}
    assert not result.log.noticed
    assert result.count == len(CHAT)
    assert all(m.local for m in result.messages)


def test_the_owner_of_a_telephone_is_told():
    assert read("kakaotalk", android_korean()).log.subject == "회원님"
    assert read("kakaotalk", android_korean("나")).log.subject is None
    assert read("kakaotalk", windows_korean()).log.subject is None


@pytest.mark.parametrize(
    ("written", "removed"),
    [
        ("<사진>", "photo"),
        ("(Photo)", "photo"),
        ("사진 3장", "photo"),
        ("동영상", "video"),
        ("음성메시지", "voice"),
        ("파일: 계획.hwp", "file"),
        ("File: plan.pdf", "file"),
        ("보이스톡 해요", "call"),
        ("보이스톡 0:17", "call"),
        ("페이스톡 부재중", "call"),
        ("Voice Call 1:02:03", "call"),
        ("지도: 서울 어딘가", "location"),
        ("카카오톡 프로필: 박바다", "contact"),
        ("샵검색: #날씨", "search"),
        ("톡게시판 '투표': 점심", "poll"),
        ("톡게시판 '공지': 모임", "post"),
        ("This message was deleted.", "deleted"),
        ("(이모티콘) ", "sticker"),
        (f"{'0123456789abcdef' * 4}.jpg", "photo"),
        ("", "media"),
    ],
)
def test_what_is_not_here_cuts(written, removed):
    text = f"2025년 1월 2일 오후 2:30, 김하늘 : {written}\n2025년 1월 2일 오후 2:31, 나 : 응\n"
    result = read("kakaotalk", text)
    assert [m.removed for m in result.messages] == [removed, ""]
    assert not result.log.dropped


@pytest.mark.parametrize(
    "text", ["사진 봤어?", "보이스톡 하자", "선물", "투표: 누구?", "photo of us", "이건 파일: 아님"]
)
def test_what_people_write_themselves_stays(text):
    result = read("kakaotalk", f"2025. 10. 23. 오후 2:30, 김하늘 : {text}\n")
    assert result.texts == [text]


def test_an_emoticon_before_words_goes():
    assert read("kakaotalk", "2025. 10. 23. 14:30, 김하늘 : (이모티콘) 하하\n").texts == ["하하"]


def test_a_day_and_a_time_within_a_message_stay_text_and_are_told():
    text = (
        "2025. 10. 23. 14:30, 김하늘 : 모임\n2025년 10월 30일 목요일\n\n오후 2:30 강남\n2025년 10월 31일 금요일\n"
        "\n2025년 10월 24일 금요일\n2025. 10. 24. 09:00, 나 : 응\n2025년 11월 1일 토요일\n"
    )
    result = read("kakaotalk", text)
    assert result.texts == [
        "모임\n2025년 10월 30일 목요일\n\n오후 2:30 강남\n2025년 10월 31일 금요일",
        "응\n2025년 11월 1일 토요일",
    ]
    assert result.log.noticed == {"inside_another": 3}


def test_a_bar_of_an_earlier_day_is_no_day():
    text = (
        "--------------- 2025년 1월 2일 목요일 ---------------\n[가] [오후 2:30] 이것 봐\n"
        "--------------- 2024년 5월 2일 목요일 ---------------\n[나] [오후 2:31] 응\n"
    )
    result = read("kakaotalk", text)
    assert {m.time for m in result.messages} == {at(2025, 1, 2, 14, 30), at(2025, 1, 2, 14, 31)}
    assert result.log.noticed == {"inside_another": 1}


def test_names_with_brackets_and_colons():
    text = "--------------- 2025년 1월 2일 목요일 ---------------\n[[방장] a:b] [오후 2:30] [공지] 안녕 : )\n"
    assert [(m.sender, m.text) for m in read("kakaotalk", text).messages] == [("[방장] a:b", "[공지] 안녕 : )")]


def test_a_quotation_mark_that_is_never_closed_swallows_nobody():
    text = 'Date,User,Message\n2025-01-02 10:00:00,"가","열림\n2025-01-02 10:01:00,"나","닫힘"\n'
    assert read("kakaotalk", text).texts == ['"열림', "닫힘"]


def test_notices_of_computers_stand_alone_and_of_tables_under_a_name():
    text = "--------------- 2025년 1월 2일 목요일 ---------------\n[가] [오후 2:30] 응\n나님이 나갔습니다.\n더\n"
    result = read("kakaotalk", text)
    assert (result.texts, dict(result.log.dropped)) == (["응\n더"], {"notice": 1})
    rows = ["Date,User,Message", '2025-01-02 10:00:00,"Ann","Ann invited Bo and Cy."']
    table = "\n".join([*rows, '2025-01-02 10:00:01,"Bo","Ann left the chat"'])
    result = read("kakaotalk", table)
    assert (result.texts, dict(result.log.dropped)) == (["Ann left the chat"], {"notice": 1})


@pytest.mark.parametrize(
    "line",
    [
        "[] [20:35] 시스템 알림",
        "2021년 12월 29일 오후 8:35,  : 시스템 알림",
        "2018. 11. 1. 오후 6:39: sehan님을 내보냈습니다.",
        '2021-12-29 20:37:30,"","시스템 알림"',
        '2021-12-29 20:40:45,"나","수아 has been removed from this chatroom."',
        '2021-12-29 20:40:45,시스템,"수아님이 들어왔습니다."',
    ],
)
def test_what_nobody_says_is_a_notice(line):
    result = read("kakaotalk", line)
    assert (result.messages, dict(result.log.dropped)) == ([], {"notice": 1})


@pytest.mark.parametrize(
    "line",
    [
        '2021-12-29 20:36:00,"가","x"\n,"","The message has been deleted."',
        "2018. 11. 1. 18:39, 가 : x\n2018. 11. 1. 18:40: 채팅방 관리자가 메시지를 가렸습니다.",
    ],
)
def test_a_message_that_somebody_deleted_cuts(line):
    assert [m.removed for m in read("kakaotalk", line).messages] == ["", "deleted"]


def test_titles_of_telephones_in_english():
    text = "Talk_2026.4.25 10:20-1.txt\nDate Saved : Apr 25, 2026 at 10:38\n\n\nWednesday, December 31, 2014\n"
    text += "Dec 31, 2014 at 19:12: Ann invited iPad .\nDec 31, 2014 at 19:12, Ann : hello\nmore\n"
    assert looks("kakaotalk", text)
    result = read("kakaotalk", text)
    assert (result.texts, dict(result.log.dropped)) == (["hello\nmore"], {"notice": 1})


@pytest.mark.parametrize("text", ["", "KakaoTalk Chats with A\nDate Saved : x\n", "hello\n", "Date,User,Message\n"])
def test_without_a_message_it_is_damaged(text):
    with pytest.raises(BadData, match="not a KakaoTalk export"):
        read("kakaotalk", text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "12/31/20, 23:55 - Ana: hola\n12/31/20, 23:56 - Bea: hi\n",
        "[2020. 12. 31. 오전 12:05:07] Ana: hola\n[2020. 12. 31. 오전 12:05:09] Ana: hola\n",
        "2020. 12. 31. 오후 11:55 - Ana: hola\n2020. 12. 31. 오후 11:56 - Ana: hola\n",
        "Ann: hello\nBo: hi\n",
        "[LINE] Hana님과의 대화\n2021/01/02(토)\n10:00\tHana\thi\n",
        "[Ann] [loudly] hello\n[Bo] [softly] hi\n",
        '{"messages": []}',
        "Date,User,Message,Other\n1,2,3,4\n",
    ],
)
def test_others_are_not_taken(text):
    assert not looks("kakaotalk", text)


@pytest.mark.parametrize("layout", [windows_korean, android_english, ios_korean, macos])
def test_damage_raises_nothing_else_and_loses_nothing(layout):
    rng = random.Random(7)
    sample = layout()
    pieces = [
        *'\n",:[] ',
        " : ",
        "오후 2:30",
        "2025년 1월 9일 목요일\n",
        "[a] [오전 1:00] ",
        "Date,User,Message\n",
        "<",
        "\ufeff",
    ]
    for _ in range(150):
        text = sample
        for _ in range(rng.randrange(1, 6)):
            place = rng.randrange(len(text) + 1)
            text = text[:place] + rng.choice(pieces) + text[place + rng.choice([0, 0, 1, 3, 40]) :]
        try:
            result = read("kakaotalk", text)
        except AigcError:
            continue
        assert sum(len(m.text) for m in result.messages) <= len(text)
        assert result.count > 0


@pytest.mark.parametrize("line", ["1" * 50_000, " " * 50_000, "[" * 50_000, "-" * 50_000, "] [" * 20_000, '"' * 50_001])
@pytest.mark.parametrize(
    "head", ["[가] [오후 2:30] 응", "2025. 10. 23. 14:30, 가 : 응", '2025-01-02 10:00:00,"가","응"']
)
def test_long_lines_are_read_at_once(head, line):
    read("kakaotalk", f"{head}\n{line}\n{head}{line}\n{line[:200]} : {line}\n")
