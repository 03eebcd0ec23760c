"""A prepared text set, read: its texts, a tokenizer trained on them, and their tokens.

A small split is tokenized at each start, in memory. A large one is tokenized once, into shards: shard k holds the
records whose line begins in the k-th `SHARD_BYTES` of the JSONL file, so each is made without the others, and what a
killed process had finished stays. Shards lie in the set's folder, in `tokens/`, named by the hashes of the set and the
tokenizer. They are as private as the set and go with it; deleted, they are made again. Knows nothing of models.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np

from aigc_cli.core.disk.files import check_free_space, make_dir, no_input, read_jsonl, sha256_bytes, write_text
from aigc_cli.core.disk.rundir import FolderLock
from aigc_cli.core.errors import BadData, Locked
from aigc_cli.core.screen.progress import Progress
from aigc_cli.core.words.messages import tr
from aigc_cli.data.tokenizer import ChatTokenizer, read_tokenizer, train_bpe, train_char
from aigc_cli.data.tokens import Tokens, TokenShards, TokenVector, Vector, smallest_type

SCHEMA = "aigc.text/1"
FOLDER = "tokens"
IN_MEMORY_BYTES = 32 << 20
SHARD_BYTES = 32 << 20
# Texts go to the tokenizer's threads in groups of about this size: enough for many cores, and little to hold.
GROUP_CHARACTERS = 2 << 20
# What a tokenizer is trained on where the set is large: so much of it, from so many places at equal distances.
SAMPLE_BYTES, SAMPLE_PLACES = 64 << 20, 512
_FORMAT = 1  # part of every name in FOLDER
_FOREVER = 1e9


def texts_of(records: Path, start: int = 0, end: int | None = None) -> Iterator[str]:
    """Yield the texts of a split's JSONL file, or only of the lines that begin in its bytes start..end-1."""
    for number, record in enumerate(read_jsonl(records, start, end), start=1):
        if record.get("schema") != SCHEMA or not isinstance(record.get("text"), str):
            raise BadData(
                tr("{path}: record {number} is no {schema}", path=records, number=number, schema=SCHEMA)
                if not start
                else tr("{path}: a record after byte {start} is no {schema}", path=records, start=start, schema=SCHEMA),
                tr("make the set again with aigc prepare text"),
            )
        yield record["text"]


def sample_of(records: Path) -> Iterator[str]:
    """Yield about `SAMPLE_BYTES` of a large split, taken at equal distances."""
    size = records.stat().st_size
    for place in range(SAMPLE_PLACES):
        start, following = size * place // SAMPLE_PLACES, size * (place + 1) // SAMPLE_PLACES
        yield from texts_of(records, start, min(following, start + SAMPLE_BYTES // SAMPLE_PLACES))


def is_large(records: Path) -> bool:
    """Whether a split is tokenized to disk; NoInput if it is not there."""
    try:
        return records.stat().st_size > IN_MEMORY_BYTES
    except OSError as error:
        raise no_input(records, error) from error


def token_vectors(tokenizer: ChatTokenizer, texts: Iterable[str], group: int = GROUP_CHARACTERS) -> Iterator[Vector]:
    """Yield the ids of each text, the end of text after each, by the tokenizer's threads a group of texts at a time."""
    kind = smallest_type(tokenizer.size)
    end = np.array([] if tokenizer.end_of_text_id is None else [tokenizer.end_of_text_id], kind)
    encode = _Characters(tokenizer).vectors if tokenizer.per_character else tokenizer.encode_many
    for some in _groups(texts, group):
        for ids in encode(some):
            yield np.concatenate([np.asarray(ids, kind), end])


def _groups(texts: Iterable[str], characters: int) -> Iterator[list[str]]:
    some: list[str] = []
    size = 0
    for text in texts:
        some.append(text)
        size += len(text)
        if size >= characters:
            yield some
            some, size = [], 0
    if some:
        yield some


class _Characters:
    """Encodes by a table where no token spans two characters: thirty times faster than by merges, and equal to it."""

    def __init__(self, tokenizer: ChatTokenizer) -> None:
        self._tokenizer = tokenizer
        self._ids = np.full(0x110000, -1, np.int32)
        self._several: dict[int, list[int]] = {}

    def vectors(self, texts: Sequence[str]) -> list[Vector]:
        """Return the ids of each text."""
        return [self._vector(text) for text in texts]

    def _vector(self, text: str) -> Vector:
        codes = np.frombuffer(text.encode("utf-32-le", "replace"), "<u4")
        ids: Vector = self._ids[codes]
        if (ids < 0).any():
            for code in np.unique(codes[ids < 0]).tolist():
                self._learn(code)
            ids = self._ids[codes]
        pieces, begin = [], 0
        for place in np.flatnonzero(ids < 0).tolist():
            pieces += [ids[begin:place], self._several[int(codes[place])]]
            begin = place + 1
        return np.concatenate([*pieces, ids[begin:]]) if pieces else ids

    def _learn(self, code: int) -> None:
        found = self._tokenizer.encode(chr(code))
        if len(found) == 1:
            self._ids[code] = found[0]
        else:
            self._several[code] = found


def first_tokens(records: Path, tokenizer: ChatTokenizer, limit: int) -> Vector:
    """Return the first `limit` tokens of a split, reading no more of it than that takes; none if it is empty."""
    found: list[Vector] = []
    count = 0
    for ids in token_vectors(tokenizer, texts_of(records), min(limit, GROUP_CHARACTERS)):
        found.append(ids)
        count += len(ids)
        if count >= limit:
            break
    return _joined(found)[:limit]


def all_tokens(records: Path, tokenizer: ChatTokenizer) -> Vector:
    """Return the tokens of a whole split, in memory."""
    return _joined(token_vectors(tokenizer, texts_of(records)))


def _joined(vectors: Iterable[Vector]) -> Vector:
    return np.concatenate([np.empty(0, np.uint16), *vectors])


class TextSplit:
    """The training part of a text set. `stop` is called every few seconds of work, and may raise to end it."""

    def __init__(self, records: Path, data_hash: str, progress: Progress, stop: Callable[[], None]) -> None:
        """Read a small split; NoInput if there is none, BadData if it is damaged or empty."""
        self._records, self._data_hash, self._progress, self._stop = records, data_hash, progress, stop
        self._texts = None if is_large(records) else list(texts_of(records))
        if self._texts is not None and not any(self._texts):
            raise BadData(tr("{path}: no text in it", path=records), tr("prepare more text"))

    def new_tokenizer(self, choice: str, vocab_size: int) -> ChatTokenizer:
        """Return a tokenizer, `char` or `bpe`, trained on the texts: on a sample of a large split, and then kept."""
        if self._texts is not None:
            return trained_tokenizer(choice, vocab_size, self._texts)
        with self._folder() as folder:
            key = _key(self._data_hash, SAMPLE_BYTES, SAMPLE_PLACES, vocab_size if choice == "bpe" else 0)
            path = folder / f"{choice}-{key}.json"
            if not path.exists():
                size = SAMPLE_BYTES / 1e6
                self._progress.say(tr("training a tokenizer on a sample of {size} MB", size=f"{size:.0f}"))
                made = trained_tokenizer(choice, vocab_size, sample_of(self._records))
                write_text(path, made.inner.to_str(), private=True)
            tokenizer = ChatTokenizer(read_tokenizer(path))
        tokenizer.per_character = choice == "char"
        return tokenizer

    def tokens(self, tokenizer: ChatTokenizer) -> Tokens:
        """Return all tokens: in memory, or from the shards, which are made where they are missing."""
        if self._texts is not None:
            return TokenVector(_joined(token_vectors(tokenizer, self._texts)))
        with self._folder() as folder:
            return TokenShards(self._shards(folder, tokenizer))

    def _shards(self, folder: Path, tokenizer: ChatTokenizer) -> list[Path]:
        size = self._records.stat().st_size
        count = -(-size // SHARD_BYTES)
        key = _key(self._data_hash, SHARD_BYTES, tokenizer.inner.to_str())
        stem = f"{self._records.stem}-{key}"
        paths = [folder / f"{stem}-{number + 1:05}-of-{count:05}.safetensors" for number in range(count)]
        missing = [number for number, path in enumerate(paths) if not path.exists()]
        if not missing:
            return paths
        check_free_space(folder, most_shard_bytes(size * len(missing) // count, tokenizer.size))
        self._progress.stage(tr("tokenizing"), count, tr("shards"))
        self._progress.advance(count - len(missing))
        for number in missing:
            self._write_shard(paths[number], number, tokenizer)
            self._progress.advance()
        self._progress.close()
        made = f"{sum(path.stat().st_size for path in paths) / 1e6:.0f}"
        said = tr("{folder}: {size} MB of tokens, kept for further runs; may be deleted", folder=folder, size=made)
        self._progress.say(said)
        return paths

    def _write_shard(self, path: Path, number: int, tokenizer: ChatTokenizer) -> None:
        import torch

        from aigc_cli.core.disk.checkpoint import save_tensors

        start = number * SHARD_BYTES
        vectors = []
        for ids in token_vectors(tokenizer, texts_of(self._records, start, start + SHARD_BYTES)):
            self._stop()
            vectors.append(ids)
        tensors = {"tokens": torch.from_numpy(_joined(vectors))}
        save_tensors(path, tensors, {"data_sha256": self._data_hash}, private=True)

    @contextmanager
    def _folder(self) -> Iterator[Path]:
        """Yield the folder for tokens, locked: of several processes that want the same shards one makes them."""
        folder = make_dir(self._records.parent / FOLDER, private=True)
        with ExitStack() as stack:
            try:
                stack.enter_context(FolderLock(folder))
            except Locked:
                self._progress.say(tr("waiting: another process is tokenizing this set"))
                stack.enter_context(FolderLock(folder, wait_seconds=_FOREVER))
            for left in folder.glob(".*.part"):  # by a process that was killed
                left.unlink()
            yield folder


def most_shard_bytes(text_bytes: int, vocabulary: int) -> int:
    """Return the room that the tokens of so many bytes of JSONL take at most: a token a byte."""
    return text_bytes * smallest_type(vocabulary).itemsize


def trained_tokenizer(choice: str, vocab_size: int, texts: Iterable[str]) -> ChatTokenizer:
    """Return a tokenizer of characters (`char`) or of at most `vocab_size` byte-level pieces (`bpe`) for some texts."""
    return train_char(texts) if choice == "char" else train_bpe(texts, vocab_size)


def _key(*parts: object) -> str:
    return sha256_bytes("/".join(map(str, (_FORMAT, *parts))).encode())[:16]
