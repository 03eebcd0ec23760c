"""Settings that several commands have, each declared once."""

from typing import Any

from aigc_cli.config.base import setting

DEVICES = ("auto", "cpu", "cuda", "mps")


def device_setting() -> Any:
    """Declare `--device`."""
    return setting("auto", "Where to compute.", choices=DEVICES)


def threads_setting() -> Any:
    """Declare `--threads`."""
    return setting(None, "CPU threads (default: every core).", minimum=1, maximum=1024)


def lock_wait_setting() -> Any:
    """Declare `--lock-wait`."""
    return setting(0.0, "Seconds to wait for another process that works on the same output.", minimum=0, kept=False)


def dry_run_setting() -> Any:
    """Declare `--dry-run`."""
    return setting(False, "Check everything, print the plan and write nothing.", kept=False)
