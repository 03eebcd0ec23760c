"""What share of a device's peak does training reach (model FLOPs utilisation)? One JSON line.

python benchmarks/gpt_mfu.py --preset base --batch-size 32 --context 1024 --peak-tflops 989   (one H100, bfloat16)
python benchmarks/gpt_mfu.py --preset nano --batch-size 12 --peak-tflops 0.31                 (two CPU cores, float32)

A step is the real one, `GptTrainer.update`, optimizer included, on random tokens. Floating-point operations a token
are 6 N + 12 L H D T (Chowdhery et al. 2022, arXiv:2204.02311, app. B): N weights in matrix products (the head, not the
embedding), L layers, H heads of width D, T context. Recomputed and masked work does not count as done. The peak is
given, since no library knows it: take the data sheet's dense number for the type that products are computed in.
"""

import argparse
import json
import time
from types import SimpleNamespace
from typing import Any

import torch

from aigc_cli.config.base import resolve
from aigc_cli.config.train_gpt import PRESETS, TrainGptSettings
from aigc_cli.core.machine.device import choose_device, set_threads
from aigc_cli.core.machine.distributed import ALONE
from aigc_cli.core.machine.platform import keep_freed_memory
from aigc_cli.core.seeding import stream
from aigc_cli.gpt.batches import Batch
from aigc_cli.gpt.model import GptModel
from aigc_cli.gpt.step import GptTrainer, Held
from aigc_cli.gpt.trainer import new_config, new_optimizers, product_type


class RandomTokens:
    """Batches of random tokens: what is computed does not depend on which."""

    def __init__(self, vocab_size: int, batch_size: int, context: int) -> None:
        self._shape, self._vocab_size = (batch_size, context + 1), vocab_size

    def batch(self, step: int) -> Batch:
        """Return the batch of a step."""
        tokens = torch.randint(0, self._vocab_size, self._shape, generator=stream(0, "batch", step))
        return Batch(tokens, torch.ones_like(tokens[:, 1:], dtype=torch.bool))


def flops_per_token(model: GptModel) -> int:
    """Return the floating-point operations of training on one token, attention over the whole context included."""
    config = model.config
    weights = sum(value.numel() for name, value in model.named_parameters() if value.dim() == 2 and name != "embed")
    head = config.vocab_size * config.width if model.head is None else 0  # a tied head is the embedding
    return 6 * (weights + head) + 12 * config.layers * config.heads * config.head_dim * config.context


def measured(trainer: GptTrainer, steps: int, device: torch.device) -> float:
    """Return the seconds of a step, after enough of them to compile and to fill caches."""

    def run(count: int) -> float:
        started = time.perf_counter()
        for step in range(count):
            loss = trainer.update(step, None)["loss"]
        float(loss)  # waits for the device
        return time.perf_counter() - started

    run(5)
    return run(steps) / steps


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="base", choices=tuple(PRESETS))
    parser.add_argument("--peak-tflops", type=float, required=True)
    parser.add_argument("--batch-size", type=int)
    parser.add_argument("--context", type=int)
    parser.add_argument("--accumulate", type=int, default=1)
    parser.add_argument("--steps", type=int, default=20)
    for name in ("device", "precision", "compile", "optimizer"):
        parser.add_argument(f"--{name}")
    given = vars(parser.parse_args())
    peak, steps = given.pop("peak_tflops") * 1e12, given.pop("steps")
    chosen: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    settings = resolve(TrainGptSettings, chosen, presets=PRESETS)
    device = choose_device(settings.device)
    keep_freed_memory()
    threads = set_threads(None)
    model = GptModel(new_config(settings, settings.vocab_size))
    model.initialise(stream(0, "initialise"))
    model.to(device)
    products = product_type(settings, "scratch", device)
    if settings.compile == "on" or (settings.compile == "auto" and device.type == "cuda"):
        model.compile_blocks()
    trainer = GptTrainer(
        settings=settings,
        model=model,
        tokenizer=SimpleNamespace(),  # type: ignore[arg-type]  # a step needs none
        data=RandomTokens(settings.vocab_size, settings.batch_size, settings.context),
        held=Held(batches=[], target_bytes=1),
        optimizers=new_optimizers(model, settings, "scratch", ALONE),
        card={},
        identity={},
        products=products,
    )
    seconds = measured(trainer, steps, device)
    tokens = settings.batch_size * settings.context
    flops = flops_per_token(model)
    record = {
        "question": "model FLOPs utilisation",
        "preset": settings.preset,
        "device": torch.cuda.get_device_name() if device.type == "cuda" else f"{device.type}, {threads} threads",
        "products": str(products or torch.float32).removeprefix("torch."),
        "parameters": sum(value.numel() for value in model.parameters()),
        "tokens_per_step": tokens,
        "flops_per_token": flops,
        "tokens_per_second": round(tokens / seconds),
        "peak_tflops": peak / 1e12,
        "utilisation": round(flops * tokens / seconds / peak, 4),
    }
    print(json.dumps(record))


if __name__ == "__main__":
    main()
