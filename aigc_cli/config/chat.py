"""The settings of `aigc chat`."""

from dataclasses import dataclass
from pathlib import Path

from aigc_cli.config.base import setting
from aigc_cli.config.shared import device_setting, force_setting, lock_wait_setting, threads_setting

PICTURE_CHOICES = ("auto", "kitty", "iterm2", "sixel", "half-blocks", "none")


@dataclass(frozen=True, kw_only=True)
class ChatSettings:
    """How the avatar answers, how its face is shown, and what is kept of the conversation."""

    face: Path | None = setting(None, "A face run, made by aigc train-gan.", metavar="RUN")
    face_seed: int = setting(0, "Which face: the identity that the seed draws.", minimum=0, group="faces")
    face_truncation: float = setting(
        0.8, "Below 1 the face is less odd and more typical.", minimum=0, maximum=2, group="faces"
    )
    face_columns: int = setting(32, "Width of the face in characters.", minimum=8, maximum=200, group="faces")
    pictures: str = setting("auto", "How the terminal draws pictures.", choices=PICTURE_CHOICES, group="faces")
    temperature: float = setting(
        0.8, "Randomness of the reply; 0 always takes the likeliest token.", minimum=0, maximum=5, group="texts"
    )
    top_p: float = setting(
        0.9, "Draw from the likeliest tokens that add up to this.", minimum=0.01, maximum=1, group="texts"
    )
    min_p: float = setting(
        0.02, "Drop tokens under this share of the likeliest one's.", minimum=0, maximum=1, group="texts"
    )
    repetition_penalty: float = setting(
        1.1, "Above 1 makes repeated tokens less likely.", minimum=1, maximum=3, group="texts"
    )
    max_new_tokens: int = setting(160, "Longest reply, in tokens.", minimum=1, maximum=100_000, group="texts")
    seed: int | None = setting(
        None, "Make the replies repeatable; without it every conversation is new.", minimum=0, group="texts"
    )
    reply_speed: float = setting(
        0.0, "Characters a second at most on a terminal; 0 is as fast as it comes.", minimum=0, group="texts"
    )
    session: Path | None = setting(
        None, "Keep the conversation in this file, and go on with it.", metavar="FILE", acts="writes", group="saving"
    )
    log: bool = setting(True, "Keep terminal conversations in the state folder.", acts="writes", group="saving")
    play: Path | None = setting(None, "Play a file of user lines as a conversation and exit.", metavar="FILE")
    device: str = device_setting()
    threads: int | None = threads_setting()
    force: bool = force_setting()
    lock_wait: float = lock_wait_setting()
