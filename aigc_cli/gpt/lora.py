"""Low-rank adaptation (Hu et al. 2021, arXiv:2106.09685): train small matrices beside frozen large ones.

W becomes W + (alpha / rank) B A with A (rank x in) drawn at random and B (out x rank) zero, so training starts at the
base model. Fused matrices share one A. Knows nothing of data or the training step.
"""

import json
import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from aigc_cli.core.disk.checkpoint import save_tensors
from aigc_cli.core.disk.files import make_dir, write_text
from aigc_cli.gpt.bases.hf import qkv_sizes
from aigc_cli.gpt.model import GptModel, Linear


def add_lora(model: GptModel, *, rank: int, alpha: float, first_block: int, generator: torch.Generator) -> None:
    """Freeze the whole model and give every linear layer of blocks `first_block`.. a trainable correction."""
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    for _, linear in adapted_layers(model, first_block):
        out_features, in_features = linear.weight.shape
        # Uniform in +-1/sqrt(in), as torch's linear layers and peft start.
        a = (torch.rand(rank, in_features, generator=generator) * 2 - 1) * in_features**-0.5
        device = linear.weight.device
        linear.lora_a = nn.Parameter(a.to(device))
        linear.lora_b = nn.Parameter(torch.zeros(out_features, rank, device=device))
        linear.lora_scale = alpha / rank


def adapted_layers(model: GptModel, first_block: int = 0) -> list[tuple[str, Linear]]:
    """Return the linear layers of the blocks from `first_block` on, with their names."""
    return [
        (f"blocks.{index}.{name}", module)
        for index, block in enumerate(model.blocks)
        if index >= first_block
        for name, module in block.named_modules()
        if isinstance(module, Linear)
    ]


def lora_parameters(model: GptModel) -> dict[str, nn.Parameter]:
    """Return the trainable matrices by name, A before B in each layer."""
    return {name: value for name, value in model.named_parameters() if name.endswith(("lora_a", "lora_b"))}


def merged_weights(model: GptModel, base: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return `base` (float32 weights by name) with each adapted matrix plus its correction."""
    merged = dict(base)
    with torch.no_grad():
        for name, linear in adapted_layers(model):
            if linear.lora_a is None or linear.lora_b is None:
                continue
            delta = (linear.lora_b.float() @ linear.lora_a.float()) * linear.lora_scale
            merged[f"{name}.weight"] = torch.add(base[f"{name}.weight"], delta.to(base[f"{name}.weight"].device))
    return merged


def write_adapter(folder: Path, model: GptModel, base_name: str, base_hash: str) -> None:
    """Write the corrections as a PEFT adapter into `folder`, split by Hugging Face's layers.

    Never at a run's root: transformers would apply it to the already merged weights there.
    """
    make_dir(folder)
    tensors: dict[str, Tensor] = {}
    first, rank, alpha = None, 0, 0.0
    for name, linear in adapted_layers(model):
        if linear.lora_a is None or linear.lora_b is None:
            continue
        index = int(re.search(r"\d+", name).group())  # type: ignore[union-attr]
        first, rank = (index if first is None else first), linear.lora_a.shape[0]
        alpha = linear.lora_scale * rank
        for target, part in _split_rows(model, name, linear.lora_b.detach()):
            key = f"base_model.model.model.layers.{index}.{target}"
            tensors[f"{key}.lora_A.weight"] = linear.lora_a.detach().clone()
            tensors[f"{key}.lora_B.weight"] = part.clone()
    config: dict[str, Any] = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base_name,
        "revision": None,
        "r": rank,
        "lora_alpha": alpha,
        "lora_dropout": 0.0,
        "bias": "none",
        "fan_in_fan_out": False,
        "inference_mode": True,
        "target_modules": ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
        "layers_to_transform": list(range(first or 0, model.config.layers)),
        "layers_pattern": "layers",
        "aigc_base_sha256": base_hash,
    }
    save_tensors(folder / "adapter_model.safetensors", tensors, labelled=True)
    write_text(folder / "adapter_config.json", json.dumps(config, indent=1) + "\n")


def _split_rows(model: GptModel, name: str, rows: Tensor) -> list[tuple[str, Tensor]]:
    if name.endswith("qkv"):
        names = [f"self_attn.{letter}_proj" for letter in "qkv"]
        return list(zip(names, torch.split(rows, qkv_sizes(model.config)), strict=True))
    if name.endswith("gate_up"):
        return list(zip(["mlp.gate_proj", "mlp.up_proj"], rows.chunk(2), strict=True))
    return [("self_attn.o_proj" if name.endswith("out") else "mlp.down_proj", rows)]
