"""The small open dialogue corpus of the wheel `chatterbot-corpus` (BSD), as OpenAI `messages` JSONL.

It teaches a model made from scratch what a question and an answer are before a person's log teaches it who answers.
The wheel is only located, never imported.
"""

import json
from importlib.util import find_spec
from pathlib import Path

from aigc_cli.config.base import did_you_mean
from aigc_cli.core.errors import NoInput, Unavailable
from aigc_cli.core.machine.extras import install_command
from aigc_cli.core.words.messages import tr

PREFIX = "chatterbot:"
_WHEEL = "chatterbot-corpus"


def corpus_messages(language: str) -> bytes:
    """Return the corpus of a language, e.g. "english": one JSON object of user and assistant messages a line.

    Lines alternate between user and assistant; a conversation's last question without an answer is left out.
    Raises Unavailable where the wheel or PyYAML is not installed, NoInput for a language that it does not have.
    """
    spec = find_spec("chatterbot_corpus")
    if spec is None or spec.origin is None or find_spec("yaml") is None:
        raise Unavailable(tr("the wheel {wheel} is not installed", wheel=_WHEEL), install_command("demo"))
    folder = Path(spec.origin).parent / "data"
    languages = tuple(sorted(entry.name for entry in folder.iterdir() if entry.is_dir()))
    if language not in languages:
        raise NoInput(
            tr("{prefix}{language}: no such language", prefix=PREFIX, language=language),
            did_you_mean(language, languages),
        )
    import yaml

    lines = []
    for file in sorted((folder / language).glob("*.yml")):
        for spoken in yaml.safe_load(file.read_text(encoding="utf-8"))["conversations"]:
            turns = [str(turn) for turn in spoken[: len(spoken) // 2 * 2]]
            messages = [{"role": ("user", "assistant")[place % 2], "content": turn} for place, turn in enumerate(turns)]
            if messages:
                lines.append(json.dumps({"messages": messages}, ensure_ascii=False))
    return ("\n".join(lines) + "\n").encode()
