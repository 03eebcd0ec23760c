"""Makes a `GptTrainer` from a prepared set and settings: what model, what tokenizer, what data, what optimizers."""

import os
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from aigc_cli.config.base import did_you_mean
from aigc_cli.config.train_gpt import TrainGptSettings
from aigc_cli.core.disk.files import sha256_bytes, sha256_file
from aigc_cli.core.disk.rundir import read_run
from aigc_cli.core.disk.sharded import is_sharded
from aigc_cli.core.errors import BadConfig, BadData, NoInput, UsageProblem
from aigc_cli.core.machine.distributed import ALONE, World
from aigc_cli.core.screen.progress import Progress, SilentProgress
from aigc_cli.core.seeding import stream
from aigc_cli.core.words.messages import tr
from aigc_cli.data.dialogue import ROLES, Message, encode_prompt, read_dialogues, require_chat, target_bytes, windows
from aigc_cli.data.manifest import PreparedSet
from aigc_cli.data.textset import TextSplit, first_tokens, trained_tokenizer
from aigc_cli.data.tokenizer import ChatTokenizer, load_tokenizer
from aigc_cli.gpt.bases.gguf import import_gguf, smollm2_file
from aigc_cli.gpt.bases.hf import check_tokenizer, qkv_sizes, read_model
from aigc_cli.gpt.batches import DialogueData, TrainingData, WindowData, ordered, text_windows
from aigc_cli.gpt.decoding.prefix import MAX_TOKENS, PrefixStates
from aigc_cli.gpt.estimate import is_tied, mlp_width
from aigc_cli.gpt.lora import add_lora
from aigc_cli.gpt.model import GptModel, ModelConfig
from aigc_cli.gpt.optim import Muon
from aigc_cli.gpt.step import Base, GptTrainer, Held, Optimizer
from aigc_cli.training.adamw import AdamW

EVALUATION_ROWS = 16
PREVIEW_PROMPTS = 3
PROMPT_TOKENS = 16  # of running text
# Peaks of AdamW's learning rate by how a model starts (benchmarks/RESULTS.md).
LEARNING_RATES = {"scratch": 6e-3, "lora": 2e-3, "full": 5e-5}
SCRATCH_BETAS = (0.8, 0.95)  # short trainings: moments that forget soon won (benchmarks/RESULTS.md)
Sequences = list[tuple[list[int], list[bool]]]


def build_trainer(
    data: PreparedSet,
    settings: TrainGptSettings,
    device: torch.device,
    progress: Progress | None = None,
    stop: Callable[[], None] = lambda: None,
    world: World = ALONE,
) -> GptTrainer:
    """Return a trainer for a prepared chat or text set. `stop` is called now and then, and may raise to end long work.

    All processes of `world` build theirs together. Raises NoInput, BadData, BadConfig, UsageProblem, Unavailable.
    """
    mode = settings.finetune if settings.init else "scratch"
    sharded = settings.parallel == "fsdp" and world.size > 1
    if sharded and mode == "lora":
        raise UsageProblem(tr("--parallel fsdp trains all weights"), tr("use --parallel ddp with --finetune lora"))
    compiles = _compiles(settings, mode, device, sharded)
    with world.main_first():
        base_folder = model_folder(settings.init) if settings.init else None
    corpus = _ChatCorpus(data.path) if data.kind == "chat" else _TextCorpus(data, progress, stop)
    with world.main_first():
        tokenizer = load_tokenizer(base_folder) if base_folder else corpus.new_tokenizer(settings)
    if base_folder:
        check_tokenizer(base_folder, tokenizer)
    tokenizer.chat, tokenizer.default_system = data.kind == "chat", corpus.system
    model, base = _model(settings, mode, base_folder, tokenizer, torch.device("cpu") if sharded else device)
    first_block = _adapt(model, settings, frozen_type(settings, mode, device)) if mode == "lora" else 0
    model.recompute = settings.gradient_checkpointing
    with world.main_first():
        source, held, states = corpus.encode(tokenizer, model, settings, first_block)
    if sharded:
        from aigc_cli.gpt.parallel import shard

        shard(model, device, world)
    products = product_type(settings, mode, device)
    if products is not None and device.type == "cuda":
        torch.set_float32_matmul_precision("high")  # what is left in float32 then runs on the tensor cores too
    if compiles:
        model.compile_blocks()
    return GptTrainer(
        settings=settings,
        model=model,
        tokenizer=tokenizer,
        data=source,
        held=held,
        optimizers=new_optimizers(model, settings, mode, world),
        card=_card(data.manifest, settings, mode),
        identity={
            "tokenizer_sha256": sha256_bytes(tokenizer.inner.to_str().encode()),
            **({"base_model_sha256": base.sha256} if base else {}),
        },
        base=base,
        first_block=first_block,
        states=states,
        world=world,
        products=products,
    )


class _ChatCorpus:
    """The conversations of a prepared chat set."""

    def __init__(self, data: Path) -> None:
        self._train, self._valid = read_dialogues(data / "train.jsonl"), read_dialogues(data / "valid.jsonl")
        self.system = _common_system(self._train)

    def new_tokenizer(self, settings: TrainGptSettings) -> ChatTokenizer:
        texts = [message["content"] for messages in self._train for message in messages]
        texts += [f"{role}\n" for role in ROLES] + [self.system or ""]
        return trained_tokenizer(settings.tokenizer, settings.vocab_size, texts)

    def encode(
        self, tokenizer: ChatTokenizer, model: GptModel, settings: TrainGptSettings, first_block: int
    ) -> tuple[TrainingData, Held, PrefixStates | None]:
        context = min(settings.context, model.config.context)
        train = _encoded(tokenizer, self._train, context)
        valid, prompts = _held_dialogues(tokenizer, self._valid, settings, context)
        held = Held(
            batches=ordered(valid, EVALUATION_ROWS),
            target_bytes=sum(target_bytes(tokenizer, ids, is_target) for ids, is_target in valid),
            prompts=prompts,
            states=_prefix_states(model, valid, first_block),
        )
        source = DialogueData(train, settings.batch_size, settings.seed)
        return source, held, _prefix_states(model, train, first_block)


class _TextCorpus:
    """The documents of a prepared text set."""

    def __init__(self, data: PreparedSet, progress: Progress | None, stop: Callable[[], None]) -> None:
        self._train = TextSplit(data.path / "train.jsonl", data.hash, progress or SilentProgress(), stop)
        self._valid = data.path / "valid.jsonl"
        self.system = None

    def new_tokenizer(self, settings: TrainGptSettings) -> ChatTokenizer:
        return self._train.new_tokenizer(settings.tokenizer, settings.vocab_size)

    def encode(
        self, tokenizer: ChatTokenizer, model: GptModel, settings: TrainGptSettings, first_block: int
    ) -> tuple[TrainingData, Held, PrefixStates | None]:
        context = min(settings.context, model.config.context)
        source = WindowData(self._train.tokens(tokenizer), context, settings.batch_size, settings.seed)
        return source, _held_text(tokenizer, self._valid, settings, context), None


def model_folder(init: str) -> Path:
    """Return the Hugging Face folder that `--init` names: a folder, a GGUF file to import, or `smollm2`."""
    if init == "smollm2":
        return import_gguf(smollm2_file())
    path = Path(init)
    if path.suffix == ".gguf":
        return import_gguf(path)
    if not path.exists() and os.sep not in init:
        raise NoInput(tr("--init {init}: no such folder", init=init), did_you_mean(init, ("smollm2",)))
    if (path / "aigc.json").is_file():
        read_run(path, "text")
    if not (path / "config.json").is_file():
        raise NoInput(
            tr("--init {init}: no model there (no config.json)", init=init),
            tr("give a model folder, a .gguf file or smollm2"),
        )
    return path


def frozen_type(settings: TrainGptSettings, mode: str, device: torch.device) -> torch.dtype:
    """Return the type that frozen weights are kept and computed in; weights that are trained are kept in float32."""
    if settings.precision == "fp32" or mode != "lora":
        return torch.float32
    if settings.precision == "bf16" or device.type == "cuda":
        return torch.bfloat16
    native = device.type == "cpu" and any(
        torch.cpu.get_capabilities().get(name) for name in ("avx512_bf16", "amx_bf16", "bf16")
    )
    return torch.bfloat16 if native else torch.float32


def product_type(settings: TrainGptSettings, mode: str, device: torch.device) -> torch.dtype | None:
    """Return the type that matrix products of weights kept in float32 are computed in, None for their own.

    `auto` is bfloat16 on CUDA alone: on a CPU casting the weights anew for each step costs more than it saves.
    """
    if mode == "lora" or settings.precision == "fp32":
        return None
    return torch.bfloat16 if settings.precision == "bf16" or device.type == "cuda" else None


def _compiles(settings: TrainGptSettings, mode: str, device: torch.device, sharded: bool) -> bool:
    """Whether blocks are compiled: by default those trained from scratch on CUDA (benchmarks/RESULTS.md)."""
    if settings.compile == "on" and sharded:
        raise UsageProblem(tr("--parallel fsdp does not compile"), tr("use --compile off, or --parallel ddp"))
    automatic = device.type == "cuda" and mode == "scratch" and not sharded
    return settings.compile == "on" or (settings.compile == "auto" and automatic)


def _adapt(model: GptModel, settings: TrainGptSettings, frozen: torch.dtype) -> int:
    """Add low-rank corrections to the upper blocks, the rest frozen in a type of its own; return the first of them."""
    first_block = max(0, model.config.layers - settings.lora_layers) if settings.lora_layers else 0
    generator = stream(settings.seed, "lora")
    rank, alpha = settings.lora_rank, settings.lora_alpha
    add_lora(model, rank=rank, alpha=alpha, first_block=first_block, generator=generator)
    _cast_frozen(model, frozen)
    return first_block


def _cast_frozen(model: GptModel, dtype: torch.dtype) -> None:
    """Give the frozen matrices a compute type; norms and corrections stay in float32."""
    for parameter in model.parameters():
        if parameter.dim() > 1 and not parameter.requires_grad:
            parameter.data = parameter.data.to(dtype)


def _common_system(dialogues: Sequence[Sequence[Message]]) -> str | None:
    """Return the commonest system turn, the first of several that are; None where there is none."""
    systems = Counter(messages[0]["content"] for messages in dialogues if messages and messages[0]["role"] == "system")
    return max(systems, key=systems.__getitem__, default=None)


def _model(
    settings: TrainGptSettings, mode: str, folder: Path | None, tokenizer: ChatTokenizer, device: torch.device
) -> tuple[GptModel, Base | None]:
    if folder is None:
        model = GptModel(new_config(settings, tokenizer.size))
        model.initialise(stream(settings.seed, "initialise"))
        return model.to(device), None
    model = read_model(folder)
    if tokenizer.size > model.config.vocab_size:
        raise BadData(
            tr("{folder}: its tokenizer has more tokens than the model", folder=folder), tr("download the model again")
        )
    weights: dict[str, Tensor] = {}
    if mode == "lora":
        weights = {name: value.detach() for name, value in model.named_parameters()}
    base = Base(name=str(settings.init), sha256=folder_hash(folder), weights=weights)
    if mode == "full":
        for parameter in model.parameters():
            parameter.data = parameter.data.clone()  # the file's pages are not ours to write
    return model.to(device), base


def folder_hash(folder: Path) -> str:
    """Return the SHA-256 over a model folder's weights."""
    files = sorted(folder.glob("*.safetensors"))
    hashes = [sha256_file(file) for file in files]
    return hashes[0] if len(hashes) == 1 else sha256_bytes("".join(hashes).encode())


def new_config(settings: TrainGptSettings, vocabulary: int) -> ModelConfig:
    """Return the shape of a model made from scratch; BadConfig if there is none such."""
    if settings.width % settings.heads:
        raise BadConfig(
            tr("--width {width} is no multiple of --heads {heads}", width=settings.width, heads=settings.heads),
            tr("choose another width"),
        )
    return ModelConfig(
        vocab_size=vocabulary,
        width=settings.width,
        layers=settings.layers,
        heads=settings.heads,
        kv_heads=settings.kv_heads,
        head_dim=settings.width // settings.heads,
        mlp_width=mlp_width(settings.width),
        context=settings.context,
        tied=is_tied(vocabulary),
    )


def _encoded(tokenizer: ChatTokenizer, dialogues: Sequence[Sequence[Message]], context: int) -> Sequences:
    require_chat(tokenizer)
    return [window for messages in dialogues for window in windows(tokenizer, messages, context)]


def _prefix_states(model: GptModel, sequences: Sequences, first_block: int) -> PrefixStates | None:
    if not first_block or sum(len(ids) for ids, _ in sequences) > MAX_TOKENS:
        return None
    return PrefixStates(model, sequences, first_block)


def _held_dialogues(
    tokenizer: ChatTokenizer, valid: Sequence[Sequence[Message]], settings: TrainGptSettings, context: int
) -> tuple[Sequences, list[list[int]]]:
    chosen: Sequences = []
    used = 0
    prompts: list[list[int]] = []
    for messages in valid:
        encoded = _encoded(tokenizer, [messages], context)
        if used and used + sum(len(ids) for ids, _ in encoded) > settings.eval_tokens:
            break
        used += sum(len(ids) for ids, _ in encoded)
        chosen += encoded
        first = next((i for i, message in enumerate(messages) if message["role"] == "assistant" and i), 0)
        if len(prompts) < PREVIEW_PROMPTS and first:
            prompts.append(encode_prompt(tokenizer, messages[:first], context // 2))
    if not chosen:
        raise BadData(tr("no held-out turns of the person"), tr("prepare the chat with a larger --valid"))
    return chosen, prompts


def _held_text(tokenizer: ChatTokenizer, records: Path, settings: TrainGptSettings, context: int) -> Held:
    tokens = first_tokens(records, tokenizer, settings.eval_tokens)
    sizes = np.array([len(tokenizer.token_bytes(token)) for token in range(tokenizer.size)])
    size = int(sizes[tokens[1:]].sum())
    if len(tokens) < 2 or not size:
        raise BadData(tr("no held-out text"), tr("prepare the text with a larger --valid"))
    prompts = _openings(tokens.tolist(), min(PROMPT_TOKENS, context // 4))
    return Held(batches=text_windows(tokens, context, EVALUATION_ROWS), target_bytes=size, prompts=prompts)


def _openings(tokens: list[int], length: int) -> list[list[int]]:
    """Return a few runs of held-out tokens, evenly spread, for a preview to go on from."""
    starts = range(0, max(1, len(tokens) - length), max(1, len(tokens) // PREVIEW_PROMPTS))
    return [tokens[start : start + length] for start in starts[:PREVIEW_PROMPTS]]


def new_optimizers(
    model: GptModel, settings: TrainGptSettings, mode: str, world: World
) -> list[tuple[Optimizer, float]]:
    """Return what moves the trainable weights, each with the peak of its learning rate."""
    rate = LEARNING_RATES[mode] if settings.learning_rate is None else settings.learning_rate
    trainable = {name: value for name, value in model.named_parameters() if value.requires_grad}
    if mode != "scratch" or settings.optimizer == "adamw":
        return [(AdamW(trainable, betas=SCRATCH_BETAS if mode == "scratch" else (0.9, 0.999)), rate)]
    matrices = {name: value for name, value in trainable.items() if name.startswith("blocks.") and value.dim() == 2}
    sections: dict[str, list[int]] = {}
    for name, value in matrices.items():
        if name.endswith("qkv.weight"):
            sections[name] = qkv_sizes(model.config)
        elif name.endswith("gate_up.weight"):
            sections[name] = [value.shape[0] // 2] * 2
    others = {name: value for name, value in trainable.items() if name not in matrices}
    muon: Optimizer = Muon(matrices, sections, momentum=settings.momentum, world=world)
    if is_sharded(model.norm):
        from aigc_cli.gpt.parallel import ShardedMuon

        muon = ShardedMuon(matrices, sections, momentum=settings.momentum, world=world)
    return [(muon, settings.matrix_learning_rate), (AdamW(others, betas=SCRATCH_BETAS), rate)]


def _card(manifest: dict[str, Any], settings: TrainGptSettings, mode: str) -> dict[str, Any]:
    return {
        "subject": manifest.get("subject") or "unspecified",
        "consent": manifest.get("consent") or "unspecified",
        "credit": "; ".join(manifest.get("credit") or []) or "none",
        "method": {"scratch": "trained from scratch", "lora": "LoRA, merged", "full": "all weights"}[mode],
        "base": settings.init or "none",
        "data sha256": manifest["hash"],
    }
