"""Curves drawn with characters: a chart in braille dots, and a line of blocks. Pure; knows no terminal."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

BLOCKS = "▁▂▃▄▅▆▇█"
SPARKS = 12
# The bit of each dot of a braille character (2 wide, 4 high) by column and row.
_BLANK = 0x2800
_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
Curve = Sequence[tuple[float, float]]
Cell = tuple[str, str]


def sparkline(values: Sequence[float], width: int = SPARKS) -> str:
    """Return at most `width` blocks, each as high as the mean of its share of the values, lowest to highest."""
    finite = [value for value in values if math.isfinite(value)]
    count = min(width, len(finite))
    edges = [len(finite) * place // count for place in range(count + 1)] if count else [0]
    means = [sum(finite[a:b]) / (b - a) for a, b in pairwise(edges)]
    low, high = min(means, default=0.0), max(means, default=0.0)
    span = (high - low) or 1.0
    return "".join(BLOCKS[round((mean - low) / span * (len(BLOCKS) - 1))] for mean in means)


def chart(curves: Mapping[str, Curve], width: int, height: int) -> list[tuple[str, list[Cell]]]:
    """Return the rows of a chart: the label of its left edge, and `width` cells, each a character and its curve's name.

    All curves share the axes. A cell shows the dots of the last curve that passes through it, so that whoever draws
    may give each curve its colour. Nothing where no point is finite.
    """
    points = [point for curve in curves.values() for point in curve if all(map(math.isfinite, point))]
    if not points:
        return []
    left, right = min(x for x, _ in points), max(x for x, _ in points)
    low, high = min(y for _, y in points), max(y for _, y in points)
    bits: dict[tuple[int, int], tuple[int, str]] = {}
    for name, curve in curves.items():
        for column, row in _dots(curve, (left, right, low, high), 2 * width, 4 * height):
            at = (row // 4, column // 2)
            before = bits[at][0] if at in bits and bits[at][1] == name else 0
            bits[at] = (before | _DOTS[column % 2][row % 4], name)
    rows = []
    for row in range(height):
        label = {0: f"{high:.4g}", height - 1: f"{low:.4g}"}.get(row, "")
        line = [bits.get((row, column), (0, "")) for column in range(width)]
        rows.append((label, [(chr(_BLANK + dots) if dots else " ", name) for dots, name in line]))
    return rows


def _dots(curve: Curve, edges: tuple[float, float, float, float], width: int, height: int) -> set[tuple[int, int]]:
    """Return the dots (column, row from above) of a curve: its points, joined by lines."""
    left, right, low, high = edges
    places = [
        (
            round((x - left) / ((right - left) or 1.0) * (width - 1)),
            round((high - y) / ((high - low) or 1.0) * (height - 1)),
        )
        for x, y in curve
        if math.isfinite(x) and math.isfinite(y)
    ]
    dots = set(places)
    for (x0, y0), (x1, y1) in pairwise(places):
        length = max(abs(x1 - x0), abs(y1 - y0))
        dots.update(
            (round(x0 + (x1 - x0) * part / length), round(y0 + (y1 - y0) * part / length)) for part in range(length)
        )
    return dots
