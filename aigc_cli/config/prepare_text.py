"""The settings of `aigc prepare text`."""

from dataclasses import dataclass

from aigc_cli.config.base import setting
from aigc_cli.config.prepare_chat import CONSENTS
from aigc_cli.config.shared import dry_run_setting, force_setting, lock_wait_setting


@dataclass(frozen=True, kw_only=True)
class PrepareTextSettings:
    """What `aigc prepare text` can be told."""

    subject: str | None = setting(None, "Name of the author, for the records.", metavar="NAME")
    consent: str = setting(
        "unspecified", "How the author agreed to the use of the text.", choices=CONSENTS, acts="exposes"
    )
    valid: float = setting(
        0.1, "Share of the text, its contiguous end, held out.", minimum=0, maximum=0.5, group="data"
    )
    block_characters: int = setting(
        65536, "Longest record; longer documents are cut between lines.", minimum=256, maximum=16_777_216, group="data"
    )
    encoding: str = setting("utf-8", "Character encoding of the files.", metavar="NAME", group="data")
    force: bool = force_setting()
    lock_wait: float = lock_wait_setting()
    dry_run: bool = dry_run_setting()
