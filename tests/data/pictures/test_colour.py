"""Colours by their profiles: LittleCMS is the reference for the curves, and closed forms for both."""

import io
import struct
import zlib
from itertools import product

import numpy as np
import pytest
from PIL import Image, ImageCms

from aigc_cli.data.pictures.colour import CONVERTED, IGNORED, colour_grid, to_srgb
from aigc_cli.data.pictures.curves import deep_to_srgb, read_curves
from aigc_cli.data.pictures.deep import encode_png_16
from aigc_cli.data.pictures.picture import SquareShape, decode_png, square_picture
from tests.data.pictures.profiles import (
    ADOBE,
    P3,
    SRGB,
    SRGB_CURVE,
    fixed,
    gamma,
    grey_profile,
    icc_profile,
    matrix,
    parametric,
    rgb_profile,
    sampled,
)

AS_IT_IS = SquareShape(size=16, mode="auto", min_side=8, max_pixels=1e6)
SKIN = np.array([0.78, 0.45, 0.31])  # in sRGB
DISPLAY_P3, ADOBE_RGB = rgb_profile(P3), rgb_profile(ADOBE, gamma(2.2))
STEPS = np.linspace(0, 1, 1024)
CURVES = {
    "gamma": gamma(1.8),
    "identity": b"curv\0\0\0\0\0\0\0\0",
    "samples": sampled(STEPS**2.2),
    "para 0": parametric(0, 2.2),
    "para 1": parametric(1, 2.4, 1.1, -0.1),
    "para 2": parametric(2, 2.4, 1.1, -0.1, 0),
    "para 3": SRGB_CURVE,
    "para 4": parametric(4, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045, 0, 0),
}


def light_of(srgb):
    srgb = np.asarray(srgb, float)
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def in_p3(srgb):
    """The numbers in Display P3 of a colour in sRGB: the same light, other primaries, sRGB's curve."""
    light = np.linalg.solve(matrix(P3), matrix(SRGB) @ light_of(srgb))
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def in_adobe(srgb):
    return np.linalg.solve(matrix(ADOBE), matrix(SRGB) @ light_of(srgb)) ** (1 / 2.2)


def levels(colour):
    return tuple(round(value * 255) for value in colour)


def file_of(image, kind, profile):
    buffer = io.BytesIO()
    image.save(buffer, kind, icc_profile=profile, **({"quality": 95} if kind in ("JPEG", "WEBP") else {}))
    return buffer.getvalue()


def middle(square, channels=3):
    return np.frombuffer(square.pixels, np.uint8 if square.depth == 8 else np.uint16).reshape(16, 16, channels)[8, 8]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP"])
@pytest.mark.parametrize(("profile", "numbers"), [(DISPLAY_P3, in_p3), (ADOBE_RGB, in_adobe)])
def test_colours_are_what_their_profile_means(kind, profile, numbers):
    data = file_of(Image.new("RGB", (48, 40), levels(numbers(SKIN))), kind, profile)
    square = square_picture(data, AS_IT_IS)
    assert np.abs(middle(square).astype(int) - levels(SKIN)).max() <= 2
    assert (square.mode, square.depth, square.profile) == ("RGB", 8, CONVERTED)
    assert square_picture(data, SquareShape(16, "RGB", 8, 1e6)) == square
    grey = square_picture(data, SquareShape(16, "L", 8, 1e6))
    assert abs(int(grey.pixels[0]) - int(SKIN @ (0.299, 0.587, 0.114) * 255)) <= 2
    seen = np.frombuffer(decode_png(data)[0], np.uint8).reshape(40, 48, 3)
    assert np.abs(seen[20, 20].astype(int) - levels(SKIN)).max() <= 2


def test_a_profile_with_green_and_blue_exchanged_exchanges_them():
    data = file_of(Image.new("RGB", (20, 20), (200, 60, 110)), "PNG", rgb_profile(SRGB, order=(0, 2, 1)))
    assert np.abs(middle(square_picture(data, AS_IT_IS)).astype(int) - (200, 110, 60)).max() <= 1


def test_a_profile_of_srgb_itself_changes_no_pixel():
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8))
    for profile in (rgb_profile(SRGB), ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()):
        square = square_picture(file_of(noise, "PNG", profile), AS_IT_IS)
        assert (square.pixels, square.profile) == (noise.tobytes(), "")


def test_transparency_and_palettes_keep_theirs():
    clear = Image.new("RGBA", (20, 20), (*levels(in_p3(SKIN)), 100))
    square = square_picture(file_of(clear, "PNG", DISPLAY_P3), AS_IT_IS)
    assert (square.mode, square.profile) == ("RGBA", CONVERTED)
    assert (
        np.abs(middle(square, 4).astype(int) - (*levels(SKIN), 100)).max() <= 3
    )  # Pillow resizes what is premultiplied
    over_white = middle(square_picture(file_of(clear, "PNG", DISPLAY_P3), SquareShape(16, "RGB", 8, 1e6)))
    assert np.abs(over_white - (SKIN * 255 * 100 + 255 * 155) / 255).max() <= 2
    palette = Image.new("P", (20, 20), 0)
    palette.putpalette(list(levels(in_p3(SKIN))))
    assert np.abs(middle(square_picture(file_of(palette, "PNG", DISPLAY_P3), AS_IT_IS)) - SKIN * 255).max() <= 2


def test_grey_is_converted_by_a_profile_of_grey_and_stays_grey():
    linear = grey_profile(gamma(1.0))
    for mode, kind in (("L", "PNG"), ("L", "JPEG"), ("LA", "PNG")):
        image = Image.new("L", (20, 20), 55)
        square = square_picture(file_of(image.convert(mode), kind, linear), AS_IT_IS)
        assert (square.mode, square.profile) == ("L", CONVERTED)
        assert abs(square.pixels[0] - 128) <= 1  # light of 55/255 is sRGB's 128
    by_rgb = square_picture(file_of(image, "PNG", rgb_profile(SRGB, gamma(1.0))), AS_IT_IS)
    assert (by_rgb.mode, by_rgb.profile) == ("L", CONVERTED)
    assert abs(by_rgb.pixels[0] - 128) <= 1


def test_profiles_that_are_damaged_or_another_kind_of_picture_s_are_ignored_and_said():
    colour, cmyk = Image.new("RGB", (20, 20), (200, 60, 110)), Image.new("CMYK", (20, 20), (10, 90, 40, 20))
    cases = [(colour, b"junk" * 50), (colour, DISPLAY_P3[:150]), (colour, grey_profile(gamma(1))), (cmyk, DISPLAY_P3)]
    for image, profile in cases:
        square = square_picture(file_of(image, "TIFF", profile), AS_IT_IS)
        plain = square_picture(file_of(image, "TIFF", None), AS_IT_IS)
        assert (square.pixels, square.profile, plain.profile) == (plain.pixels, IGNORED, "")


def test_cmyk_goes_through_its_profile():
    """LittleCMS itself, with a table of its own making, says what the colours are."""
    ink = cmyk_profile()
    image = Image.new("CMYK", (20, 20), (30, 120, 180, 20))
    opened = ImageCms.ImageCmsProfile(io.BytesIO(ink))
    seen = ImageCms.profileToProfile(image, opened, ImageCms.createProfile("sRGB"), outputMode="RGB")
    square = square_picture(file_of(image, "TIFF", ink), AS_IT_IS)
    assert (square.mode, square.profile) == ("RGB", CONVERTED)
    assert tuple(middle(square)) == seen.getpixel((10, 10)) != image.convert("RGB").getpixel((10, 10))
    assert decode_png(file_of(image, "TIFF", ink))[0][:3] == bytes(middle(square))


def cmyk_profile():
    """A profile of inks as an 8-bit table of two steps a channel (lut8Type, sec. 10.11) into Lab."""

    table = b"".join(
        bytes([round(255 * (1 - (0.3 * c + 0.59 * m + 0.11 * y)) * (1 - k)), 128 + 40 * m - 40 * c, 128 + 60 * y])
        for c, m, y, k in product((0, 1), repeat=4)
    )
    ramp = bytes(range(256))
    lut = b"mft1\0\0\0\0" + struct.pack(">BBBB", 4, 3, 2, 0) + fixed(1, 0, 0, 0, 1, 0, 0, 0, 1)
    lut += ramp * 4 + table + ramp * 3
    made = bytearray(icc_profile(b"CMYK", {b"A2B0": lut + b"\0" * (-len(lut) % 4)}))
    made[8:12], made[12:16], made[20:24] = b"\2\x40\0\0", b"prtr", b"Lab "
    return bytes(made)


@pytest.mark.parametrize("curve", CURVES.values(), ids=CURVES)
@pytest.mark.parametrize("primaries", [P3, ADOBE, SRGB], ids=["p3", "adobe", "srgb"])
def test_curves_and_matrix_agree_with_littlecms(curve, primaries):
    profile = rgb_profile(primaries, curve)
    grid = (colour_grid(3) * 255).round() / 255
    seen, became = deep_to_srgb(grid, profile)
    reference, also = to_srgb(Image.fromarray((grid * 255).round().astype(np.uint8)), profile)
    assert became == also
    if became:
        assert np.abs(seen * 255 - np.asarray(reference)).max() <= 1.5


def test_curves_with_an_offset_are_those_of_the_standard():
    """LittleCMS moves the black that they raise, so the formulas of table 68 are the reference."""
    x = np.linspace(0, 1, 11)
    second = read_curves(rgb_profile(P3, parametric(2, 2, 1.5, -0.5, 0.0625))).curves[0]
    assert np.allclose(second.light(x), np.where(x >= 1 / 3, np.maximum(1.5 * x - 0.5, 0) ** 2, 0) + 0.0625, atol=1e-4)
    fourth = read_curves(rgb_profile(P3, parametric(4, 2, 0.75, 0.25, 0.5, 0.25, 0.125, 0.0625))).curves[0]
    assert np.allclose(
        fourth.light(x), np.where(x >= 0.25, (0.75 * x + 0.25) ** 2 + 0.125, 0.5 * x + 0.0625), atol=1e-4
    )


def test_colours_of_16_bits_are_converted_in_16_bits():
    ramp = np.zeros((16, 16, 3), np.uint16)
    ramp[...] = (in_p3(SKIN) * 65535).round()
    ramp[:, :, 2] += np.arange(256, dtype=np.uint16).reshape(16, 16)
    square = square_picture(with_profile(encode_png_16(ramp), DISPLAY_P3), AS_IT_IS)
    pixels = np.frombuffer(square.pixels, np.uint16).reshape(16, 16, 3)
    assert (square.mode, square.depth, square.profile) == ("RGB", 16, CONVERTED)
    assert np.abs(pixels[0, 0] - SKIN * 65535).max() <= 40  # the profile's own numbers are of 16 bits too
    assert len(set(pixels[:, :, 2].ravel())) == 256  # what 8 bits would have made one
    clear = np.concatenate([ramp, np.full((16, 16, 1), 30000, np.uint16)], axis=2)
    kept = square_picture(with_profile(encode_png_16(clear), DISPLAY_P3), AS_IT_IS)
    assert kept.mode == "RGBA"
    assert np.abs(np.frombuffer(kept.pixels, np.uint16)[:3] - SKIN * 65535).max() <= 40


def test_grey_of_16_bits_by_profiles_of_grey_and_of_colour():
    grey = np.full((16, 16), 0.2140 * 65535, np.uint16)  # the light of half in sRGB
    for profile in (grey_profile(gamma(1)), rgb_profile(SRGB, gamma(1))):
        square = square_picture(file_of(Image.fromarray(grey), "TIFF", profile), AS_IT_IS)
        assert (square.mode, square.depth, square.profile) == ("L", 16, CONVERTED)
        assert abs(int(np.frombuffer(square.pixels, np.uint16)[0]) - 32768) <= 60
    for profile in (b"junk", DISPLAY_P3[:200], cmyk_profile()):
        square = square_picture(file_of(Image.fromarray(grey), "TIFF", profile), AS_IT_IS)
        assert (square.pixels, square.profile) == (grey.tobytes(), IGNORED)


def with_profile(png, profile):

    body = b"test\0\0" + zlib.compress(profile)
    chunk = struct.pack(">I", len(body)) + b"iCCP" + body + struct.pack(">I", zlib.crc32(b"iCCP" + body))
    return png[:33] + chunk + png[33:]
