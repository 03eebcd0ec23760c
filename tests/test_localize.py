import pytest

from aigc_cli.app import run
from aigc_cli.core.words import messages
from aigc_cli.core.words.plain import cell_width
from aigc_cli.localize import HelpPage


@pytest.fixture(autouse=True)
def in_chinese():
    messages.set_language("zh-CN")
    yield
    messages.set_language("en")


def test_columns_begin_at_the_same_cell_whatever_the_script():
    page = HelpPage(width=60)
    page.write_dl([("参数甲", "第一行说明"), ("ab", "第二行说明")])
    lines = page.getvalue().splitlines()
    assert {cell_width(line[: line.index("第")]) for line in lines} == {8}


def test_a_wrapped_usage_line_stands_under_its_beginning():
    page = HelpPage(width=50)
    page.write_usage("aigc", "one " * 20)
    first, second, *_ = page.getvalue().splitlines()
    assert cell_width(first[: first.index("one")]) == len(second) - len(second.lstrip()) == cell_width("用法：aigc ")


def test_what_the_framework_adds_is_translated_and_not_broken(capsys):
    assert run(["sample", "--help"]) == 0
    out = capsys.readouterr().out
    assert "[必填]" in out and "[默认：16]" in out
    assert "required" not in out and "default:" not in out
    assert all(line.count("[默认") == line.count("]") for line in out.splitlines() if "[默认" in line)
