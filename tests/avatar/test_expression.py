import random

import pytest

from aigc_cli.avatar.expression import ENTER, SYNONYMS, Expressions, evidence

FACE = Expressions(("smile", "laugh", "sad", "angry", "agape"))


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("hahaha that's hilarious 😂", "laugh"),
        ("LOOOOL", "laugh"),
        ("哈哈哈 笑死我了", "laugh"),
        ("I miss you so much :(", "sad"),
        ("sorry to hear that 😢", "sad"),
        ("grrr I am SO angry", "angry"),
        ("I hate this!!", "angry"),
        (">:(", "angry"),
        ("no way?! wow", "agape"),
        ("omggg", "agape"),
        ("天哪", "agape"),
        ("I'll be there at six.", "smile"),
        ("", "smile"),
    ],
)
def test_sentences_that_people_read_the_same_way(text, expression):
    assert FACE.after("smile", text) == expression


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("哈哈哈哈你好损", "laugh"),
        ("我要笑死在这里", "laugh"),
        ("hhhhh 绷不住了", "laugh"),
        ("太好了！！恭喜你", "smile"),
        ("谢谢你 我好喜欢", "smile"),
        ("我今天真的很难过", "sad"),
        ("唉 好累 睡不着", "sad"),
        ("他今天不开心", "sad"),
        ("没赶上 我到现在都后悔", "sad"),
        ("气死我了，凭什么！", "angry"),
        ("你真讨厌", "angry"),
        ("这也太离谱了 无语", "angry"),
        ("天哪 不会吧", "agape"),
        ("真的假的？！", "agape"),
        ("？？？？", "agape"),
        ("哇 你居然来了", "agape"),
        ("我五点半下班 骑车回家", "neutral"),
        ("别生气", "neutral"),
        ("我没有难过 就是饿", "neutral"),
        ("不要太伤心", "neutral"),
        ("这个不好笑", "neutral"),
    ],
)
def test_chinese_sentences_that_people_read_the_same_way(text, expression):
    assert Expressions(("neutral", *FACE.labels)).after("neutral", text) == expression


def test_full_width_exclamation_marks_strengthen_as_the_others_do():
    assert evidence("恭喜！！") == evidence("恭喜!!") != evidence("恭喜")


def test_tears_are_read_by_the_words_around_them():
    assert FACE.after("smile", "best medical drama ever made 😭") == "laugh"
    assert FACE.after("smile", "I'm so sorry, it hurts 😭") == "sad"


def test_a_shouted_word_surprises_and_an_acronym_does_not():
    assert FACE.after("smile", "a seal took the HARBOUR pie") == "agape"
    assert FACE.after("smile", "it was on TV") == "smile"
    assert FACE.after("smile", "ALL OF THIS IS CAPITALS") == "smile"


def test_negated_words_do_not_count():
    assert evidence("I'm not sad") == evidence("")
    assert evidence("don't be sad") == evidence("")
    assert evidence("it's not really angry")["angry"] == 0
    assert evidence("no way")["agape"] >= ENTER


def test_words_inside_other_words_do_not_count():
    assert evidence("ambassador Madrid whatever")["sad"] == 0
    assert evidence("ambassador Madrid whatever")["angry"] == 0


def test_exclamation_marks_strengthen_up_to_three():
    base = evidence("yay")["smile"]
    assert evidence("yay!")["smile"] == pytest.approx(1.15 * base)
    assert evidence("yay!!!!!!")["smile"] == pytest.approx(1.45 * base)


def test_weak_evidence_keeps_an_expression_but_does_not_put_it_on():
    weak = "it is a bit annoying"
    assert FACE.after("smile", weak) == "smile"
    assert FACE.after("angry", weak) == "angry"
    assert FACE.after("angry", "see you at the station") == "smile"


def test_a_contrary_cue_must_win_by_the_margin():
    mixed = "wow. I am sad"
    assert FACE.after("sad", mixed) == "sad"
    assert FACE.after("agape", mixed) == "agape"


@pytest.mark.parametrize(
    ("labels", "neutral"),
    [
        (("angry", "smile"), "smile"),
        (("smile", "Neutral"), "Neutral"),
        (("happy", "sad"), "happy"),
        (("red", "blue"), "red"),
        ((), ""),
    ],
)
def test_the_face_at_rest(labels, neutral):
    assert Expressions(labels).neutral == neutral
    assert Expressions(labels).after("nonsense", "table") == neutral


def test_a_runs_own_names_are_used():
    face = Expressions(("Happy", "CRYING", "mad"))
    assert face.after("Happy", "I'm so sad, sorry") == "CRYING"
    assert face.after("Happy", "I hate it, grr") == "mad"
    assert face.after("mad", "wow omg") == "Happy"


def test_no_synonym_means_two_things():
    words = [word for names in SYNONYMS.values() for word in names]
    assert len(words) == len(set(words))
    assert all(names[0] == expression for expression, names in SYNONYMS.items())


def test_any_text_gives_a_label_of_the_face():
    draw = random.Random(2)
    for _ in range(200):
        text = "".join(chr(draw.choice((draw.randint(0, 0x3000), draw.randint(0x1F300, 0x1F6FF)))) for _ in range(30))
        assert FACE.after(draw.choice(FACE.labels), text) in FACE.labels
