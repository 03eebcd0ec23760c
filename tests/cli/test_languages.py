"""The language of the interface, held on real processes: who chooses it, what is said in it, and what never is."""

import json
import os
import re

import pytest

from aigc_cli.core.words.plain import cell_width
from tests import forked

CHINESE = re.compile("[\u3000-\u9fff\uff00-\uffef]")
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d ", re.MULTILINE)
SMALL = ("--layers", "1", "--width", "16", "--heads", "2", "--kv-heads", "1", "--context", "32", "--vocab-size", "300")
SMALL += ("--batch-size", "4", "--evaluations", "1", "--steps", "3", "--threads", "1")


def aigc(folder, *arguments, **environment):
    """Run a command with a bare environment and the variables given."""
    bare = {"PATH": os.environ["PATH"], **environment}
    return forked.run(*arguments, cwd=folder, env=bare)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Two folders in which the same was done, in English and in Chinese: {language: (folder, what was done)}."""
    done = {}
    for language in ("en", "zh-CN"):
        folder = tmp_path_factory.mktemp(language)
        (folder / "book.txt").write_text("The quick brown fox jumps over the lazy dog.\n" * 200)
        prepared = aigc(folder, "prepare", "text", "book.txt", "-o", "set", "--lang", language, LC_ALL="C")
        trained = aigc(folder, "train-gpt", "set", "-o", "run", *SMALL, "--lang", language, LC_ALL="C")
        done[language] = (folder, [prepared, trained])
    return done


@pytest.mark.parametrize(
    ("environment", "option", "is_chinese"),
    [
        ({"LC_ALL": "C"}, (), False),
        ({"LC_ALL": "zh_CN.UTF-8"}, (), True),
        ({"LANG": "zh_CN.UTF-8"}, (), True),
        ({"AIGC_LANG": "zh-CN", "LC_ALL": "C"}, (), True),
        ({"AIGC_LANG": "en", "LC_ALL": "zh_CN.UTF-8"}, (), False),
        ({"LC_ALL": "zh_CN.UTF-8"}, ("--lang", "en"), False),
        ({"AIGC_LANG": "en", "LC_ALL": "C"}, ("--lang=zh-CN",), True),
    ],
)
def test_the_option_goes_before_the_variable_and_the_variable_before_the_locale(
    tmp_path, environment, option, is_chinese
):
    done = aigc(tmp_path, "sample", "nowhere", *option, **environment)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (66, "", 1)
    expected = "nowhere：目录不存在" if is_chinese else "nowhere: no such folder"
    assert expected in done.stderr
    assert bool(CHINESE.search(done.stderr)) is is_chinese


@pytest.mark.parametrize(
    "line",
    ["--lang zh-CN --help", "--lang=zh-CN prepare --help", "prepare --help --lang zh-CN", "sample -h --lang=zh-CN"],
)
def test_help_is_chinese_wherever_the_option_stands(tmp_path, line):
    done = aigc(tmp_path, *line.split(), LC_ALL="C", COLUMNS="80")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("用法：aigc")
    assert "\n选项：\n" in done.stdout
    prose = re.sub(r"\n  示例：.*|\n  完整流程：.*", "", done.stdout, flags=re.DOTALL)
    assert all(cell_width(text) <= 80 for text in prose.splitlines())
    assert not re.search("Usage|Options|Commands|default:|required|Show this", done.stdout)
    columns = {cell_width(text[: text.index(help_text)]) for text, help_text in _first_lines(prose)}
    assert len(columns) == 1


def _first_lines(page):
    """Yield (line, its help) of each option whose help begins on its own line."""
    options = page.split("选项：\n")[1].split("\n\n")[0]
    for line in options.splitlines():
        found = re.match(r"  -.*?\S  +(\S.*)$", line)
        if found:
            yield line, found.group(1)


def test_english_stays_as_it_is_under_the_c_locale(tmp_path):
    done = aigc(tmp_path, "sample", "--help", LC_ALL="C")
    assert done.stdout.startswith("Usage: aigc sample [OPTIONS]")
    assert not CHINESE.search(done.stdout)


def test_a_language_that_is_not_known_is_a_usage_error(tmp_path):
    for arguments in (("sample", "x", "--lang", "zh-cn"), ("--lang", "zh-cn", "sample", "x")):
        done = aigc(tmp_path, *arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert "error: --lang 'zh-cn' is not known (did you mean 'zh-CN'?)" in done.stderr


def test_usage_errors_are_said_in_chinese_with_the_same_status(tmp_path):
    for arguments in (
        ("sampel",),
        ("sample",),
        ("sample", "x", "--tmp", "1"),
        ("sample", "x", "-n", "y"),
        ("prepare",),
    ):
        english, chinese = (aigc(tmp_path, *arguments, AIGC_LANG=language) for language in ("en", "zh-CN"))
        assert english.returncode == chinese.returncode == 2
        assert CHINESE.search(chinese.stderr)
        assert not CHINESE.search(english.stderr)
        assert english.stderr.split()[0] == chinese.stderr.split()[0] or arguments == ("prepare",)


def test_progress_is_chinese(trained):
    _, (_, done) = trained["zh-CN"]
    assert done.returncode == 0, done.stderr
    assert re.search(r" 训练 3/3 步 已用 0:\d\d \| 损失 \d", done.stderr)
    assert re.search(r" 第 3 步：损失 \d\.\d+, 保留集 \d", done.stderr)
    english = trained["en"][1][1].stderr
    assert re.search(r" training: 3/3 steps 0:\d\d elapsed \| loss \d", english)
    assert not CHINESE.search(english)
    assert len(TIME.findall(done.stderr)) == len(TIME.findall(english)) == done.stderr.count("\n")


def test_records_and_files_are_the_same_in_both_languages(trained):
    (english_folder, english), (chinese_folder, chinese) = trained["en"], trained["zh-CN"]
    for one, other in zip(english, chinese, strict=True):
        first, second = json.loads(one.stdout), json.loads(other.stdout)
        first.pop("seconds", None), second.pop("seconds", None)
        assert first == second
    for name in ("run/README.md", "run/model.safetensors", "run/config.json", "set/train.jsonl"):
        assert (english_folder / name).read_bytes() == (chinese_folder / name).read_bytes()


def test_problems_in_records_are_the_same_in_both_languages(trained):
    verified = {
        name: aigc(folder, "label", "verify", "book.txt", "--lang", name) for name, (folder, _) in trained.items()
    }
    assert verified["en"].returncode == verified["zh-CN"].returncode == 65
    assert verified["en"].stdout == verified["zh-CN"].stdout
    assert json.loads(verified["zh-CN"].stdout)["problem"] == "the text carries no AI label"
    assert "该文本没有 AI 标识" in verified["zh-CN"].stderr


def test_errors_have_the_same_status_in_both_languages(trained):
    for arguments in (("train-gpt", "set", "-o", "run", *SMALL, "--heads", "4"), ("chat", "run"), ("sample", "set")):
        done = {name: aigc(folder, *arguments, AIGC_LANG=name) for name, (folder, _) in trained.items()}
        assert done["en"].returncode == done["zh-CN"].returncode != 0
        assert "错误: " in done["zh-CN"].stderr
        assert CHINESE.search(done["zh-CN"].stderr.split("错误: ")[1])
