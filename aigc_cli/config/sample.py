"""Settings of `aigc sample`: pictures from a face run, texts from a text run."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aigc_cli.config.base import Origin, option_name, setting
from aigc_cli.config.shared import device_setting, dry_run_setting, force_setting, lock_wait_setting, threads_setting
from aigc_cli.core.errors import UsageProblem
from aigc_cli.core.words.messages import tr


@dataclass(frozen=True, kw_only=True)
class SampleSettings:
    """What to draw or write, how many, and how. Options of the other kind of run are refused."""

    count: int = setting(16, "How many (texts: how many for each prompt).", short="-n", minimum=1, maximum=10_000_000)
    start: int = setting(
        0, "Index of the first; item i is the same whatever -n and --start are.", minimum=0, maximum=1e12
    )
    seed: int = setting(0, "Seed of the random streams; item i depends on it and on i alone.", minimum=0)
    batch_size: int = setting(32, "Items computed at once.", minimum=1, maximum=4096, group="machine")
    checkpoint: str = setting(
        "best", "Which weights: best, last (the newest checkpoint), or the step of one.", metavar="best|last|STEP"
    )
    threads: int | None = threads_setting()
    device: str = device_setting()
    force: bool = force_setting()
    lock_wait: float = lock_wait_setting()
    dry_run: bool = dry_run_setting()
    # Pictures.
    label: str | None = setting(
        None, "Faces: draw this label only (default: the labels in turn).", metavar="NAME", group="faces"
    )
    truncation: float = setting(
        1.0, "Faces: below 1 less varied and more typical.", minimum=0, maximum=2, group="faces"
    )
    grid: Path | None = setting(
        None, "Faces: also write one PNG with all of them in rows.", metavar="FILE", acts="writes", group="faces"
    )
    show: bool = setting(
        False, "Faces: also draw them in the terminal; then -o may be left out.", kept=False, group="faces"
    )
    # Texts.
    prompt: str | None = setting(
        None, "Texts: what the model is told (chat runs: the user's turn).", metavar="TEXT", group="texts"
    )
    prompts: Path | None = setting(
        None, "Texts: a file of prompts, one a line, or JSONL; - is stdin.", metavar="FILE", group="texts"
    )
    max_new_tokens: int = setting(120, "Texts: tokens at the most.", minimum=1, maximum=32768, group="texts")
    temperature: float = setting(
        0.8, "Texts: 0 is greedy, 1 the model's own spread.", minimum=0, maximum=10, group="texts"
    )
    top_p: float = setting(
        0.9, "Texts: keep the likeliest tokens up to this probability.", minimum=0, maximum=1, group="texts"
    )
    top_k: int = setting(0, "Texts: keep this many of the likeliest tokens (0: all).", minimum=0, group="texts")
    min_p: float = setting(
        0.0, "Texts: drop tokens below this share of the likeliest.", minimum=0, maximum=1, group="texts"
    )
    repetition_penalty: float = setting(1.1, "Texts: above 1 discourages repeats.", minimum=1, maximum=2, group="texts")


FACE_ONLY = ("label", "truncation", "grid", "show")
TEXT_ONLY = (
    "prompt",
    "prompts",
    "max_new_tokens",
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "repetition_penalty",
)


def refuse_other_kind(origins: Mapping[str, Origin], kind: str) -> None:
    """Raise UsageProblem if an option was given that does not fit a run of `kind`.

    Variables and configuration files serve runs of both kinds, so what they set and does not fit is passed over.
    """
    for name in TEXT_ONLY if kind == "face" else FACE_ONLY:
        if origins[name].kind == "flag":
            raise UsageProblem(
                tr("{option} does not fit a {kind} run", option=option_name(name), kind=kind), tr("leave it out")
            )
