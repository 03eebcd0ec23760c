"""What others on the machine take of a training's processor, looked at now and then. Knows no trainer and no log."""

from aigc_cli.core.machine.device import computing_threads
from aigc_cli.core.machine.load import LEAST_SECONDS, Look, between, in_words, look


class Others:
    """The last look, and what was seen since the one before: `words`, "" where nothing holds the training up.

    Where several processes on the machine train together the others of one are not the others of all, and nothing is
    measured.
    """

    def __init__(self, *, alone: bool) -> None:
        self.words = ""
        self._alone = alone
        self._last: Look | None = look() if alone else None

    def measured(self) -> dict[str, float]:
        """Return how many cores others have used on average since the last look, to be logged.

        Nothing where it is too early to say, or the system does not.
        """
        now = look() if self._alone else None
        if now is None or self._last is None or now.at - self._last.at < LEAST_SECONDS:
            return {}
        load, self._last = between(self._last, now), now
        self.words = in_words(load, computing_threads()) if load else ""
        return {"cores_of_others": round(load.others, 2)} if load else {}
