"""What every chat format is read into: messages with a sender and a time, in chats, in a log."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

ASSISTANT, USER = "assistant", "user"
PROMPT = "prompt"  # borrowed: what a person asks a machine, which is not how the person speaks to people


# C0 but tab and line ends, and DEL: those that divide words become spaces, the others go.
_CONTROLS = {code: " " if chr(code).isspace() else None for code in (*range(0x20), 0x7F) if chr(code) not in "\t\n\r"}


def without_controls(text: str) -> str:
    """Return the text without control characters, which nobody typed."""
    return text.translate(_CONTROLS)


def content_text(content: Any) -> str | None:
    """Return the text of an OpenAI message's `content`: a string, or a list of parts that are all text; else None."""
    if isinstance(content, str):
        return content
    if isinstance(content, list) and content and all(_is_text_part(part) for part in content):
        return "\n".join(part if isinstance(part, str) else part["text"] for part in content)
    return None


def _is_text_part(part: Any) -> bool:
    if not isinstance(part, dict):
        return isinstance(part, str)
    return part.get("type", "text") in ("text", "input_text", "output_text") and isinstance(part.get("text"), str)


@dataclass(slots=True, kw_only=True)
class Message:
    """One message as it was sent: one bubble.

    `chat` is the contact's or the group's, unique within the log ("" where it is one chat). `sender` identifies within
    the log; `time` is in seconds since 1970 (None: not recorded). `removed` names why there is no text ("photo",
    "call", "deleted"), and then a conversation must be cut here. `begins` cuts before the message. `borrowed`
    tells how the sender came by words that are not the sender's own ("forwarded"), "" if they are. `number` is
    the message's own in its chat, by which overlapping exports are told, "" if the format has none; `reply_to` is the
    number, or where there are none the words, of what it answers; `edited`: the words are not the first ones. `local`:
    the time is that of a clock somewhere, read as UTC, so it may be off by hours. `marked` is the personal data
    that the messenger recognised: pairs of a redaction rule and the exact words.
    """

    sender: str
    text: str = ""
    time: float | None = None
    removed: str = ""
    begins: bool = False
    borrowed: str = ""
    number: str = ""
    local: bool = False
    marked: tuple[tuple[str, str], ...] = ()
    chat: str = ""
    reply_to: str = ""
    edited: bool = False


@dataclass(kw_only=True)
class Log:
    """What a reader tells of a log while it streams its messages.

    `names` gives each sender's display name. `subject` is the sender that the format itself declares to be the
    owner, None if it does not; `contacts` are senders who are not. `keys` are, by chat, what names it in every
    export. `has_roles`: senders are the roles assistant and user, and line breaks are kept. `has_prompts`: what
    the subject says are prompts to a machine. `newest_first`: of two
    messages at one time the later one comes first. `dropped` counts what is no message, by reason; `noticed` counts
    what stands within messages and looks as if it did not belong there. `watch`, if there is one, is told of both:
    the reason, where it stands, and the words. `written` counts the messages with text by sender, and `present` holds
    each sender's chats, of what was streamed so far (`heard`).
    """

    format: str
    names: dict[str, str] = field(default_factory=dict)
    subject: str | None = None
    contacts: set[str] = field(default_factory=set)
    keys: dict[str, str] = field(default_factory=dict)
    has_roles: bool = False
    has_prompts: bool = False
    newest_first: bool = False
    dropped: Counter[str] = field(default_factory=Counter)
    noticed: Counter[str] = field(default_factory=Counter)
    watch: Callable[[str, object, str], None] | None = None

    written: Counter[str] = field(default_factory=Counter)
    present: dict[str, set[str]] = field(default_factory=dict)

    def heard(self, message: Message) -> None:
        """Take note of who wrote where."""
        if message.text:
            self.written[message.sender] += 1
        self.present.setdefault(message.sender, set()).add(message.chat)

    def messages_by_sender(self) -> Counter[str]:
        """Return how many messages with text each sender wrote, most first."""
        return Counter(dict(self.written.most_common()))

    def chats_by_sender(self) -> Counter[str]:
        """Return in how many chats each sender wrote."""
        return Counter({sender: len(chats) for sender, chats in self.present.items()})

    def name(self, sender: str, name: str) -> None:
        """Give a sender a display name, unless there is one."""
        self.names.setdefault(sender, name)

    def drop(self, reason: str, where: object = "", what: str = "") -> None:
        """Count something that gives no message: a notice, a line that fits nothing."""
        self.dropped[reason] += 1
        if self.watch:
            self.watch(reason, where, what)

    def notice(self, reason: str, where: object = "", what: str = "") -> None:
        """Count something that stands within a message and looks as if it were one of its own."""
        self.noticed[reason] += 1
        if self.watch:
            self.watch(reason, where, what)
