"""Draws a picture in a terminal: kitty graphics, iTerm2 inline, sixel, else half-block characters.

Each writer returns text for the caller to write. The protocol is chosen from environment variables alone: the terminal
is never asked, so nothing is ever left to be read from stdin. Written from the public descriptions of
the protocols: sw.kovidgoyal.net/kitty/graphics-protocol, iterm2.com/documentation-images.html, and the DEC VT330/340
Programmer Reference Manual, volume 2, chapter 14 (sixel). Knows nothing of models.
"""

import base64
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aigc_cli.core.errors import UsageProblem
from aigc_cli.core.words.messages import tr

if TYPE_CHECKING:
    from PIL import Image

PROTOCOLS = ("kitty", "iterm2", "sixel", "half-blocks", "none")
TRUE_COLOURS = 1 << 24
KITTY_CHUNK = 4096  # the protocol's limit for one escape code's payload
SIXEL_CELL_HEIGHT = 20  # pixels; a guess, since the terminal is not asked
GREY_RAMP = " .:-=+*#%@"  # dark to bright, for light text on a dark ground
# Which terminal it is, by its own TERM, else by TERM_PROGRAM where TERM only says "like xterm".
TERMS = {"xterm-kitty": "kitty", "xterm-ghostty": "kitty", "wezterm": "iterm2"}
PROGRAMS = {"ghostty": "kitty", "iTerm.app": "iterm2", "WezTerm": "iterm2", "mintty": "sixel"}
# Set by terminals within a terminal, which pass no graphics on and may leave all other variables as they find them.
WITHIN = ("TMUX", "STY", "ZELLIJ", "NVIM", "VIM_TERMINAL", "INSIDE_EMACS")
# Set by terminals that draw no pictures, or none that we know how to ask for, and call themselves xterm.
OTHERS = ("VTE_VERSION", "KONSOLE_VERSION", "XTERM_VERSION", "ALACRITTY_WINDOW_ID", "TERMINAL_EMULATOR", "WT_SESSION")
CUBE_LEVELS = (0, 95, 135, 175, 215, 255)  # xterm's 6x6x6 colour cube, colours 16 to 231


@dataclass(frozen=True)
class PictureStyle:
    """How to draw: one of PROTOCOLS, and how many colours half-blocks may use (0, 256 or 2**24)."""

    protocol: str
    colours: int = TRUE_COLOURS


def choose_style(environment: Mapping[str, str], *, is_terminal: bool) -> PictureStyle:
    """Return the best style that the environment promises.

    `AIGC_PICTURES` names a protocol and wins, even where stdout is no terminal; an unknown name is a UsageProblem.
    Half-blocks are used inside tmux, zellij, editors and other terminals that pass no graphics on, and in doubt: they
    show everywhere, while graphics for another terminal show as their codes. `NO_COLOR` (no-color.org) turns
    half-blocks into grey characters, and leaves the graphics protocols alone.
    """
    asked = environment.get("AIGC_PICTURES", "")
    if asked and asked not in PROTOCOLS:
        raise UsageProblem(
            tr("AIGC_PICTURES={asked!r} is not known", asked=asked), tr("one of {names}", names=", ".join(PROTOCOLS))
        )
    if not asked and not is_terminal:
        return PictureStyle("none", 0)
    return PictureStyle(asked or _promised_protocol(environment), colour_count(environment))


def colour_count(environment: Mapping[str, str]) -> int:
    """Return 0, 256 or 2**24: the colours that text may have."""
    if environment.get("NO_COLOR"):
        return 0
    term = environment.get("TERM", "")
    if environment.get("COLORTERM", "") in ("truecolor", "24bit") or term.endswith("-direct"):
        return TRUE_COLOURS
    if term in ("xterm-kitty", "xterm-ghostty", "alacritty", "foot", "wezterm"):
        return TRUE_COLOURS
    if term in ("", "dumb") or term.startswith("vt"):
        return 256 if environment.get("FORCE_COLOR") else 0
    return 256


def _promised_protocol(environment: Mapping[str, str]) -> str:
    """Return what the innermost terminal promises: variables of those that it was started from are still there."""
    term, program = environment.get("TERM", ""), environment.get("TERM_PROGRAM", "")
    if term == "dumb":
        return "none"
    if term.startswith(("screen", "tmux")) or any(environment.get(name) for name in WITHIN):
        return "half-blocks"
    if term.startswith(("foot", "mlterm", "contour")) or term.endswith("-sixel"):
        return "sixel"
    if term in TERMS:
        return TERMS[term]
    if not term.startswith("xterm") or any(environment.get(name) for name in OTHERS):
        return "half-blocks"
    if program:
        return PROGRAMS.get(program, "half-blocks")
    if environment.get("KITTY_WINDOW_ID"):
        return "kitty"
    return "iterm2" if environment.get("LC_TERMINAL") == "iTerm2" else "half-blocks"


def rows_for(picture: Any, columns: int) -> int:
    """Return how many text rows a picture of that many columns takes; a cell is taken as twice as high as wide."""
    image = as_image(picture)
    return max(1, round(columns * image.height / image.width / 2))


def draw(picture: Any, columns: int, style: PictureStyle) -> str:
    """Return text that draws the picture `columns` cells wide and ends on a new line ("" for the style none).

    `picture` is an H x W x 3 uint8 array, a Pillow image or the bytes of a PNG. PNG bytes go to kitty and iTerm2 as
    they are, and so keep the AI label that they carry.
    """
    if style.protocol == "none":
        return ""
    image, rows = as_image(picture), rows_for(picture, columns)
    if style.protocol == "kitty":
        return _kitty(_png(picture, image), columns, rows) + "\n"
    if style.protocol == "iterm2":
        return _iterm2(_png(picture, image), columns, rows) + "\n"
    if style.protocol == "sixel":
        return _sixel(image, rows) + "\n"
    lines = _half_block_lines(image.resize((columns, 2 * rows), _smooth(image, columns)), style.colours)
    return "".join(line + "\n" for line in lines)


def as_image(picture: Any) -> "Image.Image":
    """Return an RGB Pillow image of an array, a Pillow image, or the bytes of an image file; alpha lies on black."""
    from PIL import Image

    if isinstance(picture, bytes):
        picture = Image.open(io.BytesIO(picture))
        if picture.mode.startswith("I;16"):  # which Pillow would cut off at 255 instead of scaling it
            picture = picture.convert("F").point(lambda value: value / 257 + 0.5).convert("L")
    elif not isinstance(picture, Image.Image):
        picture = Image.fromarray(picture)
    if "A" in picture.getbands():
        ground = Image.new("RGBA", picture.size, (0, 0, 0, 255))
        picture = Image.alpha_composite(ground, picture.convert("RGBA"))
    image: Image.Image = picture.convert("RGB")
    return image


def _smooth(image: "Image.Image", columns: int) -> "Image.Resampling":
    """Average when shrinking, repeat pixels when growing by a whole factor, else interpolate."""
    from PIL import Image

    if columns < image.width:
        return Image.Resampling.BOX
    return Image.Resampling.NEAREST if columns % image.width == 0 else Image.Resampling.BICUBIC


def _png(picture: Any, image: "Image.Image") -> bytes:
    if isinstance(picture, bytes) and picture.startswith(b"\x89PNG"):
        return picture
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def _kitty(png: bytes, columns: int, rows: int) -> str:
    """Transmit and show a PNG (a=T, f=100) over columns x rows cells; q=2 asks for no answer."""
    payload = base64.standard_b64encode(png).decode("ascii")
    chunks = [payload[start : start + KITTY_CHUNK] for start in range(0, len(payload), KITTY_CHUNK)]
    control = f"a=T,f=100,q=2,c={columns},r={rows},"
    codes = []
    for number, chunk in enumerate(chunks):
        more = int(number < len(chunks) - 1)
        codes.append(f"\x1b_G{control if number == 0 else 'q=2,'}m={more};{chunk}\x1b\\")
    return "".join(codes)


def _iterm2(png: bytes, columns: int, rows: int) -> str:
    payload = base64.standard_b64encode(png).decode("ascii")
    arguments = f"inline=1;size={len(png)};width={columns};height={rows};preserveAspectRatio=1"
    return f"\x1b]1337;File={arguments}:{payload}\x07"


def _sixel(image: "Image.Image", rows: int) -> str:
    """Write at most 256 colours (median cut), six pixel rows a band, runs shortened."""
    from PIL import Image

    height = rows * SIXEL_CELL_HEIGHT
    width = max(1, round(image.width * height / image.height))
    indexed = image.resize((width, height), Image.Resampling.BICUBIC).quantize(256, dither=Image.Dither.NONE)
    palette = indexed.getpalette() or []
    pixels = indexed.tobytes()
    registers = []
    for index in sorted(set(pixels)):
        red, green, blue = (round(value * 100 / 255) for value in palette[3 * index : 3 * index + 3])
        registers.append(f"#{index};2;{red};{green};{blue}")
    bands = [_sixel_band(pixels[top * width : (top + 6) * width], width) for top in range(0, height, 6)]
    return f'\x1bPq"1;1;{width};{height}' + "".join(registers) + "-".join(bands) + "\x1b\\"


def _sixel_band(pixels: bytes, width: int) -> str:
    """Return up to six pixel rows: for each colour in them a line of characters, each a column of bits from `?`."""
    columns: dict[int, bytearray] = {}
    for position, index in enumerate(pixels):
        columns.setdefault(index, bytearray(width))[position % width] |= 1 << (position // width)
    lines = []
    for index, bits in sorted(columns.items()):
        lines.append(f"#{index}" + "".join(_runs(bits)))
    return "$".join(lines)


def _runs(bits: bytearray) -> Iterator[str]:
    start = 0
    for position in range(1, len(bits) + 1):
        if position == len(bits) or bits[position] != bits[start]:
            count, character = position - start, chr(63 + bits[start])
            yield f"!{count}{character}" if count > 3 else character * count
            start = position


def _half_block_lines(image: "Image.Image", colours: int) -> Iterator[str]:
    """Yield one line for two pixel rows: the upper half block, foreground above and background below."""
    pixels = image.tobytes()
    stride = 3 * image.width
    for top in range(0, image.height, 2):
        upper, lower = (pixels[row * stride : (row + 1) * stride] for row in (top, top + 1))
        cells = [(_rgb(upper, column), _rgb(lower, column)) for column in range(image.width)]
        yield _grey_line(cells) if colours == 0 else _colour_line(cells, colours)


def _rgb(row: bytes, column: int) -> tuple[int, int, int]:
    return row[3 * column], row[3 * column + 1], row[3 * column + 2]


def _colour_line(cells: list[tuple[tuple[int, int, int], tuple[int, int, int]]], colours: int) -> str:
    line, last = [], ""
    for above, below in cells:
        code = f"\x1b[38;{_colour(above, colours)};48;{_colour(below, colours)}m"
        line.append("▀" if code == last else code + "▀")
        last = code
    return "".join(line) + "\x1b[0m"


def _colour(rgb: tuple[int, int, int], colours: int) -> str:
    return f"2;{rgb[0]};{rgb[1]};{rgb[2]}" if colours == TRUE_COLOURS else f"5;{nearest_256(rgb)}"


def nearest_256(rgb: tuple[int, int, int]) -> int:
    """Return the xterm colour, 16 to 255 (cube and greys), nearest in squared RGB distance."""
    steps = [min(range(6), key=lambda step, value=value: abs(CUBE_LEVELS[step] - value)) for value in rgb]  # type: ignore[misc]
    cube = [CUBE_LEVELS[step] for step in steps]
    grey_step = min(23, max(0, round((sum(rgb) / 3 - 8) / 10)))
    grey = 8 + 10 * grey_step
    cube_distance = sum((a - b) ** 2 for a, b in zip(rgb, cube, strict=True))
    grey_distance = sum((value - grey) ** 2 for value in rgb)
    if grey_distance < cube_distance:
        return 232 + grey_step
    return 16 + 36 * steps[0] + 6 * steps[1] + steps[2]


def _grey_line(cells: list[tuple[tuple[int, int, int], tuple[int, int, int]]]) -> str:
    """Return one character a cell by mean luma (Rec. 601), without escape codes."""
    characters = []
    for above, below in cells:
        luma = sum(0.299 * red + 0.587 * green + 0.114 * blue for red, green, blue in (above, below)) / 2
        characters.append(GREY_RAMP[min(len(GREY_RAMP) - 1, int(luma * len(GREY_RAMP) / 255))])
    return "".join(characters).rstrip()
