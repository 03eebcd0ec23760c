"""Errors that reach the user, each with its exit code (the sysexits numbers where one fits).

An error says the cause and, in parentheses, the remedy, on one line. `aigc_cli.app` is the only
place that turns them into an exit status.
"""

from aigc_cli.core.words.messages import Said, in_english, tr
from aigc_cli.core.words.plain import one_line


class AigcError(Exception):
    """Any failure that the tool expects and explains. Exit code 1."""

    exit_code = 1

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        text = self.message
        if self.remedy:
            text = tr("{message} ({remedy})", message=self.message, remedy=self.remedy)
        return Said(one_line(text), one_line(in_english(text)))


class UsageProblem(AigcError):
    """A flag or argument that makes no sense here."""

    exit_code = 2


class BadData(AigcError):
    """A file is corrupt, truncated, or of the wrong kind."""

    exit_code = 65


class NoInput(AigcError):
    """A file or folder that must be read is not there."""

    exit_code = 66


class Unavailable(AigcError):
    """An extra, weights, a device or a metric is missing."""

    exit_code = 69


class CannotCreate(AigcError):
    """Output cannot be written: full disk, read-only folder, something else in the way."""

    exit_code = 73


class Locked(AigcError):
    """Another process works on the same output, or on what is read; try again later."""

    exit_code = 75


class BadConfig(AigcError):
    """Settings contradict each other or those of the existing run."""

    exit_code = 78


class Interrupted(AigcError):
    """Stopped by a signal after saving. Exit code 128 + the signal's number."""

    def __init__(self, message: str, remedy: str = "", *, signum: int) -> None:
        super().__init__(message, remedy)
        self.exit_code = 128 + signum
