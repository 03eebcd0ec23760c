"""How long do aigc and nanoGPT take to a loss, on a CPU? Whole processes, interleaved, scored alike.

usage: python benchmarks/gpt_nanogpt.py NANOGPT_FOLDER TEXT [--rounds 2] [--steps 220]

NANOGPT_FOLDER is a checkout of karpathy/nanoGPT with its needs installed; it runs its README's configuration for CPUs.
Each round trains nanoGPT, then aigc for `--steps` (how soon is nanoGPT's loss reached?), then aigc for as many minutes
as nanoGPT took (how low at the same time?). Everything counts on both sides: start, tokenizing, evaluations, saving.
The score is the mean loss in nats a character over the last tenth of the text, in windows of 64, each predicted once.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

CONTEXT = 64
NANOGPT = [
    "config/train_shakespeare_char.py",
    *("--device=cpu", "--compile=False", "--eval_iters=20", "--log_interval=50", "--block_size=64", "--batch_size=12"),
    *("--n_layer=4", "--n_head=4", "--n_embd=128", "--max_iters=2000", "--lr_decay_iters=2000", "--dropout=0.0"),
]
SCORE = """
import sys, torch
from torch.nn import functional as F
def score(logits_of, tokens, context=64):
    nats = 0.0
    with torch.no_grad():
        for start in range(0, len(tokens) - 1, context):
            window = torch.tensor(tokens[start : start + context + 1])
            nats += float(F.cross_entropy(logits_of(window[None, :-1])[0], window[1:], reduction="sum"))
    return nats / (len(tokens) - 1)
"""
SCORE_NANOGPT = """
import pickle
from model import GPT, GPTConfig
saved = torch.load(sys.argv[1] + "/ckpt.pt", map_location="cpu", weights_only=False)
model = GPT(GPTConfig(**saved["model_args"]))
model.load_state_dict(saved["model"])
model.eval()
ids = pickle.load(open(sys.argv[2], "rb"))["stoi"]
tokens = [ids[c] for c in open(sys.argv[3], encoding="utf-8").read()]
def logits_of(x):
    return model(x, targets=x)[0]
print(score(logits_of, tokens))
"""
SCORE_AIGC = """
from pathlib import Path
from aigc_cli.data.tokenizer import load_tokenizer
from aigc_cli.gpt.bases.hf import read_model
model, tokenizer = read_model(Path(sys.argv[1])), load_tokenizer(Path(sys.argv[1]))
text = open(sys.argv[3], encoding="utf-8").read()
tokens = tokenizer.encode_many([text])[0]
assert len(tokens) == len(text), "a token a character"
print(score(lambda x: model.logits(model(x)), tokens))
"""


def timed(command: list[str], folder: Path) -> float:
    """Run a command in a folder and return its wall-clock seconds."""
    began = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - began


def nanogpt(checkout: Path, text: Path, work: Path) -> dict[str, Any]:
    """Prepare and train by nanoGPT; return its seconds and loss."""
    data = checkout / "data/shakespeare_char"
    (data / "input.txt").write_bytes(text.read_bytes())
    seconds = timed([sys.executable, "data/shakespeare_char/prepare.py"], checkout)
    seconds += timed([sys.executable, "train.py", *NANOGPT, f"--out_dir={work}/nano"], checkout)
    loss = scored(SCORE + SCORE_NANOGPT, checkout, str(work / "nano"), str(data / "meta.pkl"), str(work / "held.txt"))
    return {"who": "nanoGPT", "seconds": seconds, "nats_per_character": loss}


def aigc(text: Path, work: Path, *length: str) -> dict[str, Any]:
    """Prepare and train by aigc for a length; return its seconds and loss."""
    for folder in ("set", "run"):
        subprocess.run(["rm", "-rf", str(work / folder)], check=True)
    program = [sys.executable, "-m", "aigc_cli"]
    seconds = timed([*program, "prepare", "text", str(text), "-o", "set", "--consent", "public"], work)
    options = ["--preset", "nano", "--tokenizer", "char", *length]
    seconds += timed([*program, "train-gpt", "set", "-o", "run", *options], work)
    loss = scored(SCORE + SCORE_AIGC, work, str(work / "run"), "", str(work / "held.txt"))
    return {"who": "aigc " + " ".join(length), "seconds": seconds, "nats_per_character": loss}


def scored(code: str, folder: Path, *arguments: str) -> float:
    """Run a scoring program in a folder and return the number that it prints last."""
    command = [sys.executable, "-c", code, *arguments]
    path = {**os.environ, "PYTHONPATH": str(folder)}
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, env=path)
    return float(done.stdout.split()[-1])


def main() -> None:
    """Print a JSON line a training, each with its share of nanoGPT's time in the same round."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("nanogpt", type=Path)
    parser.add_argument("text", type=Path)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--steps", type=int, default=220)
    parser.add_argument("--overhead", type=float, default=8.0, help="seconds of aigc's start and end, beside --minutes")
    arguments = parser.parse_args()
    text = arguments.text.resolve()
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        characters = text.read_text(encoding="utf-8")
        (work / "held.txt").write_text(characters[int(0.9 * len(characters)) :], encoding="utf-8")
        for number in range(1, arguments.rounds + 1):
            theirs = nanogpt(arguments.nanogpt.resolve(), text, work)
            minutes = (theirs["seconds"] - arguments.overhead) / 60
            soon = aigc(text, work, "--steps", str(arguments.steps))
            low = aigc(text, work, "--minutes", f"{minutes:.2f}")
            for line in (theirs, soon, low):
                share = line["seconds"] / theirs["seconds"]
                print(json.dumps({"round": number, **line, "share_of_nanogpts_time": share}), flush=True)


if __name__ == "__main__":
    main()
