import pytest
import torch

from aigc_cli.core.errors import BadData
from aigc_cli.measure import neighbours
from aigc_cli.measure.neighbours import neighbourhood, radii


def column(*values):
    return torch.tensor(values, dtype=torch.float64)[:, None]


def test_radius_is_the_distance_to_the_kth_other_member():
    points = column(0, 1, 3, 7)
    assert radii(points, 1).tolist() == [1, 1, 2, 4]
    assert radii(points, 2).tolist() == [3, 2, 3, 6]
    assert radii(column(5, 5, 5), 1).tolist() == [0, 0, 0]


def test_hand_worked_line():
    real, generated = column(0, 1, 2, 10), column(0.5, 1.5, 30, 31)
    found = neighbourhood(real, generated, k=1)
    # real balls reach 1, 1, 1 and 8; generated balls 1, 1, 1 and 1
    assert found.is_realistic_M.tolist() == [True, True, False, False]
    assert found.density_M.tolist() == [2, 2, 0, 0]
    assert found.is_recalled_N.tolist() == [True, True, True, False]
    assert found.is_covered_N.tolist() == [True, True, True, False]


def test_an_outlier_inflates_precision_but_not_density():
    real, generated = column(0, 1, 2, 100), column(50, 60, 70)
    found = neighbourhood(real, generated, k=1)
    assert found.is_realistic_M.all()
    assert found.density_M.tolist() == [1, 1, 1]
    assert found.is_covered_N.tolist() == [False, False, False, True]


def test_blocks_of_rows_do_not_change_the_result(monkeypatch):
    generator = torch.Generator().manual_seed(0)
    real, generated = torch.randn(23, 4, generator=generator), torch.randn(17, 4, generator=generator) * 1.3
    whole = neighbourhood(real, generated)
    monkeypatch.setattr(neighbours, "ROWS_AT_A_TIME", 5)
    blocks = neighbourhood(real, generated)
    for name in ("is_realistic_M", "is_recalled_N", "density_M", "is_covered_N"):
        assert torch.equal(getattr(whole, name), getattr(blocks, name))


def test_a_set_against_itself_is_perfect():
    points = torch.randn(30, 6, generator=torch.Generator().manual_seed(0))
    found = neighbourhood(points, points)
    assert found.is_realistic_M.all()
    assert found.is_recalled_N.all()
    assert found.is_covered_N.all()


def test_too_few_pictures():
    with pytest.raises(BadData, match="3 nearest"):
        neighbourhood(column(0, 1, 2), column(0, 1, 2, 3), k=3)
