import json
import struct

import pytest
import torch

from aigc_cli.core.checkpoint import load_tensors, read_metadata, save_tensors
from aigc_cli.core.errors import BadData, NoInput


def test_round_trip_is_bit_equal(tmp_path):
    path = tmp_path / "a.safetensors"
    tensors = {"x": torch.randn(3, 4).T, "n": torch.tensor(7), "h": torch.randn(5).half()}
    save_tensors(path, tensors, {"who": "me"})
    loaded = load_tensors(path)
    assert loaded.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert torch.equal(loaded[name], tensor)
        assert loaded[name].dtype == tensor.dtype
    assert read_metadata(path) == {"who": "me"}


@pytest.mark.parametrize("keep", [0, 4, 20, -1])
def test_truncated_file_is_bad_data(tmp_path, keep):
    path = tmp_path / "a.safetensors"
    save_tensors(path, {"x": torch.zeros(100)})
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(BadData, match=r"a\.safetensors"):
        load_tensors(path)
    with pytest.raises(BadData):
        read_metadata(path)


def test_header_that_lies_is_bad_data(tmp_path):
    path = tmp_path / "a.safetensors"
    header = json.dumps({"x": {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 4 << 40]}}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + b"\0" * 16)
    with pytest.raises(BadData):
        load_tensors(path)
    path.write_bytes(struct.pack("<Q", 1 << 60) + b"{}")
    with pytest.raises(BadData):
        load_tensors(path)


def test_missing_file_is_no_input(tmp_path):
    with pytest.raises(NoInput):
        load_tensors(tmp_path / "none")


def test_pickle_is_not_read(tmp_path):
    path = tmp_path / "a.safetensors"
    torch.save({"x": torch.zeros(2)}, path)
    with pytest.raises(BadData):
        load_tensors(path)
