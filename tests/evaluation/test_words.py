"""Numbers on words against what they are by hand, or by definition."""

import math
from collections import Counter

import pytest

from aigc_cli.evaluation.words import distinct, grams, longest_overlap, loops, overlap, repetition, self_bleu, words_of


@pytest.mark.parametrize(
    ("text", "stuck"),
    [
        ("no no no", False),
        ("no no no no no no", True),
        ("i like tea. i like tea. i like tea.", True),
        ("i like tea. i like tea. and i like tea.", False),
        ("well: the cat sat the cat sat the cat sat down", True),
        ("", False),
        ("我喜欢茶我喜欢茶我喜欢茶", True),
        ("我喜欢茶，也喜欢咖啡", False),
        ("a perfectly ordinary reply about the weather", False),
    ],
)
def test_loops_are_blocks_said_three_times_running(text, stuck):
    assert loops(text) is stuck


def test_distinct_and_repetition_by_hand():
    assert distinct(["a b a b", "c"], 1) == 3 / 5
    assert distinct(["a b a b", "c"], 2) == 2 / 3
    assert distinct(["x"], 3) == 0.0
    assert distinct([" ".join(map(str, range(400)))] * 2, 1) == 400 / 500
    assert repetition("a b c d a b c d", 4) == pytest.approx(1 / 5)
    assert repetition("a b", 4) == 0.0


def bleu_by_definition(words, others):
    """BLEU-4 of Papineni et al. 2002, equations 1 to 3, with the orders that the text is long enough for."""
    orders = range(1, min(4, len(words)) + 1)
    logs = []
    for n in orders:
        own = Counter(grams(words, n))
        clipped = sum(min(count, max(Counter(grams(o, n))[gram] for o in others)) for gram, count in own.items())
        if not clipped:
            return 0.0
        logs.append(math.log(clipped / sum(own.values())))
    closest = min((abs(len(o) - len(words)), len(o)) for o in others)[1]
    return math.exp(sum(logs) / len(logs) + min(0.0, 1 - closest / len(words)))


TEXTS = [
    "the cat sat on the mat",
    "the cat sat on the mat today",
    "a dog sat on the mat and the cat sat on the dog",
    "hello",
    "hello there hello",
    "你好 世界",
    "",
]


def test_self_bleu_is_the_mean_of_bleu_by_its_definition():
    split = [words_of(text) for text in TEXTS if text]
    each = [bleu_by_definition(words, split[:i] + split[i + 1 :]) for i, words in enumerate(split)]
    assert self_bleu(TEXTS) == pytest.approx(sum(each) / len(each), rel=1e-12)
    assert 0 < self_bleu(TEXTS) < 1


def test_self_bleu_of_equal_and_of_foreign_texts():
    assert self_bleu(["a b c d e"] * 3) == pytest.approx(1.0)
    assert self_bleu(["a b c d", "e f g h"]) == 0.0
    assert self_bleu(["alone"]) == self_bleu([]) == 0.0


def test_overlap_counts_n_grams_and_never_across_texts():
    reference = ["one two three four", "five six"]
    assert overlap(["zero one two three"], reference, 2) == 2 / 3
    assert overlap(["four five"], reference, 2) == 0.0
    assert overlap(["one"], reference, 2) == 0.0


@pytest.mark.parametrize(
    ("texts", "longest"),
    [(["x b c d y"], 3), (["a b c d e"], 5), (["x y"], 0), (["x", "c d"], 2), ([""], 0), (["e a"], 1)],
)
def test_the_longest_overlap(texts, longest):
    assert longest_overlap(texts, ["a b c d e", "e f"]) == longest


def test_chinese_words_are_characters_and_latin_ones_among_them_stay_whole() -> None:
    assert words_of("我怎么 ping 它？只会喊") == ["我", "怎", "么", "ping", "它", "？", "只", "会", "喊"]
    assert words_of("你 OK吗😂") == ["你", "ok", "吗", "😂"]
    assert words_of("it's fine, really") == ["it's", "fine,", "really"]
    assert words_of(" \u3000\n") == []
