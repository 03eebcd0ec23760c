"""How much other work on the machine slows a training down: with threads that spin while they wait, and that rest.

python benchmarks/gan_busy.py DATA [--steps 16] [--rounds 2] [--preset projected]

DATA is a set made by `aigc prepare images`. Steps at the full size are timed alone and beside a process that keeps one
core busy, with OMP_WAIT_POLICY active (what OpenMP's library does by itself) and passive (what `aigc` sets), in turns.
One JSON line a turn, then the medians. A turn is broken off after a minute.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

POLICIES, LIMIT_SECONDS = ("active", "passive"), 60
BUSY = "while True: pass"
TIMED = """
import json, sys, time
import torch
from pathlib import Path
from aigc_cli.config.base import resolve
from aigc_cli.config.train_gan import PRESETS, TrainGanSettings
from aigc_cli.core.machine.device import set_threads
from aigc_cli.core.machine.platform import keep_freed_memory
from aigc_cli.data.pictures.imageset import open_image_set
from aigc_cli.gan.trainer import build_trainer

data, preset, steps = sys.argv[1], sys.argv[2], int(sys.argv[3])
set_threads(None)
keep_freed_memory()
settings = resolve(TrainGanSettings, {"preset": preset, "grow": 0.0}, presets=PRESETS)
trainer = build_trainer(open_image_set(Path(data)), settings, torch.device("cpu"))
warm = 4
for step in range(warm):
    trainer.update(step, None)
began, used = time.perf_counter(), time.process_time()
for step in range(warm, warm + steps):
    trainer.update(step, None)
seconds, used = time.perf_counter() - began, time.process_time() - used
print(json.dumps({"ms_a_step": round(1e3 * seconds / steps, 1), "processor_ms_a_step": round(1e3 * used / steps, 1)}))
"""


def timed(data: Path, preset: str, steps: int, policy: str) -> dict[str, float] | None:
    """Return what a step takes with a policy, None where the turn was broken off."""
    command = [sys.executable, "-c", TIMED, str(data), preset, str(steps)]
    environment = {**os.environ, "OMP_WAIT_POLICY": policy}
    try:
        ended = subprocess.run(
            command, env=environment, stdout=subprocess.PIPE, text=True, check=True, timeout=LIMIT_SECONDS
        )
    except subprocess.TimeoutExpired:
        return None
    found: dict[str, float] = json.loads(ended.stdout)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--steps", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--preset", default="projected")
    arguments = parser.parse_args()
    found: dict[str, list[float]] = {}
    for _ in range(arguments.rounds):
        for beside in ("alone", "beside another"):
            for policy in POLICIES:
                neighbour = subprocess.Popen([sys.executable, "-c", BUSY]) if beside != "alone" else None
                try:
                    record = timed(arguments.data, arguments.preset, arguments.steps, policy)
                finally:
                    if neighbour:
                        neighbour.kill()
                        neighbour.wait()
                print(json.dumps({"policy": policy, "work": beside, **(record or {"broken_off": True})}), flush=True)
                milliseconds = record["ms_a_step"] if record else 1e3 * LIMIT_SECONDS / arguments.steps
                found.setdefault(f"{policy}, {beside}", []).append(milliseconds)
    print(json.dumps({who: statistics.median(values) for who, values in found.items()}))


if __name__ == "__main__":
    main()
