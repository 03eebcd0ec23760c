import gzip
import io
import json
import sys

import pytest

from aigc_cli.config.prepare_text import PrepareTextSettings
from aigc_cli.core.errors import BadData, NoInput
from aigc_cli.core.screen.progress import SilentProgress
from aigc_cli.data import documents
from aigc_cli.data.manifest import read_manifest
from aigc_cli.data.text import prepare_text
from tests.data.test_epub import FILES, book


def prepare(source, out, **settings):
    return prepare_text([source], out, PrepareTextSettings(valid=0, **settings), SilentProgress())


def texts(out):
    return [json.loads(line)["text"] for line in (out / "train.jsonl").read_text(encoding="utf-8").splitlines()]


def text_of(tmp_path, name, data, **settings):
    """Return the kinds in the set made from a file, and its text."""
    (tmp_path / name).write_bytes(data.encode() if isinstance(data, str) else data)
    record = prepare(tmp_path / name, tmp_path / "set", force=True, **settings)
    return list(record["kinds"]), "".join(texts(tmp_path / "set"))


PAGE = "<!DOCTYPE html><title>t</title><p>Füße\r\nund<p>张三"


def test_each_kind_in_a_folder_is_read_as_what_it_is_and_counted(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.txt").write_text("<p>as typed\n")
    (folder / "b.md").write_text("---\ntitle: x\n---\n# *kept*\n")
    (folder / "c.HTM").write_text(PAGE)
    (folder / "d.epub").write_bytes(book())
    (folder / "e.txt.gz").write_bytes(gzip.compress(b"packed ", mtime=0) + gzip.compress(b"twice\n", mtime=0))
    (folder / "f.html.gz").write_bytes(gzip.compress(PAGE.encode(), mtime=0))
    (folder / "g.tar.gz").write_bytes(gzip.compress(b"passed over", mtime=0))
    (folder / "h.gz").write_bytes(gzip.compress(b"passed over", mtime=0))
    record = prepare(folder, tmp_path / "set")
    page = "Füße und\n\n张三\n"
    assert texts(tmp_path / "set") == [
        "<p>as typed\n",
        "---\ntitle: x\n---\n# *kept*\n",
        page,
        "first\n\nsecond\n",
        "packed twice\n",
        page,
    ]
    assert record["kinds"] == {"epub": 1, "html": 2, "markdown": 1, "text": 2}
    assert read_manifest(tmp_path / "set")["kinds"] == record["kinds"]
    assert prepare(folder, tmp_path / "set")["unchanged"]


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("a", PAGE, (["html"], "Füße und\n\n张三\n")),
        ("a.gz", gzip.compress(b"\xef\xbb\xbf<?xml version='1.0'?>\n<html><p>x", mtime=0), (["html"], "x\n")),
        ("a.txt", PAGE, (["text"], PAGE.replace("\r\n", "\n"))),
        ("a.zip", book(), (["epub"], "first\n\nsecond\n")),
        ("a.txt", gzip.compress("é\r\n".encode("utf-16"), mtime=0), (["text"], "é\n")),
    ],
)
def test_contents_tell_the_kind_where_the_name_does_not(tmp_path, name, data, expected):
    assert text_of(tmp_path, name, data) == expected


def test_standard_input_may_be_packed_or_a_book(tmp_path, monkeypatch):
    for number, data in enumerate([gzip.compress(b"one\n", mtime=0), book()]):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        record = prepare("-", tmp_path / str(number))
        assert record["kinds"] == ({"epub": 1} if number else {"text": 1})


@pytest.mark.parametrize(
    ("data", "settings", "expected"),
    [
        ('<meta charset="gb2312"><p>张三'.encode("gb18030"), {}, "张三"),
        ("<meta content='text/html; charset=ISO-8859-1'><p>“é”".encode("cp1252"), {}, "“é”"),
        ("<meta charset=latin1><p>é张".encode(), {}, "é张"),
        ("<meta charset=utf-16><p>é".encode(), {}, "é"),
        ("<meta charset=rot13><p>é".encode(), {}, "é"),
        ("<meta charset=iso-2022-jp><p>猫".encode("iso-2022-jp"), {}, "猫"),
        ("<meta charset=utf-8><p>猫".encode("gb18030"), {"encoding": "gb18030"}, "猫"),
        ("<p>é".encode("utf-16"), {}, "é"),
    ],
)
def test_a_page_is_in_the_encoding_that_is_named_or_that_it_is_in_or_that_it_says(tmp_path, data, settings, expected):
    assert text_of(tmp_path, "a.html", data, **settings) == (["html"], f"{expected}\n")


PACKED = gzip.compress(b"some text\n" * 40, mtime=0)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.txt.gz", PACKED[:-9], "not a whole gz"),
        ("a.txt.gz", PACKED[:5], "not a whole gz"),
        ("a.txt.gz", PACKED[:20] + b"\xff\xff" + PACKED[22:], "not a whole gz"),
        ("a.txt.gz", PACKED + b"more", "not a whole gz"),
        ("a.txt.gz", b"plain", "not a whole gz"),
        ("a.txt.gz", gzip.compress(b"a" * 8_000_000, mtime=0), "unpacks to far more"),
        ("a.html.gz", gzip.compress(b"a" * 8_000_000, mtime=0), "unpacks to far more"),
        ("a.epub.gz", gzip.compress(book(), mtime=0), r"an archive within gz .*gzip -d"),
        ("a.txt.gz", gzip.compress(PACKED, mtime=0), "not utf-8 text"),
        ("a.txt.gz", gzip.compress(b"ok\n" * 9 + b"\xff", mtime=0), "not utf-8 text at byte 27 "),
        ("a.txt.zst", b"\x28\xb5\x2f\xfd rest", "zstd -d"),
        ("a.html", b"<p>\xff", "not utf-8 text at byte 3 "),
        ("a.html", b"<p>a\0b", "not a text file"),
        ("a.html", b"<script>nothing said</script>", "no text"),
        ("a.epub", b"plain", "not a whole EPUB"),
        ("a.zip", book({"a.txt": "x"}), "a zip archive and no EPUB"),
        ("a.epub", book({**FILES, "OEBPS/text/one.xhtml": b"\xff"}), "one.xhtml: not utf-8 text at byte 0 "),
    ],
)
def test_bad_input_is_refused_in_one_line_and_leaves_nothing(tmp_path, name, data, message):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(BadData, match=message) as refusal:
        prepare(tmp_path / name, tmp_path / "set")
    assert "\n" not in str(refusal.value)
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def test_a_page_that_is_larger_than_is_held_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(documents, "LARGEST_PAGE", 1000)
    assert text_of(tmp_path, "a.html", "<p>" + "x" * 997) == (["html"], "x" * 997 + "\n")
    with pytest.raises(BadData, match="HTML of more than"):
        text_of(tmp_path, "a.html", "<p>" + "x" * 998)


def test_a_folder_without_a_document_names_some_suffixes(tmp_path):
    with pytest.raises(NoInput, match=r"no \.txt or \.md or \.html or \.epub file"):
        prepare(tmp_path, tmp_path / "set")
