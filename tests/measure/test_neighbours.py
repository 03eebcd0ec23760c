import pytest
import torch

from aigc_cli.core.errors import BadData
from aigc_cli.measure import neighbours
from aigc_cli.measure.neighbours import near_training, nearest, neighbourhood, radii


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


def test_nearest_is_the_smallest_distance_and_zero_for_a_copy():
    points = torch.randn(40, 5, generator=torch.Generator().manual_seed(3))
    others = torch.cat([points[7:9], points[3:4] + 0.25])
    found = nearest(others, points)
    assert found[:2].tolist() == [0, 0]
    assert float(found[2]) == pytest.approx(0.25 * 5**0.5)


def test_blocks_of_rows_do_not_change_the_nearest(monkeypatch):
    random = torch.Generator().manual_seed(0)
    some, others = torch.randn(23, 4, generator=random), torch.randn(17, 4, generator=random)
    whole = nearest(some, others)
    monkeypatch.setattr(neighbours, "ROWS_AT_A_TIME", 5)
    assert torch.equal(nearest(some, others), whole)


def test_copies_are_near_and_new_pictures_are_as_rarely_near_as_held_out_ones():
    train, held_out, new = torch.randn(3, 3000, 3, generator=torch.Generator().manual_seed(0))
    assert near_training(train[:100], held_out, train) == 1
    assert near_training(new, held_out, train) == pytest.approx(0.01, abs=0.006)
    assert near_training(new, held_out, train, quantile=0.5) == pytest.approx(0.5, abs=0.04)
    assert near_training(torch.cat([new, train[:1000]]), held_out, train) == pytest.approx(0.25, abs=0.02)
    assert near_training(new + 100, held_out, train) == 0
