"""What is said to people: English where it is said, other languages in a catalogue keyed by the English text.

`tr` is the only door. The language is the process's, chosen once: `--lang`, AIGC_LANG, or the locale. Knows nothing
of terminals or commands.
"""

import os
from collections.abc import Mapping

LANGUAGES = ("en", "zh-CN")
_catalogue: Mapping[str, str] = {}


def locale_language() -> str:
    """Return the language that AIGC_LANG or the locale's variables ask for, "en" where they name no other of ours."""
    for name in ("AIGC_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name)
        if value:
            return "zh-CN" if value.lower().startswith("zh") else "en"
    return "en"


def set_language(language: str) -> None:
    """Say everything from now on in one of LANGUAGES."""
    global _catalogue
    if language == "zh-CN":
        from aigc_cli.core.chinese import CHINESE

        _catalogue = CHINESE
    else:
        _catalogue = {}


def tr(text: str, /, **values: object) -> str:
    """Return a message in the chosen language, its `{name}` fields filled in.

    `text` is a literal: tests read the calls and hold the catalogue to them.
    """
    said = _catalogue.get(text, text)
    return said.format(**values) if values else said
