"""`aigc config show|path`: what every setting is, where it came from, and where configuration files are looked for."""

import contextlib
import dataclasses
import os
import typing
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from aigc_cli.config.base import did_you_mean, json_value, resolve_values, setting_name
from aigc_cli.config.files import PROJECT_FILE, config_files, shown
from aigc_cli.core.errors import UsageProblem
from aigc_cli.core.screen.console import Console
from aigc_cli.core.words.messages import tr
from aigc_cli.options import from_variable, stored_values, with_settings
from aigc_cli.table import sections

SHOW_EXAMPLES = """\b
Examples:
  aigc config show train-gan --origin
  aigc config show prepare chat
  AIGC_SEED=7 aigc config show sample --json | jq -r 'select(.setting == "seed").value'
"""
PATH_EXAMPLES = """\b
Examples:
  aigc config path
  mkdir -p ~/.config/aigc && printf '[chat]\\ntemperature = 0.6\\n' >> ~/.config/aigc/config.toml
"""


def show(
    console: Console,
    ctx: typer.Context,
    command: Annotated[
        list[str] | None,
        typer.Argument(help="Only this command, such as train-gan or prepare chat.", metavar="COMMAND"),
    ] = None,
    origin: Annotated[
        bool,
        typer.Option("--origin", help="Also show where each value came from, and what is not taken from ./aigc.toml."),
    ] = False,
) -> None:
    """Show every setting's value: of variables, aigc.toml, the user's file, the preset, or its default."""
    wanted = "-".join(command or [])
    if wanted and wanted not in sections():
        raise UsageProblem(tr("{name} is no command with settings", name=wanted), did_you_mean(wanted, sections()))
    records = []
    for leaf in _leaves(ctx.find_root().command):
        if wanted in ("", leaf.callback.section):
            records += list(_settings(ctx, leaf))
    hidden = () if origin else ("origin", "not_from")
    console.rows({name: value for name, value in record.items() if name not in hidden} for record in records)


def _leaves(command: Any) -> Iterator[Any]:
    """Yield the commands below a command that have settings."""
    for child in getattr(command, "commands", {}).values():
        if getattr(child.callback, "settings_type", None):
            yield child
        yield from _leaves(child)


def _settings(ctx: typer.Context, command: Any) -> Iterator[dict[str, Any]]:
    settings_type, section = command.callback.settings_type, command.callback.section
    fields = {field.name: field for field in dataclasses.fields(settings_type)}
    kinds = typing.get_type_hints(settings_type)
    values = dict(stored_values(settings_type, section, command.callback.presets))
    for parameter in command.params:
        text, source = parameter.consume_value(ctx, {}) if parameter.name in fields else (None, None)
        if source is not None and source.name == "ENVIRONMENT":
            value = parameter.process_value(ctx, text)
            values[parameter.name] = from_variable(parameter.name, kinds[parameter.name], value)
    settings, origins = resolve_values(settings_type, values, presets=command.callback.presets)
    preset = getattr(settings, "preset", "")
    decided = command.callback.decided.get(preset, ())
    for name, origin in origins.items():
        besides = f", or what preset {preset} decides" if name in decided and origin.kind == "default" else ""
        yield {
            "schema": "aigc.setting/1",
            "command": section,
            "setting": setting_name(name).replace("_", "-"),
            "value": json_value(getattr(settings, name)),
            "origin": f"{origin}{besides}",
            "not_from": shown(PROJECT_FILE) if fields[name].metadata.get("acts") else None,
        }


def path(console: Console) -> None:
    """Show where configuration files are looked for, the stronger first, and whether they are there."""
    records = []
    for place in reversed(config_files(os.environ)):
        with contextlib.suppress(FileNotFoundError):  # of a working folder that was deleted
            place = place.absolute()
        records.append({"schema": "aigc.config/1", "path": str(place), "found": place.is_file()})
    console.rows(records)


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    group = typer.Typer(help="Show settings and where they come from.", rich_markup_mode=None, no_args_is_help=True)
    group.command("show", epilog=SHOW_EXAMPLES)(with_settings(show))
    group.command("path", epilog=PATH_EXAMPLES)(with_settings(path))
    app.add_typer(group, name="config")
