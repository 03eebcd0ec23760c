"""Colours of 8 bits as a picture's embedded ICC profile means them, in sRGB, which is what everything takes them for.

Telephones write Display P3, cameras Adobe RGB, scanners and presses their own. LittleCMS converts, with which Pillow
comes; colours of 16 bits, which it does not know through Pillow, are in `curves`. Knows nothing of files.
"""

import io
from functools import lru_cache
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageCms

# What becomes of a profile that a picture has, if anything.
CONVERTED, IGNORED = "converted", "ignored"
REMEMBERED = 4  # profiles: most pictures of a folder come from few devices
NEAR = 2 / 255  # a profile that moves no colour by more is that of sRGB, rounded by whoever wrote it
_STEPS = 9  # of a channel, in the grid of colours by which a profile is judged
_SPACES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}  # colour space in a profile -> Pillow's mode
_FITTING = {"L": ("GRAY", "RGB"), "CMYK": ("CMYK",)}  # which spaces a picture's profile may be of, beside RGB of RGB
# What LittleCMS says of a damaged profile, and Pillow of one whose colour space is none of these.
_REFUSALS = (ImageCms.PyCMSError, OSError, ValueError, TypeError, KeyError)

Array = np.ndarray[Any, Any]


class _Conversion(NamedTuple):
    """What a profile asks for: its colour space ("" if it cannot be read), and the way to sRGB if it needs one."""

    space: str
    way: ImageCms.ImageCmsTransform | None = None


def to_srgb(image: Image.Image, profile: bytes) -> tuple[Image.Image, str]:
    """Return a picture of mode L, RGB, RGBA or CMYK as its profile means it, and what became of the profile.

    Grey stays grey, transparency as it is, CMYK becomes RGB. CONVERTED, or "" where the profile changes nothing, or
    IGNORED where it is damaged or another kind of picture's, and the colours are as they would be without it.
    """
    space, way = _conversion(profile)
    if space not in _FITTING.get(image.mode, ("RGB",)):
        return image.convert("RGB") if image.mode == "CMYK" else image, IGNORED
    if way is None:
        return image, ""
    seen = ImageCms.applyTransform(image.convert(_SPACES[space]), way)
    assert seen is not None  # it is not done in place
    if image.mode == "L":
        return seen.getchannel("G"), CONVERTED
    if image.mode == "RGBA":
        seen.putalpha(image.getchannel("A"))
    return seen, CONVERTED


@lru_cache(REMEMBERED)
def _conversion(profile: bytes) -> _Conversion:
    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space = opened.profile.xcolor_space.strip()
        # Used by several threads at once, so nothing may be remembered between two pixels.
        flags = ImageCms.Flags.NOCACHE
        srgb = ImageCms.createProfile("sRGB")
        way = ImageCms.buildTransform(opened, srgb, _SPACES[space], "RGB", flags=flags)
    except _REFUSALS:
        return _Conversion("")
    if space == "CMYK":
        return _Conversion(space, way)
    grid = (colour_grid(1 if space == "GRAY" else 3) * 255).round().astype(np.uint8)
    seen = ImageCms.applyTransform(Image.fromarray(grid[:, :, 0] if space == "GRAY" else grid), way)
    return _Conversion(space, None if moves_little(grid / 255, np.asarray(seen) / 255) else way)


def colour_grid(channels: int) -> Array:
    """Return colours from all over a space, 0 to 1, shape (N, 1, channels)."""
    return np.array(list(product(np.linspace(0, 1, _STEPS**2 if channels == 1 else _STEPS), repeat=channels)))[:, None]


def moves_little(before: Array, after: Array) -> bool:
    """Tell whether no colour was moved by more than can be seen."""
    return bool(np.abs(after - before).max() <= NEAR + 1e-9)
