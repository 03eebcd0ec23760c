"""What readers take from parsed JSON, whose values may be of any type: what is not of the wanted one is as if missing.

Knows nothing of formats.
"""

from datetime import UTC, datetime
from typing import Any

from aigc_cli.core.words.plain import well_formed
from aigc_cli.data.chat.messages import without_controls

_LAST_SECOND = 253402300799  # of the year 9999
_MILLISECONDS = 1e11  # from here on, a time is in these: seconds reach it in the year 5138
_KINDS = {
    "photo": ("jpg", "jpeg", "png", "heic", "gif", "webp", "avif", "bmp", "jfif"),
    "video": ("mp4", "mov", "3gp", "webm", "mkv", "avi", "m4v"),
    "voice": ("opus", "ogg", "m4a", "mp3", "aac", "amr", "wav", "flac"),
    "contact": ("vcf",),
}
_KIND_BY_ENDING = {ending: kind for kind, endings in _KINDS.items() for ending in endings}
_KIND_BY_TYPE = {"image": "photo", "video": "video", "audio": "voice"}


def string(value: Any) -> str:
    """Return a string, or "" for anything else."""
    return value if isinstance(value, str) else ""


def identifier(value: Any) -> str:
    """Return an id, which may be written as a string or a number, as a string; "" for anything else."""
    if isinstance(value, str):
        return well_formed(value)
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def table(value: Any) -> dict[str, Any]:
    """Return an object, or an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def tables(value: Any) -> list[dict[str, Any]]:
    """Return the objects in a list; none for anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def shown_name(*names: Any) -> str:
    """Return the first of the names that is one, as it can be shown; "" if none is."""
    return next(
        (without_controls(well_formed(name)) for name in names if isinstance(name, str) and name.strip()),
        "",
    )


def seconds(value: Any) -> float | None:
    """Return seconds since 1970 that may be written as a string; None for what is no time."""
    time = _number(value)
    return time if time is not None and 0 <= time <= _LAST_SECOND else None


def milliseconds(value: Any) -> float | None:
    """Return the seconds since 1970 of a time in seconds or, where it is so large, in thousandths of them."""
    time = _number(value)
    return None if time is None else seconds(time / 1000 if time >= _MILLISECONDS else time)


def _number(value: Any) -> float | None:
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def iso_seconds(value: Any) -> float | None:
    """Return the seconds since 1970 of an ISO 8601 date with time, in UTC where it has no zone; None for none."""
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
        return seconds((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        return None


def medium(name: Any, mime_type: Any = "") -> str:
    """Return what a file is by its type or its name's ending: photo, video, voice, contact, or file."""
    kind = _KIND_BY_TYPE.get(string(mime_type).partition("/")[0])
    return kind or _KIND_BY_ENDING.get(string(name).rpartition(".")[2].casefold(), "file")
