"""One picture file in, one square of pixels out: the only place that decodes what others made.

Knows nothing of sets. Everything that can be wrong with a file is one of the reasons of `Unusable`.
"""

import io
import struct
import warnings
import zlib
from dataclasses import dataclass

from PIL import Image, ImageOps, UnidentifiedImageError

from aigc_cli.core.messages import later

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM")
WHITE = (255, 255, 255, 255)
MAX_PIXELS = 100_000_000  # of a picture that is read at its full size
CHANNELS = {"RGB": 3, "L": 1, "RGBA": 4}
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
    """What every picture of a set becomes."""

    size: int
    mode: str
    min_side: int
    max_pixels: float


def square_pixels(data: bytes, shape: SquareShape) -> bytes:
    """Decode a picture file and return its centre square, upright, resized, as raw bytes, size x size x channels.

    Turned by its EXIF orientation, transparency over white unless the mode keeps it, downsampled with an antialiasing
    Lanczos filter (after a box reduction or the JPEG decoder's own, where the picture is much larger). Of an animation
    the first frame. Raises Unusable.
    """
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            width, height = image.size
            if width * height > shape.max_pixels:
                raise Unusable(later("too many pixels"))
            if min(width, height) < shape.min_side:
                raise Unusable(later("too small"))
            if image.mode.startswith(("I", "F")):
                raise Unusable(later("16-bit or floating point"))
            image.draft("RGB" if shape.mode != "L" else None, (2 * shape.size, 2 * shape.size))
            image.load()
            return _square(ImageOps.exif_transpose(image), shape).tobytes()
    except UnidentifiedImageError as error:
        raise Unusable(later("not a picture")) from error
    except (OSError, *_DAMAGE) as error:
        reason = later("truncated") if "truncated" in str(error).lower() else later("broken")
        raise Unusable(reason) from error


def decode_png(data: bytes) -> tuple[bytes, int, int, int]:
    """Return a picture file's raw bytes and its height, width and channels as they are. Raises Unusable."""
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise Unusable(later("too many pixels"))
            if image.mode.startswith(("I", "F")):
                raise Unusable(later("16-bit or floating point"))
            mode = image.mode if image.mode in CHANNELS else ("RGBA" if image.has_transparency_data else "RGB")
            plain = image.convert(mode)
            return plain.tobytes(), plain.height, plain.width, CHANNELS[mode]
    except (OSError, *_DAMAGE) as error:
        raise Unusable(later("broken or truncated")) from error


def encode_png(pixels: bytes, size: int, mode: str) -> bytes:
    """Return a square of raw pixels as an (unlabelled) PNG file."""
    file = io.BytesIO()
    Image.frombytes(mode, (size, size), pixels).save(file, "PNG", compress_level=3)
    return file.getvalue()


def _square(image: Image.Image, shape: SquareShape) -> Image.Image:
    if image.has_transparency_data:
        coloured = image.convert("RGBA")
        if shape.mode != "RGBA":
            coloured = Image.alpha_composite(Image.new("RGBA", coloured.size, WHITE), coloured)
        image = coloured
    image = image.convert(shape.mode)
    side = min(image.size)
    left, top = (image.width - side) / 2, (image.height - side) / 2
    box = (left, top, left + side, top + side)
    return image.resize((shape.size, shape.size), Image.Resampling.LANCZOS, box=box, reducing_gap=3.0)
