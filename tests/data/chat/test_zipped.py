"""Archives of chat logs: the export in them is the log, and what was sent beside it is not."""

import zipfile
from contextlib import ExitStack

import pytest

from aigc_cli.core.errors import BadData, NoInput
from aigc_cli.data.chat import zipped
from aigc_cli.data.chat.sources import chat_exports
from aigc_cli.data.chat.zipped import is_zipped, zipped_parts

SUFFIXES = (".json", ".jsonl", ".txt")
CHAT = b"[31/12/20, 10:00:00] Ann: hi\n[31/12/20, 10:01:00] Bea: ho\n"


def contents(source):
    """Return (path, content) of each export of a source."""
    gathered = chat_exports([str(source)], "utf-8")
    with gathered.opened:
        return [(path, read(export.parts[0])) for path, export in gathered.exports.items()]


def read(part):
    with part.open() as file:
        return file.read()


def parts_of(path):
    with ExitStack() as kept:
        return zipped_parts(path, SUFFIXES, kept)


def archive(path, files, **options):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, **options) as opened:
        for name, content in files.items():
            opened.writestr(name, content)
    return path


@pytest.mark.parametrize("name", ["_chat.txt", "WhatsApp Chat with Bea.txt", "Chat de WhatsApp con Bea.txt"])
def test_an_export_is_the_log_and_documents_beside_it_are_not(tmp_path, name):
    path = archive(tmp_path / "x.zip", {name: CHAT, "notes.txt": "Ann: a poem", "IMG-1.jpg": b"\xff", ".x.txt": "y"})
    assert is_zipped(path)
    assert contents(path) == [(f"{path}/{name}", CHAT)]


def test_without_an_export_all_texts_are_logs_and_may_turn_out_to_be_none(tmp_path):
    files = {"b.txt": b"Ann: hi", "a/c.jsonl": b"{}", "__MACOSX/b.txt": b"x", "pic.png": b"x"}
    path = archive(tmp_path / "x.zip", files)
    named = [(f"{path}/a/c.jsonl", b"{}"), (f"{path}/b.txt", b"Ann: hi")]
    assert contents(path) == named
    assert chat_exports([str(path)], "utf-8").found == {name for name, _ in named}


def test_an_unpacked_export_is_the_log_of_its_folder(tmp_path):
    (tmp_path / "_chat.txt").write_bytes(CHAT)
    (tmp_path / "notes.txt").write_text("Ann: a poem")
    gathered = chat_exports([str(tmp_path)], "utf-8")
    assert list(gathered.exports) == [str(tmp_path / "_chat.txt")]
    assert gathered.passed_over == {str(tmp_path): 1}


def test_what_cannot_be_read_is_said_with_the_way_out(tmp_path, monkeypatch):
    with pytest.raises(NoInput, match="in this archive"):
        parts_of(archive(tmp_path / "none.zip", {"a.jpg": b"x"}))
    path = archive(tmp_path / "x.zip", {"_chat.txt": CHAT * 50})
    whole = path.read_bytes()
    for place in (10, len(whole) // 2, len(whole) - 10):
        path.write_bytes(whole[:place])
        with pytest.raises(BadData, match="not a whole zip"):
            parts_of(path)
    changes = {"encrypted": (6, 8, b"\x01\x00"), "method": (8, 10, b"\x09\x00")}
    for what, (local, central, value) in changes.items():
        data = bytearray(whole)
        data[local : local + 2] = value
        start = data.index(b"PK\x01\x02")
        data[start + central : start + central + 2] = value
        path.write_bytes(data)
        with pytest.raises(BadData, match=what):
            parts_of(path)
    path.write_bytes(whole)
    monkeypatch.setattr(zipped, "LARGEST", 1000)
    with pytest.raises(BadData, match="far more"):
        parts_of(path)


def test_a_bomb_is_not_unpacked(tmp_path):
    path = archive(tmp_path / "x.zip", {"_chat.txt": b"\0" * (64 << 20)}, compresslevel=9)
    with pytest.raises(BadData, match="far more"):
        parts_of(path)


def test_archives_in_a_folder_are_looked_into_and_one_without_a_log_is_passed_over(tmp_path):
    for name in ("Ann", "Bea"):
        archive(tmp_path / f"WhatsApp Chat with {name}.zip", {f"WhatsApp Chat with {name}.txt": CHAT + name.encode()})
    archive(tmp_path / "holiday.zip", {"a.jpg": b"x"})
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 and no more")
    gathered = chat_exports([str(tmp_path)], "utf-8")
    with gathered.opened:
        assert sorted(gathered.exports) == sorted(gathered.found)
        assert [path.rpartition("/")[2] for path in sorted(gathered.found)] == [
            "WhatsApp Chat with Ann.txt",
            "WhatsApp Chat with Bea.txt",
        ]
        assert len(gathered.apart) == 2
    for name in ("Ann", "Bea"):
        (tmp_path / f"WhatsApp Chat with {name}.zip").unlink()
    with pytest.raises(BadData, match="not a whole zip"):
        chat_exports([str(tmp_path)], "utf-8")
