"""How fast does SmolLM2 write, alone and many at a time? One JSON line a way; the limit is memory bandwidth.

python benchmarks/gpt_decode.py [MODEL_FOLDER]
"""

import json
import sys
import time
from pathlib import Path

from aigc_cli.core.machine.device import set_threads
from aigc_cli.gpt.decoding.decode import GenerationSettings, generate, load_text_run, stream
from aigc_cli.gpt.trainer import model_folder

TOKENS = 64


def main() -> None:
    set_threads(None)
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else model_folder("smollm2")
    started = time.perf_counter()
    text = load_text_run(folder)
    print(json.dumps({"way": "load", "seconds": round(time.perf_counter() - started, 3)}))
    prompt = text.tokenizer.encode("Once upon a time there was a little town by the sea where")
    for name, changes in (("greedy", {"temperature": 0.0}), ("sampled", {})):
        settings = GenerationSettings(max_new_tokens=TOKENS, min_new_tokens=TOKENS, **changes)
        list(stream(text, prompt, settings, seed=0))
        text.seen = []
        started = time.perf_counter()
        pieces = stream(text, prompt, settings, seed=0)
        next(pieces)
        first = time.perf_counter() - started
        list(pieces)
        rate = (TOKENS - 1) / (time.perf_counter() - started - first)
        record = {"way": f"stream {name}", "first_piece_seconds": round(first, 3), "tokens_per_second": round(rate, 1)}
        print(json.dumps({**record, "ratio_to_transformers": round(rate / 31, 2)}))
    for batch in (8, 32):
        settings = GenerationSettings(max_new_tokens=TOKENS, min_new_tokens=TOKENS)
        started = time.perf_counter()
        replies = list(generate(text, [prompt] * batch, settings, seed=0, batch_size=batch))
        rate = sum(len(reply.tokens) for reply in replies) / (time.perf_counter() - started)
        print(json.dumps({"way": f"batch of {batch}", "tokens_per_second": round(rate, 1)}))


if __name__ == "__main__":
    main()
