"""The work that the rules do grows with the length of a text alone, whatever the text is.

Python's `re` counts no steps, so this is held by the patterns' build: from each place in a text a pattern can go over a
bounded stretch only, or over a longer one in a single way.
"""

import importlib
import pkgutil
import re
from collections.abc import Iterator

import pytest

from aigc_cli.data import personal
from aigc_cli.data.pii import find_personal_data

parser = importlib.import_module("re._parser")
UNBOUNDED = parser.MAXREPEAT
REPEATS = {"MAX_REPEAT", "MIN_REPEAT"}
# What is searched for within a match of another pattern, or a window of a few dozen characters: (file, name).
WITHIN_A_WINDOW = {("addresses", "_FIRST_WORDS"), ("handles", "_NUMBER")}


def patterns() -> Iterator[tuple[str, str, re.Pattern[str]]]:
    for module in pkgutil.iter_modules(personal.__path__):
        found = vars(importlib.import_module(f"aigc_cli.data.personal.{module.name}"))
        for name, value in found.items():
            values = value if isinstance(value, tuple) else (value,)
            values = [part for one in values for part in (one if isinstance(one, tuple) else (one,))]
            for pattern in values:
                if isinstance(pattern, re.Pattern) and (module.name, name) not in WITHIN_A_WINDOW:
                    yield module.name, name, pattern


def faults(tree, inside=1, *, followed=False, possessive=False) -> Iterator[str]:
    """Yield what may cost more than a bounded number of steps a place.

    What is here may come `inside` times, has something behind it if `followed`, and is not gone back into where
    `possessive`.
    """
    parts = list(tree)
    for position, (operation, argument) in enumerate(parts):
        name, more = str(operation), followed or position + 1 < len(parts)
        if name == "POSSESSIVE_REPEAT":
            yield from faults(argument[2], inside, possessive=True)
        elif name in REPEATS:
            low, high, body = argument
            if not possessive and high == UNBOUNDED and (inside > 1 or more or _has_repeat(body)):
                yield f"an unbounded repeat around, within or before something: {argument}"
            if not possessive and low != high and high != UNBOUNDED and inside * high > 500:
                yield f"repeats within repeats, {inside} times {high}"
            yield from faults(body, inside * min(high, 1000), followed=more, possessive=possessive)
        elif name == "BRANCH":
            for branch in argument[1]:
                yield from faults(branch, inside, followed=more, possessive=possessive)
        elif name == "SUBPATTERN":
            yield from faults(argument[-1], inside, followed=more, possessive=possessive)
        elif name in ("ASSERT", "ASSERT_NOT"):
            yield from faults(argument[1], inside)
        elif name == "GROUPREF_EXISTS":
            for branch in argument[1:]:
                yield from faults(branch or (), inside, followed=more, possessive=possessive)


def _has_repeat(tree) -> bool:
    return re.search(r"MAX_REPEAT|MIN_REPEAT", repr(tree)) is not None


@pytest.mark.parametrize(
    "bad", ["(a+)+$", "(?:a+b?)*c", "a+b", r"(?:\d{1,60}-?){1,60}", "(?:[a-z]{0,40} ?){0,40}!", "(a|aa)+$", "(?:x|a+)b"]
)
def test_a_pattern_that_may_go_back_far_is_noticed(bad):
    assert list(faults(parser.parse(bad)))


def test_no_pattern_goes_back_far():
    seen = 0
    for module, name, pattern in patterns():
        assert not list(faults(parser.parse(pattern.pattern, pattern.flags))), (module, name)
        seen += 1
    assert seen >= 30


@pytest.mark.parametrize(
    "piece",
    ["a.", "a-", "1 ", "1-", "12 34 ", "+1 ", "00", "a@", "市区县镇", "市路1", "路12", "www.a.", "1.2.", "1:2:",
     "微信是a.", "GB82 ", "电话 ", "8(9", "٠", "ф.", "ф@", "https://a/字", "9132 0500 ", "110101 ", "a[at]b[dot]",
     "一号", "q:", "一", "电话幺", "a dot ", "a at a dot ", "a собака ", "字@字.", "薇a.",
     "디코#1", "номер 9", "大廈a室", "道1號字"],
)  # fmt: skip
def test_a_long_text_of_one_piece_over_and_over_is_read_to_its_end(piece):
    text = piece * (6_000 // len(piece)) + "。 mail x@example.com"
    assert find_personal_data(text)[-1].rule == "email"
