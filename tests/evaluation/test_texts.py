"""Texts read from records of every kind, and compared with a person's by numbers that are known."""

import json

import pytest

from aigc_cli.core.errors import BadData, NoInput
from aigc_cli.evaluation.texts import compare_texts, read_texts


def test_every_kind_of_record_gives_its_texts(tmp_path):
    dialogue = [
        {"role": "system", "content": "You are Ada."},
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "hey"},
        {"role": "assistant", "content": "you"},
    ]
    records = [{"text": "a b"}, {"schema": "aigc.reply/1", "reply": "c"}, {"messages": dialogue}]
    lines = [*map(json.dumps, records), "", "  plain words  "]
    (tmp_path / "mixed.jsonl").write_text("\n".join(lines), encoding="utf-8-sig")
    assert read_texts(str(tmp_path / "mixed.jsonl")) == ["a b", "c", "hey", "you", "plain words"]
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "valid.jsonl").write_text('{"text": "held out"}\n')
    assert read_texts(str(tmp_path / "set")) == ["held out"]


def test_a_line_ends_at_its_newline_alone(tmp_path):
    text = "one\u2028two\u0085three"
    (tmp_path / "texts.jsonl").write_text(json.dumps({"text": text}, ensure_ascii=False) + "\r\n", newline="")
    assert read_texts(str(tmp_path / "texts.jsonl")) == [text]


@pytest.mark.parametrize(
    ("content", "error", "said"),
    [
        (b'{"text": "a"}\n{"text": ', BadData, "line 2 is not valid JSON"),
        (b'{"words": "a"}\n', BadData, "line 1 has no text, reply or messages"),
        (b"\xff\xfe\x00", BadData, "not UTF-8 at byte 0"),
        (b"\n \n", NoInput, "no texts in it"),
    ],
)
def test_what_is_no_text_is_refused_by_line(content, error, said, tmp_path):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(error, match=said):
        read_texts(str(tmp_path / "file"))


def test_a_run_is_no_reference(tmp_path):
    (tmp_path / "aigc.json").write_text("{}")
    with pytest.raises(BadData, match="a run, not a set"):
        read_texts(str(tmp_path))


def test_the_numbers_of_both_sides():
    reference = ["one two three four five six seven eight nine", "ten"]
    texts = ["one two three four five six seven eight", "ten", "", "zero zero"]
    record = compare_texts(texts, reference)
    assert (record["texts"], record["reference_texts"], record["self_bleu_texts"]) == (4, 2, 2)
    assert (record["words_per_text"], record["reference_words_per_text"]) == (11 / 4, 5)
    assert (record["empty_rate"], record["reference_empty_rate"]) == (0.25, 0)
    assert record["distinct_1"] == 10 / 11
    assert record["overlap_4"] == record["overlap_8"] == 1.0
    assert (record["longest_overlap_words"], record["copied_rate"]) == (8, 0.25)
