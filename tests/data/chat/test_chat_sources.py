"""What is a log in a folder, and what people only sent each other."""

import io
import json
import sys
import tempfile
import zipfile

import pytest

from aigc_cli.config.prepare_chat import PrepareChatSettings
from aigc_cli.core.errors import BadConfig, BadData, CannotCreate, Locked, NoInput
from aigc_cli.core.screen.progress import SilentProgress
from aigc_cli.data.chat.prepare import prepare_chat
from aigc_cli.data.chat.sources import chat_exports


def chat(peer, identity, start=1700000000):
    messages = [
        {
            "id": number,
            "type": "message",
            "date_unixtime": str(start + 7200 * number + 60 * who),
            "from": (peer, "Wren")[who],
            "from_id": (f"user{identity}", "user119")[who],
            "text": f"{peer} {number} {who}",
        }
        for number in range(12)
        for who in range(2)
    ]
    return {"name": peer, "type": "personal_chat", "id": identity, "messages": messages}


FOREIGN = '{"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "FOREIGN"}]}\n' * 20


def lay(root, **files):
    """Write files below a folder, "__" in a name for "/"."""
    for name, value in files.items():
        path = root / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return root


def prepare(sources, out, **settings):
    sources = sources if isinstance(sources, list) else [sources]
    return prepare_chat(sources, out, PrepareChatSettings(**settings), SilentProgress())


@pytest.fixture
def exports(tmp_path):
    root = lay(
        tmp_path / "telegram",
        ChatExport_1__result_dot_json=chat("Tess", 116),
        ChatExport_1__notes_dot_txt="not a chat\n",
        ChatExport_1__files__dataset_dot_jsonl=FOREIGN,
        ChatExport_1__chats__chat_01__stickers__note_dot_txt="just a caption\n",
        ChatExport_1__files__ChatExport_9__result_dot_json=chat("Stranger", 7),
        ChatExport_2__result_dot_json=chat("Dev", 100),
        ChatExport_2__photos__a_dot_jpg="x",
    )
    return root


def test_a_folder_of_exports_is_what_they_are_by_name(exports, tmp_path):
    both = prepare([exports / "ChatExport_1", exports / "ChatExport_2"], tmp_path / "both")
    files = prepare(sorted(exports.glob("*/result.json")), tmp_path / "files")
    above = prepare(exports, tmp_path / "above")
    assert above["counts"] == both["counts"] == files["counts"]
    assert above["hash"] == both["hash"] == files["hash"]
    assert above["subject"] == "Wren"
    assert (above["passed_over"], files["passed_over"]) == ({"attached_document": 4}, {})
    assert "FOREIGN" not in (tmp_path / "above" / "train.jsonl").read_text()


def test_what_lies_in_an_attachments_folder_beside_logs_is_none(tmp_path):
    logs = lay(
        tmp_path / "chats",
        Tess_dot_json=chat("Tess", 116),
        Media__other_dot_jsonl=FOREIGN,
        family__Dev_dot_json=chat("Dev", 100),
    )
    assert prepare(logs, tmp_path / "set")["passed_over"] == {"attached_document": 1}
    alone = lay(tmp_path / "alone", files__Tess_dot_json=chat("Tess", 116))
    assert list(chat_exports([alone], "utf-8").exports) == [str(alone / "files" / "Tess.json")]


def test_an_export_as_web_pages_is_no_log_and_neither_is_what_lies_in_it(tmp_path):
    pages = lay(tmp_path / "all", old__messages_dot_html="<html>", old__files__dataset_dot_jsonl=FOREIGN)
    with pytest.raises(BadData, match="all/old: exported as web pages"):
        chat_exports([pages], "utf-8")
    lay(pages, new__result_dot_json=chat("Tess", 116))
    assert prepare(pages, tmp_path / "set")["passed_over"] == {"attached_document": 1, "web_pages": 1}


def test_a_note_among_logs_is_passed_over_and_one_that_is_named_is_refused(tmp_path):
    logs = lay(
        tmp_path / "logs", Tess_dot_json=chat("Tess", 116), note_dot_txt="Dear diary,\nhello\n", list_dot_json={}
    )
    record = prepare(logs, tmp_path / "set")
    assert (record["passed_over"], record["counts"]["subject_turns"]) == ({"not_a_chat_log": 2}, 12)
    with pytest.raises(BadData, match="not a chat log"):
        prepare([logs / "Tess.json", logs / "note.txt"], tmp_path / "other")
    only = lay(tmp_path / "only", note_dot_txt="Dear diary,\nhello\n")
    with pytest.raises(BadData, match="not a chat log"):
        prepare(only, tmp_path / "other")


def test_linked_folders_and_loops(exports, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "exports").symlink_to(exports)
    (tmp_path / "mine" / "again").symlink_to(tmp_path / "mine")
    assert prepare(tmp_path / "mine", tmp_path / "a")["hash"] == prepare(exports, tmp_path / "b")["hash"]


def test_a_folder_without_logs_is_no_input(tmp_path):
    with pytest.raises(NoInput, match=r"no \.json or \.jsonl or \.txt file"):
        chat_exports([lay(tmp_path / "x", photos__a_dot_jpg="x")], "utf-8")


def test_a_text_of_another_encoding_among_logs_is_passed_over_and_one_that_is_named_is_refused(tmp_path):
    logs = lay(tmp_path / "logs", Tess_dot_json=chat("Tess", 116))
    (logs / "note.txt").write_bytes("caf\xe9 au lait".encode("latin-1"))
    assert prepare(logs, tmp_path / "set")["passed_over"] == {"not_a_chat_log": 1}
    with pytest.raises(BadData, match="not utf-8 text at byte 3"):
        prepare([logs / "note.txt"], tmp_path / "other")


def test_each_of_several_empty_files_is_empty_and_no_copy(tmp_path):
    logs = lay(tmp_path / "logs", Tess_dot_json=chat("Tess", 116), a_dot_txt="", b_dot_txt="")
    assert prepare(logs, tmp_path / "set")["passed_over"] == {"without_exchange": 2}


def test_an_archive_on_stdin_is_to_be_named(tmp_path, monkeypatch):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("result.json", json.dumps(chat("Tess", 116)))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(archive.getvalue())))
    with pytest.raises(BadData, match="stdin: a zip archive"):
        prepare("-", tmp_path / "set")


def test_stdin_that_cannot_be_kept_says_where_to_make_room(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"Ann: hi\nBea: ho\n")))
    with pytest.raises(CannotCreate, match="no room for the messages") as raised:
        prepare("-", tmp_path / "set")
    assert "TMPDIR" in raised.value.remedy


class Writing(SilentProgress):
    """Adds to a file when reading it is said to begin."""

    def __init__(self, path):
        super().__init__()
        self.path = path

    def stage(self, what, *more):
        if what.startswith("read"):
            with self.path.open("a") as file:
                file.write("Bea: more\n")


def test_a_file_that_changes_while_it_is_read_makes_no_set(tmp_path):
    log = tmp_path / "talk.txt"
    log.write_text("Ann: hi\nBea: ho\n\nAnn: hi\nBea: ho\n" * 5)
    with pytest.raises(Locked, match="changed while it was read"):
        prepare_chat([log], tmp_path / "set", PrepareChatSettings(me=("Bea",)), Writing(log))
    assert not (tmp_path / "set").exists()
    prepare_chat([log], tmp_path / "set", PrepareChatSettings(me=("Bea",)), SilentProgress())


def test_a_set_is_called_after_a_person_before_a_role(tmp_path):
    turns = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]
    roles = lay(tmp_path / "a", talks_dot_jsonl={"messages": turns})
    record = prepare([roles / "talks.jsonl", lay(tmp_path / "b", Tess_dot_json=chat("Tess", 116))], tmp_path / "set")
    assert record["subject"] == "Wren"


def test_a_set_of_the_version_before_is_finished_though_more_kinds_of_files_are_found_now(tmp_path):
    logs = lay(tmp_path / "logs", Tess_dot_json=chat("Tess", 116))
    prepare(logs, tmp_path / "set")
    (logs / "talk.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nANN: hi\n")
    with pytest.raises(BadConfig, match="other sources"):
        prepare(logs, tmp_path / "set")
    manifest = json.loads((tmp_path / "set" / "manifest.json").read_text())
    del manifest["settings"]["columns"]
    (tmp_path / "set" / "manifest.json").write_text(json.dumps(manifest))
    assert prepare(logs, tmp_path / "set")["unchanged"]
