"""What commands say in the end, of records as the commands make them: the numbers of the record, and what follows."""

import json

import pytest

from aigc_cli.commands.summary.evaluation import images_compared, pairs_compared, text_measured, texts_compared
from aigc_cli.commands.summary.forget import forgotten
from aigc_cli.commands.summary.prepare import prepared
from aigc_cli.commands.summary.training import duration, trained
from aigc_cli.core.disk.rundir import RunDir
from aigc_cli.core.words.messages import set_language
from aigc_cli.data.pii import LISTED, RULES

IMAGES = {
    "kind": "images",
    "out": "data/face",
    "counts": {"train": 180, "valid": 20},
    "dropped": {"broken": 2, "duplicate": 12},
    "size": 16,
    "mode": "RGB",
    "bit_depth": 8,
    "label_counts": {},
    "consent": "self",
    "credit": [],
}
CHAT = {
    "kind": "chat",
    "out": "data/chat",
    "counts": {"train": 294, "valid": 33, "messages": 3677, "conversations": 320, "subject_turns": 1293},
    "dropped": {"call": 1, "unanswered": 4, "some_new_reason": 2},
    "subject": "Wren",
    "consent": "unspecified",
    "redacted": {"email": 6, "phone": 10},
    "redaction_note": "names and postal addresses are not redacted, but for Chinese streets with a house number",
}
TAG = "[random_conv]"


def compared(*, near=10.0, spread=0.9, generated=200, **labels):
    record = {"real": "data/face", "generated": "faces", "n_real": 200, "n_generated": generated, "floor_n": 100}
    record |= {"extractor": {"name": "random_conv"}, "intervals": {}}
    record["metrics"] = {f"frechet{TAG}": near, f"spread{TAG}": spread}
    record["floor"] = {f"frechet{TAG}": 5.0, f"spread{TAG}": 0.95}
    known = {"recognised": 0.8, "interval": [0.7, 0.9], "classifier_accuracy": 0.95, "chance": 0.2}
    return record | ({"labels": known | labels} if labels else {})


def facts(summary):
    return {name: words for name, words in summary.facts if words}


def test_a_set_of_pictures():
    summary = prepared(IMAGES)
    assert summary.headline == "data/face: 200 pictures of 16 x 16 pixels, 20 of them held out"
    assert facts(summary) == {"left out": "duplicate 12, broken 2", "consent": "self"}
    assert summary.next_command[:5] == ("aigc", "train-gan", "data/face", "-o", "runs/face")


def test_labels_are_counted_and_many_of_them_shortened():
    few = prepared(IMAGES | {"label_counts": {"smile": 120, "sad": 80}, "mode": "L", "bit_depth": 16})
    assert (facts(few)["labels"], facts(few)["form"]) == ("smile 120, sad 80", "L, 16 bits")
    many = prepared(IMAGES | {"label_counts": {f"n{number}": 2 for number in range(100)}})
    assert facts(many)["labels"].endswith("n7 2 and 92 more")


def test_a_set_of_a_chat():
    summary = prepared(CHAT)
    assert summary.headline == "data/chat: 1293 turns of Wren in 320 conversations, from 3677 messages"
    assert facts(summary)["held out"] == "33 of 327 examples"
    assert facts(summary)["left out"] == "messages that nobody answers 4, some new reason 2, calls 1"
    assert facts(summary)["redacted"] == "telephone numbers 10, e-mail addresses 6"
    assert "names" in facts(summary)["beware"] and "--consent" in facts(summary)["consent"]


def test_every_rule_of_redaction_has_its_words():
    names = [LISTED, *(rule.name for rule in RULES)]
    summary = prepared(CHAT | {"redacted": dict.fromkeys(names, 1)})
    assert "_" not in facts(summary)["redacted"] and facts(summary)["redacted"].count(",") == len(names) - 1


def test_a_set_of_text():
    record = {"kind": "text", "out": "t", "counts": {"train": 9, "valid": 1, "characters": 50, "documents": 2}}
    summary = prepared(record | {"dropped": {"empty_document": 1}, "consent": "public"})
    assert summary.headline == "t: 50 characters of text"
    assert facts(summary)["left out"] == "empty documents 1"


@pytest.fixture
def run(tmp_path):
    """A run that kept the weights of step 30."""
    run = RunDir(tmp_path / "face")
    run.path.mkdir()
    record = {"schema": "aigc.run/1", "kind": "face", "best": {"step": 30, f"frechet{TAG}": 2.179}}
    run.record_path.write_text(json.dumps(record))
    lines = [{"step": 30, "loss_g": 1.0}, {"step": 30, "spread": 0.77}, {"step": 60, "spread": 0.1}]
    run.metrics_path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return run


def test_a_face_run(run):
    record = {"kind": "face", "step": 60, "seconds": 100, "best": {"step": 30, f"frechet{TAG}": 2.179}}
    summary = trained(record | {"near_training": 0.25}, run, converses=False)
    assert summary.headline == f"{run.path}: trained, 60 steps in 2 minutes"
    assert facts(summary)["nearness"].startswith("distance 2.18 to the real pictures at step 30")
    assert facts(summary)["variety"].startswith("77%")
    assert facts(summary)["copies"].startswith("25.0%") and "train shorter" in facts(summary)["copies"]
    assert tuple(summary.next_command[:3]) == ("aigc", "sample", str(run.path))
    few = trained(record | {"near_training": 0.01}, run, converses=False)
    assert "train shorter" not in facts(few)["copies"]
    assert "copies" not in facts(trained(record, run, converses=False))


def test_a_text_run_goes_on_with_what_it_has_learned(run):
    record = {"kind": "text", "step": 60, "seconds": 5, "best": {"step": 40, "bits_per_byte": 2.837}}
    summary = trained(record, run, converses=True)
    assert "2.84 bits" in facts(summary)["surprise"] and "step 40" in facts(summary)["surprise"]
    assert summary.next_command[1] == "chat"
    assert trained(record, run, converses=False).next_command[1] == "sample"


@pytest.mark.parametrize(("seconds", "words"), [(5, "5 seconds"), (100, "2 minutes"), (7200, "2.0 hours")])
def test_time_is_in_the_unit_that_fits(seconds, words):
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("changes", "advice"),
    [
        ({"generated": 48}, "draw at least 100"),
        ({"spread": 0.3}, "alike"),
        ({"near": 10.0}, "train longer"),
        ({"near": 6.0}, "about as near"),
    ],
)
def test_what_to_do_with_pictures(changes, advice):
    assert advice in facts(images_compared(compared(**changes)))["next"]


def test_pictures_beside_the_floor():
    said = facts(images_compared(compared(near=10.0, recognised=0.8)))
    assert said["nearness"].startswith("Fréchet distance 10 (frechet[random_conv]")
    assert said["floor"] == "5 between halves of the real pictures; this is 2.0 times as far"
    assert said["variety"] == "90% of the real pictures' spread (halves: 95%)"
    assert said["labels"].startswith("80% recognised as what was asked for (70% to 90%); of real ones 95%")
    assert "times as far" not in facts(images_compared(compared(near=4.0)))["floor"]
    assert "labels" not in facts(images_compared(compared()))


def test_a_classifier_that_knows_nothing_judges_nothing():
    said = facts(images_compared(compared(recognised=0.9, classifier_accuracy=0.2)))["labels"]
    assert "90%" not in said and "20%" in said


def test_intervals_stand_beside_their_numbers():
    record = compared()
    record["intervals"] = {f"frechet{TAG}": [9.0, 11.0]}
    assert "10 (9 to 11)" in facts(images_compared(record))["nearness"]


def test_pairs_texts_and_models():
    pairs = {"a": "a", "b": "b", "n": 3, "unpaired_a": 1, "unpaired_b": 1, "ssim": 0.5, "equal_pairs": 0}
    said = facts(pairs_compared(pairs | {"psnr_db": 20.0}))
    assert (said["similarity"], said["left out"]) == ("SSIM 0.500 (1 is equal)", "2 pictures without a partner")
    assert "noise" not in facts(pairs_compared(pairs | {"psnr_db": None}))
    model = {"run": "r", "data": "d", "split": "valid", "bytes": 9, "bits_per_byte": 2.0}
    model["bits_per_byte_interval"] = [1.9, 2.1]
    measured = text_measured(model | {"base": "smollm2", "base_bits_per_byte": 2.5, "reduction": 0.2})
    assert facts(measured)["surprise"].startswith("2.00 bits for a byte (1.90 to 2.10")
    assert facts(measured)["base"] == "smollm2: 2.50 bits for a byte; this is 20.0% less"
    rates = {"distinct_1": 0.5, "looping_rate": 0.25, "empty_rate": 0.1, "words_per_text": 7.0}
    record = rates | {f"reference_{name}": value / 2 for name, value in rates.items()}
    record |= {"texts": 3, "reference_texts": 9, "copied_rate": 0.125, "longest_overlap_words": 6}
    said = facts(texts_compared(record))
    assert said["variety"].startswith("50%") and "25%" in said["variety"]
    assert said["copies"].startswith("12%") and said["copies"].endswith("6")


def test_in_chinese_it_says_the_same_numbers():
    english = [*prepared(CHAT).facts, *images_compared(compared(recognised=0.8)).facts]
    set_language("zh-CN")
    try:
        chinese = [*prepared(CHAT).facts, *images_compared(compared(recognised=0.8)).facts]
    finally:
        set_language("en")
    for (_, said), (name, words) in zip(english, chinese, strict=True):
        assert not name.isascii()
        digits = [sorted("".join(c if c.isdigit() else " " for c in text).split()) for text in (said, words)]
        assert digits[0] == digits[1]


FORGOTTEN = {
    "set": "data/chat",
    "dry_run": False,
    "unchanged": False,
    "records": 10,
    "messages": 71,
    "untimed": 0,
    "left": {"train": 18, "valid": 2},
    "searched": ["runs"],
    "cleaned": [{"path": "runs/a/memory/x.jsonl", "kind": "memory", "lines": 3}],
    "still_holds": [
        {"path": "talk.txt", "kind": "source", "lines": 9},
        {"path": "notes.md", "kind": "text", "lines": 1},
    ],
    "train_again": ["runs/a", "runs/b"],
}
NOT_SEARCHED = "Neither what others say of somebody nor backups are searched."


def test_what_was_forgotten_and_what_still_knows_it():
    summary = forgotten(FORGOTTEN)
    assert summary.headline == "data/chat: 10 records of 71 messages are forgotten"
    assert facts(summary) == {
        "left": "18 records, and 2 held out",
        "cleaned": "runs/a/memory/x.jsonl (lines: 3)",
        "still hold it": "talk.txt (the export itself), notes.md (lines: 1)",
        "to be trained again": "weights cannot forget: runs/a, runs/b",
        "beware": NOT_SEARCHED,
    }


def test_what_was_not_looked_at_is_said():
    empty = {"searched": [], "cleaned": [], "still_holds": [], "train_again": [], "untimed": 4}
    summary = forgotten(FORGOTTEN | empty | {"left": {"train": 0, "valid": 0}})
    assert facts(summary) == {
        "left": "0 records, and 0 held out",
        "beware": "no --search: runs and copies were not looked for. 4 records have no time and were left. "
        f"Nothing to train on is left. {NOT_SEARCHED}",
    }
    assert "would be forgotten" in forgotten(FORGOTTEN | {"dry_run": True}).headline
    assert "nothing in it" in forgotten(FORGOTTEN | {"unchanged": True}).headline
