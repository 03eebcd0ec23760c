"""What `aigc prepare forget` says in the end: what went, what still holds it, and what must be trained again."""

from collections.abc import Mapping, Sequence
from typing import Any

from aigc_cli.core.screen.summary import Summary
from aigc_cli.core.words.messages import tr


def forgotten(report: Mapping[str, Any]) -> Summary:
    """Return the lines of an `aigc.forget/1` record."""
    left, runs, data = report["left"], report["train_again"], report["set"]
    records, messages = report["records"], report["messages"]
    if report["unchanged"]:
        headline = tr("{data}: nothing in it to be forgotten", data=data)
    elif report["dry_run"]:
        headline = tr(
            "{data}: {records} records of {messages} messages would be forgotten",
            data=data,
            records=records,
            messages=messages,
        )
    else:
        headline = tr(
            "{data}: {records} records of {messages} messages are forgotten",
            data=data,
            records=records,
            messages=messages,
        )
    again = tr("weights cannot forget: {runs}", runs=", ".join(runs)) if runs else ""
    facts = [
        (tr("left"), tr("{train} records, and {valid} held out", train=left["train"], valid=left["valid"])),
        (tr("cleaned"), _copies(report["cleaned"])),
        (tr("still hold it"), _copies(report["still_holds"])),
        (tr("to be trained again"), again),
        (tr("beware"), " ".join(_warnings(report))),
    ]
    return Summary(headline=headline, facts=facts)


def _copies(copies: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(
        tr("{path} (the export itself)", path=copy["path"])
        if copy["kind"] == "source"
        else tr("{path} (lines: {count})", path=copy["path"], count=copy["lines"])
        for copy in copies
    )


def _warnings(report: Mapping[str, Any]) -> list[str]:
    """Return what was not looked at."""
    said = [] if report["searched"] else [tr("no --search: runs and copies were not looked for.")]
    if report["untimed"]:
        said.append(tr("{count} records have no time and were left.", count=report["untimed"]))
    if not report["left"]["train"]:
        said.append(tr("Nothing to train on is left."))
    return [*said, tr("Neither what others say of somebody nor backups are searched.")]
