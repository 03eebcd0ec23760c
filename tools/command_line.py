"""The command line as data, read from the application itself: what man pages and completions are made from.

Knows nothing of roff or shells. Importing the application imports no torch, so this takes a moment.
"""

import dataclasses
import re
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import typer

from aigc_cli.app import app
from aigc_cli.config.base import GROUPS
from aigc_cli.help_pages import HEADINGS, heading_of
from aigc_cli.table import COMMANDS


@dataclasses.dataclass(frozen=True)
class Parameter:
    """An option or an argument. `names` is empty for an argument, `metavar` for a flag."""

    names: tuple[str, ...]
    metavar: str
    help: str
    required: bool = False
    repeated: bool = False
    default: str = ""
    choices: tuple[str, ...] = ()
    bounds: str = ""
    variable: str = ""
    heading: str = ""
    acts: bool = False


@dataclasses.dataclass(frozen=True)
class Command:
    """One command; `path` is ("aigc", "prepare", "chat"). A group has `children` and no arguments.

    Options are in the order of their headings; `summary` is a line, and `heading` where `aigc --help` has the command.
    """

    path: tuple[str, ...]
    help: str
    summary: str
    heading: str
    epilog: str
    arguments: tuple[Parameter, ...]
    options: tuple[Parameter, ...]
    children: tuple["Command", ...]
    section: str
    presets: Mapping[str, Mapping[str, Any]]

    def walk(self) -> Iterator["Command"]:
        """Yield this command and all below it, in the order of `--help`."""
        yield self
        for child in self.children:
            yield from child.walk()


HELP = Parameter(("-h", "--help"), "", "Show a short help and exit.", heading=GROUPS["everywhere"].rstrip(":"))


def read_commands() -> Command:
    """Return the whole command line."""
    return _command(typer.main.get_command(app), ("aigc",))


def _command(command: Any, path: tuple[str, ...]) -> Command:
    settings_type = getattr(command.callback, "settings_type", None)
    fields = {field.name: field for field in dataclasses.fields(settings_type)} if settings_type else {}
    hints = typing.get_type_hints(settings_type) if settings_type else {}
    shown = [parameter for parameter in command.params if not parameter.hidden]
    shown.sort(key=lambda parameter: HEADINGS.index(heading_of(parameter)))
    presets = getattr(command.callback, "presets", {})
    read = [
        _parameter(parameter, fields.get(parameter.name), hints.get(parameter.name), tuple(presets))
        for parameter in shown
    ]
    text = " ".join((command.help or "").split())
    entry = COMMANDS.get(" ".join(path[1:]))
    return Command(
        path=path,
        help=text,
        summary=entry.summary if entry else text,
        heading=entry.heading.rstrip(":") if entry else "",
        epilog=(command.epilog or "").replace("\b", "").strip("\n"),
        arguments=tuple(parameter for parameter in read if not parameter.names),
        options=(*(parameter for parameter in read if parameter.names), HELP),
        children=tuple(_command(child, (*path, name)) for name, child in getattr(command, "commands", {}).items()),
        section=getattr(command.callback, "section", ""),
        presets=presets,
    )


def _parameter(
    parameter: Any, field: "dataclasses.Field[Any] | None", hint: Any, presets: tuple[str, ...]
) -> Parameter:
    is_option = parameter.opts[0].startswith("-")
    is_flag = bool(getattr(parameter, "is_flag", False))
    rules: Mapping[str, Any] = field.metadata if field else {}
    names = sorted([*parameter.opts, *parameter.secondary_opts], key=lambda name: name.startswith("--"))
    return Parameter(
        names=tuple(names) if is_option else (),
        metavar="" if is_flag else (parameter.metavar or _metavar(hint)).rstrip("…"),  # `repeated` says it
        help=parameter.help or "",
        required=parameter.required,
        repeated=parameter.nargs == -1 or parameter.multiple,
        default=_default(parameter, is_flag),
        choices=tuple(rules.get("choices") or (presets if parameter.name == "preset" else ())),
        bounds=_bounds(rules.get("minimum"), rules.get("maximum")),
        variable=parameter.envvar or "",
        heading=heading_of(parameter).rstrip(":"),
        acts=bool(rules.get("acts")),
    )


def _metavar(hint: Any) -> str:
    """Return what stands for a value of a type: N for whole numbers, X for others."""
    kinds = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    return next((name for kind, name in ((int, "N"), (float, "X"), (Path, "PATH")) if kind in kinds), "TEXT")


def _default(parameter: Any, is_flag: bool) -> str:
    value = parameter.default
    if value is None or value in ("", [], ()) or parameter.required:
        return ""
    if is_flag:
        return (parameter.opts if value else parameter.secondary_opts)[0] if parameter.secondary_opts else ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _bounds(minimum: float | None, maximum: float | None) -> str:
    if minimum is None and maximum is None:
        return ""
    if maximum is None:
        return f"at least {_number(minimum)}"
    return f"at most {_number(maximum)}" if minimum is None else f"{_number(minimum)} to {_number(maximum)}"


def _number(value: float | None) -> str:
    return re.sub(r"\.0$", "", str(value))
