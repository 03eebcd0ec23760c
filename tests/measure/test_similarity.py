import math

import pytest
import torch

from aigc_cli.core.errors import BadData
from aigc_cli.measure.similarity import peak_signal_to_noise, structural_similarity


def noise(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def ssim_by_loops(a, b, data_range):
    """Wang's formula at every window position of one channel, with an explicitly built 2-d Gaussian window."""
    window = [[math.exp(-((i - 5) ** 2 + (j - 5) ** 2) / (2 * 1.5**2)) for j in range(11)] for i in range(11)]
    total = sum(map(sum, window))
    weight = torch.tensor(window, dtype=torch.float64) / total
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    values = []
    for y in range(a.shape[0] - 10):
        for x in range(a.shape[1] - 10):
            p, q = a[y : y + 11, x : x + 11], b[y : y + 11, x : x + 11]
            mp, mq = (weight * p).sum(), (weight * q).sum()
            vp, vq = (weight * (p - mp) ** 2).sum(), (weight * (q - mq) ** 2).sum()
            cov = (weight * (p - mp) * (q - mq)).sum()
            values.append((2 * mp * mq + c1) * (2 * cov + c2) / ((mp**2 + mq**2 + c1) * (vp + vq + c2)))
    return float(torch.stack(values).mean())


def test_ssim_equals_the_definition():
    a, b = noise(1, 2, 13, 14) * 255, noise(1, 2, 13, 14, seed=1) * 255
    expected = sum(ssim_by_loops(a[0, c], b[0, c], 255) for c in range(2)) / 2
    assert structural_similarity(a, b, data_range=255).item() == pytest.approx(expected, rel=1e-9)


def test_ssim_of_flat_pictures_is_the_luminance_term():
    a, b = torch.full((1, 1, 16, 16), 100.0), torch.full((1, 1, 16, 16), 150.0)
    c1 = 2.55**2
    expected = (2 * 100 * 150 + c1) / (100**2 + 150**2 + c1)
    assert structural_similarity(a, b, data_range=255).item() == pytest.approx(expected, rel=1e-9)


def test_ssim_is_one_for_equal_pictures_symmetric_and_scales_with_the_range():
    a, b = noise(3, 3, 20, 20), noise(3, 3, 20, 20, seed=1)
    assert structural_similarity(a, a, data_range=1).tolist() == pytest.approx([1, 1, 1])
    forward = structural_similarity(a, b, data_range=1)
    assert torch.allclose(forward, structural_similarity(b, a, data_range=1))
    assert torch.allclose(forward, structural_similarity(a * 255, b * 255, data_range=255))


def test_psnr_of_a_known_error():
    a = torch.zeros(2, 1, 4, 4)
    b = torch.stack([torch.full((1, 4, 4), 255.0), torch.full((1, 4, 4), 25.5)])
    assert peak_signal_to_noise(a, b, data_range=255).tolist() == pytest.approx([0, 20])
    assert peak_signal_to_noise(a, a, data_range=255).tolist() == [math.inf, math.inf]


def test_ssim_needs_room_for_its_window():
    with pytest.raises(BadData, match="11"):
        structural_similarity(torch.zeros(1, 1, 10, 20), torch.zeros(1, 1, 10, 20), data_range=255)
