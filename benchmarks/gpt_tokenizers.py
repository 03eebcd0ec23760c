"""Which tokenizer says more at equal time? Bits per byte of byte-level BPE against characters, on any text.

    python benchmarks/gpt_tokenizers.py tinyshakespeare.txt [--seconds 40] [--rounds 2] [--preset nano]
        [--vocab-sizes 512,1024]

Ways are interleaved, each an `aigc train-gpt` of the same --minutes on one set. Bits per byte are over the whole
held-out tenth, so that tokenizers can be compared. Prints a JSON line a run, with its seconds, and a table.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import mean


def aigc(*words: str | Path) -> dict[str, object]:
    """Run a command and return its record."""
    command = [sys.executable, "-m", "aigc_cli", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    record: dict[str, object] = json.loads(done.stdout)
    return record


def main() -> None:
    """Print a line a run: the way, seconds of the whole process, steps, tokens a step, bits per byte."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path)
    parser.add_argument("--seconds", type=float, default=40)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--preset", default="nano")
    parser.add_argument("--vocab-sizes", default="1024")
    arguments = parser.parse_args()
    ways = {"char": ["--tokenizer", "char"]}
    for size in arguments.vocab_sizes.split(","):
        ways[f"bpe {size}"] = ["--tokenizer", "bpe", "--vocab-size", size]
    results: dict[str, list[float]] = {way: [] for way in ways}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        aigc("prepare", "text", arguments.text, "-o", folder / "set")
        for number in range(arguments.rounds):
            for way, words in ways.items():
                began = time.perf_counter()
                length = ["--minutes", str(arguments.seconds / 60), "--eval-tokens", "1000000000", "--evaluations", "1"]
                run = folder / f"{way}-{number}".replace(" ", "-")
                shared = ["--preset", arguments.preset, "--seed", str(number)]
                record = aigc("train-gpt", folder / "set", "-o", run, *shared, *words, *length)
                seconds = time.perf_counter() - began
                best = record["best"]
                assert isinstance(best, dict)
                results[way].append(best["bits_per_byte"])
                line = {"way": way, "seed": number, "seconds": round(seconds, 1), "steps": record["step"]}
                print(json.dumps({**line, "bits_per_byte": round(best["bits_per_byte"], 4)}), flush=True)
    print("\n| way | bits per byte | ratio to characters |\n|---|---|---|")
    for way, found in results.items():
        print(f"| {way} | {mean(found):.4f} | {mean(found) / mean(results['char']):.3f} |")


if __name__ == "__main__":
    main()
