"""The settings of `aigc prepare chat`."""

from dataclasses import dataclass

from aigc_cli.config.base import setting, strings
from aigc_cli.config.shared import dry_run_setting, force_setting, lock_wait_setting

# In the order in which exports are looked at: the more particular first.
CHAT_FORMATS = (
    "auto",
    "telegram",
    "discord",
    "messenger",
    "slack",
    "matrix",
    "googlechat",
    "signal",
    "wechat",
    "qq",
    "chatlab",
    "chatgpt",
    "claude",
    "messages",
    "sharegpt",
    "line",
    "kakaotalk",
    "imessage",
    "signal_export",
    "sigtop",
    "whatsapp",
    "mbox",
    "subtitles",
    "screenplay",
    "columns",
    "script",
)
DATE_ORDERS = ("auto", "dmy", "mdy", "ymd")
CONSENTS = ("unspecified", "self", "permission", "public", "synthetic")


@dataclass(frozen=True, kw_only=True)
class PrepareChatSettings:
    """What `aigc prepare chat` can be told."""

    format: str = setting(
        "auto",
        "Format of the logs (auto: what they look like).",
        choices=CHAT_FORMATS,
    )
    columns: str | None = setting(
        None,
        "Take the logs for tables (CSV, TSV, JSONL) whose columns these are: time=Date,sender=Author,text=Content; "
        "also chat, id, reply_to, kind.",
        metavar="COLUMNS",
    )
    dates: str = setting(
        "auto", "Order of day, month and year in text exports (auto: as the whole file tells).", choices=DATE_ORDERS
    )
    zone: str | None = setting(
        None, "Time zone of local times, such as Europe/Berlin or +08:00 (default: UTC).", metavar="ZONE"
    )
    me: tuple[str, ...] = setting(
        (),
        "Whose turns to learn, where the log does not say it; again for the person's other names, numbers and handles.",
        metavar="NAME",
    )
    with_: tuple[str, ...] = setting(
        (), "Take only chats with this person, by name or id; may be given again.", metavar="NAME"
    )
    since: str | None = setting(
        None, "Take only messages from this date or time on, in the time of --zone or UTC.", metavar="DATE"
    )
    until: str | None = setting(
        None, "Take only messages before this date or time, in the time of --zone or UTC.", metavar="DATE"
    )
    subject: str | None = setting(None, "Name of the person for 'You are NAME.' and the records.", metavar="NAME")
    persona: str | None = setting(
        None,
        "Say this UTF-8 text of at most 2000 characters, who it is that talks, instead of 'You are NAME.'",
        metavar="FILE",
    )
    consent: str = setting(
        "unspecified", "How the person agreed to the use of the log.", choices=CONSENTS, acts="exposes"
    )
    merge_minutes: float = setting(
        2.0, "Messages of one sender this close together are one turn.", minimum=0, group="data"
    )
    silence_minutes: float = setting(60.0, "A silence this long ends a conversation.", minimum=0, group="data")
    answer_hours: float = setting(
        24.0, "An unanswered message may still be answered within this time.", minimum=0, group="data"
    )
    max_turns: int = setting(
        20, "Cut longer conversations into records of at most this many turns.", minimum=2, group="data"
    )
    max_characters: int = setting(
        2000, "Cut longer conversations into records of at most this size.", minimum=50, group="data"
    )
    valid: float = setting(
        0.1, "Share of each chat's records, the last in time, held out.", minimum=0, maximum=0.5, group="data"
    )
    keep_pii: bool = setting(
        False, "Keep telephone numbers, addresses, card numbers and the like as they are.", acts="redacts"
    )
    redact: str | None = setting(
        None,
        "Redact the names and words of this UTF-8 file too, one a line (#: a comment), wherever they stand.",
        metavar="FILE",
        acts="redacts",
    )
    show_dropped: bool = setting(
        False, "Show what becomes no message, and why, on stderr.", kept=False, acts="exposes", group="data"
    )
    encoding: str = setting("utf-8", "Character encoding of the logs.", metavar="NAME", group="data")
    force: bool = force_setting()
    lock_wait: float = lock_wait_setting()
    dry_run: bool = dry_run_setting()

    def __post_init__(self) -> None:
        """Take one name for several, as the settings of a set tell it."""
        object.__setattr__(self, "me", strings(self.me))
        object.__setattr__(self, "with_", strings(self.with_))
