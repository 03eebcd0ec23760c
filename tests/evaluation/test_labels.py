import pytest
import torch

from aigc_cli.core.errors import BadData
from aigc_cli.core.screen.progress import SilentProgress
from aigc_cli.evaluation.labels import label_network, normalised, predict, recognised_labels, train_classifier

NAMES = ("top", "bottom", "middle")


def bars(count, seed, size=32):
    """Noise pictures with a bright bar at the top, at the bottom or in the middle: mirroring keeps the class."""
    generator = torch.Generator().manual_seed(seed)
    pixels = torch.randint(0, 120, (count, 3, size, size), generator=generator, dtype=torch.uint8)
    labels = torch.arange(count) % 3
    for index, label in enumerate(labels.tolist()):
        start = (size // 8, size * 6 // 8, size * 7 // 16)[label]
        pixels[index, :, start : start + size // 8] = 250
    return pixels, labels


def test_a_perfect_generator_is_recognised_and_a_wrong_one_is_not():
    pixels, labels = bars(240, 0)
    is_valid = torch.arange(240) % 7 == 0
    good, asked = bars(60, 1)
    record = recognised_labels((pixels, labels, is_valid), (good, asked), NAMES, seed=0, progress=SilentProgress())
    assert record["classifier_accuracy"] >= 0.95
    assert record["classifier_n_valid"] == 35
    assert record["recognised"] >= 0.95
    assert record["chance"] == pytest.approx(1 / 3)
    assert set(record["per_label"]) == set(NAMES)
    low, high = record["interval"]
    assert low < record["recognised"] <= high
    network = train_classifier(pixels, labels, 3, seed=0, progress=SilentProgress())
    wrong = (asked + 1) % 3
    assert (predict(network, good) == wrong).double().mean() < 0.1


def test_the_seed_decides_the_classifier_and_leaves_the_global_generator_alone():
    pixels, labels = bars(80, 0)
    before = torch.get_rng_state()
    first = train_classifier(pixels, labels, 3, seed=1, progress=SilentProgress())
    again = train_classifier(pixels, labels, 3, seed=1, progress=SilentProgress())
    assert torch.equal(torch.get_rng_state(), before)
    for left, right in zip(first.parameters(), again.parameters(), strict=True):
        assert torch.equal(left, right)
    assert not torch.equal(label_network(3, 1)[0].weight, label_network(3, 2)[0].weight)


def test_other_sizes_and_channels_are_brought_to_the_classifiers():
    grey = torch.full((2, 1, 64, 64), 255, dtype=torch.uint8)
    assert torch.equal(normalised(grey), torch.ones(2, 3, 32, 32))


def test_too_few_held_out_or_labels_are_said():
    pixels, labels = bars(20, 0)
    few, many = torch.zeros(20, dtype=torch.bool), torch.arange(20) % 2 == 0
    with pytest.raises(BadData, match="0 held-out"):
        recognised_labels((pixels, labels, few), (pixels, labels), NAMES, seed=0, progress=SilentProgress())
    with pytest.raises(BadData, match="at least two"):
        recognised_labels((pixels, labels, many), (pixels, labels), ("x",), seed=0, progress=SilentProgress())
