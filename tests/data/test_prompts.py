"""Prompts, one a line: what a line is, and that a broken one is named."""

import codecs
import io
import json
import sys

import pytest

from aigc_cli.core.errors import BadData
from aigc_cli.data.prompts import read_prompts


def test_a_line_ends_at_its_newline_alone(tmp_path):
    text = "one\u2028two\u0085three"
    lines = ["plain", json.dumps({"prompt": text}, ensure_ascii=False)]
    (tmp_path / "prompts").write_text("\n".join(lines) + "\n", encoding="utf-8")
    contents = [messages[0]["content"] for messages in read_prompts(None, tmp_path / "prompts")]
    assert contents == ["plain", text]


@pytest.mark.parametrize("line", ['{"prompt": ', '{"prompt": ' + "1" * 5000 + "}", '{"a": ' * 100_000])
def test_a_broken_line_is_named(line, tmp_path):
    (tmp_path / "prompts").write_text(f"plain\n{line}\n")
    with pytest.raises(BadData, match="line 2"):
        read_prompts(None, tmp_path / "prompts")


def contents(path):
    return [[message["content"] for message in messages] for messages in read_prompts(None, path)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("from_stdin", [True, False])
def test_the_mark_of_a_file_says_its_encoding(tmp_path, monkeypatch, encoding, end, from_stdin):
    data = f"are you home?{end}晚饭吃什么{end}".encode(encoding)
    data = codecs.BOM_UTF16_BE + data if encoding == "utf-16-be" else data
    (tmp_path / "prompts").write_bytes(data)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), errors="surrogateescape"))
    found = read_prompts(None, "-" if from_stdin else tmp_path / "prompts")
    assert [messages[0]["content"] for messages in found] == ["are you home?", "晚饭吃什么"]


@pytest.mark.parametrize(
    "line", ["{{char}} looks up. are you home?", "{smiles} hi", "[1] are you home?", '"quoted"', "42", "{"]
)
def test_a_line_that_begins_no_json_object_is_a_prompt(tmp_path, line):
    (tmp_path / "prompts").write_text(line + "\n")
    assert contents(tmp_path / "prompts") == [[line]]


def test_content_parts_of_text_are_text_and_others_are_refused(tmp_path):
    parts = [{"type": "text", "text": "are you"}, {"type": "text", "text": "home?"}]
    (tmp_path / "prompts").write_text(json.dumps({"messages": [{"role": "user", "content": parts}]}))
    assert contents(tmp_path / "prompts") == [["are you\nhome?"]]
    picture = {"type": "image_url", "image_url": {"url": "x"}}
    (tmp_path / "prompts").write_text(json.dumps({"messages": [{"role": "user", "content": [*parts, picture]}]}))
    with pytest.raises(BadData, match="line 1 has a message without role or text"):
        contents(tmp_path / "prompts")


@pytest.mark.parametrize("data", [b"caf\xe9?\n", "hi\n".encode("utf-16-le")])
def test_what_is_no_utf8_is_named_in_a_file_and_on_stdin(tmp_path, monkeypatch, data):
    (tmp_path / "prompts").write_bytes(data)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), errors="surrogateescape"))
    for source, name in ((tmp_path / "prompts", "prompts"), ("-", "stdin")):
        with pytest.raises(BadData, match=f"{name}: not (utf-8 text at byte 3|a text file)"):
            read_prompts(None, source)


def test_half_a_character_becomes_the_replacement_character(tmp_path):
    lines = ['{"prompt": "hi \\ud83d"}', '{"messages": [{"role": "user", "content": "\\udc00"}]}']
    (tmp_path / "prompts").write_text("\n".join(lines))
    assert contents(tmp_path / "prompts") == [["hi \ufffd"], ["\ufffd"]]
    assert read_prompts("caf\udce9", None) == [[{"role": "user", "content": "caf\ufffd"}]]
