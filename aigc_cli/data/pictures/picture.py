"""One picture file in, one square of pixels out: the only place that decodes what others made.

Knows nothing of sets. Everything that can be wrong with a file is one of the reasons of `Unusable`.
"""

import io
import struct
import warnings
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from aigc_cli.core.words.messages import later

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM")
WHITE = (255, 255, 255, 255)
MAX_PIXELS = 100_000_000  # of a picture that is read at its full size
CHANNELS = {"RGB": 3, "L": 1, "RGBA": 4}
LUMA = (0.299, 0.587, 0.114)  # what Pillow's conversion to grey uses (ITU-R BT.601)
_PNG_COLOURS = {1: 0, 2: 4, 3: 2, 4: 6}  # channels -> colour type (PNG specification, table 11.1)
_ORIENTATION = 0x0112
# What Pillow's decoders raise on damaged files, beside OSError.
_DAMAGE = (ValueError, SyntaxError, EOFError, IndexError, KeyError, TypeError, OverflowError, struct.error, zlib.error)

# Pillow warns, then fails, above a global number of pixels; here each picture's size is checked before it is decoded.
Image.MAX_IMAGE_PIXELS = None
# It also warns of damaged metadata, which nobody here reads but for the orientation.
warnings.filterwarnings("ignore", module=r"PIL\.")


class Unusable(Exception):
    """A picture that cannot be used; `str()` is the reason, fit for counting."""


@dataclass(frozen=True)
class SquareShape:
    """What every picture of a set becomes; with mode "auto" it stays grey, coloured or transparent as it is."""

    size: int
    mode: str
    min_side: int
    max_pixels: float
    depth: str = "auto"


@dataclass(frozen=True)
class Square:
    """A square picture: raw bytes in rows of pixels, 16-bit numbers in the machine's order, and what they are."""

    pixels: bytes
    mode: str
    depth: int = 8

    def converted(self, mode: str, depth: int, size: int) -> "Square":
        """Return it in another mode or depth: transparency over white, grey repeated, black and white kept."""
        if (mode, depth) == (self.mode, self.depth):
            return self
        kind: Any = np.uint8 if self.depth == 8 else np.uint16
        x_HWC = np.frombuffer(self.pixels, kind).reshape(size, size, CHANNELS[self.mode]) / (2**self.depth - 1)
        if self.mode == "RGBA" and mode != "RGBA":
            x_HWC = x_HWC[:, :, :3] * x_HWC[:, :, 3:] + (1 - x_HWC[:, :, 3:])
        if mode == "L" and x_HWC.shape[2] == 3:
            x_HWC = (x_HWC @ np.array(LUMA))[:, :, None]
        if mode != "L" and x_HWC.shape[2] == 1:
            x_HWC = x_HWC.repeat(3, axis=2)
        if mode == "RGBA" and x_HWC.shape[2] == 3:
            x_HWC = np.concatenate([x_HWC, np.ones((size, size, 1))], axis=2)
        numbers = (x_HWC * (2**depth - 1)).round().astype(np.uint8 if depth == 8 else np.uint16)
        return Square(numbers.tobytes(), mode, depth)


def common_form(squares: Iterable[Square]) -> tuple[str, int]:
    """Return the least mode and depth in which no picture loses its colour, its transparency or its 16 bits."""
    forms = {(square.mode, square.depth) for square in squares}
    modes = {mode for mode, _ in forms}
    mode = next(mode for mode in ("RGBA", "RGB", "L") if mode in modes)
    return mode, max(depth for _, depth in forms)


def square_picture(data: bytes, shape: SquareShape) -> Square:
    """Decode a picture file and return its centre square, upright, resized, size x size x channels.

    Turned by its EXIF orientation, transparency over white unless the mode keeps it, downsampled with an antialiasing
    Lanczos filter (after a box reduction or the JPEG decoder's own, where the picture is much larger). Of an animation
    the first frame. 16 bits stay 16 bits, whatever depth is asked for, but where only the 8-bit part can be read and
    that is what is asked for. Raises Unusable.
    """
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            width, height = image.size
            if width * height > shape.max_pixels:
                raise Unusable(later("too many pixels"))
            if min(width, height) < shape.min_side:
                raise Unusable(later("too small"))
            if _has_16_bits(image) and (shape.depth != "8" or image.format == "PNG" or _is_grey_16(image)):
                return _square_16(image, data, shape.size)
            mode = _mode_of(image) if shape.mode == "auto" else shape.mode
            image.draft("RGB" if mode != "L" else None, (2 * shape.size, 2 * shape.size))
            image.load()
            square = Square(_square(ImageOps.exif_transpose(image), mode, shape.size).tobytes(), mode)
            if shape.mode == "auto" and mode == "RGBA" and min(square.pixels[3::4]) == 255:
                return square.converted("L" if image.mode == "LA" else "RGB", 8, shape.size)
            return square
    except UnidentifiedImageError as error:
        raise Unusable(later("not a picture")) from error
    except (OSError, *_DAMAGE) as error:
        reason = later("truncated") if "truncated" in str(error).lower() else later("broken")
        raise Unusable(reason) from error


def decode_png(data: bytes) -> tuple[bytes, int, int, int]:
    """Return a picture file's raw bytes and its height, width and channels as they are, 16 bits as 8.

    Raises Unusable.
    """
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise Unusable(later("too many pixels"))
            if _has_16_bits(image):
                array_HWC = (_read_16(image, data) / 257).round().astype(np.uint8)
                height, width, channels = array_HWC.shape
                return array_HWC.tobytes(), height, width, channels
            mode = image.mode if image.mode in CHANNELS else ("RGBA" if image.has_transparency_data else "RGB")
            plain = image.convert(mode)
            return plain.tobytes(), plain.height, plain.width, CHANNELS[mode]
    except (OSError, *_DAMAGE) as error:
        raise Unusable(later("broken or truncated")) from error


def encode_png(square: Square, size: int) -> bytes:
    """Return a square picture as an (unlabelled) PNG file."""
    if square.depth == 16:
        return encode_png_16(np.frombuffer(square.pixels, np.uint16).reshape(size, size, -1))
    file = io.BytesIO()
    Image.frombytes(square.mode, (size, size), square.pixels).save(file, "PNG", compress_level=3)
    return file.getvalue()


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


def _mode_of(image: Image.Image) -> str:
    """Return what a picture of 8 bits is: transparent, as far as its file says, grey, or coloured."""
    if image.has_transparency_data:
        return "RGBA"
    return "L" if image.mode in ("1", "L") else "RGB"


def _is_grey_16(image: Image.Image) -> bool:
    # Pillow scales a PGM of 16 bits to all of them, in its mode of 32.
    return image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM"))


def _has_16_bits(image: ImageFile.ImageFile) -> bool:
    """Say whether a picture has 16 bits, of which Pillow keeps 8 in silence if it is coloured.

    Unusable if it has 32.
    """
    if _is_grey_16(image):
        return True
    if image.mode.startswith(("I", "F")):
        raise Unusable(later("32-bit or floating point"))
    if image.format == "TIFF":
        return 16 in tuple(image.tag_v2.get(258, ()))  # type: ignore[attr-defined]  # BitsPerSample
    arguments = image.tile[0].args if image.tile else ""
    if image.format == "PPM":
        return isinstance(arguments, tuple) and int(arguments[1]) > 255  # the largest value
    return image.format == "PNG" and ";16" in str(arguments)


def _read_16(image: ImageFile.ImageFile, data: bytes) -> "np.ndarray[Any, Any]":
    """Return a picture of 16 bits as floats, (H, W, C), C = 1, 3 or 4. Unusable where that cannot be read."""
    if "transparency" in image.info:
        raise Unusable(later("16-bit with one transparent colour"))
    if _is_grey_16(image):
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


def _square_16(image: ImageFile.ImageFile, data: bytes, size: int) -> Square:
    """Return the centre square of a picture of 16 bits, resized in floating point."""
    array_HWC = _read_16(image, data) / 65535
    orientation = image.getexif().get(_ORIENTATION, 1)
    mode = {count: mode for mode, count in CHANNELS.items()}[array_HWC.shape[2]]
    if mode == "RGBA":
        array_HWC[:, :, :3] *= array_HWC[:, :, 3:]  # or what cannot be seen would bleed into what can
    planes = []
    for plane_HW in np.moveaxis(array_HWC, 2, 0):
        plane = Image.fromarray(np.ascontiguousarray(plane_HW))
        plane.getexif()[_ORIENTATION] = orientation
        planes.append(np.asarray(_centre_square(ImageOps.exif_transpose(plane), size)))
    square_HWC = np.stack(planes, axis=2).clip(0, 1)
    if mode == "RGBA":
        if float(square_HWC[:, :, 3].min()) == 1:
            square_HWC, mode = square_HWC[:, :, :3], "RGB"
        else:
            square_HWC[:, :, :3] = (square_HWC[:, :, :3] / square_HWC[:, :, 3:].clip(1e-6)).clip(0, 1)
    return Square((square_HWC * 65535).round().astype(np.uint16).tobytes(), mode, 16)


def _square(image: Image.Image, mode: str, size: int) -> Image.Image:
    if image.has_transparency_data:
        coloured = image.convert("RGBA")
        if mode != "RGBA":
            coloured = Image.alpha_composite(Image.new("RGBA", coloured.size, WHITE), coloured)
        image = coloured
    return _centre_square(image.convert(mode), size)


def _centre_square(image: Image.Image, size: int) -> Image.Image:
    side = min(image.size)
    left, top = (image.width - side) / 2, (image.height - side) / 2
    box = (left, top, left + side, top + side)
    return image.resize((size, size), Image.Resampling.LANCZOS, box=box, reducing_gap=3.0)
