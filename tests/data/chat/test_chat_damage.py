"""Damaged exports end in one explained error, or in a set; never in another exception, never in half a set."""

import copy
import json
import random

import pytest

from aigc_cli.config.prepare_chat import PrepareChatSettings
from aigc_cli.core.errors import BadData, UsageProblem
from aigc_cli.core.screen.progress import SilentProgress
from aigc_cli.data.chat.prepare import prepare_chat

EXPORT = {
    "about": "x",
    "personal_information": {"user_id": 119, "first_name": "Wren"},
    "chats": {
        "about": "y",
        "list": [
            {
                "name": name,
                "type": "personal_chat",
                "id": ord(name[0]),
                "messages": [
                    {
                        "id": 10 * number + turn,
                        "type": "message",
                        "date": "2025-09-03T18:42:00",
                        "date_unixtime": str(1756924920 + 7200 * number + 30 * turn),
                        "from": "Wren" if turn else name,
                        "from_id": "user119" if turn else f"user{ord(name[0])}",
                        "text": ["see ", {"type": "link", "text": "example.org"}] if turn else f"hello {number} 你好",
                    }
                    for number in range(3)
                    for turn in range(2)
                ],
            }
            for name in ("Tess", "Dev")
        ],
    },
}


def attempt(data, folder):
    """Return "made" or the name of the expected error; any other exception fails the test."""
    log, out = folder / "result.json", folder / "set"
    log.write_bytes(data)
    try:
        prepare_chat([log], out, PrepareChatSettings(), SilentProgress(), force=True)
    except (BadData, UsageProblem) as error:
        assert str(error).startswith(str(log))
        assert error.remedy
        assert sorted(entry.name for entry in folder.iterdir()) == ["result.json"]
        return type(error).__name__
    names = sorted(entry.name for entry in out.iterdir())
    assert names == ["manifest.json", "train.jsonl", "valid.jsonl"]
    for name in names:
        (out / name).unlink()
    out.rmdir()
    return "made"


def test_an_export_cut_anywhere_is_bad_data(tmp_path):
    data = json.dumps(EXPORT, ensure_ascii=False, indent=1).encode()
    assert attempt(data, tmp_path) == "made"
    for end in range(1, len(data) - 1, 83):
        assert attempt(data[:end], tmp_path) == "BadData", end


def places(value, path=()):
    """Yield the path of everything inside a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inside in items:
        yield (*path, key)
        yield from places(inside, (*path, key))


PLACES = list(places(EXPORT))
ODD_VALUES = [None, 0, -1, 1e300, True, "", "x", [], {}, [None], [[]], {"text": 3}, {"messages": [3]}, "\ud800"]


@pytest.mark.parametrize("seed", range(5))
def test_any_value_replaced_by_anything_is_explained_or_survived(seed, tmp_path):
    rng = random.Random(seed)
    outcomes = set()
    for _ in range(15):
        value = copy.deepcopy(EXPORT)
        path = rng.choice(PLACES)
        inside = value
        for key in path[:-1]:
            inside = inside[key]
        inside[path[-1]] = rng.choice(ODD_VALUES)
        outcomes.add(attempt(json.dumps(value).encode(), tmp_path))
    assert "made" in outcomes


@pytest.mark.parametrize("seed", range(5))
def test_any_value_missing_is_explained_or_survived(seed, tmp_path):
    rng = random.Random(100 + seed)
    for _ in range(15):
        value = copy.deepcopy(EXPORT)
        path = rng.choice(PLACES)
        inside = value
        for key in path[:-1]:
            inside = inside[key]
        del inside[path[-1]]
        attempt(json.dumps(value).encode(), tmp_path)


def test_flipped_bytes_are_explained_or_survived(tmp_path):
    data = json.dumps(EXPORT, ensure_ascii=False).encode()
    rng = random.Random(7)
    for _ in range(60):
        broken = bytearray(data)
        broken[rng.randrange(len(data))] = rng.randrange(256)
        attempt(bytes(broken), tmp_path)


def test_half_an_emoji_becomes_the_replacement_character(tmp_path):
    value = copy.deepcopy(EXPORT)
    value["chats"]["list"][0]["messages"][0].update({"text": "hi \ud83d there \ud83d\ude42", "from": "T\udc00ss"})
    value["chats"]["list"][0]["messages"][-1].update({"text": "", "media_type": "vid\ud83deo"})
    (tmp_path / "result.json").write_text(json.dumps(value))
    record = prepare_chat([tmp_path / "result.json"], tmp_path / "set", PrepareChatSettings(), SilentProgress())
    assert record["dropped"]["vid\ufffdeo"] == 1
    first = json.loads((tmp_path / "set" / "train.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert first["messages"][1]["content"] == "hi \ufffd there 🙂"
