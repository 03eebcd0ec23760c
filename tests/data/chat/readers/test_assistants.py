"""What people said to ChatGPT and Claude: what is shown of it, and the person's words as of another register."""

import json
import random

import pytest

from aigc_cli.config.prepare_chat import PrepareChatSettings
from aigc_cli.core.errors import AigcError, BadData
from aigc_cli.core.screen.progress import SilentProgress
from aigc_cli.data.chat.prepare import prepare_chat
from tests.data.chat.readers.driving import looks, read, reader_of


def node(key, parent, role="user", parts=("hello",), *, time=1700000000.5, **message):
    """Return a node of ChatGPT's tree; `message` overrides what stands in its message."""
    content = message.pop("content", {"content_type": "text", "parts": list(parts)})
    told = {"id": f"m-{key}", "author": {"role": role, "name": None}, "create_time": time, "content": content} | message
    return {"id": key, "message": told, "parent": parent, "children": []}


def chatgpt(*nodes, **conversation):
    root = {"id": "root", "message": None, "parent": None, "children": []}
    mapping = {"root": root} | {one["id"]: one for one in nodes}
    return {
        "title": "x",
        "create_time": 1700000000.0,
        "mapping": mapping,
        "current_node": nodes[-1]["id"],
        "conversation_id": "c-1",
    } | conversation


TREE = chatgpt(
    node("s", "root", "system", [""], metadata={"is_visually_hidden_from_conversation": True}),
    node("u", "s", "user", ["how do i cook rice?"]),
    node("old", "u", "assistant", ["badly"]),
    node("older", "old", "user", ["what?"]),
    node("a", "u", "assistant", ["Rinse it.\ue200cite\ue202turn0search1\ue201"], time=None),
    node("t", "a", "assistant", ["search(rice)"], recipient="browser", time=1700000010.0),
    node("r", "t", "tool", ["pages"]),
    node("w", "r", "assistant", content={"content_type": "thoughts", "thoughts": [{"content": "hm"}]}),
    node("p", "w", parts=[{"content_type": "image_asset_pointer"}]),
    node("q", "p", parts=[{"content_type": "audio_transcription", "text": "and beans?"}]),
    node("z", "q", "assistant", ["Soak them."]),
)


def claude(*messages, **conversation):
    return {"uuid": "c-1", "name": "x", "account": {"uuid": "o"}, "chat_messages": list(messages)} | conversation


def said(sender, text, uuid, parent=None, **more):
    told = {"uuid": uuid, "sender": sender, "created_at": "2025-01-01T00:00:01.000000Z", "text": text, "content": []}
    return told | ({"parent_message_uuid": parent} if parent else {}) | more


BLOCKS = [
    {"type": "thinking", "thinking": "hm"},
    {"type": "text", "text": "Let me see."},
    {"type": "tool_use", "name": "web_search", "input": {}},
    {"type": "text", "text": "Rinse it."},
]
THREAD = claude(
    said("human", "how do i cook rice?", "1", "00000000-0000-4000-8000-000000000000"),
    said("assistant", "badly", "2", "1"),
    said("assistant", "This block is not supported.", "3", "1", content=BLOCKS),
    said("human", "", "4", "3", files=[{"file_name": "x.pdf"}]),
    said("assistant", "", "5", "4", content=[{"type": "tool_use"}]),
    said("assistant", "", "6", "5"),
)


def test_chatgpts_tree_is_read_along_the_branch_that_is_shown():
    log, messages = read("chatgpt", json.dumps([TREE]))
    assert [(message.sender, message.text or message.removed) for message in messages] == [
        ("user", "how do i cook rice?"),
        ("assistant", "Rinse it."),
        ("assistant", "tool"),
        ("assistant", "tool"),
        ("user", "photo"),
        ("user", "and beans?"),
        ("assistant", "Soak them."),
    ]
    assert log.dropped == {"hidden": 1, "branch": 2, "reasoning": 1}
    assert [message.time for message in messages[:3]] == [1700000000.5, 1700000000.5, 1700000010.0]
    assert [message.borrowed for message in messages if message.text] == ["prompt", "", "prompt", ""]
    assert log.subject == "user" and log.keys == {"c-1": "c-1"} and log.names["assistant"] == "ChatGPT"
    assert messages[0].number == "m-u" and messages[0].chat == "c-1"


def test_claudes_messages_are_read_along_the_branch_that_is_shown():
    log, messages = read("claude", json.dumps([THREAD]))
    assert [(message.sender, message.text or message.removed) for message in messages] == [
        ("user", "how do i cook rice?"),
        ("assistant", "Let me see.\nRinse it."),
        ("user", "file"),
        ("assistant", "tool"),
    ]
    assert log.dropped == {"branch": 1, "empty": 1}
    assert [message.borrowed for message in messages] == ["prompt", "", "", ""]
    assert messages[0].time == 1735689601.0
    assert (log.subject, log.names["assistant"], messages[0].number) == ("user", "Claude", "1")
    told = claude(*THREAD["chat_messages"], current_leaf_message_uuid="2")
    assert read("claude", json.dumps([told])).texts == ["how do i cook rice?", "badly"]


def test_without_a_tree_all_of_claudes_messages_are_shown():
    flat = claude(said("human", "hi", "1"), said("assistant", "hello", "2"), said("human", "bye", "3"))
    assert read("claude", json.dumps([flat])).texts == ["hi", "hello", "bye"]
    assert read("claude", json.dumps(flat)).texts == ["hi", "hello", "bye"]


def test_a_tree_that_does_not_say_what_is_shown_shows_its_last_branch():
    tree = chatgpt(
        node("u", "root"), node("a", "u", "assistant", ["one"]), node("b", "u", "assistant", ["two"]), current_node=None
    )
    result = read("chatgpt", json.dumps([tree]))
    assert (result.texts, result.log.dropped) == (["hello", "two"], {"branch": 1})
    circle = chatgpt(node("u", "a"), node("a", "u", "assistant", ["one"]))
    assert read("chatgpt", json.dumps([circle])).count == 2


def test_each_is_told_from_the_other_and_from_dialogues():
    files = {
        "chatgpt": json.dumps([TREE]),
        "claude": json.dumps([THREAD]),
        "messages": json.dumps([{"messages": [{"role": "user", "content": "hi"}]}]),
        "telegram": json.dumps({"name": "x", "type": "personal_chat", "messages": []}),
        "text": "A: mapping\nB: chat_messages\n",
    }
    for name in ("chatgpt", "claude"):
        assert [told for told, text in files.items() if looks(name, text)] == [name]
        filler = "x" * 400_000  # what is looked at ends in the middle of the first conversation
        long = files[name].replace("how do i cook rice?", filler)
        assert looks(name, long)


def test_parts_of_an_export_are_one():
    paths = [
        "x/conversations-001.json",
        "x/user.json",
        "x/conversations-000.json",
        "y/conversations.json",
        "x/chat.html",
    ]
    assert list(reader_of("chatgpt").gather(paths)) == [["x/conversations-000.json", "x/conversations-001.json"]]
    second = chatgpt(node("u", "root", parts=["again"]), conversation_id="c-2")
    both = {"conversations-000.json": json.dumps([TREE]), "conversations-001.json": json.dumps([second])}
    log, messages = read("chatgpt", both)
    assert messages[-1].text == "again" and list(log.keys) == ["c-1", "c-2"]


@pytest.mark.parametrize("text", ["", "3", '"x"', "[{}", "[1, 2] x"])
@pytest.mark.parametrize("name", ["chatgpt", "claude"])
def test_what_is_no_list_of_conversations_is_said(name, text):
    with pytest.raises(BadData):
        read(name, text)


@pytest.mark.parametrize(("name", "machine", "tree"), [("chatgpt", "ChatGPT", TREE), ("claude", "Claude", THREAD)])
def test_prompts_teach_nothing_and_a_machine_only_where_it_is_named(tmp_path, name, machine, tree):
    source = tmp_path / "conversations.json"
    source.write_text(json.dumps([tree]), encoding="utf-8")

    def prepare(*sources, **settings):
        return prepare_chat(sources, tmp_path / "set", PrepareChatSettings(valid=0, **settings), SilentProgress())

    for settings in ({}, {"me": ("User",)}, {"me": ("Mia",)}, {"me": ("Mia", "User")}):
        with pytest.raises(BadData, match=f"prompts to {machine}: no exchange with people .*--me {machine}"):
            prepare(source, **settings)
    chat = tmp_path / "mia.txt"
    chat.write_text("1/13/24, 10:00 - Tom: tea?\n1/13/24, 10:01 - Mia: yes\n", encoding="utf-8")
    both = prepare(source, chat, me=("Mia",))
    assert (both["formats"], both["passed_over"]) == (["whatsapp"], {"without_exchange": 1})
    assert "rice" not in (tmp_path / "set" / "train.jsonl").read_text(encoding="utf-8")
    record = prepare_chat([source], tmp_path / "machine", PrepareChatSettings(valid=0, me=(machine,)), SilentProgress())
    assert (record["formats"], record["subject"], record["counts"]["subject_turns"]) == (
        [name],
        machine,
        1 + (name == "chatgpt"),
    )
    assert "how do i cook rice?" in (tmp_path / "machine" / "train.jsonl").read_text(encoding="utf-8")


def replaced(value, chance):
    """Return a JSON value in which something was replaced."""
    if isinstance(value, dict) and value and chance.random() < 0.85:
        key = chance.choice(list(value))
        return {**value, key: replaced(value[key], chance)}
    if isinstance(value, list) and value and chance.random() < 0.85:
        place = chance.randrange(len(value))
        return [*value[:place], replaced(value[place], chance), *value[place + 1 :]]
    return chance.choice([None, 3, -1e300, "x", [], {}, [[]], {"a": 1}, True, "\ud800", 10**400])


@pytest.mark.parametrize("name", ["chatgpt", "claude"])
def test_values_of_any_kind_anywhere_are_counted(name):
    whole = [TREE, TREE] if name == "chatgpt" else [THREAD, THREAD]
    for seed in range(400):
        chance = random.Random(seed)
        value = whole
        for _ in range(chance.randint(1, 4)):
            value = replaced(value, chance)
        try:
            result = read(name, json.dumps(value))
        except AigcError:
            continue
        assert result.count == sum(map(_items, value if isinstance(value, list) else [value]))


def _items(conversation):
    """Return how much there is in a conversation that is read or dropped."""
    if not isinstance(conversation, dict):
        return 1
    nodes, messages = conversation.get("mapping"), conversation.get("chat_messages")
    if isinstance(nodes, dict):
        return sum(isinstance(node, dict) and node.get("message") is not None for node in nodes.values())
    return len(messages) if isinstance(messages, list) else 1
