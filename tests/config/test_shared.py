"""Settings that several commands have are the same everywhere: one help text, one default, one set of choices."""

import dataclasses
from collections import defaultdict
from typing import Any

import typer

from aigc_cli.app import app
from aigc_cli.config import shared


def settings_types(command: Any) -> set[type]:
    """Return the settings of a command and of all below it."""
    own = getattr(command.callback, "settings_type", None)
    below = (settings_types(child) for child in getattr(command, "commands", {}).values())
    return {own} - {None} | {kind for kinds in below for kind in kinds}


def test_a_shared_setting_is_declared_once():
    declared = defaultdict(list)
    for kind in settings_types(typer.main.get_command(app)):
        for field in dataclasses.fields(kind):
            declared[field.name].append((field.default, dict(field.metadata)))
    names = [name.removesuffix("_setting") for name in vars(shared) if name.endswith("_setting")]
    assert {"device", "threads", "lock_wait", "dry_run", "schedule"} <= set(names)
    for name in names:
        field = getattr(shared, f"{name}_setting")()
        assert len(declared[name]) > 1
        for default, metadata in declared[name]:
            assert (default, metadata["help"]) == (field.default, field.metadata["help"])
            assert metadata["choices"] == field.metadata["choices"]
