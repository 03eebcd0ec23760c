"""What of a chat set is redacted, and what its manifest tells of it: nothing that was to be hidden."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from aigc_cli.config.prepare_chat import PrepareChatSettings
from aigc_cli.data.persona import Persona
from aigc_cli.data.personal.listed import read_listed
from aigc_cli.data.pii import Redactor


def redactor_of(settings: PrepareChatSettings) -> Redactor:
    """Return what redacts as the settings say. NoInput or BadData where the file of words cannot be read."""
    listed = read_listed(Path(settings.redact)) if settings.redact else None
    return Redactor(listed=listed, rules=not settings.keep_pii)


def recorded_settings(
    settings: PrepareChatSettings, redactor: Redactor, persona: Persona | None = None
) -> PrepareChatSettings:
    """Return the settings as a manifest may tell them: files by the hashes of what they say, and no word of a list."""
    if persona is not None:
        settings = replace(settings, persona=f"sha256:{persona.digest}")
    if redactor.listed is None:
        return settings
    hidden: dict[str, Any] = {name: _hidden(value, redactor) for name, value in asdict(settings).items()}
    return replace(settings, **{**hidden, "redact": f"sha256:{redactor.listed.digest}"})


def _hidden(value: object, redactor: Redactor) -> object:
    if isinstance(value, str):
        return redactor.hide_listed(value)
    return tuple(_hidden(one, redactor) for one in value) if isinstance(value, tuple | list) else value


def recorded_source(source: Mapping[str, Any], redactor: Redactor) -> dict[str, Any]:
    """Return a source as a manifest may tell it: exports are often named after a person."""
    return {**source, "path": redactor.hide_listed(source["path"])}
