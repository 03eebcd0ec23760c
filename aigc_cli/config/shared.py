"""Settings that several commands have, each declared once."""

from typing import Any

from aigc_cli.config.base import setting

DEVICES = ("auto", "cpu", "cuda", "mps")
SCHEDULES = ("constant", "linear", "cosine", "wsd", "plateau")


def device_setting() -> Any:
    """Declare `--device`."""
    return setting("auto", "Where to compute.", choices=DEVICES, group="machine")


def threads_setting() -> Any:
    """Declare `--threads`."""
    return setting(None, "CPU threads (default: every core).", minimum=1, maximum=1024, group="machine")


def lock_wait_setting() -> Any:
    """Declare `--lock-wait`."""
    return setting(
        0.0, "Seconds to wait for another process that works on the same output.", minimum=0, kept=False, group="saving"
    )


def dry_run_setting() -> Any:
    """Declare `--dry-run`."""
    return setting(False, "Check everything, print the plan and write nothing.", kept=False)


def force_setting() -> Any:
    """Declare `--force`."""
    help_text = "Replace what is in the way: another set, or a file that aigc did not write."
    return setting(False, help_text, kept=False, acts="overwrites")


def schedule_setting() -> Any:
    """Declare `--schedule`."""
    return setting(
        "wsd", "Course of the learning rates; wsd: warm-up, stable, decay.", choices=SCHEDULES, group="recipe"
    )


def final_lr_setting() -> Any:
    """Declare `--final-lr`."""
    return setting(0.0, "Share of its peak that a learning rate falls to.", minimum=0.0, maximum=1.0, group="recipe")


def plateau_patience_setting() -> Any:
    """Declare `--plateau-patience`."""
    return setting(
        1, "With plateau: halve the rates after more evaluations than this without progress.", minimum=0, group="recipe"
    )


def save_every_setting() -> Any:
    """Declare `--save-every`."""
    return setting(0, "Also save every so many steps (0: by minutes alone).", minimum=0, kept=False, group="saving")


def keep_setting() -> Any:
    """Declare `--keep`."""
    return setting(2, "Latest checkpoints to keep.", minimum=1, kept=False, acts="deletes", group="saving")


def tensorboard_setting() -> Any:
    """Declare `--tensorboard`."""
    return setting(False, "Also write TensorBoard's event files, in RUN/tensorboard.", kept=False, group="measuring")
