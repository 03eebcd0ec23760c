"""One picture file in, one square of pixels out: the only place that decodes what others made.

Knows nothing of sets. Everything that can be wrong with a file is one of the reasons of `Unusable`.
"""

import ctypes
import io
import logging
import struct
import warnings
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError, _imaging

from aigc_cli.core.words.messages import later
from aigc_cli.data.pictures.chunks import without_burdens
from aigc_cli.data.pictures.colour import to_srgb
from aigc_cli.data.pictures.curves import deep_to_srgb
from aigc_cli.data.pictures.deep import Unusable, encode_png_16, has_16_bits, is_grey_16, read_16

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM")
WHITE = (255, 255, 255, 255)
MAX_PIXELS = 100_000_000  # of a picture that is read at its full size
CHANNELS = {"RGB": 3, "L": 1, "RGBA": 4}
LUMA = (0.299, 0.587, 0.114)  # what Pillow's conversion to grey uses (ITU-R BT.601)
_ORIENTATION = 0x0112
# What Pillow's decoders raise on damaged files, beside OSError.
_DAMAGE = (ValueError, SyntaxError, EOFError, IndexError, KeyError, TypeError, OverflowError, struct.error, zlib.error)

# Pillow warns, then fails, above a global number of pixels; here each picture's size is checked before it is decoded.
Image.MAX_IMAGE_PIXELS = None
# It also warns of damaged metadata, which nobody here reads but for the orientation.
warnings.filterwarnings("ignore", module=r"PIL\.")
logging.getLogger("PIL").addHandler(logging.NullHandler())


def _silence_libtiff() -> None:
    """Take from libtiff the functions that write its messages to the process's stderr, as it documents for silence.

    They are the library's, not a thread's, so once is enough, and our own stderr stays as it is. A Pillow that brings
    no libtiff, or has it within itself, has no such name to be found.
    """
    library = ctypes.CDLL(_imaging.__file__)
    for name in ("TIFFSetErrorHandler", "TIFFSetWarningHandler"):
        try:
            set_handler = library[name]
        except AttributeError:
            continue
        set_handler.argtypes, set_handler.restype = [ctypes.c_void_p], ctypes.c_void_p
        set_handler(None)


_silence_libtiff()


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
    """A square picture: raw bytes in rows of pixels, 16-bit numbers in the machine's order, and what they are.

    `profile` says what became of the file's colour profile: "" (there is none, or it changes nothing), `CONVERTED` or
    `IGNORED`, as in `colour`.
    """

    pixels: bytes
    mode: str
    depth: int = 8
    profile: str = ""

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
        return Square(numbers.tobytes(), mode, depth, self.profile)


def common_form(squares: Iterable[Square]) -> tuple[str, int]:
    """Return the least mode and depth in which no picture loses its colour, its transparency or its 16 bits."""
    forms = {(square.mode, square.depth) for square in squares}
    modes = {mode for mode, _ in forms}
    mode = next(mode for mode in ("RGBA", "RGB", "L") if mode in modes)
    return mode, max(depth for _, depth in forms)


def square_picture(data: bytes, shape: SquareShape) -> Square:
    """Decode a picture file and return its centre square, upright, resized, size x size x channels.

    Turned by its EXIF orientation, in sRGB by its colour profile, transparency over white unless the mode keeps it,
    downsampled with an antialiasing Lanczos filter (after a box reduction or the JPEG decoder's own, where the picture
    is much larger). Of an animation the first frame. 16 bits stay 16 bits, whatever depth is asked for, but where only
    the 8-bit part can be read and that is what is asked for. Raises Unusable.
    """
    with _opened(data, shape) as (image, data, profile):
        if _stays_deep(image, shape):
            return _square_16(image, data, shape.size, profile)
        mode = _mode_of(image) if shape.mode == "auto" else shape.mode
        image.load()
        grey_alpha = image.mode == "LA"
        ImageOps.exif_transpose(image, in_place=True)
        made, became = _square(image, mode, shape.size, profile)
        square = Square(made.tobytes(), mode, profile=became)
        if shape.mode == "auto" and mode == "RGBA" and min(square.pixels[3::4]) == 255:
            return square.converted("L" if grey_alpha else "RGB", 8, shape.size)
        return square


def decoded_bytes(data: bytes, shape: SquareShape) -> int:
    """Return about how many bytes `square_picture` needs at its most, from the file's header alone.

    0 where it would refuse the picture without decoding it.
    """
    try:
        with _opened(data, shape) as (image, _, _):
            pixels = image.width * image.height
            own = {"1": 1, "L": 1, "P": 1, "I;16": 2}.get(image.mode, 4)  # bytes that Pillow keeps of a pixel
            if _stays_deep(image, shape):
                return pixels * 16 * max(1, len(image.getbands()))  # two readings, and floats of them
            copies = 12 if image.has_transparency_data else 4  # over white, or converted, or turned
            beside = 12 if image.format == "WEBP" else 0  # its decoder's canvases
            waves = 6 * image.info["size"] if image.info.get("progressive") else 0  # coefficients of a whole JPEG
            return pixels * (own + copies + beside) + waves
    except Unusable:
        return 0


@contextmanager
def _opened(data: bytes, shape: SquareShape) -> Iterator[tuple[ImageFile.ImageFile, bytes, bytes | None]]:
    """Yield a picture whose pixels are not decoded yet, the file that is decoded, and its profile.

    The profile is empty if it is damaged, None if there is none. Unusable for whatever is wrong, inside the block too.
    """
    try:
        data, left_out = without_burdens(data)
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            width, height = image.size
            if width * height > shape.max_pixels:
                raise Unusable(later("too many pixels"))
            if min(width, height) < shape.min_side:
                raise Unusable(later("too small"))
            mode = _mode_of(image) if shape.mode == "auto" else shape.mode
            if not has_16_bits(image):
                image.info["size"] = width * height
                image.draft("RGB" if mode != "L" else None, (2 * shape.size, 2 * shape.size))
            yield image, data, _profile_of(image) if left_out is None else left_out
    except UnidentifiedImageError as error:
        raise Unusable(later("not a picture")) from error
    except (OSError, *_DAMAGE) as error:
        reason = later("truncated") if "truncated" in str(error).lower() else later("broken")
        raise Unusable(reason) from error


def decode_png(data: bytes) -> tuple[bytes, int, int, int]:
    """Return a picture file's raw bytes and its height, width and channels as they are, 16 bits as 8, in sRGB.

    Raises Unusable.
    """
    try:
        data, left_out = without_burdens(data)
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise Unusable(later("too many pixels"))
            if has_16_bits(image):
                array_HWC = (read_16(image, data) / 257).round().astype(np.uint8)
                height, width, channels = array_HWC.shape
                return array_HWC.tobytes(), height, width, channels
            mode = image.mode if image.mode in CHANNELS else ("RGBA" if image.has_transparency_data else "RGB")
            profile = _profile_of(image) if left_out is None else left_out
            plain = image if image.mode == "CMYK" and profile else image.convert(mode)
            if profile:
                plain, _ = to_srgb(plain, profile)
            return plain.tobytes(), plain.height, plain.width, CHANNELS[mode]
    except (OSError, *_DAMAGE) as error:
        raise Unusable(later("broken or truncated")) from error


def _profile_of(image: Image.Image) -> bytes | None:
    profile = image.info.get("icc_profile")
    return profile if isinstance(profile, bytes) else None


def _stays_deep(image: ImageFile.ImageFile, shape: SquareShape) -> bool:
    """Tell whether a picture has 16 bits and all of them are read."""
    return has_16_bits(image) and (shape.depth != "8" or image.format == "PNG" or is_grey_16(image))


def encode_png(square: Square, size: int) -> bytes:
    """Return a square picture as an (unlabelled) PNG file."""
    if square.depth == 16:
        return encode_png_16(np.frombuffer(square.pixels, np.uint16).reshape(size, size, -1))
    file = io.BytesIO()
    Image.frombytes(square.mode, (size, size), square.pixels).save(file, "PNG", compress_level=3)
    return file.getvalue()


def _mode_of(image: Image.Image) -> str:
    """Return what a picture of 8 bits is: transparent, as far as its file says, grey, or coloured."""
    if image.has_transparency_data:
        return "RGBA"
    return "L" if image.mode in ("1", "L") else "RGB"


def _square(image: Image.Image, mode: str, size: int, profile: bytes | None) -> tuple[Image.Image, str]:
    """Return the centre square in a mode, and what became of the colour profile."""
    if profile is not None:
        return _converted_square(image, mode, size, profile)
    if image.has_transparency_data:
        coloured = image.convert("RGBA")
        if mode != "RGBA":
            coloured = Image.alpha_composite(Image.new("RGBA", coloured.size, WHITE), coloured)
        image = coloured
    return _centre_square(image if image.mode == mode else image.convert(mode), size), ""


def _converted_square(image: Image.Image, mode: str, size: int, profile: bytes) -> tuple[Image.Image, str]:
    """Return the centre square in sRGB: resized first, which takes less time and changes nothing that is seen."""
    kept = image.mode if image.mode == "CMYK" else "L" if image.mode in ("1", "L", "LA") else "RGB"
    if not image.has_transparency_data:
        square = _centre_square(image if image.mode == kept else image.convert(kept), size)
        square, became = to_srgb(square, profile)
        return square.convert(mode), became
    square = _centre_square(image.convert(f"{kept}A"), size)
    colours, became = to_srgb(square.convert(kept), profile)
    clear = colours.convert("RGB")
    clear.putalpha(square.getchannel("A"))
    if mode != "RGBA":
        clear = Image.alpha_composite(Image.new("RGBA", clear.size, WHITE), clear)
    return clear.convert(mode), became


def _centre_square(image: Image.Image, size: int) -> Image.Image:
    side = min(image.size)
    left, top = (image.width - side) / 2, (image.height - side) / 2
    box = (left, top, left + side, top + side)
    return image.resize((size, size), Image.Resampling.LANCZOS, box=box, reducing_gap=3.0)


def _square_16(image: ImageFile.ImageFile, data: bytes, size: int, profile: bytes | None) -> Square:
    """Return the centre square of a picture of 16 bits, resized in floating point."""
    array_HWC = read_16(image, data)
    array_HWC /= 65535
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
    became = ""
    if profile is not None:
        square_HWC[:, :, :3], became = deep_to_srgb(square_HWC[:, :, :3], profile)
    return Square((square_HWC * 65535).round().astype(np.uint16).tobytes(), mode, 16, became)
