"""The layer rule, read from the imports: what each part of the package may know of the others."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = Path(__file__).parents[1] / "aigc_cli"

# What a part may import besides itself. `table` names the commands and their settings and imports them when asked;
# `options` turns settings into options, `shared_options` are those of every command; `help_pages` lays out help,
# `localize` translates it; `loading` builds the command that is asked for; `app` runs it.
BELOW = {
    "config": {"core.errors", "core.words.messages"},
    "core": set(),
    "training": {"config", "core"},
    "data": {"config", "core"},
    "measure": {"config", "core", "data"},
    "gan": {"config", "core", "data", "measure", "training"},
    "gpt": {"config", "core", "data", "measure", "training"},
    "avatar": {"config", "core", "data", "measure", "gan", "gpt", "training"},
    "evaluation": {"config", "core", "data", "measure", "gan", "gpt", "training"},
    "table": {"config", "core"},
    "shared_options": {"config", "core"},
    "options": {"config", "core", "shared_options", "table"},
    "help_pages": {"config", "core"},
    "localize": {"core", "help_pages"},
    "commands": {
        *("config", "core", "data", "measure", "gan", "gpt", "training", "avatar", "evaluation"),
        *("options", "table"),
    },
    "loading": {"core", "shared_options", "table", "help_pages", "localize"},
    "app": {"core", "shared_options", "loading", "localize"},
    "__main__": {"app"},
}
# The rooms of core, each with those that it may know; what stands in none of them is everybody's.
ROOMS = {
    "words": set(),
    "screen": {"words"},
    "machine": {"words"},
    "disk": {"machine", "words"},
}
RICH = ("core.screen.console", "core.screen.progress", "core.screen.pictures", "commands")
WITHOUT_TORCHVISION = ("gpt", "avatar", "data.dialogue", "data.tokenizer", "data.chat")
LIGHT = ("app", "loading", "table", "options", "shared_options", "help_pages", "localize", "config", "commands")
HEAVY = {"torch", "numpy", "PIL", "torchvision"}


class Import(NamedTuple):
    module: str
    at_top: bool


def imports_of(source: str, *, for_types: bool = False) -> set[Import]:
    """Return what a module imports; `from a import b` counts as a.b. Those for type checkers alone only `for_types`."""
    found: set[Import] = set()

    def visit(node: ast.AST, at_top: bool) -> None:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test) and not for_types:
            for otherwise in node.orelse:
                visit(otherwise, at_top)
            return
        if isinstance(node, ast.Import):
            found.update(Import(alias.name, at_top) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            found.update(Import(f"{node.module}.{alias.name}", at_top) for alias in node.names)
        inner = at_top and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for child in ast.iter_child_nodes(node):
            visit(child, inner)

    visit(ast.parse(source), True)
    return found


def within(module: str, parts: tuple[str, ...] | set[str]) -> bool:
    return any(module == part or module.startswith(part + ".") for part in parts)


def upward(module: str, source: str) -> list[str]:
    """Return the imports of our own that a module, named without `aigc_cli.`, must not have."""
    own = [imported.module.removeprefix("aigc_cli.") for imported in imports_of(source) if is_ours(imported.module)]
    part = module.split(".")[0]
    return [name for name in own if name != "__version__" and not within(name, {part} | BELOW[part])]


def backward(module: str, source: str) -> list[str]:
    """Return the imports by which a module of core knows a room of it that it must not; errors know the words alone."""
    room = module.split(".")[1]
    unknown = ROOMS.keys() - {room, *ROOMS.get(room, {"words"})}
    own = [imported.module.removeprefix("aigc_cli.") for imported in imports_of(source)]
    return [name for name in own if within(name, {f"core.{other}" for other in unknown})]


def is_ours(module: str) -> bool:
    return module.split(".")[0] == "aigc_cli"


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if name:
            yield name, path


SOURCES = {name: path.read_text(encoding="utf-8") for name, path in modules()}


@cache
def loaded_by(module: str) -> frozenset[str]:
    """Return the packages of others that importing a module loads, through our own modules' top-level imports."""
    packages: set[str] = set()
    seen: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in seen or name not in SOURCES:
            continue
        seen.add(name)
        waiting += [".".join(name.split(".")[:depth]) for depth in range(1, name.count(".") + 1)]
        for imported in imports_of(SOURCES[name]):
            if not imported.at_top:
                continue
            if is_ours(imported.module):
                inner = imported.module.removeprefix("aigc_cli.")
                waiting += [inner, inner.rpartition(".")[0]]
            else:
                packages.add(imported.module.split(".")[0])
    return frozenset(packages)


def known_by(sources: dict[str, str]) -> dict[str, set[str]]:
    """Return the modules among `sources` that each imports, wherever in it and be it for type checkers alone."""
    known: dict[str, set[str]] = {}
    for module, source in sources.items():
        names = {imported.module.removeprefix("aigc_cli.") for imported in imports_of(source, for_types=True)}
        found = {name if name in sources else name.rpartition(".")[0] for name in names}
        known[module] = (found & sources.keys()) - {module}
    return known


def knots(sources: dict[str, str]) -> list[set[str]]:
    """Return the groups of modules each of which imports all others of its group, if through others."""
    known, reached = known_by(sources), {}
    for module in sources:
        seen: set[str] = set()
        waiting = [module]
        while waiting:
            fresh = known[waiting.pop()] - seen
            seen |= fresh
            waiting += fresh
        reached[module] = seen
    tied = {frozenset(other for other in reached[module] if module in reached[other]) for module in sources}
    return [set(group) for group in tied if group]


@pytest.mark.parametrize("module", SOURCES)
def test_nothing_imports_upward(module: str) -> None:
    assert upward(module, SOURCES[module]) == []


@pytest.mark.parametrize("module", [name for name in SOURCES if name.startswith("core.")])
def test_the_rooms_of_core_know_each_other_in_one_direction(module: str) -> None:
    assert backward(module, SOURCES[module]) == []


@pytest.mark.parametrize("module", [name for name in SOURCES if not within(name, RICH)])
def test_only_talkers_know_rich(module: str) -> None:
    assert not {imported.module for imported in imports_of(SOURCES[module]) if within(imported.module, ("rich",))}


@pytest.mark.parametrize("module", [name for name in SOURCES if within(name, WITHOUT_TORCHVISION)])
def test_text_never_loads_torchvision(module: str) -> None:
    assert not {
        imported.module for imported in imports_of(SOURCES[module]) if within(imported.module, ("torchvision",))
    }
    assert "torchvision" not in loaded_by(module)


@pytest.mark.parametrize("module", [name for name in SOURCES if within(name, LIGHT)])
def test_the_command_line_loads_nothing_heavy(module: str) -> None:
    assert not loaded_by(module) & HEAVY


def test_no_two_modules_import_each_other() -> None:
    assert knots(SOURCES) == []


def test_knots_are_found_through_functions_and_other_modules() -> None:
    sources = {
        "a.x": "from aigc_cli.a import y",
        "a.y": "def f():\n    from aigc_cli.b.z import g",
        "b.z": "import aigc_cli.a.x",
        "b.outside": "from aigc_cli.a.x import h",
    }
    assert knots(sources) == [{"a.x", "a.y", "b.z"}]
    assert knots({**sources, "b.z": "import torch"}) == []
    typed = {"a.x": "from aigc_cli.a import y", "a.y": "if TYPE_CHECKING:\n    from aigc_cli.a.x import T"}
    assert knots(typed) == [{"a.x", "a.y"}]


def test_the_rule_catches_what_it_forbids() -> None:
    assert upward("gan.trainer", "from aigc_cli.gpt import model") == ["gpt.model"]
    assert upward("training.loop", "def f():\n    import aigc_cli.data.manifest") == ["data.manifest"]
    assert upward("config.chat", "from aigc_cli.core.disk.files import read_json") == ["core.disk.files.read_json"]
    assert upward("config.chat", "from aigc_cli.core.errors import BadData") == []
    assert upward("avatar.face", "from aigc_cli.evaluation.text import evaluate_run") != []
    assert upward("commands.chat", "from aigc_cli import __version__\nfrom aigc_cli.avatar import memory") == []


def test_imports_in_functions_and_for_type_checkers_are_told_apart() -> None:
    source = "import a\nif TYPE_CHECKING:\n    import b\ndef f():\n    import c\nclass D:\n    import d"
    assert imports_of(source) == {Import("a", True), Import("c", False), Import("d", True)}


def test_loading_is_followed_through_our_own_modules() -> None:
    assert {"torch", "safetensors"} <= loaded_by("gpt.trainer")
    assert "typer" in loaded_by("options")
