"""What the settings of `aigc prepare chat` ask for, with the files that they name read."""

from dataclasses import dataclass, replace
from pathlib import Path

from aigc_cli.config.prepare_chat import PrepareChatSettings
from aigc_cli.data.chat.choice import Choice, choice_of
from aigc_cli.data.chat.redaction import recorded_settings, redactor_of
from aigc_cli.data.persona import Persona, read_persona
from aigc_cli.data.pii import Redactor


@dataclass(frozen=True)
class Asked:
    """What is to be taken, what redacts it, and the persona, redacted."""

    settings: PrepareChatSettings
    redactor: Redactor
    choice: Choice
    persona: Persona | None

    @property
    def recorded(self) -> PrepareChatSettings:
        """The settings as a manifest tells them."""
        return recorded_settings(self.settings, self.redactor, self.persona)


def asked_of(settings: PrepareChatSettings) -> Asked:
    """Return what the settings ask for. UsageProblem for what is no time; NoInput or BadData for files that are not."""
    choice, redactor = choice_of(settings), redactor_of(settings)
    persona = read_persona(Path(settings.persona)) if settings.persona else None
    if persona is not None:
        persona = replace(persona, text=redactor.redact(persona.text))
    return Asked(settings, redactor, choice, persona)
