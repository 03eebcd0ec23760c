"""A persona: the file that says who it is, and what of it is in a set, its manifest and what is told."""

import codecs
import hashlib
import json

import pytest

from aigc_cli.config.prepare_chat import PrepareChatSettings
from aigc_cli.core.errors import BadConfig, BadData, NoInput
from aigc_cli.core.screen.progress import SilentProgress
from aigc_cli.data.chat.prepare import prepare_chat
from aigc_cli.data.manifest import read_manifest
from aigc_cli.data.persona import MOST_CHARACTERS, read_persona, system_prompt

SMITH = "You are Smith, who mends swords.\nCall 07700 900123 for Tess."


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "log.txt"
    path.write_text("\n---\n".join(f"Tess: ask {number}\nWren: say {number}" for number in range(12)))
    return path


@pytest.fixture
def persona(tmp_path):
    path = tmp_path / "smith.txt"
    path.write_text(SMITH)
    return path


def prepare(log, out, *, force=False, dry_run=False, **settings):
    settings = PrepareChatSettings(me="Wren", **settings)
    return prepare_chat([log], out, settings, SilentProgress(), force=force, dry_run=dry_run)


def records(out):
    return [
        json.loads(line)
        for name in ("train.jsonl", "valid.jsonl")
        for line in (out / name).read_text(encoding="utf-8").splitlines()
    ]


def test_it_is_the_system_turn_of_every_record_redacted_and_told_by_its_hash(log, persona, tmp_path):
    words = tmp_path / "words.txt"
    words.write_text("Tess\n")
    record = prepare(log, tmp_path / "set", persona=str(persona), redact=str(words))
    text = "You are Smith, who mends swords.\nCall <PHONE_1> for <NAME_1>."
    assert {item["messages"][0]["content"] for item in records(tmp_path / "set")} == {text}
    manifest = read_manifest(tmp_path / "set", "chat")
    assert manifest["persona"] == text
    assert manifest["settings"]["persona"] == f"sha256:{hashlib.sha256(SMITH.encode()).hexdigest()}"
    assert record["redacted"] == {"listed": 1, "phone": 1}
    planned = prepare(log, tmp_path / "other", persona=str(persona), redact=str(words), dry_run=True)
    assert planned["redacted"] == record["redacted"]
    told = json.dumps([record, planned, manifest])
    assert "900123" not in told and "Tess" not in told
    assert "swords" not in json.dumps([record, planned])


def test_without_one_a_set_is_what_it_was_and_with_one_only_the_system_turns_differ(log, persona, tmp_path):
    prepare(log, tmp_path / "bare", max_characters=50)
    prepare(log, tmp_path / "set", persona=str(persona), max_characters=50)
    bare, made = records(tmp_path / "bare"), records(tmp_path / "set")
    assert {item["messages"][0]["content"] for item in bare} == {"You are Wren."}
    assert "persona" not in read_manifest(tmp_path / "bare")
    assert [item["messages"][1:] for item in bare] == [item["messages"][1:] for item in made]


def test_another_text_is_another_set_and_the_same_one_elsewhere_is_not(log, persona, tmp_path):
    made = prepare(log, tmp_path / "set", persona=str(persona))
    moved = persona.rename(tmp_path / "moved.txt")
    assert prepare(log, tmp_path / "set", persona=str(moved)) == {**made, "unchanged": True}
    moved.write_text(SMITH + " And shields.")
    for settings in ({"persona": str(moved)}, {}):
        with pytest.raises(BadConfig, match="--force"):
            prepare(log, tmp_path / "set", **settings)
    assert not prepare(log, tmp_path / "set", persona=str(moved), force=True)["unchanged"]
    assert read_manifest(tmp_path / "set")["persona"].endswith("And shields.")


@pytest.mark.parametrize(
    "data",
    [
        "麦冬😀\nsecond".encode(),
        codecs.BOM_UTF8 + " 麦冬😀\r\nsecond\n\n".encode(),
        codecs.BOM_UTF16_LE + "麦冬😀\x07\rsecond".encode("utf-16-le"),
    ],
)
def test_marks_line_ends_and_controls_of_the_file_make_no_difference(data, tmp_path):
    (tmp_path / "persona").write_bytes(data)
    assert read_persona(tmp_path / "persona").text == "麦冬😀\nsecond"


@pytest.mark.parametrize(
    ("data", "error", "said"),
    [
        (None, NoInput, "persona"),
        (b"", BadData, "no persona in it"),
        (b" \n\t\xef\xbb\xbf"[:3], BadData, "no persona in it"),
        (b"PK\x03\x04\x00\x00", BadData, "not a text file"),
        ("铁匠，会修剑".encode("gb18030"), BadData, "convert it to UTF-8"),
        (b"x" * (MOST_CHARACTERS + 1), BadData, f"a persona of {MOST_CHARACTERS + 1} characters"),
    ],
)
def test_a_file_that_is_none_is_refused_and_leaves_nothing(data, error, said, log, tmp_path):
    if data is not None:
        (tmp_path / "persona").write_bytes(data)
    with pytest.raises(error, match=said) as caught:
        prepare(log, tmp_path / "set", persona=str(tmp_path / "persona"))
    assert caught.value.remedy
    assert not (tmp_path / "set").exists()


def test_the_largest_one_is_taken_and_help_says_how_large(tmp_path):
    (tmp_path / "persona").write_text("😀" * MOST_CHARACTERS, encoding="utf-8")
    assert len(read_persona(tmp_path / "persona").text) == MOST_CHARACTERS
    assert f" {MOST_CHARACTERS} " in PrepareChatSettings.__dataclass_fields__["persona"].metadata["help"]


def test_what_is_said_is_the_persona_else_the_name_else_nothing():
    assert system_prompt("Ada", "You mend swords.") == "You mend swords."
    assert system_prompt("Ada") == system_prompt("Ada", None) == "You are Ada."
    assert system_prompt(None) is None
