"""Samples of a text run: what each item is to be, and writing those that a file lacks.

Knows no command line and no screen. torch is imported when something is written: what is there already takes a moment.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aigc_cli.config.sample import SampleSettings
from aigc_cli.core.disk.files import check_free_space
from aigc_cli.core.disk.provenance import label_record
from aigc_cli.core.disk.weights import chosen_weights
from aigc_cli.core.screen.progress import Progress
from aigc_cli.core.words.messages import tr
from aigc_cli.data.prompts import Conversation, read_prompts
from aigc_cli.data.samples import RECORD_BYTES, SCHEMA, SampleFile

DECODING = ("max_new_tokens", "temperature", "top_p", "top_k", "min_p", "repetition_penalty")


@dataclass(frozen=True, kw_only=True)
class TextSamples:
    """The items that settings ask of a run: continuations of conversations, which take turns.

    `step` is the checkpoint whose weights write them (None: the best); `item_bytes` is about what one takes on the
    disk, at the most.
    """

    run: Path
    settings: SampleSettings
    step: int | None
    conversations: list[Conversation]
    items: list[dict[str, Any]]
    item_bytes: int

    def missing(self, path: Path) -> list[dict[str, Any]]:
        """Return the items that a file lacks. Nothing in it is changed."""
        return SampleFile(path, repair=False).missing(self.items) if path.exists() else self.items

    def written(self, items: list[dict[str, Any]], tell: Callable[[str], None]) -> Iterator[dict[str, Any]]:
        """Yield the labelled record of each text as it is written; `tell` hears on what it is computed."""
        from aigc_cli.core.machine.device import take_up
        from aigc_cli.gpt.decoding.decode import load_text_run, sample_texts

        device = take_up(self.settings.device, self.settings.threads, tell)
        if self.step is None:
            model = load_text_run(self.run, device)
        else:
            from aigc_cli.gpt.stored import load_checkpoint

            model = load_checkpoint(self.run, self.step, device)
        wanted = {item["index"]: item for item in items}
        for record in sample_texts(model, self.conversations, self.settings, list(wanted)):
            how = {name: wanted[record["index"]][name] for name in ("run_hash", "settings")}
            yield label_record({"schema": SCHEMA, "kind": "text", "run": str(self.run), **how, **record})

    def fill(self, path: Path, progress: Progress, stop: Callable[[], None]) -> list[dict[str, Any]]:
        """Write the texts that the file lacks, each as soon as it is there, and return the records of all items.

        The caller holds the file's lock. `stop` is called after each text, and may raise.
        """
        samples, count = SampleFile(path), len(self.items)
        missing = samples.missing(self.items)
        if not missing:
            progress.say(tr("{path}: all {count} are there: nothing to do", path=path, count=count))
            return samples.records(self.items)
        try:
            check_free_space(path, len(missing) * self.item_bytes)
            progress.stage(tr("writing"), count, tr("texts"), count - len(missing))
            for record in self.written(missing, progress.detail):
                samples.add(record)
                progress.advance()
                stop()
        finally:
            progress.close()
        progress.say(tr("{path}: {count} texts", path=path, count=count))
        return samples.records(self.items)


def text_samples(run: Path, settings: SampleSettings) -> TextSamples:
    """Return what is asked of a text run; nothing is written. Raises what reading prompts and weights raises."""
    conversations = read_prompts(settings.prompt, settings.prompts)
    step, run_hash = chosen_weights(run, settings.checkpoint, "model.safetensors")
    common = {"seed": settings.seed, "batch_size": settings.batch_size, "run_hash": run_hash}
    common["settings"] = {name: getattr(settings, name) for name in DECODING}
    count, items = len(conversations), []
    for index in range(settings.start * count, (settings.start + settings.count) * count):
        messages = conversations[index % count]
        items.append({"index": index, "prompt": messages[-1]["content"] if messages else "", **common})
    return TextSamples(
        run=run,
        settings=settings,
        step=step,
        conversations=conversations,
        items=items,
        item_bytes=6 * settings.max_new_tokens + RECORD_BYTES,
    )
