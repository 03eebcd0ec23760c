"""What a reader of a chat format is: how an export is recognised, and how its messages are streamed.

A reader is a module of `readers` with a `READER`, named as its format is for `--format`, and a line in
`config.prepare_chat.CHAT_FORMATS`, whose order is that in which exports are looked at.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from aigc_cli.data.chat.exports import Export, Head
from aigc_cli.data.chat.messages import Log, Message


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """What the user tells readers: the order of `dates` (None: find out), and the `columns` of a table.

    `is_told`: so is the format; it was not found by looking.
    """

    is_told: bool = False
    dates: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)


def _alone(_: Sequence[str]) -> Iterable[Sequence[str]]:
    return ()


@dataclass(frozen=True, kw_only=True)
class Reader:
    """A chat format.

    `title` is what people call it. `looks` tells whether an export is one, by its beginning. `read` streams the
    messages, each chat's in any order (they are sorted by time), and tells the log what it learns on the way;
    everything it comes upon is a message or is dropped, with the reason. It raises BadData for an export that is
    damaged or of another kind, UsageProblem where the user must say more. `gather` finds, among the paths of the files
    below a folder or in an archive, those of each export that is more than one file, in the order of reading, and
    those of one file that are known by their paths.
    """

    title: str
    looks: Callable[[Head], bool]
    read: Callable[[Export, Log, ReadOptions], Iterator[Message]]
    gather: Callable[[Sequence[str]], Iterable[Sequence[str]]] = _alone
