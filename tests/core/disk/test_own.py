import errno
import io
import json
import os
import threading
from pathlib import Path

import pytest
import torch
from PIL import Image

from aigc_cli.avatar.session import SessionLog
from aigc_cli.core.disk import own
from aigc_cli.core.disk.checkpoint import save_tensors
from aigc_cli.core.disk.own import claim, own_path, refuse_foreign, write_own, written_by_aigc
from aigc_cli.core.disk.provenance import ai_label, label_png, label_record, label_text
from aigc_cli.core.errors import CannotCreate
from aigc_cli.core.machine.platform import exchange


def png(producer=None):
    buffer = io.BytesIO()
    Image.new("RGB", (2, 2)).save(buffer, "PNG")
    return label_png(buffer.getvalue(), ai_label("x", producer) if producer else ai_label("x"))


def plain_png():
    buffer = io.BytesIO()
    Image.new("RGB", (2, 2)).save(buffer, "PNG")
    return buffer.getvalue()


def line(**record):
    return json.dumps(record).encode() + b"\n"


OWN = {
    "labelled.png": png(),
    "older.png": png("aigc-cli/0.0.1"),
    "records.jsonl": line(**label_record({"schema": "aigc.sample/1", "text": "hi"})) + b"{half",
    "session.jsonl": line(schema="aigc.session/1", role="user", content="hi"),
    "torn.jsonl": b'{"schema": "aigc.session/1", "ro',
    "record.json": b'{\n "schema": "aigc.run/1",\n "kind": "face"\n}\n',
    "export.txt": label_text("hello\n").encode(),
    "empty": b"",
}
FOREIGN = {
    "holiday.png": plain_png(),
    "theirs.png": png("another-tool/3"),
    "cut.png": png()[:-9],
    "notes.jsonl": line(schema="notes/1", text="hi"),
    "list.json": b"[1, 2]\n",
    "package.json": b'{\n "name": "aigc."\n}\n',
    "deep.json": b'{"a":' * 100_000,
    "letter.txt": b"Dear Ada,\n\n",
    "bytes": bytes(range(256)),
}


@pytest.mark.parametrize("name", OWN)
def test_what_aigc_wrote_is_known_and_replaced(name, tmp_path):
    path = tmp_path / name
    path.write_bytes(OWN[name])
    assert written_by_aigc(path)
    write_own(path, b"new")
    assert path.read_bytes() == b"new"
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def test_sealed_tensors_are_known_by_their_label(tmp_path):
    save_tensors(tmp_path / "ours.safetensors", {"a": torch.ones(2)}, labelled=True)
    save_tensors(tmp_path / "other.safetensors", {"a": torch.ones(2)})
    assert written_by_aigc(tmp_path / "ours.safetensors")


@pytest.mark.parametrize("name", FOREIGN)
def test_what_another_wrote_stays_unless_forced(name, tmp_path):
    path = tmp_path / name
    path.write_bytes(FOREIGN[name])
    assert not written_by_aigc(path)
    for refused in (refuse_foreign, claim, lambda path: write_own(path, b"new")):
        with pytest.raises(CannotCreate, match=r"aigc did not write it .choose another name, or --force"):
            refused(path)
    assert path.read_bytes() == FOREIGN[name]
    assert [entry.name for entry in tmp_path.iterdir()] == [name]
    write_own(path, b"new", force=True)
    assert path.read_bytes() == b"new"


def test_a_claimed_file_is_empty_where_it_was_another_s_and_as_it_was_where_it_was_ours(tmp_path):
    for name, content, left in (("a", b"a letter", b""), ("b", OWN["session.jsonl"], OWN["session.jsonl"])):
        (tmp_path / name).write_bytes(content)
        claim(tmp_path / name, private=True, force=True)
        assert (tmp_path / name).read_bytes() == left
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600
    claim(tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize("before", [None, OWN["labelled.png"]])
def test_what_comes_there_meanwhile_is_never_replaced(before, tmp_path):
    path = tmp_path / "grid.png"
    if before is not None:
        path.write_bytes(before)
    with pytest.raises(CannotCreate, match="aigc did not write it"), own_path(path) as temporary:
        temporary.write_bytes(b"new")
        path.write_bytes(b"a letter")
    assert path.read_bytes() == b"a letter"
    assert [entry.name for entry in tmp_path.iterdir()] == ["grid.png"]


def test_nor_what_comes_between_the_last_look_and_the_change(tmp_path, monkeypatch):
    path = tmp_path / "grid.png"
    path.write_bytes(OWN["labelled.png"])
    (tmp_path / "letter").write_bytes(b"a letter")
    changes = []

    def late(one, other):
        if not changes:
            (tmp_path / "letter").replace(path)  # at the worst moment
        changes.append(path.read_bytes())
        return exchange(one, other)

    monkeypatch.setattr(own, "exchange", late)
    with pytest.raises(CannotCreate, match=r"grid\.png: is there, and aigc did not write it"):
        write_own(path, b"new")
    assert changes == [b"a letter", b"new"]
    assert path.read_bytes() == b"a letter"
    assert [entry.name for entry in tmp_path.iterdir()] == ["grid.png"]


def test_fresh_files_take_the_place_of_nothing(tmp_path):
    path = tmp_path / "export.txt"
    path.write_bytes(OWN["export.txt"])
    with pytest.raises(CannotCreate, match="is there already"):
        write_own(path, b"new", fresh=True)
    assert path.read_bytes() == OWN["export.txt"]
    (tmp_path / "nowhere.txt").symlink_to(tmp_path / "gone")
    with pytest.raises(CannotCreate, match="is there already"):
        write_own(tmp_path / "nowhere.txt", b"new", fresh=True)


def test_of_many_that_want_a_new_name_one_gets_it(tmp_path):
    path, won = tmp_path / "talk.jsonl", []

    def write(number):
        try:
            write_own(path, f"{number}".encode(), fresh=True)
        except CannotCreate:
            return
        won.append(number)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_text() == f"{won[0]}" and len(won) == 1


def test_without_links_and_exchanges_files_are_still_written(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr(own, "exchange", lambda *_: False)
    path = tmp_path / "grid.png"
    for content in (OWN["labelled.png"], b"new"):
        write_own(path, content)
        assert path.read_bytes() == content
    with pytest.raises(CannotCreate, match="aigc did not write it"):
        write_own(path, b"newer")


def test_a_device_is_nobody_s_and_stays(tmp_path):
    assert not written_by_aigc(Path("/dev/null"))
    with pytest.raises(CannotCreate, match="not a file"):
        write_own(Path("/dev/null"), b"", force=True)


def test_a_session_is_written_into_no_letter(tmp_path):
    path = tmp_path / "letter"
    path.write_bytes(FOREIGN["letter.txt"])
    with pytest.raises(CannotCreate, match="aigc did not write it"):
        SessionLog(path)
    assert path.read_bytes() == FOREIGN["letter.txt"]
    SessionLog(path, force=True).close()
    assert path.read_bytes() == b""
