"""The configuration files: where they are, what stands in them, and which variables set what.

`aigc.toml` in the working folder goes before the user's own file. Knows nothing of options or of any command.
"""

import dataclasses
import difflib
import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aigc_cli.config.base import ACTS, DEFAULT, Presets, Values, did_you_mean, option_name, setting_name
from aigc_cli.core.errors import BadConfig
from aigc_cli.core.words.messages import system_reason, tr

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

PROJECT_FILE = Path("aigc.toml")
# Variables that are no setting of a command.
SHARED_VARIABLES = ("AIGC_DEBUG", "AIGC_LANG")
LIKENESS = 0.75  # of two names, from which on one is taken for a misspelling of the other


def user_file(environment: Mapping[str, str]) -> Path | None:
    """Return where the user's own file is looked for; None where there is no HOME, as under cron."""
    base = environment.get("XDG_CONFIG_HOME", "")
    if Path(base).is_absolute():  # the specification says to ignore one that is not
        return Path(base) / "aigc" / "config.toml"
    home = environment.get("HOME")
    return Path(home) / ".config" / "aigc" / "config.toml" if home else None


def config_files(environment: Mapping[str, str]) -> list[Path]:
    """Return the places of the configuration files, the weaker first, whether there is a file or not."""
    own = user_file(environment)
    return [*([own] if own else []), PROJECT_FILE]


def shown(path: Path) -> str:
    """Return a file's name for errors and origins: `./aigc.toml`, or the whole path."""
    return str(path) if path.is_absolute() else f"./{path}"


def read_tables(path: Path, sections: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return a configuration file's tables by command, keys with underscores; none where there is no file.

    Raises BadConfig for a file that does not parse, and for a table that is no command's.
    """
    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for, a device may never end
            raise BadConfig(tr("{path}: is there and not a file", path=shown(path)), tr("mend it or move it away"))
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except PermissionError as error:
        if _is_out_of_reach(path):
            return {}
        raise _unreadable(path, error) from error
    except (UnicodeDecodeError, OSError) as error:
        raise _unreadable(path, error) from error
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _unreadable(path, error) from error
    known = list(sections)
    for name, table in tables.items():
        if name not in known:
            raise BadConfig(
                tr("{file}: [{name}] is no command's table", file=shown(path), name=name), did_you_mean(name, known)
            )
        if not isinstance(table, dict):
            raise BadConfig(
                tr("{file}: {name} is not a table", file=shown(path), name=name),
                tr("write [{name}] above its keys", name=name),
            )
    return {name: {key.replace("-", "_"): value for key, value in table.items()} for name, table in tables.items()}


def _is_out_of_reach(path: Path) -> bool:
    """Say whether not even the file's folder can be looked into: another account's HOME, as under `sudo -u`."""
    try:
        path.lstat()
    except PermissionError:
        return True
    return False


def _unreadable(path: Path, error: Exception) -> BadConfig:
    reason = system_reason(error) if isinstance(error, OSError) else error
    return BadConfig(f"{shown(path)}: {reason}", tr("mend it or move it away"))


def variable(field_name: str) -> str:
    """Return the environment variable that sets a field: `batch_size` is `AIGC_BATCH_SIZE`."""
    return f"AIGC_{setting_name(field_name).upper()}"


def lines_of(text: str) -> tuple[str, ...]:
    """Return the values that a variable holds for a setting that takes several: one a line."""
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def refuse_acts(
    settings_type: "type[DataclassInstance]", values: Values, presets: Presets | None, environment: Mapping[str, str]
) -> None:
    """Raise BadConfig if values of the working folder's file, or the preset that they name, set what acts (ACTS).

    Whoever made a folder may have put the file there.
    """
    own = user_file(environment)
    acts = {field.name: field.metadata.get("acts") for field in dataclasses.fields(settings_type)}
    preset = values.get("preset", ("", DEFAULT))[0]
    for name in (*values, *(presets or {}).get(preset, ())):
        if does := acts[name]:
            place = str(values[name if name in values else "preset"][1])
            raise BadConfig(
                tr(
                    "{file}: {name} {does}, and is not taken from here",
                    file=place,
                    name=setting_name(name),
                    does=tr(ACTS[does]),
                ),
                tr(
                    "give {option}, set {variable}, or write it into {own}",
                    option=option_name(name),
                    variable=variable(name),
                    own=own or tr("your own file, under HOME"),
                ),
            )


def others_than(known: Iterable[str], environment: Mapping[str, str] = os.environ) -> list[str]:
    """Return the AIGC_ variables that are set and neither among the known ones nor shared."""
    names = {*known, *SHARED_VARIABLES}
    return sorted(name for name in environment if name.startswith("AIGC_") and name not in names)


def unknown_variables(known: Iterable[str], environment: Mapping[str, str] = os.environ) -> list[str]:
    """Return the AIGC_ variables that set nothing; BadConfig for one that is close to one that would.

    A misspelt setting would train a night with another value; what resembles none may be another program's.
    """
    names = {*known, *SHARED_VARIABLES}
    strange = others_than(names, environment)
    bare = {name.removeprefix("AIGC_"): name for name in names}
    for name in strange:
        near = difflib.get_close_matches(name.removeprefix("AIGC_"), bare, n=1, cutoff=LIKENESS)
        if near:
            raise BadConfig(
                tr("{name} is set, and is no setting", name=name), tr("did you mean {name!r}?", name=bare[near[0]])
            )
    return strange
