import hashlib
import hmac

import pytest

from aigc_cli.config.prepare_chat import PrepareChatSettings
from aigc_cli.core.screen.progress import SilentProgress
from aigc_cli.data.chat.prepare import prepare_chat
from aigc_cli.data.chat.speakers import speaker_hash, speaker_hashes
from tests.data.chat.test_chat_prepare import GROUP, records, telegram, write

KEY = bytes(range(32))


def prepared(log, out, **settings):
    prepare_chat([log], out, PrepareChatSettings(valid=0, **settings), SilentProgress())
    return records(out, "train")


def test_a_hash_is_a_keyed_hash_of_the_name():
    expected = hashlib.blake2b("zoë".encode(), key=KEY, digest_size=8).hexdigest()
    assert hmac.compare_digest(speaker_hash(KEY, "Zoë"), expected)
    assert speaker_hash(KEY, "Zoë") != speaker_hash(bytes(32), "Zoë")


@pytest.mark.parametrize("name", ["ZOË", "Zoe\u0308", "\u200eZoë", "Ｚｏë", " Zoë "])
def test_a_name_is_the_same_however_it_is_typed(name):
    assert speaker_hash(KEY, name) == speaker_hash(KEY, "Zoë")


def test_names_that_nobody_sees_are_told_apart():
    assert len({speaker_hash(KEY, name) for name in ("\u3164", "\u2800", "Zoë")}) == 3
    assert speaker_hashes(KEY, ["Zoë", "", "zoë"]) == [speaker_hash(KEY, "Zoë")]


def test_a_record_holds_who_speaks_in_it_by_name_and_id_and_no_name(tmp_path):
    log = write(tmp_path / "result.json", telegram(3))
    key = hashlib.sha256(log.read_bytes()).digest()
    made = prepared(log, tmp_path / "set")
    assert [record["speakers"] for record in made] == 3 * [speaker_hashes(key, ["Tess", "user116"])]
    assert "Tess" not in (tmp_path / "set" / "train.jsonl").read_text()
    assert made == prepared(log, tmp_path / "again")


def test_in_a_group_only_those_are_held_who_speak_in_the_record(tmp_path):
    log = write(tmp_path / "result.json", {**GROUP, "messages": GROUP["messages"][:2]})
    key = hashlib.sha256(log.read_bytes()).digest()
    (made,) = prepared(log, tmp_path / "set", me="Mia")
    assert made["speakers"] == speaker_hashes(key, ["Alex", "user1"])


def test_a_record_says_when_its_last_message_was_sent(tmp_path):
    first = prepared(write(tmp_path / "result.json", telegram(1)), tmp_path / "set")[0]
    assert (first["time"], first["ended"]) == ("2025-09-03T18:42:00+00:00", "2025-09-03T18:44:00+00:00")
    untold = prepared(write(tmp_path / "a.txt", "Tom: hi\nAnn: yo\n"), tmp_path / "untold", me="Ann")[0]
    assert (untold["time"], untold["ended"]) == (None, None)
