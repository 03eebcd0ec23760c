"""Mailboxes: who wrote what in which thread, and nothing of what they quoted or of what machines sent."""

import base64
import json
import random
from datetime import UTC, datetime

import pytest

from aigc_cli.config.prepare_chat import PrepareChatSettings
from aigc_cli.core.errors import AigcError, BadData
from aigc_cli.core.screen.progress import SilentProgress
from aigc_cli.data.chat.prepare import prepare_chat
from aigc_cli.data.chat.readers.mail import mails
from aigc_cli.data.chat.readers.mail_html import LONGEST, text_of_html
from aigc_cli.data.chat.readers.mail_words import own_words
from tests.data.chat.readers.driving import export_of, looks, read, reader_of

MIA, TOM = "Mia Halm <mia@example.org>", "=?utf-8?q?Tom_J=C3=B6rg?= <Tom@Example.com>"


def at(*numbers):
    return datetime(*numbers, tzinfo=UTC).timestamp()


def mail(sender, body, identity, *, date="Tue, 02 Jan 2024 10:00:00 +0100", envelope=True, **headers):
    """Return one mail of a mailbox; `headers` in Python's spelling, with _ for -."""
    lines = [f"From {identity}@xxx Tue Jan 02 09:00:00 +0000 2024"] if envelope else []
    lines += [f"From: {sender}"] if sender else []
    lines += [f"Message-ID: <{identity}@mail>", f"Date: {date}", "MIME-Version: 1.0"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\n".join([*lines, "", body, "", ""])


def box(*mails):
    return "".join(mails)


def words(body, **headers):
    """Return what was read of the one mail with a body, and why nothing was."""
    (message,) = read("mbox", mail(MIA, body, "a", **headers)).messages
    return message.text or message.removed


def multipart(kind, *parts, boundary="=_b"):
    return f"--{boundary}\n" + f"\n--{boundary}\n".join(parts) + f"\n--{boundary}--\n", {
        "Content_Type": f'multipart/{kind}; boundary="{boundary}"'
    }


def test_a_thread_is_a_chat_with_its_people_times_and_answers():
    log, messages = read(
        "mbox",
        box(
            mail(TOM, "Kommst du heute?", "a", Subject="Essen"),
            mail(MIA, "Ja!\n\nAm 02.01.24 um 10:00 schrieb Tom:\n> Kommst du heute?", "b", In_Reply_To="<a@mail>"),
            mail(
                TOM, "fein", "c", References="<a@mail>\n <b@mail>", In_Reply_To="<b@mail>", date="2 Jan 2024 11:00 GMT"
            ),
            mail(TOM, "anderes", "d"),
        ),
    )
    assert [(message.chat, message.sender, message.text) for message in messages] == [
        ("a@mail", "tom@example.com", "Kommst du heute?"),
        ("a@mail", "mia@example.org", "Ja!"),
        ("a@mail", "tom@example.com", "fein"),
        ("d@mail", "tom@example.com", "anderes"),
    ]
    assert [message.reply_to for message in messages] == ["", "a@mail", "b@mail", ""]
    assert [message.number for message in messages] == ["a@mail", "b@mail", "c@mail", "d@mail"]
    assert [message.time for message in messages[1:3]] == [at(2024, 1, 2, 9), at(2024, 1, 2, 11)]
    assert log.names == {"tom@example.com": "Tom Jörg", "mia@example.org": "Mia Halm"}
    assert log.keys == {"a@mail": "a@mail", "d@mail": "d@mail"}


def test_gmail_tells_threads_and_whose_the_box_is():
    labels = "=?UTF-8?Q?Wichtig,Gesendet?="
    log, messages = read(
        "mbox",
        box(
            mail(MIA, "two", "b", X_GM_THRID="17", X_Gmail_Labels=labels, References="<other@mail>"),
            mail(TOM, "one", "a", X_GM_THRID="17", X_Gmail_Labels="Posteingang"),
        ),
    )
    assert {message.chat for message in messages} == {"17"}
    assert log.subject == "mia@example.org"
    delivered = [mail(TOM, "one", "a", Delivered_To="MIA@example.org"), mail(MIA, "two", "b")]
    assert read("mbox", box(*delivered)).log.subject == "mia@example.org"
    assert read("mbox", box(mail(TOM, "one", "a"), mail(MIA, "two", "b"))).log.subject is None


NOT_SENT_TO_SOMEBODY = [
    ({"List_Id": "<news.example.com>"}, "automatic"),
    ({"List_Unsubscribe": "<mailto:x@example.com>"}, "automatic"),
    ({"Auto_Submitted": "auto-replied"}, "automatic"),
    ({"Precedence": "bulk"}, "automatic"),
    ({"Content_Type": 'multipart/report; boundary="x"'}, "automatic"),
    ({"Content_Type": "text/calendar; method=REPLY"}, "automatic"),
    ({"X_Gmail_Labels": "Spam"}, "spam"),
    ({"X_Gmail_Labels": "Chat"}, "unknown"),
    ({"X_Gmail_Labels": "=?UTF-8?B?6I2J56i/?="}, "draft"),
    ({"X_Mozilla_Status": "0009"}, "deleted"),
]


@pytest.mark.parametrize(("headers", "reason"), NOT_SENT_TO_SOMEBODY)
def test_what_nobody_sent_to_somebody_is_left_out_and_counted(headers, reason):
    result = read("mbox", box(mail(MIA, "buy!", "a", **headers), mail(MIA, "hello", "b")))
    assert result.log.dropped == {reason: 1}
    assert result.texts == ["hello"]


def test_machines_mails_without_sender_and_second_copies_are_left_out():
    result = read(
        "mbox",
        {
            "All mail.mbox": box(
                mail("Shop <no-reply@example.com>", "buy!", "a"),
                mail("", "hm", "b"),
                mail(MIA, "hello", "c"),
                mail(MIA, "yes", "d", Auto_Submitted="no"),
            ),
            "Sent.mbox": mail(MIA, "hello", "c"),
        },
    )
    assert result.log.dropped == {"automatic": 1, "without_sender": 1, "duplicate": 1}
    assert result.texts == ["hello", "yes"]


QUOTED = [
    "On Tue, Jan 2, 2024 at 10:00 AM Tom Jörg <tom@example.com> wrote:",
    "On Tue, Jan 2, 2024 at 10:00 AM Tom Jörg\n<tom@example.com> wrote:",
    "Am 02.01.2024 um 10:00 schrieb Tom Jörg:",
    "Am Di., 2. Jan. 2024 um 10:00 Uhr schrieb Tom Jörg <\ntom@example.com>:",
    "Le mar. 2 janv. 2024 à 10:00, Tom Jörg <tom@example.com> a écrit :",
    "El mar, 2 ene 2024 a las 10:00, Tom Jörg (<tom@example.com>) escribió:",
    "Il giorno mar 2 gen 2024 alle ore 10:00 Tom Jörg <tom@example.com> ha\nscritto:",
    "Em ter., 2 de jan. de 2024 às 10:00, Tom Jörg <tom@example.com>\nescreveu:",
    "Op di 2 jan 2024 om 10:00 schreef Tom Jörg <tom@example.com>:",
    "Den tis 2 jan. 2024 kl 10:00 skrev Tom Jörg <tom@example.com>:",
    "wt., 2 sty 2024 o 10:00 Tom Jörg <tom@example.com> napisał(a):",
    "út 2. 1. 2024 v 10:00 odesílatel Tom Jörg <tom@example.com> napsal:",
    "вт, 2 янв. 2024 г. в 10:00, Tom Jörg <tom@example.com>:",
    "2 января 2024 г., 10:00, Tom Jörg <tom@example.com> написал:",
    "Tom Jörg <tom@example.com>, 2 Oca 2024 Sal, 10:00 tarihinde şunu yazdı:",
    "Tom Jörg <tom@example.com> 于2024年1月2日周二 10:00写道：",
    "在 2024年1月2日，10:00，Tom Jörg <tom@example.com> 写道：",
    "在2024-01-02 10:00:00，Tom Jörg写道：",
    'At 2024-01-02 10:00:00, "Tom Jörg" <tom@example.com> wrote:',
    "Tom Jörg <tom@example.com> 於 2024年1月2日 週二 上午10:00寫道：",
    "2024年1月2日(火) 10:00 Tom Jörg <tom@example.com>:",
    "2024年1月2日 (화) 오전 10:00, Tom Jörg <tom@example.com>님이 작성:",
    "Vào Th 3, 2 thg 1, 2024 vào lúc 10:00 Tom Jörg <tom@example.com> đã viết:",
    "---- On Tue, 02 Jan 2024 10:00:00 +0100 Tom Jörg <tom@example.com> wrote ----",
]


@pytest.mark.parametrize("introduction", QUOTED)
@pytest.mark.parametrize("mark", ["> ", ""])
def test_a_quotation_is_not_what_its_sender_wrote(introduction, mark):
    assert words(f"Ja, gern!\nBis dann\n\n{introduction}\n\n{mark}Kommst du heute?\n{mark}Tom") == "Ja, gern!\nBis dann"


HEADERS = [
    "-----Original Message-----\nFrom: Tom\nSent: Tuesday",
    "-----Ursprüngliche Nachricht-----\nVon: Tom",
    '------------------ 原始邮件 ------------------\n发件人: "Tom" <tom@example.com>;',
    "________________________________\nFrom: Tom Jörg <tom@example.com>\nSent: Tuesday, January 2, 2024 10:00\nTo: Mia",
    "*Von:* Tom Jörg\n*Gesendet:* Dienstag, 2. Januar 2024 10:00\n*An:* Mia\n*Betreff:* Essen",
    "De : Tom Jörg\nEnvoyé : mardi 2 janvier 2024 10:00\nÀ : Mia\nObjet : Essen",
    "发件人： Tom\n发送时间： 2024年1月2日 10:00\n收件人： Mia\n主题： 晚饭",
    "差出人: Tom\n送信日時: 2024年1月2日 10:00\n宛先: Mia\n件名: 夕食",
    "보낸 사람: Tom\n보낸 날짜: 2024년 1월 2일\n받는 사람: Mia\n제목: 저녁",
]


@pytest.mark.parametrize("headers", HEADERS)
def test_headers_of_an_older_mail_end_what_was_written(headers):
    assert words(f"Ja, gern!\n\n{headers}\n\nKommst du heute?") == "Ja, gern!"


def test_words_between_quotations_are_kept():
    body = (
        "On 2 Jan 2024, at 10:00, Tom wrote:\n\n> Tea?\n\nYes\n\n> Cake?\n> Scones?\n\nNo >:(\n>_<\n\n-- \nMia\n+49 123"
    )
    assert words(body) == "Yes\n\n\nNo >:(\n>_<"


SIGNED = [
    "-- \nMia\nMarine biologist",
    "Sent from my iPhone",
    "Sent from my Galaxy",
    "Get Outlook for iOS<https://aka.ms/o0ukef>",
    "Von meinem iPhone gesendet",
    "Diese Nachricht wurde von meinem Android-Mobiltelefon mit GMX Mail gesendet.",
    "Envoyé de mon iPhone",
    "Enviado desde mi iPhone",
    "Inviato da iPhone",
    "Verstuurd vanaf mijn iPhone",
    "Skickat från min iPhone",
    "Отправлено с iPhone",
    "发自我的iPhone",
    "發自我的 iPhone",
    "iPhoneから送信",
    "나의 iPhone에서 보냄",
]


@pytest.mark.parametrize("signature", SIGNED)
def test_signatures_are_taken_off(signature):
    assert words(f"See you there\n\n{signature}") == "See you there"


@pytest.mark.parametrize(
    "body",
    [
        "Sent from my desk, which is easier, I wrote: nothing.\nMore to come",
        "On the other hand we could stay.\nOn Monday she wrote a letter.",
        "From: London, to: Paris. What a trip",
        "He wrote at 10:30:\nno words at all",
        "a -- b",
        "Points:\n-- one\n-- two",
        "Am Ende schrieb ich nichts.\nDie Zeit: 10:30",
    ],
)
def test_what_only_looks_like_a_quotation_or_a_signature_stays(body):
    assert words(body) == body


def test_what_is_passed_on_is_not_the_senders():
    assert words("Look!\n\n---------- Forwarded message ---------\nFrom: X\n\nold news") == "Look!"
    assert words("---------- Forwarded message ---------\nFrom: X\n\nold news") == "forwarded"
    assert words("Anfang der weitergeleiteten Nachricht:\n\n> Von: X\n> alt") == "forwarded"
    assert words("---------- 转发的邮件 ---------\n发件人: X") == "forwarded"


HTML = (
    "<html><head><style>p{}</style></head><body><p>Hi&nbsp;Tom &amp; Ann,<br>see you there<div>Mia</div>"
    '<div class="gmail_signature">Dr. Mia</div><div class="gmail_quote"><div class="gmail_attr">On Tue Tom wrote:<br>'
    "</div><blockquote>Coming?<div>or not</div></blockquote></div></body></html>"
)


def test_html_becomes_text_without_what_is_marked_as_quoted():
    assert words(HTML, Content_Type="text/html; charset=utf-8") == "Hi Tom & Ann,\nsee you there\nMia"
    outlook = '<div>Yes</div><div id="appendonsend"></div><hr><div id="divRplyFwdMsg">From: Tom</div><div>Coming?</div>'
    assert words(outlook, Content_Type="text/html") == "Yes"
    apple = '<div>Yes</div><blockquote type="cite"><div>Coming?</div></blockquote><div>And Ann?</div>'
    assert words(apple, Content_Type="text/html").split() == ["Yes", "And", "Ann?"]


def test_a_head_that_nobody_closed_ends_where_the_body_begins():
    assert text_of_html("<head><title>x</title><style>p{}</style><body>hello<pre>a  b\nc</pre>").split("\n") == [
        "hello",
        "a  b",
        "c",
        "",
    ]


def test_brackets_that_nobody_closes_take_no_time():
    for piece in ("<!--", "<", "<a ", '<a b="', "</", "<![", "&#", "<div>", "<div></b>", "<script>"):
        assert len(text_of_html(piece * (1 << 15))) <= LONGEST
    for line in ("-- ", "--", "> ", "On 2 Jan 2024 ", "From: a", "Sent from my ", "On Tue, 1:00 wrote", "@" * 99):
        assert len(own_words(f"{line}\n" * (1 << 13)).text) <= len(line + "x") << 13


def test_plain_text_is_preferred_unless_nothing_is_in_it():
    body, headers = multipart("alternative", "Content-Type: text/plain\n\nplain", f"Content-Type: text/html\n\n{HTML}")
    assert words(body, **headers) == "plain"
    body, headers = multipart("alternative", "Content-Type: text/plain\n\n \n", "Content-Type: text/html\n\n<p>rich")
    assert words(body, **headers) == "rich"


def test_parts_within_parts_and_what_stands_around_them():
    inner, headers = multipart(
        "alternative", "Content-Type: text/plain\n\none", "Content-Type: text/html\n\n<b>1", boundary="in"
    )
    nested = f"Content-Type: {headers['Content_Type']}\n\npreamble\n{inner}epilogue"
    body, headers = multipart("mixed", nested, "Content-Type: text/html\n\n<p>two")
    assert words(f"This is MIME.\n{body}\nepilogue", **headers) == "one\ntwo"
    unclosed = body.replace("--in--\n", "")
    assert words(unclosed, **headers) == "one\ntwo"


def test_flowed_lines_are_one_where_spaces_do_not_count():
    flowed = {"Content_Type": 'text/plain; charset=utf-8; format=flowed; delsp="yes"'}
    assert words("晚饭 \n吃什么\n> 旧的 \n> 内容", **flowed) == "晚饭吃什么"


def test_base64_that_was_cut_is_read_as_far_as_it_goes():
    whole = base64.b64encode(b"see you at ten").decode().rstrip("=")
    for cut in range(4):
        said = words(whole[: len(whole) - cut], Content_Transfer_Encoding="base64")
        assert said and "see you at ten".startswith(said) and len(said) >= 11


def test_texts_are_decoded_as_they_say_or_as_they_seem():
    def part(text, charset, way):
        data = text.encode(charset)
        body = base64.encodebytes(data).decode() if way == "base64" else "".join(f"={byte:02X}" for byte in data)
        return words(body, Content_Type=f"text/plain; charset={charset}", Content_Transfer_Encoding=way)

    assert part("晚饭吃什么？", "gb2312", "base64") == "晚饭吃什么？"
    assert part("夕食は？①", "cp932", "quoted-printable") == "夕食は？①"
    assert part("저녁 뭐 먹어?", "euc-kr", "base64") == "저녁 뭐 먹어?"
    assert part("“Grüße”", "windows-1252", "quoted-printable") == "“Grüße”"
    raw = mail(MIA, "Ärger über Öl", "a", Content_Type="text/plain; charset=x-unknown").encode("latin-1")
    assert read("mbox", raw).texts == ["Ärger über Öl"]
    raw = mail("=?gb2312?B?w7fR1A==?= <m@example.org>", "今天晚上吃什么呢", "a").encode("gb18030")
    log, messages = read("mbox", raw)
    assert (log.names["m@example.org"], messages[0].text) == ("梅言", "今天晚上吃什么呢")


def test_lines_that_begin_with_from_are_unescaped_and_no_mail_of_their_own():
    text = box(
        mail(MIA, "Hi\n\n>From here on\n>>From there\n\nFrom Paris with love\n\nFrom 10:30 on in 2024 we sail", "a"),
        mail(TOM, "ok", "b"),
    )
    result = read("mbox", text)
    assert result.texts[0].split("\n\n")[1:] == [
        "From here on",
        "From Paris with love",
        "From 10:30 on in 2024 we sail",
    ]
    assert result.log.noticed == {"inside_another": 1}
    assert result.count == 2


def test_attachments_are_passed_over_and_cut_where_nothing_is_said():
    photo = (
        "Content-Type: image/jpeg; name=x.jpg\nContent-Transfer-Encoding: base64\n\n" + "AAAA" * 19 + "\n" + "/9j/" * 19
    )
    body, headers = multipart("mixed", "Content-Type: text/plain\n\nlook", photo)
    assert words(body, **headers) == "look"
    body, headers = multipart("mixed", "Content-Type: text/plain\n\n", photo)
    assert words(body, **headers) == "photo"
    assert words("xx", Content_Type="application/pdf") == "file"
    assert words("xx", Content_Type="text/plain", Content_Disposition="attachment; filename=a.txt") == "file"
    inner = f"Content-Type: message/rfc822\n\n{mail(TOM, 'not mine', 'z', envelope=False)}"
    body, headers = multipart(
        "mixed", "Content-Type: text/plain\n\nsee below", inner, "Content-Type: text/plain\n\nbye"
    )
    assert words(body, **headers) == "see below\nbye"
    assert words("-----BEGIN PGP MESSAGE-----\n\nhQEM\n-----END PGP MESSAGE-----") == "encrypted"
    signature = "-----BEGIN PGP SIGNATURE-----\n\nxx\n-----END PGP SIGNATURE-----"
    assert words(f"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nhello\n{signature}") == "hello"


def test_who_says_all_in_the_subject_is_heard():
    assert words("", Subject="Running late, start without me") == "Running late, start without me"
    assert words("", Subject="Re: dinner") == "empty"
    assert words("", Subject="AW: dinner") == "empty"


def test_one_mail_alone_and_mailboxes_are_told_from_other_texts():
    single = mail(MIA, "hello", "a", envelope=False)
    assert read("mbox", single).texts == ["hello"]
    assert looks("mbox", single) and looks("mbox", mail(MIA, "hello", "a")) and looks("mbox", f"\n{mail(MIA, '', 'b')}")
    others = [
        "From: a\nTo: b\n\nhi",
        "1/1/21, 12:00 - A: Hi",
        "From here on\nA: b",
        "",
        '{"messages": []}',
        "A: From b\nB: c",
    ]
    assert not any(looks("mbox", other) for other in others)
    with pytest.raises(BadData, match="no mailbox"):
        read("mbox", "hello\nworld\n")


def test_mailboxes_of_a_folder_are_read_as_one():
    gather = reader_of("mbox").gather
    assert list(gather(["Inbox", "Inbox.msf", "Sent", "Sent.msf", "readme"])) == [["Inbox", "Sent"]]
    assert list(gather(["Takeout/Mail/All mail.mbox", "chat.json"])) == [["Takeout/Mail/All mail.mbox"]]
    assert list(gather(["x/Inbox", "x/Sent", "x/a.txt"])) == [["x/Inbox", "x/Sent"]]
    assert list(gather(["a.txt"])) == []


def test_of_a_huge_mail_the_beginning_of_its_text_is_kept():
    body, headers = multipart(
        "mixed", "Content-Type: text/plain\n\n" + "so it is\n" * 300_000, "Content-Type: x/y\n\n" + "A" * 9_000_000
    )
    (one,) = mails(export_of(mail(MIA, body, "a", **headers)).parts[0].open(), [])
    assert sum(len(line) for text in one.texts for line in text.lines) < 1 << 20


def test_a_box_becomes_a_set_of_what_its_owner_answered(tmp_path):
    (tmp_path / "mail").mkdir()
    asked = [mail(TOM, f"Question {n}?\n\n-- \nTom", f"q{n}", Delivered_To="mia@example.org") for n in range(4)]
    answers = [
        mail(MIA, f"Answer {n}.\n\nOn 2 Jan 2024, Tom wrote:\n> Question {n}?", f"a{n}", date=later, References=thread)
        for n, later, thread in ((n, "Tue, 2 Jan 2024 11:00:00 +0100", f"<q{n}@mail>") for n in range(4))
    ]
    (tmp_path / "mail" / "Inbox.mbox").write_text(box(*asked), encoding="utf-8")
    (tmp_path / "mail" / "Sent.mbox").write_text(box(*answers[:2]), encoding="utf-8")
    for number in (2, 3):
        (tmp_path / "mail" / f"{number}.eml").write_text(answers[number].partition("\n")[2], encoding="utf-8")
    record = prepare_chat([tmp_path / "mail"], tmp_path / "set", PrepareChatSettings(), SilentProgress())
    assert (record["formats"], record["subject"], record["counts"]["turns"]) == (["mbox"], "Mia Halm", 8)
    lines = (tmp_path / "set" / "train.jsonl").read_text(encoding="utf-8").splitlines()
    said = [[turn["content"] for turn in json.loads(line)["messages"][1:]] for line in lines]
    assert ["Question 2?", "Answer 2."] in said and all(len(turns) == 2 for turns in said)


HOSTILE = [
    "(" * 9999,
    "<" * 9999,
    '"' * 9999,
    "=?a?q?" * 9999,
    "boundary=" * 9999,
    "9" * 9999,
    "\\" * 9999,
    "a@b," * 999,
    "\0",
]


@pytest.mark.parametrize("value", HOSTILE)
def test_headers_of_any_kind_are_survived(value):
    names = (
        "From",
        "Date",
        "Subject",
        "References",
        "Content-Type",
        "Delivered-To",
        "X-Mozilla-Status",
        "X-Gmail-Labels",
    )
    odd = [f"From x Mon Jan 1 10:00:00 2024\n{name}: {value}\nFrom: b@example.org\n\nhi\n\n" for name in names]
    assert read("mbox", box(mail(MIA, "hello", "a"), *odd)).count == 1 + len(names)


BOX = box(
    mail(TOM, "Kommst du heute?", "a", Subject="=?utf-8?q?Essen?="),
    mail(MIA, "Ja!\n\nAm 02.01.24 um 10:00 schrieb Tom:\n> Kommst du heute?", "b", In_Reply_To="<a@mail>"),
    mail(MIA, HTML, "c", Content_Type="text/html; charset=utf-8"),
    mail(MIA, multipart("mixed", "Content-Type: text/plain\n\nhi", "Content-Type: image/png\n\nAAAA")[0], "d",
         Content_Type='multipart/mixed; boundary="=_b"'),
    mail(TOM, base64.encodebytes("好的".encode()).decode(), "e", Content_Transfer_Encoding="base64", List_Id="<x>"),
).encode()  # fmt: skip


@pytest.mark.parametrize("seed", range(8))
def test_damage_gives_an_error_or_counted_mails(seed):
    chance = random.Random(seed)
    pieces = [b"\n", b"From ", b"--=_b", b"\x00", b"\xff", b"=?", b"<", b">", b": ", b";", b'"', b"\n\n", b"2024", b"="]
    for _ in range(60):
        data = bytearray(BOX)
        for _ in range(chance.randint(1, 6)):
            begin = chance.randrange(len(data))
            end = begin + chance.choice((0, 1, 5, 40))
            data[begin:end] = chance.choice(pieces) * chance.choice((0, 1, 1, 2))
        data = bytes(data[: chance.randint(1, len(data))]) if chance.random() < 0.3 else bytes(data)
        try:
            result = read("mbox", data)
        except AigcError:
            continue
        assert result.count == sum(1 for _ in mails(export_of(data).parts[0].open(), []))
