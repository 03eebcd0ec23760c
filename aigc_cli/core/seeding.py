"""Named random streams: the same (seed, names) gives the same numbers, whatever else ran before.

Training draws everything of step k from streams that name k, sampling everything of item i from streams
that name i. So there is no random state to save, a resume is exact, and item i does not depend on `-n`.
"""

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def derived_seed(seed: int, *names: str | int) -> int:
    """Return a 63-bit seed that depends on every argument (SHA-256 of their text)."""
    text = "/".join([str(seed), *(str(name) for name in names)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def stream(seed: int, *names: str | int, device: "torch.device | str" = "cpu") -> "torch.Generator":
    """Return a generator at the start of the stream named by `names`, e.g. `stream(seed, "latents", step)`."""
    import torch

    return torch.Generator(device=device).manual_seed(derived_seed(seed, *names))
