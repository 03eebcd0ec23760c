"""The network: a decoder in the layout of Llama, Qwen2 and Qwen3, so that other tools load what it trains.

RMSNorm before each part, rotary positions, grouped-query attention, SwiGLU. Query, key and value are one matrix
here, gate and up another: fewer, larger products. `hf` splits them for other tools. Knows nothing of files,
tokenizers or training.

Shapes: B batch, T tokens, C width, H query heads, G key-value heads, D head width, V vocabulary, L layers.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from aigc_cli.core.errors import BadConfig
from aigc_cli.core.words.messages import tr
from aigc_cli.gpt.functions import causal_attention, frozen_linear_with_lora, rms_norm, rotate, swiglu


@dataclass(frozen=True)
class RopeScaling:
    """Llama 3's stretching of slow rotations, for contexts longer than the original (Llama 3 herd, sec. 3.2)."""

    factor: float
    low_freq_factor: float
    high_freq_factor: float
    original_context: int


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """The shape of a model. `qk_norm` is Qwen3's, `qkv_bias` Qwen2's; Llama has neither."""

    vocab_size: int
    width: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    mlp_width: int
    context: int
    norm_eps: float = 1e-6
    rope_theta: float = 10000.0
    rope_scaling: RopeScaling | None = None
    tied: bool = True
    qk_norm: bool = True
    qkv_bias: bool = False

    def __post_init__(self) -> None:
        if self.heads % self.kv_heads:
            raise BadConfig(
                tr("{heads} heads cannot share {kv_heads} key-value heads", heads=self.heads, kv_heads=self.kv_heads),
                tr("choose a divisor"),
            )
        if self.head_dim % 2:
            raise BadConfig(
                tr("head width {head_dim} is odd", head_dim=self.head_dim), tr("rotary positions need an even one")
            )


class Linear(nn.Module):
    """x W^T + bias, with an optional low-rank correction on a frozen W (see `lora`)."""

    def __init__(self, inputs: int, outputs: int, bias: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.lora_a: nn.Parameter | None = None
        self.lora_b: nn.Parameter | None = None
        self.lora_scale = 0.0

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., inputs) to (..., outputs)."""
        if self.lora_a is None or self.lora_b is None:
            return F.linear(x, self.weight, None if self.bias is None else self.bias.to(x.dtype))
        flat = frozen_linear_with_lora(x.flatten(0, -2), self.weight, self.lora_a, self.lora_b, self.lora_scale)
        whole = flat.view(*x.shape[:-1], -1)
        return whole if self.bias is None else whole + self.bias.to(x.dtype)


class KeyValueCache:
    """Keys and values of the tokens seen so far, one preallocated tensor: (L, 2, B, G, capacity, D)."""

    def __init__(self, model: "GptModel", batch: int, capacity: int) -> None:
        self.capacity, config = capacity, model.config
        shape = (config.layers, 2, batch, config.kv_heads, capacity, config.head_dim)
        self.tensor = torch.zeros(shape, dtype=model.compute_dtype, device=model.norm.device)
        self.layers = [(pair[0], pair[1]) for pair in self.tensor]


@dataclass(frozen=True)
class Window:
    """Where the tokens of one call go in the cache, and what they see; made once a call for all layers.

    All rows stand at `start`..`end`; `mask` is (T, end), or None when T is 1 or `start` is 0 (plainly causal). Or T is
    1 and `places` says where each row stands; the rows that it leaves out compute on nothing.
    """

    cache: KeyValueCache
    start: int = 0
    end: int = 0
    mask: Tensor | None = None
    places: dict[int, int] | None = None


class Attention(nn.Module):
    """Grouped-query attention with rotary positions."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.heads, self.kv_heads, self.head_dim = config.heads, config.kv_heads, config.head_dim
        self.eps = config.norm_eps
        self.qkv = Linear(config.width, (config.heads + 2 * config.kv_heads) * config.head_dim, config.qkv_bias)
        self.out = Linear(config.heads * config.head_dim, config.width)
        self.q_norm = nn.Parameter(torch.ones(config.head_dim)) if config.qk_norm else None
        self.k_norm = nn.Parameter(torch.ones(config.head_dim)) if config.qk_norm else None

    def forward(self, x_BTC: Tensor, cos: Tensor, sin: Tensor, layer: int, window: Window | None) -> Tensor:
        """Attend within the tokens given (no window), or to the cache as the window says."""
        b, t, _ = x_BTC.shape
        rotated = self.heads + self.kv_heads
        heads = self.qkv(x_BTC).view(b, t, rotated + self.kv_heads, self.head_dim)
        qk_BTHD, v_BTGD = heads.split((rotated, self.kv_heads), 2)
        if self.q_norm is not None and self.k_norm is not None:
            gains = torch.cat([self.q_norm.expand(self.heads, -1), self.k_norm.expand(self.kv_heads, -1)])
            qk_BTHD = rms_norm(qk_BTHD, gains, self.eps, x_BTC.dtype)
        qk_BHTD = rotate(qk_BTHD, cos, sin)
        q, k = torch.split(qk_BHTD, [self.heads, self.kv_heads], 1)
        v = v_BTGD.transpose(1, 2)
        mixed = causal_attention(q, k, v) if window is None else _attend_cached(q, k, v, layer, window)
        return self.out(mixed.transpose(1, 2).reshape(b, t, -1))  # type: ignore[no-any-return]


def _attend_cached(q: Tensor, k: Tensor, v: Tensor, layer: int, window: Window) -> Tensor:
    keys, values = window.cache.layers[layer]
    if window.places is None:
        keys[:, :, window.start : window.end] = k
        values[:, :, window.start : window.end] = v
        if window.start == 0 and q.shape[2] > 1:
            return causal_attention(q, k, v)
        seen = (keys[:, :, : window.end], values[:, :, : window.end])
        return F.scaled_dot_product_attention(q, *seen, attn_mask=window.mask, enable_gqa=True)
    rows = torch.tensor(list(window.places), device=q.device)
    places = torch.tensor(list(window.places.values()), device=q.device)
    keys[rows, :, places], values[rows, :, places] = k[rows, :, 0], v[rows, :, 0]
    mixed = torch.zeros_like(q)
    # Row by row: PyTorch's attention rounds differently with what else is in the batch.
    for row, place in window.places.items():
        seen = (keys[row : row + 1, :, : place + 1], values[row : row + 1, :, : place + 1])
        mixed[row] = F.scaled_dot_product_attention(q[row : row + 1], *seen, enable_gqa=True)[0]
    return mixed


class Block(nn.Module):
    """x + attention(norm(x)), then x + mlp(norm(x))."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.eps = config.norm_eps
        self.attention_norm = nn.Parameter(torch.ones(config.width))
        self.attention = Attention(config)
        self.mlp_norm = nn.Parameter(torch.ones(config.width))
        self.gate_up = Linear(config.width, 2 * config.mlp_width)
        self.down = Linear(config.mlp_width, config.width)

    def forward(self, x_BTC: Tensor, cos: Tensor, sin: Tensor, layer: int, window: Window | None) -> Tensor:
        """Return the residual stream after this block, in its own type."""
        dtype = self.down.weight.dtype
        normed = rms_norm(x_BTC, self.attention_norm, self.eps, dtype)
        x_BTC = x_BTC + self.attention(normed, cos, sin, layer, window)
        normed = rms_norm(x_BTC, self.mlp_norm, self.eps, dtype)
        return x_BTC + self.down(swiglu(self.gate_up(normed)))  # type: ignore[no-any-return]


class GptModel(nn.Module):
    """Embedding, blocks, final norm, head. The residual stream stays in the norms' type (float32)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.embed = nn.Parameter(torch.empty(config.vocab_size, config.width))
        self.blocks: Sequence[Block] = nn.ModuleList(Block(config) for _ in range(config.layers))  # type: ignore[assignment]
        self.norm = nn.Parameter(torch.ones(config.width))
        self.head = None if config.tied else nn.Parameter(torch.empty(config.vocab_size, config.width))
        self.recompute = False  # blocks in the backward pass, instead of keeping what they computed in the forward pass
        self._compiled: list[Callable[..., Tensor]] = []
        self._tables: dict[tuple[torch.dtype, torch.device], tuple[Tensor, Tensor]] = {}

    @property
    def compute_dtype(self) -> torch.dtype:
        """The type of the matrices, in which the blocks compute."""
        return self.blocks[0].down.weight.dtype

    def initialise(self, generator: torch.Generator) -> None:
        """Draw starting weights: outputs of every part zero, q/k gains 1.2, the rest of variance 1 / inputs.

        With zero output projections each block starts as the identity; the gains above 1 sharpen attention. An
        embedding that is not the head too starts at unit variance: early updates then turn its rows no faster than
        other weights. One that is the head too starts small: a token's score for itself is width times deviation.
        """
        stds = {"embed": min(0.02, 4 / self.config.width) if self.head is None else 1.0, "head": 0.02}
        for name, parameter in self.named_parameters():
            with torch.no_grad():
                if name.endswith(("out.weight", "down.weight", "bias")):
                    parameter.zero_()
                elif parameter.dim() == 1:
                    parameter.fill_(1.2 if name.endswith(("q_norm", "k_norm")) else 1.0)
                else:
                    std = stds.get(name, parameter.shape[1] ** -0.5)
                    parameter.copy_(torch.randn(parameter.shape, generator=generator) * std)

    def forward(self, tokens_BT: Tensor, window: Window | None = None, positions: Tensor | None = None) -> Tensor:
        """Return the final hidden states (B, T, C) for `logits`. `positions` defaults to 0..T-1."""
        return self.finish(self.run_blocks(self._embedded(tokens_BT), 0, None, window, positions))

    def compile_blocks(self) -> None:
        """Have the blocks compiled when first run without a cache: one compilation serves all of them."""
        self._compiled = [torch.compile(block) for block in self.blocks]

    def embedded(self, tokens_BT: Tensor) -> Tensor:
        """Return the residual stream before the first block, (B, T, C) in the norms' type."""
        return self._embedded(tokens_BT)

    def _embedded(self, tokens_BT: Tensor) -> Tensor:
        return F.embedding(tokens_BT, self.embed).to(self.norm.dtype)

    def run_blocks(
        self, x_BTC: Tensor, first: int, last: int | None, window: Window | None = None, positions: Tensor | None = None
    ) -> Tensor:
        """Return the residual stream after blocks first..last-1 (None: all that follow)."""
        if positions is None:
            positions = torch.arange(x_BTC.shape[1], device=x_BTC.device)
        cos, sin = self._angles(positions)
        for index in range(first, self.config.layers if last is None else last):
            block: Callable[..., Tensor] = self.blocks[index]
            place = index
            if self._compiled and window is None:
                block, place = self._compiled[index], 0  # the place is the cache's alone; each would be compiled anew
            if self.recompute and torch.is_grad_enabled():
                x_BTC = _recomputed(block, x_BTC, cos, sin, place, window)
            else:
                x_BTC = block(x_BTC, cos, sin, place, window)
        return x_BTC

    def finish(self, x_BTC: Tensor) -> Tensor:
        """Return the normalised last residual stream."""
        return rms_norm(x_BTC, self.norm, self.config.norm_eps, self.norm.dtype)

    def logits(self, hidden: Tensor) -> Tensor:
        """Return scores over the vocabulary, (..., V) in float32, for hidden states (..., C)."""
        head = self.embed if self.head is None else self.head
        return F.linear(hidden.to(head.dtype), head).float() if head.dtype != hidden.dtype else F.linear(hidden, head)

    def _angles(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Return cos and sin of the positions (T,) or (B, T), shaped to broadcast to (B, T, 1, D/2)."""
        key = (self.compute_dtype, positions.device)
        if key not in self._tables:
            # A table made while sampling must serve training too, so it is never an inference tensor.
            with torch.inference_mode(False):
                angles = torch.outer(torch.arange(self.config.context).float(), rotary_frequencies(self.config))
                self._tables[key] = angles.cos().to(key[1], key[0]), angles.sin().to(key[1], key[0])
        cos, sin = self._tables[key]
        return cos[positions].unsqueeze(-2), sin[positions].unsqueeze(-2)


def _recomputed(block: Callable[..., Tensor], *arguments: object) -> Tensor:
    """Run a block, keeping only its input for the backward pass (Chen et al. 2016, arXiv:1604.06174)."""
    from torch.utils.checkpoint import checkpoint

    result: Tensor = checkpoint(block, *arguments, use_reentrant=False, preserve_rng_state=False)  # nothing is random
    return result


def rotary_frequencies(config: ModelConfig) -> Tensor:
    """Return the D/2 angular speeds theta^(-2i/D), stretched as Llama 3 does when the config says so."""
    half = torch.arange(0, config.head_dim, 2, dtype=torch.int64).float() / config.head_dim
    speeds = 1.0 / config.rope_theta**half
    scaling = config.rope_scaling
    if scaling is None:
        return speeds
    wavelengths = 2 * math.pi / speeds
    turns = scaling.original_context / wavelengths
    blend = (turns - scaling.low_freq_factor) / (scaling.high_freq_factor - scaling.low_freq_factor)
    blend = blend.clamp(0.0, 1.0)
    return (1 - blend) * speeds / scaling.factor + blend * speeds
