import json

import pytest
import torch
from PIL import Image

from aigc_cli.core.disk.checkpoint import save_tensors
from aigc_cli.core.errors import BadData, NoInput
from aigc_cli.data.pictures.imageset import open_image_set, open_picture_folder, open_pictures, read_kind

PIXELS = torch.arange(4 * 3 * 8 * 8, dtype=torch.float32).remainder(251).to(torch.uint8).reshape(4, 3, 8, 8)
GOOD = {
    "pixels": PIXELS,
    "labels": torch.tensor([0, 1, 1, 0]),
    "valid": torch.tensor([False, False, True, False]),
}


def make_set(folder, tensors=GOOD, **changes):
    folder.mkdir(exist_ok=True)
    manifest = {"schema": "aigc.manifest/1", "kind": "images", "counts": {}, "hash": "0", "label_names": ["a", "b"]}
    (folder / "manifest.json").write_text(json.dumps(manifest | changes))
    save_tensors(folder / "pixels.safetensors", tensors)
    return folder


def test_a_set_opens_whole(tmp_path):
    opened = open_image_set(make_set(tmp_path / "set"))
    assert (opened.size, opened.channels, opened.label_names) == (8, 3, ("a", "b"))
    assert torch.equal(opened.pixels, PIXELS)
    assert opened.labels.tolist() == [0, 1, 1, 0]
    assert torch.equal(open_pictures(tmp_path / "set"), PIXELS)
    assert read_kind(tmp_path / "set") == "set"


def test_missing_sets_are_no_input(tmp_path):
    with pytest.raises(NoInput):
        open_image_set(tmp_path / "nothing")
    with pytest.raises(NoInput, match=r"manifest\.json"):
        open_image_set(tmp_path)
    make_set(tmp_path / "set")
    (tmp_path / "set/pixels.safetensors").unlink()
    with pytest.raises(NoInput):
        open_image_set(tmp_path / "set")


def test_truncated_tensors_and_other_kinds_are_bad_data(tmp_path):
    path = make_set(tmp_path / "set") / "pixels.safetensors"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(BadData, match="truncated"):
        open_image_set(tmp_path / "set")
    with pytest.raises(BadData, match="set of chat"):
        open_image_set(make_set(tmp_path / "chat", kind="chat"))
    with pytest.raises(BadData, match="format"):
        open_image_set(make_set(tmp_path / "later", schema="aigc.manifest/9"))


@pytest.mark.parametrize(
    "change",
    [
        {"pixels": PIXELS.float()},
        {"pixels": PIXELS[:, :2]},
        {"pixels": PIXELS[:, :, :4]},
        {"pixels": PIXELS[:0]},
        {"labels": torch.tensor([0, 1, 2, 0])},
        {"labels": torch.tensor([0, -1, 1, 0])},
        {"labels": torch.tensor([0, 1])},
        {"labels": torch.tensor([0.0, 1.0, 1.0, 0.0])},
        {"valid": torch.tensor([1, 0, 0, 0])},
        {"valid": None},
        {"labels": None},
    ],
)
def test_tensors_that_do_not_fit_together_are_bad_data(tmp_path, change):
    tensors = {name: tensor for name, tensor in (GOOD | change).items() if tensor is not None}
    with pytest.raises(BadData, match=r"pixels\.safetensors"):
        open_image_set(make_set(tmp_path / "set", tensors))


def test_a_folder_of_pngs_is_sorted_and_takes_labels_from_its_jsonl(tmp_path):
    for name, value in (("b.png", 20), ("a.png", 10)):
        Image.new("RGB", (6, 5), (value, 0, 0)).save(tmp_path / name)
    records = [{"file": "a.png", "label": "sad"}, {"file": "b.png", "label": None}, {"text": "no file"}]
    (tmp_path / "samples.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    folder = open_picture_folder(tmp_path)
    assert folder.names == ("a.png", "b.png")
    assert folder.labels == ("sad", None)
    assert folder.pixels.shape == (2, 3, 5, 6)
    assert folder.pixels[:, 0, 0, 0].tolist() == [10, 20]
    assert read_kind(tmp_path) == "folder"


def test_folders_that_cannot_be_one_tensor_are_bad_data(tmp_path):
    with pytest.raises(NoInput, match="no pictures"):
        open_picture_folder(tmp_path)
    Image.new("RGB", (6, 6)).save(tmp_path / "a.png")
    Image.new("L", (6, 6)).save(tmp_path / "b.png")
    with pytest.raises(BadData, match=r"differ.*b\.png"):
        open_picture_folder(tmp_path)
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes()[:40])
    with pytest.raises(BadData, match=r"b\.png"):
        open_picture_folder(tmp_path)
    with pytest.raises(NoInput, match="not a folder"):
        open_picture_folder(tmp_path / "a.png")
