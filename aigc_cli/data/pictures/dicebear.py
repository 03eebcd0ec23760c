"""Drawn avatar faces: openly licensed DiceBear styles, from seeds, with expressions as labels.

Only styles under CC0, CC BY or MIT are drawn; a style whose licence is no known open one is refused, whatever its
page says in prose. Picture i of (style, seed) is always the same. Knows nothing of sets or tensors; imports its
drawing libraries late, because worker processes import this module.
"""

import difflib
import io
import json
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from importlib.util import find_spec
from random import Random
from typing import Any

from aigc_cli.core.errors import Unavailable, UsageProblem
from aigc_cli.core.machine.extras import install_command
from aigc_cli.core.machine.platform import usable_cores
from aigc_cli.core.seeding import derived_seed
from aigc_cli.core.words.messages import tr

PREFIX = "dicebear:"
OPEN_LICENCES = ("CC0 1.0", "CC BY 4.0", "MIT")
OVERSAMPLING = 2
MAX_PROCESSES = 2
FACES_A_TASK = 64
FACES_WORTH_A_PROCESS = 256

Options = Mapping[str, str | Sequence[str] | int]

# Expression label -> the style's options that show it; eyes and brows are set with the mouth where they would
# contradict it. Only styles whose expressions can be told apart at 32 pixels are here; others are drawn unlabelled.
EXPRESSIONS: dict[str, dict[str, Options]] = {
    "dylan": {
        "neutral": {"moodVariant": "neutral"},
        "smile": {"moodVariant": "happy"},
        "laugh": {"moodVariant": "superHappy"},
        "sad": {"moodVariant": "sad"},
        "angry": {"moodVariant": "angry"},
    },
    "moods": {
        "neutral": {"mouthVariant": "line", "eyesVariant": ["pupils", "bigPupils"]},
        "smile": {"mouthVariant": ["smile", "wide"], "eyesVariant": ["pupils", "bigPupils", "sparkle"]},
        "laugh": {"mouthVariant": ["laugh", "smileOpen"], "eyesVariant": ["happy", "squint"]},
        "sad": {"mouthVariant": "frown", "eyesVariant": ["lookDown", "small"]},
        "angry": {"mouthVariant": ["frown", "teeth"], "eyesVariant": "angry"},
        "agape": {"mouthVariant": ["gasp", "open"], "eyesVariant": ["bigPupils", "tallPupils"]},
    },
    "toon-head": {
        "smile": {"mouthVariant": "smile", "eyesVariant": "happy", "eyebrowsVariant": "happy"},
        "laugh": {"mouthVariant": "laugh", "eyesVariant": "happy", "eyebrowsVariant": "raised"},
        "sad": {"mouthVariant": "sad", "eyesVariant": "humble", "eyebrowsVariant": "sad"},
        "angry": {"mouthVariant": "angry", "eyesVariant": "wide", "eyebrowsVariant": "angry"},
        "agape": {"mouthVariant": "agape", "eyesVariant": "wide", "eyebrowsVariant": "raised"},
    },
}

# Colours that a style has too few of, or that hide its lines. Every drawn colour is varied a little by the seed.
COLOURS: dict[str, dict[str, tuple[str, ...]]] = {
    "dylan": {
        "skin": ("ffd6c0", "f1c3a5", "e0a987", "d09a78", "b87d5b", "a06a48"),
        "hair": ("2c1b18", "5b3a29", "a55728", "d6b370", "f0d890", "c0392b", "8a8f98", "f2f2f2", "4a6fa5", "7d4fa0"),
    },
}
FIXED: dict[str, Options] = {
    "dylan": {"facialHairProbability": 10},
    "toon-head": {"beardProbability": 15},
    "moods": {"animationVariant": "none"},
}
# Styles whose own grounds are too loud for their lines; the others keep theirs, or have none.
PASTEL_GROUND = frozenset({"dylan"})
BRIGHTNESS_JITTER, TINT_JITTER = 10, 5


@dataclass(frozen=True)
class Face:
    """One drawn picture: its source name, label index (or None) and raw pixels, H x W x channels."""

    source: str
    label: int | None
    pixels: bytes


@dataclass(frozen=True)
class FaceJob:
    """What all faces of a set have in common. Small and picklable: it travels to the worker processes."""

    style: str
    size: int
    mode: str
    seed: int

    @property
    def label_names(self) -> tuple[str, ...]:
        """The expression labels in order; none for a style without a recipe."""
        return tuple(EXPRESSIONS.get(self.style, ()))


def list_styles() -> list[dict[str, Any]]:
    """Return a record a style: licence, creator, credit, whether it may be drawn, and its expressions."""
    _require_extra()
    return [style_record(name) for name in _style_names()]


def _style_names() -> list[str]:
    names = sorted(entry.name.removesuffix(".json") for entry in files("dicebear_styles").iterdir())
    return [name for name in names if not name.startswith("_") and "." not in name]


def style_record(name: str) -> dict[str, Any]:
    """Return the record of one style; UsageProblem if there is no such style."""
    meta = _definition(name)["meta"]
    licence, creator = meta.get("license", {}), meta.get("creator", {})
    text = str(licence.get("text", ""))
    if len(text) > 400:  # a whole licence instead of one line of credit
        text = f"{name} by {creator.get('name', 'unknown')}, licensed under {licence['name']}"
    return {
        "schema": "aigc.style/1",
        "source": PREFIX + name,
        "licence": licence.get("name", "unknown"),
        "licence_url": licence.get("url", ""),
        "creator": creator.get("name", "unknown"),
        "credit": text,
        "allowed": licence.get("name") in OPEN_LICENCES,
        "expressions": list(EXPRESSIONS.get(name, ())),
    }


def require_open_style(name: str) -> dict[str, Any]:
    """Return the style's record; UsageProblem if it is unknown or not openly licensed, with the reason."""
    record = style_record(name)
    if not record["allowed"]:
        raise UsageProblem(
            tr(
                "{prefix}{name} is not openly licensed: its terms are only {licence!r}, with no licence text",
                prefix=PREFIX,
                name=name,
                licence=record["licence"],
            ),
            tr(
                "choose one of {licences}; `aigc prepare images {prefix}` lists them",
                licences=", ".join(OPEN_LICENCES),
                prefix=PREFIX,
            ),
        )
    return record


def draw_faces(job: FaceJob, count: int) -> Iterator[Face]:
    """Yield `count` faces in order, drawn by up to two processes when there are enough of them.

    Labels take turns, so they are balanced; everything else comes from the seed.
    """
    require_open_style(job.style)
    starts = range(0, count, FACES_A_TASK)
    tasks = [(job, start, min(start + FACES_A_TASK, count)) for start in starts]
    processes = min(MAX_PROCESSES, usable_cores())
    if processes < 2 or count < FACES_WORTH_A_PROCESS:
        for task in tasks:
            yield from _draw_task(task)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context, initializer=_start_worker) as pool:
        try:
            for faces in pool.map(_draw_task, tasks):
                yield from faces
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _start_worker() -> None:
    """Leave signals to the parent, and end when it ends, however it does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _draw_task(task: tuple[FaceJob, int, int]) -> list[Face]:
    job, start, end = task
    return [_draw_face(job, index) for index in range(start, end)]


def _draw_face(job: FaceJob, index: int) -> Face:
    import resvg_py
    from dicebear import Avatar
    from PIL import Image

    label = index % len(job.label_names) if job.label_names else None
    options = {**face_options(job, index), "size": job.size * OVERSAMPLING}
    svg = Avatar(_style(job.style), options).to_string()
    png = bytes(resvg_py.svg_to_bytes(svg_string=svg, skip_system_fonts=True))
    with Image.open(io.BytesIO(png)) as image:
        picture = image.convert("RGBA" if job.mode == "RGBA" else "RGB").reduce(OVERSAMPLING).convert(job.mode)
    return Face(f"{PREFIX}{job.style}#{job.seed}-{index}", label, picture.tobytes())


def face_options(job: FaceJob, index: int) -> dict[str, Any]:
    """Return the DiceBear options of face `index`: its seed, expression, and colours varied a little."""
    random = Random(derived_seed(job.seed, "face", job.style, index))
    options: dict[str, Any] = {"seed": f"{job.style}-{job.seed}-{index}", **FIXED.get(job.style, {})}
    if job.label_names:
        options |= EXPRESSIONS[job.style][job.label_names[index % len(job.label_names)]]
    for name, colour in _definition(job.style).get("colors", {}).items():
        values = COLOURS.get(job.style, {}).get(name) or tuple(value.lstrip("#") for value in colour["values"])
        if all(len(value) == 6 for value in values) and len(values) > 1:
            options[f"{name}Color"] = [_varied(value, random) for value in values]
    if job.mode == "RGBA":
        options["backgroundColor"] = ["00000000"]
    elif "backgroundColor" not in options or job.style in PASTEL_GROUND:
        options["backgroundColor"] = [_pastel(random)]
    return options


def _varied(colour: str, random: Random) -> str:
    light = random.randint(-BRIGHTNESS_JITTER, BRIGHTNESS_JITTER)
    channels = (int(colour[i : i + 2], 16) + light + random.randint(-TINT_JITTER, TINT_JITTER) for i in (0, 2, 4))
    return "".join(f"{min(255, max(0, channel)):02x}" for channel in channels)


def _pastel(random: Random) -> str:
    """Return a light colour of any hue, so that lines and faces stand out."""
    strength = random.uniform(0.08, 0.3)
    hue = [random.random() for _ in range(3)]
    low, high = min(hue), max(hue)
    return "".join(f"{round(255 * (1 - strength * (1 - (c - low) / (high - low + 1e-9)))):02x}" for c in hue)


@lru_cache(maxsize=4)
def _style(name: str) -> Any:
    from dicebear import Style

    return Style(_definition(name))


@lru_cache(maxsize=4)
def _definition(name: str) -> Any:
    _require_extra()
    path = files("dicebear_styles").joinpath(f"{name}.json")
    if not name.replace("-", "").isalnum() or not path.is_file():
        near = difflib.get_close_matches(name, _style_names(), n=1)
        remedy = tr("`aigc prepare images {prefix}` lists them", prefix=PREFIX)
        raise UsageProblem(
            tr("{prefix}{name}: no such style", prefix=PREFIX, name=name),
            tr("did you mean {name!r}?", name=near[0]) if near else remedy,
        )
    return json.loads(path.read_text("utf-8"))


def _require_extra() -> None:
    missing = [name for name in ("dicebear", "dicebear_styles", "resvg_py") if find_spec(name) is None]
    if missing:
        raise Unavailable(tr("drawing faces needs {missing}", missing=", ".join(missing)), install_command("demo"))
