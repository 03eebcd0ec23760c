"""How fast does fine-tuning run, and what does it reach? One JSON line a way of adapting.

    python benchmarks/gpt_finetune.py data/chat [--steps 85] [--ways upper15,all]

Needs a prepared chat set and the SmolLM2 wheel. Held-out bits per byte before and after, tokens a second, peak memory.
"""

import argparse
import json
import resource
import time
from pathlib import Path

import torch

from aigc_cli.config.base import resolve
from aigc_cli.config.train_gpt import PRESETS, TrainGptSettings
from aigc_cli.core.machine.device import set_threads
from aigc_cli.data.manifest import open_set
from aigc_cli.gpt.trainer import build_trainer

WAYS = {
    "all": {"lora_layers": 0},
    "all-fp32": {"lora_layers": 0, "precision": "fp32"},
    "upper15": {"lora_layers": 15},
    "upper15-fp32": {"lora_layers": 15, "precision": "fp32"},
    "upper10": {"lora_layers": 10},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--steps", type=int, default=85)
    parser.add_argument("--ways", default="upper15")
    arguments = parser.parse_args()
    set_threads(None)
    for way in arguments.ways.split(","):
        settings = resolve(TrainGptSettings, {"init": "smollm2", **WAYS[way]}, presets=PRESETS)
        started = time.perf_counter()
        trainer = build_trainer(open_set(arguments.data), settings, torch.device("cpu"))
        built = time.perf_counter()
        before = trainer.evaluate(0)["bits_per_byte"]
        started_training, tokens = time.perf_counter(), 0.0
        for step in range(arguments.steps):
            tokens += trainer.update(step, arguments.steps)["tokens"]
        seconds = time.perf_counter() - started_training
        after = trainer.evaluate(arguments.steps)["bits_per_byte"]
        record = {
            "way": way,
            "steps": arguments.steps,
            "build_seconds": round(built - started, 1),
            "train_seconds": round(seconds, 1),
            "tokens_per_second": round(tokens / seconds),
            "ratio_to_peft": round(tokens / seconds / 270, 2),
            "base_bits_per_byte": round(before, 4),
            "bits_per_byte": round(after, 4),
            "reduction": round(1 - after / before, 4),
            "peak_memory_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2),
        }
        print(json.dumps(record), flush=True)


if __name__ == "__main__":
    main()
