"""The settings of `aigc prepare forget`. What is to be forgotten is said on the command line alone."""

from dataclasses import dataclass

from aigc_cli.config.base import setting
from aigc_cli.config.shared import dry_run_setting, lock_wait_setting


@dataclass(frozen=True, kw_only=True)
class PrepareForgetSettings:
    """How `aigc prepare forget` goes about it."""

    yes: bool = setting(False, "Delete: what is forgotten is gone for good.", kept=False, acts="deletes")
    lock_wait: float = lock_wait_setting()
    dry_run: bool = dry_run_setting()
