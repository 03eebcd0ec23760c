"""What only parses must start fast: help, version and usage errors load none of the heavy packages."""

import subprocess
import sys

import pytest

HEAVY = {"torch", "numpy", "PIL", "torchvision", "tokenizers", "safetensors", "transformers", "prompt_toolkit"}
# Runs the program as `aigc` does, then says on its last line which packages it has loaded.
PROGRAM = """
import sys
from aigc_cli.app import run
status = run(sys.argv[1:])
print(status, *sorted({name.split(".")[0] for name in sys.modules}))
"""


def run(*arguments: str) -> tuple[int, set[str]]:
    done = subprocess.run([sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, check=True)
    status, *packages = done.stdout.splitlines()[-1].split()
    return int(status), set(packages)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--help",), 0),
        (("--version",), 0),
        (("prepare", "--help"), 0),
        (("prepare", "images", "--help"), 0),
        (("prepare", "chat", "--help"), 0),
        (("train-gan", "--help"), 0),
        (("train-gpt", "--help"), 0),
        (("sample", "--help"), 0),
        (("eval", "--help"), 0),
        (("eval", "images", "--help"), 0),
        (("chat", "--help"), 0),
        (("config", "show"), 0),
        (("config", "path"), 0),
        (("eval", "texts", __file__, __file__), 0),
        ((), 2),
        (("train-gun",), 2),
        (("train-gan", "--stepps", "3"), 2),
        (("train-gan", "data", "-o", "run", "--steps", "many"), 2),
        (("train-gan", "no-such-folder", "-o", "run"), 66),
        (("sample", "no-such-folder", "-o", "out"), 66),
        (("prepare", "images", "no-such-folder", "-o", "out"), 66),
    ],
)
def test_nothing_heavy_is_loaded(arguments: tuple[str, ...], expected: int) -> None:
    status, packages = run(*arguments)
    assert status == expected
    assert "typer" in packages
    assert not packages & HEAVY


def test_help_does_not_load_rich() -> None:
    _, packages = run("--help")
    assert "rich" not in packages
