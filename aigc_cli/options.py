"""A settings dataclass becomes Typer options: one declaration, one name, one default, one help text.

`with_settings` gives a command function the options of its settings, the output options that every command
has (`--json`, `-q`, `-v`, `--color`, `--lang`, `--debug`), dates in `-o`, and the order of precedence:
flag > `AIGC_*` > ./aigc.toml > the user's file > preset > default.
"""

import dataclasses
import inspect
import os
import time
import typing
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aigc_cli.config.base import (
    GROUPS,
    Origin,
    Presets,
    Values,
    did_you_mean,
    is_several,
    option_name,
    resolve_values,
    setting_name,
    typed_values,
)
from aigc_cli.config.files import (
    PROJECT_FILE,
    config_files,
    lines_of,
    others_than,
    read_tables,
    refuse_acts,
    shown,
    unknown_variables,
    variable,
)
from aigc_cli.core.disk.dated import Output, delete_written, old_siblings, resolve_output
from aigc_cli.core.errors import UsageProblem
from aigc_cli.core.screen.console import Console, choose_colour
from aigc_cli.core.words.messages import tr
from aigc_cli.shared_options import COLOURS, OUTPUT_OPTIONS, check_language
from aigc_cli.table import sections, settings_types

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_KEEP_DAYS = typer.Option(
    "--keep-days",
    help="With a date in -o, such as out/%Y-%m-%d: afterwards delete what aigc wrote there more than N days ago.",
    metavar="N",
    min=0,
    rich_help_panel=GROUPS["saving"],
)


def with_settings(
    run: Callable[..., None],
    settings_type: "type[DataclassInstance] | None" = None,
    *,
    section: str = "",
    presets: Presets | None = None,
    decided: Mapping[str, Collection[str]] | None = None,
) -> Callable[..., None]:
    """Return `run` as a Typer command.

    `run(console, settings, **arguments)` declares only its positional arguments; the options of
    `settings_type` are added. `section` is its table in `aigc.toml`, e.g. "train-gan". `run` is also given `origins`,
    where each setting came from, and `ctx`, if it asks for them. `decided` names the settings that a preset decides
    when the command runs.
    """
    asked = inspect.signature(run).parameters
    own = [parameter for name, parameter in asked.items() if name not in ("console", "settings", "origins", "ctx")]
    for parameter in own:
        for rule in getattr(parameter.annotation, "__metadata__", ()):
            rule.readable = False  # reading tells better, with 66; the framework's check is a usage error
    types = typing.get_type_hints(settings_type) if settings_type else {}
    fields = dataclasses.fields(settings_type) if settings_type else ()
    has_output = "output" in asked

    def command(ctx: typer.Context, **values: Any) -> None:
        started = time.monotonic()
        console = _console(values)
        arguments = {parameter.name: values[parameter.name] for parameter in own}
        settings = None
        if settings_type:
            _warn_of_variables(console, {variable(field.name) for field in fields})
            given = _given(ctx, types, values)
            stored = stored_values(settings_type, section, presets)
            settings, origins = resolve_values(settings_type, {**stored, **given}, presets=presets)
            _tell_origins(console, settings, origins)
            extra = {"settings": settings, "origins": origins}
            arguments |= {name: value for name, value in extra.items() if name in asked}
        arguments |= {"ctx": ctx} if "ctx" in asked else {}
        dated = _dated(arguments) if has_output else None
        keep_days = values.get("keep_days")
        old = old_siblings(dated, keep_days, datetime.now().date()) if dated and keep_days is not None else []
        run(console=console, **arguments)
        _delete_old(console, old, dry_run=bool(getattr(settings, "dry_run", False)))
        console.detail(tr("done in {seconds:.2f} s", seconds=time.monotonic() - started))

    parameters = [inspect.Parameter("ctx", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)]
    parameters += [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
    parameters += [_option(field, types[field.name]) for field in fields]
    parameters += [_keyword("keep_days", Annotated[int | None, _KEEP_DAYS], None)] if has_output else []
    parameters += [
        _keyword(name, Annotated[kind, option], default) for name, (kind, option, default) in OUTPUT_OPTIONS.items()
    ]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    command.__doc__ = run.__doc__
    # What man pages and completions are made from, beside the options themselves.
    vars(command).update(section=section, settings_type=settings_type, presets=presets or {}, decided=decided or {})
    return command


def _keyword(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _console(values: dict[str, Any]) -> Console:
    """Take the output options out of a command's values, and return the console that they ask for."""
    output = {name: values.pop(name) for name in OUTPUT_OPTIONS}
    if output["quiet"] and output["verbose"]:
        raise UsageProblem(tr("--quiet and --verbose exclude each other"), tr("give one of them"))
    if output["color"] not in COLOURS:
        raise UsageProblem(
            tr("{name} {value!r} is not known", name="--color", value=output["color"]),
            did_you_mean(output["color"], COLOURS),
        )
    check_language(output.pop("lang"))
    choose_colour(output.pop("color"))
    return Console(json_output=output.pop("json"), **output)


def known_variables() -> set[str]:
    """Return the variables that set something of any command."""
    kinds = settings_types().values()
    return {variable(field.name) for kind in kinds for field in dataclasses.fields(kind)}


def _warn_of_variables(console: Console, own: set[str]) -> None:
    """Say which variables set nothing; the other commands' settings are read where one is not of this command."""
    if not others_than(own):
        return
    for name in unknown_variables(known_variables()):
        console.detail(tr("{name} is set, and is no setting", name=name))


def _given(ctx: typer.Context, types: dict[str, Any], values: dict[str, Any]) -> dict[str, tuple[Any, Origin]]:
    """Return what options and variables set."""
    given = {}
    for name, kind in types.items():
        source = ctx.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            value = tuple(values[name]) if is_several(kind) else values[name]
            given[name] = (value, Origin("flag", option_name(name)))
        elif source is not None and source.name == "ENVIRONMENT":
            given[name] = from_variable(name, kind, values[name])
    return given


def from_variable(name: str, kind: Any, value: Any) -> tuple[Any, Origin]:
    """Return what a variable sets; `value` is what the framework makes of it, which divides at every space."""
    own = variable(name)
    return (lines_of(os.environ[own]) if is_several(kind) else value, Origin("environment", own))


def stored_values(settings_type: "type[DataclassInstance]", section: str, presets: Presets | None) -> Values:
    """Return what the configuration files set for a command: `aigc.toml` over the user's own file.

    BadConfig for what does not fit, and for what acts (see `refuse_acts`) in the working folder's file.
    """
    values: dict[str, tuple[Any, Origin]] = {}
    for path in config_files(os.environ):
        found = typed_values(settings_type, read_tables(path, sections()).get(section, {}), shown(path))
        if path == PROJECT_FILE:
            refuse_acts(settings_type, found, presets, os.environ)
        values |= found
    return values


def _tell_origins(console: Console, settings: Any, origins: dict[str, Origin]) -> None:
    for name, origin in origins.items():
        if origin.kind != "default":
            value = getattr(settings, name)
            value = ", ".join(value) if isinstance(value, tuple) else value
            console.detail(tr("{name} = {value} ({origin})", name=setting_name(name), value=value, origin=origin))


def _dated(arguments: dict[str, Any]) -> Output | None:
    """Put the date into a command's `-o`, if it has one."""
    text = arguments["output"]
    if text is None:
        return None
    output = resolve_output(str(text), datetime.now())
    arguments["output"] = type(text)(output.path) if isinstance(text, str) else Path(output.path)
    return output


def _delete_old(console: Console, old: list[Path], *, dry_run: bool) -> None:
    for path in old:
        if dry_run:
            console.talk(tr("{path}: would be deleted, if aigc wrote all of it", path=path))
        elif delete_written(path):
            console.talk(tr("{path}: deleted, for it is old", path=path))
        else:
            console.talk(tr("{path}: old, but not aigc's alone or in use: kept", path=path))


def _option(field: "dataclasses.Field[Any]", kind: Any) -> inspect.Parameter:
    rules = field.metadata
    name = option_name(field.name)
    names = [f"{name}/--no-{name[2:]}"] if kind is bool else [name]
    if rules["short"]:
        names.append(rules["short"])
    completion = None
    if rules["choices"]:
        choices = list(rules["choices"])

        def completion(incomplete: str) -> list[str]:
            return [choice for choice in choices if choice.startswith(incomplete)]

    option = typer.Option(
        *names,
        help=rules["help"],
        metavar=rules["metavar"] if kind is not bool else None,
        envvar=variable(field.name),
        readable=False,
        show_envvar=False,
        show_default=field.default not in (None, ()),
        autocompletion=completion,
        rich_help_panel=GROUPS[rules["group"]],
    )
    if is_several(kind):
        return _keyword(field.name, Annotated[list[str], option], [])
    return _keyword(field.name, Annotated[kind, option], field.default)
