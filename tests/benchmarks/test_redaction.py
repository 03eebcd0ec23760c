"""The corpus of the redaction benchmark: what its lines promise."""

import importlib
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
KINDS = {"phone", "email", "url", "ip", "card", "iban", "identity", "company", "handle", "address"}
LATIN = {"en", "de", "es"}


@pytest.fixture
def redaction(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("redaction")


def test_spans_lie_in_their_texts_in_order_and_begin_and_end_with_no_space(redaction):
    for message in redaction.read_corpus():
        end_before = 0
        for start, end, kind in message.spans:
            assert end_before <= start < end <= len(message.text), message
            assert message.text[start:end] == message.text[start:end].strip(), message
            assert kind in KINDS, message
            end_before = end


def test_no_text_comes_twice(redaction):
    texts = [message.text for message in redaction.read_corpus()]
    assert len(texts) == len(set(texts))


def test_both_kinds_are_many_and_most_are_not_in_latin_script(redaction):
    messages = redaction.read_corpus()
    for some in ([one for one in messages if one.spans], [one for one in messages if not one.spans]):
        assert len(some) >= 300
        assert sum(one.lang not in LATIN for one in some) >= 0.6 * len(some)


def test_many_data_are_glued_to_letters(redaction):
    glued = [
        message.text
        for message in redaction.read_corpus()
        for start, end, _ in message.spans
        if message.text[:start][-1:].isalpha() or message.text[end:][:1].isalpha()
    ]
    assert len(glued) >= 150
