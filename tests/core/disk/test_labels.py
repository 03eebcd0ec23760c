import io
import json

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from aigc_cli.core.disk.checkpoint import save_tensors
from aigc_cli.core.disk.labels import files_to_check, label_record_of
from aigc_cli.core.disk.provenance import ai_label, label_png, label_record, label_text
from aigc_cli.core.errors import NoInput

SAMPLE = label_record({"schema": "aigc.sample/1", "text": "héllo"})


def status(path):
    return label_record_of(path, "x")["status"]


def lines(path, *records):
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def png(path, *, labelled):
    file = io.BytesIO()
    Image.new("RGB", (3, 3)).save(file, "PNG")
    data = file.getvalue()
    path.write_bytes(label_png(data, ai_label("a.0.1")) if labelled else data)
    return path


def test_a_picture(tmp_path):
    path = png(tmp_path / "a.png", labelled=True)
    record = label_record_of(path, "a.png")
    assert (record["schema"], record["path"], record["kind"]) == ("aigc.label/1", "a.png", "png")
    assert record["AIGC"]["ProduceID"] == "a.0.1"
    path.write_bytes(path.read_bytes()[:-1])
    assert status(path) == "damaged"
    assert status(png(tmp_path / "b.png", labelled=False)) == "missing"


def test_weights(tmp_path):
    save_tensors(tmp_path / "a.safetensors", {"x": torch.ones(2)}, labelled=True)
    assert status(tmp_path / "a.safetensors") == "labelled"
    data = (tmp_path / "a.safetensors").read_bytes()
    (tmp_path / "a.safetensors").write_bytes(data.replace(b"trainedAlgorithmicMedia", b"trainedAlgorithmicMedib"))
    assert status(tmp_path / "a.safetensors") == "damaged"
    save_file({"x": torch.ones(2)}, str(tmp_path / "b.safetensors"))
    assert status(tmp_path / "b.safetensors") == "missing"


@pytest.mark.parametrize("header", [b"\xff" * 7 + b"\x7f{}", b"\x40" + bytes(7) + b"{}", b"\x04" + bytes(7) + b"{nul"])
def test_headers_that_lie_are_damaged(header, tmp_path):
    (tmp_path / "a.safetensors").write_bytes(header)
    assert status(tmp_path / "a.safetensors") == "damaged"


def test_records_are_counted_and_the_first_bad_one_is_named(tmp_path):
    bare = {"schema": "aigc.sample/1", "text": "bare"}
    record = label_record_of(lines(tmp_path / "a.jsonl", SAMPLE, bare, SAMPLE, bare), "a")
    assert {name: record[name] for name in ("records", "generated", "labelled", "bad_line", "status")} == {
        "records": 4, "generated": 4, "labelled": 2, "bad_line": 2, "status": "missing",
    }  # fmt: skip
    assert status(lines(tmp_path / "b.jsonl", SAMPLE, SAMPLE)) == "labelled"


def test_an_altered_record_does_not_keep_its_label(tmp_path):
    altered = {**SAMPLE, "text": "other"}
    record = label_record_of(lines(tmp_path / "a.jsonl", altered), "a")
    assert (record["status"], record["bad_line"]) == ("damaged", 1)
    drawn = label_record({"schema": "aigc.sample/1", "file": "a.png"}, ai_label("run.0.7"))
    assert status(lines(tmp_path / "b.jsonl", {**drawn, "path": "elsewhere"})) == "labelled"  # its id is no hash


def test_what_a_person_said_needs_no_label(tmp_path):
    said = {"schema": "aigc.session/1", "role": "user", "content": "hi"}
    reply = label_record({"schema": "aigc.session/1", "role": "assistant", "content": "hey"})
    assert status(lines(tmp_path / "a.jsonl", said, reply)) == "labelled"
    assert status(lines(tmp_path / "b.jsonl", said, {**said, "role": "assistant"})) == "missing"
    assert status(lines(tmp_path / "c.jsonl", {"schema": "aigc.dialogue/1", "messages": []})) == "not generated"


@pytest.mark.parametrize("tail", ['{"schema": "aigc.sam', '{"n": ' + "9" * 5000 + "}", "[" * 100_000])
def test_a_broken_line_is_damage(tail, tmp_path):
    path = lines(tmp_path / "a.jsonl", SAMPLE)
    path.write_text(path.read_text() + tail + "\n")
    record = label_record_of(path, "a")
    assert (record["status"], record["labelled"]) == ("damaged", 1)


def test_text(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text(label_text("you: hi\nAda: hey\n"))
    assert status(path) == "labelled"
    path.write_text(path.read_text().replace("hey", "hoy"))
    assert status(path) == "damaged"
    path.write_text("you: hi\n")
    assert status(path) == "missing"
    path.write_bytes(b"\xff\xfe\x00")
    assert status(path) == "missing"
    path.write_bytes(b"")
    assert status(path) == "missing"


def test_folders_are_walked_without_what_cannot_carry_a_label(tmp_path):
    (tmp_path / "in" / ".hidden").mkdir(parents=True)
    for name in ("b.png", "in/a.jsonl", "in/metrics.jsonl", "in/config.json", ".c.png.x.part", "in/.hidden/d.png"):
        (tmp_path / name).touch()
    assert files_to_check(tmp_path) == [tmp_path / "b.png", tmp_path / "in" / "a.jsonl"]
    with pytest.raises(NoInput):
        files_to_check(tmp_path / "in" / ".hidden" / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(NoInput, match="no file that can carry"):
        files_to_check(tmp_path / "empty")
