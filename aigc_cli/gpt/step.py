"""The training step of a language model: from scratch, by LoRA, or of all weights.

`GptTrainer` is what `training.loop` drives; `trainer.build_trainer` makes one from a prepared set and settings. The
loss is the mean over the targets of the whole batch, however many parts it is computed in. Knows nothing of commands,
clocks or run records.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from aigc_cli.config.train_gpt import TrainGptSettings
from aigc_cli.core.disk.files import write_jsonl
from aigc_cli.core.disk.provenance import label_record
from aigc_cli.core.disk.sharded import is_sharded, let_go, local, part_like, whole
from aigc_cli.core.errors import BadConfig
from aigc_cli.core.machine.distributed import ALONE, World
from aigc_cli.core.words.messages import tr
from aigc_cli.data.tokenizer import ChatTokenizer
from aigc_cli.gpt.bases.hf import model_card, write_model_folder
from aigc_cli.gpt.batches import Batch, TrainingData
from aigc_cli.gpt.decoding.decode import GenerationSettings, TextModel, generate
from aigc_cli.gpt.decoding.prefix import PrefixStates
from aigc_cli.gpt.functions import target_loss
from aigc_cli.gpt.lora import merged_weights, write_adapter
from aigc_cli.gpt.model import GptModel
from aigc_cli.gpt.optim import clipped
from aigc_cli.training.schedule import Schedule

DECODING = {"temperature": 0.8, "top_p": 0.9, "repetition_penalty": 1.1}

# Of a reply, and of running text: a short training must not wait for them.
PREVIEW_TOKENS = {True: 48, False: 32}
WORSE_THAN_GUESSING = 1.5


class Optimizer(Protocol):
    """What moves some of the parameters. `rate_name` is what its learning rate is called where it is logged."""

    rate_name: str

    def step(self, learning_rate: float, weight_decay: float) -> None:
        """Move them against their gradients."""

    def state(self) -> dict[str, Tensor]:
        """Return named state tensors."""

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Take them back."""


@dataclass(frozen=True, kw_only=True)
class Base:
    """What a fine-tuned model started from: its folder, the hash of its weights, and the weights in float32."""

    name: str
    sha256: str
    weights: dict[str, Tensor]


@dataclass(frozen=True, kw_only=True)
class Held:
    """The held-out part: batches over it, its UTF-8 bytes, and prompts for previews."""

    batches: Sequence[Batch]
    target_bytes: int
    prompts: Sequence[list[int]] = ()
    states: PrefixStates | None = None


@dataclass(kw_only=True)
class GptTrainer:
    """Holds a model, its optimizers with their peak learning rates, and the data."""

    settings: TrainGptSettings
    model: GptModel
    tokenizer: ChatTokenizer
    data: TrainingData
    held: Held
    optimizers: Sequence[tuple[Optimizer, float]]
    card: dict[str, Any]
    identity: dict[str, str]
    base: Base | None = None
    first_block: int = 0
    states: PrefixStates | None = None
    objective: str = "bits_per_byte"
    lr_scale: float = 1.0
    counted: str = "tokens"
    pace_since: int = 0
    world: World = ALONE
    products: torch.dtype | None = None  # what matrix products are computed in, where not in the weights' own type
    schedule: Schedule = field(init=False)
    trainable: dict[str, nn.Parameter] = field(init=False)

    def __post_init__(self) -> None:
        settings = self.settings
        self.schedule = Schedule(
            kind=settings.schedule,
            warmup_steps=settings.warmup_steps,
            cooldown=settings.cooldown,
            final=settings.final_lr,
        )
        self.trainable = {name: value for name, value in self.model.named_parameters() if value.requires_grad}

    @property
    def is_lora(self) -> bool:
        """Whether only low-rank corrections are trained."""
        return self.base is not None and self.settings.finetune == "lora"

    @property
    def is_sharded(self) -> bool:
        """Whether this process holds only a part of each weight (`parallel.shard`)."""
        return is_sharded(next(iter(self.trainable.values())))  # the model's own are whole while it computes

    def _own_parts(self, batch: Batch) -> list[Batch]:
        """Return what this process computes of a batch, in parts as large as one process alone would make them."""
        count = -(-self.settings.accumulate // self.world.size)
        return batch.share(self.world.rank, self.world.size).parts(count)

    def _unaveraged(self) -> Tensor | None:
        """Return what undoes the mean over processes that sharding takes of gradients: the loss is a sum over them."""
        return torch.tensor(float(self.world.size), device=self.model.norm.device) if self.is_sharded else None

    def update(self, step: int, total_steps: int | None) -> dict[str, float | Tensor]:
        """Do one optimisation step; return loss (nats per target token), gradient norm, learning rates, tokens."""
        batch = self.data.batch(step)
        targets = int(batch.predicts_BT.sum())
        loss = torch.zeros((), device=self.model.norm.device)
        for part in self._own_parts(batch):
            part_loss = self._summed_loss(part, self.states) / targets
            torch.autograd.backward(part_loss, self._unaveraged())
            loss = loss + part_loss.detach()
        gradients = [] if self.is_sharded else [p.grad for p in self.trainable.values() if p.grad is not None]
        self.world.sum_([loss, *gradients])
        norm = clipped(list(self.trainable.values()), self.settings.clip)
        factor = self.lr_scale * self.schedule.factor(step, total_steps)
        for optimizer, peak in self.optimizers:
            optimizer.step(peak * factor, self.settings.weight_decay)
        for parameter in self.trainable.values():
            parameter.grad = None
        rates = {optimizer.rate_name: peak * factor for optimizer, peak in self.optimizers}
        return {"loss": loss, "gradient_norm": norm, **rates, "tokens": float(batch.inputs_BT.numel())}

    def _summed_loss(self, batch: Batch, states: PrefixStates | None) -> Tensor:
        if self.products is None:
            return self._summed_loss_as_kept(batch, states)
        with torch.autocast(self.model.norm.device.type, self.products):
            return self._summed_loss_as_kept(batch, states)

    def _summed_loss_as_kept(self, batch: Batch, states: PrefixStates | None) -> Tensor:
        device = self.model.norm.device
        if states is not None:
            x_BTC = states.gather(batch).to(device)
        else:
            with torch.set_grad_enabled(torch.is_grad_enabled() and self.first_block == 0):
                x_BTC = self.model.embedded(batch.inputs_BT.to(device))
                x_BTC = self.model.run_blocks(x_BTC, 0, self.first_block)
        x_BTC = self.model.run_blocks(x_BTC, self.first_block, None)
        # Choosing places costs a scatter in the backward pass, so it is done only where some are left out.
        chosen_NC = x_BTC.flatten(0, 1) if batch.predicts_BT.all() else x_BTC[batch.predicts_BT.to(device)]
        hidden_NC = self.model.finish(chosen_NC)
        head = self.model.embed if self.model.head is None else self.model.head
        return target_loss(hidden_NC, head, batch.targets().to(device))

    def trouble(self, metrics: Mapping[str, float]) -> str:
        """Say that the model knows less than nothing: held-out text surprises it far more than if it only guessed."""
        nats, guessing = metrics["nats_per_token"], math.log(self.model.config.vocab_size)
        if nats <= WORSE_THAN_GUESSING * guessing:
            return ""
        return tr("held-out {nats:.3f} nats/token are worse than guessing ({guess:.3f})", nats=nats, guess=guessing)

    def evaluate(self, step: int) -> dict[str, float]:
        """Return nats per held-out target token and bits per byte, over everything held out, summed before dividing."""
        nats, tokens = 0.0, 0.0
        with torch.no_grad():
            for batch in self.held.batches:
                own = batch.share(self.world.rank, self.world.size)
                nats += float(self._summed_loss(own, self.held.states))
                tokens += int(own.predicts_BT.sum())
        let_go(self.model)
        nats, tokens = self.world.totals(nats, tokens)
        return {"nats_per_token": nats / tokens, "bits_per_byte": nats / math.log(2) / self.held.target_bytes}

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return trained weights and optimizer tensors; as scalars, hashes of what they belong to."""
        tensors = {f"model.{name}": value.detach() for name, value in self.trainable.items()}
        for optimizer, _ in self.optimizers:
            tensors |= optimizer.state()
        return tensors, dict(self.identity)

    def restore(self, tensors: dict[str, Tensor], scalars: dict[str, Any]) -> None:
        """Take back what `state` returned; BadConfig if the base model or the tokenizer is another one now."""
        for name, value in self.identity.items():
            if scalars.get(name) != value:
                raise BadConfig(
                    tr("the {name} is not the one this run began with", name=name.replace("_", " ")),
                    tr("restore it, or --resume restart"),
                )
        with torch.no_grad():
            for name, parameter in self.trainable.items():
                local(parameter).copy_(part_like(tensors[f"model.{name}"], parameter))
        for optimizer, _ in self.optimizers:
            optimizer.restore(tensors)

    def export(self, root: Path, step: int, metrics: dict[str, float]) -> None:
        """Write the run's root as a Hugging Face model folder, and with LoRA the adapter beside it.

        All processes call this, since whole weights are made of what each holds; the first one writes.
        """
        weights = {name: whole(value.detach()) for name, value in self.model.named_parameters()}
        if not self.world.is_main:
            return
        if self.is_lora and self.base is not None:
            weights = merged_weights(self.model, self.base.weights)
            write_adapter(root / "adapter", self.model, self.base.name, self.base.sha256)
        facts = {**self.card, "trained steps": step, **{name: f"{value:.4f}" for name, value in metrics.items()}}
        base = None if self.base is None else self.base.name
        card = model_card(root.name, facts, base, self.tokenizer.chat)
        write_model_folder(root, self.model, weights, self.tokenizer, card, DECODING)

    def preview(self, folder: Path, step: int) -> str:
        """Write how a few held-out prompts go on, and return the first on one line."""
        if not self.held.prompts or not (self.world.is_main or self.is_sharded):
            return ""
        settings = GenerationSettings(max_new_tokens=PREVIEW_TOKENS[self.tokenizer.chat])
        text = TextModel(self.model, self.tokenizer)
        replies = list(
            generate(text, self.held.prompts, settings, seed=self.settings.seed, batch_size=len(self.held.prompts))
        )
        let_go(self.model)
        if not self.world.is_main:
            return ""
        folder.mkdir(exist_ok=True)
        records = [
            {"schema": "aigc.preview/1", "step": step, "prompt": self.tokenizer.decode(prompt), "reply": reply.text}
            for prompt, reply in zip(self.held.prompts, replies, strict=True)
        ]
        write_jsonl(folder / f"step-{step}.jsonl", map(label_record, records))
        return " / ".join(replies[0].text.split("\n"))[:100]

    def expectation(self, total_steps: int) -> str:
        """Say nothing: what a text comes to depends on the text more than on the steps."""
        return ""

    def summary(self, metrics: dict[str, float]) -> str:
        """Say where training stands: losses in nats per token, held-out bits per byte."""
        parts = []
        if "loss" in metrics:
            parts.append(tr("loss {loss:.3f}", loss=metrics["loss"]))
        if "bits_per_byte" in metrics:
            nats, bits = metrics["nats_per_token"], metrics["bits_per_byte"]
            parts.append(tr("held-out {nats:.3f} nats/token, {bits:.3f} bits/byte", nats=nats, bits=bits))
        return ", ".join(parts)
