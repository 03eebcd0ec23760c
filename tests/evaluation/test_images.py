import json

import numpy as np
import pytest
import torch
from PIL import Image

from aigc_cli.config.evaluate import EvalImagesSettings
from aigc_cli.core.disk.checkpoint import save_tensors
from aigc_cli.core.errors import BadData, NoInput, UsageProblem
from aigc_cli.core.screen.progress import SilentProgress
from aigc_cli.evaluation.images import compare_sets, open_side
from aigc_cli.measure.features import extract, load_extractor
from aigc_cli.measure.frechet import frechet_distance, gaussian

SETTINGS = {"extractor": "random_conv", "bootstrap": 4, "kid_subsets": 3, "kid_subset_size": 20, "device": "cpu"}
NAMES = ["dark", "light"]


def pictures(count, seed):
    """Smooth random colour fields, dark and light in turn."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 100, (count, 4, 4, 3)) + (np.arange(count) % 2 * 140)[:, None, None, None]
    return torch.from_numpy(coarse.repeat(4, 1).repeat(4, 2).astype(np.uint8)).permute(0, 3, 1, 2)


def make_set(folder, pixels, labels=True):
    folder.mkdir()
    count = len(pixels)
    manifest = {"schema": "aigc.manifest/1", "kind": "images", "counts": {}, "hash": "0"}
    manifest |= {"subject": "Ada", "consent": "self"}
    (folder / "manifest.json").write_text(json.dumps(manifest | {"label_names": NAMES if labels else []}))
    tensors = {"pixels": pixels, "valid": torch.arange(count) % 4 == 3}
    save_tensors(folder / "pixels.safetensors", tensors | ({"labels": torch.arange(count) % 2} if labels else {}))
    return folder


def make_samples(folder, pixels, label_of=lambda index: NAMES[index % 2]):
    folder.mkdir()
    lines = []
    for index, picture in enumerate(pixels):
        Image.fromarray(picture.permute(1, 2, 0).numpy()).save(folder / f"{index:03}.png")
        lines.append(json.dumps({"schema": "aigc.sample/1", "file": f"{index:03}.png", "label": label_of(index)}))
    (folder / "samples.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def compare(real, generated, **settings):
    return compare_sets(real, generated, EvalImagesSettings(**(SETTINGS | settings)), SilentProgress())


@pytest.fixture
def real(tmp_path):
    return make_set(tmp_path / "real", pictures(60, 0))


def test_the_record_says_everything_that_a_number_needs(real, tmp_path):
    record = compare(real, make_samples(tmp_path / "fake", pictures(40, 1)), labels=False)
    assert record["schema"] == "aigc.eval.images/1"
    assert (record["n_real"], record["n_generated"], record["split"]) == (60, 40, "all")
    assert record["comparable_to_published_fid"] is False
    assert (record["subject"], record["consent"]) == ("Ada", "self")
    assert set(record["extractor"]) == {"name", "sha256", "dimension", "resize"}
    names = {
        f"{name}[random_conv]" for name in ("frechet", "kid", "precision", "recall", "density", "coverage", "spread")
    }
    assert set(record["metrics"]) == set(record["floor"]) == set(record["intervals"]) == names
    assert record["floor_n"] == 30
    for name, (low, high) in record["intervals"].items():
        assert low <= record["metrics"][name] <= high
    json.dumps(record, allow_nan=False)


def test_the_distance_is_that_of_the_features(real, tmp_path):
    fake = make_samples(tmp_path / "fake", pictures(40, 1))
    extractor = load_extractor("random_conv")
    a, b = (gaussian(extract(extractor, pictures(n, s))) for n, s in ((60, 0), (40, 1)))
    record = compare(real, fake, labels=False, bootstrap=0)
    assert record["metrics"]["frechet[random_conv]"] == pytest.approx(frechet_distance(a, b), rel=1e-4)
    assert record["intervals"] == {}


def test_worse_pictures_score_worse_on_every_metric(real, tmp_path):
    good = compare(real, make_samples(tmp_path / "good", pictures(40, 1)), labels=False)["metrics"]
    noise = torch.randint(0, 256, (40, 3, 16, 16), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    bad = compare(real, make_samples(tmp_path / "bad", noise), labels=False)["metrics"]
    for name in ("frechet", "kid"):
        assert bad[f"{name}[random_conv]"] > 3 * max(good[f"{name}[random_conv]"], 0)
    for name in ("precision", "recall", "density", "coverage"):
        assert bad[f"{name}[random_conv]"] < good[f"{name}[random_conv]"]
    flat = compare(real, make_samples(tmp_path / "flat", pictures(40, 1)[:1].expand(40, -1, -1, -1)), labels=False)
    assert flat["metrics"]["spread[random_conv]"] == pytest.approx(0, abs=1e-6)


def test_splits_and_limits_choose_real_pictures(real, tmp_path):
    fake = make_samples(tmp_path / "fake", pictures(40, 1))
    assert compare(real, fake, labels=False, split="valid")["n_real"] == 15
    assert compare(real, fake, labels=False, split="train")["n_real"] == 45
    record = compare(real, fake, labels=False, max_images=20)
    assert (record["n_real"], record["n_generated"]) == (20, 20)
    assert compare(real, fake, labels=False, max_images=20) == record


def test_asked_labels_are_recognised_when_shown_and_not_when_swapped(tmp_path):
    real = make_set(tmp_path / "real", pictures(160, 0))
    good = make_samples(tmp_path / "good", pictures(40, 1))
    labels = compare(real, good)["labels"]
    assert labels["recognised"] >= 0.9
    assert labels["n"] == 40
    swapped = make_samples(tmp_path / "swapped", pictures(40, 1), label_of=lambda index: NAMES[(index + 1) % 2])
    assert compare(real, swapped)["labels"]["recognised"] <= 0.1


def test_sets_without_labels_are_compared_without_them(real, tmp_path):
    plain = make_set(tmp_path / "plain", pictures(40, 2), labels=False)
    assert "labels" not in compare(real, plain)
    assert open_side(plain).label_names == ()


def test_foreign_labels_and_tiny_sets_are_bad_data(real, tmp_path):
    with pytest.raises(BadData, match="'odd'"):
        compare(real, make_samples(tmp_path / "odd", pictures(10, 1), label_of=lambda index: "odd"))
    tiny = make_samples(tmp_path / "tiny", pictures(6, 1))
    with pytest.raises(BadData, match="3 nearest"):
        compare(real, make_samples(tmp_path / "three", pictures(3, 1)), labels=False)
    with pytest.raises(BadData, match="too few"):
        compare(tiny, tiny, labels=False)


def test_an_extractor_is_known_before_anything_is_read(tmp_path):
    with pytest.raises(UsageProblem, match="inception"):
        compare(tmp_path / "a", tmp_path / "b", extractor="inception")
    with pytest.raises(NoInput):
        compare(tmp_path / "a", tmp_path / "b")
