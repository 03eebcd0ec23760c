"""What an installation brings beside the modules: man pages and completions, where man and the shells look."""

import importlib.metadata
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ("aigc_cli", "man", "completions", "pyproject.toml", "README.md", "LICENSE")


def has_setuptools() -> bool:
    try:
        return int(importlib.metadata.version("setuptools").split(".")[0]) >= 77
    except importlib.metadata.PackageNotFoundError:
        return False


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the wheel made of these sources is installed, without what it depends on."""
    if not has_setuptools():
        pytest.skip("building a wheel offline needs setuptools 77 or newer")
    place = tmp_path_factory.mktemp("install")
    (place / "source").mkdir()
    for name in SOURCES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, place / "source" / name)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    offline = ["--no-deps", "--no-index", "--no-cache-dir"]
    build = [*pip, "wheel", *offline, "--no-build-isolation", "-w", str(place), str(place / "source")]
    subprocess.run(build, check=True, capture_output=True)
    [wheel] = place.glob("*.whl")
    # Without --ignore-installed pip would remove the installation that these tests run in.
    install = [*pip, "install", *offline, "--ignore-installed", "--prefix", str(place / "prefix"), str(wheel)]
    subprocess.run(install, check=True)
    return place / "prefix"


def test_full_has_what_the_usual_commands_need_and_nothing_for_development(prefix: Path) -> None:
    [packages] = prefix.glob("lib*/python*/site-packages")
    [installed] = importlib.metadata.distributions(name="aigc-cli", path=[str(packages)])
    full = [line for line in installed.requires or [] if "full" in line.partition(";")[2]]
    [line] = full
    named = line[line.index("[") + 1 : line.index("]")].split(",")
    assert set(named) == {"demo", "eval", "gguf", "projected"}
    assert set(named) < set(installed.metadata.get_all("Provides-Extra") or [])


def test_man_finds_every_page(prefix: Path) -> None:
    pages = prefix / "share" / "man" / "man1"
    assert {page.name for page in pages.iterdir()} == {page.name for page in (ROOT / "man").iterdir()}
    if shutil.which("man") is None:
        pytest.skip("man is not installed")
    for page in ("aigc", "aigc-train-gan", "aigc-prepare-chat"):
        found = subprocess.run(
            ["man", "-M", str(prefix / "share" / "man"), "-w", page], capture_output=True, text=True, check=True
        )
        assert Path(found.stdout.strip()) == pages / f"{page}.1"


@pytest.mark.parametrize(("shell", "name"), [("bash", "aigc.bash"), ("zsh", "_aigc"), ("fish", "aigc.fish")])
def test_the_installed_program_prints_the_installed_script(prefix: Path, shell: str, name: str, tmp_path: Path) -> None:
    [packages] = prefix.glob("lib*/python*/site-packages")
    done = subprocess.run(
        [sys.executable, "-m", "aigc_cli", "completion", shell],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(packages)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == (ROOT / "completions" / name).read_text(encoding="utf-8")
    assert any(path.read_text(encoding="utf-8") == done.stdout for path in prefix.glob(f"share/*/*/{name}"))


def test_fish_finds_its_script_by_itself(prefix: Path, tmp_path: Path) -> None:
    if shutil.which("fish") is None:
        pytest.skip("fish is not installed")
    path = f"{prefix / 'bin'}:{os.environ['PATH']}"  # fish completes only commands that are there
    data = f"{prefix / 'share'}:/usr/share:/usr/local/share"
    done = subprocess.run(
        ["fish", "-c", "complete -C 'aigc train-g'"],
        cwd=tmp_path,
        env={"PATH": path, "HOME": str(tmp_path), "XDG_DATA_DIRS": data},
        capture_output=True,
        text=True,
        check=True,
    )
    assert {line.split("\t")[0] for line in done.stdout.splitlines()} == {"train-gan", "train-gpt"}
