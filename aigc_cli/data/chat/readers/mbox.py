"""Read mailboxes: Gmail's of Google Takeout, Thunderbird's, Apple Mail's, any mbox; and single mails, `.eml`.

A thread is a chat: Gmail's own where it is told, else what the first mail of the references began. What people wrote
is learned, without quotations and signatures; newsletters, notices of machines and what came by mailing lists are left
out, and so are drafts, spam and the second copy of a mail. Who owns the box is told by where mails were delivered and
which of them are labelled as sent.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from pathlib import PurePosixPath

from aigc_cli.core.errors import BadData
from aigc_cli.core.words.messages import tr
from aigc_cli.data.chat.exports import Export, Head
from aigc_cli.data.chat.messages import Log, Message
from aigc_cli.data.chat.reader import Reader, ReadOptions
from aigc_cli.data.chat.readers import mail_phrases as phrases
from aigc_cli.data.chat.readers.mail import Mail, Text, is_mail, mails
from aigc_cli.data.chat.readers.mail_html import text_of_html
from aigc_cli.data.chat.readers.mail_words import Words, own_words

_IDENTITY = re.compile(r"<([^<>\s]{1,500})>")
_ADDRESS = re.compile(r"[^\s<>@,;:\"()]{1,200}@[^\s<>@,;:\"()]{1,200}")
_MACHINES = re.compile(
    r"(?:no-?_?reply|do-?not-?reply|donotreply|mailer-daemon|postmaster|bounces?|notifications?)\b[^@]*@"
)
_LIST_HEADERS = (b"list-id", b"list-unsubscribe", b"list-post", b"feedback-id", b"x-autoreply", b"x-autorespond")
_NAMES = frozenset({"mbox", "Inbox", "INBOX", "Sent", "Sent Mail", "Sent Messages", "Archives", "Archive"})
_BULK = frozenset({"bulk", "list", "junk", "auto_reply"})
_EXPUNGED = 0x8  # of X-Mozilla-Status: deleted, and still in the file
_ATTACHED = {b"image": "photo", b"video": "video", b"audio": "voice"}
_ENCRYPTED = (b"multipart/encrypted", b"application/pkcs7-mime", b"application/x-pkcs7-mime")


def _looks(head: Head) -> bool:
    return is_mail(head.lines)


def _gather(paths: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield the mailboxes of a folder as one export, since threads lie across them; Thunderbird's have no suffix."""
    there = set(paths)
    boxes = [
        path
        for path in paths
        if PurePosixPath(path).suffix.lower() in (".mbox", ".mbx", ".eml")
        or PurePosixPath(path).name in _NAMES
        or f"{path}.msf" in there
    ]
    if boxes:
        yield boxes


def _read(export: Export, log: Log, options: ReadOptions) -> Iterator[Message]:
    box = _Box(log)
    count = 0
    for part in export.parts:
        stray: list[bytes] = []
        with part.open() as file:
            for mail in mails(file, stray):
                count += 1
                place = tr("{source}: mail {number}", source=export.label(part), number=mail.number)
                for line in stray:
                    log.notice("inside_another", place, line.decode("utf-8", "replace"))
                stray.clear()
                message = box.message(mail, place)
                if message is not None:
                    yield message
    if not count:
        raise BadData(tr("{source}: no mailbox", source=export.source), tr("is this the right file, or --format?"))
    log.subject = box.owner()


class _Box:
    """What is known of a mailbox while it is read."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._threads: dict[bytes, str] = {}  # by the digest of a mail's id
        self._sent: Counter[str] = Counter()
        self._delivered: Counter[str] = Counter()
        self._wrote: Counter[str] = Counter()

    def owner(self) -> str | None:
        """Return the address whose mailbox it is, None where that cannot be told."""
        for counts in (self._sent, self._delivered):
            ranked = [(count, address) for address, count in counts.most_common() if address in self._wrote][:2]
            if ranked and (len(ranked) == 1 or ranked[0][0] > ranked[1][0]):
                return ranked[0][1]
        return None

    def message(self, mail: Mail, place: str) -> Message | None:
        """Return a mail as a message; None if it is none, which is counted."""
        labels = {label.strip().strip('"').casefold() for label in mail.header(b"x-gmail-labels").split(",")}
        reason = _why_none(mail, labels)
        sender, name = ("", "") if reason else mail.sender()
        if not reason and (not sender or _MACHINES.match(sender)):
            reason = "automatic" if sender else "without_sender"
        identity = _first_identity(mail.header(b"message-id"))
        digest = blake2b(identity.encode("utf-8", "replace"), digest_size=8).digest() if identity else b""
        if not reason and digest in self._threads:
            reason = "duplicate"
        if reason:
            self._log.drop(reason, place, mail.header(b"subject"))
            return None
        delivered = _ADDRESS.search(mail.header(b"delivered-to"))
        if delivered:
            self._delivered[delivered[0].lower()] += 1
        if not labels.isdisjoint(phrases.SENT):
            self._sent[sender] += 1
        self._wrote[sender] += 1
        answered = _first_identity(mail.header(b"in-reply-to"))
        thread = self._thread(mail, identity, answered)
        if thread:
            self._log.keys[thread] = thread
        if thread and digest:
            self._threads[digest] = thread
        if name or sender not in self._log.names:
            self._log.names[sender] = name or sender
        said, removed = _said(mail, is_first=not answered)
        time, local = mail.time()
        return Message(
            sender=sender,
            text="" if removed else said,
            time=time,
            local=local,
            removed=removed,
            chat=thread or place,
            number=identity,
            reply_to=answered,
        )

    def _thread(self, mail: Mail, identity: str, answered: str) -> str:
        told = mail.header(b"x-gm-thrid").strip()
        if told:
            return told
        earlier = _IDENTITY.search(mail.header(b"references"))
        first = earlier[1] if earlier else answered or identity
        digest = blake2b(first.encode("utf-8", "replace"), digest_size=8).digest()
        return self._threads.get(digest, first)


def _first_identity(header: str) -> str:
    found = _IDENTITY.search(header)
    return found[1] if found else header.strip()[:500]


def _why_none(mail: Mail, labels: set[str]) -> str:
    """Return why a mail is not what somebody sent to somebody, "" if it is."""
    if not labels.isdisjoint(phrases.SPAM):
        return "spam"
    if not labels.isdisjoint(phrases.CHATS):
        return "unknown"
    if not labels.isdisjoint(phrases.DRAFTS) or mail.header(b"x-mozilla-draft-info"):
        return "draft"
    status = mail.header(b"x-mozilla-status").strip()
    if status and re.fullmatch(r"[0-9a-fA-F]{1,8}", status) and int(status, 16) & _EXPUNGED:
        return "deleted"
    is_calendar = any(kind.startswith(b"text/calendar") and b"method=" in kind for kind in mail.attached)
    if (
        any(name in mail.headers for name in _LIST_HEADERS)
        or mail.header(b"auto-submitted").partition(";")[0].strip().lower() not in ("", "no")
        or mail.header(b"precedence").strip().lower() in _BULK
        or b"multipart/report" in mail.attached
        or is_calendar
    ):
        return "automatic"
    return ""


def _said(mail: Mail, *, is_first: bool) -> tuple[str, str]:
    """Return what was written in a mail and, where that is nothing, why."""
    words = _own_words(mail.texts)
    if words.encrypted or any(kind in _ENCRYPTED for kind in mail.attached):
        return "", "encrypted"
    if words.text:
        return words.text, ""
    if words.forwarded:
        return "", "forwarded"
    if mail.attached:
        return "", _ATTACHED.get(mail.attached[0].partition(b"/")[0], "file")
    title = mail.header(b"subject").strip()
    if is_first and title and not phrases.REPLY.match(title):  # some write all they have to say there
        return title, ""
    return "", "empty"


def _own_words(texts: list[Text]) -> Words:
    """Return what was written in a mail's texts: of alternatives the plain text, unless nothing is in it."""
    groups: dict[int, tuple[list[Text], list[Text]]] = {}
    for place, text in enumerate(texts):
        group = groups.setdefault(-1 - place if text.alternatives is None else text.alternatives, ([], []))
        group[text.kind == b"text/html"].append(text)
    said = []
    for plain, html in groups.values():
        words = _joined([own_words(text.words()) for text in plain])
        if html and not words.text and not words.encrypted:
            words = _joined([own_words(text_of_html(text.words())) for text in html])
        said.append(words)
    return _joined(said)


def _joined(said: list[Words]) -> Words:
    return Words(
        "\n".join(words.text for words in said if words.text),
        any(words.forwarded for words in said),
        any(words.encrypted for words in said),
    )


READER = Reader(title="mbox", looks=_looks, read=_read, gather=_gather)
