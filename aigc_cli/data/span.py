"""A time from a moment to another, as people give it: [since, until), each a date or a date with a time, or open."""

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from aigc_cli.core.errors import UsageProblem
from aigc_cli.core.words.messages import tr


@dataclass(frozen=True)
class Span:
    """The time [since, until); an end that is None is open."""

    since: datetime | None = None
    until: datetime | None = None

    def __bool__(self) -> bool:
        """Return whether it leaves anything out."""
        return self.since is not None or self.until is not None


def span(since: str | None, until: str | None, zone: tzinfo = UTC) -> Span:
    """Return the time that `--since` and `--until` give; what names no zone is in `zone`.

    Raises UsageProblem for what is no date, and where nothing lies between the two.
    """
    first, last = _moment("--since", since, zone), _moment("--until", until, zone)
    if first and last and first >= last:
        raise UsageProblem(tr("--since is not before --until"), tr("exchange them; --until is not included"))
    return Span(first, last)


def _moment(option: str, text: str | None, zone: tzinfo) -> datetime | None:
    if text is None:
        return None
    try:
        return aware(text.strip(), zone)
    except ValueError as error:
        raise UsageProblem(
            tr("{option} {text!r} is no date", option=option, text=text), tr("such as 2024-12-31 or 2024-12-31T18:00")
        ) from error


def aware(text: str, zone: tzinfo = UTC) -> datetime:
    """Return a date (its midnight) or a time; what names no zone is in `zone`. ValueError for what is none."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=zone)
