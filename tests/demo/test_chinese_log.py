"""The Chinese demo person's log is what it claims to be: long, unrepeated, consistent in its facts, fictional."""

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
from aigc_cli.data.personal.checked import passes_mod_11_2
from aigc_cli.data.pii import find_personal_data

DEMO = Path(__file__).parents[2] / "aigc_cli" / "demo" / "zh"
LOG = DEMO / "result.json"
SUBJECT = "许麦冬"


@pytest.fixture(scope="module")
def chats():
    """Return each chat's messages: (id, sender, text, time)."""
    export = json.loads(LOG.read_text(encoding="utf-8"))
    return {
        chat["name"]: [
            (
                item["id"],
                item["from"],
                "".join(part["text"] for part in item["text_entities"]),
                datetime.fromisoformat(item["date"]),
            )
            for item in chat["messages"]
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
    assert "虚构" in first_line


def test_two_years_with_eleven_people_two_groups_and_at_least_900_exchanges(chats):
    assert len(chats) == 13
    exchanges = 0
    for chat in chats.values():
        hers = [sender == SUBJECT for _, sender, _, _ in chat]
        exchanges += sum(1 for before, after in pairwise(hers) if after and not before)
    assert exchanges >= 900
    assert sum(1 for chat in chats.values() if len({sender for _, sender, _, _ in chat}) > 2) == 2
    times = [time for chat in chats.values() for _, _, _, time in chat]
    assert max(times) - min(times) >= timedelta(days=720)
    assert len({(time.year, time.month) for time in times}) == 24


def test_ids_are_unique_and_follow_time_as_telegrams_do(messages):
    in_time = [number for number, _, _, _ in sorted(messages, key=lambda message: message[3])]
    assert len(set(in_time)) == len(in_time)
    assert in_time == sorted(in_time)


def test_text_entities_times_and_media_are_as_telegram_writes_them():
    export = json.loads(LOG.read_text(encoding="utf-8"))
    kinds: Counter[str] = Counter()
    for chat in export["chats"]["list"]:
        for item in chat["messages"]:
            parts = item["text"] if isinstance(item["text"], list) else [item["text"]]
            plain = "".join(part if isinstance(part, str) else part["text"] for part in parts)
            assert plain == "".join(part["text"] for part in item["text_entities"])
            local = datetime.fromisoformat(item["date"] + "+08:00")
            assert local.timestamp() == int(item["date_unixtime"])
            kinds.update(part["type"] for part in item["text_entities"])
            kinds.update(key for key in ("photo", "media_type", "edited", "sticker_emoji") if key in item)
    assert kinds["email"] >= 2
    assert kinds["phone"] >= 2
    assert kinds["link"] >= 2
    assert kinds["photo"] >= 5
    assert kinds["edited"] >= 4
    assert kinds["media_type"] >= 3
    assert kinds["sticker_emoji"] >= 1


def test_no_sentence_is_said_twice(messages):
    counts = Counter(text for _, _, text, _ in messages if text)
    assert [text for text, count in counts.items() if count > 1 and len(text) > 6] == []
    assert 1 - len(counts) / counts.total() <= 0.02


def test_distinct_4_of_the_subjects_characters_is_at_least_0_9(messages):
    """distinct-4 on characters: different 4-grams over all 4-grams, within each of the subject's messages."""
    said = [text for _, sender, text, _ in messages if sender == SUBJECT]
    grams = [text[place : place + 4] for text in said for place in range(len(text) - 3)]
    assert len(grams) > 8000
    assert len(set(grams)) / len(grams) >= 0.9


def test_it_is_simplified_chinese_without_a_damaged_character(messages):
    text = "".join(text for _, _, text, _ in messages)
    assert "\ufffd" not in text
    # Frequent characters whose traditional form differs: none of the traditional ones.
    assert not set(text) & set("們這說來時會過還對開關點裡為麼嗎樣個學買貓書")
    han = sum(1 for letter in text if "\u4e00" <= letter <= "\u9fff")
    assert han / len(text) > 0.75


def test_thirty_facts_are_each_supported_by_two_existing_messages(messages):
    facts = json.loads((DEMO / "facts.json").read_text(encoding="utf-8"))["facts"]
    existing = {number for number, _, _, _ in messages}
    assert len({fact["statement"] for fact in facts}) == len(facts) == 30
    for fact in facts:
        assert len(set(fact["messages"])) >= 2, fact
        assert set(fact["messages"]) <= existing, fact


def test_the_subject_sounds_like_herself_and_her_father_like_himself(chats, messages):
    said = [text for _, sender, text, _ in messages if sender == SUBJECT and text]
    assert not [text for text in said if text.endswith("。")]
    for phrase in ("收到 已装裱", "不是 你听我说", "糨糊"):
        assert sum(1 for text in said if phrase in text) >= 5, phrase
    father = [text for _, sender, text, _ in chats["爸"] if sender == "爸" and text]
    assert all(text.endswith("。") for text in father)
    assert sum(map(len, father)) / len(father) < 8


def test_every_number_and_address_is_a_sample_and_is_redacted(messages, tmp_path):
    """Telephone: Ofcom's fiction range and China Mobile's public top-up line; identity: the example of GB 11643."""
    samples = {
        "phone": r"7700 900\d{3}|13800138000",
        "email": r"[\w.+-]+@example\.(com|org|net)",
        "url": r"https://([\w-]+\.)*example\.(com|org|net)(/[\w/-]+)?",
        "ip": r"192\.0\.2\.\d{1,3}",
        "chinese_id": "11010519491231002X",
    }
    assert passes_mod_11_2("11010519491231002X")
    export = json.loads(LOG.read_text(encoding="utf-8"))
    marked = {"email": "email", "phone": "phone", "link": "url"}
    expected: Counter[str] = Counter()
    for chat in export["chats"]["list"]:
        for item in chat["messages"]:
            text = "".join(part["text"] for part in item["text_entities"])
            marks = [(marked[part["type"]], part["text"]) for part in item["text_entities"] if part["type"] in marked]
            for found in find_personal_data(text, marks):
                assert re.fullmatch(samples[found.rule], text[found.start : found.end]), text
                expected[found.rule] += 1
    assert set(expected) == set(samples)
    out = tmp_path / "集"
    record = prepare_chat(["demo:maidong"], out, PrepareChatSettings(consent="public"), SilentProgress())
    assert record["redacted"] == dict(expected)
    assert (record["subject"], record["consent"]) == (SUBJECT, "public"), "what was said is kept"
    written = "".join((out / name).read_text(encoding="utf-8") for name in ("train.jsonl", "valid.jsonl"))
    contents = [message["content"] for line in written.splitlines() for message in json.loads(line)["messages"]]
    assert not re.search(r"\d{6}|@\w|example\.|192\.0", "".join(contents))
    assert {message["content"] for message in json.loads(written.splitlines()[0])["messages"][:1]} == {
        f"You are {SUBJECT}."
    }
