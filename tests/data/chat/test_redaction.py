"""`prepare chat --redact`: listed words are nowhere in a set, its manifest or what is told."""

import json

import pytest

from aigc_cli.config.prepare_chat import PrepareChatSettings
from aigc_cli.core.errors import BadConfig, NoInput
from aigc_cli.core.screen.progress import SilentProgress
from aigc_cli.data.chat.prepare import prepare_chat
from aigc_cli.data.manifest import read_manifest


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "Chat with Tess.txt"
    turns = (f"Tess: how is Wren, {number}? 07700 900123\nWren: 和小明在一起 {number}, tess" for number in range(12))
    path.write_text("\n".join(turns), encoding="utf-8")
    return path


@pytest.fixture
def words(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("# people\nTess\nWren\n小明\n", encoding="utf-8")
    return path


def prepare(log, out, *, force=False, dry_run=False, **settings):
    settings = PrepareChatSettings(me="Wren", **settings)
    return prepare_chat([log], out, settings, SilentProgress(), force=force, dry_run=dry_run)


def test_listed_words_are_in_no_file_of_the_set_and_not_in_the_record(log, words, tmp_path):
    record = prepare(log, tmp_path / "set", redact=str(words), subject="Wren C")
    everything = json.dumps(record, ensure_ascii=False)
    everything += "".join(file.read_text(encoding="utf-8") for file in (tmp_path / "set").iterdir())
    assert not any(word in everything.casefold() for word in ("tess", "wren", "小明", "words.txt"))
    first = json.loads((tmp_path / "set" / "train.jsonl").read_text(encoding="utf-8").split("\n")[0])
    assert [message["content"] for message in first["messages"][:3]] == [
        "You are <NAME_2> C.",
        "how is <NAME_2>, 0? <PHONE_1>",
        "和<NAME_3>在一起 0, <NAME_1>",
    ]
    assert record["redacted"] == {"listed": 36, "phone": 12}
    assert "--redact does not list" in record["redaction_note"]
    manifest = read_manifest(tmp_path / "set", "chat")
    assert (manifest["subject"], manifest["sources"][0]["path"]) == ("<NAME_2> C", "Chat with <NAME_1>.txt")


def test_a_dry_run_counts_by_rule_and_tells_no_value(log, words, tmp_path):
    record = prepare(log, tmp_path / "set", redact=str(words), dry_run=True)
    assert record["redacted"] == {"listed": 36, "phone": 12}
    told = json.dumps(record, ensure_ascii=False)
    assert not any(word in told for word in ("Tess", "Wren", "小明", "900123"))
    assert not (tmp_path / "set").exists()


def test_words_are_redacted_where_the_rules_are_switched_off(log, words, tmp_path):
    record = prepare(log, tmp_path / "set", redact=str(words), keep_pii=True)
    assert record["redacted"] == {"listed": 36}
    assert "but for the words" in record["redaction_note"]
    assert "07700 900123" in (tmp_path / "set" / "train.jsonl").read_text(encoding="utf-8")


def test_the_same_words_are_the_same_set_and_others_are_another(log, words, tmp_path):
    prepare(log, tmp_path / "set", redact=str(words))
    before = (tmp_path / "set" / "train.jsonl").read_bytes()
    moved = words.rename(tmp_path / "moved.txt")
    assert prepare(log, tmp_path / "set", redact=str(moved))["unchanged"]
    moved.write_text(moved.read_text(encoding="utf-8") + "together\n在一起\n", encoding="utf-8")
    with pytest.raises(BadConfig):
        prepare(log, tmp_path / "set", redact=str(moved))
    with pytest.raises(BadConfig):
        prepare(log, tmp_path / "set")
    assert (tmp_path / "set" / "train.jsonl").read_bytes() == before
    assert prepare(log, tmp_path / "set", redact=str(moved), force=True)["redacted"]["listed"] == 48


def test_a_list_that_is_missing_stops_before_anything_is_written(log, tmp_path):
    with pytest.raises(NoInput):
        prepare(log, tmp_path / "set", redact=str(tmp_path / "none.txt"))
    assert not (tmp_path / "set").exists()


def test_a_set_without_a_list_is_made_as_before(log, tmp_path):
    record = prepare(log, tmp_path / "set")
    settings = read_manifest(tmp_path / "set", "chat")["settings"]
    assert (settings["redact"], settings["me"], record["subject"]) == (None, "Wren", "Wren")
