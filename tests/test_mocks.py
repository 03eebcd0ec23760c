"""What the tests may put in the place of something else: never what our own code does. Read from the tests themselves.

Allowed are constants made smaller or larger (names in capitals), what comes from outside and reaches our modules under
their names (a clock, the list of installed packages, stdin), and the few names of `ALLOWED`, each with its reason.
"""

import ast
import importlib
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
ALLOWED = {
    "aigc_cli.core.disk.own.exchange": "a call of the system: made at the worst moment, or one that a disk cannot do",
    "aigc_cli.data.pictures.dicebear.usable_cores": "a fact of the machine, as a clock is",
    "aigc_cli.gpt.decoding.decode.draw": "the dice: tests note what they are given, or throw them",
}
REPLACING = {"setattr", "delattr", "patch", "object"}


def imports_of(tree):
    """Return the full name behind each name that a test file imports."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.asname or alias.name.split(".")[0]: alias.asname and alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return {name: whole or name for name, whole in names.items()}


def replaced(tree):
    """Yield (line, full name) of all that a test file replaces while it runs."""
    names = imports_of(tree)

    def full(node):
        if isinstance(node, ast.Attribute):
            return f"{full(node.value)}.{node.attr}"
        return names.get(node.id, node.id) if isinstance(node, ast.Name) else "?"

    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in REPLACING:
            target, *others = node.args
            if isinstance(target, ast.Constant):
                yield node.lineno, target.value
            elif others and isinstance(others[0], ast.Constant):
                yield node.lineno, f"{full(target)}.{others[0].value}"
        elif isinstance(node, ast.Assign | ast.AugAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                root = root_of(target)
                if isinstance(target, ast.Attribute) and "." in names.get(getattr(root, "id", ""), ""):
                    yield node.lineno, full(target)


def root_of(node):
    while isinstance(node, ast.Attribute):
        node = node.value
    return node


def is_ours(name):
    """Whether a full name is something that aigc does: neither a constant nor from outside."""
    parts = name.split(".")
    if parts[0] not in ("aigc_cli", "benchmarks"):
        return False
    if parts[-1].strip("_").isupper() or name in ALLOWED:
        return False
    for end in range(len(parts) - 1, 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        for part in parts[end:]:
            found = getattr(found, part, None)
            source = getattr(found, "__module__", None) or getattr(found, "__name__", "aigc_cli")
            if source.split(".")[0] not in ("aigc_cli", "benchmarks"):
                return False
        return True
    return True


FILES = sorted(TESTS.rglob("*.py"))


def test_no_test_replaces_what_our_own_code_does():
    found = [
        f"{path.relative_to(TESTS)}:{line}: {name}"
        for path in FILES
        for line, name in replaced(ast.parse(path.read_text(encoding="utf-8")))
        if is_ours(name)
    ]
    assert found == []


def test_every_exception_is_one_that_is_made():
    made = {name for path in FILES for _, name in replaced(ast.parse(path.read_text(encoding="utf-8")))}
    assert set(ALLOWED) <= made


def test_no_test_uses_a_library_of_mocks():
    for path in FILES:
        imported = imports_of(ast.parse(path.read_text(encoding="utf-8"))).values()
        assert not [name for name in imported if name.split(".")[0] in ("mock", "pytest_mock") or "unittest" in name]


@pytest.mark.parametrize(
    ("line", "is_bad"),
    [
        ("monkeypatch.setattr('aigc_cli.training.loop.time.monotonic', clock)", False),
        ("from aigc_cli.data import textset as t; monkeypatch.setattr(t, 'SHARD_BYTES', 9)", False),
        ("from aigc_cli.data import textset as t; t.SHARD_BYTES = 9", False),
        ("from aigc_cli.data.pictures import dicebear; monkeypatch.setattr(dicebear, 'find_spec', none)", False),
        ("import shutil; monkeypatch.setattr(shutil, 'disk_usage', full)", False),
        ("from aigc_cli.data.pictures import images; monkeypatch.setattr(images, 'write_jsonl', full)", True),
        ("from aigc_cli.data.pictures import images; images.write_jsonl = full", True),
        ("import aigc_cli.app as app; monkeypatch.delattr(app, 'main')", True),
        ("import aigc_cli.app; mock.patch.object(aigc_cli.app, 'run', fine)", True),
        ("mock.patch('aigc_cli.gpt.model.GptModel.logits')", True),
    ],
)
def test_the_rule_tells_a_mock_from_a_smaller_constant_and_a_clock(line, is_bad):
    [(_, name)] = replaced(ast.parse(line))
    assert is_ours(name) is is_bad
