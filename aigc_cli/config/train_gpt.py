"""Settings of `aigc train-gpt`, and presets of model shapes for training from scratch."""

from dataclasses import dataclass
from typing import Any

from aigc_cli.config.base import setting
from aigc_cli.config.shared import (
    device_setting,
    dry_run_setting,
    final_lr_setting,
    keep_setting,
    lock_wait_setting,
    plateau_patience_setting,
    save_every_setting,
    schedule_setting,
    tensorboard_setting,
    threads_setting,
)

PRESETS: dict[str, dict[str, Any]] = {
    "nano": {
        "layers": 4,
        "width": 128,
        "heads": 4,
        "kv_heads": 4,
        "context": 64,
        "vocab_size": 1024,
        "eval_tokens": 20000,
        "evaluations": 3,
    },
    "tiny": {"layers": 4, "width": 192, "heads": 6, "kv_heads": 3, "context": 256, "vocab_size": 2048},
    "small": {"layers": 6, "width": 320, "heads": 5, "kv_heads": 5, "context": 512, "vocab_size": 6400},
    "base": {
        "layers": 14,
        "width": 768,
        "heads": 12,
        "kv_heads": 4,
        "context": 1024,
        "vocab_size": 32768,
        "batch_size": 16,
        "accumulate": 16,
    },
}


@dataclass(frozen=True, kw_only=True)
class TrainGptSettings:
    """What a language model's training depends on. A None means: chosen by how the model starts (see the help)."""

    minutes: float = setting(10.0, "Training time, evaluations included.", minimum=0.01, maximum=100000)
    steps: int | None = setting(None, "Training steps, instead of --minutes.", minimum=1, maximum=1e9)
    preset: str = setting("tiny", "Shape of a model made from scratch.", choices=tuple(PRESETS))
    init: str | None = setting(
        None, "Start from a Hugging Face folder, a text run, a .gguf file, or `smollm2`.", metavar="MODEL"
    )
    finetune: str = setting(
        "lora", "With --init: train low-rank corrections, or all weights.", choices=("lora", "full"), group="recipe"
    )
    tokenizer: str = setting(
        "bpe", "From scratch: characters or byte-level BPE.", choices=("char", "bpe"), group="data"
    )
    vocab_size: int = setting(
        2048, "From scratch: most tokens of a BPE tokenizer.", minimum=260, maximum=200000, group="data"
    )
    layers: int = setting(4, "From scratch: blocks.", minimum=1, maximum=200, group="recipe")
    width: int = setting(192, "From scratch: width of the residual stream.", minimum=8, maximum=16384, group="recipe")
    heads: int = setting(6, "From scratch: query heads.", minimum=1, maximum=256, group="recipe")
    kv_heads: int = setting(3, "From scratch: key-value heads.", minimum=1, maximum=256, group="recipe")
    context: int = setting(256, "Longest sequence to train on, in tokens.", minimum=16, maximum=131072, group="data")
    batch_size: int = setting(12, "Conversations or windows a step.", minimum=1, maximum=65536, group="recipe")
    accumulate: int = setting(
        1, "Parts a batch is computed in, to save memory.", minimum=1, maximum=1024, group="machine"
    )
    gradient_checkpointing: bool = setting(
        False,
        "Compute each block again in the backward pass: less memory, a third more time.",
        kept=False,
        group="machine",
    )
    learning_rate: float | None = setting(
        None,
        "Peak of AdamW's (default: 0.006 from scratch, 0.002 for lora, 0.00005 for full).",
        minimum=0.0,
        maximum=1.0,
        group="recipe",
    )
    matrix_learning_rate: float = setting(
        0.04, "From scratch: peak of Muon's, for matrices.", minimum=0.0, maximum=1.0, group="recipe"
    )
    momentum: float = setting(0.85, "From scratch: Muon's momentum.", minimum=0.0, maximum=0.999, group="recipe")
    optimizer: str = setting(
        "muon", "From scratch: what moves the matrices.", choices=("muon", "adamw"), group="recipe"
    )
    schedule: str = schedule_setting()
    warmup_steps: int = setting(10, "Steps in which the learning rates rise.", minimum=0, group="recipe")
    cooldown: float = setting(
        0.5, "Last share of a wsd schedule, in which they fall.", minimum=0.0, maximum=1.0, group="recipe"
    )
    final_lr: float = final_lr_setting()
    plateau_patience: int = plateau_patience_setting()
    weight_decay: float = setting(
        0.0, "Decay of matrices, times the learning rate.", minimum=0.0, maximum=10.0, group="recipe"
    )
    clip: float = setting(1.0, "Largest norm of the gradient (0: any).", minimum=0.0, group="recipe")
    lora_rank: int = setting(16, "Rank of the corrections.", minimum=1, maximum=1024, group="recipe")
    lora_alpha: float = setting(32.0, "Their scale is alpha / rank.", minimum=0.0, group="recipe")
    lora_layers: int = setting(
        0, "Adapt only so many upper layers; the others are computed once (0: all).", minimum=0, group="recipe"
    )
    parallel: str = setting(
        "auto",
        "Under torchrun: whole weights in every process (ddp), or a part in each (fsdp); auto is ddp.",
        choices=("auto", "ddp", "fsdp"),
        group="machine",
    )
    precision: str = setting(
        "auto",
        "Of matrix products, and of weights frozen with lora; auto: bf16 on CUDA, and for lora where the CPU has it.",
        choices=("auto", "fp32", "bf16"),
        group="machine",
    )
    compile: str = setting(
        "auto", "Compile the blocks; auto: from scratch on CUDA.", choices=("auto", "on", "off"), group="machine"
    )
    eval_tokens: int = setting(200000, "Evaluate on at most so many held-out tokens.", minimum=1, group="measuring")
    evaluations: int = setting(5, "Evaluations during training.", minimum=1, maximum=1000, group="measuring")
    patience: int = setting(
        0, "Stop after so many evaluations without progress (0: never).", minimum=0, group="measuring"
    )
    log_every_steps: int = setting(20, "Steps between lines of metrics.jsonl.", minimum=1, group="measuring")
    save_minutes: float = setting(2.0, "Minutes between checkpoints.", minimum=0.0, group="saving")
    save_every: int = save_every_setting()
    keep: int = keep_setting()
    tensorboard: bool = tensorboard_setting()
    find_lr: bool = setting(
        False, "Try learning rates on throw-away weights, print the losses, write nothing.", kept=False, group="recipe"
    )
    seed: int = setting(0, "Names every random stream.", minimum=0, group="recipe")
    threads: int | None = threads_setting()
    device: str = device_setting()
    resume: str = setting(
        "auto",
        "Go on with a run that is there, or start again.",
        choices=("auto", "restart"),
        kept=False,
        acts="deletes",
        group="saving",
    )
    lock_wait: float = lock_wait_setting()
    dry_run: bool = dry_run_setting()
