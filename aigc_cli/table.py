"""The table of commands, in the order of the work: what is known of each before its module is read.

`aigc --help`, usage errors, configuration files and variables ask it; a command's module is imported when the command
is. The modules and settings are named, not imported, and `tests/test_table.py` compares every line with what it names.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from types import ModuleType
from typing import Any

from aigc_cli.core.words.messages import later

# Headings of `aigc --help`.
PREPARE, TRAIN, USE = later("Prepare:"), later("Train:"), later("Use:")
JUDGE, LOOK_AFTER = later("Judge:"), later("Look after:")


@dataclass(frozen=True)
class Entry:
    """A command's line: its heading, what it does in a line of `aigc --help`, and what it reads.

    `settings` names the dataclass, below `aigc_cli.config`, of each table in `aigc.toml`: those of the command and of
    the commands below it. `module`, below `aigc_cli.commands`, is the command's own name where it is not given.
    """

    heading: str
    summary: str
    settings: Mapping[str, str] = field(default_factory=dict)
    module: str = ""


COMMANDS: dict[str, Entry] = {
    "prepare": Entry(
        PREPARE,
        later("Turn pictures, chat logs and texts into sets to train on."),
        {
            "prepare-images": "prepare_images.PrepareImagesSettings",
            "prepare-chat": "prepare_chat.PrepareChatSettings",
            "prepare-text": "prepare_text.PrepareTextSettings",
            "prepare-forget": "prepare_forget.PrepareForgetSettings",
        },
    ),
    "train-gan": Entry(
        TRAIN, later("Train a face generator on a set of images."), {"train-gan": "train_gan.TrainGanSettings"}
    ),
    "train-gpt": Entry(
        TRAIN, later("Train a language model on a set of chat or text."), {"train-gpt": "train_gpt.TrainGptSettings"}
    ),
    "sample": Entry(USE, later("Draw pictures or write texts, labelled as AI."), {"sample": "sample.SampleSettings"}),
    "chat": Entry(USE, later("Talk with the avatar in the terminal."), {"chat": "chat.ChatSettings"}),
    "metrics": Entry(JUDGE, later("Draw the curves of trainings."), {"metrics": "metrics.MetricsSettings"}),
    "eval": Entry(
        JUDGE,
        later("Measure how good pictures and texts are."),
        {
            "eval-images": "evaluate.EvalImagesSettings",
            "eval-pairs": "evaluate.EvalPairsSettings",
            "eval-text": "evaluate.EvalTextSettings",
            "eval-texts": "evaluate.EvalTextsSettings",
        },
        module="evaluate",
    ),
    "label": Entry(JUDGE, later("Read and check the AI label of files.")),
    "config": Entry(LOOK_AFTER, later("Show settings and where they come from.")),
    "doctor": Entry(LOOK_AFTER, later("Say what is installed, what is missing, and the remedy.")),
    "completion": Entry(LOOK_AFTER, later("Complete the command line in a shell.")),
}


def command_module(name: str) -> ModuleType:
    """Import and return a command's module, which has `register(app)`."""
    return import_module(f"aigc_cli.commands.{COMMANDS[name].module or name.replace('-', '_')}")


def sections() -> list[str]:
    """Return the names of the tables in `aigc.toml`."""
    return [section for entry in COMMANDS.values() for section in entry.settings]


def settings_types() -> dict[str, Any]:
    """Import every settings dataclass and return them by their table, for who has something to look up in them."""
    named = {section: place for entry in COMMANDS.values() for section, place in entry.settings.items()}
    found = {}
    for section, place in named.items():
        module, _, name = place.rpartition(".")
        found[section] = getattr(import_module(f"aigc_cli.config.{module}"), name)
    return found
