"""Opening a prepared set: its `manifest.json` says what kind of set it is, what is in it, and its hash.

Knows nothing of pixels or tokens, and imports no torch, so that wrong input is refused in a moment.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aigc_cli.core.disk.files import read_json, sha256_bytes, sha256_file
from aigc_cli.core.errors import BadData, NoInput
from aigc_cli.core.words.messages import tr

SCHEMA = "aigc.manifest/1"
_MAKERS = {"images": "aigc prepare images", "chat": "aigc prepare chat", "text": "aigc prepare text"}

_OPEN_CONSENTS = ("public", "synthetic")


@dataclass(frozen=True)
class PreparedSet:
    """A prepared set that is there: its folder, and its manifest, read once and handed on."""

    path: Path
    manifest: dict[str, Any]

    @property
    def kind(self) -> str:
        """What is in it: images, chat or text."""
        return str(self.manifest["kind"])

    @property
    def hash(self) -> str:
        """The SHA-256 over what is in the set."""
        return str(self.manifest["hash"])

    @property
    def is_private(self) -> bool:
        """Whether what is made of the set is for its owner alone."""
        return self.manifest.get("consent") not in _OPEN_CONSENTS


def open_set(folder: Path, *kinds: str) -> PreparedSet:
    """Open the prepared set in `folder`; raises what `read_manifest` raises."""
    return PreparedSet(folder, read_manifest(folder, *kinds))


def read_manifest(folder: Path, *kinds: str) -> dict[str, Any]:
    """Return the manifest of the prepared set in `folder`.

    Raises NoInput if there is no set, BadData if the manifest is damaged, of another format, or of a kind that
    is not among `kinds`.
    """
    makers = tr(" or ").join(_MAKERS[kind] for kind in kinds or _MAKERS)
    path = folder / "manifest.json"
    refuse_run(folder)
    if not path.is_file():
        exists = folder.exists()
        missing = tr("not a prepared set (it has no manifest.json)") if exists else tr("no such folder")
        raise NoInput(
            tr("{folder}: {missing}", folder=folder, missing=missing), tr("make one with {makers}", makers=makers)
        )
    manifest: dict[str, Any] = read_json(path)
    if not _is_whole(manifest):
        raise BadData(
            tr("{path}: not the manifest of a prepared set", path=path),
            tr("make the set again with {makers}", makers=makers),
        )
    if manifest.get("schema") != SCHEMA:
        raise BadData(
            tr("{path}: format {schema!r}", path=path, schema=manifest.get("schema")),
            tr("this version reads {schema}: make the set again", schema=SCHEMA),
        )
    if kinds and manifest["kind"] not in kinds:
        needed = tr(" or ").join(kinds)
        raise BadData(
            tr("{folder}: a set of {kind}; this needs {needed}", folder=folder, kind=manifest["kind"], needed=needed),
            tr("make one with {makers}", makers=makers),
        )
    return manifest


def refuse_run(folder: Path) -> None:
    """Raise BadData if a run is where a set should be."""
    if (folder / "aigc.json").is_file():
        raise BadData(tr("{folder}: a run, not a set of data", folder=folder), tr("give the set it was trained on"))


def _is_whole(manifest: Any) -> bool:
    """Whether a manifest has what every kind of set has, in the right types."""
    if not isinstance(manifest, dict):
        return False
    types = {"kind": str, "hash": str, "counts": dict}
    optional = {"settings": dict, "sources": list, "label_names": list, "credit": list, "subject": str, "consent": str}
    optional |= {"persona": str}
    return (
        all(isinstance(manifest.get(name), kind) for name, kind in types.items())
        and all(manifest.get(name) is None or isinstance(manifest[name], kind) for name, kind in optional.items())
        and all(
            isinstance(name, str) for name in [*(manifest.get("label_names") or []), *(manifest.get("credit") or [])]
        )
    )


def check_data(folder: Path, manifest: dict[str, Any], names: tuple[str, ...] = ("train.jsonl", "valid.jsonl")) -> None:
    """Raise BadData if the files of a chat or text set are not those that the manifest's hash was taken of."""
    hashes = "".join(sha256_file(folder / name) for name in names)
    if sha256_bytes(hashes.encode()) != manifest["hash"]:
        raise BadData(
            tr("{folder}: {names} were changed after the set was made", folder=folder, names=tr(" or ").join(names)),
            tr("make the set again"),
        )
