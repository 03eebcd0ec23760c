import json
import os
import stat
import threading

import pytest

from aigc_cli.avatar.conversation import Turn
from aigc_cli.avatar.session import SessionLog, latest_session, new_session, read_session, sessions_folder, torn_bytes
from aigc_cli.core.disk.provenance import read_record_label
from aigc_cli.core.errors import BadData, CannotCreate, Locked, NoInput

HELLO = Turn("user", "hello", "2026-01-02T03:04:05+0000")
HI = Turn("assistant", "hi!\nhow are you 😀", "2026-01-02T03:04:06+0000", "smile", "ab12", 77)
HEY = Turn("assistant", "hey", "2026-01-02T03:04:09+0000", "smile", "ab12", 78)
BYE = Turn("user", "bye", "2026-01-02T03:05:00+0000")


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_turn_is_in_the_file_as_soon_as_it_is_written(tmp_path):
    path = tmp_path / "s.jsonl"
    with SessionLog(path) as log:
        log.write([HELLO])
        assert read_session(path) == [HELLO]
        log.write([HELLO, HI])
        assert read_session(path) == [HELLO, HI]
    first, second = lines(path)
    assert (first["schema"], first["role"], first["content"]) == ("aigc.session/1", "user", "hello")
    assert second["bubbles"] == ["hi!", "how are you 😀"]
    assert (second["expression"], second["run"], second["seed"]) == ("smile", "ab12", 77)


def test_replies_carry_the_label_and_people_do_not(tmp_path):
    path = tmp_path / "s.jsonl"
    with SessionLog(path) as log:
        log.write([HELLO, HI])
    first, second = lines(path)
    assert "AIGC" not in first
    assert read_record_label(second)["AIGC"]["Label"] == "1"


def test_the_file_is_for_its_owner_alone_whatever_the_umask(tmp_path):
    before = os.umask(0)
    try:
        path = new_session(tmp_path / "state" / "run")
        SessionLog(path).__exit__(None, None, None)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_what_was_taken_back_stays_in_the_file_and_not_in_the_conversation(tmp_path):
    path = tmp_path / "s.jsonl"
    with SessionLog(path) as log:
        log.write([HELLO, HI])
        log.write([HELLO, HEY])
        log.write([])
        log.write([BYE])
    assert [line.get("content", line.get("turns")) for line in lines(path)] == ["hello", HI.content, 1, "hey", 2, "bye"]
    assert read_session(path) == [BYE]


def test_a_continued_file_is_appended_to(tmp_path):
    path = tmp_path / "s.jsonl"
    with SessionLog(path) as log:
        log.write([HELLO, HI])
    with SessionLog(path) as log:
        log.write([HELLO, HI, BYE])
    assert read_session(path) == [HELLO, HI, BYE]
    assert len(lines(path)) == 3


def test_a_loaded_session_cannot_steer_the_terminal(tmp_path):
    path = tmp_path / "s.jsonl"
    record = {"schema": "aigc.session/1", "role": "assistant", "content": "\x1b[2Jhi\ud800", "expression": "\x9bsad"}
    path.write_text(json.dumps(record) + "\n")
    (turn,) = read_session(path)
    assert (turn.content, turn.expression) == ("[2Jhi\ufffd", "sad")


@pytest.mark.parametrize(
    "line",
    [
        '{"schema": "aigc.session/2", "role": "user", "content": "x"}',
        '{"schema": "aigc.session/1", "role": "system", "content": "x"}',
        '{"schema": "aigc.session/1", "role": "user", "content": 5}',
        '{"schema": "aigc.session/1", "event": "undo", "turns": 4}',
        '{"schema": "aigc.session/1", "event": "undo", "turns": true}',
    ],
)
def test_damage_is_named_by_its_line(tmp_path, line):
    path = tmp_path / "s.jsonl"
    with SessionLog(path) as log:
        log.write([HELLO])
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(BadData, match="line 2"):
        read_session(path)


@pytest.mark.parametrize("tail", ['{"schema": "aigc.session/1", "role": "us', "{", '{"content": "\xc3'])
def test_a_torn_last_line_is_left_out_and_the_file_goes_on(tmp_path, tail):
    path = tmp_path / "s.jsonl"
    with SessionLog(path) as log:
        log.write([HELLO, HI])
    with path.open("ab") as file:
        file.write(tail.encode("latin-1"))
    assert torn_bytes(path) == len(tail.encode("latin-1"))
    turns = read_session(path)
    assert turns == [HELLO, HI]
    with SessionLog(path) as log:
        log.write([HELLO, HI, BYE])
    assert (read_session(path), torn_bytes(path)) == ([HELLO, HI, BYE], 0)
    assert len(lines(path)) == 3


@pytest.mark.parametrize("content", ["a letter of one line", '{"schema": "aigc.reply/1", "reply": "h'])
def test_nothing_is_cut_off_another_file(tmp_path, content):
    path = tmp_path / "letter"
    path.write_text(content)
    with pytest.raises(BadData, match="line 1"):
        read_session(path)
    with pytest.raises((BadData, CannotCreate), match=r"line 1|aigc did not write it"):
        SessionLog(path)
    assert path.read_text() == content


def test_a_session_of_which_only_half_a_line_is_there_begins_anew(tmp_path):
    path = tmp_path / "s.jsonl"
    path.write_text('{"schema": "aigc.session/1", "role": "us')
    assert read_session(path) == []
    with SessionLog(path) as log:
        log.write([HELLO])
    assert read_session(path) == [HELLO]


def test_a_last_line_that_lacks_only_its_end_is_kept(tmp_path):
    path = tmp_path / "s.jsonl"
    with SessionLog(path) as log:
        log.write([HELLO, HI])
    path.write_bytes(path.read_bytes()[:-1])
    with SessionLog(path) as log:
        log.write([HELLO, HI, BYE])
    assert read_session(path) == [HELLO, HI, BYE]


def test_a_folder_that_is_not_there_is_an_error_that_says_so(tmp_path):
    with pytest.raises(CannotCreate, match="cannot write"):
        SessionLog(tmp_path / "no" / "s.jsonl")
    with pytest.raises(NoInput):
        read_session(tmp_path / "s.jsonl")


def test_each_run_has_its_own_folder_under_the_state_folder(tmp_path):
    run, other = tmp_path / "a" / "text", tmp_path / "b" / "text"
    folder = sessions_folder(run, {"HOME": "/home/x"})
    assert str(folder).startswith("/home/x/.local/state/aigc/sessions/text-")
    assert folder != sessions_folder(other, {"HOME": "/home/x"})
    assert str(sessions_folder(run, {"HOME": "/home/x", "XDG_STATE_HOME": "/s"})).startswith("/s/aigc/")
    assert sessions_folder(run, {"HOME": "/home/x", "XDG_STATE_HOME": "relative"}) == folder
    assert sessions_folder(run, {}) is None


def test_the_latest_session_is_the_newest_file(tmp_path):
    for number, name in enumerate(("b", "a", "c")):
        (tmp_path / f"{name}.jsonl").touch()
        os.utime(tmp_path / f"{name}.jsonl", (0, 100 - abs(number - 1)))
    assert latest_session(tmp_path, tmp_path).name == "a.jsonl"
    with pytest.raises(NoInput, match="no conversation"):
        latest_session(tmp_path / "none", tmp_path)
    with pytest.raises(NoInput):
        latest_session(None, tmp_path)


def test_a_session_that_is_open_is_locked_until_it_is_closed(tmp_path):
    path = tmp_path / "s.jsonl"
    with SessionLog(path) as log:
        log.write([HELLO])
        with pytest.raises(Locked, match=r"s\.jsonl: another aigc process"):
            SessionLog(path)
        log.write([HELLO, HI])
    with SessionLog(path) as log:
        assert log.turns == [HELLO, HI]  # what the one before had kept when it closed


def test_who_waits_reads_what_the_one_before_has_written(tmp_path):
    path = tmp_path / "s.jsonl"
    first = SessionLog(path)
    first.write([HELLO])
    read = []

    def wait():
        with SessionLog(path, wait_seconds=30) as log:
            read.extend(log.turns)

    waiting = threading.Thread(target=wait)
    waiting.start()
    first.write([HELLO, HI])
    first.close()
    waiting.join()
    assert read == [HELLO, HI]
