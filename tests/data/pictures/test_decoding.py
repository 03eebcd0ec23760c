"""The budget is held by counting: what is in flight, never how long it takes."""

import io
import threading
import zipfile

import pytest
from PIL import Image

from aigc_cli.data.pictures.decoding import BUDGET, ByteBudget, decoded
from aigc_cli.data.pictures.deep import Unusable
from aigc_cli.data.pictures.picture import SquareShape, decoded_bytes
from aigc_cli.data.pictures.raw import RawPicture
from aigc_cli.data.pictures.sources import open_source

SHAPE = SquareShape(size=16, mode="RGB", min_side=8, max_pixels=100e6)


def encoded(image, kind="PNG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def small_bomb(number, side=2000):
    """A file of a few hundred bytes whose pixels are a thousand times as many."""
    image = Image.new("1", (side, side))
    image.putpixel((side // 2, number), 1)
    return encoded(image)


@pytest.fixture(params=["folder", "zip"])
def bombs(request, tmp_path):
    members = {f"{number:02}.png": small_bomb(number) for number in range(24)}
    if request.param == "zip":
        with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_STORED) as archive:
            for name, data in members.items():
                archive.writestr(name, data)
        return tmp_path / "x.zip"
    (tmp_path / "x").mkdir()
    for name, data in members.items():
        (tmp_path / "x" / name).write_bytes(data)
    return tmp_path / "x"


def test_many_small_files_with_many_pixels_are_decoded_within_the_budget(bombs):
    data = small_bomb(0)
    one = len(data) + decoded_bytes(data, SHAPE)
    assert one > 1000 * len(data)
    budget = ByteBudget(3 * one + one // 2)
    results = list(decoded(open_source(str(bombs)).pictures(), SHAPE, budget, threads=16))
    assert [raw.name for raw, _ in results] == [f"{number:02}.png" for number in range(24)]
    assert not any(raw.data for raw, _ in results)
    assert 1 < budget.most <= 3
    assert one < budget.peak <= budget.limit
    assert budget.taken == budget.takers == 0


def test_a_picture_above_the_budget_is_decoded_alone():
    large, small = encoded(Image.new("RGB", (900, 900))), encoded(Image.new("RGB", (20, 20)))
    budget = ByteBudget(decoded_bytes(large, SHAPE) // 2)
    beside = []

    def files():
        for number in range(12):
            yield RawPicture(str(number), "", large if number % 4 == 1 else small)
            beside.append((number % 4 == 1, budget.takers, budget.taken))  # the file before has been taken by now

    assert len(list(decoded(files(), SHAPE, budget, threads=8))) == 12
    assert budget.peak == budget.limit
    assert all(takers <= 1 or taken < budget.limit for _, takers, taken in beside)


def test_taking_waits_until_there_is_enough_and_what_is_too_much_takes_all():
    budget = ByteBudget(100)
    assert [budget.take(60), budget.take(40)] == [60, 40]
    third = []
    waiter = threading.Thread(target=lambda: third.append(budget.take(1000)))
    waiter.start()
    budget.give_back(60)
    assert third == []
    budget.give_back(40)
    waiter.join()
    assert (third, budget.taken, budget.peak) == ([100], 100, 100)


def test_what_cannot_be_decoded_gives_its_bytes_back_and_keeps_its_place():
    whole = encoded(Image.effect_noise((64, 64), 50))
    files = [whole, whole[: len(whole) // 2], b"no picture", encoded(Image.new("RGB", (3, 3))), whole]
    budget = ByteBudget(BUDGET)
    pictures = (RawPicture(str(number), "", data) for number, data in enumerate(files))
    results = [
        (raw.name, str(made) if isinstance(made, Unusable) else "") for raw, made in decoded(pictures, SHAPE, budget)
    ]
    assert results == [("0", ""), ("1", "truncated"), ("2", "not a picture"), ("3", "too small"), ("4", "")]
    assert budget.taken == 0


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM"])
def test_what_a_picture_needs_is_known_from_its_header(kind):
    """At least what Pillow keeps of it, and nothing for what is refused unseen."""
    data = encoded(Image.new("RGB", (30, 20)), kind)
    with Image.open(io.BytesIO(data)) as image:
        pixels = {"P": 1}.get(image.mode, 4) * 30 * 20
    assert pixels < decoded_bytes(data, SHAPE) <= 10 * pixels
    assert decoded_bytes(data, SquareShape(16, "RGB", 8, 599)) == 0
    assert decoded_bytes(data[:4], SHAPE) == 0


def test_a_jpeg_needs_what_its_decoder_reduces_it_to_unless_it_is_progressive():
    image = Image.new("RGB", (1600, 1600))
    assert decoded_bytes(encoded(image, "JPEG"), SHAPE) < 1600 * 1600
    assert decoded_bytes(encoded(image, "JPEG", progressive=True), SHAPE) > 6 * 1600 * 1600
