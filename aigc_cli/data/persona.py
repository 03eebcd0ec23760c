"""What stands before a person's conversations as the system turn: a persona from a file, or "You are NAME."."""

from dataclasses import dataclass
from pathlib import Path

from aigc_cli.core.disk.files import read_bytes, sha256_bytes
from aigc_cli.core.errors import BadData
from aigc_cli.core.words.messages import tr
from aigc_cli.core.words.plain import well_formed
from aigc_cli.data.chat.messages import without_controls
from aigc_cli.data.encoding import decode_lines

MOST_CHARACTERS = 2000


@dataclass(frozen=True)
class Persona:
    """The text of a file, and the SHA-256 of the file, by which a changed one is noticed."""

    text: str
    digest: str


def read_persona(path: Path) -> Persona:
    """Return the persona of a text file in UTF-8, or in what its byte order mark says.

    Raises NoInput where it is missing, and BadData where it is no text, empty, or longer than MOST_CHARACTERS.
    """
    data = read_bytes(path)
    text = without_controls(well_formed("\n".join(decode_lines(data, str(path))))).strip()
    if not text:
        raise BadData(tr("{path}: no persona in it", path=path), tr("say in a few sentences who it is"))
    if len(text) > MOST_CHARACTERS:
        raise BadData(
            tr("{path}: a persona of {count} characters", path=path, count=len(text)),
            tr("at most {count}: it is read before every conversation", count=MOST_CHARACTERS),
        )
    return Persona(text, sha256_bytes(data))


def system_prompt(subject: str | None, persona: str | None = None) -> str | None:
    """Return the system turn of a set or a run, as its manifest or record names them; None where nobody is named."""
    return persona or (f"You are {subject}." if subject else None)
