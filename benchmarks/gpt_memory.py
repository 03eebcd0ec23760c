"""Is the memory that a plan states the memory that training takes? One JSON line a preset, and a table.

    python benchmarks/gpt_memory.py corpus.txt [--presets nano,tiny,small] [--steps 3] [--checkpointing]

Each preset trains a few steps, evaluates and saves, in a process of its own, as `aigc train-gpt` on a set made from the
text. Measured is the highest resident set of that process (`ru_maxrss`), stated is `--dry-run`'s.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

CHILD = """
import json, resource, sys
from aigc_cli.app import main
try:
    main()
finally:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    print(json.dumps({"peak": peak}), file=sys.stderr)
"""


def aigc(*words: str | Path) -> tuple[dict[str, object], int]:
    """Run a command; return its record and the highest resident set of its process, in bytes."""
    command = [sys.executable, "-c", CHILD, *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout), json.loads(done.stderr.splitlines()[-1])["peak"]


def main() -> None:
    """Print a line a preset: stated and measured peak, their ratio, and the stated parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path)
    parser.add_argument("--presets", default="nano,tiny,small")
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--checkpointing", action="store_true", help="with --gradient-checkpointing")
    arguments = parser.parse_args()
    more = ["--gradient-checkpointing"] if arguments.checkpointing else []
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        aigc("prepare", "text", arguments.text, "-o", folder / "set")
        for preset in arguments.presets.split(","):
            words = ["train-gpt", folder / "set", "-o", folder / preset, "--preset", preset, *more]
            words += ["--steps", str(arguments.steps), "--evaluations", "1"]
            plan, _ = aigc(*words, "--dry-run")
            _, peak = aigc(*words)
            stated = int(str(plan["memory_bytes"]))
            record = {"preset": preset, "stated_mb": round(stated / 1e6), "measured_mb": round(peak / 1e6)}
            record |= {"ratio": round(stated / peak, 3), "parameters": plan["parameters"], "parts": plan["memory"]}
            print(json.dumps(record), flush=True)
            rows.append(record)
    print("\n| preset | parameters | stated MB | measured MB | ratio |\n|---|---|---|---|---|")
    for row in rows:
        print(
            f"| {row['preset']} | {row['parameters']:,} | {row['stated_mb']} | {row['measured_mb']} | {row['ratio']} |"
        )


if __name__ == "__main__":
    main()
