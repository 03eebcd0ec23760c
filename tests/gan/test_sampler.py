"""Item i is the same picture whatever else is asked for; truncation and labels do what they say."""

import json

import pytest
import torch

from aigc_cli.core.disk.checkpoint import save_tensors
from aigc_cli.core.errors import BadData, NoInput
from aigc_cli.gan.architectures.networks import make_generator
from aigc_cli.gan.pixels import to_uint8
from aigc_cli.gan.sampler import load_generator


@pytest.fixture
def run(tmp_path):
    return write_face_run(tmp_path / "run")


def write_face_run(folder, *, arch="style", names=("smile", "sad")):
    folder.mkdir()
    config = {"arch": arch, "size": 16, "channels": 3, "label_names": list(names), "z_dim": 8, "width": 0.25}
    torch.manual_seed(0)
    save_tensors(folder / "generator.safetensors", make_generator(config).state_dict())
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "aigc.json").write_text(json.dumps({"schema": "aigc.run/1", "kind": "face"}))
    return folder


def test_item_is_the_same_alone_in_a_range_and_out_of_order(run):
    sampler = load_generator(run, batch_size=8)
    all_labels = [index % 2 for index in range(20)]
    whole = sampler.pictures(range(20), 5, all_labels)
    for index in (0, 7, 8, 19):
        assert torch.equal(sampler.pictures([index], 5, [all_labels[index]])[0], whole[index])
    shuffled = [13, 2, 9, 0]
    assert torch.equal(sampler.pictures(shuffled, 5, [all_labels[i] for i in shuffled]), whole[shuffled])
    assert torch.equal(load_generator(run, batch_size=8).pictures([13], 5, [1])[0], whole[13])


def test_batch_sizes_agree_within_a_level(run):
    small, large = (load_generator(run, batch_size=size).pictures(range(10), 1, [0] * 10) for size in (4, 32))
    assert (small.int() - large.int()).abs().max() <= 1


def test_seeds_indices_and_labels_give_different_pictures(run):
    sampler = load_generator(run)
    picture = sampler.pictures([3], 1, [0])
    assert picture.shape == (1, 3, 16, 16) and picture.dtype == torch.uint8
    for other in (sampler.pictures([3], 2, [0]), sampler.pictures([4], 1, [0]), sampler.pictures([3], 1, [1])):
        assert not torch.equal(picture, other)


def test_pictures_are_those_of_the_generator(run):
    sampler = load_generator(run, batch_size=4)
    generator = make_generator(json.loads((run / "config.json").read_text()))
    from aigc_cli.core.disk.checkpoint import load_tensors

    generator.load_state_dict(load_tensors(run / "generator.safetensors"))
    with torch.no_grad():
        expected = to_uint8(generator(sampler.latents(range(4), 9), torch.tensor([1, 0, 0, 1])))
    assert (sampler.pictures(range(4), 9, [1, 0, 0, 1]).int() - expected.int()).abs().max() <= 1


def test_truncation_pulls_towards_the_label_s_mean(run):
    sampler = load_generator(run)
    latents, labels = sampler.latents(range(8), 0), torch.tensor([0, 1] * 4)
    full, half, none = (sampler.draw(latents, labels, truncation).float() for truncation in (1.0, 0.5, 0.0))
    assert torch.equal(none[0], none[2]) and torch.equal(none[1], none[3])
    assert not torch.equal(none[0], none[1])
    assert (half - none).abs().mean() < (full - none).abs().mean()


def test_truncation_without_a_style_space_scales_the_latent(tmp_path):
    sampler = load_generator(write_face_run(tmp_path / "mlp", arch="mlp", names=()))
    latents = sampler.latents(range(3), 0)
    assert torch.equal(sampler.draw(latents, None, 0.5), sampler.draw(latents / 2))
    assert len(sampler.pictures(range(3), 0).unique(dim=0)) == 3


def test_what_is_missing_damaged_or_of_another_kind(run, tmp_path):
    with pytest.raises(NoInput):
        load_generator(tmp_path / "nothing")
    config = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps(config | {"width": 0.5}))
    with pytest.raises(BadData, match="do not fit"):
        load_generator(run)
    (run / "config.json").write_text(json.dumps(config | {"arch": "unheard-of"}))
    with pytest.raises(BadData):
        load_generator(run)
    (run / "config.json").write_text(json.dumps(config))
    weights = run / "generator.safetensors"
    weights.write_bytes(weights.read_bytes()[:-10])
    with pytest.raises(BadData, match="truncated"):
        load_generator(run)
    weights.unlink()
    with pytest.raises(NoInput, match="no weights yet"):
        load_generator(run)
    (run / "aigc.json").write_text(json.dumps({"schema": "aigc.run/1", "kind": "text"}))
    with pytest.raises(BadData, match="text run"):
        load_generator(run)
