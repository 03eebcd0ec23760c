"""What lies beside the pixels never makes a picture unusable, and takes nothing from one that is read anyway."""

import io
import random
import struct
import zlib

import pytest
from PIL import Image

from aigc_cli.data.pictures.chunks import without_burdens
from aigc_cli.data.pictures.colour import CONVERTED, IGNORED
from aigc_cli.data.pictures.picture import SquareShape, decode_png, square_picture
from tests.data.pictures.profiles import P3, rgb_profile

SHAPE = SquareShape(size=16, mode="auto", min_side=8, max_pixels=1e6)
NOISE = Image.frombytes("RGB", (16, 16), random.Random(1).randbytes(16 * 16 * 3))
LARGE = random.Random(0).randbytes(1_300_000)


def chunk(kind, body, checksum=None):
    checksum = zlib.crc32(kind + body) if checksum is None else checksum
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)


def png(*chunks, at_end=False):
    """The noise with more chunks behind its header, or behind its pixels."""
    file = io.BytesIO()
    NOISE.save(file, "PNG")
    data, place = file.getvalue(), -12 if at_end else 33
    return data[:place] + b"".join(chunks) + data[place:]


BURDENS = {
    "packed text": chunk(b"zTXt", b"workflow\0\0" + zlib.compress(LARGE)),
    "international text": chunk(b"iTXt", b"prompt\0\1\0\0\0" + zlib.compress(LARGE)),
    "text marked otherwise": chunk(b"iTXt", b"prompt\0\2\0\0\0" + zlib.compress(LARGE)),
    "a bomb": chunk(b"zTXt", b"x\0\0" + zlib.compress(bytes(200_000_000))),
    "many texts": chunk(b"tEXt", b"x\0" + bytes(1_000_000)) * 66,
    "an unknown packing": chunk(b"zTXt", b"x\0\7" + zlib.compress(b"text")),
    "a wrong checksum": chunk(b"tEXt", b"x\0text", checksum=1),
}


@pytest.mark.parametrize("at_end", [False, True])
@pytest.mark.parametrize("burden", BURDENS.values(), ids=BURDENS)
def test_texts_that_pillow_gives_up_on_are_left_out(burden, at_end):
    data = png(burden, at_end=at_end)
    assert square_picture(data, SHAPE).pixels == NOISE.tobytes()
    assert decode_png(data)[0] == NOISE.tobytes()


@pytest.mark.parametrize(
    ("profile", "packing", "became"),
    [
        (LARGE, b"\0", IGNORED),
        (rgb_profile(P3, beside=bytes(2_000_000)), b"\0", CONVERTED),
        (rgb_profile(P3, beside=bytes(20_000_000)), b"\0", IGNORED),
        (b"junk", b"\0", IGNORED),
        (rgb_profile(P3), b"\7", IGNORED),
    ],
    ids=["large noise", "large", "too large", "junk", "an unknown packing"],
)
def test_profiles_are_read_up_to_16_mb_and_never_make_a_picture_broken(profile, packing, became):
    square = square_picture(png(chunk(b"iCCP", b"x\0" + packing + zlib.compress(profile))), SHAPE)
    assert square.profile == became
    assert (square.pixels == NOISE.tobytes()) == (became == IGNORED)


def test_a_profile_that_cannot_be_unpacked_is_ignored():
    square = square_picture(png(chunk(b"iCCP", b"x\0\0junk")), SHAPE)
    assert (square.pixels, square.profile) == (NOISE.tobytes(), IGNORED)


def test_what_pillow_reads_stays_as_it_is():
    exif = Image.Exif()
    exif[0x0112] = 6
    small = [chunk(b"zTXt", b"x\0\0" + zlib.compress(bytes(900_000))), chunk(b"eXIf", exif.tobytes()[6:])]
    whole = png(*small)
    assert without_burdens(whole) == (whole, None)
    assert without_burdens(png(*small, BURDENS["packed text"])) == (whole, None)
    for data in (b"", b"\xff\xd8\xff", whole[:50], whole + b"more"):
        assert without_burdens(data) == (data, None)
    turned = NOISE.transpose(Image.Transpose.ROTATE_270).tobytes()
    assert square_picture(png(*small, BURDENS["packed text"]), SHAPE).pixels == turned


def test_transparency_with_a_wrong_checksum_is_not_left_out_in_silence():
    data = png(chunk(b"tRNS", b"\0\1\0\2\0\3", checksum=1))
    assert without_burdens(data) == (data, None)
