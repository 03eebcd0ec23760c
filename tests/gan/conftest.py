"""Networks so small are slower with more threads; sets so small are drawn from a seed."""

import json

import pytest
import torch

from aigc_cli.core.disk.checkpoint import save_tensors


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """Compute on one thread while the tests of this folder run."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def write_image_set(folder, *, count=24, size=16, channels=3, labels=("dark", "light")):
    """Write a prepared set of noisy flat pictures whose brightness is their label; the last quarter is held out."""
    folder.mkdir()
    random = torch.Generator().manual_seed(7)
    index = torch.arange(count)
    base = 60 + 130 * (index % 2)
    noise = torch.randint(-30, 31, (count, channels, size, size), generator=random)
    tensors = {"pixels": (base[:, None, None, None] + noise).to(torch.uint8), "valid": index >= count * 3 // 4}
    if labels:
        tensors["labels"] = index % len(labels)
    manifest = {"schema": "aigc.manifest/1", "kind": "images", "counts": {}, "hash": "0", "label_names": list(labels)}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    save_tensors(folder / "pixels.safetensors", tensors)
    return folder


@pytest.fixture
def image_set(tmp_path):
    return write_image_set(tmp_path / "set")
