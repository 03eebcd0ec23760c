import math

from aigc_cli.core.screen.chart import BLOCKS, chart, sparkline


def test_a_sparkline_runs_from_the_lowest_to_the_highest_block():
    assert sparkline([]) == ""
    assert sparkline([3.0]) == BLOCKS[0]
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7]) == BLOCKS
    assert sparkline([7.0, math.nan, 0.0]) == BLOCKS[-1] + BLOCKS[0]


def test_a_long_sparkline_averages_shares_of_the_values():
    assert sparkline([0.0] * 50 + [2.0, 4.0] * 25 + [6.0] * 50, width=3) == BLOCKS[0] + BLOCKS[4] + BLOCKS[7]


def lit(rows):
    """Return the places (column, row) of all dots of a chart, as a reader of braille patterns finds them."""
    places = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3)]  # bits 0 to 7 (Unicode U+2800)
    return {
        (2 * column + places[bit][0], 4 * row + places[bit][1])
        for row, (_, cells) in enumerate(rows)
        for column, (character, _) in enumerate(cells)
        if character != " "
        for bit in range(8)
        if (ord(character) - 0x2800) >> bit & 1
    }


def test_a_falling_line_is_a_diagonal_of_dots():
    rows = chart({"a": [(0, 1.0), (7, 0.0)]}, width=4, height=2)
    assert lit(rows) == {(place, place) for place in range(8)}
    assert [label for label, _ in rows] == ["1", "0"]


def test_points_are_joined_where_they_lie_far_apart():
    dots = lit(chart({"a": [(0, 0.0), (1, 1.0)]}, width=10, height=5))
    assert {row for _, row in dots} == set(range(20))
    assert {column for column, _ in dots} == set(range(20))


def test_curves_share_the_axes_and_the_last_one_is_in_front():
    rows = chart({"low": [(0, 0.0), (9, 0.0)], "high": [(0, 2.0), (9, 2.0)], "over": [(0, 0.0), (1, 0.0)]}, 5, 4)
    assert [{name for _, name in cells} for _, cells in rows] == [{"high"}, {""}, {""}, {"low", "over"}]
    assert rows[-1][1][0][1] == "over"
    assert [label for label, _ in rows] == ["2", "", "", "0"]


def test_what_is_not_finite_is_left_out():
    assert chart({"a": [(0, math.nan), (1, math.inf)]}, 5, 2) == []
    assert len(lit(chart({"a": [(0, 1.0), (1, math.nan)]}, 5, 2))) == 1
