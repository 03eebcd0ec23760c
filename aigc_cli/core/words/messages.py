"""What is said to people: English where it is said, other languages in a catalogue keyed by the English text.

`tr` is the only door. The language is the process's, chosen once: `--lang`, AIGC_LANG, or the locale. Knows nothing
of terminals or commands.
"""

import os
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Self

LANGUAGES = ("en", "zh-CN")
_language = "en"
_catalogue: Mapping[str, str] = {}


def locale_language() -> str:
    """Return the language that AIGC_LANG or the locale's variables ask for, "en" where they name no other of ours."""
    for name in ("AIGC_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name)
        if value:
            return "zh-CN" if value.lower().startswith("zh") else "en"
    return "en"


def chosen_language(arguments: Sequence[str]) -> str:
    """Return the language that a command line asks for anywhere with `--lang`, else the environment's.

    Looks before anything is parsed, for errors of parsing are said in it too; a language that is not known is left to
    the parser to refuse.
    """
    before = list(arguments[: arguments.index("--")] if "--" in arguments else arguments)
    asked = [argument.removeprefix("--lang=") for argument in before if argument.startswith("--lang=")]
    asked += [value for option, value in pairwise(before) if option == "--lang"]
    return next((value for value in reversed(asked) if value in LANGUAGES), locale_language())


def language() -> str:
    """Return the chosen language, one of LANGUAGES."""
    return _language


def set_language(language: str) -> None:
    """Say everything from now on in one of LANGUAGES."""
    global _language, _catalogue
    _language = language
    if language == "zh-CN":
        from aigc_cli.core.words.zh_cn import CHINESE

        _catalogue = CHINESE
    else:
        _catalogue = {}


class Said(str):
    """A message in another language, with the same in English beside it: what records hold, for scripts."""

    __slots__ = ("english",)
    english: str

    def __new__(cls, text: str, english: str) -> Self:
        """Return the text, which knows its English."""
        said = super().__new__(cls, text)
        said.english = english
        return said


def in_english(value: Any) -> Any:
    """Return a value in which every message, at any depth, is the English one."""
    if isinstance(value, Said):
        return value.english
    if isinstance(value, Mapping):
        return {name: in_english(item) for name, item in value.items()}
    return [in_english(item) for item in value] if isinstance(value, list | tuple) else value


def later(text: str) -> str:
    """Return a text as it is, for `tr` to say later: a constant's, or one that a file keeps in English."""
    return text


def system_reason(error: OSError) -> str:
    """Return what the system says of an error, in the chosen language where it is one of the common ones."""
    return tr(error.strerror or type(error).__name__)


def tr(text: str, /, **values: object) -> str:
    """Return a message in the chosen language, its `{name}` fields filled in.

    `text` is a literal: tests read the calls and hold the catalogue to them.
    """
    if not _catalogue:
        return text.format(**values) if values else text
    said, english = _catalogue.get(text, text), text
    if values:
        said, english = said.format(**values), text.format(**in_english(values))
    return Said(said, english)
