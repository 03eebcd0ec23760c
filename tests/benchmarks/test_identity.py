"""What the second space for photographs counts: closed forms of its network, of pairs, persons and halves."""

import importlib
import json
from pathlib import Path

import pytest
import torch

from aigc_cli.core.disk.checkpoint import save_tensors
from aigc_cli.core.disk.files import sha256_bytes
from tests.gan.conftest import write_image_set

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
CHANNELS = {"conv32": 32, "conv64": 64, "conv128": 128, "conv256": 256}


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module


def write_recogniser(script, monkeypatch, folder):
    """Write weights of the real shapes: zero but for the first layer, which sees brightness, and the head."""
    api = script("face_api")
    shapes = {"conv32_down": (7, 3, 32)}
    here = 32
    for block in api.BLOCKS:
        before, here = here, CHANNELS[block.split("_")[0]]
        shapes |= {f"{block}/conv1": (3, before, here), f"{block}/conv2": (3, here, here)}
    entries, data = [], b""

    def add(name, value, packed):
        nonlocal data
        entry = {"name": name, "shape": list(value.shape), "dtype": "float32"}
        if packed:
            value, entry["quantization"] = value.to(torch.uint8), {"dtype": "uint8", "scale": 1.0, "min": 0.0}
        data += value.numpy().tobytes()
        entries.append(entry)

    for name, (kernel, before, after) in shapes.items():
        filters = torch.zeros(kernel, kernel, before, after)
        if name == "conv32_down":
            filters[3, 3, :, 0] = 1.0  # the middle of what it sees: red + green + blue
        add(f"{name}/conv/filters", filters, packed=name != "conv64_down/conv1")
        add(f"{name}/conv/bias", torch.zeros(after), packed=True)
        add(f"{name}/scale/weights", torch.full((after,), 2.0), packed=True)
        add(f"{name}/scale/biases", torch.full((after,), 5.0 if name == "conv32_down" else 0.0), packed=True)
    add("fc", torch.cat([torch.ones(1, 128), torch.zeros(255, 128)]), packed=True)
    model = folder / "model"
    model.mkdir(parents=True)
    (model / f"{api.RECOGNITION}-weights_manifest.json").write_text(json.dumps([{"weights": entries}]))
    (model / f"{api.RECOGNITION}.bin").write_bytes(data)
    monkeypatch.setitem(api.SHA256, api.RECOGNITION, sha256_bytes(data))
    return folder


def test_a_network_whose_blocks_add_nothing_passes_on_what_its_first_layer_sees(script, monkeypatch, tmp_path):
    api = script("face_api")
    recogniser = api.load_recogniser(write_recogniser(script, monkeypatch, tmp_path))
    flat = torch.tensor([0, 100, 255], dtype=torch.uint8)[:, None, None, None].expand(-1, 3, 150, 150)
    brightness = (3 * flat[:, 0, 0, 0].float() - sum(api.MEAN)) / 255
    found = recogniser.embed(flat)
    assert torch.allclose(found, (2 * brightness + 5).clamp(min=0)[:, None].expand(-1, 128), atol=1e-4)
    assert torch.allclose(found, recogniser.embed(flat[:, :, :64, :64]), atol=1e-4)  # any size is brought to 150


def test_weights_that_are_missing_or_others_are_refused(script, monkeypatch, tmp_path):
    api = script("face_api")
    folder = write_recogniser(script, monkeypatch, tmp_path)
    with pytest.raises(SystemExit, match="not there"):
        api.read_weights(tmp_path / "elsewhere", api.RECOGNITION)
    path = folder / "model" / f"{api.RECOGNITION}.bin"
    path.write_bytes(b"\x01" + path.read_bytes()[1:])
    with pytest.raises(SystemExit, match="not the weights"):
        api.read_weights(folder, api.RECOGNITION)


def test_packed_weights_are_scaled_and_plain_ones_stay(script):
    entries = [
        {"name": "plain", "shape": [2, 1], "dtype": "float32"},
        {"name": "packed", "shape": [3], "dtype": "float32", "quantization": {"scale": 0.5, "min": -1.0}},
    ]
    data = torch.tensor([1.5, -2.0]).numpy().tobytes() + bytes([0, 2, 255])
    found = script("face_api").unpacked([{"weights": entries}], data)
    assert found["plain"].tolist() == [[1.5], [-2.0]]
    assert found["packed"].tolist() == [-1.0, 0.0, 126.5]
    with pytest.raises(SystemExit, match="14 bytes of weights where the manifest names 11"):
        script("face_api").unpacked([{"weights": entries}], data + b"abc")


def test_a_crop_is_centred_on_its_box_and_stays_in_the_picture(script):
    box, cropped = script("face_api").Box, script("face_crops").cropped
    picture = torch.arange(20 * 30).reshape(1, 20, 30)
    assert cropped(picture, box(10, 6, 8, 6, 1.0), 0.25)[0, :, 0].tolist() == [30 * row + 8 for row in range(3, 15)]
    at_the_edge = cropped(picture, box(26, 16, 8, 8, 1.0), 0.0)
    assert (at_the_edge[0, -1, -1], at_the_edge.shape) == (20 * 30 - 1, (1, 8, 8))
    assert cropped(picture, box(0, 0, 40, 40, 1.0), 0.0).shape == (1, 20, 20)


def test_persons_on_a_line_are_told_apart_as_far_as_they_are(script):
    persons = ["a", "a", "b", "b"]
    apart = torch.tensor([[0.0], [1.0], [5.0], [6.0]])
    found = script("face_identity").told_apart(apart, persons)
    assert (found["auc"], found["identified"]) == (1.0, 1.0)
    assert (found["same_person"], found["different_persons"]) == (1.0, 5.0)
    mixed = torch.tensor([[0.0], [5.0], [1.0], [6.0]])  # same: 5, 5; different: 1, 6, 4, 1
    found = script("face_identity").told_apart(mixed, persons)
    assert (found["auc"], found["identified"]) == (0.25, 0.0)


def test_a_person_is_met_by_samples_that_are_nearest_to_their_pictures_and_near_enough(script):
    real, persons = torch.tensor([[0.0], [10.0], [11.0], [30.0]]), ["a", "b", "b", "c"]
    samples = torch.tensor([[0.4], [10.6], [10.4], [12.5], [28.0]])
    found = script("face_identity").met(samples, real, persons, limit=1.0)
    assert found == {"met": 2, "of": 3, "share": 0.6, "samples": {"a": 1, "b": 2}}


def test_samples_of_the_same_kind_reach_the_floor_and_fewer_kinds_do_not(script):
    random = torch.Generator().manual_seed(0)
    real, alike = torch.randn(2, 200, 4, generator=random)
    found = script("face_identity").agreement(real, alike)
    assert found["n"] == 100
    assert found["distance"] == pytest.approx(found["distance_floor"], rel=0.5)
    assert found["recall"] == pytest.approx(found["recall_floor"], abs=0.1)
    narrow = script("face_identity").agreement(real, 0.1 * alike)
    assert narrow["distance"] > 5 * narrow["distance_floor"]
    assert narrow["precision"] > 0.95 > 0.2 > narrow["recall"]
    assert narrow["spread"] < 0.02 < 0.9 < narrow["spread_floor"]


def test_the_face_benchmark_shows_the_second_space_beside_the_first(script, monkeypatch, tmp_path):
    folder = write_recogniser(script, monkeypatch, tmp_path / "package")
    data = write_image_set(tmp_path / "set", count=40)
    names = [{"source": f"subject{row % 2:02d}.{row}.png"} for row in range(40)]  # the dark one and the light one
    (data / "images.jsonl").write_text("".join(json.dumps(name) + "\n" for name in names))
    judge = script("face_identity").judge_of(folder, data)
    assert judge.faces["auc"] == judge.faces["identified"] == 1.0
    faces = script("gan_faces")
    images = faces.open_image_set(data)
    light = images.pixels[1::2]
    save_tensors(tmp_path / "kept.safetensors", {"pixels": light})
    references = faces.references_of(images, images.pixels)
    row = faces.judged({"samples": str(tmp_path / "kept.safetensors")}, images, light, references, None, judge)
    assert row["identity"]["persons"] == {"met": 1, "of": 2, "share": 1.0, "samples": {"subject01": 20}}
    head, _, line = (faces.table([row])).splitlines()
    columns = dict(zip(head.split(" | "), line.split(" | "), strict=True))
    assert columns["identity_n"] == "20"
    assert "1 of 2" in line
