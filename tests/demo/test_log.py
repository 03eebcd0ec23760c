"""The demo person's log is what it claims to be: long, varied, consistent in its facts, fictional in its data."""

import json
import re
from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from aigc_cli.config.prepare_chat import PrepareChatSettings
from aigc_cli.core.screen.progress import SilentProgress
from aigc_cli.data.chat.prepare import prepare_chat
from aigc_cli.data.pii import find_personal_data

DEMO = Path(__file__).parents[2] / "aigc_cli" / "demo"
LOG = DEMO / "result.json"


@pytest.fixture(scope="module")
def export():
    return json.loads(LOG.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def chats(export):
    """Return each contact's messages as (id, is the subject's, text, time)."""
    owner = f"user{export['personal_information']['user_id']}"
    return {
        chat["name"]: [
            (
                item["id"],
                item["from_id"] == owner,
                "".join(part["text"] for part in item["text_entities"]),
                datetime.fromisoformat(item["date"]),
            )
            for item in chat["messages"]
            if item["type"] == "message"
        ]
        for chat in export["chats"]["list"]
    }


@pytest.fixture(scope="module")
def messages(chats):
    return [message for chat in chats.values() for message in chat]


def test_the_first_line_says_that_the_person_is_fictional():
    with LOG.open(encoding="utf-8") as file:
        first_line = file.readline()
    assert '"about"' in first_line
    assert "fictional" in first_line


def test_a_year_with_three_contacts_and_at_least_600_exchanges(chats):
    assert sorted(chats) == ["Dev", "Ines", "Tess"]
    exchanges = 0
    for chat in chats.values():
        whose = [is_subject for _, is_subject, _, _ in chat]
        exchanges += sum(1 for before, after in pairwise(whose) if after and not before)
    assert exchanges >= 600
    times = [time for chat in chats.values() for _, _, _, time in chat]
    assert max(times) - min(times) >= timedelta(days=360)
    assert len({(time.year, time.month) for time in times}) == 12


def test_ids_are_unique_and_follow_time_as_telegrams_do(messages):
    in_time = [number for number, _, _, _ in sorted(messages, key=lambda message: message[3])]
    assert len(set(in_time)) == len(in_time)
    assert in_time == sorted(in_time)


def test_text_and_entities_agree_and_addresses_are_entities(export):
    kinds = Counter()
    for chat in export["chats"]["list"]:
        for item in chat["messages"]:
            parts = item["text"] if isinstance(item["text"], list) else [item["text"]]
            plain = "".join(part if isinstance(part, str) else part["text"] for part in parts)
            assert plain == "".join(part["text"] for part in item["text_entities"])
            kinds.update(part["type"] for part in item["text_entities"])
    assert kinds["email"] >= 3
    assert kinds["phone"] >= 5
    assert kinds["link"] >= 2


def test_at_most_three_percent_of_the_messages_repeat_another_exactly(messages):
    texts = [text.lower() for _, _, text, _ in messages]
    assert 1 - len(set(texts)) / len(texts) <= 0.03


def test_distinct_4_of_the_subject_is_at_least_0_6(messages):
    """distinct-4: different word 4-grams over all word 4-grams, within each of the subject's messages."""
    grams = Counter()
    for _, is_subject, text, _ in messages:
        words = re.findall(r"[\w'&-]+", text.lower()) if is_subject else []
        grams.update(tuple(words[place : place + 4]) for place in range(len(words) - 3))
    assert grams.total() > 4000
    assert len(grams) / grams.total() >= 0.6


def test_thirty_facts_are_each_supported_by_two_existing_messages(messages):
    facts = json.loads((DEMO / "facts.json").read_text(encoding="utf-8"))["facts"]
    existing = {number for number, _, _, _ in messages}
    assert len(facts) == 30
    assert len({fact["statement"] for fact in facts}) == 30
    for fact in facts:
        assert len(set(fact["messages"])) >= 2, fact
        assert set(fact["messages"]) <= existing, fact


def test_the_subject_sounds_like_herself(messages):
    said = [text for _, is_subject, text, _ in messages if is_subject]
    assert sum(1 for text in said if text.endswith(".")) <= 0.01 * len(said)
    assert sum(1 for text in said if re.search(r"\b[A-Z][a-z]", text)) <= 0.01 * len(said)
    for phrase in ("absolute scenes", "tiny disaster", "no but listen", "kettle's on", "noted, filed, laminated"):
        assert sum(1 for text in said if phrase in text) >= 10, phrase


def test_every_number_and_address_is_from_a_range_reserved_for_fiction_and_is_redacted(messages, tmp_path):
    reserved = {
        "phone": r"07700 900\d{3}|\+44 20 7946 0\d{3}|\(555\) 555-01\d\d",
        "email": r"[\w.+-]+@example\.(com|org|net)",
        "url": r"(https?://)?([\w-]+\.)*example\.(com|org|net)(/[\w/-]+)?",
        "ip": r"192\.0\.2\.\d{1,3}",
    }
    expected = Counter()
    for _, _, text, _ in messages:
        for item in find_personal_data(text):
            assert re.fullmatch(reserved[item.rule], text[item.start : item.end]), text
            expected[item.rule] += 1
    assert set(expected) == set(reserved)
    assert expected.total() >= 18
    record = prepare_chat(["demo:wren"], tmp_path / "set", PrepareChatSettings(), SilentProgress())
    assert record["redacted"] == dict(expected)
    assert (record["subject"], record["consent"]) == ("Wren", "synthetic"), "an invented person needs no asking"
    lines = [
        line
        for name in ("train.jsonl", "valid.jsonl")
        for line in (tmp_path / "set" / name).read_text(encoding="utf-8").splitlines()
    ]
    written = "".join(message["content"] for line in lines for message in json.loads(line)["messages"])
    assert not re.search(r"\d{5}|@\w|example\.|192\.0", written)
