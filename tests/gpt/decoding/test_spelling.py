"""What is ruled out is exactly what Python's decoder refuses, after every beginning of a character that there is."""

import torch

from aigc_cli.gpt.decoding.spelling import Spelling, state_of
from tests.gpt.models import spelt, tokenizer


def beginnings():
    """Return the proper beginnings of characters from every row of RFC 3629's table."""
    letters = ["é", "\u0800", "中", "\ud7ff", "\ue000", "\U00010000", "😂", "\U000fffff", "\U0010ffff"]
    return {letter.encode()[:size] for letter in letters for size in range(len(letter.encode()))}


def test_the_allowed_tokens_are_those_that_a_decoder_takes():
    made = tokenizer()
    spelling = Spelling(made)
    single = {made.token_bytes(token): token for token in range(made.size)}
    for begun in beginnings():
        logits = torch.zeros(made.size + 5)
        spelling.rule_out(logits, begun)
        allowed = [token for token in range(made.size) if not torch.isinf(logits[token])]
        assert allowed == spelt(made, [single[bytes([byte])] for byte in begun]), begun
        assert not torch.isinf(logits[made.size :]).any()


def test_beginnings_that_want_the_same_share_a_state():
    assert state_of("中".encode()[:2]) == state_of("é".encode()[:1])
    assert state_of("中".encode()[:1]) == state_of("😂".encode()[:2])
    assert state_of("\u0800".encode()[:1]) != state_of("中".encode()[:1])
