"""The redaction benchmark: what the lines of its corpus promise, and how redactions are scored."""

import importlib
import json
from pathlib import Path

import pytest

from aigc_cli.data.pii import Found, find_personal_data

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
KINDS = {"phone", "email", "url", "ip", "card", "iban", "identity", "company", "handle", "address"}
KINDS |= {"chinese_id", "company_id"}  # as the third corpus calls two of them
CORPORA = ["redaction.jsonl", "redaction_heldout.jsonl", "redaction_blind.jsonl"]
LATIN = {"en", "de", "es"}


@pytest.fixture
def redaction(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("redaction")


@pytest.mark.parametrize("corpus", CORPORA)
def test_spans_lie_in_their_texts_in_order_and_begin_and_end_with_no_space(redaction, corpus):
    for message in redaction.read_corpus(BENCHMARKS / corpus):
        end_before = 0
        for start, end, kind in message.spans:
            assert end_before <= start < end <= len(message.text), message
            assert message.text[start:end] == message.text[start:end].strip(), message
            assert kind in KINDS, message
            end_before = end


def test_no_text_comes_twice(redaction):
    texts = [message.text for corpus in CORPORA for message in redaction.read_corpus(BENCHMARKS / corpus)]
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


@pytest.mark.parametrize("corpus", CORPORA)
def test_the_rules_find_99_of_100_data_and_2_of_100_finds_at_most_are_none(redaction, corpus):
    messages = redaction.read_corpus(BENCHMARKS / corpus)
    record = redaction.score([redaction.judge(message, find_personal_data(message.text)) for message in messages])
    assert record["recall"] >= 0.99
    assert record["precision"] >= 0.98


@pytest.fixture
def verdict(redaction):
    """Judge a message written as text, its data and what was redacted in it."""

    def judge(text, data, taken, lang="en"):
        spans = [(text.index(words), text.index(words) + len(words), "phone") for words in data]
        places = [Found("phone", text.index(words), text.index(words) + len(words)) for words in taken]
        return redaction.judge(redaction.Message(text, spans, lang, ""), places)

    return judge


@pytest.mark.parametrize(
    ("taken", "found", "false_alarms"),
    [
        (["(020) 7946"], True, 0),
        (["020) 7946"], True, 0),  # a bracket may stay behind
        ([" (020) 7946, "], True, 0),  # separators beside may go
        (["(020", " 7946"], True, 0),  # in two pieces
        (["(020)"], False, 0),  # a part
        (["ring (020) 7946"], False, 1),  # a word too many
        (["(020) 7946", "now"], True, 1),
        (["now"], False, 1),
        ([], False, 0),
    ],
)
def test_a_datum_is_found_whole_and_alone(verdict, taken, found, false_alarms):
    judged = verdict("ring (020) 7946, now", ["(020) 7946"], taken)
    assert (judged.found, judged.false_alarms) == ([found], false_alarms)


def test_one_redaction_may_take_two_data_that_stand_together(verdict):
    assert verdict("a 12/34 b", ["12", "34"], ["12/34"]).found == [True, True]


def test_a_record_counts_data_and_false_alarms_over_all_and_by_language(redaction, verdict):
    record = redaction.score(
        [
            verdict("打1234", ["1234"], ["1234"], "zh"),
            verdict("ring 5678さん or 6789", ["5678", "6789"], ["5678"]),
            verdict("it is 3-2 at 9:30", [], ["3-2", "9:30"]),  # one look-alike, one false alarm
            verdict("第3章", [], [], "zh"),
        ]
    )
    counts = {"positives": 2, "look_alikes": 2, "data": 3, "found": 2, "false_alarms": 1}
    assert {key: record[key] for key in counts} == counts
    assert (record["recall"], record["precision"]) == (0.6667, 0.6667)
    assert record["glued"] == {"data": 2, "found": 2, "recall": 1.0}
    assert (record["langs"]["en"]["recall"], record["langs"]["en"]["precision"]) == (0.5, 0.5)
    assert (record["langs"]["zh"]["recall"], record["langs"]["zh"]["precision"]) == (1.0, 1.0)
    assert record["alarms_by_rule"] == {"phone": 2}


def test_mistakes_name_the_missed_datum_and_what_was_taken(redaction, verdict):
    shown = redaction.mistakes([verdict("ring 5678", ["5678"], []), verdict("it is 3-2", [], ["3-2"])])
    assert [missed["datum"] for missed in shown["missed"]] == ["5678"]
    assert [alarm["taken"] for alarm in shown["alarms"]] == ["3-2"]


def test_the_record_is_one_line_of_json_and_shows_mistakes_only_when_asked(redaction, monkeypatch, capsys, tmp_path):
    corpus = tmp_path / "corpus.jsonl"
    rows = [
        {"text": "mail jane@example.com", "spans": [[5, 21, "email"]], "lang": "en", "note": ""},
        {"text": "see you at nine", "spans": [], "lang": "en", "note": ""},
        {"text": "call Jane", "spans": [[5, 9, "name"]], "lang": "en", "note": "names are not redacted"},
    ]
    corpus.write_text("\n".join(json.dumps(row) for row in rows))
    monkeypatch.setattr("sys.argv", ["redaction.py", "--corpus", str(corpus)])
    redaction.main()
    record = json.loads(capsys.readouterr().out)
    assert (record["recall"], record["precision"]) == (0.5, 1.0)
    assert "missed" not in record
    monkeypatch.setattr("sys.argv", ["redaction.py", "--corpus", str(corpus), "--show"])
    redaction.main()
    assert json.loads(capsys.readouterr().out)["missed"][0]["datum"] == "Jane"
