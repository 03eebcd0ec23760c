"""A few lines for a person at the end of a command: what was made, what matters of it, and what to do next.

Knows neither records nor commands: it lays out what it is given, in as many columns as there are.
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from aigc_cli.core.words.messages import tr
from aigc_cli.core.words.plain import cell_width, one_line, wrap

INDENT, GAP = 2, 2
LEAST_COLUMNS = 20  # for the words beside the names, however narrow the terminal


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What was made, in one sentence, and facts of it as (name, words); facts without words are left out.

    `next_command` is a command line to go on with, as words of the shell.
    """

    headline: str
    facts: Sequence[tuple[str, str]] = ()
    next_command: Sequence[str] = ()

    def lines(self, columns: int) -> list[str]:
        """Return the headline and a line a fact, folded under its name; a command stays on one line, to be copied."""
        facts = [(name, one_line(words)) for name, words in self.facts if words]
        names = [name for name, _ in facts] + ([tr("next")] if self.next_command else [])
        width = max(map(cell_width, names), default=0)
        room = max(LEAST_COLUMNS, columns - INDENT - width - GAP)
        lines = wrap(one_line(self.headline), max(LEAST_COLUMNS, columns))
        for name, words in facts:
            first, *rest = wrap(words, room)
            lines.append(_beside(name, width) + first)
            lines += [_beside("", width) + line for line in rest]
        if self.next_command:
            lines.append(_beside(tr("next"), width) + one_line(shlex.join(self.next_command)))
        return lines


def _beside(name: str, width: int) -> str:
    return " " * INDENT + name + " " * (width - cell_width(name) + GAP)
