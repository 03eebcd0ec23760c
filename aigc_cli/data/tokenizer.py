"""Tokenizers in Hugging Face's format: characters, byte-level BPE, and any folder's own.

All are byte-level, so no text is unknown: what has no token of its own falls back to its bytes. The chat format is
ChatML; text that merely looks like a special token is encoded as plain text. Knows nothing of models.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from aigc_cli.core.disk.files import read_json, write_json, write_text
from aigc_cli.core.errors import BadData, NoInput
from aigc_cli.core.words.messages import tr

END_OF_TEXT, TURN_START, TURN_END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
SPECIAL_TOKENS = (END_OF_TEXT, TURN_START, TURN_END)
# Qwen2's: llama.cpp knows tokenizers by what their pre-tokenizer does, and knows this one.
QWEN2_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
MAX_CHARACTERS = 16000


def byte_letters() -> list[str]:
    """Return the printable letter that stands for each byte in byte-level BPE (GPT-2's table)."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = {byte: chr(byte) for byte in printable}
    others = (byte for byte in range(256) if byte not in letters)
    letters |= {byte: chr(256 + index) for index, byte in enumerate(others)}
    return [letters[byte] for byte in range(256)]


def sound(text: str) -> str:
    """Return a text that has UTF-8: as it is, or with "?" for halves of surrogate pairs, which damaged JSON brings."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text


_LETTERS = byte_letters()
_BYTES = {letter: byte for byte, letter in enumerate(_LETTERS)}


def template(default_system: str | None) -> str:
    """Return the ChatML template (Jinja), with a system turn put first where a conversation has none."""
    first = ""
    if default_system is not None:
        # As it is: Jinja reads the pair of escapes that JSON makes of an emoji as two halves of characters.
        text = json.dumps(f"{TURN_START}system\n{default_system}{TURN_END}\n", ensure_ascii=False)
        first = "{%- if not messages or messages[0]['role'] != 'system' -%}{{- " + text + " -}}{%- endif -%}"
    return (
        first
        + "{%- for message in messages -%}"
        + "{{- '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' -}}"
        + "{%- endfor -%}"
        + "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}"
    )


class ChatTokenizer:
    """A Hugging Face tokenizer with the ids that chat and training need."""

    def __init__(
        self, inner: Tokenizer, *, chat: bool = False, default_system: str | None = None, bos: str | None = None
    ) -> None:
        self.inner = inner
        self.chat = chat  # whether its model was trained to talk, not only has the tokens for it
        self.default_system = default_system
        self.per_character = False  # whether it is known that no token spans two characters
        inner.no_padding()
        inner.no_truncation()
        # Plain text never becomes a special token; those are put in by number.
        inner.encode_special_tokens = True
        self.end_of_text_id: int | None = inner.token_to_id(END_OF_TEXT)
        self.turn_start_id: int | None = inner.token_to_id(TURN_START)
        self.turn_end_id: int | None = inner.token_to_id(TURN_END)
        self.bos_id: int | None = inner.token_to_id(bos) if bos else None
        self._special = frozenset(token for token, added in inner.get_added_tokens_decoder().items() if added.special)
        self._pieces: list[bytes] | None = None

    @property
    def size(self) -> int:
        """The number of token ids, the highest plus one."""
        return int(max(self.inner.get_vocab(with_added_tokens=True).values())) + 1

    @property
    def stop_ids(self) -> tuple[int, ...]:
        """The tokens that end a text, the end of a turn first."""
        return tuple(dict.fromkeys(token for token in (self.turn_end_id, self.end_of_text_id) if token is not None))

    @property
    def pad_id(self) -> int | None:
        """The token that fills up batches; it is never a target, whatever it is."""
        return self.end_of_text_id if self.end_of_text_id is not None else next(iter(self.stop_ids), None)

    def encode(self, text: str) -> list[int]:
        """Return the ids of plain text; "<|im_end|>" in it is ten characters, not the end of a turn."""
        ids: list[int] = self.inner.encode(sound(text), add_special_tokens=False).ids
        return ids

    def encode_many(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids of several plain texts."""
        encodings = self.inner.encode_batch_fast([sound(text) for text in texts], add_special_tokens=False)
        return [encoding.ids for encoding in encodings]

    def token_bytes(self, token: int) -> bytes:
        """Return the bytes that a token stands for: empty for special tokens and unused ids."""
        if self._pieces is None:
            self._pieces = [self._bytes_of(index) for index in range(self.size)]
        return self._pieces[token] if token < len(self._pieces) else b""

    def _bytes_of(self, token: int) -> bytes:
        piece = self.inner.id_to_token(token)
        if piece is None or token in self._special:
            return b""
        if all(letter in _BYTES for letter in piece):
            return bytes(_BYTES[letter] for letter in piece)
        return str(piece).encode("utf-8")  # a token added as text

    def decode(self, tokens: Iterable[int]) -> str:
        """Return the text of some ids without special tokens; broken UTF-8 becomes U+FFFD."""
        return b"".join(map(self.token_bytes, tokens)).decode("utf-8", errors="replace")

    def save(self, folder: Path, context: int) -> None:
        """Write `tokenizer.json`, `tokenizer_config.json` and `chat_template.jinja`."""
        write_text(folder / "tokenizer.json", self.inner.to_str(pretty=False))
        config: dict[str, Any] = {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": context,
            "clean_up_tokenization_spaces": False,
            "add_prefix_space": False,
            "bos_token": None if self.bos_id is None else self.inner.id_to_token(self.bos_id),
            "eos_token": self.inner.id_to_token(self.stop_ids[0]) if self.stop_ids else None,
            "pad_token": None if self.pad_id is None else self.inner.id_to_token(self.pad_id),
        }
        if self.default_system is not None:
            config["default_system"] = self.default_system
        if self.chat:
            config["chat_template"] = template(self.default_system)
            write_text(folder / "chat_template.jinja", config["chat_template"])
        write_json(folder / "tokenizer_config.json", config)


def load_tokenizer(folder: Path) -> ChatTokenizer:
    """Read a model folder's tokenizer. NoInput without one; BadData if it is damaged or not byte-level."""
    path = folder / "tokenizer.json"
    if not path.is_file():
        raise NoInput(tr("{folder}: no tokenizer.json there", folder=folder), tr("is this a model folder?"))
    inner = read_tokenizer(path)
    config_path = folder / "tokenizer_config.json"
    config = read_json(config_path) if config_path.exists() else {}
    config = config if isinstance(config, dict) else {"bos_token": 0}
    bos, system = config.get("bos_token"), config.get("default_system")
    bos = bos.get("content") if isinstance(bos, dict) else bos
    if not all(isinstance(value, str | None) for value in (bos, system)):
        raise BadData(
            tr("{path}: not a tokenizer's configuration", path=config_path), tr("download or export the model again")
        )
    chat = bool(config.get("chat_template")) or (folder / "chat_template.jinja").exists()
    return ChatTokenizer(inner, chat=chat, default_system=system, bos=bos)


def read_tokenizer(path: Path) -> Tokenizer:
    """Read a `tokenizer.json`. NoInput if it is missing; BadData if it is damaged or not byte-level."""
    values = read_json(path)
    try:
        inner = Tokenizer.from_str(json.dumps(values))
    except BaseException as error:  # tokenizers raises Exception itself, and its panics are no Exceptions
        if isinstance(error, KeyboardInterrupt | SystemExit | MemoryError):
            raise
        raise BadData(
            tr("{path}: not a tokenizer: {error}", path=path, error=error), tr("download or export the model again")
        ) from error
    if not isinstance(values, dict) or "ByteLevel" not in json.dumps(values.get("decoder")):
        raise BadData(
            tr("{path}: not a byte-level tokenizer", path=path), tr("SmolLM2, Llama 3 and Qwen models have one")
        )
    return inner


def _added(tokens: Sequence[str]) -> list[AddedToken]:
    return [AddedToken(token, special=True, normalized=False) for token in tokens]


def _byte_level(vocabulary: dict[str, int], merges: list[tuple[str, str]]) -> Tokenizer:
    inner = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, ignore_merges=False))
    inner.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(QWEN2_SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    inner.decoder = decoders.ByteLevel()
    return inner


def train_char(texts: Iterable[str]) -> ChatTokenizer:
    """Return a tokenizer with one token for each character seen (the most frequent 16000), bytes for all others.

    It is byte-level BPE whose merges build only whole characters, so any BPE reader loads it.
    """
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(text)
    vocabulary = {token: index for index, token in enumerate(SPECIAL_TOKENS)}
    for letter in _LETTERS:
        vocabulary[letter] = len(vocabulary)
    merges: list[tuple[str, str]] = []
    for character, _ in counts.most_common(MAX_CHARACTERS):
        letters = [_LETTERS[byte] for byte in character.encode("utf-8", errors="replace")]
        for end in range(2, len(letters) + 1):
            left, right = "".join(letters[: end - 1]), letters[end - 1]
            if left + right not in vocabulary:
                vocabulary[left + right] = len(vocabulary)
                merges.append((left, right))
    inner = _byte_level(vocabulary, merges)
    inner.add_special_tokens(_added(SPECIAL_TOKENS))
    tokenizer = ChatTokenizer(inner)
    tokenizer.per_character = True
    return tokenizer


def train_bpe(texts: Iterable[str], vocab_size: int) -> ChatTokenizer:
    """Return a byte-level BPE tokenizer of at most `vocab_size` tokens (Sennrich et al. 2016, arXiv:1508.07909)."""
    inner = _byte_level({}, [])
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=_added(SPECIAL_TOKENS),
        initial_alphabet=_LETTERS,
        show_progress=False,
    )
    inner.train_from_iterator(map(sound, texts), trainer)
    return ChatTokenizer(inner)
