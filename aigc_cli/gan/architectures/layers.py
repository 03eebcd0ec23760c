"""Layers that both sides of a GAN are made of.

Equalised learning rates, style modulation by weights or by normalisation, and a convolution whose double backward is
fast on a CPU. Knows nothing of resolutions, labels or losses.

Shapes: B batch, C channels, H height, W width, S style.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

NORM_EPSILON = 1e-5  # added to a variance, as Huang and Belongie do: a channel may be flat

# What each of 4 x 4 taps is of 3 x 3: along a side, of (a, b, c) it is (a, a + b, b + c, c).
ALONG = torch.tensor([[1.0, 0, 0], [1, 1, 0], [0, 1, 1], [0, 0, 1]])
SQUARES = torch.kron(ALONG, ALONG)

_image_gradients_only = False


@contextmanager
def image_gradients_only() -> Iterator[None]:
    """Skip the weight gradients of `Convolution` inside the block: for the gradient penalty's inner gradient."""
    global _image_gradients_only
    _image_gradients_only = True
    try:
        yield
    finally:
        _image_gradients_only = False


class Convolution(torch.autograd.Function):
    """A convolution, plain or transposed, with a bias, whose double backward goes through `aten::convolution_backward`.

    The native double backward computes the weight gradient with a kernel that is 2 to 3 times slower on a CPU.
    """

    @staticmethod
    def forward(
        ctx: Any, x_BCHW: Tensor, weight: Tensor, bias: Tensor | None, stride: int, padding: int, transposed: bool
    ) -> Tensor:
        """Return the convolution of images (B, C, H, W) with a weight in torch's layout for its kind."""
        ctx.save_for_backward(x_BCHW, weight)
        ctx.shape = (stride, padding, transposed)
        return _convolve(x_BCHW, weight, bias, stride, padding, transposed)

    @staticmethod
    def backward(ctx: Any, grad_BCHW: Tensor) -> tuple[Any, ...]:
        """Return the gradients of the input and, unless only images are asked for, of the weight and the bias."""
        x_BCHW, weight = ctx.saved_tensors
        wants_x, wants_weight, wants_bias = ctx.needs_input_grad[:3]
        wanted = (wants_x, wants_weight and not _image_gradients_only, wants_bias and not _image_gradients_only)
        found = _ConvolutionBackward.apply(grad_BCHW, x_BCHW, weight, *ctx.shape, wanted)
        return *found, None, None, None


class _ConvolutionBackward(torch.autograd.Function):
    """The three gradients of a convolution, differentiable once more: two are bilinear, that of the bias is a sum."""

    @staticmethod
    def forward(
        ctx: Any,
        grad_BCHW: Tensor,
        x_BCHW: Tensor,
        weight: Tensor,
        stride: int,
        padding: int,
        transposed: bool,
        wanted: tuple[bool, bool, bool],
    ) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        ctx.save_for_backward(grad_BCHW, x_BCHW, weight)
        ctx.shape = (stride, padding, transposed)
        ctx.set_materialize_grads(False)
        return _gradients(grad_BCHW, x_BCHW, weight, ctx.shape, wanted)

    @staticmethod
    def backward(
        ctx: Any, of_grad_x: Tensor | None, of_grad_weight: Tensor | None, of_grad_bias: Tensor | None
    ) -> tuple[Any, ...]:
        grad_BCHW, x_BCHW, weight = ctx.saved_tensors
        for_grad = for_x = for_weight = None
        if of_grad_x is not None:
            for_grad = _convolve(of_grad_x, weight, None, *ctx.shape)
            for_weight = _gradients(grad_BCHW, of_grad_x, weight, ctx.shape, (False, True, False))[1]
        if of_grad_weight is not None:
            second = _convolve(x_BCHW, of_grad_weight, None, *ctx.shape)
            for_grad = second if for_grad is None else for_grad + second
            for_x = _gradients(grad_BCHW, x_BCHW, of_grad_weight, ctx.shape, (True, False, False))[0]
        if of_grad_bias is not None:
            third = of_grad_bias[:, None, None].expand_as(grad_BCHW)
            for_grad = third if for_grad is None else for_grad + third
        return for_grad, for_x, for_weight, None, None, None, None


def _convolve(
    x_BCHW: Tensor, weight: Tensor, bias: Tensor | None, stride: int, padding: int, transposed: bool
) -> Tensor:
    pair = [stride, stride], [padding, padding]
    y: Tensor = torch.ops.aten.convolution(x_BCHW, weight, bias, *pair, [1, 1], transposed, [0, 0], 1)
    return y


def _gradients(
    grad_BCHW: Tensor, x_BCHW: Tensor, weight: Tensor, shape: tuple[int, int, bool], wanted: tuple[bool, bool, bool]
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    stride, padding, transposed = shape
    pair = [stride, stride], [padding, padding]
    sizes = [weight.shape[1 if transposed else 0]] if wanted[2] else None
    found: tuple[Tensor | None, Tensor | None, Tensor | None] = torch.ops.aten.convolution_backward(
        grad_BCHW, x_BCHW, weight, sizes, *pair, [1, 1], transposed, [0, 0], 1, list(wanted)
    )
    return found


def convolve(
    x_BCHW: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    stride: int = 1,
    padding: int = 0,
    transposed: bool = False,
) -> Tensor:
    """Convolve images (B, C, H, W); weight (out, in, k, k), or (in, out, k, k) if transposed; bias (out,).

    Under autocast all are cast to its type, and so is the result.
    """
    kind = x_BCHW.device.type
    if torch.is_autocast_enabled(kind):
        dtype = torch.get_autocast_dtype(kind)
        x_BCHW, weight, bias = x_BCHW.to(dtype), weight.to(dtype), None if bias is None else bias.to(dtype)
    return Convolution.apply(x_BCHW, weight, bias, stride, padding, transposed)  # type: ignore[no-any-return]


def widened(x: Tensor) -> Tensor:
    """Return what came out of a network under autocast in float32; what is of another type stays as it is."""
    return x.float() if x.dtype in (torch.bfloat16, torch.float16) else x


def spread_taps(weight: Tensor, scale: float = 1.0) -> Tensor:
    """Return 4x4 weights for a 3x3 weight, each tap laid on a square of four, times a scale.

    A transposed convolution of stride 2 with them is doubling each pixel and then the 3x3 convolution; a strided one is
    the 3x3 convolution and then the sum over squares of four pixels ("fused scale": Karras et al. 2018,
    arXiv:1710.10196). Unlike free 4x4 weights they draw no checkerboard on flat ground.

    It is one product of matrices over the taps, with the channels last in memory, as the convolution wants them.
    """
    first, second = weight.shape[:2]
    rows = weight.permute(0, 2, 3, 1).reshape(first, 9, second)
    with torch.autocast(weight.device.type, enabled=False):
        spread = _squares(scale, weight.dtype, weight.device) @ rows
    return spread.view(first, 4, 4, second).permute(0, 3, 1, 2)


@cache
def _squares(scale: float, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return `SQUARES` times a scale where weights are. Made once: a GPU waits for each copy to it."""
    with torch.inference_mode(False):  # whoever asks first, gradients may flow past it later
        return SQUARES.to(device, dtype) * scale


def lrelu(x: Tensor) -> Tensor:
    """Leaky ReLU of slope 0.2. Its gain of sqrt(2) is in the scale of the layer before it, which costs nothing."""
    return F.leaky_relu(x, 0.2)


class EqualLinear(nn.Module):
    """A linear layer with an equalised learning rate (Karras et al. 2018, arXiv:1710.10196, sec. 4.1).

    The weight is drawn from N(0, 1) and scaled by 1/sqrt(fan-in) at run time. `lr_factor` scales the layer's
    effective learning rate, and its stored weight by the inverse.
    """

    def __init__(
        self, features_in: int, features_out: int, *, bias: float = 0.0, lr_factor: float = 1.0, gain: float = 1.0
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(features_out, features_in) / lr_factor)
        self.bias = nn.Parameter(torch.full((features_out,), bias / lr_factor))
        self.scale = gain * lr_factor / math.sqrt(features_in)
        self.lr_factor = lr_factor

    def forward(self, x: Tensor) -> Tensor:
        """Return x W^T scale + b, shape (..., features_out), as exact as x under autocast too."""
        with torch.autocast(x.device.type, enabled=False):
            return F.linear(widened(x), self.weight * self.scale, self.bias * self.lr_factor)


class EqualConv(nn.Module):
    """A convolution with an equalised learning rate and a bias, scaled for a leaky ReLU after it.

    `down` halves the resolution: what a 3x3 kernel gives, summed over squares of four pixels.
    """

    def __init__(self, channels_in: int, channels_out: int, kernel: int, *, down: bool = False) -> None:
        super().__init__()
        self.down = down
        self.weight = nn.Parameter(torch.randn(channels_out, channels_in, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(channels_out))
        # A sum of four, scaled as if they were independent of each other.
        self.scale = math.sqrt(2) / math.sqrt(channels_in * kernel**2) / (2 if down else 1)
        self.padding = (kernel - 1) // 2

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return the convolved images, (B, channels_out, H, W), or half of H and W with `down`."""
        weight = spread_taps(self.weight, self.scale) if self.down else self.weight * self.scale
        return convolve(x_BCHW, weight, self.bias, stride=2 if self.down else 1, padding=self.padding)


class StyledConv(nn.Module):
    """A convolution modulated by a style, and demodulated (Karras et al. 2020, arXiv:1912.04958, eq. 1 and 3).

    The style scales the input channels and the result is divided by the norm of the modulated weight, which is
    the same as modulating the weight and needs no grouped convolution. `up` doubles the resolution first, pixel by
    pixel.
    """

    def __init__(
        self, channels_in: int, channels_out: int, style: int, kernel: int, *, up: bool = False, demodulate: bool = True
    ) -> None:
        super().__init__()
        self.up, self.demodulate = up, demodulate
        shape = (channels_in, channels_out) if up else (channels_out, channels_in)
        self.weight = nn.Parameter(torch.randn(*shape, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(channels_out))
        self.fan_in = channels_in * kernel**2
        self.gain = math.sqrt(2) if demodulate else 1.0  # what a leaky ReLU takes from the variance
        self.padding = (kernel - 1) // 2
        self.style = EqualLinear(style, channels_in, bias=1.0)

    def forward(self, x_BCHW: Tensor, w_BS: Tensor) -> Tensor:
        """Return the modulated convolution (B, channels_out, H', W'), bias added, no activation."""
        style_BC = self.style(w_BS)
        scale = self.gain / math.sqrt(self.fan_in)
        weight = spread_taps(self.weight, scale) if self.up else self.weight * scale
        x_BCHW = x_BCHW * style_BC.to(x_BCHW.dtype)[:, :, None, None]
        bias = None if self.demodulate else self.bias
        y = convolve(x_BCHW, weight, bias, stride=2 if self.up else 1, padding=self.padding, transposed=self.up)
        if not self.demodulate:
            return y
        # A transposed convolution of stride 2 has a quarter of its taps at each output pixel.
        energy = weight.square().sum((2, 3)) / (4 if self.up else 1)
        energy = energy if self.up else energy.t()
        with torch.autocast(x_BCHW.device.type, enabled=False):
            norm_BC = self.gain * (style_BC.square() @ energy + 1e-8).rsqrt()
        return torch.addcmul(self.bias.to(y.dtype).view(1, -1, 1, 1), y, norm_BC.to(y.dtype)[:, :, None, None])


class AdaptiveNormConv(nn.Module):
    """A convolution, and adaptive instance normalisation of what it gives: mu(w) + sigma(w) (y - mean y) / deviation y.

    Huang & Belongie 2017, arXiv:1703.06868, eq. 8; with mu and sigma from a style: Karras et al. 2019,
    arXiv:1812.04948, eq. 1. Mean and deviation are each channel's of each picture over its places. The convolution has
    no bias, for the mean would take it away. `up` doubles the resolution first, pixel by pixel.
    """

    def __init__(self, channels_in: int, channels_out: int, style: int, kernel: int, *, up: bool = False) -> None:
        super().__init__()
        self.up = up
        shape = (channels_in, channels_out) if up else (channels_out, channels_in)
        self.weight = nn.Parameter(torch.randn(*shape, kernel, kernel))
        self.scale = 1 / math.sqrt(channels_in * kernel**2)
        self.padding = (kernel - 1) // 2
        self.sigma = EqualLinear(style, channels_out, bias=1.0)
        self.mu = EqualLinear(style, channels_out)

    def forward(self, x_BCHW: Tensor, w_BS: Tensor) -> Tensor:
        """Return the normalised convolution (B, channels_out, H', W'), no activation."""
        weight = spread_taps(self.weight, self.scale) if self.up else self.weight * self.scale
        y = widened(convolve(x_BCHW, weight, stride=2 if self.up else 1, padding=self.padding, transposed=self.up))
        centred = y - y.mean((2, 3), keepdim=True)
        deviation = (centred.square().mean((2, 3), keepdim=True) + NORM_EPSILON).sqrt()
        sigma, mu = self.sigma(w_BS)[:, :, None, None], self.mu(w_BS)[:, :, None, None]
        return torch.addcmul(mu, centred, sigma / deviation)
