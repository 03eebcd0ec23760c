"""Exports of Messenger, Signal and iMessage, from what a person has to records."""

import json
import zipfile

import pytest

from aigc_cli.config.prepare_chat import PrepareChatSettings
from aigc_cli.core.errors import BadData
from aigc_cli.core.screen.progress import SilentProgress
from aigc_cli.data.chat.prepare import prepare_chat
from tests.data.chat.readers import test_imessage, test_messenger, test_signal, test_signal_export, test_sigtop

MINUTE = 60_000


def prepare(source, out, **settings):
    return prepare_chat([source], out, PrepareChatSettings(valid=0, **settings), SilentProgress())


def dialogues(out):
    records = [json.loads(line) for line in (out / "train.jsonl").read_text(encoding="utf-8").splitlines()]
    return [
        [(turn["role"], turn["content"]) for turn in record["messages"] if turn["role"] != "system"]
        for record in records
    ]


def talk(at):
    """Return the messages of one exchange of Mara and Jonas in Messenger's archive, the newest first."""
    return [
        (at + MINUTE, "Jonas Ek", test_messenger.said(f"ja, um {at} ✨")),
        (at, "Mara Oosterveld", test_messenger.said(f"kommst du um {at}?")),
    ]


def exchange(at):
    return [("user", f"kommst du um {at}?"), ("assistant", f"ja, um {at} ✨")]


def archive_of(folder):
    """Write an archive of Messenger: a chat of two files, one of one file, and what stands beside them."""
    inbox = folder / "your_facebook_activity" / "messages" / "inbox"
    files = {
        "mara_1/message_1.json": test_messenger.archive(*talk(9 * 60 * MINUTE)),
        "mara_1/message_2.json": test_messenger.archive(*talk(0)),
        "ida_2/message_1.json": test_messenger.archive(
            (1, "Jonas Ek", test_messenger.said("na")),
            (0, "Ida", test_messenger.said("hej")),
            title="Ida",
            names=("Ida", "Jonas Ek"),
        ),
        "mara_1/photos/list.json": "[]",
    }
    for name, text in files.items():
        (inbox / name).parent.mkdir(parents=True, exist_ok=True)
        (inbox / name).write_text(text)
    return folder


def test_archive_of_messenger_is_read_whole_with_its_owner(tmp_path):
    prepare(archive_of(tmp_path / "in"), tmp_path / "set")
    assert sorted(dialogues(tmp_path / "set")) == sorted(
        [exchange(0), exchange(9 * 60 * MINUTE), [("user", "hej"), ("assistant", "na")]]
    )


def test_zipped_archive_of_messenger_gives_what_the_folder_gives(tmp_path):
    folder = archive_of(tmp_path / "in")
    with zipfile.ZipFile(tmp_path / "facebook.zip", "w") as archive:
        for path in sorted(folder.rglob("*.json")):
            archive.write(path, path.relative_to(folder))
    prepare(folder, tmp_path / "of_folder")
    prepare(tmp_path / "facebook.zip", tmp_path / "of_zip")
    assert sorted(dialogues(tmp_path / "of_zip")) == sorted(dialogues(tmp_path / "of_folder"))


def test_what_was_sent_is_no_log_in_an_archive_either(tmp_path):
    with zipfile.ZipFile(tmp_path / "out.zip", "w") as archive:
        archive.writestr("out/Noor.txt", test_imessage.REPLIES)
        archive.writestr("out/attachments/1/list.txt", "Ann: x\nBo: y\nAnn: z\n")
    told = prepare(tmp_path / "out.zip", tmp_path / "set")
    assert told["formats"] == ["imessage"]
    assert told["passed_over"] == {"attached_document": 1}


def test_web_pages_of_messenger_are_refused_with_the_way_out(tmp_path):
    (tmp_path / "inbox" / "mara_1").mkdir(parents=True)
    (tmp_path / "inbox" / "mara_1" / "message_1.html").write_text("<html></html>")
    with pytest.raises(BadData, match="web pages"):
        prepare(tmp_path, tmp_path / "set")


def test_encrypted_chat_gives_nothing_twice_that_the_archive_gave(tmp_path):
    folder = archive_of(tmp_path / "in")
    words = [(at, sender, {"text": fields["content"]}) for at, sender, fields in reversed(talk(0))]
    (folder / "Mara_3.json").write_text(test_messenger.encrypted(*words))
    prepare(folder, tmp_path / "set")
    assert dialogues(tmp_path / "set").count(exchange(0)) == 1


def test_signal_is_read_with_its_owner(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "main.jsonl").write_text(test_signal.lines(*test_signal.ITEMS))
    (tmp_path / "in" / "metadata.json").write_text("{}")
    prepare(tmp_path / "in", tmp_path / "set")
    assert [("user", "kommst du um acht?"), ("assistant", "ja ✨ mit Fahrrad\nneu")] in [
        dialogue[:2] for dialogue in dialogues(tmp_path / "set")
    ]


@pytest.mark.parametrize(
    ("name", "text", "reply"),
    [
        ("Noor.txt", test_imessage.REPLIES, "I do"),
        ("chat.md", test_signal_export.MARKDOWN, "We're great! Even the dog."),
        ("data.json", test_signal_export.lines(test_signal_export.RECORDS), "We're great! Even the dog."),
    ],
)
def test_me_is_the_owner(tmp_path, name, text, reply):
    (tmp_path / name).write_text(text)
    prepare(tmp_path / name, tmp_path / "set")
    assert reply in [
        words for dialogue in dialogues(tmp_path / "set") for role, words in dialogue if role == "assistant"
    ]


SIGTOP_TEXT = """\
Conversation: Ines Duarte (+351900000001)

From: Ines Duarte (+351900000001)
Type: incoming
Sent: Sun, 1 Mar 2026 18:00:00 +0100
Received: Sun, 1 Mar 2026 18:00:02 +0100

vens?

From: You
Type: outgoing
Sent: Sun, 1 Mar 2026 18:01:00 +0100

> From: Ines Duarte (+351900000001)
> Sent: Sun, 1 Mar 2026 18:00:00 +0100
>
> vens?

vou

"""
SIGTOP_SHORT = "2026-03-01 18:00 Ines Duarte: vens?\n2026-03-01 18:01 You: [reply to Ines on 2026-03-01 18:00] vou\n"
SIGTOP_JSON = json.dumps([test_sigtop.item(0, "incoming", "vens?"), test_sigtop.item(1, "outgoing", "vou")])


@pytest.mark.parametrize("text", [SIGTOP_TEXT, SIGTOP_SHORT, SIGTOP_JSON])
def test_you_is_the_owner(tmp_path, text):
    path = tmp_path / "Ines Duarte (+351900000001).txt"
    path.write_text(text)
    prepare(path, tmp_path / "set")
    assert dialogues(tmp_path / "set") == [[("user", "vens?"), ("assistant", "vou")]]
