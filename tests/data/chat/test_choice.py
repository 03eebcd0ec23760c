"""Which chats are taken, by who is in them, and which messages, by when they were sent."""

import json

import pytest

from aigc_cli.config.prepare_chat import PrepareChatSettings
from aigc_cli.core.errors import BadData, UsageProblem
from aigc_cli.core.screen.progress import SilentProgress
from aigc_cli.data.chat.prepare import prepare_chat

HOUR = 3600
START = 1735689600  # 2025-01-01T00:00:00Z


def chat(identity, *people, start=START, count=6, kind="private_group", prefix=""):
    """Return a chat in which Wren answers the `people` in turn, an exchange every two hours."""
    messages = []
    for number in range(count):
        name = people[number % len(people)]
        for offset, sender, text in ((0, name, f"{prefix}ask {number}"), (60, "Wren", f"{prefix}say {number}")):
            messages.append(
                {
                    "id": len(messages) + 1,
                    "type": "message",
                    "date_unixtime": str(start + 2 * HOUR * number + offset),
                    "from": sender,
                    "from_id": f"user{sender}",
                    "text": text,
                }
            )
    return {"name": f"chat {identity}", "type": kind, "id": identity, "messages": messages}


def account(tmp_path, *chats, name="result.json"):
    path = tmp_path / name
    value = {"about": "x", "personal_information": {"user_id": "Wren"}, "chats": {"list": list(chats)}}
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def prepare(sources, out, **settings):
    settings = {"me": "Wren", "valid": 0.0, **settings}
    sources = sources if isinstance(sources, list) else [sources]
    return prepare_chat(sources, out, PrepareChatSettings(**settings), SilentProgress())


def said(out):
    """Return what each record says but its system turn."""
    lines = (out / "train.jsonl").read_text(encoding="utf-8").splitlines()
    return [[turn["content"] for turn in json.loads(line)["messages"][1:]] for line in lines]


@pytest.fixture
def chats(tmp_path):
    return account(
        tmp_path,
        chat(1, "Bea", prefix="bea "),
        chat(2, "Dev", "Bea", prefix="both "),
        chat(3, "Dev", prefix="dev "),
        chat(4, "Cat", prefix="cat "),
    )


@pytest.mark.parametrize(
    ("names", "taken", "others"),
    [
        (("Bea",), {"bea", "both"}, 2),
        (("bea", "userCat"), {"bea", "both", "cat"}, 1),
        ((), {"bea", "both", "dev", "cat"}, None),
    ],
)
def test_only_chats_with_somebody_are_taken_and_the_others_counted(names, taken, others, chats, tmp_path):
    record = prepare(chats, tmp_path / "set", with_=names)
    assert {word.split()[0 if "both" not in word else -3] for item in said(tmp_path / "set") for word in item} == taken
    assert record["passed_over"].get("other_chat") == others
    counts = record["counts"]
    assert counts["read"] == counts["turns"] + counts["merged"] + sum(record["dropped"].values())
    assert prepare(chats, tmp_path / "set", with_=names)["unchanged"]


def test_a_name_that_nobody_has_lists_who_there_is_and_the_subject_is_nobody(chats, tmp_path):
    listed = r"Others: Bea \(9\), Dev \(9\), Cat \(6\)"
    with pytest.raises(UsageProblem, match=r"--with 'Bee': nobody is called so\. " + listed + ".*did you mean 'Bea'"):
        prepare(chats, tmp_path / "set", with_=("Dev", "Bee"))
    with pytest.raises(UsageProblem, match=r"--with 'Wren': nobody is called so\. " + listed + ".*or an id"):
        prepare(chats, tmp_path / "set", with_=("Wren",))
    assert not (tmp_path / "set").exists()


def test_whose_a_log_is_without_any_of_them_is_not_asked(chats, tmp_path):
    (tmp_path / "group.txt").write_text("Xi: so\nYo: what\nXi: and\n")
    sources = [chats, tmp_path / "group.txt"]
    with pytest.raises(UsageProblem, match="whose turns are to be learned"):
        prepare(sources, tmp_path / "set", me=())
    assert prepare(sources, tmp_path / "set", me=(), with_="Cat")["passed_over"] == {"other_chat": 4}
    with pytest.raises(UsageProblem, match="whose turns are to be learned"):
        prepare(sources, tmp_path / "all", me=(), with_=("Cat", "Yo"))


def test_messages_of_another_time_are_left_out_and_counted_half_open(tmp_path):
    log = account(tmp_path, chat(1, "Bea", prefix="x "))
    record = prepare(log, tmp_path / "set", since="2025-01-01T02", until="2025-01-01T08")
    assert said(tmp_path / "set") == [[f"x ask {number}", f"x say {number}"] for number in (1, 2, 3)]
    assert record["dropped"] == {"outside_dates": 6}
    assert prepare(log, tmp_path / "later", since="2025-01-01T08:00:01")["dropped"]["outside_dates"] == 9


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "+08:00"])
def test_a_date_is_of_the_zone_and_one_with_a_zone_of_its_own(zone, tmp_path):
    log = account(tmp_path, chat(1, "Bea", start=START - 12 * HOUR, count=12))
    assert prepare(log, tmp_path / "utc", since="2025-01-01")["dropped"] == {"outside_dates": 12}
    assert prepare(log, tmp_path / "own", since="2025-01-01", zone=zone)["dropped"] == {"outside_dates": 4}
    record = prepare(log, tmp_path / "told", since="2025-01-01T00:00+00:00", zone=zone)
    assert record["dropped"] == {"outside_dates": 12}


def test_a_conversation_is_cut_at_the_ends_and_no_answer_stands_without_its_question(tmp_path):
    value = chat(1, "Bea", count=2)
    for number, message in enumerate(value["messages"]):
        message["date_unixtime"] = str(START + 60 * number)
    record = prepare(account(tmp_path, value), tmp_path / "set", since="2025-01-01T00:01")
    assert said(tmp_path / "set") == [["ask 1", "say 1"]]
    assert record["dropped"] == {"answer_to_removed": 1, "outside_dates": 1}


def test_what_has_no_time_is_left_out_where_a_time_is_asked_for_alone(tmp_path):
    (tmp_path / "log.txt").write_text("Bea: so\nWren: what\n")
    sources = [account(tmp_path, chat(1, "Bea")), tmp_path / "log.txt"]
    assert prepare(sources, tmp_path / "set", until="2030-01-01")["dropped"] == {"without_time": 2}
    assert prepare(sources, tmp_path / "all")["dropped"] == {}


def test_what_was_not_taken_of_one_export_is_not_there_before_in_another(tmp_path):
    new = chat(7, "Bea", kind="personal_chat")
    old = json.loads(json.dumps(new))
    for message in old["messages"]:  # a local clock, an hour late, as exports told before they told seconds
        seconds = int(message.pop("date_unixtime")) - HOUR
        message["date"] = f"2025-01-01T{seconds % 86400 // HOUR:02}:{seconds % HOUR // 60:02}:00"
    old["messages"] = old["messages"][2:]
    sources = [account(tmp_path, old, name="old.json"), account(tmp_path, new)]
    record = prepare(sources, tmp_path / "set", since="2025-01-01T02")
    learned = [words for item in said(tmp_path / "set") for words in item]
    assert sorted(learned) == sorted(f"{what} {number}" for number in range(1, 6) for what in ("ask", "say"))
    assert record["dropped"] == {"duplicate": 8, "outside_dates": 4}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"since": "31.12.2024"}, "--since '31.12.2024' is no date"),
        ({"until": "2024-13-01"}, "--until '2024-13-01' is no date"),
        ({"since": "2024-02-01", "until": "2024-02-01"}, "--since is not before --until"),
        ({"since": "2024-02-01", "zone": "Mars/Base"}, "Mars/Base"),
    ],
)
def test_what_is_no_time_is_refused_before_anything_is_read(settings, message, tmp_path):
    with pytest.raises(UsageProblem, match=message):
        prepare(tmp_path / "nowhere", tmp_path / "set", **settings)


def test_nothing_that_is_left_names_what_to_look_at(chats, tmp_path):
    with pytest.raises(BadData, match=r"no exchange to learn from .*do --with, --since and --until leave one"):
        prepare(chats, tmp_path / "set", until="0001-01-01T12", zone="Asia/Shanghai")
