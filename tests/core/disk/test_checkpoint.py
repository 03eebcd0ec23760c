import hashlib
import json
import os
import struct

import pytest
import torch
from safetensors.torch import save_file

from aigc_cli.core.disk.checkpoint import load_tensors, read_metadata, save_tensors
from aigc_cli.core.disk.provenance import read_metadata_label
from aigc_cli.core.errors import BadData, CannotCreate, NoInput


def test_round_trip_is_bit_equal(tmp_path):
    path = tmp_path / "a.safetensors"
    tensors = {"x": torch.randn(3, 4).T, "n": torch.tensor(7), "h": torch.randn(5).half()}
    save_tensors(path, tensors, {"who": "me"})
    loaded = load_tensors(path)
    assert loaded.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert torch.equal(loaded[name], tensor)
        assert loaded[name].dtype == tensor.dtype
    assert {"who": "me", "format": "pt"}.items() <= read_metadata(path).items()


def test_the_seal_is_the_hash_of_the_file_with_the_seal_as_zeros(tmp_path):
    path = tmp_path / "a.safetensors"
    save_tensors(path, {"x": torch.arange(9.0)})
    seal = read_metadata(path)["aigc_sha256"]
    assert hashlib.sha256(path.read_bytes().replace(seal.encode(), b"0" * 64)).hexdigest() == seal


@pytest.mark.parametrize(
    ("umask", "private", "mode"), [(0o022, False, 0o644), (0o027, False, 0o640), (0o022, True, 0o600)]
)
def test_a_file_has_the_mode_that_the_umask_leaves_and_a_private_one_0600(tmp_path, umask, private, mode):
    before = os.umask(umask)
    try:
        save_tensors(tmp_path / "a.safetensors", {"x": torch.arange(9.0)}, private=private)
    finally:
        os.umask(before)
    assert (tmp_path / "a.safetensors").stat().st_mode & 0o777 == mode


def test_every_flipped_bit_is_noticed(tmp_path):
    path = tmp_path / "a.safetensors"
    save_tensors(path, {"x": torch.arange(9.0), "y": torch.ones(3, dtype=torch.int8)}, labelled=True)
    whole = path.read_bytes()
    name = whole.index(b"aigc_sha256")  # with another name it is no seal: then the file is one of other tools
    for place in [*range(name), *range(name + len("aigc_sha256"), len(whole))]:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << place % 8
        path.write_bytes(damaged)
        with pytest.raises(BadData):
            load_tensors(path)


def test_files_of_other_tools_need_no_seal(tmp_path):
    save_file({"x": torch.ones(2)}, str(tmp_path / "a.safetensors"))
    assert torch.equal(load_tensors(tmp_path / "a.safetensors")["x"], torch.ones(2))


def test_generated_weights_carry_the_label_whose_id_is_the_seal(tmp_path):
    save_tensors(tmp_path / "plain.safetensors", {"x": torch.ones(2)})
    with pytest.raises(BadData, match="no AI label"):
        read_metadata_label(read_metadata(tmp_path / "plain.safetensors"))
    save_tensors(tmp_path / "a.safetensors", {"x": torch.ones(2)}, labelled=True)
    metadata = read_metadata(tmp_path / "a.safetensors")
    assert read_metadata_label(metadata)["AIGC"]["ProduceID"] == metadata["aigc_sha256"]


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


def test_a_path_that_is_not_utf8_is_said(tmp_path):
    path = tmp_path / "\udcff.safetensors"
    with pytest.raises(CannotCreate, match="not UTF-8"):
        save_tensors(path, {"x": torch.ones(1)})
    try:
        path.write_bytes(b"")
    except OSError:
        pytest.skip("this file system holds UTF-8 names only")
    with pytest.raises(NoInput, match="not UTF-8"):
        load_tensors(path)


def test_pickle_is_not_read(tmp_path):
    path = tmp_path / "a.safetensors"
    torch.save({"x": torch.zeros(2)}, path)
    with pytest.raises(BadData):
        load_tensors(path)
