"""How a setting is declared, once: default, help text, choices and bounds, beside the field's type.

The command-line option, validation, the configuration file's key, the man page and the saved settings of a
run all come from the declaration. Each resolved value knows where it came from. Knows nothing of any command.
"""

import dataclasses
import difflib
import math
import types
import typing
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from aigc_cli.core.errors import BadConfig, UsageProblem
from aigc_cli.core.words.messages import later, tr

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Settings = TypeVar("Settings", bound=DataclassInstance)
else:
    Settings = TypeVar("Settings")

Presets = Mapping[str, Mapping[str, Any]]

_TYPE_NAMES = {
    int: later("integer"),
    float: later("number"),
    str: later("string"),
    bool: later("true or false"),
    Path: later("string (a path)"),
    tuple: later("string, or a list of strings"),
}


@dataclasses.dataclass(frozen=True)
class Origin:
    """Where a value came from: a `kind`, and the `place`: the preset's name, the file, the variable, the option."""

    kind: typing.Literal["default", "preset", "file", "environment", "flag"]
    place: str = ""

    def __str__(self) -> str:
        return {"default": "default", "preset": f"preset {self.place}"}.get(self.kind, self.place)


DEFAULT = Origin("default")
# What a setting may do beside saying how: it is then never taken from the file of the working folder, which may be
# anybody's.
ACTS = {
    "redacts": later("decides what is redacted"),
    "writes": later("decides what is kept in which file"),
    "deletes": later("decides what is deleted"),
    "overwrites": later("decides what is overwritten"),
    "exposes": later("decides who may read what is made"),
    "executes": later("decides what is run"),
    "sends": later("decides what is sent away"),
}
# Headings of a command's options, in the order of its help.
GROUPS = {
    "first": later("Options:"),
    "faces": later("Faces:"),
    "texts": later("Texts:"),
    "recipe": later("Recipe:"),
    "data": later("Data:"),
    "measuring": later("Measuring:"),
    "saving": later("Saving:"),
    "machine": later("Machine:"),
    "everywhere": later("Of every command:"),
}
Values = Mapping[str, tuple[Any, Origin]]


def setting(
    default: Any,
    help_text: str,
    *,
    choices: tuple[str, ...] | None = None,
    minimum: float | None = None,
    maximum: float | None = None,
    metavar: str | None = None,
    short: str | None = None,
    kept: bool = True,
    acts: str | None = None,
    group: str = "first",
) -> Any:
    """Declare a dataclass field that is also an option.

    `choices` limits strings, `minimum` and `maximum` (inclusive) limit numbers, `metavar` names the value
    in help, `short` is a one-letter option such as "-n". What is not `kept` says how the command behaves and not
    what it makes: records leave it out, and a rerun may have another value. `acts`, one of ACTS, marks a setting that
    redacts, writes, deletes, overwrites, exposes, executes or sends. `group`, one of GROUPS, is where help shows it:
    first of all what most people need.

    A field of type `tuple[str, ...]` with the default () is an option that may be given again. A field whose name would
    be a keyword of Python has an underscore behind it (`with_`), which is no part of the setting's name.
    """
    assert acts is None or acts in ACTS
    assert group in GROUPS
    metadata = {
        "help": help_text,
        "choices": choices,
        "minimum": minimum,
        "maximum": maximum,
        "metavar": metavar or ("|".join(choices) if choices else None),
        "short": short,
        "kept": kept,
        "acts": acts,
        "group": group,
    }
    return dataclasses.field(default=default, metadata=metadata)


def setting_name(field_name: str) -> str:
    """Return what files and records call a field: `with_` is `with`."""
    return field_name.removesuffix("_")


def option_name(field_name: str) -> str:
    """Return the option that sets a field: `batch_size` is `--batch-size`."""
    return "--" + setting_name(field_name).replace("_", "-")


def is_several(kind: Any) -> bool:
    """Return whether a field of this type takes several strings."""
    return typing.get_origin(kind) is tuple


def strings(value: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return one string, several or none as several."""
    return (value,) if isinstance(value, str) else tuple(value or ())


def did_you_mean(name: str, known: list[str] | tuple[str, ...]) -> str:
    """Return "did you mean X?" for a near miss, else the known names."""
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return tr("did you mean {name!r}?", name=near[0])
    return tr("known: {names}", names=", ".join(known))


def validate(settings: "DataclassInstance", origins: Mapping[str, Origin] | None = None) -> None:
    """Check every field against its declared choices and bounds; the error names the first that fails, and its place.

    UsageProblem for options and variables, BadConfig for a file's value.
    """
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if value is None:
            continue
        origin = (origins or {}).get(field.name, DEFAULT)
        problem = _problem(_called(field.name, origin), value, field.metadata)
        if problem:
            raise (BadConfig if origin.kind == "file" else UsageProblem)(*problem)


def _called(name: str, origin: Origin) -> str:
    """Return what to call a setting in an error: as it was set."""
    if origin.kind == "file":
        return f"{origin.place}: {setting_name(name)} ="
    return origin.place if origin.kind == "environment" else option_name(name)


def _problem(name: str, value: Any, rules: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return what is wrong with a value, and the remedy."""
    if rules.get("choices") and value not in rules["choices"]:
        return tr("{name} {value!r} is not known", name=name, value=value), did_you_mean(str(value), rules["choices"])
    if isinstance(value, tuple) and not all(one.strip() for one in value):
        return tr("{name} is empty", name=name), tr("give a value, or leave it out")
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    if value != value:
        return tr("{name} is not a number", name=name), tr("give a number")
    if isinstance(value, float) and math.isinf(value):
        return tr("{name} {value} is not finite", name=name, value=value), tr("give a number")
    if rules.get("minimum") is not None and value < rules["minimum"]:
        small = tr("{name} {value} is too small", name=name, value=value)
        return small, tr("at least {minimum:g}", minimum=rules["minimum"])
    if rules.get("maximum") is not None and value > rules["maximum"]:
        large = tr("{name} {value} is too large", name=name, value=value)
        return large, tr("at most {maximum:g}", maximum=rules["maximum"])
    return None


def resolve(
    settings_type: type[Settings],
    given: Mapping[str, Any],
    *,
    presets: Presets | None = None,
    file_values: Mapping[str, Any] | None = None,
) -> Settings:
    """Return validated settings: default < preset < configuration file < given."""
    values = typed_values(settings_type, file_values or {}, "aigc.toml")
    values |= {name: (value, Origin("flag", option_name(name))) for name, value in given.items()}
    return resolve_values(settings_type, values, presets=presets)[0]


def resolve_values(
    settings_type: type[Settings], values: Values, *, presets: Presets | None = None
) -> tuple[Settings, dict[str, Origin]]:
    """Return validated settings and where each value came from: default < preset < `values`.

    The preset is the one that `values` name, else the field's default.
    """
    fields = {field.name: field for field in dataclasses.fields(settings_type)}
    merged = dict(values)
    if presets:
        chosen, origin = merged.get("preset", (fields["preset"].default, DEFAULT))
        unknown = _problem(_called("preset", origin), chosen, {"choices": tuple(presets)})
        if unknown:
            raise (BadConfig if origin.kind == "file" else UsageProblem)(*unknown)
        merged = {name: (value, Origin("preset", chosen)) for name, value in presets[chosen].items()} | merged
    settings = settings_type(**{name: value for name, (value, _) in merged.items()})
    origins = {name: merged[name][1] if name in merged else DEFAULT for name in fields}
    validate(settings, origins)
    return settings, origins


def typed_values(
    settings_type: "type[DataclassInstance]", table: Mapping[str, Any], file: str
) -> dict[str, tuple[Any, Origin]]:
    """Return a configuration file's values in the types of their fields; BadConfig for what does not fit."""
    kinds = typing.get_type_hints(settings_type)
    fields = {setting_name(name): name for name in kinds}
    values: dict[str, tuple[Any, Origin]] = {}
    for name, value in table.items():
        if name not in fields:
            raise BadConfig(
                tr("{file}: {name!r} is no setting of this command", file=file, name=name),
                did_you_mean(name, list(fields)),
            )
        kind = kinds[fields[name]]
        if isinstance(kind, types.UnionType):
            kind = next(part for part in typing.get_args(kind) if part is not types.NoneType)
        if not _is_of(kind, value):
            raise BadConfig(
                tr("{file}: {name} = {value!r}", file=file, name=name, value=value),
                tr("give a value of type {type}", type=tr(_TYPE_NAMES[typing.get_origin(kind) or kind])),
            )
        values[fields[name]] = (strings(value) if is_several(kind) else kind(value), Origin("file", file))
    return values


def _is_of(kind: Any, value: Any) -> bool:
    """Return whether a file's value is one for a field of a type."""
    if is_several(kind):
        return isinstance(value, str) or (isinstance(value, list) and all(isinstance(one, str) for one in value))
    taken = {float: (int, float), Path: (str,)}.get(kind, (kind,))
    return isinstance(value, taken) and (kind is bool or not isinstance(value, bool))


def as_begun(settings: Settings, names: Collection[str], kept: Mapping[str, Any]) -> Settings:
    """Return settings with what a record keeps of those of some names; what would not fit its field stays as it is."""
    kinds, changes = typing.get_type_hints(type(settings)), {}
    for field in dataclasses.fields(settings):
        name = setting_name(field.name)
        if field.name in names and name in kept and _is_value(kinds[field.name], kept[name], field.metadata):
            changes[field.name] = kept[name]
    return dataclasses.replace(settings, **changes)


def _is_value(kind: Any, value: Any, rules: Mapping[str, Any]) -> bool:
    """Return whether a record's value is one that a setting of one value can have."""
    parts = typing.get_args(kind) if isinstance(kind, types.UnionType) else (kind,)
    if value is None:
        return types.NoneType in parts
    taken = any(_is_of(part, value) for part in parts if part in (int, float, str, bool))
    return taken and _problem("", value, rules) is None


def as_json(settings: "DataclassInstance") -> dict[str, Any]:
    """Return the settings that are kept as JSON values, in the order declared."""
    kept = [field.name for field in dataclasses.fields(settings) if field.metadata.get("kept", True)]
    return {setting_name(name): json_value(getattr(settings, name)) for name in kept}


def json_value(value: Any) -> Any:
    """Return a setting's value as JSON has it: a path as text, of several strings none as null, one as itself."""
    if isinstance(value, tuple):
        return list(value) if len(value) > 1 else next(iter(value), None)
    return str(value) if isinstance(value, Path) else value
