"""Every protocol is read back by a small decoder written from the protocol's description, not from the writer."""

import base64
import io
import itertools
import re

import numpy as np
import pyte
import pytest
from PIL import Image

from aigc_cli.core.errors import UsageProblem
from aigc_cli.core.screen.pictures import (
    TRUE_COLOURS,
    PictureStyle,
    as_image,
    choose_style,
    draw,
    nearest_256,
    rows_for,
)


def gradient(height=32, width=32):
    """A picture whose every pixel is different, so that a transposed or shifted one is noticed."""
    rows, columns = np.mgrid[0:height, 0:width]
    return np.stack([rows * 7 % 256, columns * 5 % 256, (rows * width + columns) % 256], axis=-1).astype(np.uint8)


def four_colours(size=40):
    picture = np.zeros((size, size, 3), np.uint8)
    half = size // 2
    picture[:half, :half] = (255, 0, 0)
    picture[:half, half:] = (0, 255, 0)
    picture[half:, :half] = (0, 0, 255)
    picture[half:, half:] = (255, 255, 255)
    return picture


def png_bytes(array):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG")
    return buffer.getvalue()


def decode_kitty(text):
    """Return (control keys of the first code, payload) after checking the chunk rules."""
    codes = re.findall(r"\x1b_G([^;]*);([A-Za-z0-9+/=]*)\x1b\\", text)
    rest = re.sub(r"\x1b_G[^;]*;[A-Za-z0-9+/=]*\x1b\\", "", text)
    assert rest == "\n"
    keys = [dict(pair.split("=") for pair in control.split(",")) for control, _ in codes]
    assert [key["m"] for key in keys] == ["1"] * (len(codes) - 1) + ["0"]
    assert all(len(payload) <= 4096 for _, payload in codes)
    assert all(len(payload) % 4 == 0 for _, payload in codes)
    assert all(key["q"] == "2" for key in keys)
    return keys[0], base64.standard_b64decode("".join(payload for _, payload in codes))


def decode_sixel(text):
    """Return H x W x 3 percentages, a plain reading of the DEC manual's state machine."""
    body = re.fullmatch(r"\x1bPq(.*)\x1b\\\n", text, re.DOTALL).group(1)
    width, height = (int(value) for value in re.match(r'"1;1;(\d+);(\d+)', body).groups())
    body = body[re.match(r'"[\d;]*', body).end() :]
    canvas = np.full((height + 6, width, 3), -1)
    registers, colour, x, y = {}, None, 0, 0
    for token in re.findall(r"#\d+;2;\d+;\d+;\d+|#\d+|!\d+[?-~]|[?-~]|\$|-", body):
        if token.startswith("#") and ";" in token:
            number, _, *rgb = token[1:].split(";")
            registers[int(number)] = [int(value) for value in rgb]
        elif token.startswith("#"):
            colour = registers[int(token[1:])]
        elif token == "$":
            x = 0
        elif token == "-":
            x, y = 0, y + 6
        else:
            count = int(token[1:-1]) if token.startswith("!") else 1
            bits = ord(token[-1]) - 63
            for row in (row for row in range(6) if bits >> row & 1):
                canvas[y + row, x : x + count] = colour
            x += count
            assert x <= width
    assert (canvas[height:] == -1).all()
    return canvas[:height]


def test_kitty_carries_the_picture_in_chunks_and_asks_for_no_answer():
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    keys, payload = decode_kitty(draw(noise, 24, PictureStyle("kitty")))
    assert (keys["a"], keys["f"], keys["c"], keys["r"]) == ("T", "100", "24", "12")
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(payload))), noise)


def test_png_bytes_are_passed_on_untouched_so_that_a_label_survives():
    png = png_bytes(gradient())
    assert decode_kitty(draw(png, 20, PictureStyle("kitty")))[1] == png
    match = re.fullmatch(r"\x1b\]1337;File=(.*):(.*)\x07\n", draw(png, 20, PictureStyle("iterm2")))
    assert base64.standard_b64decode(match.group(2)) == png


def test_iterm2_says_size_and_cells():
    text = draw(four_colours(), 20, PictureStyle("iterm2"))
    arguments, payload = re.fullmatch(r"\x1b\]1337;File=(.*):(.*)\x07\n", text).groups()
    values = dict(pair.split("=") for pair in arguments.split(";"))
    data = base64.standard_b64decode(payload)
    assert values["inline"] == "1"
    assert int(values["size"]) == len(data)
    assert (values["width"], values["height"]) == ("20", "10")
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(data))), four_colours())


def test_sixel_paints_every_pixel_and_the_colours_are_in_place():
    canvas = decode_sixel(draw(four_colours(), 20, PictureStyle("sixel")))
    assert canvas.shape == (200, 200, 3)
    assert canvas.min() >= 0
    corners = [canvas[20, 20], canvas[20, 180], canvas[180, 20], canvas[180, 180]]
    assert np.abs(np.array(corners) - [(100, 0, 0), (0, 100, 0), (0, 0, 100), (100, 100, 100)]).max() <= 1


def test_sixel_of_a_smooth_picture_is_close_to_it():
    size = 60
    smooth = np.stack([np.tile(np.linspace(0, 255, size), (size, 1))] * 3, -1).astype(np.uint8)
    canvas = decode_sixel(draw(smooth, 30, PictureStyle("sixel")))
    middle = canvas[150, ::5, 0] * 255 / 100
    assert np.abs(middle - np.linspace(0, 255, size)).max() < 8


def screen_of(text, columns=40, lines=24):
    screen = pyte.Screen(columns, lines)
    pyte.Stream(screen).feed(text.replace("\n", "\r\n"))
    return screen


def test_half_blocks_show_two_exact_pixels_a_cell():
    picture = gradient(20, 20)
    screen = screen_of(draw(picture, 20, PictureStyle("half-blocks", TRUE_COLOURS)))
    for row, column in itertools.product(range(10), range(20)):
        cell = screen.buffer[row][column]
        assert cell.data == "▀"
        assert cell.fg == bytes(picture[2 * row, column]).hex()
        assert cell.bg == bytes(picture[2 * row + 1, column]).hex()
    assert screen.buffer[0][20].data == " "
    assert screen.buffer[0][20].bg == "default"
    assert (screen.cursor.x, screen.cursor.y) == (0, 10)


def test_half_blocks_in_256_colours_are_near():
    picture = gradient(20, 20)
    screen = screen_of(draw(picture, 20, PictureStyle("half-blocks", 256)))
    for row, column in itertools.product(range(10), range(20)):
        shown = np.frombuffer(bytes.fromhex(screen.buffer[row][column].fg), np.uint8).astype(int)
        assert np.abs(shown - picture[2 * row, column]).max() <= 48


def test_nearest_256_is_the_nearest_of_all_by_search():
    levels = (0, 95, 135, 175, 215, 255)
    palette = {16 + 36 * r + 6 * g + b: (levels[r], levels[g], levels[b]) for r, g, b in np.ndindex(6, 6, 6)}
    palette |= {232 + step: (8 + 10 * step,) * 3 for step in range(24)}
    for rgb in np.random.default_rng(1).integers(0, 256, (300, 3)).tolist() + [[v, v, v] for v in range(0, 256, 5)]:
        best = min(sum((a - b) ** 2 for a, b in zip(rgb, colour, strict=True)) for colour in palette.values())
        chosen = palette[nearest_256(tuple(rgb))]
        assert sum((a - b) ** 2 for a, b in zip(rgb, chosen, strict=True)) == best


def test_without_colour_there_are_no_escape_codes_and_bright_is_dense():
    picture = np.zeros((8, 8, 3), np.uint8)
    picture[:, 4:] = 255
    lines = draw(picture, 8, PictureStyle("half-blocks", 0)).split("\n")
    assert lines == ["    @@@@"] * 4 + [""]


def test_a_wide_picture_keeps_its_proportions_and_shrinking_averages():
    picture = np.zeros((32, 64, 3), np.uint8)
    picture[:, ::2] = 200
    assert rows_for(picture, 32) == 8
    screen = screen_of(draw(picture, 32, PictureStyle("half-blocks", TRUE_COLOURS)))
    assert {screen.buffer[row][column].fg for row in range(8) for column in range(32)} == {"646464"}


def test_grey_alpha_and_array_pictures_are_accepted():
    grey = Image.new("L", (4, 4), 90)
    assert as_image(grey).getpixel((0, 0)) == (90, 90, 90)
    clear = Image.new("RGBA", (4, 4), (255, 255, 255, 0))
    assert as_image(clear).getpixel((0, 0)) == (0, 0, 0)


def test_none_draws_nothing():
    assert draw(gradient(), 20, PictureStyle("none", 0)) == ""


@pytest.mark.parametrize(
    ("environment", "protocol", "colours"),
    [
        ({"TERM": "xterm-kitty"}, "kitty", TRUE_COLOURS),
        ({"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}, "kitty", 256),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app", "COLORTERM": "truecolor"}, "iterm2", TRUE_COLOURS),
        ({"TERM": "foot"}, "sixel", TRUE_COLOURS),
        ({"TERM": "tmux-256color", "TMUX": "/tmp/x", "KITTY_WINDOW_ID": "1"}, "half-blocks", 256),
        ({"TERM": "xterm-256color"}, "half-blocks", 256),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, "half-blocks", 0),
        ({"TERM": "dumb"}, "none", 0),
        ({"TERM": "dumb", "AIGC_PICTURES": "sixel"}, "sixel", 0),
        ({"AIGC_PICTURES": "none", "KITTY_WINDOW_ID": "1"}, "none", 0),
    ],
)
def test_protocol_and_colours_come_from_the_environment(environment, protocol, colours):
    assert choose_style(environment, is_terminal=True) == PictureStyle(protocol, colours)


KITTY = {"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}


@pytest.mark.parametrize(
    ("environment", "protocol"),
    [
        (KITTY | {"TERM_PROGRAM": "vscode"}, "half-blocks"),
        (KITTY | {"TERM_PROGRAM": "Apple_Terminal"}, "half-blocks"),
        (KITTY | {"TERM_PROGRAM": "WezTerm"}, "iterm2"),
        (KITTY | {"ZELLIJ": "0"}, "half-blocks"),
        ({"TERM": "xterm-kitty", "KITTY_WINDOW_ID": "1", "ZELLIJ": "0"}, "half-blocks"),
        ({"TERM": "xterm-ghostty", "TERM_PROGRAM": "ghostty", "ZELLIJ": "0"}, "half-blocks"),
        (KITTY | {"NVIM": "/run/user/nvim.sock"}, "half-blocks"),
        (KITTY | {"VIM_TERMINAL": "901"}, "half-blocks"),
        (KITTY | {"INSIDE_EMACS": "29.1,vterm"}, "half-blocks"),
        (KITTY | {"STY": "1.pts"}, "half-blocks"),
        (KITTY | {"VTE_VERSION": "7600"}, "half-blocks"),
        (KITTY | {"KONSOLE_VERSION": "230804"}, "half-blocks"),
        (KITTY | {"XTERM_VERSION": "XTerm(379)"}, "half-blocks"),
        ({"TERM": "alacritty", "KITTY_WINDOW_ID": "1"}, "half-blocks"),
        ({"TERM": "st-256color", "KITTY_WINDOW_ID": "1"}, "half-blocks"),
        ({"TERM": "foot", "KITTY_WINDOW_ID": "1"}, "sixel"),
        ({"TERM": "xterm-kitty", "TERM_PROGRAM": "WezTerm", "VTE_VERSION": "7600"}, "kitty"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "Apple_Terminal", "LC_TERMINAL": "iTerm2"}, "half-blocks"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app", "NVIM": "/x"}, "half-blocks"),
        ({"TERM": "xterm-256color", "LC_TERMINAL": "iTerm2"}, "iterm2"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "ghostty"}, "kitty"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "mintty"}, "sixel"),
    ],
)
def test_what_an_outer_terminal_left_in_the_environment_is_not_believed(environment, protocol):
    assert choose_style(environment, is_terminal=True).protocol == protocol


def test_no_terminal_no_picture_unless_asked():
    assert choose_style({"TERM": "xterm-kitty"}, is_terminal=False).protocol == "none"
    assert choose_style({"AIGC_PICTURES": "half-blocks"}, is_terminal=False).protocol == "half-blocks"


def test_an_unknown_protocol_is_a_usage_problem():
    with pytest.raises(UsageProblem, match="AIGC_PICTURES='regis'"):
        choose_style({"AIGC_PICTURES": "regis"}, is_terminal=True)
