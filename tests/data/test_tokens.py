import json

import numpy as np
import pytest
import torch

from aigc_cli.core.disk.checkpoint import save_tensors
from aigc_cli.core.errors import BadData, NoInput
from aigc_cli.data.tokens import TokenShards, TokenVector, smallest_type


def shards(folder, pieces):
    """Write vectors as shards and return their paths."""
    paths = [folder / f"{number}.safetensors" for number in range(len(pieces))]
    for path, piece in zip(paths, pieces, strict=True):
        save_tensors(path, {"tokens": torch.from_numpy(piece)})
    return paths


@pytest.mark.parametrize("kind", [np.uint16, np.uint32])
def test_shards_read_as_the_vector_that_they_are_parts_of(tmp_path, kind):
    whole = np.arange(100, dtype=kind) + np.iinfo(kind).max - 100
    made = TokenShards(shards(tmp_path, np.split(whole, [0, 3, 40, 41, 41, 90])))
    assert len(made) == 100
    for length in (1, 2, 17, 60, 100):
        starts = range(100 - length + 1)
        expected = np.stack([whole[start : start + length] for start in starts])
        assert np.array_equal(made.read(starts, length), expected)
        assert np.array_equal(TokenVector(whole).read(starts, length), expected)
        assert made.read(starts, length).dtype == np.int64


def test_ids_take_two_bytes_where_they_can():
    assert [smallest_type(size).itemsize for size in (300, 65536, 65537)] == [2, 2, 4]


def test_a_damaged_shard_names_itself_and_the_way_out(tmp_path):
    (path,) = shards(tmp_path, [np.arange(50, dtype=np.uint16)])
    whole = path.read_bytes()
    other = json.dumps({"tokens": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}}).encode()
    damages = [whole[:-1], whole[:20], b"", b"\xff" * 64, len(other).to_bytes(8, "little") + other]
    for damaged in damages:
        path.write_bytes(damaged)
        with pytest.raises(BadData, match=r"0\.safetensors: not a whole file of tokens \(delete it"):
            TokenShards([path])
    path.unlink()
    with pytest.raises(NoInput):
        TokenShards([path])


def test_more_shards_are_read_than_are_mapped_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr("aigc_cli.data.tokens.MAPPED_FILES", 2)
    whole = np.arange(30, dtype=np.uint16)
    made = TokenShards(shards(tmp_path, np.split(whole, 10)))
    for _ in range(2):
        assert np.array_equal(made.read([0, 26, 8], 4), [[0, 1, 2, 3], [26, 27, 28, 29], [8, 9, 10, 11]])
