"""A settings dataclass becomes Typer options: one declaration, one name, one default, one help text.

`with_settings` gives a command function the options of its settings, the output options that every command
has (`--json`, `-q`, `--debug`), and the order of precedence: flag > `AIGC_*` > ./aigc.toml > preset > default.
"""

import dataclasses
import inspect
import tomllib
import typing
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from aigc_cli.config.base import Presets, did_you_mean, option_name, resolve
from aigc_cli.core.console import Console
from aigc_cli.core.errors import BadConfig
from aigc_cli.core.messages import tr

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

CONFIG_FILE = Path("aigc.toml")
_SECTIONS: list[str] = []  # of every command, so that a table that none reads is found

_OUTPUT_OPTIONS: dict[str, tuple[Any, Any]] = {
    "json": (bool, typer.Option("--json", help="Print records as JSON lines even on a terminal.")),
    "quiet": (bool, typer.Option("--quiet", "-q", help="Say nothing on success.")),
    "debug": (bool, typer.Option("--debug", help="Show a traceback on errors.")),
}


def with_settings(
    run: Callable[..., None],
    settings_type: "type[DataclassInstance]",
    *,
    section: str,
    presets: Presets | None = None,
) -> Callable[..., None]:
    """Return `run` as a Typer command.

    `run(console, settings, **arguments)` declares only its positional arguments; the options of
    `settings_type` are added. `section` is its table in `aigc.toml`, e.g. "train-gan".
    """
    _SECTIONS.append(section)
    own = [
        parameter
        for name, parameter in inspect.signature(run).parameters.items()
        if name not in ("console", "settings")
    ]
    types = typing.get_type_hints(settings_type)
    fields = dataclasses.fields(settings_type)

    def command(ctx: typer.Context, **values: Any) -> None:
        output = {name: values.pop(name) for name in _OUTPUT_OPTIONS}
        console = Console(json_output=output["json"], quiet=output["quiet"], debug=output["debug"])
        sources = {field.name: ctx.get_parameter_source(field.name) for field in fields}
        given = {
            name: values[name]
            for name, source in sources.items()
            if source is not None and source.name in ("COMMANDLINE", "ENVIRONMENT")
        }
        settings = resolve(settings_type, given, presets=presets, file_values=_file_values(section))
        arguments = {parameter.name: values[parameter.name] for parameter in own}
        run(console=console, settings=settings, **arguments)

    parameters = [inspect.Parameter("ctx", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)]
    parameters += [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
    parameters += [_option(field, types[field.name]) for field in fields]
    for name, (kind, option) in _OUTPUT_OPTIONS.items():
        parameters.append(
            inspect.Parameter(
                name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=typing.Annotated[kind, option]
            )
        )
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    command.__doc__ = run.__doc__
    # What man pages and completions are made from, beside the options themselves.
    vars(command).update(section=section, settings_type=settings_type, presets=presets or {})
    return command


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
        envvar=f"AIGC_{field.name.upper()}",
        show_envvar=False,
        show_default=field.default is not None,
        autocompletion=completion,
    )
    return inspect.Parameter(
        field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=typing.Annotated[kind, option]
    )


def _file_values(section: str) -> dict[str, Any]:
    if not CONFIG_FILE.is_file():
        return {}
    try:
        tables = tomllib.loads(CONFIG_FILE.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise BadConfig(
            tr("{config_file}: {error}", config_file=CONFIG_FILE, error=error), tr("mend it or move it away")
        ) from error
    for name in tables:
        if name not in _SECTIONS:
            raise BadConfig(
                tr("{config_file}: [{name}] is no command's table", config_file=CONFIG_FILE, name=name),
                did_you_mean(name, _SECTIONS),
            )
    table = tables.get(section, {})
    if not isinstance(table, dict):
        raise BadConfig(
            tr("{config_file}: {section} is not a table", config_file=CONFIG_FILE, section=section),
            tr("write [{section}] above its keys", section=section),
        )
    return {name.replace("-", "_"): value for name, value in table.items()}
