"""Whatever the order of lines, no word of a LINE or KakaoTalk export is lost: it is said, or it is told why not."""

import random
import re
from collections import Counter

import pytest

from aigc_cli.data.chat.messages import Log
from aigc_cli.data.chat.reader import ReadOptions
from tests.data.chat.readers.driving import export_of, reader_of

# How lines begin messages, tell notices and begin days; {} is a word of its own.
LAYOUTS = {
    "line": (["10:0{digit}\tAnn\t{}", '10:0{digit}\tBo\t"{}'], ["10:0{digit}\t\t{}"], "2021/01/0{digit}(X)"),
    "line of a computer": (["10:0{digit} Ann {}", "10:0{digit} Bo {} and"], [], "2021.01.0{digit} Xday"),
    "kakaotalk of Windows": (
        ["[Ann] [오후 2:0{digit}] {}", "[Bo] [2:0{digit} PM] {}"],
        ["{}님이 나갔습니다."],
        "--------------- 2025년 1월 {digit}일 목요일 ---------------",
    ),
    "kakaotalk of Android": (
        ["2025년 1월 {digit}일 오후 2:30, Ann : {}", "2025년 1월 {digit}일 오후 2:30, Bo : {} : x"],
        ["2025년 1월 {digit}일 오후 2:30, {}님이 나갔습니다."],
        "2025년 1월 {digit}일 오후 2:30",
    ),
    "kakaotalk of iOS": (
        ["2025. 1. {digit}. 14:30, Ann : {}", "2025. 1. {digit}. 14:30, Bo : {}"],
        ["2025. 1. {digit}. 14:30: {}님이 나갔습니다."],
        "2025년 1월 {digit}일 목요일",
    ),
    "kakaotalk of macOS": (
        ['2025-01-0{digit} 14:30:00,"Ann","{}"', '2025-01-0{digit} 14:30:00,"Bo","{}'],
        ['2025-01-0{digit} 14:30:00,"","{}"'],
        ',"","{}"',
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("seed", range(20))
def test_every_word_is_said_or_told(layout, seed):
    begins, notices, day = LAYOUTS[layout]
    rng = random.Random(seed)
    lines, words = [], Counter()
    for number in range(120):
        word = f"word{number:03}"
        form = rng.choice([*begins, *begins, *notices, "{}", "10:30 {}", "{} : y", day, ""])
        lines.append(form.replace("{digit}", str(rng.randrange(1, 8))).replace("{}", word))
        words[word] += "{}" in form
    told = []
    log = Log(
        format=layout, watch=lambda reason, where, what: told.append(what) if reason != "inside_another" else None
    )
    reader = reader_of(layout.split()[0])
    messages = list(reader.read(export_of("\n".join(lines)), log, ReadOptions(dates="ymd")))
    found = Counter(re.findall(r"word\d{3}", " ".join([message.text for message in messages] + told)))
    assert found == +words
    assert len(messages) > 30
