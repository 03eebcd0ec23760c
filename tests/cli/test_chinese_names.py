"""Chinese file names, people and words pass through every command as real processes, with LC_ALL=C as under cron."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image

from aigc_cli.core.disk.provenance import read_png_label, read_record_label

TALK = """
妈：吃饭了没有？|吃了 面线糊
妈：青菜呢？|有葱

妈：今天几点回来？|六点 骑车二十分钟
妈：路上慢一点。|知道 我戴头盔了

妈：猫又怎么了？|它把糨糊踩翻了
妈：抱歉写的什么字？|四个脚印😂

妈：电话还是13800138000？|对 没换
妈：好的。|晚安
"""


@pytest.fixture(scope="module")
def home(cli, small, tmp_path_factory):
    """A folder 家 with sets and runs under Chinese names; made by five processes."""
    folder = tmp_path_factory.mktemp("家")
    (folder / "照片" / "自拍").mkdir(parents=True)
    for number in range(12):
        Image.new("RGB", (20, 20), (20 * number, 99, 7)).save(folder / "照片" / "自拍" / f"第{number}张.png")
    lines = []
    for line in TALK.strip().splitlines():
        asked, _, answered = line.partition("|")
        lines += [asked.replace("：", ": ", 1), f"麦冬: {answered}"] if answered else ["---"]
    (folder / "聊天记录.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "问题.txt").write_text("你在哪里？\n", encoding="utf-8")
    sets = (
        ("prepare", "images", "照片", "--size", "16", "--labels", "folders", "-o", "数据/脸"),
        ("prepare", "chat", "聊天记录.txt", "--me", "麦冬", "--valid", "0.3", "-o", "数据/聊天"),
        ("prepare", "text", "聊天记录.txt", "-o", "数据/文字"),
    )
    shape = (*small["scratch"], "--context", "128")
    runs = (
        ("train-gpt", "数据/聊天", "-o", "模型/麦冬", "--steps", "2", "--tokenizer", "char", *shape),
        ("train-gan", "数据/脸", "-o", "模型/脸", "--steps", "2", *small["face"]),
    )
    for commands in (sets, runs):
        with ThreadPoolExecutor() as pool:
            for done in pool.map(lambda words: cli.run(folder, *words), commands):
                assert done.returncode == 0, done.stderr
    return folder


def test_the_sets_know_whose_they_are_and_hide_the_number(home):
    manifest = json.loads((home / "数据" / "聊天" / "manifest.json").read_text(encoding="utf-8"))
    assert (manifest["subject"], manifest["redacted"]) == ("麦冬", {"phone": 1})
    said = (home / "数据" / "聊天" / "train.jsonl").read_text(encoding="utf-8")
    assert "You are 麦冬." in said
    assert "有葱" in said  # written as itself, not as \u escapes
    labels = json.loads((home / "数据" / "脸" / "manifest.json").read_text(encoding="utf-8"))["label_names"]
    assert labels == ["自拍"]


def test_samples_are_written_named_and_labelled(cli, home):
    drawn = cli.records(
        home,
        "sample",
        "模型/脸",
        "-n",
        "2",
        "--label",
        "自拍",
        "-o",
        "输出/图",
        "--grid",
        "输出/总览.png",
        "--threads",
        "1",
    )
    assert [(home / record["path"]).parent.name for record in drawn] == ["图", "图"]
    assert read_png_label((home / "输出" / "总览.png").read_bytes())
    cli.records(
        home, "sample", "模型/麦冬", "--prompts", "问题.txt", "-n", "3", "-o", "输出/句子.jsonl", "--threads", "1"
    )
    written = (home / "输出" / "句子.jsonl").read_text(encoding="utf-8")
    replies = [json.loads(line) for line in written.splitlines()]
    assert [reply["prompt"] for reply in replies] == ["你在哪里？"] * 3
    assert all(read_record_label(reply) for reply in replies)
    # A model of two training steps draws any bytes; not one half character is among what it wrote.
    assert "\ufffd" not in written


def test_a_conversation_is_kept_under_a_chinese_name_and_an_error_names_the_file(cli, home):
    done = cli.run(home, "chat", "模型/麦冬", "-", "--session", "会话.jsonl", "--threads", "1", stdin="在吗？\n")
    assert done.returncode == 0, done.stderr
    turns = [json.loads(line) for line in (home / "会话.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(turn["role"], turn["content"]) for turn in turns if "role" in turn][:1] == [("user", "在吗？")]
    assert "没有这个.json" in cli.refused(home, 66, "prepare", "chat", "没有这个.json", "-o", "丙")
