"""How a setting is declared, once: default, help text, choices and bounds, beside the field's type.

The command-line option, validation, the configuration file's key, the man page and the saved settings of a
run all come from the declaration. Knows nothing of any command.
"""

import dataclasses
import difflib
import math
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from aigc_cli.core.errors import BadConfig, UsageProblem

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Settings = TypeVar("Settings", bound=DataclassInstance)
else:
    Settings = TypeVar("Settings")

Presets = Mapping[str, Mapping[str, Any]]

_TYPE_NAMES = {int: "integer", float: "number", str: "string", bool: "true or false", Path: "string (a path)"}


def setting(
    default: Any,
    help_text: str,
    *,
    choices: tuple[str, ...] | None = None,
    minimum: float | None = None,
    maximum: float | None = None,
    metavar: str | None = None,
    short: str | None = None,
) -> Any:
    """Declare a dataclass field that is also an option.

    `choices` limits strings, `minimum` and `maximum` (inclusive) limit numbers, `metavar` names the value
    in help, `short` is a one-letter option such as "-n".
    """
    metadata = {
        "help": help_text,
        "choices": choices,
        "minimum": minimum,
        "maximum": maximum,
        "metavar": metavar or ("|".join(choices) if choices else None),
        "short": short,
    }
    return dataclasses.field(default=default, metadata=metadata)


def option_name(field_name: str) -> str:
    """Return the option that sets a field: `batch_size` is `--batch-size`."""
    return "--" + field_name.replace("_", "-")


def did_you_mean(name: str, known: list[str] | tuple[str, ...]) -> str:
    """Return "did you mean X?" for a near miss, else the known names."""
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}?" if near else "known: " + ", ".join(known)


def validate(settings: "DataclassInstance") -> None:
    """Check every field against its declared choices and bounds; UsageProblem names the first that fails."""
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if value is None:
            continue
        option, rules = option_name(field.name), field.metadata
        if rules.get("choices") and value not in rules["choices"]:
            raise UsageProblem(f"{option} {value!r} is not known", did_you_mean(str(value), rules["choices"]))
        if isinstance(value, int | float) and not isinstance(value, bool):
            if value != value:
                raise UsageProblem(f"{option} is not a number", "give a number")
            if isinstance(value, float) and math.isinf(value):
                raise UsageProblem(f"{option} {value} is not finite", "give a number")
            if rules.get("minimum") is not None and value < rules["minimum"]:
                raise UsageProblem(f"{option} {value} is too small", f"at least {rules['minimum']:g}")
            if rules.get("maximum") is not None and value > rules["maximum"]:
                raise UsageProblem(f"{option} {value} is too large", f"at most {rules['maximum']:g}")


def resolve(
    settings_type: type[Settings],
    given: Mapping[str, Any],
    *,
    presets: Presets | None = None,
    file_values: Mapping[str, Any] | None = None,
) -> Settings:
    """Return validated settings: default < preset < configuration file < given (environment and flags).

    The preset is the one named by `preset` in `given`, else in the file, else the field's default.
    """
    values = _from_file(settings_type, file_values or {})
    values.update(given)
    if presets:
        default = next(field.default for field in dataclasses.fields(settings_type) if field.name == "preset")
        chosen = values.get("preset", default)
        if chosen not in presets:
            raise UsageProblem(f"--preset {chosen!r} is not known", did_you_mean(str(chosen), tuple(presets)))
        values = {**presets[chosen], **values}
    settings = settings_type(**values)
    validate(settings)
    return settings


def _from_file(settings_type: type[Settings], file_values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration file's values in the types of their fields; BadConfig for what does not fit."""
    kinds = typing.get_type_hints(settings_type)
    values: dict[str, Any] = {}
    for name, value in file_values.items():
        if name not in kinds:
            raise BadConfig(f"configuration file: unknown key {name!r}", did_you_mean(name, list(kinds)))
        kind = kinds[name]
        if isinstance(kind, types.UnionType):
            kind = next(part for part in typing.get_args(kind) if part is not types.NoneType)
        taken = {float: (int, float), Path: (str,)}.get(kind, (kind,))
        if not isinstance(value, taken) or (isinstance(value, bool) and kind is not bool):
            raise BadConfig(f"configuration file: {name} = {value!r}", f"give a value of type {_TYPE_NAMES[kind]}")
        values[name] = kind(value)
    return values


def as_json(settings: "DataclassInstance") -> dict[str, Any]:
    """Return the settings as JSON values, paths as text, in the order declared."""
    return {
        name: str(value) if isinstance(value, Path) else value for name, value in dataclasses.asdict(settings).items()
    }
