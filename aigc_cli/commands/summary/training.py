"""What a training says in the end: how good the weights are that it kept, where to look, and what to do with them."""

from collections.abc import Mapping
from typing import Any

from aigc_cli.core.disk.rundir import RunDir
from aigc_cli.core.screen.summary import Summary
from aigc_cli.core.words.messages import tr


def trained(record: Mapping[str, Any], run: RunDir, *, converses: bool) -> Summary:
    """Return the lines of a run's record; `converses` tells whether a text run has learned to answer."""
    headline = tr(
        "{run}: trained, {step} steps in {time}", run=run.path, step=record["step"], time=duration(record["seconds"])
    )
    is_face, place = record["kind"] == "face", str(run.path)
    facts = (_face(record, run) if is_face else _text(record)) if record["best"] else []
    curves = f"aigc metrics {place}"
    if run.animation.is_file():
        curves = tr("{path} shows the training; aigc metrics {run} its curves", path=run.animation, run=run.path)
    after = ["aigc", "chat", place] if converses else ["aigc", "sample", place, "-n", "3"]
    if is_face:
        after = ["aigc", "sample", place, "-n", "64", "-o", "faces", "--grid", "faces.png"]
    return Summary(headline=headline, facts=[*facts, (tr("curves"), curves)], next_command=after)


def duration(seconds: float) -> str:
    """Return how long something took, in the unit that fits."""
    if seconds < 90:
        return tr("{count:.0f} seconds", count=seconds)
    if seconds < 90 * 60:
        return tr("{count:.0f} minutes", count=seconds / 60)
    return tr("{count:.1f} hours", count=seconds / 3600)


def _face(record: Mapping[str, Any], run: RunDir) -> list[tuple[str, str]]:
    from aigc_cli.gan.conclusion import MANY_NEAR, best_line

    best, line = record["best"], best_line(run)
    name, distance = next((name, value) for name, value in best.items() if name != "step")
    near = tr(
        "distance {distance:.3g} to the real pictures at step {step}, whose weights are kept ({metric}; 0 is equal)",
        distance=distance,
        step=best["step"],
        metric=name,
    )
    spread = tr("{share:.0%} of the real pictures' spread", share=line["spread"]) if "spread" in line else ""
    share, copies = record.get("near_training"), ""
    if share is not None:
        copies = tr(
            "{share:.1%} of the samples are as near to a training picture as the nearest 1% of held-out ones",
            share=share,
        )
    if share is not None and share > MANY_NEAR:
        copies = tr("{copies}: train shorter, or on more pictures", copies=copies)
    return [(tr("nearness"), near), (tr("variety"), spread), (tr("copies"), copies)]


def _text(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    best = record["best"]
    words = tr(
        "{bits:.2f} bits for a byte of held-out text at step {step}, whose weights are kept (8 is blind guessing)",
        bits=best["bits_per_byte"],
        step=best["step"],
    )
    return [(tr("surprise"), words)]
