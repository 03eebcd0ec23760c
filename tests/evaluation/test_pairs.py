import math

import pytest
from PIL import Image

from aigc_cli.config.evaluate import EvalPairsSettings
from aigc_cli.core.errors import BadData
from aigc_cli.core.screen.progress import SilentProgress
from aigc_cli.evaluation.pairs import compare_pairs


def folder_of(path, **values):
    path.mkdir()
    for name, value in values.items():
        Image.new("RGB", (16, 12), (value,) * 3).save(path / f"{name}.png")
    return path


def compare(a, b, **settings):
    return compare_pairs(a, b, EvalPairsSettings(**settings), SilentProgress())


def test_pairs_are_made_by_name(tmp_path):
    a = folder_of(tmp_path / "a", one=100, two=50, three=7)
    b = folder_of(tmp_path / "b", two=50, one=110, four=9)
    records = compare(a, b, per_pair=True)
    assert [record["file"] for record in records[:-1]] == ["one.png", "two.png"]
    assert records[0]["psnr_db"] == pytest.approx(20 * math.log10(255 / 10))
    assert records[1]["psnr_db"] is None
    assert records[1]["ssim"] == pytest.approx(1)
    summary = records[-1]
    assert summary["schema"] == "aigc.eval.pairs/1"
    assert (summary["n"], summary["unpaired_a"], summary["unpaired_b"], summary["equal_pairs"]) == (2, 1, 1, 1)
    assert summary["psnr_db"] == pytest.approx(20 * math.log10(25.5))
    assert summary["ssim"] == pytest.approx((records[0]["ssim"] + 1) / 2)
    assert summary["data_range"] == 255
    assert compare(a, b) == [summary]


def test_equal_folders_have_no_finite_ratio(tmp_path):
    a = folder_of(tmp_path / "a", one=1, two=2)
    (summary,) = compare(a, a)
    assert (summary["ssim"], summary["psnr_db"], summary["equal_pairs"]) == (pytest.approx(1), None, 2)


def test_folders_without_pairs_are_bad_data(tmp_path):
    a = folder_of(tmp_path / "a", one=1)
    with pytest.raises(BadData, match="no file name in common"):
        compare(a, folder_of(tmp_path / "b", two=1))
    (tmp_path / "c").mkdir()
    Image.new("RGB", (20, 12)).save(tmp_path / "c/one.png")
    with pytest.raises(BadData, match=r"16x12.*20x12"):
        compare(a, tmp_path / "c")
