"""No file that aigc writes or reads is a pickle, which could run code: read from the source of every module."""

import ast
from pathlib import Path

import pytest

import aigc_cli

PACKAGE = Path(aigc_cli.__file__).parent
PICKLING = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}


def calls_a_pickler(node):
    """Say whether a call pickles: torch's own files, arrays of objects, the usual storage of sharded checkpoints."""
    name = ast.unparse(node.func)
    options = {option.arg: ast.unparse(option.value) for option in node.keywords}
    if name == "torch.load":
        return options.get("weights_only") != "True"
    if name == "np.load":
        return options.get("allow_pickle") == "True"
    return name in ("torch.save", "torch.jit.load") or name.endswith("FileSystemWriter")


def pickles(source):
    """Return what in a module's source would write a pickle, or read one that may be more than plain tensors."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.split(".")[0] in PICKLING]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in PICKLING:
            found.append(node.module)
        elif isinstance(node, ast.Call) and calls_a_pickler(node):
            found.append(ast.unparse(node.func))
    return found


def test_no_module_pickles():
    found = {path.name: pickles(path.read_text(encoding="utf-8")) for path in PACKAGE.rglob("*.py")}
    assert {name: words for name, words in found.items() if words} == {}


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from pickle import loads",
        "torch.save(a, b)",
        "torch.load(path)",
        "dcp.FileSystemWriter(place)",
    ],
)
def test_what_pickles_is_found(source):
    assert pickles(source)


def test_only_the_wheels_weights_are_read_by_torch_itself():
    loading = {path.name for path in PACKAGE.rglob("*.py") if "torch.load(" in path.read_text(encoding="utf-8")}
    assert loading == {"efficientnet.py"}
