import json
import math

import pytest
import torch

from aigc_cli.core.errors import BadData
from aigc_cli.core.screen.progress import SilentProgress
from aigc_cli.data.dialogue import encode_dialogue
from aigc_cli.evaluation.text import bootstrap, describe_replies, evaluate_run, surprise
from aigc_cli.gpt.bases.hf import write_model_folder
from aigc_cli.gpt.decoding.decode import GenerationSettings, Reply, TextModel
from tests.gpt.models import harsh_model, tokenizer

TALKS = [
    [("system", "You are Cat."), ("user", "what did the cat do?"), ("assistant", "it ran\nthe mat 12")],
    [("system", "You are Cat."), ("user", "the cat"), ("assistant", "café"), ("user", "sat?"), ("assistant", "it did")],
    [("system", "You are Cat."), ("user", "mat"), ("assistant", "the 🚲 ran, the cat ran; the cat did it")],
]


def dialogues():
    return [[{"role": role, "content": content} for role, content in talk] for talk in TALKS]


def write_set(folder, kind="chat"):
    folder.mkdir()
    if kind == "chat":
        records = [{"schema": "aigc.dialogue/1", "messages": messages} for messages in dialogues()]
    else:
        records = [{"schema": "aigc.text/1", "text": "the cat sat on the mat. " * 12}]
    for name in ("train", "valid"):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    manifest = {"schema": "aigc.manifest/1", "kind": kind, "hash": "h", "counts": {}, "subject": "Cat"}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def write_run(folder, seed=0, std=0.1):
    model = harsh_model("llama", seed=seed, std=std)
    folder.mkdir()
    write_model_folder(folder, model, dict(model.state_dict()), tokenizer(), "# card", {})
    return folder


def formula_bits_per_byte(model, made):
    nats = size = 0
    for messages in dialogues():
        ids, is_target = encode_dialogue(made, messages)
        log_p = model.logits(model(torch.tensor([ids])))[0].double().log_softmax(-1)
        nats -= sum(float(log_p[i - 1, ids[i]]) for i in range(1, len(ids)) if is_target[i])
        size += sum(len(m["content"].encode()) + 1 for m in messages if m["role"] == "assistant")
    return nats / math.log(2) / size, size


def test_bits_per_byte_are_all_bits_over_all_bytes(tmp_path):
    run, data = write_run(tmp_path / "run"), write_set(tmp_path / "data")
    record = evaluate_run(run, data, replies=0)
    expected, size = formula_bits_per_byte(harsh_model("llama", std=0.1), tokenizer())
    assert record["bits_per_byte"] == pytest.approx(expected, rel=1e-5)
    assert (record["bytes"], record["pieces"], record["subject"]) == (size, 3, "Cat")
    low, high = record["bits_per_byte_interval"]
    assert low <= record["bits_per_byte"] <= high


def test_the_base_is_compared_on_the_same_turns(tmp_path):
    run, data = write_run(tmp_path / "run", std=0.02), write_set(tmp_path / "data")
    base = write_run(tmp_path / "base", seed=1, std=0.3)
    record = evaluate_run(run, data, base=str(base), replies=0)
    other = evaluate_run(base, data, replies=0)["bits_per_byte"]
    assert record["base_bits_per_byte"] == pytest.approx(other)
    assert record["reduction"] == pytest.approx(1 - record["bits_per_byte"] / other)
    assert record["reduction_interval"][0] <= record["reduction"] <= record["reduction_interval"][1]
    same = evaluate_run(run, data, base=str(run), replies=0)
    assert same["reduction"] == 0 and same["reduction_interval"] == [0, 0]


def test_replies_are_counted_and_repeatable(tmp_path):
    run, data = write_run(tmp_path / "run"), write_set(tmp_path / "data")
    settings = GenerationSettings(max_new_tokens=5)
    record = evaluate_run(run, data, replies=4, generation=settings)
    assert record["schema"] == "aigc.eval.text/1"
    assert record["replies"] == 4
    assert record["empty_rate"] == 0
    assert record == evaluate_run(run, data, replies=4, generation=settings)
    json.dumps(record)


def test_running_text_is_read_whole(tmp_path):
    run, data = write_run(tmp_path / "run"), write_set(tmp_path / "data", kind="text")
    record = evaluate_run(run, data, context=16)
    made, model = tokenizer(), harsh_model("llama", std=0.1)
    ids = [*made.encode("the cat sat on the mat. " * 12), made.end_of_text_id]
    assert record["tokens"] == len(ids) - 1
    whole = surprise(TextModel(model, made), data / "valid.jsonl", "text", 256, SilentProgress())
    log_p = model.logits(model(torch.tensor([ids])))[0].double().log_softmax(-1)
    expected = -sum(float(log_p[i - 1, ids[i]]) for i in range(1, len(ids)))
    assert float(whole.nats.sum()) == pytest.approx(expected, rel=1e-5)


def test_nothing_held_out_is_said(tmp_path):
    run, data = write_run(tmp_path / "run"), write_set(tmp_path / "data")
    (data / "valid.jsonl").write_text("")
    with pytest.raises(BadData):
        evaluate_run(run, data)


def test_bootstrap_interval_is_the_normal_one_for_many_pieces():
    values = torch.randn(400, generator=torch.Generator().manual_seed(0), dtype=torch.float64) + 5
    low, high = bootstrap(values, torch.ones_like(values), seed=0)
    half_width = 1.96 * float(values.std()) / 20
    assert low == pytest.approx(float(values.mean()) - half_width, abs=0.02)
    assert high == pytest.approx(float(values.mean()) + half_width, abs=0.02)


def test_rates_of_replies():
    replies = [
        Reply("hi you", [1], True),
        Reply("  ", [2], True),
        Reply("go on and on", [3], False),
        Reply("a", [4], True),
    ]
    record = describe_replies(replies, ["hello there my friend"])
    assert (record["end_of_turn_rate"], record["empty_rate"], record["looping_rate"]) == (0.75, 0.25, 0.0)
    assert (record["words_per_reply"], record["person_words_per_reply"]) == (7 / 4, 4)
