import io
import json
import random
import stat
import sys
import tracemalloc

import pytest

from aigc_cli.config.prepare_text import PrepareTextSettings
from aigc_cli.core.errors import BadConfig, BadData, NoInput, UsageProblem
from aigc_cli.core.screen.progress import SilentProgress
from aigc_cli.data.manifest import read_manifest
from aigc_cli.data.text import blocks, prepare_text


def prepare(sources, out, *, force=False, dry_run=False, **settings):
    sources = sources if isinstance(sources, list) else [sources]
    return prepare_text(sources, out, PrepareTextSettings(**settings), SilentProgress(), force=force, dry_run=dry_run)


def records(out, name):
    return [json.loads(line) for line in (out / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def joined(out, name):
    return "".join(record["text"] for record in records(out, name))


def write(path, text):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


LINES = "".join(f"line {number} 你好\n" for number in range(1000))


def test_the_contiguous_end_is_held_out_at_a_lines_end(tmp_path):
    record = prepare(write(tmp_path / "a.txt", LINES), tmp_path / "set", block_characters=500)
    train, valid = joined(tmp_path / "set", "train"), joined(tmp_path / "set", "valid")
    assert train + valid == LINES
    assert train.endswith("\n")
    assert 0 <= len(valid) - 0.1 * len(LINES) <= len("line 900 你好\n")
    assert record["counts"] == {
        "train": len(records(tmp_path / "set", "train")),
        "valid": len(records(tmp_path / "set", "valid")),
        "documents": 1,
        "characters": len(LINES),
    }
    assert records(tmp_path / "set", "train")[0]["schema"] == "aigc.text/1"
    assert read_manifest(tmp_path / "set", "text")["hash"] == record["hash"]
    assert stat.S_IMODE((tmp_path / "set" / "train.jsonl").stat().st_mode) == 0o600


@pytest.mark.parametrize("seed", range(10))
def test_blocks_joined_are_the_document_and_none_is_larger_than_the_limit(seed):
    rng = random.Random(seed)
    document = "".join(rng.choice(["word ", "\n", "\n\n", "x" * 50]) for _ in range(500))
    chunks = [document[place : place + 97] for place in range(0, len(document), 97)]
    made = list(blocks(chunks, 300))
    assert "".join(made) == document
    assert all(0 < len(block) <= 300 for block in made)
    assert len(made) <= 2 * len(document) / 300 + 1


def test_blocks_prefer_the_end_of_a_paragraph_then_of_a_line():
    assert list(blocks(["aaaaaa\n\nbb\ncc"], 12)) == ["aaaaaa\n\n", "bb\ncc"]
    assert list(blocks(["aaaaaaa\nbbbbbbb"], 12)) == ["aaaaaaa\n", "bbbbbbb"]
    assert list(blocks(["aaaaaaa\nb\nbbbbbbb"], 12)) == ["aaaaaaa\nb\n", "bbbbbbb"]
    assert list(blocks(["abcdefgh"], 4)) == ["abcd", "efgh"]


def test_folders_are_read_in_order_and_documents_are_told_apart(tmp_path):
    folder = tmp_path / "texts"
    (folder / "sub").mkdir(parents=True)
    write(folder / "b.md", "# two\n")
    write(folder / "a.TXT", "one\n")
    write(folder / "sub" / "c.txt", "three\n")
    write(folder / "empty.txt", " \n")
    write(folder / "picture.png", b"\x89PNG\x00")
    record = prepare(folder, tmp_path / "set", valid=0)
    assert [(item["document"], item["text"]) for item in records(tmp_path / "set", "train")] == [
        (0, "one\n"),
        (1, "# two\n"),
        (2, "three\n"),
    ]
    assert record["dropped"] == {"empty_document": 1}
    assert records(tmp_path / "set", "valid") == []


def test_stdin_is_read_once_and_hashed(tmp_path, monkeypatch):
    write(tmp_path / "a.txt", LINES)
    prepare(tmp_path / "a.txt", tmp_path / "file")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(LINES.encode())))
    prepare("-", tmp_path / "stdin")
    of_file, of_stdin = read_manifest(tmp_path / "file"), read_manifest(tmp_path / "stdin")
    assert of_file["hash"] == of_stdin["hash"]
    assert of_stdin["sources"] == [{"path": "-", "sha256": of_file["sources"][0]["sha256"]}]
    with pytest.raises(UsageProblem, match="twice"):
        prepare(["-", "-"], tmp_path / "x")


def test_byte_order_marks_encodings_and_line_ends(tmp_path):
    for number, (data, encoding) in enumerate(
        [
            (b"\xef\xbb\xbf" + "é\r\nb\rc".encode(), "utf-8"),
            ("é\nb\nc".encode("utf-16"), "utf-8"),
            ("é\nb\nc".encode("latin-1"), "latin-1"),
            ("é\nb\nc".encode("gb18030"), "gb18030"),
        ]
    ):
        prepare(write(tmp_path / "a.txt", data), tmp_path / str(number), encoding=encoding, valid=0)
        assert joined(tmp_path / str(number), "train") == "é\nb\nc"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"abc\xffdef", "not utf-8 text at byte 3 "),
        (b"\xef\xbb\xbfabc\xffdef", "not utf-8 text at byte 6 "),
        (b"abc\xc3", "not utf-8 text at byte 3 "),
        (b"a" * (1 << 20) + b"\xc3", f"at byte {1 << 20} "),
        (b"a" * ((1 << 20) - 1) + b"\xe4\xff", f"at byte {(1 << 20) - 1} "),
        (b"a" * (1 << 21) + b"\x80", f"at byte {1 << 21} "),
        (b"ab\x00c", "not a text file"),
        (b"", "no text"),
        (b" \n\t", "no text"),
    ],
)
def test_what_is_not_text_is_bad_data_with_the_byte_and_leaves_nothing(tmp_path, data, message):
    write(tmp_path / "a.txt", data)
    with pytest.raises(BadData, match=message):
        prepare(tmp_path / "a.txt", tmp_path / "set")
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16-le"])
def test_the_encoding_that_a_text_is_in_is_proposed_and_then_reads_it(tmp_path, encoding):
    text = "晚饭吃什么？我快到家了。\nOK\n" * 4
    source = write(tmp_path / "a.txt", text.encode(encoding))
    with pytest.raises(BadData, match=f"--encoding {encoding}"):
        prepare(source, tmp_path / "set")
    prepare(source, tmp_path / "set", encoding=encoding, valid=0)
    assert joined(tmp_path / "set", "train") == text
    write(tmp_path / "a.txt", "are you home?\n".encode("utf-16-be"))
    with pytest.raises(BadData, match=r"not a text file .*--encoding utf-16-be"):
        prepare(source, tmp_path / "x")


def test_missing_sources_and_unknown_encoding(tmp_path):
    with pytest.raises(NoInput, match="no such file"):
        prepare(tmp_path / "a.txt", tmp_path / "set")
    write(tmp_path / "a.txt", "x")
    with pytest.raises(UsageProblem, match="'klingon'"):
        prepare(tmp_path / "a.txt", tmp_path / "set", encoding="klingon")


def test_rerun_dry_run_and_force(tmp_path):
    source = write(tmp_path / "a.txt", LINES)
    planned = prepare(source, tmp_path / "set", dry_run=True)
    assert planned["counts"] == {"documents": 1, "characters": len(LINES)}
    assert not (tmp_path / "set").exists()
    assert prepare(source, tmp_path / "set")["unchanged"] is False
    assert prepare(source, tmp_path / "set")["unchanged"] is True
    with pytest.raises(BadConfig, match="--force"):
        prepare(source, tmp_path / "set", valid=0.2)
    assert prepare(source, tmp_path / "set", valid=0.2, force=True)["unchanged"] is False


def test_memory_stays_flat_for_a_file_of_one_endless_line(tmp_path):
    source = write(tmp_path / "a.txt", b"word " * 4_000_000)
    tracemalloc.start()
    prepare(source, tmp_path / "set")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < source.stat().st_size / 2


def test_errors_call_stdin_by_its_name(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"ab\xff")))
    with pytest.raises(BadData, match=r"^stdin: not utf-8 text at byte 2 "):
        prepare("-", tmp_path / "set")


def test_a_set_of_the_version_before_is_finished_though_pages_are_found_now(tmp_path):
    (tmp_path / "notes").mkdir()
    write(tmp_path / "notes" / "a.txt", LINES)
    prepare(tmp_path / "notes", tmp_path / "set")
    write(tmp_path / "notes" / "b.html", "<p>a page")
    with pytest.raises(BadConfig):
        prepare(tmp_path / "notes", tmp_path / "set")
    manifest = json.loads((tmp_path / "set" / "manifest.json").read_text())
    del manifest["kinds"]
    (tmp_path / "set" / "manifest.json").write_text(json.dumps(manifest))
    assert prepare(tmp_path / "notes", tmp_path / "set")["unchanged"]
