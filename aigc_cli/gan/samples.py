"""Samples of a face run: what each item is to be, and drawing those that a folder lacks.

Knows no command line and no screen. torch is imported when something is drawn: what is there already takes a moment.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aigc_cli.config.base import did_you_mean
from aigc_cli.config.sample import SampleSettings
from aigc_cli.core.disk.files import check_free_space, read_json
from aigc_cli.core.disk.weights import chosen_weights
from aigc_cli.core.errors import BadData, UsageProblem
from aigc_cli.core.screen.progress import Progress
from aigc_cli.core.words.messages import tr
from aigc_cli.data.samples import LABEL_BYTES, RECORD_BYTES, SampleFolder

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class FaceSamples:
    """The items that settings ask of a run.

    `step` is the checkpoint whose weights draw them (None: the best); `item_bytes` is about what one takes on the disk.
    """

    run: Path
    settings: SampleSettings
    step: int | None
    items: list[dict[str, Any]]
    item_bytes: int

    def missing(self, folder: Path) -> list[dict[str, Any]]:
        """Return the items that a folder lacks. Nothing in it is changed."""
        return SampleFolder(folder, repair=False).missing(self.items) if folder.is_dir() else self.items

    def drawn(
        self, items: list[dict[str, Any]], tell: Callable[[str], None]
    ) -> "Iterator[tuple[dict[str, Any], Tensor]]":
        """Yield each item with its picture (C, H, W), computed a block at a time; `tell` hears on what."""
        from aigc_cli.core.machine.device import take_up
        from aigc_cli.gan.sampler import load_generator

        settings = self.settings
        device = take_up(settings.device, settings.threads, tell)
        sampler = load_generator(self.run, device=device, batch_size=settings.batch_size, step=self.step)
        names = sampler.label_names
        for begin in range(0, len(items), settings.batch_size):
            block = items[begin : begin + settings.batch_size]
            labels = [names.index(item["label"]) for item in block] if names else None
            indices = [item["index"] for item in block]
            yield from zip(block, sampler.pictures(indices, settings.seed, labels, settings.truncation), strict=True)

    def fill(self, folder: Path, progress: Progress, stop: Callable[[], None]) -> list[dict[str, Any]]:
        """Draw what the folder lacks, each picture whole as soon as it is there, and return the records of all items.

        The caller holds the folder's lock. `stop` is called after each picture, and may raise.
        """
        samples = SampleFolder(folder)
        missing = samples.missing(self.items)
        if missing:
            check_free_space(folder, len(missing) * self.item_bytes)
            progress.stage(tr("sampling"), len(self.items), tr("pictures"), len(self.items) - len(missing))
            for item, picture in self.drawn(missing, progress.detail):
                samples.add(item, picture)
                progress.advance()
                stop()
            progress.close()
        else:
            progress.say(tr("{folder}: all {count} are there: nothing to do", folder=folder, count=len(self.items)))
        return samples.records(item["index"] for item in self.items)


def face_samples(run: Path, settings: SampleSettings) -> FaceSamples:
    """Return what is asked of a face run; nothing is drawn.

    NoInput without weights, BadData if the run is damaged, UsageProblem for a label that it has not.
    """
    step, run_hash = chosen_weights(run, settings.checkpoint, "generator.safetensors")
    config = _config(run)
    names = tuple(map(str, config.get("label_names") or ()))
    pixel_bytes = config["channels"] * config["size"] ** 2 * config.get("bit_depth", 8) // 8
    return FaceSamples(
        run=run,
        settings=settings,
        step=step,
        items=_items(settings, names, run_hash),
        item_bytes=int(pixel_bytes + LABEL_BYTES + RECORD_BYTES),
    )


def _config(run: Path) -> dict[str, Any]:
    """Return a face run's configuration; BadData if what is needed before the model is loaded is not in it."""
    config = read_json(run / "config.json")
    if not isinstance(config, dict) or any(type(config.get(name)) is not int for name in ("size", "channels")):
        problem = tr("not the configuration of a face run")
        raise BadData(f"{run / 'config.json'}: {problem}", tr("restore it or train again"))
    return config


def _items(settings: SampleSettings, label_names: tuple[str, ...], run_hash: str) -> list[dict[str, Any]]:
    """Return what each item is: its index, seed, label name (the labels in turn unless one is asked for)."""
    if settings.label is not None and settings.label not in label_names:
        remedy = tr("the run has no labels: leave it out")
        if label_names:
            remedy = did_you_mean(settings.label, label_names)
        raise UsageProblem(tr("--label {label!r} is not a label of this run", label=settings.label), remedy)
    items = []
    for index in range(settings.start, settings.start + settings.count):
        label = settings.label or (label_names[index % len(label_names)] if label_names else None)
        item = {"index": index, "seed": settings.seed, "label": label, "truncation": settings.truncation}
        items.append({**item, "batch_size": settings.batch_size, "run_hash": run_hash})
    return items
