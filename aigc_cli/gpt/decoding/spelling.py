"""Which tokens may come next so that what is written stays UTF-8: no half character is ever begun and left.

A byte-level vocabulary spells rare characters (many Chinese ones) byte by byte, and a small model sometimes goes on
with a byte that does not belong. Such tokens are ruled out before drawing. Knows nothing of models or sampling.
"""

import codecs

import torch
from torch import Tensor

from aigc_cli.data.tokenizer import ChatTokenizer

# What may follow depends only on how many bytes are missing, and after four of the lead bytes on which one it was
# (no overlong forms, no surrogates, nothing above U+10FFFF: RFC 3629, section 4).
_SPECIAL_LEADS = (b"\xe0", b"\xed", b"\xf0", b"\xf4")
_BY_MISSING = {1: b"\xc2", 2: b"\xe1", 3: b"\xf1"}
_STATES = (b"", *_BY_MISSING.values(), *_SPECIAL_LEADS)


def state_of(begun: bytes) -> bytes:
    """Return the shortest bytes after which the same may follow as after `begun`, the start of a character."""
    if not begun or begun in _SPECIAL_LEADS:
        return begun
    size = 2 if begun[0] < 0xE0 else 3 if begun[0] < 0xF0 else 4
    return _BY_MISSING[size - len(begun)]


def goes_on(begun: bytes, piece: bytes) -> bool:
    """Whether `begun` and then `piece` is UTF-8 as far as it goes."""
    try:
        codecs.utf_8_decode(begun + piece, "strict", False)
    except UnicodeDecodeError:
        return False
    return True


class Spelling:
    """The tokens of a vocabulary that would break UTF-8, by what has been begun."""

    def __init__(self, tokenizer: ChatTokenizer) -> None:
        pieces = [tokenizer.token_bytes(token) for token in range(tokenizer.size)]
        # Most tokens begin with a character's first byte: they fit between characters only, as the end of a turn does.
        parts = [token for token, piece in enumerate(pieces) if not goes_on(b"", piece)]
        self._broken: dict[bytes, Tensor] = {}
        for state in _STATES:
            mask = torch.full((len(pieces),), bool(state))
            mask[[token for token in parts if not goes_on(state, pieces[token])]] = True
            mask[[token for token in parts if goes_on(state, pieces[token])]] = False
            # A vocabulary that cannot finish a character (none is known) is left free; what is broken is not shown.
            if not mask.all():
                self._broken[state] = mask

    def rule_out(self, logits_V: Tensor, begun: bytes) -> None:
        """Make what would break UTF-8 after `begun` impossible, in place; inside a character a text cannot end."""
        mask = self._broken.get(state_of(begun))
        if mask is not None:
            logits_V[: len(mask)].masked_fill_(mask.to(logits_V.device), float("-inf"))
