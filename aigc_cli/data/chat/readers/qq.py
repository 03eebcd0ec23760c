"""Read QQ's chats: the text of the message manager on computers, and what QQChatExporter writes, whole or in chunks."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from aigc_cli.core.errors import BadData
from aigc_cli.core.words.messages import tr
from aigc_cli.data.chat.exports import Export, Head, head_of
from aigc_cli.data.chat.messages import Log, Message
from aigc_cli.data.chat.reader import Reader, ReadOptions
from aigc_cli.data.chat.readers.qq_json import is_chunk, is_export, read_chunks, read_export
from aigc_cli.data.chat.readers.qq_text import is_text, read_text

_MANIFEST, _FOLDER, _CHUNK = "manifest.json", "chunks", ".jsonl"


def _looks(head: Head) -> bool:
    return is_export(head.value) or is_chunk(head) or is_text(head)


def _gather(paths: Sequence[str]) -> Iterable[Sequence[str]]:
    """Find the folders of a manifest, its chunks, and the pictures of people, which nobody reads."""
    chunks: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        above, _, folder = path.rpartition("/")[0].rpartition("/")
        if folder == _FOLDER and path.endswith(_CHUNK):
            chunks[above].append(path)
    there = set(paths)
    for path in paths:
        folder, _, name = path.rpartition("/")
        if name == _MANIFEST and folder in chunks:
            avatars = path.removesuffix(_MANIFEST) + "avatars.json"
            yield [path, *sorted(chunks[folder]), *([avatars] if avatars in there else [])]


def _read(export: Export, log: Log, _: ReadOptions) -> Iterator[Message]:
    head = head_of(export)
    if is_chunk(head):
        yield from read_chunks(export, export.parts, log)
    elif export.json().kind() == "{":
        yield from read_export(export, log)
    elif is_text(head):
        for part in export.parts:
            yield from read_text(export, part, log)
    else:
        raise BadData(
            tr("{source}: not an export of QQ that is known", source=export.source),
            tr("export it from the message manager as text, or with QQChatExporter as JSON"),
        )


READER = Reader(title="QQ (message manager, QQChatExporter)", looks=_looks, read=_read, gather=_gather)
