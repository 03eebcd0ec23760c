"""Whose turns are learned where a person has several names, numbers and handles."""

import json

import pytest

from aigc_cli.config.prepare_chat import PrepareChatSettings
from aigc_cli.core.errors import UsageProblem
from aigc_cli.core.screen.progress import SilentProgress
from aigc_cli.data.chat.messages import Log
from aigc_cli.data.chat.prepare import prepare_chat
from aigc_cli.data.chat.subject import NotInLog, find_subject
from aigc_cli.data.manifest import read_manifest


class Said(SilentProgress):
    def __init__(self):
        self.lines = []

    def say(self, text):
        self.lines.append(text)


def write(path, lines):
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def prepare(sources, out, progress=None, **settings):
    settings = {"valid": 0.0, **settings}
    return prepare_chat(sources, out, PrepareChatSettings(**settings), progress or SilentProgress())


def records(out):
    return [json.loads(line) for line in (out / "train.jsonl").read_text(encoding="utf-8").splitlines()]


def log_of(*senders, **more):
    """Return a log in which each (id, name) wrote once."""
    log = Log(format="x", names=dict(senders), **more)
    log.written.update(sender for sender, _ in senders)
    return log


def people(log, *me, known=()):
    return find_subject(log, "x", PrepareChatSettings(me=me), set(known))


def test_all_names_of_a_person_are_one_person_called_by_the_first_over_sources(tmp_path):
    sources = [
        write(tmp_path / "old.txt", ["Tom: where", "+44 20 7946 0000: here", "Tom: ok", "+44 20 7946 0000: soon"]),
        write(tmp_path / "new.txt", ["Tom: so", "ann_the_first: what", "Tom: well", "Ann B: yes"]),
    ]
    record = prepare(sources, tmp_path / "set", me=("ann b", "+44 20 7946 0000", "ann_the_first"))
    assert (record["subject"], record["counts"]["subject_turns"]) == ("Ann B", 4)
    said = [[(turn["role"], turn["content"]) for turn in item["messages"]] for item in records(tmp_path / "set")]
    assert said == [
        [("system", "You are Ann B."), ("user", "where"), ("assistant", "here"), ("user", "ok"), ("assistant", "soon")],
        [("system", "You are Ann B."), ("user", "so"), ("assistant", "what"), ("user", "well"), ("assistant", "yes")],
    ]


def test_a_person_s_two_accounts_in_one_chat_make_no_group_and_one_turn(tmp_path):
    log = write(tmp_path / "log.txt", ["Tom: so", "Ann: what", "Ann at work: yes", "Tom: good", "Ann: bye"])
    prepare([log], tmp_path / "set", me=("Ann", "Ann at work"))
    assert [turn["content"] for turn in records(tmp_path / "set")[0]["messages"][1:]] == [
        "so",
        "what\nyes",
        "good",
        "bye",
    ]
    alone = prepare([log], tmp_path / "alone", me=("Ann",))
    assert records(tmp_path / "alone")[0]["messages"][1]["content"] == "Tom: so"
    assert alone["counts"]["subject_turns"] == 2


ALEX = (("u1", "Alex"), ("u2", "Alex"), ("u3", "Mia"))


def test_two_people_of_one_name_never_become_one():
    for me in (("Alex",), ("Alex", "Mia"), ("Mia", "alex")):
        with pytest.raises(UsageProblem, match=r"--me '[Aa]lex' is not one sender"):
            people(log_of(*ALEX), *me)
    for me in (("u1", "Alex"), ("Alex", "u1"), ("Alex", "u1", "nobody")):
        assert people(log_of(*ALEX), *me).senders == {"u1"}
    assert people(log_of(*ALEX), "Mia", "Alex", known={"u2"}).senders == {"u2", "u3"}
    assert people(log_of(*ALEX), "u2", "Alex", "Mia").first == "u2"


def test_the_first_name_that_a_log_has_says_who_is_the_first():
    found = people(log_of(("7", "Ann"), ("8", "Bea"), ("9", "Ann's phone")), "ann's phone", "nobody", "Ann")
    assert (found.first, found.rank, found.senders) == ("9", 0, {"7", "9"})


def test_a_log_without_any_of_the_names_is_not_hers_unless_another_log_knows_her():
    log = log_of(("5", "Annie"), ("6", "Bea"))
    with pytest.raises(NotInLog) as caught:
        people(log, "Ann", "Ann B")
    assert "none of --me 'Ann', 'Ann B' is a sender. Senders: Annie [5] (1), Bea [6] (1)" in str(caught.value)
    assert people(log, "Ann", "Ann B", known={"5"}).senders == {"5"}


def test_what_a_format_says_of_its_owner_gives_way_to_several_names_and_roles_do_not():
    assert people(log_of(("1", "Ann"), ("2", "Bea"), subject="1"), "Bea", "B").first == "2"
    assert people(log_of(("assistant", "assistant"), subject="assistant", has_roles=True), "Bea", "B").rank == 2


def test_a_name_that_nobody_has_is_said_and_one_that_is_empty_is_refused(tmp_path):
    from aigc_cli.config.base import resolve

    log = write(tmp_path / "log.txt", ["Tom: so", "Ann: what"])
    said = Said()
    prepare([log], tmp_path / "set", said, me=("Ann", "Anne"))
    assert [line for line in said.lines if "--me" in line] == ["--me 'Anne': nobody is called so in any source"]
    with pytest.raises(UsageProblem, match="--me is empty"):
        resolve(PrepareChatSettings, {"me": ("Ann", " ")})


def test_what_is_forwarded_under_another_name_is_not_hers_either(tmp_path):
    messages = [
        {"id": number, "type": "message", "date_unixtime": str(1700000000 + 60 * number), "from": name, "from_id": name}
        | more
        for number, (name, more) in enumerate(
            [
                ("Tom", {"text": "so"}),
                ("Ann", {"text": "what"}),
                ("Tom", {"text": "and"}),
                ("Ann2", {"text": "not mine", "forwarded_from": "BBC"}),
            ]
        )
    ]
    value = {"name": "G", "type": "private_group", "id": 3, "messages": messages}
    record = prepare([write(tmp_path / "r.json", [json.dumps(value)])], tmp_path / "set", me=("Ann", "Ann2"))
    assert record["dropped"] == {"forwarded": 1, "unanswered": 1}


@pytest.mark.parametrize(("me", "kept"), [((), None), (("Ann",), "Ann"), (("Ann", "A B"), ["Ann", "A B"])])
def test_a_set_keeps_the_names_and_one_as_it_always_did(me, kept, tmp_path):
    log = write(tmp_path / "log.txt", ["Tom: so", "Ann: what"])
    prepare([log], tmp_path / "set", me=me, subject="Ann")
    assert read_manifest(tmp_path / "set")["settings"]["me"] == kept
    assert prepare([log], tmp_path / "set", me=me, subject="Ann")["unchanged"]


# The settings of a manifest as they were before there could be several names.
BEFORE = {
    "format": "auto",
    "dates": "auto",
    "zone": None,
    "me": None,
    "subject": None,
    "consent": "self",
    "merge_minutes": 2.0,
    "silence_minutes": 60.0,
    "answer_hours": 24.0,
    "max_turns": 20,
    "max_characters": 2000,
    "valid": 0.0,
    "keep_pii": False,
    "redact": None,
    "encoding": "utf-8",
}


@pytest.mark.parametrize("me", [None, "Ann"])
def test_a_set_of_the_version_before_is_still_the_same(me, tmp_path):
    log = write(tmp_path / "log.txt", ["Tom: so", "Ann: what"])
    settings = {"consent": "self", **({"me": me} if me else {"subject": "Ann"})}
    prepare([log], tmp_path / "set", **settings)
    manifest = read_manifest(tmp_path / "set")
    manifest["settings"] = BEFORE | {"me": me, "subject": settings.get("subject")}
    (tmp_path / "set" / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert prepare([log], tmp_path / "set", **settings)["unchanged"]


def test_listed_names_are_in_no_manifest_however_many(tmp_path):
    log = write(tmp_path / "log.txt", ["Tom: so", "Ann: what", "Tom: and", "Bean: no"])
    words = write(tmp_path / "words.txt", ["Ann", "Bean"])
    prepare([log], tmp_path / "set", me=("Ann", "Bean"), redact=str(words))
    manifest = read_manifest(tmp_path / "set")
    assert (manifest["settings"]["me"], manifest["subject"]) == (["<NAME_1>", "<NAME_2>"], "<NAME_1>")
    assert prepare([log], tmp_path / "set", me=("Ann", "Bean"), redact=str(words))["unchanged"]
