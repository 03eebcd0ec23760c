"""WhatsApp's exports in the layouts of its systems and languages: every line is a message, part of one, or counted."""

import random
from datetime import UTC, datetime

import pytest

from aigc_cli.core.errors import BadData, UsageProblem
from aigc_cli.data.chat.readers import whatsapp_phrases as phrases
from tests.data.chat.readers.driving import looks, read_found
from tests.data.chat.readers.driving import read as drive

LRM, NNBSP = "\u200e", "\u202f"


def read(text, **options):
    return drive("whatsapp", text, **options)


def told(text, **options):
    """Return (sender, text) of each message with text."""
    return [(message.sender, message.text) for message in read(text, **options).messages if message.text]


def at(*numbers):
    return datetime(*numbers, tzinfo=UTC).timestamp()


HEADS = [
    ("12/31/20, 23:55 - ", (2020, 12, 31, 23, 55)),
    ("31/12/2020, 23:55 - ", (2020, 12, 31, 23, 55)),
    ("31.12.20, 23:55 - ", (2020, 12, 31, 23, 55)),
    ("[31.12.20, 23:55:07] ", (2020, 12, 31, 23, 55, 7)),
    (f"[12/31/20, 11:55:07{NNBSP}PM] ", (2020, 12, 31, 23, 55, 7)),
    (f"12/31/20, 11:55{NNBSP}PM - ", (2020, 12, 31, 23, 55)),
    ("31/12/20, 11:55 p. m. - ", (2020, 12, 31, 23, 55)),
    (f"31/12/20, 12:05{NNBSP}a.{NNBSP}m. - ", (2020, 12, 31, 0, 5)),
    ("31/12/20, 12:05 pm - ", (2020, 12, 31, 12, 5)),
    ("2020/12/31 下午11:55 - ", (2020, 12, 31, 23, 55)),
    ("[2020/12/31 上午12:05:07] ", (2020, 12, 31, 0, 5, 7)),
    ("[2020/12/31 凌晨1:05:07] ", (2020, 12, 31, 1, 5, 7)),
    ("[2020/12/31 中午12:05:07] ", (2020, 12, 31, 12, 5, 7)),
    ("[2020/12/31 晚上11:05:07] ", (2020, 12, 31, 23, 5, 7)),
    ("2020年12月31日 下午11:55 - ", (2020, 12, 31, 23, 55)),
    ("2020/12/31 23:55 - ", (2020, 12, 31, 23, 55)),
    ("2020. 12. 31. 오후 11:55 - ", (2020, 12, 31, 23, 55)),
    ("[2020. 12. 31. 오전 12:05:07] ", (2020, 12, 31, 0, 5, 7)),
    ("2020-12-31 23:55 - ", (2020, 12, 31, 23, 55)),
    ("31-12-2020 23:55 - ", (2020, 12, 31, 23, 55)),
    ("31.12.2020 klo 23.55 - ", (2020, 12, 31, 23, 55)),
    ("31/12/2020 à 23:55 - ", (2020, 12, 31, 23, 55)),
    ("31.12.2020, 23:55 Uhr - ", (2020, 12, 31, 23, 55)),
    ("2020. 12. 31. 23:55 - ", (2020, 12, 31, 23, 55)),
    ("31/12/20 23:55:07: ", (2020, 12, 31, 23, 55, 7)),
    ("٣١/١٢/٢٠٢٠، ١١:٥٥ م - ", (2020, 12, 31, 23, 55)),
    ("31.12.2020 ÖS 11:55 - ", (2020, 12, 31, 23, 55)),
    ("31/12/2020 11:55 μ.μ. - ", (2020, 12, 31, 23, 55)),
    (f"{LRM}[31/12/2020, 23:55:07] ", (2020, 12, 31, 23, 55, 7)),
]


@pytest.mark.parametrize(("head", "time"), HEADS)
def test_dates_and_times_of_every_system_and_language(head, time):
    text = f"{head}Ana: hola\n{head}Bea: 你好: two: colons\nand a second line\n\n{head}Ana:.\n"
    assert looks("whatsapp", text)
    messages = read(text).messages
    assert [(m.sender, m.text) for m in messages] == [
        ("Ana", "hola"),
        ("Bea", "你好: two: colons\nand a second line"),
        ("Ana", "."),
    ]
    assert {m.time for m in messages} == {at(*time)}
    assert all(m.local for m in messages)


def test_the_order_of_day_and_month_is_that_of_the_whole_file():
    european = "1/2/21, 10:00 - A: x\n2/2/21, 10:00 - B: x\n13/2/21, 10:00 - A: x"
    american = "1/2/21, 10:00 - A: x\n2/13/21, 10:00 - B: x"
    assert next(m.time for m in read(european).messages) == at(2021, 2, 1, 10)
    assert next(m.time for m in read(american).messages) == at(2021, 1, 2, 10)
    backwards = "12/9/20, 10:00 - A: x\n1/10/20, 10:00 - B: x"  # December, then January of that year: no
    assert [m.time for m in read(backwards).messages] == [at(2020, 9, 12, 10), at(2020, 10, 1, 10)]
    dots = "1.2.21, 10:00 - A: x\n2.2.21, 10:00 - B: x"
    assert next(m.time for m in read(dots).messages) == at(2021, 2, 1, 10)
    assert next(m.time for m in read("5/5/21, 10:00 - A: x\n6/6/21, 9:00 - B: x").messages) == at(2021, 5, 5, 10)


def test_an_order_that_cannot_be_told_is_asked_for():
    text = "1/2/21, 10:00 - A: x\n2/2/21, 10:00 - B: x"
    with pytest.raises(UsageProblem, match=r"--dates dmy\|mdy") as caught:
        read(text)
    assert "ymd" not in str(caught.value)
    assert read(text, dates="mdy").messages[1].time == at(2021, 2, 2, 10)
    assert read(text, dates="dmy").messages[0].time == at(2021, 2, 1, 10)


def test_one_line_that_only_looks_like_a_date_does_not_turn_the_order():
    lines = [f"{day}/1/21, 10:00 - A: x" for day in range(1, 32)]
    lines.insert(3, "12/25/20, 10:00 - B: pasted from elsewhere")
    log = read("\n".join(lines))
    assert log.messages[0].time == at(2021, 1, 1, 10)
    assert log.noticed == {"inside_another": 1}
    assert log.messages[2].text == "x\n12/25/20, 10:00 - B: pasted from elsewhere"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("<Media omitted>", "media"),
        (f"{LRM}image omitted", "media"),
        ("<Medien ausgeschlossen>", "media"),
        ("<Multimedia omitido>", "media"),
        ("<Mídia oculta>", "media"),
        ("<Без медиафайлов>", "media"),
        ("<省略多媒体文件>", "media"),
        ("‎忽略图片", "media"),
        ("IMG-20210315-WA0001.jpg (file attached)", "photo"),
        ("VID-20210315-WA0001.mp4 (Datei angehängt)", "video"),
        ("PTT-20210315-WA0001.opus (archivo adjunto)", "voice"),
        ("STK-20210315-WA0001.webp (文件附件)", "sticker"),
        ("Ana Gómez.vcf (file attached)", "contact"),
        (f"{LRM}<attached: 00000012-PHOTO-2021-03-15-10-00-00.jpg>", "photo"),
        (f"{LRM}<adjunto: 00000012-AUDIO-2021-03-15-10-00-00.opus>", "voice"),
        ("contract.pdf (file attached)", "file"),
        ("This message was deleted", "deleted"),
        (f"{LRM}You deleted this message.", "deleted"),
        ("This message was deleted by admin Bea", "deleted"),
        ("Diese Nachricht wurde gelöscht.", "deleted"),
        ("Se eliminó este mensaje.", "deleted"),
        ("此訊息已刪除", "deleted"),
        (f"{LRM}Missed voice call", "call"),
        ("Missed voice call", "call"),
        ("未接语音通话", "call"),
        (f"{LRM}POLL:\nWhen?\n{LRM}OPTION: Friday (2 votes)\n{LRM}OPTION: Sunday (0 votes)", "poll"),
        (f"{LRM}Location: https://maps.google.com/?q=1.2,3.4", "location"),
        ("location: https://maps.google.com/?q=1.2,3.4", "location"),
        ("null", "view_once"),
        ("", "view_once"),
        (f"{LRM}You received a view once message.", "media"),
    ],
)
def test_what_nobody_wrote_cuts_and_is_counted(body, kind):
    log = read(f"31/12/20, 10:00 - A: before\n31/12/20, 10:01 - B: {body}\n31/12/20, 10:02 - A: after")
    assert [(m.sender, m.text, m.removed) for m in log.messages] == [
        ("A", "before", ""),
        ("B", "", kind),
        ("A", "after", ""),
    ]
    assert log.left_out == {kind: 1}


@pytest.mark.parametrize(
    "body",
    [
        "I omitted the media",
        "was this message was deleted?",
        "call me",
        "null and void",
        "see a.b (sic)",
        "<3",
        "<b>hi</b>",
        "edited",
    ],
)
def test_what_somebody_wrote_is_kept(body):
    log = read(f"31/12/20, 10:00 - A: {body}\n31/12/20, 10:01 - B: x")
    assert log.messages[0].text == body
    assert not log.dropped


@pytest.mark.parametrize(
    ("body", "caption"),
    [
        ("IMG-20210315-WA0001.jpg (file attached)\nlook at\nthis", "look at\nthis"),
        ("<Media omitted>\nlook at this", "look at this"),
        (f"look at this {LRM}image omitted", "look at this"),
        (f"look at this {LRM}<attached: 00000012-PHOTO.jpg>", "look at this"),
        (f"I meant Tuesday {LRM}<This message was edited>", "I meant Tuesday"),
        ("quise decir el martes <Se editó este mensaje.>", "quise decir el martes"),
        (f"hi @\u2068Bea\u2069{LRM}", "hi @Bea"),
    ],
)
def test_captions_edits_and_mentions_are_words(body, caption):
    assert told(f"31/12/20, 10:00 - A: {body}\n31/12/20, 10:01 - B: x")[0] == ("A", caption)


@pytest.mark.parametrize(
    "notice",
    [
        "Messages and calls are end-to-end encrypted. Tap to learn more.",
        "Los mensajes y las llamadas están cifrados: nadie fuera de este chat puede leerlos.",
        'Alice created group "Some cool: group chat"',
        'Alice Smith changed the subject from "a: b" to "c"',
        "Alice added you",
        "小明创建了群组",
    ],
)
def test_notices_are_nobody_s_words(notice):
    log = read(f"31/12/20, 10:00 - {notice}\n31/12/20, 10:01 - A: hi\n31/12/20, 10:01 - B: hi\n31/12/20, 10:01 - A: ho")
    assert [m.sender for m in log.messages] == ["A", "B", "A"]
    assert log.dropped == {"notice": 1}


def test_names_are_those_that_are_seen():
    text = f"[31/12/20, 10:00:00] ~{NNBSP}Bea 🦊: x\n[31/12/20, 10:00:00] \u202a+44 7700 900123\u202c: y\n"
    text += "[31/12/20, 10:00:00] Jose\u0301: z\n[31/12/20, 10:00:00] José: z"
    assert [name for name, _ in told(text)] == ["Bea 🦊", "+44 7700 900123", "José", "José"]


def test_what_comes_before_the_first_message_is_counted():
    log = read("Chat history\n\n31/12/20, 10:00 - A: hi")
    assert log.dropped == {"before_the_first": 1}


@pytest.mark.parametrize(
    "text", ["hello", "12:30 - ok", "31/12/20 was a day", "A: hi\nB: ho", "31/12/20, 10:00 - notice alone"]
)
def test_other_texts_are_none(text):
    assert not looks("whatsapp", text)
    with pytest.raises(BadData):
        read(text)


def test_every_phrase_is_found_and_no_list_holds_another_s():
    lists = {
        "OMITTED": phrases.IS_OMITTED,
        "DELETED": phrases.IS_DELETED,
        "EDITED": phrases.IS_EDITED,
        "ATTACHED": phrases.IS_ATTACHED,
        "CALLS": phrases.IS_CALL,
    }
    for name, pattern in lists.items():
        for phrase in getattr(phrases, name):
            example = phrases.folded(phrase).replace("…", "Bea")
            assert pattern.fullmatch(example), phrase
            others = [other for other, theirs in lists.items() if other != name and theirs.fullmatch(example)]
            assert not others, (phrase, others)


@pytest.mark.parametrize("seed", range(30))
def test_every_line_is_read_merged_or_counted(seed):
    """Conservation: messages with text, removed ones and notices are the heads; other lines go on or are counted."""
    source = random.Random(seed)
    head = source.choice(HEADS)[0]
    heads = 0
    lines, expected = [], []
    for number in range(60):
        kind = source.choice(["message", "more", "blank", "notice", "media", "foreign"])
        if kind in ("more", "foreign", "blank") or not lines:
            line = {"foreign": "1/1/20 8:00 said: he", "blank": ""}.get(kind, f"more {number}")
            if expected and expected[-1] is not None:
                expected[-1] += f"\n{line}"
        else:
            heads += 1
            line = head + {"message": f"A: text {number}", "notice": "Bea left", "media": "B: <Media omitted>"}[kind]
            expected.append({"message": f"text {number}", "notice": None, "media": ""}[kind])
        lines.append(line)
    lines.append(f"{head}C: last")
    log = read("\n".join(lines))
    messages = log.messages
    words = [text.strip() for text in expected if text is not None]
    assert [m.text for m in messages] == [*words, "last"]
    assert [m.removed for m in messages] == ["" if text else "media" for text in words] + [""]
    assert len(messages) + log.dropped["notice"] == heads + 1


def test_an_export_is_known_by_looking_and_told_the_order_and_the_zone():
    text = "1/2/21, 10:00 - A: hi\n1/2/21, 10:01 - B: ho\n"
    log = read_found(text.encode(), "x.txt", dates="mdy", zone="+01:00")
    assert log.format == "whatsapp"
    assert [(m.time, m.local) for m in log.messages] == [
        (at(2021, 1, 2, 9), False),
        (at(2021, 1, 2, 9, 1), False),
    ]
    with pytest.raises(UsageProblem, match="--dates"):
        read_found(text.encode(), "x.txt")
    assert read_found(b"Ann: hi\nBob: ho\n", "x.txt").format == "script"


def test_a_line_of_a_date_and_a_great_many_spaces_is_read_at_once():
    line = "12/31/20" + NNBSP * 50_000 + "- A: x"
    assert not looks("whatsapp", line)
    assert [m.text for m in read(f"12/31/20, 10:00 - A: hi\n{line}").messages] == [f"hi\n{line}"]
