"""Which recipe `--preset auto` takes: one table, each row beside the measurement that it stands on.

A row is taken where all that it asks for is so; where two set the same, the later one decides, and what a person gives
goes before all of them. Where none is taken, the settings stay those of `small`. How many cores there are is never
asked. Knows no networks, files or screens.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from aigc_cli.config.train_gan import PRESETS, TrainGanSettings
from aigc_cli.core.machine.extras import install_command, is_installed
from aigc_cli.core.words.messages import later, tr

AUTO = "auto"
EXTRA = "projected"
# Whoever gives one of these wants to see that one at work: auto adds nothing to it.
OF_ONE_S_OWN = ("arch", "loss")
ANY = (0, math.inf)
FEW = "flip,translate,scale,rotate,colour"
FEW_ONE_SIDED = FEW.removeprefix("flip,")
MANY = 1_000  # training pictures that need no other augmentation than mirror images
ONE_SIDED = 0.3  # see data/pictures/mirror.py: the drawn faces measured have .37, photographs of people .01 and .1


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a recipe is chosen by.

    Training pictures, their side in pixels, whether labels are trained on, minutes (None where steps are given),
    whether critics on pretrained features can be had, whether enough is held out for augmentations to adapt, and
    whether the pictures look to one side (False for sets of a version that did not measure it).
    """

    pictures: int
    size: int
    labelled: bool
    minutes: float | None
    features: bool
    adaptable: bool
    one_sided: bool = False


@dataclass(frozen=True, kw_only=True)
class Row:
    """Settings to take, what to call them, the heading in benchmarks/RESULTS.md, and where: each range with its ends.

    A row whose first setting is given another value is not taken at all, for the rest of it belongs to the first.
    """

    takes: Mapping[str, Any]
    named: str
    heading: str
    pictures: tuple[float, float] = ANY
    size: tuple[float, float] = ANY
    minutes: tuple[float, float] = ANY
    labelled: bool | None = None
    features: bool | None = None
    adaptable: bool | None = None
    one_sided: bool | None = None

    def fits(self, found: Found) -> bool:
        """Whether all that the row asks for is so. Minutes that are not known are in no range but ANY."""
        for name in ("pictures", "size", "minutes"):
            (least, most), value = getattr(self, name), getattr(found, name)
            if (least, most) != ANY and (value is None or not least <= value <= most):
                return False
        asked = {name: getattr(self, name) for name in ("labelled", "features", "adaptable", "one_sided")}
        return all(wanted is None or wanted == getattr(found, name) for name, wanted in asked.items())


TABLE = (
    Row(
        takes=PRESETS["projected"],
        named="projected",
        features=True,
        size=(64, math.inf),
        heading="Faces: 64 pixels, minutes",
    ),
    Row(  # with labels `small` hears them better there
        takes=PRESETS["projected"],
        named="projected",
        features=True,
        labelled=False,
        size=(32, 63),
        heading="Faces: 32 pixels",
    ),
    Row(
        takes={"class_weight": 0.3},
        named=later("class terms of weight 0.3"),
        features=True,
        labelled=True,
        one_sided=False,
        size=(64, math.inf),
        heading="Faces: expressions at 64 pixels",
    ),
    Row(
        takes={"class_weight": 1.0},
        named=later("class terms of weight 1"),
        features=True,
        labelled=True,
        one_sided=True,
        size=(64, math.inf),
        heading="Faces: expressions at 64 pixels",
    ),
    Row(
        takes={"augment": "none"},
        named=later("no mirror images, for the pictures look to one side"),
        one_sided=True,
        size=(32, math.inf),
        pictures=(MANY, math.inf),
        heading="Faces: expressions at 64 pixels",
    ),
    *(
        Row(
            takes={"augment": FEW_ONE_SIDED if one_sided else FEW, **({"augment_adapt": True} if adaptable else {})},
            named=later("augmentations that adapt") if adaptable else later("augmentations"),
            features=True,
            size=(32, math.inf),
            pictures=(0, MANY - 1),
            adaptable=adaptable,
            one_sided=one_sided,
            heading="Faces: few pictures",
        )
        for adaptable in (True, False)
        for one_sided in (True, False)
    ),
)
DECIDED = frozenset(name for row in TABLE for name in row.takes)
# Distances without critics on features and with them after the same time, at 64 pixels, and their heading.
WITHOUT_FEATURES, WITH_FEATURES, HEADING_OF_BOTH = 534, 349, "Faces: what was tried"


@dataclass(frozen=True)
class Choice:
    """What auto came to: the settings, those of them that it decided, in words, and what it was chosen by."""

    settings: TrainGanSettings
    decided: Mapping[str, Any]
    words: str
    found: Found

    def record(self, settings: TrainGanSettings) -> dict[str, Any]:
        """Return what the record of a run with these settings keeps of how they were chosen, as JSON values."""
        return {**asdict(self.found), "settings": {name: getattr(settings, name) for name in sorted(DECIDED)}}


def found_in(manifest: Mapping[str, Any], settings: TrainGanSettings, given: Collection[str]) -> Found:
    """Return what there is to choose by, from an image set's manifest, the settings and the names of those given."""
    counts = manifest["counts"]
    asked = settings.projected if "projected" in given else is_installed(EXTRA)
    return Found(
        pictures=_number(counts.get("train")),
        size=_number(manifest.get("size")),
        labelled=settings.labels and bool(manifest.get("label_names")),
        minutes=None if settings.steps is not None else settings.minutes,
        features=asked and not _own(given),
        adaptable=_number(counts.get("valid")) >= settings.batch_size,
        one_sided=_share(manifest.get("one_sided")) >= ONE_SIDED,
    )


def choose(settings: TrainGanSettings, given: Collection[str], found: Found) -> Choice:
    """Return the settings with what the table says for all that is not given, and a line that says what and why."""
    rows = _taken(settings, given, found)
    decided = {name: value for row in rows for name, value in row.takes.items() if name not in given}
    chosen = replace(settings, **decided)
    return Choice(chosen, decided, _in_words(settings, given, found, rows), found)


def _taken(settings: TrainGanSettings, given: Collection[str], found: Found) -> list[Row]:
    return [row for row in TABLE if row.fits(found) and not _refused(row, settings, given)]


def _refused(row: Row, settings: TrainGanSettings, given: Collection[str]) -> bool:
    first, value = next(iter(row.takes.items()))
    return first in given and getattr(settings, first) != value


def _in_words(settings: TrainGanSettings, given: Collection[str], found: Found, rows: list[Row]) -> str:
    if own := _own(given):
        return tr("auto: small, for {option} is given", option=f"--{own}")
    lacking = replace(found, features=True)
    if "projected" not in given and not found.features and _taken(settings, given, lacking) != rows:
        return tr(
            "auto: small, for EfficientNet-Lite1 is not installed: pictures come out {times:.1f} times as far from "
            "real ones in the same minutes (64 px, {without} against {with_}); {command}",
            times=WITHOUT_FEATURES / WITH_FEATURES,
            without=WITHOUT_FEATURES,
            with_=WITH_FEATURES,
            command=install_command(EXTRA),
        )
    base = [] if any(row.named == EXTRA for row in rows) else ["small"]
    recipe = ", ".join([*base, *(tr(row.named) for row in rows)])
    if found.labelled:
        return tr(
            "auto: {recipe}: {pictures} pictures of {size} px with labels",
            recipe=recipe,
            pictures=found.pictures,
            size=found.size,
        )
    return tr(
        "auto: {recipe}: {pictures} pictures of {size} px", recipe=recipe, pictures=found.pictures, size=found.size
    )


def _own(given: Collection[str]) -> str:
    return next((name for name in OF_ONE_S_OWN if name in given), "")


def _share(value: Any) -> float:
    """Return a number of a manifest, 0 where an older version did not write it."""
    return float(value) if isinstance(value, int | float) else 0.0


def _number(value: Any) -> int:
    """Return a count of a manifest, 0 for what is none: reading the set says what is wrong with it."""
    return value if isinstance(value, int) else 0
