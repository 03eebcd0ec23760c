"""`aigc prepare forget`: first the copies are cleaned, then the set, which tells what to look for until the end.

So what is interrupted is done by the same command again. Weights cannot forget: the runs that learned from the set are
named. Nothing here prints.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from aigc_cli.core.disk.files import behind_link, sweep_unfinished
from aigc_cli.core.disk.rundir import FolderLock
from aigc_cli.core.errors import UsageProblem
from aigc_cli.core.screen.progress import Progress
from aigc_cli.core.words.messages import tr
from aigc_cli.data.forget.copies import Found, clean, search
from aigc_cli.data.forget.selection import Selection
from aigc_cli.data.forget.sets import TRAIN, VALID, Plan, plan, rewrite, source_hashes
from aigc_cli.data.manifest import read_manifest


def forget(
    folder: Path,
    chosen: Selection,
    folders: Sequence[Path],
    sessions_of: Callable[[Path], Path | None],
    progress: Progress,
    *,
    yes: bool = False,
    dry_run: bool = False,
    lock_wait: float = 0.0,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Take what is chosen out of the chat set `folder` and its copies; return the report, and a line a record.

    `folders` are looked through, and the folder that `sessions_of` gives for each run found in them. With `dry_run`
    nothing is changed. Raises UsageProblem where something would be deleted and `yes` was not said, Locked (75), and
    what `plan`, `search`, `clean` and `rewrite` raise.
    """
    folder = behind_link(folder)
    if dry_run:
        planned, found = _looked(folder, chosen, folders, sessions_of, progress)
        return _report(planned, found, folders, None, dry_run=True), planned.listed
    if folder.parent.is_dir():
        sweep_unfinished(folder)  # what a killed process left holds what is to be forgotten
    read_manifest(folder, "chat")
    with FolderLock(folder, wait_seconds=lock_wait):
        planned, found = _looked(folder, chosen, folders, sessions_of, progress)
        if planned.listed and not yes:
            raise UsageProblem(
                tr(
                    "{count} of {whole} records of {folder} would go, for good",
                    count=len(planned.listed),
                    whole=len(planned.listed) + planned.left[TRAIN] + planned.left[VALID],
                    folder=folder,
                ),
                tr("--dry-run lists them, --yes deletes them"),
            )
        for copy in found.copies:
            if copy.known:
                clean(copy, planned.traces, wait_seconds=lock_wait)
        manifest = rewrite(planned) if planned.listed else None
    return _report(planned, found, folders, manifest, dry_run=False), planned.listed


def _looked(
    folder: Path,
    chosen: Selection,
    folders: Sequence[Path],
    sessions_of: Callable[[Path], Path | None],
    progress: Progress,
) -> tuple[Plan, Found]:
    planned = plan(folder, chosen)
    sources = source_hashes(planned.opened)
    for place in folders:
        progress.say(tr("looking through {folder}", folder=place))
    held_out = bool(planned.gone[VALID])
    found = search(folders, folder, planned.hashes, sources, planned.traces, sessions_of, held_out=held_out)
    return planned, found


def _report(
    planned: Plan, found: Found, folders: Sequence[Path], manifest: dict[str, Any] | None, *, dry_run: bool
) -> dict[str, Any]:
    """Return the record to print; `manifest` is that of the set made, None where none was."""
    counts = (manifest or {}).get("counts", {"train": planned.left[TRAIN], "valid": planned.left[VALID]})
    splits = [line["split"] for line in planned.listed]
    return {
        "schema": "aigc.forget/1",
        "set": str(planned.opened.path),
        "dry_run": dry_run,
        "unchanged": not planned.listed,
        "records": len(splits),
        "messages": planned.messages,
        "train": splits.count("train"),
        "valid": splits.count("valid"),
        "untimed": planned.untimed,
        "left": {"train": counts["train"], "valid": counts["valid"]},
        "hash": manifest["hash"] if manifest else planned.opened.hash,
        "searched": [str(place) for place in folders],
        "cleaned": [_copy(copy) for copy in found.copies if copy.known],
        "still_holds": [_copy(copy) for copy in found.copies if not copy.known],
        "train_again": [str(run) for run in found.runs],
    }


def _copy(copy: Any) -> dict[str, Any]:
    return {"path": str(copy.path), "kind": copy.kind, "lines": copy.lines}
