"""Model folders in Hugging Face's format: read, written, with nothing left for a converter to do.

transformers, vLLM, mlx-lm and llama.cpp's converter load what `write_model_folder` writes. Llama, Qwen2 and Qwen3
layouts are read, single files and sharded ones. Knows nothing of training.
"""

import json
import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from aigc_cli.core.disk.checkpoint import load_tensors, read_metadata, save_tensors
from aigc_cli.core.disk.files import read_json, sha256_bytes, write_json, write_text
from aigc_cli.core.errors import BadConfig, BadData, NoInput
from aigc_cli.core.words.messages import tr
from aigc_cli.data.tokenizer import ChatTokenizer
from aigc_cli.gpt.model import GptModel, ModelConfig, RopeScaling

_ARCHITECTURES = {"llama": "LlamaForCausalLM", "qwen2": "Qwen2ForCausalLM", "qwen3": "Qwen3ForCausalLM"}
MAX_SHARD_NAMES = 1000
MAX_SIZE, MAX_LAYERS = 1 << 26, 10_000
TOKENIZER_SEAL = "aigc_tokenizer_sha256"


def model_type(config: ModelConfig) -> str:
    """Return the name of the layout: qwen3 with q/k norms, qwen2 with q/k/v biases, else llama."""
    if config.qk_norm:
        return "qwen3"
    return "qwen2" if config.qkv_bias else "llama"


def config_to_json(config: ModelConfig, tokenizer: ChatTokenizer, dtype: str = "float32") -> dict[str, Any]:
    """Return `config.json`, with every value written out: readers' defaults differ, some silently."""
    kind = model_type(config)
    rope: dict[str, Any] = {"rope_theta": config.rope_theta, "rope_type": "default"}
    if config.rope_scaling is not None:
        rope |= {
            "rope_type": "llama3",
            "factor": config.rope_scaling.factor,
            "low_freq_factor": config.rope_scaling.low_freq_factor,
            "high_freq_factor": config.rope_scaling.high_freq_factor,
            "original_max_position_embeddings": config.rope_scaling.original_context,
        }
    extra: dict[str, Any] = {"attention_bias": False}
    if kind == "llama":
        extra["mlp_bias"] = False
    else:
        extra |= {"use_sliding_window": False, "sliding_window": None, "max_window_layers": config.layers}
    return {
        "architectures": [_ARCHITECTURES[kind]],
        "model_type": kind,
        "vocab_size": config.vocab_size,
        "hidden_size": config.width,
        "intermediate_size": config.mlp_width,
        "num_hidden_layers": config.layers,
        "num_attention_heads": config.heads,
        "num_key_value_heads": config.kv_heads,
        "head_dim": config.head_dim,
        "hidden_act": "silu",
        "max_position_embeddings": config.context,
        "rms_norm_eps": config.norm_eps,
        "rope_theta": config.rope_theta,
        "rope_parameters": rope,
        "rope_scaling": rope if config.rope_scaling is not None else None,
        "tie_word_embeddings": config.tied,
        "attention_dropout": 0.0,
        "initializer_range": 0.02,
        "bos_token_id": tokenizer.bos_id,
        "eos_token_id": list(tokenizer.stop_ids),
        "pad_token_id": tokenizer.pad_id,
        "use_cache": True,
        "dtype": dtype,
        "torch_dtype": dtype,
        **extra,
    }


def config_from_json(path: Path) -> ModelConfig:
    """Read a folder's `config.json`. BadData for layouts that this model cannot express."""
    values = read_json(path)
    kind = values.get("model_type") if isinstance(values, dict) else None
    if kind not in tuple(_ARCHITECTURES):
        raise BadData(
            tr("{path}: model type {kind!r} is not supported", path=path, kind=kind),
            tr("use a {kinds} model", kinds=", ".join(_ARCHITECTURES)),
        )
    biased = kind != "qwen2" and (values.get("attention_bias") or values.get("mlp_bias"))
    if biased or values.get("hidden_act", "silu") != "silu" or values.get("use_sliding_window"):
        raise BadData(
            tr("{path}: biases, sliding windows or activations other than silu are not supported", path=path),
            tr("use another model"),
        )
    rope = values.get("rope_parameters") or {}
    try:
        heads = int(values["num_attention_heads"])
        config = ModelConfig(
            vocab_size=int(values["vocab_size"]),
            width=int(values["hidden_size"]),
            layers=int(values["num_hidden_layers"]),
            heads=heads,
            kv_heads=int(values.get("num_key_value_heads") or heads),
            head_dim=int(values.get("head_dim") or values["hidden_size"] // heads),
            mlp_width=int(values["intermediate_size"]),
            context=int(values["max_position_embeddings"]),
            norm_eps=float(values.get("rms_norm_eps", 1e-6)),
            rope_theta=float(rope.get("rope_theta") or values.get("rope_theta") or 10000.0),
            rope_scaling=_scaling(path, rope if len(rope) > 2 else values.get("rope_scaling")),
            tied=bool(values.get("tie_word_embeddings", False)),
            qk_norm=kind == "qwen3",
            qkv_bias=kind == "qwen2",
        )
        check_sizes(config)
        return config
    except (KeyError, TypeError, ValueError, ArithmeticError, AttributeError, BadConfig) as error:
        raise BadData(
            tr("{path}: not a model's configuration: {error!r}", path=path, error=error),
            tr("download or export the model again"),
        ) from error


def check_sizes(config: ModelConfig) -> None:
    """Raise ValueError for a shape that no model has, before anything is made of it."""
    sizes = (config.vocab_size, config.width, config.heads, config.kv_heads, config.head_dim, config.mlp_width)
    if not all(0 < size <= MAX_SIZE for size in (*sizes, config.context)) or not 0 < config.layers <= MAX_LAYERS:
        raise ValueError("sizes that no model has")
    if not (math.isfinite(config.rope_theta) and config.rope_theta > 0 and 0 <= config.norm_eps < 1):
        raise ValueError("rope_theta or rms_norm_eps is no sensible number")


def _scaling(path: Path, values: dict[str, Any] | None) -> RopeScaling | None:
    kind = (values or {}).get("rope_type") or (values or {}).get("type") or "default"
    if not values or kind == "default":
        return None
    if kind != "llama3":
        raise BadData(
            tr("{path}: rope scaling {kind!r} is not supported", path=path, kind=kind), tr("llama3 and none are")
        )
    return RopeScaling(
        factor=float(values["factor"]),
        low_freq_factor=float(values["low_freq_factor"]),
        high_freq_factor=float(values["high_freq_factor"]),
        original_context=int(values["original_max_position_embeddings"]),
    )


def split_weights(model: GptModel, weights: dict[str, Tensor] | None = None) -> dict[str, Tensor]:
    """Return the model's weights (or `weights`, named as in its state dict) under Hugging Face's names."""
    own = weights if weights is not None else {name: value.detach() for name, value in model.named_parameters()}
    config, out = model.config, {"model.embed_tokens.weight": own["embed"], "model.norm.weight": own["norm"]}
    if not config.tied:
        out["lm_head.weight"] = own["head"]
    sizes = qkv_sizes(config)
    for i in range(config.layers):
        mine, theirs = f"blocks.{i}.", f"model.layers.{i}."
        out[theirs + "input_layernorm.weight"] = own[mine + "attention_norm"]
        out[theirs + "post_attention_layernorm.weight"] = own[mine + "mlp_norm"]
        out[theirs + "self_attn.o_proj.weight"] = own[mine + "attention.out.weight"]
        out[theirs + "mlp.down_proj.weight"] = own[mine + "down.weight"]
        for kind in ("weight", "bias") if config.qkv_bias else ("weight",):
            for letter, part in zip("qkv", torch.split(own[f"{mine}attention.qkv.{kind}"], sizes), strict=True):
                out[f"{theirs}self_attn.{letter}_proj.{kind}"] = part
        for name, part in zip(("gate", "up"), own[mine + "gate_up.weight"].chunk(2), strict=True):
            out[f"{theirs}mlp.{name}_proj.weight"] = part
        if config.qk_norm:
            for letter in "qk":
                out[f"{theirs}self_attn.{letter}_norm.weight"] = own[f"{mine}attention.{letter}_norm"]
    return out


def qkv_sizes(config: ModelConfig) -> list[int]:
    """Return the rows of query, key and value in the fused matrix."""
    return [config.heads * config.head_dim, config.kv_heads * config.head_dim, config.kv_heads * config.head_dim]


def _fused(config: ModelConfig, theirs: dict[str, Tensor]) -> dict[str, Tensor]:
    own = {"embed": theirs["model.embed_tokens.weight"], "norm": theirs["model.norm.weight"]}
    if not config.tied:
        own["head"] = theirs["lm_head.weight"]
    for i in range(config.layers):
        mine, other = f"blocks.{i}.", f"model.layers.{i}."
        own[mine + "attention_norm"] = theirs[other + "input_layernorm.weight"]
        own[mine + "mlp_norm"] = theirs[other + "post_attention_layernorm.weight"]
        own[mine + "attention.out.weight"] = theirs[other + "self_attn.o_proj.weight"]
        own[mine + "down.weight"] = theirs[other + "mlp.down_proj.weight"]
        for kind in ("weight", "bias") if config.qkv_bias else ("weight",):
            own[f"{mine}attention.qkv.{kind}"] = torch.cat([theirs[f"{other}self_attn.{x}_proj.{kind}"] for x in "qkv"])
        own[mine + "gate_up.weight"] = torch.cat([theirs[f"{other}mlp.{x}_proj.weight"] for x in ("gate", "up")])
        if config.qk_norm:
            for letter in "qk":
                own[f"{mine}attention.{letter}_norm"] = theirs[f"{other}self_attn.{letter}_norm.weight"]
    return own


def _read_weights(folder: Path) -> dict[str, Tensor]:
    index = folder / "model.safetensors.index.json"
    if not index.exists():
        return load_tensors(folder / "model.safetensors")
    table = read_json(index)
    shards = table.get("weight_map") if isinstance(table, dict) else None
    names = {str(name) for name in shards.values()} if isinstance(shards, dict) else set()
    if not names or len(names) > MAX_SHARD_NAMES or any("/" in name for name in names):
        raise BadData(tr("{index}: not an index of shards", index=index), tr("download the model again"))
    weights: dict[str, Tensor] = {}
    for name in sorted(names):
        weights |= load_tensors(folder / name)
    return weights


def read_model(folder: Path) -> GptModel:
    """Load a model folder's network in float32. NoInput, BadData with what is wrong."""
    if not (folder / "config.json").is_file():
        raise NoInput(
            tr("{folder}: no model there (no config.json)", folder=folder),
            tr("give a Hugging Face model folder or a text run"),
        )
    config = config_from_json(folder / "config.json")
    weights = _read_weights(folder)
    last = f"model.layers.{config.layers - 1}.input_layernorm.weight"
    if last not in weights:  # before as many layers are made
        raise BadData(
            tr("{folder}: weights do not fit config.json: {first}", folder=folder, first=last),
            tr("download or export it again"),
        )
    with torch.device("meta"):
        model = GptModel(config)
    try:
        own = {name: value.float() for name, value in _fused(config, weights).items()}
        model.load_state_dict(own, assign=True)
    except (KeyError, RuntimeError) as error:
        first = str(error).splitlines()[0]
        raise BadData(
            tr("{folder}: weights do not fit config.json: {first}", folder=folder, first=first),
            tr("download or export it again"),
        ) from error
    return model


def write_model_folder(
    folder: Path,
    model: GptModel,
    weights: dict[str, Tensor],
    tokenizer: ChatTokenizer,
    card: str,
    generation: dict[str, Any],
    *,
    generated: bool = True,
) -> None:
    """Write everything that makes a folder a Hugging Face model, each file atomically, the weights last but the card.

    `weights` are named as in the model's state dict (merged, float32); `generation` are the sampling defaults.
    `generated` weights carry the AI label; those of others that are only converted do not.
    """
    write_json(folder / "config.json", config_to_json(model.config, tokenizer))
    tokenizer.save(folder, model.config.context)
    write_json(
        folder / "generation_config.json",
        {
            "bos_token_id": tokenizer.bos_id,
            "eos_token_id": list(tokenizer.stop_ids),
            "pad_token_id": tokenizer.pad_id,
            "do_sample": True,
            **generation,
        },
    )
    belongs = {TOKENIZER_SEAL: tokenizer_digest(tokenizer)}
    save_tensors(folder / "model.safetensors", split_weights(model, weights), belongs, labelled=generated)
    write_text(folder / "README.md", card)


def tokenizer_digest(tokenizer: ChatTokenizer) -> str:
    """Return the SHA-256 of a tokenizer, in the library's own writing."""
    return sha256_bytes(tokenizer.inner.to_str(pretty=False).encode())


def check_tokenizer(folder: Path, tokenizer: ChatTokenizer) -> None:
    """Raise BadData if the tokenizer is not the one that the folder's weights were trained with, where they say so."""
    weights = folder / "model.safetensors"
    wanted = read_metadata(weights).get(TOKENIZER_SEAL) if weights.is_file() else None
    vocab_size = config_from_json(folder / "config.json").vocab_size
    if tokenizer.size > vocab_size or (wanted is not None and wanted != tokenizer_digest(tokenizer)):
        raise BadData(
            tr("{path}: not the tokenizer that these weights were trained with", path=folder / "tokenizer.json"),
            tr("restore it from a backup or train again"),
        )


def model_card(name: str, facts: dict[str, Any], base: str | None, chat: bool) -> str:
    """Return the README of a model folder: YAML front matter that hubs read, then facts in a table."""
    front = ["---", "library_name: transformers", "pipeline_tag: text-generation", "tags: [aigc]"]
    front += [f"base_model: {json.dumps(base)}"] if base else []
    front += ["---", "", f"# {name}", ""]
    about = "A language model that writes as one person does in chats" if chat else "A language model"
    lines = [
        *front,
        f"{about}, trained with `aigc train-gpt`. What it writes is generated by AI and must be labelled so.",
        "",
    ]
    lines += [
        "| | |",
        "|---|---|",
        *(f"| {key} | {str(value).replace('|', '/')} |" for key, value in facts.items()),
        "",
    ]
    return "\n".join(lines)
