"""Whole forgetting, in this process: the set, its copies, and the set made again."""

import hashlib
import json
import stat
import zipfile
from pathlib import Path

import pytest

from aigc_cli.config.prepare_chat import PrepareChatSettings
from aigc_cli.core.disk import rundir
from aigc_cli.core.errors import BadConfig, BadData, CannotCreate, Locked, NoInput, UsageProblem
from aigc_cli.core.screen.progress import SilentProgress
from aigc_cli.data.chat.prepare import prepare_chat
from aigc_cli.data.forget.forgetting import forget
from aigc_cli.data.forget.selection import selection
from aigc_cli.data.manifest import check_data, read_manifest

FILES = ("train.jsonl", "valid.jsonl")
START = 1756924920  # 2025-09-03T18:42:00+00:00


def chat(peer, number, count, start=START):
    """Return a chat of `count` one-exchange conversations, two hours apart, with words that no other has."""
    messages = []
    for place in range(count):
        for who, identity, text in (
            (peer, number, f"{peer.lower()} asks about the lighthouse, time {place}"),
            ("Wren", 119, f"an answer to the friend of number {number}, time {place}"),
        ):
            stamp = str(start + 7200 * place + 60 * (len(messages) % 2))
            item = {"id": len(messages) + 1, "type": "message", "date_unixtime": stamp}
            messages.append({**item, "from": who, "from_id": f"user{identity}", "text": text})
    return {"name": peer, "type": "personal_chat", "id": number, "messages": messages}


def export(path, *chats):
    path.write_text(json.dumps({"personal_information": {"user_id": 119}, "chats": {"list": list(chats)}}))
    return path


def prepare(sources, out, **more):
    force = more.pop("force", False)
    return prepare_chat(sources, out, PrepareChatSettings(**more), SilentProgress(), force=force)


def lose(folder, *, who=(), since=None, until=None, record=(), search=(), sessions=None, **more):
    chosen = selection(who, since, until, record)
    more = {"yes": True, **more}
    return forget(folder, chosen, search, lambda run: sessions, SilentProgress(), **more)


def lines(path):
    return path.read_text(encoding="utf-8").splitlines()


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def words(folder):
    return "".join(path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*")) if path.is_file())


@pytest.fixture
def log(tmp_path):
    return export(tmp_path / "result.json", chat("Tess", 116, 20), chat("Dev", 100, 10, start=START + 86400 * 10))


@pytest.fixture
def made(log, tmp_path):
    prepare([log], tmp_path / "set")
    return tmp_path / "set"


@pytest.mark.parametrize("name", ["Dev", "dev", "user100"])
def test_who_is_forgotten_is_gone_and_the_rest_is_kept_to_the_byte(made, name):
    before = read_manifest(made)
    kept = {file: [line for line in lines(made / file) if "dev asks" not in line] for file in FILES}
    report, listed = lose(made, who=[name])
    assert {file: lines(made / file) for file in kept} == kept
    after = read_manifest(made)
    check_data(made, after)
    counts = {"train": 18, "valid": 2, "messages": 40, "chats": 1, "turns": 40, "subject_turns": 20}
    assert after["counts"] == {**before["counts"], **counts}
    assert after["dropped"] == {**before["dropped"], "forgotten": 20}
    assert after["forgotten"]["hashes"] == [before["hash"]] != [after["hash"]]
    assert (report["records"], report["messages"], report["train"], report["valid"]) == (10, 20, 9, 1)
    assert report["left"] == {"train": 18, "valid": 2} and len(listed) == 10
    assert "dev" not in words(made).lower()
    assert [path.name for path in made.parent.iterdir()].count("set") == 1
    assert not list(made.parent.glob(".*"))
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in made.iterdir()} == {0o600}


def test_every_message_that_was_read_is_in_a_turn_merged_or_dropped_still(tmp_path):
    one, other = chat("Tess", 116, 5), chat("Dev", 100, 4)
    for place in (2, 4):
        other["messages"].insert(place, {**other["messages"][place - 1], "id": 90 + place, "text": "and on it goes"})
    prepare([export(tmp_path / "result.json", one, other)], tmp_path / "set")
    manifest = read_manifest(tmp_path / "set")
    assert manifest["counts"]["turns"] == 18
    manifest["counts"] |= {"read": 20, "merged": 2}
    (tmp_path / "set" / "manifest.json").write_text(json.dumps(manifest))
    lose(tmp_path / "set", who=["Dev"])
    after = read_manifest(tmp_path / "set")
    counts = after["counts"]
    assert (counts["turns"], counts["merged"], after["dropped"]["forgotten"]) == (10, 0, 10)
    assert counts["read"] == counts["turns"] + counts["merged"] + sum(after["dropped"].values())


def test_a_time_is_half_open(made):
    dates = {json.loads(line)["time"] for file in FILES for line in lines(made / file)}
    report, listed = lose(made, since="2025-09-04", until="2025-09-05T00:42")
    gone = {time for time in dates if "2025-09-04" <= time < "2025-09-05T00:42"}
    assert {line["time"] for line in listed} == gone and report["records"] == len(gone) == 12
    left = {json.loads(line)["time"] for file in FILES for line in lines(made / file)}
    assert left == dates - gone
    assert lose(made, until="1999-01-01")[0]["unchanged"]


def test_a_record_goes_by_the_hash_that_a_dry_run_lists(made):
    before = contents(made)
    _, listed = lose(made, since="2000-01-01", dry_run=True, yes=False)
    assert contents(made) == before and len(listed) == 30
    report, gone = lose(made, record=[listed[3]["record"].upper(), listed[25]["record"]])
    assert gone == [listed[3], listed[25]] and report["records"] == 2
    assert lose(made, since="2000-01-01", dry_run=True)[1] == [line for line in listed if line not in gone]


def test_records_without_a_time_stay_and_are_counted(tmp_path):
    (tmp_path / "log.txt").write_text("Tom: hi\nAnn: yo\nTom: so\nAnn: ho\n")
    prepare([tmp_path / "log.txt"], tmp_path / "set", me="Ann", valid=0)
    report, _ = lose(tmp_path / "set", since="1970-01-01")
    assert (report["records"], report["untimed"], report["left"]["train"]) == (0, 1, 1)


def test_nothing_goes_without_a_yes(made):
    before = contents(made)
    with pytest.raises(UsageProblem, match=r"10 of 30 records of .* would go, for good \(--dry-run lists them, --yes"):
        lose(made, who=["Dev"], yes=False)
    assert contents(made) == before


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"who": ["Dev", "Bob"]}, "nobody who is called Bob speaks"),
        ({"who": ["wren"]}, "wren is the person of the set"),
        ({"record": ["0" * 16]}, "no record 0000000000000000"),
    ],
)
def test_what_is_not_there_is_said_and_nothing_goes(made, given, message):
    before = contents(made)
    with pytest.raises(UsageProblem, match=message):
        lose(made, **given)
    assert contents(made) == before


def test_what_was_forgotten_before_may_be_asked_for_again(made):
    lose(made, who=["Dev"])
    before = contents(made)
    report, _ = lose(made, who=["DEV"], yes=False)
    assert (report["unchanged"], report["records"]) == (True, 0)
    assert contents(made) == before
    with pytest.raises(UsageProblem, match="nobody who is called Bob"):
        lose(made, who=["Bob"])


def test_where_all_that_was_held_out_goes_the_last_record_is_held_out(made):
    _, listed = lose(made, since="2000-01-01", dry_run=True)
    held = [record["record"] for record in listed if record["split"] == "valid"]
    last = lines(made / "train.jsonl")[-1]
    report, _ = lose(made, record=held)
    assert lines(made / "valid.jsonl") == [last] and last not in lines(made / "train.jsonl")
    assert report["left"] == {"train": 26, "valid": 1}
    check_data(made, read_manifest(made))


def test_all_may_go(made):
    report, _ = lose(made, who=["Dev", "Tess"])
    assert report["left"] == {"train": 0, "valid": 0}
    assert (made / "train.jsonl").read_bytes() == b""


def test_a_set_of_a_version_that_did_not_record_who_speaks(made):
    older = []
    for name in FILES:
        records = [json.loads(line) for line in lines(made / name)]
        for record in records:
            del record["speakers"], record["ended"]
        (made / name).write_text("".join(json.dumps(record) + "\n" for record in records))
        older.append(hashlib.sha256((made / name).read_bytes()).hexdigest())
    manifest = {**read_manifest(made), "hash": hashlib.sha256("".join(older).encode()).hexdigest()}
    (made / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BadData, match=r"did not record who speaks \(prepare it again"):
        lose(made, who=["Dev"])
    assert lose(made, since="2025-09-13")[0]["records"] == 10


def test_a_set_that_was_changed_or_holds_others_files_is_left(made):
    (made / "notes.txt").write_text("mine")
    with pytest.raises(CannotCreate, match=r"notes.txt is in it, and aigc did not write it \(move it away\)"):
        lose(made, who=["Dev"])
    (made / "notes.txt").unlink()
    with (made / "train.jsonl").open("a") as file:
        file.write("\n")
    with pytest.raises(BadData, match="were changed after the set was made"):
        lose(made, who=["Dev"])


@pytest.mark.parametrize("sources", [["result.json"], [{"path": "result.json"}], [{"sha256": "xyz"}]])
def test_a_damaged_manifest_is_said(made, sources):
    (made / "manifest.json").write_text(json.dumps({**read_manifest(made), "sources": sources}))
    with pytest.raises(BadData, match="not the manifest of a prepared set"):
        lose(made, who=["Dev"])


def test_a_set_in_use_is_locked_and_a_link_stays_one(made, tmp_path):
    (tmp_path / "link").symlink_to(made)
    with rundir.FolderLock(made), pytest.raises(Locked):
        lose(tmp_path / "link", who=["Dev"])
    lose(tmp_path / "link", who=["Dev"])
    assert (tmp_path / "link").is_symlink() and read_manifest(made)["counts"]["train"] == 18


def test_what_a_killed_process_left_of_the_set_goes(made):
    lose(made, who=["Dev"])  # killed when the new set was in its place, and the old one not yet deleted
    left = made.parent / ".set.0a1b2c3d.part"
    left.mkdir()
    (left / "train.jsonl").write_text("dev asks about the lighthouse")
    lose(made, who=["Dev"])
    assert not left.exists()


def run_at(folder, data_hash, init=None):
    folder.mkdir(parents=True)
    record = {"schema": "aigc.run/1", "kind": "text", "data": {"path": "x", "hash": data_hash}}
    record["settings"] = {"init": init}
    (folder / "aigc.json").write_text(json.dumps(record))
    return folder


def jsonl(path, *records):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records))
    return path


DEV, TESS = "dev asks about the lighthouse, time 4", "tess asks about the lighthouse, time 4"


@pytest.fixture
def runs(made, tmp_path, monkeypatch):
    """Runs, one on the set, one begun with it, one on something else, and what is kept beside them."""
    monkeypatch.chdir(tmp_path)
    run_at(tmp_path / "runs" / "one", read_manifest(made)["hash"])
    run_at(tmp_path / "runs" / "two", "other", "runs/one")
    run_at(tmp_path / "runs" / "three", "other", "runs/four")
    jsonl(
        tmp_path / "runs/one/memory/exchanges.jsonl",
        {"prompt": DEV, "reply": "x", "date": "2025-09-13", "contact": "1"},
        {"prompt": TESS, "reply": "x", "date": "2025-09-03", "contact": "2"},
    )
    previews = [{"schema": "aigc.preview/1", "prompt": f"system\nuser\n{text}\n", "reply": ""} for text in (TESS, DEV)]
    jsonl(tmp_path / "runs/one/previews/step-5.jsonl", *previews)
    return tmp_path / "runs"


def test_copies_are_cleaned_holders_are_listed_and_runs_are_to_be_trained_again(made, runs, log, tmp_path):
    turn = {"schema": "aigc.session/1", "role": "user", "bubbles": [], "time": "t", "run": None, "seed": None}
    undo = {"schema": "aigc.session/1", "event": "undo", "turns": 1}
    session = jsonl(tmp_path / "state/a.jsonl", {**turn, "content": f"{DEV}!"}, undo, {**turn, "content": TESS})
    session.chmod(0o600)
    notes = tmp_path / "runs" / ".notes" / "diary.md"
    notes.parent.mkdir()
    notes.write_text(f"Once: {DEV}\nand {TESS}\n")
    (runs / "picture.png").write_bytes(b"\x89PNG\0" + DEV.encode())
    report, _ = lose(made, who=["Dev"], search=[runs, tmp_path], sessions=session.parent)
    assert report["train_again"] == [str(runs / "one"), str(runs / "two")]
    assert {(Path(copy["path"]).name, copy["kind"], copy["lines"]) for copy in report["cleaned"]} == {
        ("exchanges.jsonl", "memory", 1),
        ("step-5.jsonl", "preview", 2),
        ("a.jsonl", "session", 1),
    }
    assert {(copy["path"], copy["kind"]) for copy in report["still_holds"]} == {
        (str(notes), "text"),
        (str(log), "source"),
    }
    assert [json.loads(line)["prompt"] for line in lines(runs / "one/memory/exchanges.jsonl")] == [TESS]
    assert DEV not in words(runs / "one") and not list((runs / "one/previews").iterdir())
    assert [json.loads(line).get("content") for line in lines(session)] == ["", None, TESS]
    assert stat.S_IMODE(session.stat().st_mode) == 0o600
    assert DEV in notes.read_text() and DEV in log.read_text()


def test_what_a_link_leads_to_is_cleaned_and_the_link_stays(made, runs, tmp_path):
    memory = runs / "one/memory/exchanges.jsonl"
    memory.rename(tmp_path / "kept.jsonl")
    memory.symlink_to(tmp_path / "kept.jsonl")
    lose(made, who=["Dev"], search=[runs])
    assert memory.is_symlink()
    assert [json.loads(line)["prompt"] for line in lines(tmp_path / "kept.jsonl")] == [TESS]


def test_previews_go_where_anything_that_was_held_out_goes_for_they_are_cut(made, runs):
    preview = jsonl(runs / "one/previews/step-5.jsonl", {"schema": "aigc.preview/1", "prompt": "house, time 19"})
    other = jsonl(runs / "two/previews/step-5.jsonl", {"schema": "aigc.preview/1", "prompt": "house, time 19"})
    _, listed = lose(made, since="2000-01-01", dry_run=True)
    by_split = {line["split"]: line["record"] for line in listed}
    assert lose(made, record=[by_split["train"]], search=[runs])[0]["cleaned"] == []
    assert preview.exists()
    [copy] = lose(made, record=[by_split["valid"]], search=[runs])[0]["cleaned"]
    assert copy == {"path": str(preview), "kind": "preview", "lines": 1}
    assert other.exists() and not preview.exists()


def test_a_session_that_was_cleaned_is_read_as_one(made, tmp_path):
    from aigc_cli.avatar.session import read_session

    turn = {"schema": "aigc.session/1", "role": "user", "bubbles": [DEV], "time": "t", "run": None, "seed": None}
    undo = {"schema": "aigc.session/1", "event": "undo", "turns": 1, "time": "t"}
    session = jsonl(tmp_path / "s/a.jsonl", {**turn, "content": DEV}, {**turn, "content": "and?"}, undo)
    lose(made, who=["Dev"], search=[tmp_path / "s"])
    assert [turn.content for turn in read_session(session)] == [""]
    assert DEV not in session.read_text()


def test_what_a_record_that_stays_says_too_is_nobody_s_copy(tmp_path):
    both = [chat("Tess", 116, 3), chat("Dev", 100, 3)]
    for one in both:
        one["messages"][0]["text"] = "happy new year to all of you"
    prepare([export(tmp_path / "result.json", *both)], tmp_path / "set", valid=0)
    notes = tmp_path / "notes"
    jsonl(notes / "a.jsonl", {"said": "happy new year to all of you"})
    assert lose(tmp_path / "set", who=["Dev"], search=[notes])[0]["still_holds"] == []
    [found] = lose(tmp_path / "set", who=["Tess"], search=[notes])[0]["still_holds"]
    assert found["lines"] == 1


def test_a_dry_run_looks_and_changes_nothing(made, runs):
    before = words(made.parent)
    report, _ = lose(made, who=["Dev"], search=[runs], dry_run=True, yes=False)
    assert len(report["cleaned"]) == 2 and report["train_again"] and report["dry_run"]
    assert words(made.parent) == before


def test_while_a_run_trains_its_copies_are_not_touched_and_neither_is_the_set(made, runs):
    before = words(made)
    with rundir.FolderLock(runs / "one"), pytest.raises(Locked):
        lose(made, who=["Dev"], search=[runs])
    assert words(made) == before
    assert lose(made, who=["Dev"], search=[runs])[0]["records"] == 10


def test_a_run_on_the_set_as_it_was_is_named_later_too(made, runs):
    lose(made, who=["Dev"])
    run_at(runs / "new", read_manifest(made)["hash"])
    assert lose(made, who=["Dev"], search=[runs])[0]["train_again"] == [str(runs / "one"), str(runs / "two")]
    _, listed = lose(made, since="2000-01-01", dry_run=True)
    report, _ = lose(made, record=[listed[0]["record"]], search=[runs])
    assert report["train_again"] == [str(runs / name) for name in ("new", "one", "two")]


def test_the_export_is_told_in_an_archive_too(made, log, tmp_path):
    with zipfile.ZipFile(tmp_path / "backup.zip", "w") as archive:
        archive.write(log, "Telegram/result.json")
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 nothing")
    report, _ = lose(made, who=["Dev"], search=[tmp_path])
    assert {Path(copy["path"]).name for copy in report["still_holds"]} == {"backup.zip", "result.json"}


def test_a_folder_that_is_not_there_is_said_before_anything_goes(made, tmp_path):
    before = contents(made)
    with pytest.raises(NoInput, match="nowhere: no such folder"):
        lose(made, who=["Dev"], search=[tmp_path / "nowhere"])
    assert contents(made) == before


def test_what_was_forgotten_does_not_come_back_when_the_set_is_made_again(made, tmp_path):
    _, listed = lose(made, since="2025-09-04T00:00", until="2025-09-04T01:00", dry_run=True)
    lose(made, record=[listed[0]["record"]])
    lose(made, who=["Dev"])
    log = export(
        tmp_path / "result.json", chat("Tess", 116, 21), chat("Dev", 100, 12), chat("Ines", 7, 5, start=START - 86400)
    )
    assert prepare([log], tmp_path / "other")["counts"]["train"] == 35
    with pytest.raises(BadConfig):
        prepare([log], made)
    again = prepare([log], made, force=True)
    assert (again["counts"]["train"] + again["counts"]["valid"], again["counts"]["chats"]) == (20 + 5, 2)
    assert again["dropped"]["forgotten"] == 24 + 2
    assert "dev asks" not in words(made) and listed[0]["time"] not in words(made)
    assert lose(made, who=["Dev"])[0]["unchanged"]
    assert prepare([log], made)["unchanged"]


def test_the_same_sources_change_nothing_afterwards(made, log):
    lose(made, who=["Dev"])
    before = contents(made)
    assert prepare([log], made)["unchanged"]
    assert contents(made) == before
