"""From scores to the next token: penalties, temperature, top-k, top-p, min-p, and one uniform number a draw.

Knows nothing of models or text.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

# So many of the likeliest tokens are looked at first; the whole vocabulary is sorted only when they do not suffice.
CANDIDATES = 256


@dataclass(frozen=True, kw_only=True)
class GenerationSettings:
    """How replies are drawn. Temperature 0 is greedy. `top_k` 0, `top_p` 1 and `min_p` 0 keep every token."""

    max_new_tokens: int = 160
    min_new_tokens: int = 1
    temperature: float = 0.8
    top_k: int = 0
    top_p: float = 0.9
    min_p: float = 0.0
    repetition_penalty: float = 1.1


def penalised(logits_V: Tensor, used: Sequence[int], penalty: float) -> None:
    """Make tokens already in the reply less likely, in place (Keskar et al. 2019, arXiv:1909.05858, sec. 4.1)."""
    if used and penalty != 1.0:
        index = torch.tensor(used, device=logits_V.device)
        values = logits_V[index]
        logits_V[index] = torch.where(values > 0, values / penalty, values * penalty)


def draw(logits_BV: Tensor, uniforms: Sequence[float], settings: GenerationSettings) -> list[int]:
    """Return one token for each row; row b uses only its own scores and the number uniforms[b] in [0, 1).

    Temperature first, then top-k, then top-p among those left, then min-p. `logits_BV` is float32.
    """
    if settings.temperature == 0:
        greedy: list[int] = logits_BV.argmax(-1).tolist()
        return greedy
    scaled_BV = logits_BV / settings.temperature
    width = logits_BV.shape[-1]
    count = min(settings.top_k or width, CANDIDATES, width)
    values_BK, tokens_BK = scaled_BV.topk(count, dim=-1)
    totals_B = scaled_BV.logsumexp(-1)
    chosen = []
    for row, uniform in enumerate(uniforms):
        values, tokens = values_BK[row], tokens_BK[row]
        if count < (settings.top_k or width) and not _suffices(values, totals_B[row], settings):
            values, tokens = scaled_BV[row].sort(descending=True)
            if settings.top_k:
                values, tokens = values[: settings.top_k], tokens[: settings.top_k]
        total = values.logsumexp(-1) if settings.top_k else totals_B[row]
        chosen.append(int(tokens[_place(values, total, uniform, settings)]))
    return chosen


def _suffices(values: Tensor, total: Tensor, settings: GenerationSettings) -> bool:
    """Whether top-p or min-p surely cuts within these candidates (with top-k larger, only the latter is sure)."""
    if settings.min_p > 0 and float((values[-1] - values[0]).exp()) < settings.min_p:
        return True
    return not settings.top_k and settings.top_p < 1.0 and float((values - total).exp().sum()) >= settings.top_p


def _place(values: Tensor, total: Tensor, uniform: float, settings: GenerationSettings) -> int:
    probabilities = (values - total).cpu().double().exp()  # Metal has no float64
    keep = torch.ones_like(probabilities, dtype=torch.bool)
    if settings.top_p < 1.0:
        before = probabilities.cumsum(0) - probabilities
        keep &= before < settings.top_p
    if settings.min_p > 0:
        keep &= probabilities >= settings.min_p * probabilities[0]
    keep[0] = True
    running = (probabilities * keep).cumsum(0)
    place = int(torch.searchsorted(running, uniform * running[-1], right=True))
    return min(place, int(keep.nonzero()[-1]))
