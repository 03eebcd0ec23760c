from collections import Counter

import numpy as np
import pytest
import torch

from aigc_cli.core.errors import BadData
from aigc_cli.data.tokens import TokenVector
from aigc_cli.gpt.batches import DialogueData, WindowData, ordered, padded, text_windows
from aigc_cli.gpt.decoding.prefix import PrefixStates
from tests.gpt.models import harsh_model


def vector(count, first=0):
    return TokenVector(np.arange(first, first + count, dtype=np.uint16))


SEQUENCES = [([k] * (3 + k), [False, False] + [True] * (1 + k)) for k in range(23)]


def test_each_conversation_is_seen_once_an_epoch_in_a_new_order():
    data = DialogueData(SEQUENCES, batch_size=4, seed=1)
    assert data.batches_per_epoch == 6
    epochs = [[data.batch(step).rows for step in range(6 * e, 6 * e + 6)] for e in range(3)]
    for epoch in epochs:
        assert Counter(row for rows in epoch for row in rows) == Counter(range(23))
    assert len({frozenset(map(frozenset, epoch)) for epoch in epochs}) == 3


def test_a_batch_depends_on_seed_and_step_alone():
    data, again = (DialogueData(SEQUENCES, batch_size=4, seed=1) for _ in range(2))
    for step in (17, 3, 40, 3):
        again.batch(step - 1)
        assert torch.equal(data.batch(step).tokens, again.batch(step).tokens)
    other = DialogueData(SEQUENCES, batch_size=4, seed=2)
    assert [data.batch(step).rows for step in range(6)] != [other.batch(step).rows for step in range(6)]
    windows = WindowData(vector(500), context=16, batch_size=3, seed=1)
    assert torch.equal(windows.batch(5).tokens, WindowData(vector(500), 16, 3, 1).batch(5).tokens)
    assert not torch.equal(windows.batch(5).tokens, windows.batch(6).tokens)


def test_similar_lengths_come_together():
    generator = torch.Generator().manual_seed(0)
    lengths = torch.randint(10, 200, (300,), generator=generator).tolist()
    data = DialogueData([([1] * n, [True] * n) for n in lengths], batch_size=8, seed=0)
    computed = sum(data.batch(step).inputs_BT.numel() for step in range(data.batches_per_epoch))
    assert computed < 1.12 * sum(lengths)


def test_targets_are_the_flagged_tokens_and_no_padding():
    batch = padded([([7, 8, 9, 4], [False, False, True, True]), ([5, 6], [False, True])], [0, 1])
    assert batch.targets().tolist() == [9, 4, 6]
    assert batch.predicts_BT.tolist() == [[False, True, True], [True, False, False]]


def test_parts_keep_every_row_in_order():
    batch = padded(SEQUENCES, range(7))
    for count in (1, 2, 3, 7, 20):
        parts = batch.parts(count)
        assert len(parts) <= count
        assert torch.equal(torch.cat([part.targets() for part in parts]), batch.targets())
        assert sum((part.rows for part in parts), ()) == tuple(range(7))


def test_windows_of_text_predict_every_token_but_the_first_once():
    tokens = list(range(100, 151))
    for context in (7, 10, 50, 80):
        found = torch.cat([batch.targets() for batch in text_windows(tokens, context, 3)])
        assert sorted(found.tolist()) == tokens[1:]


def test_window_data_are_consecutive_tokens_and_need_enough_text():
    batch = WindowData(vector(100, 1000), context=9, batch_size=5, seed=0).batch(0)
    assert batch.inputs_BT.shape == (5, 9)
    assert torch.all(batch.tokens.diff(dim=1) == 1)
    with pytest.raises(BadData):
        WindowData(vector(10), context=9, batch_size=1, seed=0)
    with pytest.raises(BadData):
        DialogueData([], batch_size=1, seed=0)


def test_every_sequence_is_evaluated_once():
    rows = [row for batch in ordered(SEQUENCES, 5) for row in batch.rows]
    assert sorted(rows) == list(range(23))


def test_stored_lower_states_are_what_the_lower_blocks_compute():
    model = harsh_model("llama", layers=3)
    states = PrefixStates(model, SEQUENCES, 2)
    batch = padded(SEQUENCES, [3, 20, 8])
    computed = model.run_blocks(model.embedded(batch.inputs_BT), 0, 2)
    gathered = states.gather(batch)
    for place, row in enumerate(batch.rows):
        length = len(SEQUENCES[row][0]) - 1
        torch.testing.assert_close(gathered[place, :length], computed[place, :length], atol=1e-4, rtol=1e-4)
