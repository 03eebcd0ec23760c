"""Pictures of 16 bits a number, of which Pillow keeps 8 in silence if they are coloured, read and written whole.

Knows nothing of squares, profiles or sets.
"""

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image, ImageFile

from aigc_cli.core.words.messages import later

_PNG_COLOURS = {1: 0, 2: 4, 3: 2, 4: 6}  # channels -> colour type (PNG specification, table 11.1)


class Unusable(Exception):
    """A picture that cannot be used; `str()` is the reason, fit for counting."""


def is_grey_16(image: Image.Image) -> bool:
    """Tell whether a picture is grey of 16 bits; Pillow scales a PGM's to all of them, in its mode of 32."""
    return image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM"))


def has_16_bits(image: ImageFile.ImageFile) -> bool:
    """Say whether a picture has 16 bits, of which Pillow keeps 8 in silence if it is coloured.

    Unusable if it has 32.
    """
    if is_grey_16(image):
        return True
    if image.mode.startswith(("I", "F")):
        raise Unusable(later("32-bit or floating point"))
    if image.format == "TIFF":
        return 16 in tuple(image.tag_v2.get(258, ()))  # type: ignore[attr-defined]  # BitsPerSample
    arguments = image.tile[0].args if image.tile else ""
    if image.format == "PPM":
        return isinstance(arguments, tuple) and int(arguments[1]) > 255  # the largest value
    return image.format == "PNG" and ";16" in str(arguments)


def read_16(image: ImageFile.ImageFile, data: bytes) -> "np.ndarray[Any, Any]":
    """Return a picture of 16 bits as floats, (H, W, C), C = 1, 3 or 4. Unusable where that cannot be read."""
    if "transparency" in image.info:
        raise Unusable(later("16-bit with one transparent colour"))
    if is_grey_16(image):
        return np.asarray(image).astype(np.float32)[:, :, None]
    rawmode = str(image.tile[0].args) if image.format == "PNG" else ""
    if rawmode == "LA;16B":  # the four bytes of a pixel as they are
        bytes_HWC = np.asarray(_read_as(data, "RGBA"))
        return _numbers(bytes_HWC[:, :, [0, 0, 0, 2]], bytes_HWC[:, :, [1, 1, 1, 3]])
    if rawmode not in ("RGB;16B", "RGBA;16B"):
        raise Unusable(later("16-bit colour, which is read of PNG files alone (--depth 8 takes it)"))
    # Pillow keeps the upper byte of a number; what it takes for the upper one in the other order is the lower one.
    return _numbers(*(np.asarray(_read_as(data, rawmode[:-1] + order)) for order in "BL"))


def _read_as(data: bytes, rawmode: str) -> Image.Image:
    """Return a PNG decoded by another of Pillow's rules for laying out a pixel of as many bytes."""
    image = Image.open(io.BytesIO(data), formats=("PNG",))
    image.tile = [image.tile[0]._replace(args=rawmode)]
    image.load()
    return image


def _numbers(upper: "np.ndarray[Any, Any]", lower: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    numbers: np.ndarray[Any, Any] = upper.astype(np.float32) * 256 + lower
    return numbers


def encode_png_16(pixels_HWC: "np.ndarray[Any, Any]") -> bytes:
    """Return uint16 pixels, C = 1 to 4, as an (unlabelled) PNG of 16 bits, which Pillow writes of grey alone."""
    height, width, channels = pixels_HWC.shape
    rows = np.ascontiguousarray(pixels_HWC.astype(">u2")).view(np.uint8).reshape(height, -1)
    filtered = rows.copy()
    filtered[1:] -= rows[:-1]  # filter type 2, "up" (PNG specification, sec. 9.2), modulo 256
    lines = np.concatenate([np.full((height, 1), 2, np.uint8), filtered], axis=1).tobytes()
    header = struct.pack(">IIBBBBB", width, height, 16, _PNG_COLOURS[channels], 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines, 3)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
