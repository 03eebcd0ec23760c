"""The network's elementwise steps, written with few passes over memory, forward and backward.

On a CPU the autograd versions of these cost as much as the matrix products: `F.rms_norm` decomposes into a dozen
passes, and rotating halves by slicing and concatenating into as many. Each function here has its gradient written
out; tests hold them to the formulas in float64. Knows nothing of models.

Shapes: B batch, T tokens, H query heads, G key-value heads, D head width, C any width, N rows.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn import functional as F

# Longest sequences for which the written-out attention beats PyTorch's fused kernel on a CPU when gradients are
# needed (benchmarks/gpt_ops.py): the fused backward pass is four times slower in bfloat16 at 128 tokens.
WRITTEN_OUT_TOKENS = {torch.float32: 128, torch.bfloat16: 512}


def rms_norm(x: Tensor, gain: Tensor, eps: float, dtype: torch.dtype) -> Tensor:
    """Return x / rms(x) * gain over the last dimension, in `dtype` (Zhang & Sennrich 2019, arXiv:1910.07467, eq. 4).

    `x` is (..., C) and `gain` broadcasts to it; both are normally float32.
    """
    if torch.compiler.is_compiling():  # which fuses the formulas itself, here and below
        return _normalise(x, gain, eps)[0].to(dtype)
    if torch.is_grad_enabled() and (x.requires_grad or gain.requires_grad):
        result: Tensor = _RmsNorm.apply(x, gain, eps, dtype)
        return result
    if gain.dim() == 1 and x.dtype == gain.dtype:
        return F.rms_norm(x, (x.shape[-1],), gain, eps).to(dtype)
    return _normalise(x, gain, eps)[0].to(dtype)


def _normalise(x: Tensor, gain: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    wide = x.to(gain.dtype)
    inverse_rms = wide.square().mean(-1, keepdim=True).add_(eps).rsqrt_()
    return (wide * inverse_rms).mul_(gain), inverse_rms


class _RmsNorm(Function):
    """With r = rsqrt(mean(x^2) + eps) and h = g * gain: dx = r h - x r^3 mean(h x); dgain = sum(g x r)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, gain: Tensor, eps: float, dtype: torch.dtype) -> Tensor:
        y, inverse_rms = _normalise(x, gain, eps)
        ctx.save_for_backward(x, gain, inverse_rms)
        return y.to(dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        x, gain, inverse_rms = ctx.saved_tensors
        wide, grad = x.to(gain.dtype), grads[0].to(gain.dtype)
        product = grad * wide
        gain_grad = None
        if gain.dim() == 1:  # both sums over one product, as matrix-vector products
            flat, inverse_N = product.flatten(0, -2), inverse_rms.flatten()
            if ctx.needs_input_grad[1]:
                gain_grad = inverse_N @ flat
            mean = (flat @ gain).view(inverse_rms.shape).div_(gain.shape[0])
        else:
            if ctx.needs_input_grad[1]:
                gain_grad = (product * inverse_rms).sum_to_size(gain.shape)
            mean = product.mul_(gain).mean(-1, keepdim=True)
        x_grad = (grad * gain).mul_(inverse_rms).addcmul_(wide, inverse_rms.pow(3).mul_(mean), value=-1)
        return x_grad.to(x.dtype), gain_grad, None, None


def rotate(x_BTHD: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Return the heads rotated by position, as (B, H, T, D) contiguous (Su et al. 2021, arXiv:2104.09864, eq. 34).

    Halves, not neighbours, are paired, as in the Llama family: (a, b) -> (a cos - b sin, b cos + a sin).
    `cos` and `sin` broadcast to (B, T, 1, D/2).
    """
    if torch.compiler.is_compiling():
        a, b = x_BTHD.chunk(2, -1)
        return torch.cat([a * cos - b * sin, b * cos + a * sin], -1).transpose(1, 2).contiguous()
    if torch.is_grad_enabled() and x_BTHD.requires_grad:
        result: Tensor = _Rotate.apply(x_BTHD, cos, sin)
        return result
    return _rotated(x_BTHD, cos, sin)


def _rotated(x_BTHD: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    b, t, h, d = x_BTHD.shape
    out_BHTD = x_BTHD.new_empty(b, h, t, d)
    first, second = x_BTHD.chunk(2, -1)
    out_first, out_second = out_BHTD.transpose(1, 2).chunk(2, -1)
    torch.mul(first, cos, out=out_first).addcmul_(second, sin, value=-1)
    torch.mul(second, cos, out=out_second).addcmul_(first, sin)
    return out_BHTD


class _Rotate(Function):
    """The gradient of a rotation is the rotation by the opposite angle."""

    @staticmethod
    def forward(ctx: Any, x_BTHD: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        ctx.save_for_backward(cos, sin)
        return _rotated(x_BTHD, cos, sin)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        cos, sin = ctx.saved_tensors
        first, second = grads[0].transpose(1, 2).chunk(2, -1)
        grad_BTHD = grads[0].new_empty((*first.shape[:-1], 2 * first.shape[-1]))
        out_first, out_second = grad_BTHD.chunk(2, -1)
        torch.mul(first, cos, out=out_first).addcmul_(second, sin)
        torch.mul(second, cos, out=out_second).addcmul_(first, sin, value=-1)
        return grad_BTHD, None, None


def swiglu(gate_up: Tensor) -> Tensor:
    """Return silu(gate) * up for (..., 2C) holding gate then up (Shazeer 2020, arXiv:2002.05202, eq. 6)."""
    if torch.is_grad_enabled() and gate_up.requires_grad and not torch.compiler.is_compiling():
        result: Tensor = _Swiglu.apply(gate_up)
        return result
    gate, up = gate_up.chunk(2, -1)
    return F.silu(gate).mul_(up)


class _Swiglu(Function):
    @staticmethod
    def forward(ctx: Any, gate_up: Tensor) -> Tensor:
        gate, up = gate_up.chunk(2, -1)
        active = F.silu(gate)
        ctx.save_for_backward(gate_up, active)
        return active * up

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        gate_up, active = ctx.saved_tensors
        gate, up = gate_up.chunk(2, -1)
        out = torch.empty_like(gate_up)
        gate_grad, up_grad = out.chunk(2, -1)
        torch.mul(active, grads[0], out=up_grad)
        torch.ops.aten.silu_backward.grad_input(grads[0] * up, gate, grad_input=gate_grad)
        return out


def causal_attention(q_BHTD: Tensor, k_BGTD: Tensor, v_BGTD: Tensor) -> Tensor:
    """Return softmax(q k^T / sqrt(D)) v over earlier and equal positions, (B, H, T, D) (Vaswani et al. 2017, eq. 1).

    H is a multiple of G: each key-value head serves H / G query heads.
    """
    needs_grad = torch.is_grad_enabled() and q_BHTD.requires_grad
    if needs_grad and q_BHTD.device.type == "cpu" and q_BHTD.shape[2] <= WRITTEN_OUT_TOKENS.get(q_BHTD.dtype, 0):
        return _written_out(q_BHTD, k_BGTD, v_BGTD)
    return F.scaled_dot_product_attention(q_BHTD, k_BGTD, v_BGTD, is_causal=True, enable_gqa=True)


def _written_out(q_BHTD: Tensor, k_BGTD: Tensor, v_BGTD: Tensor) -> Tensor:
    b, h, t, d = q_BHTD.shape
    groups = k_BGTD.shape[1]
    future_TT = torch.full((t, t), float("-inf"), dtype=q_BHTD.dtype).triu_(1)
    stacked = q_BHTD.view(b, groups, h // groups * t, d) * d**-0.5
    scores = (stacked @ k_BGTD.transpose(-1, -2)).view(b, groups, h // groups, t, t) + future_TT
    weights = scores.softmax(-1).view(b, groups, h // groups * t, t)
    mixed: Tensor = (weights @ v_BGTD).view(b, h, t, d)
    return mixed


def frozen_linear_with_lora(x_NI: Tensor, weight_OI: Tensor, a_RI: Tensor, b_OR: Tensor, scale: float) -> Tensor:
    """Return x W^T + s (x A^T) B^T with gradients for x, A and B only; both products accumulate into one output.

    Shapes: x (N, in), W (out, in), A (rank, in), B (out, rank); s is a number. Hu et al. 2021, arXiv:2106.09685, eq. 3.
    A and B may be of a wider type than x and W; their gradients are of their own type.
    """
    result: Tensor = _FrozenLinearWithLora.apply(x_NI, weight_OI, a_RI, b_OR, scale)
    return result


class _FrozenLinearWithLora(Function):
    @staticmethod
    def forward(ctx: Any, x_NI: Tensor, weight_OI: Tensor, a_RI: Tensor, b_OR: Tensor, scale: float) -> Tensor:
        a, b = a_RI.to(x_NI.dtype), b_OR.to(x_NI.dtype)
        low_NR = x_NI @ a.T
        ctx.save_for_backward(x_NI, weight_OI, a, b, low_NR)
        ctx.scale, ctx.dtypes = scale, (a_RI.dtype, b_OR.dtype)
        out: Tensor = F.linear(x_NI, weight_OI).addmm_(low_NR, b.T, alpha=scale)
        return out

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        x_NI, weight_OI, a, b, low_NR = ctx.saved_tensors
        grad_NO = grads[0]
        low_grad_NR = (grad_NO @ b).mul_(ctx.scale)
        x_grad = (grad_NO @ weight_OI).addmm_(low_grad_NR, a) if ctx.needs_input_grad[0] else None
        a_grad = (low_grad_NR.T @ x_NI).to(ctx.dtypes[0])
        b_grad = (grad_NO.T @ low_NR).mul_(ctx.scale).to(ctx.dtypes[1])
        return x_grad, None, a_grad, b_grad, None


# Targets whose logits exist at one time: 256 x 49152 float32 are 50 MB.
LOSS_CHUNK = 256


def target_loss(hidden_NC: Tensor, head_VC: Tensor, targets_N: Tensor) -> Tensor:
    """Return the summed cross-entropy, in nats, of N targets, without holding all logits at once.

    The gradient is computed with the loss, chunk by chunk: softmax(logits) - onehot, times the head.
    """
    if not torch.is_grad_enabled():  # of which a Function is not told
        hidden_NC, head_VC = hidden_NC.detach(), head_VC.detach()
    result: Tensor = _TargetLoss.apply(hidden_NC, head_VC, targets_N)
    return result


class _TargetLoss(Function):
    @staticmethod
    def forward(ctx: Any, hidden_NC: Tensor, head_VC: Tensor, targets_N: Tensor) -> Tensor:
        needs_hidden, needs_head, _ = ctx.needs_input_grad
        hidden_grad = torch.zeros_like(hidden_NC) if needs_hidden else None
        head_grad = torch.zeros_like(head_VC) if needs_head else None
        total = hidden_NC.new_zeros((), dtype=torch.float64 if hidden_NC.dtype == torch.float64 else torch.float32)
        for start in range(0, len(targets_N), LOSS_CHUNK):
            chunk = hidden_NC[start : start + LOSS_CHUNK].to(head_VC.dtype)
            targets = targets_N[start : start + LOSS_CHUNK, None]
            logits = (chunk @ head_VC.T).to(total.dtype)
            log_total = logits.logsumexp(-1, keepdim=True)
            total += (log_total - logits.gather(1, targets)).sum()
            if not (needs_hidden or needs_head):
                continue
            slope = logits.sub_(log_total).exp_()
            slope.scatter_add_(1, targets, slope.new_full(targets.shape, -1.0))
            slope = slope.to(head_VC.dtype)
            if hidden_grad is not None:
                hidden_grad[start : start + LOSS_CHUNK] = slope @ head_VC
            if head_grad is not None:
                head_grad.addmm_(slope.T, chunk)
        ctx.save_for_backward(hidden_grad, head_grad)
        return total

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        hidden_grad, head_grad = ctx.saved_tensors
        scaled = [None if grad is None else grad * grads[0] for grad in (hidden_grad, head_grad)]
        return scaled[0], scaled[1], None
