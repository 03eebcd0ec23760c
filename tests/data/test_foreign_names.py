"""Names that are not UTF-8, as old disks and other systems leave them: sources, outputs, and the person's own."""

import json
import os
from datetime import datetime
from pathlib import Path

import pytest

from aigc_cli.config.prepare_chat import PrepareChatSettings
from aigc_cli.config.prepare_text import PrepareTextSettings
from aigc_cli.core.disk.dated import resolve_output
from aigc_cli.core.disk.files import read_json, write_text
from aigc_cli.core.errors import NoInput
from aigc_cli.core.screen.progress import SilentProgress
from aigc_cli.data.chat.prepare import prepare_chat
from aigc_cli.data.text import prepare_text

CAFE = "caf\udce9"  # as Python holds the bytes of "café" in Latin-1


def foreign(folder, name):
    """Return a path with bytes in it that are not UTF-8; skips where the file system takes none."""
    path = folder / name
    try:
        path.touch()
        path.unlink()
    except OSError:
        pytest.skip("this file system holds names in UTF-8 alone")
    assert b"\xe9" in os.fsencode(path)
    return path


def test_a_text_set_from_and_to_such_names(tmp_path):
    source, out = foreign(tmp_path, f"{CAFE}.txt"), foreign(tmp_path, f"{CAFE}-set")
    source.write_text("good morning to the corner table\n" * 80)
    settings = PrepareTextSettings(subject="Ren\udce9")
    record = prepare_text([source], out, settings, SilentProgress())
    assert (record["counts"]["documents"], record["subject"]) == (1, "Ren\ufffd")
    (out / "manifest.json").read_bytes().decode()  # UTF-8
    assert read_json(out / "manifest.json")["sources"][0]["path"] == f"{CAFE}.txt"
    assert prepare_text([source], out, settings, SilentProgress())["unchanged"]


def test_a_chat_set_from_a_folder_of_such_names(tmp_path):
    folder = foreign(tmp_path, CAFE)
    folder.mkdir()
    (folder / f"{CAFE}.txt").write_text("".join(f"{('Tom', 'Ann')[n % 2]}: line {n}\n" for n in range(40)))
    out = tmp_path / "set"
    record = prepare_chat([folder], out, PrepareChatSettings(me="Ann", subject="A\udce9"), SilentProgress())
    first = json.loads((out / "train.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert (record["subject"], first["messages"][0]["content"]) == ("A\ufffd", "You are A\ufffd.")


def test_such_a_name_that_is_missing_is_said_in_utf8(tmp_path):
    with pytest.raises(NoInput) as caught:
        prepare_text([tmp_path / CAFE], tmp_path / "set", PrepareTextSettings(), SilentProgress())
    assert str(caught.value).encode().endswith("caf\ufffd: no such file or folder (check the path)".encode())


def test_such_an_output_may_be_dated():
    assert resolve_output(f"{CAFE}/%Y-%m-%d", datetime(2026, 5, 4)).path == f"{CAFE}/2026-05-04"
    dated = resolve_output(f"{CAFE}-%Y-%m-%d", datetime(2026, 5, 4))
    assert (dated.path, dated.pattern) == (f"{CAFE}-2026-05-04", f"{CAFE}-%Y-%m-%d")


def test_a_text_that_names_one_is_written_in_utf8(tmp_path):
    write_text(tmp_path / "card.md", f"made from {CAFE}")
    assert Path(tmp_path / "card.md").read_text(encoding="utf-8") == "made from caf\ufffd"
