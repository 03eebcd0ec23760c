"""Reading a prepared set's `manifest.json`: what kind of set it is, what is in it, and its hash.

Knows nothing of pixels or tokens, and imports no torch, so that wrong input is refused in a moment.
"""

from pathlib import Path
from typing import Any

from aigc_cli.core.errors import BadData, NoInput
from aigc_cli.core.files import read_json

SCHEMA = "aigc.manifest/1"
_MAKERS = {"images": "aigc prepare images", "chat": "aigc prepare chat", "text": "aigc prepare text"}


def read_manifest(folder: Path, *kinds: str) -> dict[str, Any]:
    """Return the manifest of the prepared set in `folder`.

    Raises NoInput if there is no set, BadData if the manifest is damaged, of another format, or of a kind that
    is not among `kinds`.
    """
    makers = " or ".join(_MAKERS[kind] for kind in kinds or _MAKERS)
    path = folder / "manifest.json"
    if not path.is_file():
        missing = "no such folder" if not folder.exists() else "not a prepared set (it has no manifest.json)"
        raise NoInput(f"{folder}: {missing}", f"make one with {makers}")
    manifest = read_json(path)
    if not isinstance(manifest, dict) or not {"kind", "hash", "counts"} <= manifest.keys():
        raise BadData(f"{path}: not the manifest of a prepared set", f"make the set again with {makers}")
    if manifest.get("schema") != SCHEMA:
        raise BadData(f"{path}: format {manifest.get('schema')!r}", f"this version reads {SCHEMA}: make the set again")
    if kinds and manifest["kind"] not in kinds:
        needed = " or ".join(kinds)
        raise BadData(f"{folder}: a set of {manifest['kind']}; this needs {needed}", f"make one with {makers}")
    return manifest
