"""What each extra of the installation asks for, and the command that installs it.

The package is on no index, where anyone may take its name: a command for pip names the extra's own packages instead.
"""

import importlib.metadata
import re
import tomllib
from pathlib import Path

from aigc_cli.core.words.messages import tr

EXTRAS = ("demo", "eval", "gguf", "projected", "tensorboard")
CHECKOUT = Path(__file__).parents[3]


def requirements(extra: str) -> tuple[str, ...]:
    """Return the packages of an extra with their versions, such as "gguf>=0.17"; empty where nothing says them.

    The installed metadata says them, or the pyproject.toml of a folder of sources.
    """
    try:
        lines = importlib.metadata.requires("aigc-cli") or []
    except importlib.metadata.PackageNotFoundError:
        return _of_checkout(extra)
    asked = (line.partition(";") for line in lines)
    named = re.compile(rf"""extra\s*==\s*["']{re.escape(extra)}["']""")
    return tuple(requirement.strip() for requirement, _, condition in asked if named.search(condition))


def _of_checkout(extra: str) -> tuple[str, ...]:
    path = CHECKOUT / "pyproject.toml"
    if not path.is_file():
        return ()
    project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
    return tuple(project["optional-dependencies"].get(extra, ()))


def is_installed(extra: str) -> bool:
    """Whether every package of an extra is installed; not where nothing says which ones they are."""
    packages = [distribution_name(requirement) for requirement in requirements(extra)]
    try:
        return bool(packages) and all(importlib.metadata.version(package) for package in packages)
    except importlib.metadata.PackageNotFoundError:
        return False


def install_command(extra: str) -> str:
    """Return what installs an extra: a pip command that names its packages, or what to do where nobody knows them."""
    packages = requirements(extra)
    if not packages:
        return tr("install aigc again from its sources: pip install '.[full]'")
    return tr("pip install {packages}", packages=" ".join(f"'{package}'" for package in packages))


def distribution_name(requirement: str) -> str:
    """Return the package that a requirement names, without its versions."""
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
