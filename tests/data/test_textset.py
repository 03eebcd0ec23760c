"""Large text sets: what is made in shards is what would be made in memory, once, and survives interruptions."""

import json
import random
import stat

import numpy as np
import pytest

from aigc_cli.core.errors import BadData, NoInput
from aigc_cli.core.screen.progress import SilentProgress
from aigc_cli.data import textset
from aigc_cli.data.textset import TextSplit, all_tokens, first_tokens, sample_of, texts_of, token_vectors
from aigc_cli.data.tokenizer import train_bpe, train_char

MIXED = "Ada said: 你好，世界! 🚲🚲 naïve café 12345 \t\n\n  ｆｕｌｌ Ω𝔘 e\u0301 "
SHARD = 1000


class Stopped(Exception):
    pass


class Said(SilentProgress):
    """Keeps what is said."""

    def __init__(self):
        self.lines = []

    def say(self, line):
        self.lines.append(line)


def texts(seed=0, count=40):
    rng = random.Random(seed)
    return ["".join(rng.choice(MIXED) for _ in range(rng.randrange(1, 120))) for _ in range(count)]


def write_records(path, some):
    lines = [json.dumps({"schema": "aigc.text/1", "text": text}, ensure_ascii=False) for text in some]
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


@pytest.fixture
def records(tmp_path):
    return write_records(tmp_path / "train.jsonl", texts())


@pytest.fixture
def large(monkeypatch):
    """Let every split count as large, in small shards."""
    monkeypatch.setattr(textset, "IN_MEMORY_BYTES", 0)
    monkeypatch.setattr(textset, "SHARD_BYTES", SHARD)


def split(records, progress=None, stop=lambda: None, data_hash="h"):
    return TextSplit(records, data_hash, progress or SilentProgress(), stop)


def everything(tokens):
    return tokens.read([0], len(tokens))[0]


def test_spans_of_a_file_hold_each_record_once_wherever_they_are_cut(records):
    size = records.stat().st_size
    for span in (1, 7, 100, 333, size, 2 * size):
        found = [text for start in range(0, size, span) for text in texts_of(records, start, start + span)]
        assert found == texts()


@pytest.mark.parametrize("tokenizer", [train_char(["cafe 你"]), train_bpe([MIXED] * 3, 300)], ids=["char", "bpe"])
def test_shards_hold_what_would_be_in_memory(records, tokenizer, large, monkeypatch):
    sharded = split(records).tokens(tokenizer)
    names = sorted(path.name for path in (records.parent / "tokens").iterdir())
    assert len(names) == -(-records.stat().st_size // SHARD) > 3
    monkeypatch.setattr(textset, "IN_MEMORY_BYTES", 1 << 20)
    assert np.array_equal(everything(sharded), everything(split(records).tokens(tokenizer)))
    assert np.array_equal(everything(sharded), all_tokens(records, tokenizer))
    end = tokenizer.end_of_text_id
    assert everything(sharded).tolist() == [token for text in texts() for token in (*tokenizer.encode(text), end)]


def test_characters_are_looked_up_as_merges_would_make_them(records):
    tokenizer = train_char(["cafe 你Ω好\n"])  # so that most are unknown, and some share bytes with known ones
    strange = [MIXED, "", "\ud800x", "好奴妳你", "".join(map(chr, range(0x300))), "\x00\U0010ffff"]
    found = [ids[:-1].tolist() for ids in token_vectors(tokenizer, strange)]
    assert found == [tokenizer.encode(text) for text in strange]
    assert tokenizer.per_character
    assert [len(ids) for ids in found[:2]] == [len(tokenizer.encode(MIXED)), 0]


def test_interrupted_work_keeps_the_shards_that_were_finished(records, large):
    tokenizer, calls = train_char(texts()), []

    def stop():
        calls.append(1)
        if len(calls) > 15:
            raise Stopped

    with pytest.raises(Stopped):
        split(records, stop=stop).tokens(tokenizer)
    folder = records.parent / "tokens"
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert len(before) >= 1
    killed = folder / ".train-x.safetensors.abc.part"
    killed.write_bytes(b"x")
    made = split(records).tokens(tokenizer)
    assert not killed.exists()
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert len(list(folder.iterdir())) > len(before)
    assert np.array_equal(everything(made), all_tokens(records, tokenizer))


def test_shards_are_made_once_for_a_set_and_a_tokenizer(records, large):
    one, other = train_char(texts()), train_bpe(texts(), 280)
    counts = []
    for tokenizer, data_hash in ((one, "h"), (one, "h"), (other, "h"), (one, "i")):
        progress = Said()
        split(records, progress, data_hash=data_hash).tokens(tokenizer)
        counts.append((len(list((records.parent / "tokens").iterdir())), len(progress.lines)))
    shards = -(-records.stat().st_size // SHARD)
    assert counts == [(shards, 1), (shards, 0), (2 * shards, 1), (3 * shards, 1)]


def test_tokens_are_as_private_as_the_set(records, large):
    split(records).tokens(split(records).new_tokenizer("bpe", 280))
    folder = records.parent / "tokens"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


@pytest.mark.parametrize("choice", ["char", "bpe"])
def test_a_tokenizer_of_a_large_set_is_trained_once_on_a_sample_and_said(records, large, monkeypatch, choice):
    small = textset.trained_tokenizer(choice, 290, texts())
    first, again = Said(), Said()
    made = split(records, first).new_tokenizer(choice, 290)
    assert made.inner.to_str() == small.inner.to_str()  # the sample of a set smaller than it is the set
    kept = split(records, again).new_tokenizer(choice, 290)
    assert (kept.inner.to_str(), kept.per_character) == (made.inner.to_str(), choice == "char")
    assert [len(first.lines), len(again.lines)] == [1, 0]
    assert "a sample of 67 MB" in first.lines[0]


def test_a_sample_is_bounded_and_comes_from_all_over(tmp_path, monkeypatch):
    records = write_records(tmp_path / "train.jsonl", [f"text {number:05}" for number in range(4000)])
    monkeypatch.setattr(textset, "SAMPLE_BYTES", 8000)
    monkeypatch.setattr(textset, "SAMPLE_PLACES", 16)
    numbers = [int(text.split()[1]) for text in sample_of(records)]
    assert numbers == sorted(set(numbers))
    assert 100 < len(numbers) < 8000 / len('{"text": "text 00000"}')
    assert {number * 16 // 4000 for number in numbers} == set(range(16))


def test_only_the_first_tokens_are_read(records):
    tokenizer = train_char(texts())
    whole = all_tokens(records, tokenizer)
    for limit in (1, 10, 500, len(whole), 2 * len(whole)):
        assert np.array_equal(first_tokens(records, tokenizer, limit), whole[:limit])
    with records.open("a") as file:
        file.write("broken\n")
    assert len(first_tokens(records, tokenizer, 100)) == 100
    with pytest.raises(BadData, match="line 41 is not valid JSON"):
        all_tokens(records, tokenizer)


def test_what_is_no_text_set_is_refused(tmp_path):
    with pytest.raises(NoInput):
        split(tmp_path / "train.jsonl")
    with pytest.raises(BadData, match="no text in it"):
        split(write_records(tmp_path / "train.jsonl", [""]))
    records = write_records(tmp_path / "train.jsonl", ["a" * 50, "b"])
    records.write_text(records.read_text() + '{"schema": "aigc.dialogue/1"}\n')
    with pytest.raises(BadData, match=r"record 3 is no aigc\.text/1"):
        split(records)
    with pytest.raises(BadData, match=r"after byte 60 is no aigc\.text/1"):
        list(texts_of(records, 60, 1000))
    records.write_text(records.read_text() + "broken\n")
    with pytest.raises(BadData, match="line 4 is not valid JSON"):
        list(texts_of(records, records.stat().st_size - 7, 1000))
