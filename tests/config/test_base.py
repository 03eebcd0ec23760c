import math
from dataclasses import dataclass
from pathlib import Path

import pytest

from aigc_cli.config.base import as_json, option_name, resolve, setting, typed_values
from aigc_cli.config.files import lines_of, variable
from aigc_cli.core.errors import BadConfig, UsageProblem

PRESETS = {"small": {"width": 10}, "large": {"width": 99, "rate": 0.5}}


@dataclass(frozen=True, kw_only=True)
class Shape:
    preset: str = setting("small", "A preset.")
    width: int = setting(1, "How wide.", minimum=1, maximum=100)
    rate: float = setting(0.1, "How fast.", minimum=0)
    colour: str = setting("red", "Which colour.", choices=("red", "green"))
    place: Path | None = setting(None, "Where.")  # noqa: RUF009
    deep: bool = setting(False, "Whether deep.")
    with_: tuple[str, ...] = setting((), "With whom.")


def test_precedence_is_default_preset_file_given():
    assert resolve(Shape, {}).width == 1
    assert resolve(Shape, {}, presets=PRESETS).width == 10
    chosen = resolve(Shape, {"width": 5}, presets=PRESETS, file_values={"preset": "large", "width": 7})
    assert (chosen.width, chosen.rate) == (5, 0.5)
    assert resolve(Shape, {}, presets=PRESETS, file_values={"preset": "large", "width": 7}).width == 7


@pytest.mark.parametrize(
    "given, message",
    [
        ({"width": 0}, "--width 0 is too small"),
        ({"width": 101}, "--width 101 is too large"),
        ({"rate": math.nan}, "--rate is not a number"),
        ({"rate": math.inf}, "--rate inf is not finite"),
        ({"colour": "gren"}, "did you mean 'green'"),
        ({"preset": "lrge"}, "did you mean 'large'"),
    ],
)
def test_what_does_not_fit_is_named(given, message):
    with pytest.raises(UsageProblem, match=message):
        resolve(Shape, given, presets=PRESETS)


def test_unknown_key_in_the_file_is_refused():
    with pytest.raises(BadConfig, match="did you mean 'width'"):
        resolve(Shape, {}, file_values={"widht": 3})


def test_values_of_the_file_take_their_field_s_type():
    settings = resolve(Shape, {}, file_values={"rate": 2, "place": "here/there", "deep": True})
    assert (settings.rate, type(settings.rate), settings.place) == (2.0, float, Path("here/there"))


def test_several_strings_are_none_one_or_a_list_in_files_and_records():
    for value, taken in ((["a, b", "c"], ("a, b", "c")), ("a, b", ("a, b",)), ([], ())):
        settings = resolve(Shape, {}, file_values={"with": value})
        assert settings.with_ == taken
        assert as_json(settings)["with"] == (value or None)
    with pytest.raises(UsageProblem, match="--with is empty"):
        resolve(Shape, {"with_": ("a", " ")})
    assert lines_of("a, b\n\n c \n") == ("a, b", "c")


def test_the_underscore_of_a_keyword_is_no_part_of_a_setting_s_name():
    assert (option_name("with_"), variable("with_")) == ("--with", "AIGC_WITH")
    with pytest.raises(BadConfig, match=r"'with_' is no setting of this command .*'with'"):
        typed_values(Shape, {"with_": "a"}, "aigc.toml")
    with pytest.raises(BadConfig, match=r"aigc\.toml: with = is empty"):
        resolve(Shape, {}, file_values={"with": ""})


@pytest.mark.parametrize(
    "wrong",
    [
        {"width": "3"},
        {"width": 4.5},
        {"width": True},
        {"deep": "yes"},
        {"place": 3},
        {"with": 3},
        {"with": ["a", 3]},
    ],
)
def test_a_value_of_another_type_in_the_file_is_refused(wrong):
    with pytest.raises(BadConfig, match=next(iter(wrong))):
        resolve(Shape, {}, file_values=wrong)
