"""Do kept memory and flushed denormals make face training faster on a CPU? Interleaved child processes, ratios.

usage: python benchmarks/gan_memory.py IMAGE_SET [--steps 150] [--rounds 3]
"""

import argparse
import json
import subprocess
import sys

WAYS = ("plain", "kept", "flushed", "both")
CHILD = """
import sys, time, torch
from pathlib import Path
from aigc_cli.config.train_gan import TrainGanSettings
from aigc_cli.core.machine.device import set_threads
from aigc_cli.core.machine.platform import keep_freed_memory
from aigc_cli.data.pictures.imageset import open_image_set
from aigc_cli.gan.trainer import build_trainer
data, way, steps = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
set_threads(None)
if way in ("kept", "both"):
    keep_freed_memory()
if way in ("flushed", "both"):
    torch.set_flush_denormal(True)
trainer = build_trainer(open_image_set(data), TrainGanSettings(), torch.device("cpu"))
for step in range(20):
    trainer.update(step, None)
began = time.perf_counter()
for step in range(20, 20 + steps):
    trainer.update(step, None)
print(steps * trainer.batch_size / (time.perf_counter() - began))
"""


def main() -> None:
    """Print one JSON line a way: images a second in each round, and the median's ratio to the plain one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data")
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    speeds: dict[str, list[float]] = {way: [] for way in WAYS}
    for _ in range(arguments.rounds):
        for way in WAYS:
            command = [sys.executable, "-c", CHILD, arguments.data, way, str(arguments.steps)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            speeds[way].append(float(done.stdout))
    medians = {way: sorted(values)[len(values) // 2] for way, values in speeds.items()}
    for way, values in speeds.items():
        rounded = [round(value, 1) for value in values]
        print(json.dumps({"way": way, "images_per_second": rounded, "ratio": medians[way] / medians["plain"]}))


if __name__ == "__main__":
    main()
