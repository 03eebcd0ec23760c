import contextlib
import io
import logging
import struct
import sys

import numpy as np
import pytest
from PIL import Image

from aigc_cli.data.pictures.deep import Unusable, encode_png_16
from aigc_cli.data.pictures.picture import (
    Square,
    SquareShape,
    common_form,
    decode_png,
    encode_png,
    square_picture,
)

SHAPE = SquareShape(size=16, mode="RGB", min_side=8, max_pixels=1e6)


def file_of(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def pixels_of(data, shape=SHAPE):
    channels = {"RGB": 3, "L": 1, "RGBA": 4}[shape.mode]
    return np.frombuffer(square_picture(data, shape).pixels, np.uint8).reshape(shape.size, shape.size, channels)


def halves(width, height, left, right):
    image = Image.new("RGB", (width, height), right)
    image.paste(left, (0, 0, width // 2, height))
    return image


def test_the_centre_square_is_taken():
    image = Image.new("RGB", (48, 16), "blue")
    image.paste("red", (16, 0, 32, 16))
    assert (pixels_of(file_of(image)) == (255, 0, 0)).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation):
    """Writes the pixels as a camera held that way would, following the EXIF table, and expects them upright."""
    upright = np.zeros((16, 16, 3), np.uint8)
    upright[:8, :8] = (255, 0, 0)
    upright[:8, 8:] = (0, 255, 0)
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: upright.transpose(1, 0, 2)[::-1],
        7: upright.transpose(1, 0, 2)[::-1, ::-1],
        8: upright.transpose(1, 0, 2)[:, ::-1],
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = file_of(Image.fromarray(np.ascontiguousarray(stored)), exif=exif)
    assert (pixels_of(data) == upright).all()


def test_downsampling_is_antialiased_and_keeps_the_mean():
    checks = np.indices((256, 256)).sum(0) % 2 * 255
    grey = pixels_of(file_of(Image.fromarray(checks.astype(np.uint8)).convert("RGB")))
    assert abs(grey.astype(float) - 127.5).max() < 3


def test_large_jpegs_are_decoded_reduced_but_alike():
    image = halves(960, 960, (200, 40, 40), (40, 40, 200))
    small = pixels_of(file_of(image, "JPEG", quality=95)).astype(int)
    assert abs(small[:, :7] - (200, 40, 40)).max() < 8
    assert abs(small[:, 9:] - (40, 40, 200)).max() < 8


def test_transparency_lies_over_white_unless_kept():
    image = Image.new("RGBA", (16, 16), (255, 0, 0, 0))
    assert (pixels_of(file_of(image)) == 255).all()
    kept = pixels_of(file_of(image), SquareShape(16, "RGBA", 8, 1e6))
    assert (kept[..., 3] == 0).all()
    palette = Image.new("P", (16, 16), 0)
    palette.putpalette([10, 20, 30])
    assert (pixels_of(file_of(palette, transparency=0)) == 255).all()
    assert (pixels_of(file_of(palette)) == (10, 20, 30)).all()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK"])
def test_every_common_mode_becomes_every_output_mode(mode):
    data = file_of(Image.new("RGB", (20, 20), "white").convert(mode), "TIFF")
    for wanted, channels in (("RGB", 3), ("L", 1), ("RGBA", 4)):
        pixels = pixels_of(data, SquareShape(16, wanted, 8, 1e6))
        assert pixels.shape == (16, 16, channels)
        assert (pixels == 255).all()


def test_the_reasons_for_leaving_pictures_out():
    good = file_of(Image.effect_noise((64, 64), 50).convert("RGB"))
    cases = {
        "too small": file_of(Image.new("RGB", (300, 7))),
        "too many pixels": file_of(Image.new("1", (1001, 1000))),
        "not a picture": b"hello",
        "truncated": good[: len(good) // 2],
        "32-bit or floating point": file_of(Image.new("F", (20, 20)), "TIFF"),
        "broken": good[:60] + bytes([good[60] ^ 0xFF]) + good[61:],
    }
    for reason, data in cases.items():
        with pytest.raises(Unusable, match=f"^{reason}$"):
            square_picture(data, SHAPE)


def test_a_decompression_bomb_is_refused_from_its_header_alone():
    import zlib

    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    body = zlib.compress(bytes(1000))
    idat = struct.pack(">I", len(body)) + b"IDAT" + body + struct.pack(">I", zlib.crc32(b"IDAT" + body))
    with pytest.raises(Unusable, match="too many pixels"):
        square_picture(b"\x89PNG\r\n\x1a\n" + chunk + idat, SHAPE)


def test_encoding_round_trip():
    noise = np.random.default_rng(0).integers(0, 256, (16, 16, 4), np.uint8)
    for mode, channels in (("L", 1), ("RGB", 3), ("RGBA", 4)):
        pixels = np.ascontiguousarray(noise[..., :channels]).tobytes()
        assert decode_png(encode_png(Square(pixels, mode), 16)) == (pixels, 16, 16, channels)
    with pytest.raises(Unusable):
        decode_png(encode_png(Square(noise.tobytes(), "RGBA"), 16)[:100])


AS_IT_IS = SquareShape(size=16, mode="auto", min_side=8, max_pixels=1e6)


def test_with_mode_auto_a_picture_stays_grey_coloured_or_transparent():
    opaque, clear = Image.new("RGBA", (20, 20), (9, 8, 7, 255)), Image.new("RGBA", (20, 20), (255, 0, 0, 100))
    cases = [
        (file_of(Image.new("L", (20, 20), 9)), "L", (9,)),
        (file_of(Image.new("L", (20, 20), 9), "JPEG"), "L", (9,)),
        (file_of(Image.new("RGB", (20, 20), (9, 8, 7))), "RGB", (9, 8, 7)),
        (file_of(opaque), "RGB", (9, 8, 7)),
        (file_of(Image.new("LA", (20, 20), (9, 255))), "L", (9,)),
        (file_of(clear), "RGBA", (255, 0, 0, 100)),
    ]
    for data, mode, colour in cases:
        square = square_picture(data, AS_IT_IS)
        assert (square.mode, square.depth, tuple(square.pixels[: len(colour)])) == (mode, 8, colour)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_16_bits_stay_exact_in_and_out_of_png(channels):
    noise = np.random.default_rng(0).integers(0, 65536, (16, 16, channels), np.uint16)
    if channels == 4:
        noise[..., 3] = 65535
        noise[0, 0, 3] = 65534  # so that it is transparent, and colours come back but for rounding
    square = square_picture(encode_png_16(noise), AS_IT_IS)
    assert (square.mode, square.depth) == ({1: "L", 3: "RGB", 4: "RGBA"}[channels], 16)
    back = np.frombuffer(square.pixels, np.uint16).reshape(noise.shape)
    assert abs(back.astype(int) - noise).max() <= (0 if channels < 4 else 1)
    assert encode_png(square, 16) == encode_png_16(back)
    eight, height, width, count = decode_png(encode_png_16(noise))
    assert (height, width, count) == (16, 16, channels)
    expected = np.floor(noise / 257 + 0.5)
    assert (np.frombuffer(eight, np.uint8).reshape(noise.shape) == expected).all()


def test_grey_of_16_bits_is_read_of_pngs_by_pillow_tiffs_and_pgms_alike():
    ramp = (np.arange(256, dtype=np.uint16) * 257).reshape(16, 16)
    for kind in ("PNG", "TIFF", "PPM"):
        square = square_picture(file_of(Image.fromarray(ramp), kind), AS_IT_IS)
        assert (square.mode, square.depth, square.pixels) == ("L", 16, ramp.tobytes()), kind
    with Image.open(io.BytesIO(encode_png_16(ramp[:, :, None]))) as read:
        assert (np.asarray(read) == ramp).all()


def test_grey_of_16_bits_with_transparency_is_read_too():
    grey = np.zeros((16, 16, 3), np.uint16)
    grey[..., 0], grey[..., 1] = 12345, 32768
    with_colour_type_4 = encode_png_16(grey[:, :, :2])
    square = np.frombuffer(square_picture(with_colour_type_4, AS_IT_IS).pixels, np.uint16).reshape(16, 16, 4)
    assert abs(square[0, 0].astype(int) - (12345, 12345, 12345, 32768)).max() <= 1


def test_pictures_of_16_bits_are_cut_resized_and_turned():
    halved = np.zeros((40, 64, 3), np.uint16)
    halved[:, :32] = (60001, 30001, 101)
    square = np.frombuffer(square_picture(encode_png_16(halved), AS_IT_IS).pixels, np.uint16).reshape(16, 16, 3)
    assert (square[:, :4] == (60001, 30001, 101)).all()
    assert (square[:, 12:] == 0).all()
    exif = Image.Exif()
    exif[0x0112] = 8
    upright = (np.arange(256, dtype=np.uint16) * 200).reshape(16, 16)
    data = file_of(Image.fromarray(np.ascontiguousarray(upright.T[:, ::-1])), exif=exif)
    assert (np.frombuffer(square_picture(data, AS_IT_IS).pixels, np.uint16).reshape(16, 16) == upright).all()


def test_colour_of_16_bits_that_cannot_be_read_is_not_cut_to_8_in_silence():
    ppm = b"P6 16 16 65535\n" + bytes(16 * 16 * 6)
    with pytest.raises(Unusable, match="16-bit colour, which is read of PNG files alone"):
        square_picture(ppm, AS_IT_IS)
    eight = SquareShape(size=16, mode="auto", min_side=8, max_pixels=1e6, depth="8")
    assert square_picture(ppm, eight) == Square(bytes(16 * 16 * 3), "RGB")


def test_the_common_form_loses_nothing_of_any_picture():
    grey = Square(bytes([10] * 4), "L")
    clear = Square(np.full((2, 2, 4), 65535, np.uint16).tobytes(), "RGBA", 16)
    assert common_form([grey]) == ("L", 8)
    assert common_form([grey, Square(bytes(12), "RGB")]) == ("RGB", 8)
    assert common_form([grey, clear]) == ("RGBA", 16)
    same = grey.converted("RGBA", 16, 2)
    assert (np.frombuffer(same.pixels, np.uint16).reshape(4, 4) == (2570, 2570, 2570, 65535)).all()
    assert same.converted("L", 8, 2) == grey
    half = Square(np.array([[0, 0, 0, 128]] * 4, np.uint8).tobytes(), "RGBA")
    assert set(half.converted("RGB", 8, 2).pixels) == {127}  # half of white shines through


def tiff_with(tag, *entry):
    """A packed TIFF one entry of whose directory says something else: tag, type, count, value (TIFF 6.0, sec. 2)."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    data = bytearray(file_of(Image.fromarray(noise), "TIFF", compression="tiff_lzw"))
    directory = struct.unpack_from("<I", data, 4)[0]
    for place in range(directory + 2, directory + 2 + 12 * struct.unpack_from("<H", data, directory)[0], 12):
        if struct.unpack_from("<H", data, place)[0] == tag:
            struct.pack_into("<HHII", data, place, *entry)
            return bytes(data)
    raise AssertionError(f"no tag {tag}")


ROWS_PER_STRIP, STRIP_BYTES = 278, 279
ODD = [
    tiff_with(ROWS_PER_STRIP, ROWS_PER_STRIP, 2, 1, 64),
    tiff_with(STRIP_BYTES, STRIP_BYTES, 4, 1, 10**6),
]


@pytest.mark.parametrize("data", ODD, ids=["a tag of another type", "a cut strip"])
def test_libraries_below_pillow_write_nothing_to_stderr(data, capfd, recwarn):
    with contextlib.suppress(Unusable):
        square_picture(data, SHAPE)
    with contextlib.suppress(Unusable):
        decode_png(data)
    print("our own words", file=sys.stderr)
    assert capfd.readouterr().err == "our own words\n"
    assert logging.getLogger("PIL").handlers  # or Python itself writes what Pillow logs
