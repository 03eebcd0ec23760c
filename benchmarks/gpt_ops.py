"""Do the hand-written elementwise steps, attention and kept memory pay? One JSON line a question, with the ratio.

python benchmarks/gpt_ops.py
"""

import json
import time
from collections.abc import Callable

import torch
from torch.nn import functional as F

from aigc_cli.core.machine.device import set_threads
from aigc_cli.core.machine.platform import keep_freed_memory
from aigc_cli.gpt.functions import _written_out, rms_norm, swiglu

ROWS, WIDTH, HEADS, KV_HEADS, HEAD_WIDTH = 2048, 576, 9, 3, 64


def milliseconds(work: Callable[[], object]) -> float:
    for _ in range(3):
        work()
    started = time.perf_counter()
    for _ in range(15):
        work()
    return (time.perf_counter() - started) / 15 * 1e3


def report(question: str, plain: float, ours: float) -> None:
    print(
        json.dumps(
            {
                "question": question,
                "plain_ms": round(plain, 2),
                "ours_ms": round(ours, 2),
                "ratio": round(plain / ours, 2),
            }
        )
    )


def both(function: Callable[..., torch.Tensor], *inputs: torch.Tensor) -> Callable[[], object]:
    out = function(*inputs)
    grad = torch.ones_like(out)
    return lambda: torch.autograd.grad(function(*inputs), inputs, grad)


def main() -> None:
    set_threads(None)
    gain = torch.ones(WIDTH)
    x = torch.randn(ROWS, WIDTH, requires_grad=True)
    before = milliseconds(both(lambda x: F.rms_norm(x, (WIDTH,), gain, 1e-5), x))
    keep_freed_memory()
    after = milliseconds(both(lambda x: F.rms_norm(x, (WIDTH,), gain, 1e-5), x))
    report("keep freed memory: F.rms_norm, forward and backward", before, after)
    report("rms_norm, forward and backward", after, milliseconds(both(lambda x: rms_norm(x, gain, 1e-5, x.dtype), x)))
    for dtype in (torch.float32, torch.bfloat16):
        wide = torch.randn(ROWS, 3072, dtype=dtype, requires_grad=True)
        plain = milliseconds(both(lambda u: F.silu(u[:, :1536]) * u[:, 1536:], wide))
        report(f"swiglu {dtype}", plain, milliseconds(both(swiglu, wide)))
        for length in (64, 128, 256, 512):
            shapes = [(ROWS // length, heads, length, HEAD_WIDTH) for heads in (HEADS, KV_HEADS, KV_HEADS)]
            q, k, v = (torch.randn(shape, dtype=dtype, requires_grad=True) for shape in shapes)
            fused = lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)  # noqa: E731
            report(
                f"attention {dtype} {length} tokens",
                milliseconds(both(fused, q, k, v)),
                milliseconds(both(_written_out, q, k, v)),
            )


if __name__ == "__main__":
    main()
