"""The settings of the commands `aigc eval …`."""

from dataclasses import dataclass

from aigc_cli.config.base import setting
from aigc_cli.config.shared import device_setting, dry_run_setting, threads_setting

EXTRACTORS = ("efficientnet_lite0", "random_conv")
SPLITS = ("all", "train", "valid")


@dataclass(frozen=True, kw_only=True)
class EvalImagesSettings:
    """What `aigc eval images` can be told."""

    extractor: str = setting("efficientnet_lite0", "Network whose features are compared.", choices=EXTRACTORS)
    split: str = setting("all", "Part of a prepared real set to compare with.", choices=SPLITS)
    max_images: int = setting(2048, "Use at most this many pictures a side, drawn by the seed.", minimum=8)
    neighbours: int = setting(
        3, "k of precision, recall, density and coverage.", minimum=1, maximum=100, group="measuring"
    )
    kid_subsets: int = setting(
        20, "Random pairs of subsets that the kernel distance averages over.", minimum=2, group="measuring"
    )
    kid_subset_size: int = setting(1000, "Pictures in such a subset, at most.", minimum=2, group="measuring")
    bootstrap: int = setting(
        20, "Resamples behind the intervals; 0 for none.", minimum=0, maximum=10000, group="measuring"
    )
    labels: bool = setting(True, "Train a small classifier on the real labels and count recognised pictures.")
    seed: int = setting(0, "Seed of every random choice.", minimum=0)
    device: str = device_setting()
    threads: int | None = threads_setting()
    dry_run: bool = dry_run_setting()


@dataclass(frozen=True, kw_only=True)
class EvalPairsSettings:
    """What `aigc eval pairs` can be told."""

    per_pair: bool = setting(False, "Also print a record for each pair.")
    dry_run: bool = dry_run_setting()


@dataclass(frozen=True, kw_only=True)
class EvalTextSettings:
    """What `aigc eval text` can be told."""

    base: str | None = setting(
        None, "Also measure this model (as train-gpt --init) and the reduction.", metavar="MODEL"
    )
    split: str = setting("valid", "Part of the prepared set to read.", choices=("train", "valid"))
    replies: int = setting(50, "Held-out prompts to answer; 0 for none.", minimum=0)
    context: int = setting(1024, "Longest window to read, in tokens.", minimum=16)
    seed: int = setting(0, "Seed of replies and intervals.", minimum=0)
    device: str = device_setting()
    threads: int | None = threads_setting()
    dry_run: bool = dry_run_setting()


@dataclass(frozen=True, kw_only=True)
class EvalTextsSettings:
    """What `aigc eval texts` can be told."""

    dry_run: bool = dry_run_setting()
