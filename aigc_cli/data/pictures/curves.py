"""Colours of more than 8 bits as an embedded ICC profile means them, in sRGB, by the profile's own curves and matrix.

The model is that of displays and cameras (ICC.1:2022, F.2 and F.3): a curve from each channel to light, and a matrix
from three lights to XYZ. What describes colours by tables instead is left to LittleCMS. Knows nothing of files.
"""

import struct
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from aigc_cli.data.pictures.colour import CONVERTED, IGNORED, REMEMBERED, Array, colour_grid, moves_little

# Light in sRGB to XYZ, adapted to D50, which is the profiles' white (IEC 61966-2-1; Bradford).
_SRGB_XYZ = np.array(
    [[0.4360747, 0.3850649, 0.1430804], [0.2225045, 0.7168786, 0.0606169], [0.0139322, 0.0971045, 0.7141733]]
)
_TAGS = 132, 12, 100  # where they begin, bytes of an entry, more than any profile has


class Curve(NamedTuple):
    """From a channel's value to light: samples at equal steps, or (a x + b)^g + e from d on, and c x + f below."""

    samples: Array | None
    parameters: tuple[float, ...] = ()

    def light(self, values: Array) -> Array:
        """Return the light of values from 0 to 1."""
        if self.samples is not None:
            return np.interp(values, np.linspace(0, 1, len(self.samples)), self.samples)
        g, a, b, c, d, e, f = self.parameters
        return np.where(values >= d, np.maximum(a * values + b, 0) ** g + e, c * values + f)


class Curves(NamedTuple):
    """A profile: a curve for grey, or three and the matrix from light to XYZ, one column a channel."""

    curves: tuple[Curve, ...]
    matrix: Array | None

    def to_srgb(self, colours_HWC: Array) -> Array:
        """Return colours of as many channels as there are curves in sRGB, 0 to 1."""
        light = np.stack([curve.light(colours_HWC[..., i]) for i, curve in enumerate(self.curves)], axis=-1)
        if self.matrix is not None:
            light = light @ (np.linalg.inv(_SRGB_XYZ) @ self.matrix).T
        light = light.clip(0, 1)
        return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def deep_to_srgb(colours_HWC: Array, profile: bytes) -> tuple[Array, str]:
    """Return grey or colours, 0 to 1, as their profile means them, and what became of it, as `colour.to_srgb` does.

    IGNORED is also a profile that has no curves.
    """
    way = read_curves(profile)
    is_grey = colours_HWC.shape[2] == 1
    if way is None or (len(way.curves) == 1 and not is_grey):
        return colours_HWC, IGNORED
    grid = colour_grid(len(way.curves))
    if moves_little(grid, way.to_srgb(grid)):
        return colours_HWC, ""
    seen = way.to_srgb(colours_HWC.repeat(len(way.curves), axis=2) if is_grey else colours_HWC)
    return (seen[:, :, -2:-1] if is_grey and len(way.curves) == 3 else seen), CONVERTED


@lru_cache(REMEMBERED)
def read_curves(profile: bytes) -> Curves | None:
    """Return a profile's curves, None if it is damaged or has none."""
    try:
        begin, step, most = _TAGS
        (count,) = struct.unpack_from(">I", profile, begin - 4)
        entries = [struct.unpack_from(">4sII", profile, begin + step * index) for index in range(min(count, most))]
        tags = {name: profile[offset : offset + size] for name, offset, size in entries}
        if profile[16:20] == b"GRAY":
            return Curves((_read_curve(tags[b"kTRC"]),), None)
        columns = [struct.unpack_from(">3i", tags[name], 8) for name in (b"rXYZ", b"gXYZ", b"bXYZ")]
        curves = tuple(_read_curve(tags[name]) for name in (b"rTRC", b"gTRC", b"bTRC"))
        return Curves(curves, np.array(columns).T / 65536)
    except (struct.error, KeyError, ValueError, IndexError, ZeroDivisionError):
        return None


def _read_curve(tag: bytes) -> Curve:
    """Read a curve of either type (sec. 10.6 and 10.18); ValueError and the like if it is none."""
    if tag[:4] == b"curv":
        (count,) = struct.unpack_from(">I", tag, 8)
        if count > 1:
            return Curve(np.frombuffer(tag, ">u2", count, 12) / 65535)
        gamma = struct.unpack_from(">H", tag, 12)[0] / 256 if count else 1
        return Curve(None, (gamma, 1, 0, 0, 0, 0, 0))
    if tag[:4] != b"para":
        raise ValueError("not a curve")
    kind = struct.unpack_from(">H", tag, 8)[0]
    g, *more = (number / 65536 for number in struct.unpack_from(f">{(1, 3, 4, 5, 7)[kind]}i", tag, 12))
    if kind == 0:
        return Curve(None, (g, 1, 0, 0, 0, 0, 0))
    a, b, *rest = more
    if kind <= 2:
        offset = rest[0] if rest else 0
        return Curve(None, (g, a, b, 0, -b / a, offset, offset))
    return Curve(None, (g, a, b, *rest, *([0, 0] if kind == 3 else [])))
