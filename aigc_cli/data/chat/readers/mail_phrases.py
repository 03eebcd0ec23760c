"""What mail programs write around quotations and signatures, in the languages that they speak.

Pieces of regular expressions, divided by line ends and by " / ". Knows nothing of lines.
"""

import re


def _any(phrases: str) -> str:
    """Return a pattern that matches any of the phrases, the longest first."""
    parts = {part.strip() for line in phrases.splitlines() for part in line.split(" / ") if part.strip()}
    return "(?:" + "|".join(sorted(parts, key=lambda part: (-len(part), part))) + ")"


_BEFORE = r"[\s>*_]{0,8}"  # a phrase: marks of a quotation, of bold letters

# The words that lines of "… wrote:" begin with, where the date or the name does not come first.
LEADS = _any("""
    On / At / Am / Le / El / Il / In data / Em / Op / Den / På / W dniu / Dnia / Dne / Dňa / În / La / Vào / Pada
    Dana / Στις
    在 / 於 / 于
""")
WROTE = re.compile(
    _any(r"""
    \bwrote\b / \bschrieb\b / \bgeschrieben\b / a écrit\b / \bescribió\b / \bva escriure\b / ha scritto\b
    \bescreveu\b
    \bschreef\b / \bskrev\b / \bkirjoitti\b / \bpisze\b / \bnapisał / \bnapsal / \bnapísal / \bпише / \bнаписал
    \bнаписав
    \byazdı\b / đã viết\b / \bmenulis\b / \ba scris\b / \bírta\b / έγραψε / \bje napisa / \bje pisa
    写道 / 寫道 / 写了 / 寫了 / さんのメール / 書きました / 書いた / 작성 / 썼습니다 / כתב / كتب / نوشت / เขียน
    """),
    re.IGNORECASE,
)

_ORIGINAL_MESSAGE = _any(r"""
    Original Message / Original Appointment / Original E-?mail / Reply message / Replied Message
    Original-Nachricht / Ursprüngliche Nachricht / Message d.origine / Mensaje original / Missatge original
    Messaggio originale / Mensagem original / Oorspronkelijk bericht / Ursprungligt meddelande / Originalmeddelande
    Oprindelig meddelelse / Oprindelig besked / Opprinnelig melding / Alkuperäinen viesti / Wiadomość oryginalna
    Původní zpráva
    Pôvodná správa / Исходное сообщение / Оригинальное сообщение / Оригінальне повідомлення / Orijinal mesaj
    Özgün İleti / Mesaj original / Mesajul original / Eredeti üzenet / Αρχικό μήνυμα / Thư gốc / رسالة أصلية
    原始邮件 / 原始郵件 / 原邮件 / 回复的原邮件 / 邮件原件 / 元のメッセージ / オリジナルメッセージ / 원본 메시지
    원본 메일
""")
ORIGINAL = re.compile(_BEFORE + r"-{2,}\s?" + _ORIGINAL_MESSAGE + r"\b", re.IGNORECASE)

_FORWARDED_MESSAGE = _any(r"""
    Forwarded message / Forwarded by / Weitergeleitete Nachricht / Message transféré / Message transmis
    Mensaje reenviado
    Messaggio inoltrato / Mensagem encaminhada / Doorgestuurd bericht / Vidarebefordrat meddelande
    Vidarebefordrat mail
    Videresendt meddelelse / Videresendt melding / Edelleenlähetetty viesti / Wiadomość przekazana
    Przekazana wiadomość
    Forwarded Message / Přeposlaná zpráva / Пересылаемое сообщение / Пересылаемое письмо / Переслане повідомлення
    Yönlendirilmiş ileti / İletilen ileti / Mesaj redirecționat / Továbbított üzenet
    转发的?邮件 / 转发的?信息 / 轉寄的?郵件 / 転送メッセージ / 転送されたメッセージ / 전달된 메시지 / 전달된 메일
""")
_FORWARDS = _any(r"""
    Begin forwarded message / Anfang der weitergeleiteten Nachricht / Anfang der weitergeleiteten E-Mail
    Début du message transféré / Début du message réexpédié / Inicio del mensaje reenviado
    Inizio messaggio inoltrato
    Início da mensagem encaminhada / Início da mensagem reencaminhada / Begin doorgestuurd bericht
    Vidarebefordrat brev / Начало переадресованного сообщения / 开始转发的邮件 / 開始轉寄郵件 / 転送されたメール
""")
FORWARDED = re.compile(
    _BEFORE + rf"(?:-{{2,}}\s?{_FORWARDED_MESSAGE}\b|{_FORWARDS}\s?[:：])",
    re.IGNORECASE,
)

# The headers that Outlook and others put before what is quoted: who, and below when, to whom, about what.
_WHO = _any(r"""
    From / Von / De / Da / Van / Från / Fra / Lähettäjä / Od / От / От кого / Від / Kimden / Gönderen / De la / Feladó
    Από / Message du / Mittente / Expéditeur / Remitente / Remetente / Từ / من
    发件人 / 寄件者 / 寄件人 / 差出人 / 送信元 / 보낸 ?사람
""")
_WHAT = _any(r"""
    Sent / Date / Gesendet / Gesendet am / Datum / Envoyé / Envoyé le / Enviad[oa] / Enviad[oa] el / Enviad[oa] em
    Fecha
    Inviato / Inviato il / Data / Verzonden / Skickat / Sendt / Dato / Lähetetty / Päivämäärä / Wysłano / Odesláno
    Odoslané
    Отправлено / Дата / Надіслано / Gönderildi / Tarih / Trimis / Elküldve / Dátum / Ημερομηνία / Ngày / تاريخ
    发送时间 / 发送日期 / 日期 / 傳送時間 / 寄件日期 / 送信日時 / 日時 / 日付 / 보낸 ?날짜 / 보낸 ?시간 / 날짜
    To / An / À / A / Para / Aan / Till / Til / Vastaanottaja / Do / Komu / Кому / Kime / Către / Címzett / Προς / Đến
    收件人 / 收件者 / 宛先 / 받는 ?사람 / Cc / Kopie / 抄送
    Sujet / Subject / Betreff / Objet / Asunto / Oggetto / Assunto / Onderwerp / Ämne / Emne / Aihe / Temat / Předmět
    Predmet / Тема
    Konu / Subiect / Tárgy / Θέμα / Chủ đề / 主题 / 主旨 / 件名 / 제목
""")
WHO = re.compile(_BEFORE + _WHO + r"\s?\*?\s?[:：]", re.IGNORECASE)
WHAT = re.compile(_BEFORE + _WHAT + r"\s?\*?\s?[:：]", re.IGNORECASE)

_SENT = _any(r"""
    Sent (?:from|via|with|using)\b / Sent by \w+ mobile / Get Outlook\b / Download Outlook\b
    Gesendet (?:von|mit|über|aus)\b / Von meine[mr] .{1,30} gesendet
    Diese Nachricht wurde von meinem .{1,60} gesendet
    Outlook für .{2,20} (?:beziehen|herunterladen)
    Envoyée? (?:de|depuis|à partir|avec)\b / Expédié (?:de|depuis)\b / Télécharger Outlook / Obtenez Outlook
    Enviad[oa] (?:desde|do|da|a partir|pelo|con|des)\b / Obtener Outlook / Obter o Outlook
    Inviato (?:da|dal|dalla|tramite)\b / Ottieni Outlook / Ver(?:zonden|stuurd) (?:vanaf|met|via|vanuit)\b
    Outlook downloaden
    Skickat från / Hämta Outlook / Sendt fra\b / Sendt via\b / Hent Outlook / Lähetetty \w+
    Wysłan[eoy] (?:z|przez)\b / Odeslán[oa] z / Odoslané z / Отправлено (?:с|из)\b / Надіслано (?:з|із)\b
    Trimis (?:de pe|din)\b
    Στάλθηκε από / Đã gửi từ / Được gửi từ / Dikirim dari / Poslano (?:s|z|sa)\b / Elküldve a
    发自 ?我?的? / 發自 ?我?的? / 傳送自 / 从我的.{1,20}发送 / 從我的.{1,20}傳送 / 来自.{1,20}发送
    .{1,20}から送信 / 나의 .{1,20}에서 보냄 / .{1,20}에서 보냄 / .{1,20}(?:umdan|dan|den) gönderildi
    נשלח מ / أُ?رسلت? من / ارسال شده از
""")
SENT_FROM = re.compile(rf"[\s*_(\[]{{0,4}}{_SENT}[^,.!?;。，！？]{{0,60}}[.。]?[\s*_)\]]*$", re.IGNORECASE)

# What mail programs put before the subject of an answer, or of what is passed on.
REPLY = re.compile(
    r"\s*"
    + _any("""
    re / aw / antw / antwort / sv / vs / vl / odp / ynt / rif / r / ответ / отв / fwd / fw / wg / tr / rv / enc / i
    回复 / 回覆 / 答复 / 答覆 / 返信 / 회신 / 转发 / 轉寄 / 転送
    """)
    + r"\s?(?:\[\d{1,4}\])?\s?[:：]",
    re.IGNORECASE,
)


def _each(labels: str) -> frozenset[str]:
    return frozenset(label.strip() for line in labels.splitlines() for label in line.split(" / "))


# Gmail writes its labels in the language of the account.
SENT = _each("""
    sent / gesendet / messages envoyés / envoyés / enviados / inviati / posta inviata / verzonden / skickat / sendt
    lähetetyt / wysłane / odeslaná pošta / отправленные / надіслані / gönderilmiş postalar
    已发邮件 / 已发送邮件 / 寄件備份 / 送信済みメール / 보낸편지함
""") - {""}
DRAFTS = _each("""
    drafts / draft / entwürfe / entwurf / brouillons / borradores / bozze / rascunhos / concepten / utkast / kladder
    luonnokset / wersje robocze / koncepty / черновики / чернетки / taslaklar / 草稿 / 草稿箱 / 下書き / 임시보관함
""") - {""}
CHATS = frozenset({"chat", "chats"})  # Google Talk's, as Gmail kept them: tables in the form of mails
SPAM = frozenset({"spam", "junk", "спам", "垃圾邮件", "垃圾郵件", "迷惑メール", "스팸함"})
