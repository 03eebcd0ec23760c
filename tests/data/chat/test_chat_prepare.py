import hashlib
import io
import json
import random
import shlex
import shutil
import stat
import sys
from collections import Counter
from types import SimpleNamespace

import pytest

from aigc_cli.config.prepare_chat import PrepareChatSettings
from aigc_cli.core.errors import BadConfig, BadData, CannotCreate, NoInput, UsageProblem
from aigc_cli.core.screen.progress import SilentProgress
from aigc_cli.data.chat.prepare import prepare_chat
from aigc_cli.data.manifest import read_manifest


def telegram(count=20, peer="Tess", peer_id=116, start=1756924920, secret="07700 900123"):
    """Return a chat of `count` one-exchange conversations, two hours apart."""
    messages = []
    for number in range(count):
        for offset, (name, identity, text) in enumerate(
            [(peer, peer_id, f"question {number} {secret}"), ("Wren", 119, f"answer {number}"), ("Wren", 119, "🚲\nok")]
        ):
            messages.append(
                {
                    "id": len(messages) + 1,
                    "type": "message",
                    "date_unixtime": str(start + 7200 * number + 60 * offset),
                    "from": name,
                    "from_id": f"user{identity}",
                    "text": text,
                }
            )
    return {"name": peer, "type": "personal_chat", "id": peer_id, "messages": messages}


def write(path, value):
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return path


def prepare(sources, out, *, force=False, dry_run=False, progress=None, **settings):
    sources = sources if isinstance(sources, list) else [sources]
    progress = progress or SilentProgress()
    return prepare_chat(sources, out, PrepareChatSettings(**settings), progress, force=force, dry_run=dry_run)


def saying(said):
    """Return a progress that adds to `said` what is said."""
    silent = {name: lambda *_: None for name in ("stage", "advance", "close", "detail")}
    return SimpleNamespace(**silent, say=said.append)


def records(out, name):
    return [json.loads(line) for line in (out / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def export(tmp_path):
    return write(tmp_path / "result.json", telegram())


def test_a_record_is_a_dialogue_of_bubbles_with_the_subject_as_assistant(export, tmp_path):
    prepare(export, tmp_path / "set")
    first = records(tmp_path / "set", "train")[0]
    assert first["schema"] == "aigc.dialogue/1"
    assert first["messages"] == [
        {"role": "system", "content": "You are Wren."},
        {"role": "user", "content": "question 0 <PHONE_1>"},
        {"role": "assistant", "content": "answer 0\n🚲 ok"},
    ]
    assert first["bubbles"] == [None, ["question 0 <PHONE_1>"], ["answer 0", "🚲 ok"]]
    assert first["time"] == "2025-09-03T18:42:00+00:00"


def test_the_last_tenth_of_each_chat_by_time_is_held_out(tmp_path):
    late, early = telegram(20), telegram(10, peer="Dev", peer_id=100, start=1700000000)
    late["messages"].reverse()
    value = {"about": "x", "personal_information": {"user_id": 119}, "chats": {"list": [late, early]}}
    record = prepare(write(tmp_path / "result.json", value), tmp_path / "set")
    train, valid = records(tmp_path / "set", "train"), records(tmp_path / "set", "valid")
    assert record["counts"]["train"] == len(train) == 27
    assert [item["messages"][1]["content"].split(" <")[0] for item in valid] == [
        "question 18",
        "question 19",
        "question 9",
    ]
    for chat in {item["chat"] for item in train}:
        last = max(item["time"] for item in train if item["chat"] == chat)
        assert all(item["time"] > last for item in valid if item["chat"] == chat)
    assert len({item["chat"] for item in train}) == 2


def test_manifest_and_record_say_what_is_in_the_set_and_print_no_value(export, tmp_path):
    record = prepare(export, tmp_path / "set", consent="synthetic", subject="Wren C")
    manifest = read_manifest(tmp_path / "set", "chat")
    assert manifest["sources"] == [{"path": "result.json", "sha256": hashlib.sha256(export.read_bytes()).hexdigest()}]
    assert (manifest["subject"], manifest["consent"], manifest["kind"]) == ("Wren C", "synthetic", "chat")
    assert manifest["counts"] == {
        "train": 18,
        "valid": 2,
        "read": 60,
        "messages": 60,
        "merged": 20,
        "conversations": 20,
        "chats": 1,
        "turns": 40,
        "subject_turns": 20,
    }
    assert manifest["redacted"] == {"phone": 20}
    assert "names and postal addresses" in manifest["redaction_note"]
    hashes = "".join(
        hashlib.sha256((tmp_path / "set" / name).read_bytes()).hexdigest() for name in ("train.jsonl", "valid.jsonl")
    )
    assert manifest["hash"] == hashlib.sha256(hashes.encode()).hexdigest() == record["hash"]
    everything = json.dumps(record) + "".join(file.read_text() for file in (tmp_path / "set").iterdir())
    assert "900123" not in everything
    assert "You are Wren C." in everything


def test_keep_pii_keeps_and_says_so(export, tmp_path):
    record = prepare(export, tmp_path / "set", keep_pii=True)
    assert record["redacted"] == {}
    assert "switched off" in record["redaction_note"]
    assert "07700 900123" in (tmp_path / "set" / "train.jsonl").read_text()


def test_files_are_private(export, tmp_path):
    prepare(export, tmp_path / "set")
    assert stat.S_IMODE((tmp_path / "set").stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "set").iterdir()} == {0o600}


def test_dry_run_counts_like_the_real_run_and_writes_nothing(export, tmp_path):
    planned = prepare(export, tmp_path / "set", dry_run=True)
    assert [entry.name for entry in tmp_path.iterdir()] == ["result.json"]
    made = prepare(export, tmp_path / "set")
    for key in ("counts", "dropped", "redacted", "subject", "formats"):
        assert planned[key] == made[key]
    assert (planned["dry_run"], made["dry_run"]) == (True, False)


def test_rerun_is_a_no_op_and_another_set_needs_force(export, tmp_path):
    made = prepare(export, tmp_path / "set")
    before = (tmp_path / "set" / "manifest.json").stat()
    written = (before.st_ino, before.st_mtime_ns)  # and not when it was read, which a rerun may do in another second
    again = prepare(export, tmp_path / "set")
    assert (made["unchanged"], again["unchanged"]) == (False, True)
    assert {**again, "unchanged": False} == made
    after = (tmp_path / "set" / "manifest.json").stat()
    assert (after.st_ino, after.st_mtime_ns) == written
    with pytest.raises(BadConfig, match="--force"):
        prepare(export, tmp_path / "set", keep_pii=True)
    assert prepare(export, tmp_path / "set", keep_pii=True, force=True)["redacted"] == {}
    write(export, telegram(21))
    with pytest.raises(BadConfig, match="--force"):
        prepare(export, tmp_path / "set", keep_pii=True)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["result.json", "set"]


def test_what_is_no_prepared_set_is_never_replaced(export, tmp_path):
    (tmp_path / "thesis").mkdir()
    write(tmp_path / "thesis" / "chapter1.txt", "precious")
    with pytest.raises(CannotCreate, match="not a prepared set"):
        prepare(export, tmp_path / "thesis", force=True)
    assert (tmp_path / "thesis" / "chapter1.txt").read_text() == "precious"
    (tmp_path / "empty").mkdir()
    assert prepare(export, tmp_path / "empty")["counts"]["train"] == 18


def test_own_sets_can_be_prepared_again(export, tmp_path):
    prepare(export, tmp_path / "set")
    prepare(tmp_path / "set" / "train.jsonl", tmp_path / "again", subject="Wren", valid=0)
    first, second = records(tmp_path / "set", "train"), records(tmp_path / "again", "train")
    assert [item["messages"] for item in first] == [item["messages"] for item in second]
    assert second[0]["bubbles"] == [None, None, None]


def test_ambiguous_subject_lists_senders_with_counts_and_proposes_one(tmp_path):
    log = write(tmp_path / "log.txt", "Ann: hi\nBob: yo\nAnn: how\nBob: so\nAnn: bye\n\nBob: hey\nAnn: what\n")
    with pytest.raises(UsageProblem, match=r"Senders: Ann \(4\), Bob \(3\) \(add --me Ann, the likely one"):
        prepare(log, tmp_path / "set")
    with pytest.raises(UsageProblem, match="--me 'Cat' is not one sender"):
        prepare(log, tmp_path / "set", me="Cat")
    assert prepare(log, tmp_path / "a", me="bob", valid=0)["subject"] == "Bob"
    assert prepare(log, tmp_path / "b", subject="Ann", valid=0)["subject"] == "Ann"


NOT_TO_BE_TOLD = [("Alex", 1), ("Mia", 3), ("Alex", 2), ("Anna\u200f", 4), ("\u3164", 5), ("Ines\u00a0Maria", 6)]
GROUP = {
    "name": "G",
    "type": "private_group",
    "id": 9,
    "messages": [
        {
            "id": number,
            "type": "message",
            "date_unixtime": str(1700000000 + 40 * number),
            "from": name,
            "from_id": f"user{identity}",
            "text": f"line {number}",
        }
        for number, (name, identity) in enumerate(NOT_TO_BE_TOLD * 3 + [("Mia", 3)])
    ],
}


def test_two_people_of_one_name_are_told_by_ids_and_what_is_proposed_works(tmp_path):
    log = write(tmp_path / "result.json", GROUP)
    listed = (
        r"Mia \[user3\] \(4\), Alex \[user1\] \(3\), Alex \[user2\] \(3\), Anna \[user4\] \(3\), \[user5\] \(3\), Ines"
    )
    with pytest.raises(UsageProblem, match=listed + r".*add --me Mia, the likely one, or another's name or id"):
        prepare(log, tmp_path / "set")
    with pytest.raises(UsageProblem, match=listed + r".*add --me user1, the likely one"):
        prepare(log, tmp_path / "set", me="Alex")
    for me, subject in {"user1": "Alex", "USER2": "Alex", "user5": "user5", "ines maria": "Ines\u00a0Maria"}.items():
        record = prepare(log, tmp_path / me, me=me, valid=0)
        assert (record["subject"], record["counts"]["subject_turns"]) == (subject, 3)


@pytest.mark.parametrize("name", ["Anna", "ANNA", "\u200eAnna", "Ａｎｎａ"])
def test_marks_widths_and_case_do_not_count_in_a_name(name, tmp_path):
    assert prepare(write(tmp_path / "r.json", GROUP), tmp_path / "set", me=name, valid=0)["subject"] == "Anna\u200f"


def test_a_name_is_found_however_its_letters_are_composed(tmp_path):
    log = write(tmp_path / "r.json", telegram(3, peer="Zo\u00eb"))
    assert prepare(log, tmp_path / "set", me="Zoe\u0308", valid=0)["subject"] == "Zo\u00eb"
    both = write(tmp_path / "both.txt", "ANN: hi\nBob: yo\nAnn: ho\nBob: so\n")
    assert prepare(both, tmp_path / "a", me="Ann", valid=0)["subject"] == "Ann"
    with pytest.raises(UsageProblem, match="--me 'ann' is not one sender"):
        prepare(both, tmp_path / "b", me="ann")


def test_what_is_proposed_can_be_pasted_into_a_shell(tmp_path):
    name = "$(touch x); Bo's"
    log = write(tmp_path / "log.txt", f"{name}: hi\nTom: yo\n{name}: ho\n{name}: so\nTom: go\n")
    with pytest.raises(UsageProblem) as caught:
        prepare(log, tmp_path / "set")
    words = shlex.split(caught.value.remedy.split(", the likely")[0])
    assert words == ["add", "--me", name]
    assert prepare(log, tmp_path / "set", me=words[-1], valid=0)["subject"] == name


def silent(peer="Plumber", peer_id=55):
    chat = telegram(3, peer=peer, peer_id=peer_id)
    chat["messages"] = [item for item in chat["messages"] if item["from"] == peer]
    return chat


NOBODY = [
    silent(),
    {"name": "status", "type": "status_broadcast", "id": 0, "messages": []},
    "",
    [{"id": 1, "type": "message", "date_unixtime": "1", "from_id": "user119", "from": "Wren", "text": "hello?"}],
]


@pytest.mark.parametrize("me", [None, "Wren"])
@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("nobody", range(len(NOBODY)))
def test_a_log_without_an_exchange_stops_no_other(tmp_path, me, order, nobody):
    value = NOBODY[nobody]
    value = {"name": "x", "type": "personal_chat", "id": 7, "messages": value} if isinstance(value, list) else value
    sources = [write(tmp_path / "tess.json", telegram()), write(tmp_path / "nobody.json", value)]
    record = prepare(sources[::order], tmp_path / "set", me=me)
    assert (record["subject"], record["counts"]["train"], record["counts"]["valid"]) == ("Wren", 18, 2)
    assert record["passed_over"]["without_exchange"] == 1


def test_the_one_contact_is_never_proposed(tmp_path):
    log = write(tmp_path / "r.json", silent())
    with pytest.raises(BadData, match=r"only Plumber \[user55\] writes: no exchange"):
        prepare(log, tmp_path / "set")
    with pytest.raises(UsageProblem, match="is --me the right person") as caught:
        prepare(log, tmp_path / "set", me="Wren")
    assert "add --me" not in str(caught.value)


def test_one_log_tells_whose_turns_are_meant_in_another(tmp_path):
    group = {**telegram(5), "type": "private_group", "id": 3}
    with pytest.raises(UsageProblem, match="whose turns"):
        prepare(write(tmp_path / "group.json", group), tmp_path / "a")
    sources = [tmp_path / "group.json", write(tmp_path / "dev.json", telegram(5, peer="Dev", peer_id=100))]
    assert prepare(sources, tmp_path / "b", valid=0)["counts"]["subject_turns"] == 10


def test_a_chat_without_messages_stops_no_other_of_an_account(tmp_path):
    value = {"personal_information": {"user_id": 119}, "chats": {"list": [{"name": "x", "id": 1}, telegram()]}}
    record = prepare(write(tmp_path / "r.json", value), tmp_path / "set")
    assert (record["counts"]["train"], record["dropped"]["chat_without_messages"]) == (18, 1)


def test_me_overrides_the_owner_of_an_export(export, tmp_path):
    record = prepare(export, tmp_path / "set", me="Tess", valid=0, merge_minutes=2, silence_minutes=200)
    assert record["subject"] == "Tess"
    messages = records(tmp_path / "set", "train")[0]["messages"]
    assert messages[1] == {"role": "assistant", "content": "question 0 <PHONE_1>"}
    assert messages[2]["role"] == "user"


def test_what_the_subject_forwarded_is_removed_and_cuts(tmp_path):
    chat = telegram(5)
    chat["messages"][1]["forwarded_from"] = "Dev"
    chat["messages"][3]["forwarded_from"] = "BBC"
    record = prepare(write(tmp_path / "r.json", chat), tmp_path / "set", valid=0)
    assert record["dropped"] == {"answer_to_removed": 1, "forwarded": 1, "unanswered": 1}
    train = records(tmp_path / "set", "train")
    assert [item["messages"][1]["content"].split(" <")[0] for item in train] == [f"question {n}" for n in range(1, 5)]


def test_what_is_not_to_be_learned_is_never_a_target(tmp_path):
    asked, wrong, right = ("how do i reset it", "WRONG throw it away", "hold the button")
    talk = [
        {"role": "user", "content": asked},
        {"role": "assistant", "content": wrong, "weight": 0},
        {"role": "user", "content": "really?"},
        {"role": "assistant", "content": right, "weight": 1},
    ]
    record = prepare(write(tmp_path / "talk.jsonl", {"messages": talk}), tmp_path / "set", valid=0)
    (made,) = records(tmp_path / "set", "train")
    assert [(m["role"], m["content"]) for m in made["messages"][1:]] == [
        ("user", asked),
        ("user", wrong),
        ("user", "really?"),
        ("assistant", right),
    ]
    assert (record["counts"]["subject_turns"], record["dropped"]) == (1, {})


def test_control_characters_become_spaces_or_go(tmp_path):
    prepare(
        write(tmp_path / "a.txt", "Tom: so\nAnn: milk\x1fbread\x08 \x1b[1m\x7f\tand\n"),
        tmp_path / "a",
        me="Ann",
        valid=0,
    )
    talk = [{"role": "user", "content": "x"}, {"role": "assistant", "content": "one\x0b\r\ntwo\x00"}]
    prepare(write(tmp_path / "b.jsonl", {"messages": talk}), tmp_path / "b", valid=0)
    said = [records(tmp_path / name, "train")[0]["messages"][-1]["content"] for name in "ab"]
    assert said == ["milk bread [1m and", "one \r\ntwo"]


def test_an_answer_read_from_a_removed_tool_result_is_no_target(tmp_path):
    talk = [
        {"from": "human", "value": "what is the weather in Rome"},
        {"from": "function_call", "value": '{"name": "weather"}'},
        {"from": "observation", "value": '{"sky": "blue"}'},
        {"from": "gpt", "value": "The sky over Rome is blue."},
        {"from": "human", "value": "thank you"},
        {"from": "gpt", "value": "You are welcome."},
    ]
    record = prepare(write(tmp_path / "talk.jsonl", {"conversations": talk}), tmp_path / "set", valid=0)
    (made,) = records(tmp_path / "set", "train")
    assert [m["content"] for m in made["messages"][1:]] == ["thank you", "You are welcome."]
    assert record["dropped"] == {"answer_to_removed": 1, "tool": 2, "unanswered": 1}


def test_what_two_exports_share_is_taken_once_and_never_both_learned_and_held_out(tmp_path):
    older, newer = write(tmp_path / "older.json", telegram(20)), write(tmp_path / "newer.json", telegram(30))
    copy = write(tmp_path / "copy.json", older.read_text())
    record = prepare([older, newer, copy], tmp_path / "set")
    contents = [
        item["messages"][1]["content"] for name in ("train", "valid") for item in records(tmp_path / "set", name)
    ]
    assert len(contents) == len(set(contents)) == 30
    assert (record["dropped"], record["passed_over"]) == ({"duplicate": 60}, {"duplicate_source": 1})
    assert record["redacted"] == {"phone": 30}


def test_a_set_that_does_not_fit_on_the_disk_is_refused_before_writing(export, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda place: SimpleNamespace(free=100))
    with pytest.raises(CannotCreate, match="MB are free"):
        prepare(export, tmp_path / "set")
    assert [entry.name for entry in tmp_path.iterdir()] == ["result.json"]


def test_folder_stdin_and_several_sources(export, tmp_path, monkeypatch):
    folder = tmp_path / "logs"
    folder.mkdir()
    write(folder / "result.json", telegram())
    write(folder / "messages.html", "<html>")
    assert prepare(folder, tmp_path / "a")["counts"] == prepare(export, tmp_path / "b")["counts"]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(export.read_bytes())))
    assert prepare("-", tmp_path / "c")["hash"] == read_manifest(tmp_path / "a")["hash"]
    script = write(tmp_path / "x.txt", "Tess: 07700900123 or 07700 900999?\nWren: neither\n")
    record = prepare([export, script], tmp_path / "d", subject="Wren")
    assert record["formats"] == ["script", "telegram"]
    assert records(tmp_path / "d", "train")[-1]["messages"][1]["content"] == "<PHONE_1> or <PHONE_2>?"
    assert records(tmp_path / "d", "train")[-1]["time"] is None


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (None, NoInput, "no such file"),
        ("", BadData, "empty"),
        ('{"messages": [{"id"', BadData, "not valid JSON at line 1, column"),
        ({"name": "T", "type": "personal_chat", "id": 1, "messages": []}, BadData, "no messages with text"),
        (telegram(1), BadData, "one short conversation"),
        ("A: hi\nA: anyone\nB: hi\n", BadData, "nobody is answered by A"),
    ],
)
def test_bad_sources_leave_nothing_behind(tmp_path, content, error, message):
    if content is not None:
        write(tmp_path / "log.json", content)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(error, match=message) as caught:
        prepare(tmp_path / "log.json", tmp_path / "set", subject="A")
    assert caught.value.remedy
    assert sorted(tmp_path.iterdir()) == before


def test_empty_folder_and_unwritable_output(export, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(NoInput, match=r"no \.json or \.jsonl or \.txt file"):
        prepare(tmp_path / "empty", tmp_path / "set")
    write(tmp_path / "file", "x")
    with pytest.raises(CannotCreate):
        prepare(export, tmp_path / "file")
    with pytest.raises(CannotCreate):
        prepare(export, tmp_path / "file" / "set")
    assert (tmp_path / "file").read_text() == "x"


@pytest.mark.parametrize("seed", range(16))
def test_every_message_is_accounted_for(seed, tmp_path):
    rng = random.Random(seed)
    value = telegram(rng.choice([3, 30]))
    for item in rng.sample(value["messages"], rng.randrange(len(value["messages"]) // 2)):
        item |= rng.choice(
            [
                {"text": "", "photo": "x"},
                {"text": "x" * 3000},
                {"type": "service", "action": "pin_message", "actor": "Wren"},
                {"forwarded_from": "Ann"},
                {"text": "\u200b"},
                {"from_id": "user5", "from": "Bea"},
                {"id": 1, "date_unixtime": "1756924920"},
                {"text": " "},
            ]
        )
    settings = {"max_turns": rng.choice([2, 20]), "merge_minutes": rng.choice([0, 2]), "valid": 0.0}
    settings |= rng.choice([{}, {}, {"since": "2025-09-03T19"}, {"until": "2025-09-04"}, {"me": ("Wren", "Bea")}])
    settings = {"me": "Wren", **settings}
    timeless = write(tmp_path / "timeless.txt", "Tess: so\nWren: what\nTess: and\n")
    sources = [write(tmp_path / "result.json", value), timeless]
    record = prepare(sources, tmp_path / "set", **settings)
    counts, dropped = record["counts"], record["dropped"]
    assert counts["read"] == len(value["messages"]) + 3 == counts["turns"] + counts["merged"] + sum(dropped.values())
    assert dropped.get("without_time") == (3 if {"since", "until"} & {*settings} else None)
    bubbles = [line for item in records(tmp_path / "set", "train") for turn in item["bubbles"][1:] for line in turn]
    assert len(bubbles) == counts["turns"] + counts["merged"]
    said = []
    again = prepare(sources, tmp_path / "set", dry_run=True, show_dropped=True, progress=saying(said), **settings)
    assert (again["counts"], again["dropped"]) == (counts, dropped)
    shown = Counter(line.split()[0].rstrip(":") for line in said)
    assert {reason: shown[reason] for reason in dropped} == dropped  # each once


def test_what_is_dropped_is_shown_to_who_asks(tmp_path):
    value = telegram(4)
    value["messages"][0] |= {"text": "", "photo": "x"}
    value["messages"][3] |= {"type": "service", "action": "pin_message"}
    said = []
    source = write(tmp_path / "result.json", value)
    prepare(source, tmp_path / "set", progress=saying(said), show_dropped=True, me="Wren", valid=0.0)
    assert any(line.startswith("photo") for line in said)
    assert any(line.startswith("notice") and "message 4" in line for line in said)
