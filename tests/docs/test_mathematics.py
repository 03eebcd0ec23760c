"""MATHEMATICS.md: the functions and tests that it names are there, and its worked numbers are what they give."""

import ast
import re
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "MATHEMATICS.md").read_text(encoding="utf-8")
SHARED, *REST = re.split(r"^## ", TEXT, flags=re.MULTILINE)
SECTIONS = {section.splitlines()[0]: section for section in REST}


def blocks(text: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


def defined_in(path: str) -> set[str]:
    """Return the names of the functions and classes at the top of a file."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}


@pytest.mark.parametrize("title", SECTIONS)
def test_what_a_section_names_is_there(title: str) -> None:
    functions = re.findall(r"`(aigc_cli/[\w/]+\.py):(\w+)`", SECTIONS[title])
    tests = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", SECTIONS[title])
    assert functions
    assert tests
    for path, name in functions + tests:
        assert name in defined_in(path), f"{path} has no {name}"
    [block] = blocks(SECTIONS[title])
    used = {
        alias.name for node in ast.walk(ast.parse(block)) if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert used & {name for _, name in functions}, "the worked number is not computed by the function it names"


@pytest.mark.parametrize("title", SECTIONS)
def test_worked_numbers_are_what_our_functions_give(title: str) -> None:
    names: dict[str, object] = {}
    [shared], [block] = blocks(SHARED), blocks(SECTIONS[title])
    before = torch.get_default_dtype()
    try:
        exec(compile(shared, "MATHEMATICS.md", "exec"), names)
        exec(compile(block, f"MATHEMATICS.md: {title}", "exec"), names)
    finally:
        torch.set_default_dtype(before)
    assert "assert near(" in block or "assert draw(" in block or "assert [" in block
