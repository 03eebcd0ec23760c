import json

import pytest

from aigc_cli.core.errors import NoInput, Unavailable
from aigc_cli.data.chat.readers.corpus import corpus_messages

pytest.importorskip("chatterbot_corpus")
yaml = pytest.importorskip("yaml")


@pytest.fixture(scope="module")
def english():
    return [json.loads(line)["messages"] for line in corpus_messages("english").decode().splitlines()]


def test_conversations_alternate_and_end_with_an_answer(english):
    assert len(english) > 1000
    for messages in english:
        assert [m["role"] for m in messages] == ["user", "assistant"] * (len(messages) // 2)
        assert messages


def test_what_is_said_is_what_the_wheel_says(english):
    pair = [{"role": "user", "content": "Hi, How is it going?"}, {"role": "assistant", "content": "Great"}]
    assert pair in english
    assert all(isinstance(m["content"], str) for messages in english for m in messages)


def test_chinese_is_simplified_and_traditionalchinese_is_traditional():
    simplified, traditional = (corpus_messages(name).decode() for name in ("chinese", "traditionalchinese"))
    here, there = "这说来时会过还对开关点为么吗样", "這說來時會過還對開關點為麼嗎樣"
    counts = [[sum(map(text.count, letters)) for letters in (here, there)] for text in (simplified, traditional)]
    assert counts[0][0] > 50 * max(1, counts[0][1])
    assert counts[1][1] > 20 * max(1, counts[1][0])
    assert len(simplified.splitlines()) > 400
    assert "\ufffd" not in simplified + traditional


def test_the_same_corpus_is_the_same_bytes():
    assert corpus_messages("german") == corpus_messages("german")


def test_an_unknown_language_is_named():
    with pytest.raises(NoInput, match=r"chatterbot:englsh: no such language \(did you mean 'english'\?\)"):
        corpus_messages("englsh")


def test_without_the_wheel_the_remedy_is_its_name(monkeypatch):
    monkeypatch.setattr("aigc_cli.data.chat.readers.corpus.find_spec", lambda name: None)
    with pytest.raises(Unavailable, match="pip install"):
        corpus_messages("english")
