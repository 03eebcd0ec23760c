"""What every chat format is read into: messages with a sender and a time, in chats, in a log."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

ASSISTANT, USER = "assistant", "user"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message as it was sent: one bubble.

    `sender` identifies within the log; `time` is in seconds since 1970 (None: not recorded). `removed` names
    why there is no text, and then a conversation must be cut here. `begins` cuts before the message. `borrowed`
    tells how the sender came by words that are not the sender's own ("forwarded"), "" if they are. `number` is
    the message's own in its chat, by which overlapping exports are told, "" if the format has none. `local`: the
    time is that of a clock somewhere, read as UTC, so it may be off by hours.
    `marked` is the personal data that the messenger recognised: pairs of a redaction rule and the exact words.
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


@dataclass(kw_only=True)
class Chat:
    """The messages with one contact or group, or of one file.

    `identity` is unique within the log; `key` is the same in every export of the chat, "" if the format has none.
    """

    identity: str
    key: str = ""
    messages: list[Message] = field(default_factory=list)


@dataclass(kw_only=True)
class ChatLog:
    """Everything read from one source.

    `names` gives each sender's display name. `subject` is the sender that the format itself declares to be the
    owner, None if it does not; `contacts` are senders who are not. `has_roles`: senders are the roles assistant and
    user, and line breaks are kept. `dropped` counts what the reader left out, by reason.
    """

    format: str
    chats: list[Chat] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    subject: str | None = None
    contacts: set[str] = field(default_factory=set)
    has_roles: bool = False
    dropped: Counter[str] = field(default_factory=Counter)

    def messages_by_sender(self) -> Counter[str]:
        """Return how many messages with text each sender wrote, most first."""
        return Counter(message.sender for chat in self.chats for message in chat.messages if message.text)

    def chats_by_sender(self) -> Counter[str]:
        """Return in how many chats each sender wrote."""
        return Counter(sender for chat in self.chats for sender in {message.sender for message in chat.messages})
