import io

import numpy as np
import pytest
from PIL import Image

from aigc_cli.data.picture import SquareShape, Unusable, decode_png, encode_png, square_pixels

SHAPE = SquareShape(size=16, mode="RGB", min_side=8, max_pixels=1e6)


def file_of(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def pixels_of(data, shape=SHAPE):
    channels = {"RGB": 3, "L": 1, "RGBA": 4}[shape.mode]
    return np.frombuffer(square_pixels(data, shape), np.uint8).reshape(shape.size, shape.size, channels)


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
        "16-bit or floating point": file_of(Image.new("I;16", (20, 20))),
        "broken": good[:60] + bytes([good[60] ^ 0xFF]) + good[61:],
    }
    for reason, data in cases.items():
        with pytest.raises(Unusable, match=f"^{reason}$"):
            square_pixels(data, SHAPE)


def test_a_decompression_bomb_is_refused_from_its_header_alone():
    import struct
    import zlib

    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    body = zlib.compress(bytes(1000))
    idat = struct.pack(">I", len(body)) + b"IDAT" + body + struct.pack(">I", zlib.crc32(b"IDAT" + body))
    with pytest.raises(Unusable, match="too many pixels"):
        square_pixels(b"\x89PNG\r\n\x1a\n" + chunk + idat, SHAPE)


def test_encoding_round_trip():
    noise = np.random.default_rng(0).integers(0, 256, (16, 16, 4), np.uint8)
    for mode, channels in (("L", 1), ("RGB", 3), ("RGBA", 4)):
        pixels = np.ascontiguousarray(noise[..., :channels]).tobytes()
        assert decode_png(encode_png(pixels, 16, mode)) == (pixels, 16, 16, channels)
    with pytest.raises(Unusable):
        decode_png(encode_png(noise.tobytes(), 16, "RGBA")[:100])
