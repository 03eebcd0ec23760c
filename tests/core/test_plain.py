from aigc_cli.core.errors import BadData
from aigc_cli.core.plain import clean, one_line

HOSTILE = "a\x1b[31mred\x1b]0;title\x07\x9b2Jb\tc\nd\x7f\ud800"


def test_nothing_is_left_that_steers_a_terminal():
    assert clean(HOSTILE) == "a[31mred]0;title2Jb\tc\nd\ufffd"
    assert one_line("  one\n\x85two\u2028three ") == "one two three"


def test_an_error_is_one_harmless_line():
    assert str(BadData(f"{HOSTILE}.png: broken", "open\nit")) == "a[31mred]0;title2Jb c d\ufffd.png: broken (open it)"
