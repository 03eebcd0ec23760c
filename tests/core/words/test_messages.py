import ast
import errno
import json
import os
import re
from pathlib import Path
from string import Formatter

import pytest
import typer

import aigc_cli
from aigc_cli.app import app
from aigc_cli.avatar.slash import COMMANDS
from aigc_cli.core import errors
from aigc_cli.core.screen import console
from aigc_cli.core.words import messages
from aigc_cli.core.words.zh_cn import CATALOGUES, CHINESE
from aigc_cli.localize import help_texts, translate_page, translate_usage_error

PACKAGE = Path(aigc_cli.__file__).parent
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}
CHINESE_CHARACTER = re.compile("[\u4e00-\u9fff]")
# What the system says of errors: the one kind of text that is said and stands nowhere in the package.
SYSTEM = {os.strerror(number) for number in errno.errorcode}
# What stands in front of the commands has no catalogue of its own.
FRONT = {"app.py", "loading.py", "table.py", "shared_options.py", "options.py", "help_pages.py", "localize.py"}
# Texts that are the same in every language.
NEUTRAL = {"{path}/pixels.safetensors: {problem}"}
# Which arguments are said to people, by the function's name.
ERRORS = [name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)]
SAID = {name: (0, 1) for name in ERRORS} | {"stage": (0, 2)}
SAID |= dict.fromkeys(("talk", "detail", "say", "wait", "raise_if_requested"), (0,))


def called(node):
    return getattr(node.func, "id", getattr(node.func, "attr", "")) if isinstance(node, ast.Call) else ""


def literals():
    """Yield (place, text) of each text given to tr, later and setting."""
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            position = {"tr": 0, "later": 0, "setting": 1}.get(called(node))
            if position is not None and isinstance(node.args[position], ast.Constant):
                yield f"{path.relative_to(PACKAGE)}:{node.lineno}", node.args[position].value


def texts():
    """Return {text: where it is said}, the help of the whole command line included."""
    found = {text: "help" for text in help_texts(typer.main.get_command(app))}
    return found | {text: place for place, text in literals()}


def fields(text):
    """Return the names of a text's fields; braces that are no fields (of JSON) count for themselves."""
    try:
        return {name for _, name, _, _ in Formatter().parse(text) if name is not None}
    except ValueError:
        return {"{", text.count("{")}


@pytest.fixture
def in_chinese():
    messages.set_language("zh-CN")
    yield
    messages.set_language("en")


def test_everything_that_is_said_has_a_translation():
    assert {text: place for text, place in texts().items() if text not in CHINESE} == {}


def test_the_catalogue_holds_nothing_that_is_no_longer_said():
    assert set(CHINESE) - set(texts()) - SYSTEM == set()


def test_each_text_stands_once_in_the_catalogue_of_a_package_that_says_it():
    assert sum(map(len, CATALOGUES.values())) == len(CHINESE)
    said_in = {}
    for place, text in literals():
        said_in.setdefault(text, set()).add(re.match(r"[\w.]+", place).group())
    astray = {
        text: (name, said_in[text])
        for name, catalogue in CATALOGUES.items()
        for text in catalogue
        if text in said_in and name not in said_in[text] and not (name == "commands" and FRONT & said_in[text])
    }
    assert astray == {}
    assert all(list(catalogue) == sorted(catalogue) for catalogue in CATALOGUES.values())


def test_translations_are_chinese_and_keep_fields_and_options():
    for text, translation in CHINESE.items():
        assert fields(text) == fields(translation), text
        options = re.compile(r"--[a-z]+(?:-[a-z]+)*")
        assert set(options.findall(text)) == set(options.findall(translation)), text
        if text not in NEUTRAL and re.search("[A-Za-z]", re.sub(r"\{[^}]*\}", "", text)):
            assert CHINESE_CHARACTER.search(translation), text


def test_conversions_of_a_field_are_kept():
    for text, translation in CHINESE.items():
        for name in re.findall(r"\{(\w+![ra]|\w+:[^}]+)\}", text):
            assert "{" + name + "}" in translation, text


def words_outside_calls(node):
    """Yield the literal words of an expression, but not those within a call: tr's are looked up, others' are data.

    Nor the operands of an f-string's fields, such as a path's parts.
    """
    if isinstance(node, ast.Call) or (isinstance(node, ast.FormattedValue) and isinstance(node.value, ast.BinOp)):
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.search("[A-Za-z]{2}", node.value):
        yield node.value
    for child in ast.iter_child_nodes(node):
        if not isinstance(node, ast.FormattedValue) or child is node.value:
            yield from words_outside_calls(child)


def untranslated(function):
    """Yield what a function says to people past tr: in the call itself, or by way of a local name."""
    assigned = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            assigned.setdefault(node.targets[0].id, []).append(node.value)
    for node in ast.walk(function):
        for position in SAID.get(called(node), ()):
            for argument in node.args[position : position + 1]:
                for value in [argument, *assigned.get(getattr(argument, "id", ""), [])]:
                    yield from words_outside_calls(value)


def test_nothing_is_said_that_has_not_been_through_tr():
    functions = [(path, node) for path, tree in TREES.items() for node in ast.walk(tree)]
    bare = {
        f"{path.relative_to(PACKAGE)}: {function.name}": list(untranslated(function))
        for path, function in functions
        if isinstance(function, ast.FunctionDef)
    }
    assert {place: words for place, words in bare.items() if words} == {}


def test_what_tr_is_given_is_a_literal_without_an_f():
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if called(node) in ("tr", "later"):
                assert not isinstance(node.args[0], ast.JoinedStr | ast.BinOp), f"{path.name}:{node.lineno}"


def test_fields_are_given_by_name():
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if called(node) == "tr" and isinstance(node.args[0], ast.Constant) and node.keywords:
                given = {keyword.arg for keyword in node.keywords}
                assert given == fields(node.args[0].value), f"{path.name}:{node.lineno}"


def test_a_message_is_said_in_the_chosen_language(in_chinese):
    assert messages.tr("resuming at step {step}", step=7) == "从第 7 步继续"
    assert str(errors.NoInput(messages.tr("no such folder"), "x")) == "目录不存在（x）"
    assert messages.tr("a text of somebody else {1}") == "a text of somebody else {1}"
    messages.set_language("en")
    assert messages.tr("resuming at step {step}", step=7) == "resuming at step 7"


def test_records_hold_the_english_of_what_is_said(in_chinese, capsys):
    problem = errors.BadData(messages.tr("not a whole safetensors file"), messages.tr("train again"))
    console.Console(json_output=True).data({"problems": [str(problem), {"at": problem.message}], "count": 1})
    english = "not a whole safetensors file"
    assert json.loads(capsys.readouterr().out) == {
        "problems": [f"{english} (train again)", {"at": english}],
        "count": 1,
    }
    assert str(problem) == "不是完整的 safetensors 文件（请重新训练）"


def test_the_system_is_translated_where_it_says_something_common(in_chinese):
    assert messages.system_reason(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))) == "设备上没有剩余空间"
    assert messages.system_reason(OSError(errno.ENOSPC, "odd")) == "odd"
    assert messages.system_reason(OSError()) == "OSError"


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh-CN"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": ""}, "zh-CN"),
        ({"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "de_DE.UTF-8"}, "en"),
        ({"LC_MESSAGES": "zh_CN", "LC_ALL": "en_GB.UTF-8"}, "en"),
        ({"AIGC_LANG": "zh-CN", "LC_ALL": "C"}, "zh-CN"),
        ({"AIGC_LANG": "en", "LC_ALL": "zh_CN.UTF-8"}, "en"),
    ],
)
def test_the_locale_is_read_as_other_programs_read_it(monkeypatch, environment, language):
    for name in ("AIGC_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert messages.chosen_language(["sample", "runs/x"]) == language


@pytest.mark.parametrize(
    ("line", "language"),
    [
        ("--lang zh-CN sample x", "zh-CN"),
        ("sample x --lang=zh-CN", "zh-CN"),
        ("sample x --lang zh-CN --lang en", "en"),
        ("sample x --lang=zh-CN --lang en", "en"),
        ("sample x --lang fr", "en"),
        ("sample x --lang", "en"),
        ("sample -- --lang zh-CN", "en"),
    ],
)
def test_the_command_line_goes_before_the_locale(monkeypatch, line, language):
    monkeypatch.setenv("AIGC_LANG", "en")
    assert messages.chosen_language(line.split()) == language


def test_every_command_takes_a_language():
    def check(command):
        assert "--lang" in [name for parameter in command.params for name in parameter.opts], command.name
        for child in getattr(command, "commands", {}).values():
            check(child)

    check(typer.main.get_command(app))


def test_no_english_is_left_in_a_translated_command_line(in_chinese):
    def check(command):
        for text in (command.help, command.short_help, *(parameter.help for parameter in command.params)):
            assert CHINESE_CHARACTER.search(text), text
        for child in getattr(command, "commands", {}).values():
            check(child)

    command = typer.main.get_command(app)
    translate_page(command)
    check(command)


def test_usage_errors_of_the_framework_are_translated(in_chinese):
    assert translate_usage_error("Missing option '--output' / '-o'.") == "缺少选项 '--output' / '-o'"
    assert translate_usage_error("No such command 'sampel'. Did you mean 'sample'?") == (
        "没有命令 'sampel'。是否想用 'sample'？"
    )
    number = "Input should be a valid integer, unable to parse string as an integer"
    assert translate_usage_error(f"Invalid value for '-n': {number}") == "'-n' 的值无效：应为整数"
    assert translate_usage_error("Something new.") == "Something new"


def test_slash_commands_are_translated(in_chinese):
    assert all(CHINESE_CHARACTER.search(messages.tr(command.help)) for command in COMMANDS.values())
