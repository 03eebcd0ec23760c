"""Does the convolution of gan.architectures.layers pay? Time of a gradient penalty through a layer, beside torch's.

python benchmarks/gan_convolution.py      One JSON line a layer of the critic at 32 pixels, with the ratio.
"""

import json
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from aigc_cli.core.machine.device import set_threads
from aigc_cli.gan.architectures.layers import convolve, image_gradients_only

LAYERS = ((32, 64, 32), (64, 96, 16), (96, 128, 8))  # channels in, channels out, side
BATCH = 32
REPEATS = 20


def penalty(function: Callable[..., Tensor], x: Tensor, weight: Tensor) -> Tensor:
    """Backward through the squared norm of the layer's gradient, as R1 does."""
    y = function(x, weight, stride=2, padding=1)
    with image_gradients_only():
        (slope,) = torch.autograd.grad(y.square().sum(), x, create_graph=True)
    return torch.autograd.grad(slope.square().sum(), weight)[0]


def milliseconds(function: Callable[..., Tensor], x: Tensor, weight: Tensor) -> float:
    started = time.perf_counter()
    for _ in range(REPEATS):
        penalty(function, x, weight)
    return (time.perf_counter() - started) / REPEATS * 1e3


def main() -> None:
    set_threads(None)
    torch.manual_seed(0)
    for inputs, outputs, side in LAYERS:
        x = torch.randn(BATCH, inputs, side, side).contiguous(memory_format=torch.channels_last).requires_grad_()
        weight = (torch.randn(outputs, inputs, 4, 4) / (4 * inputs**0.5)).requires_grad_()
        error = (penalty(convolve, x, weight) - penalty(F.conv2d, x, weight)).abs().max()
        rounds = [(milliseconds(F.conv2d, x, weight), milliseconds(convolve, x, weight)) for _ in range(3)]
        stock, ours = (min(times) for times in zip(*rounds, strict=True))
        relative = float(error / penalty(F.conv2d, x, weight).abs().max())
        record = {"layer": f"{inputs} to {outputs} at {side}", "stock_ms": round(stock, 2), "ours_ms": round(ours, 2)}
        print(json.dumps({**record, "ratio": round(stock / ours, 2), "largest_relative_difference": relative}))


if __name__ == "__main__":
    main()
