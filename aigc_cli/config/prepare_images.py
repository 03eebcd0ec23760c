"""The settings of `aigc prepare images`."""

from dataclasses import dataclass

from aigc_cli.config.base import setting
from aigc_cli.config.prepare_chat import CONSENTS
from aigc_cli.config.shared import dry_run_setting, force_setting, lock_wait_setting

DEFAULT_COUNT = 4096
MODES = ("auto", "RGB", "L", "RGBA")
DEPTHS = ("auto", "8", "16")
LABELS = ("auto", "folders", "none")


@dataclass(frozen=True, kw_only=True)
class PrepareImagesSettings:
    """What `aigc prepare images` can be told."""

    size: int = setting(64, "Side of the square pictures, in pixels.", minimum=8, maximum=1024, metavar="PIXELS")
    mode: str = setting(
        "auto", "Colour, grey (L), colour with transparency, or auto: whatever the pictures are.", choices=MODES
    )
    depth: str = setting(
        "auto", "Bits of a number: 8, 16, or auto: 16 if a picture has them.", choices=DEPTHS, group="data"
    )
    labels: str = setting("auto", "From subfolders, none, or auto: expressions of drawn faces only.", choices=LABELS)
    valid: float = setting(0.1, "Share of the pictures held out.", minimum=0, maximum=0.5, group="data")
    min_side: int | None = setting(
        None, "Smallest side to accept (default: half of --size).", minimum=1, metavar="PIXELS", group="data"
    )
    max_megapixels: float = setting(100.0, "Largest picture to decode.", minimum=0.01, maximum=1000, group="data")
    count: int | None = setting(
        None, f"How many faces to draw, with dicebear:STYLE (default: {DEFAULT_COUNT}).", minimum=2, short="-n"
    )
    seed: int = setting(0, "Seed of the drawn faces.", minimum=0)
    subject: str | None = setting(None, "Name of the person in the pictures, for the records.", metavar="NAME")
    consent: str = setting(
        "unspecified", "How the person agreed to the use of the pictures.", choices=CONSENTS, acts="exposes"
    )
    force: bool = force_setting()
    lock_wait: float = lock_wait_setting()
    dry_run: bool = dry_run_setting()
