"""A stream of JSON gives what the standard decoder gives, however it is cut, in bounded memory."""

import io
import json
import random
import tracemalloc

import pytest

from aigc_cli.core.errors import BadData
from aigc_cli.data import json_stream
from aigc_cli.data.json_stream import JsonStream


def stream(text, size=None):
    reader = io.StringIO(text)
    return JsonStream(lambda wanted: reader.read(size or wanted), "x.json")


def walked(reader):
    """Return the next value, built by walking alone."""
    kind = reader.kind()
    if kind == "{":
        return {key: walked(reader) for key in reader.members()}
    if kind == "[":
        return [walked(reader) for _ in reader.items()]
    return reader.value()


def anything(random, depth=0):
    kinds = ["number", "word", "none"] + ["object", "array"] * (depth < 4)
    kind = random.choice(kinds)
    if kind == "object":
        return {anything_word(random): anything(random, depth + 1) for _ in range(random.randrange(5))}
    if kind == "array":
        return [anything(random, depth + 1) for _ in range(random.randrange(6))]
    return {"number": random.choice([0, -17, 3.25, 1e300, True]), "word": anything_word(random), "none": None}[kind]


def anything_word(random):
    return "".join(random.choice('ab"\\\n\t/{}[],:é好🦊\u2028') for _ in range(random.randrange(9)))


@pytest.mark.parametrize("seed", range(40))
def test_walking_gives_what_decoding_gives_wherever_the_text_is_cut(seed):
    source = random.Random(seed)
    value = [anything(source), anything(source)]
    text = json.dumps(value, ensure_ascii=source.random() < 0.5, indent=source.choice([None, 1]))
    for size in (1, 2, 7, len(text)):
        reader = stream(f" {text}\n", size)
        assert walked(reader) == value
        reader.end()
        reader = stream(text, size)
        assert [reader.value() for _ in reader.items()] == value


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_what_is_not_taken_is_passed_over(size):
    text = '{"a": {"deep": [1, {"b": "}"}]}, "list": [{"n": 1}, {"n": 2}, 3], "c": 12.5, "last": "x"}'
    reader = stream(text, size)
    found = {}
    for key in reader.members():
        if key == "list":
            found[key] = [reader.value() for place in reader.items() if place != 1]
        elif key == "last":
            found[key] = reader.value()
    assert found == {"list": [{"n": 1}, 3], "last": "x"}
    reader.end()


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"a": [1, 2', "line 1, column 12"),
        ('{"a": [1,\n 2 3]}', "line 2, column 4"),
        ('{"a": "unended', "line 1, column 7"),
        ('{"a" 1}', "line 1, column 6"),
        ('["a\\qb"]', "line 1, column 4"),
        ('{"a": [tru]}', "line 1, column 8"),
        ("[1] 2", "line 1, column 5"),
        ("", "line 1, column 1"),
        ('\n\n{"a": 1,}', "line 3, column 9"),
        ("[" + "9" * 5000 + "]", "line 1, column 2"),
    ],
)
@pytest.mark.parametrize("size", [1, 5, None])
def test_what_is_no_json_is_bad_data_with_its_place(text, place, size):
    reader = stream(text, size if len(text) < 1000 else None)
    with pytest.raises(BadData, match=r"x\.json") as caught:
        walked(reader)
        reader.end()
    assert place in str(caught.value)


@pytest.mark.parametrize("depth", [5000, 100_000])
def test_nothing_is_nested_too_deeply_to_be_refused(depth):
    text = '{"a": ' + "[" * depth + "]" * depth + "}"
    for size in (100, None):
        with pytest.raises(BadData, match="nested too deeply"):
            stream(text, size).value()
        with pytest.raises(BadData, match="nested too deeply"):
            list(stream(text, size).members())


def test_a_value_that_is_too_large_to_take_is_refused_and_may_be_passed_over(monkeypatch):
    monkeypatch.setattr(json_stream, "LARGEST_VALUE", 1000)
    monkeypatch.setattr(json_stream, "CHUNK", 100)
    text = json.dumps({"a": ["x" * 50] * 100, "b": 1})
    reader = stream(text)
    assert [reader.value() for key in reader.members() if key == "b"] == [1]
    with pytest.raises(BadData, match="larger than 1000"):
        stream(text).value()


def test_memory_does_not_grow_with_the_text(monkeypatch):
    monkeypatch.setattr(json_stream, "CHUNK", 1 << 12)
    line = json.dumps({"text": "x" * 100}) + ","
    parts = iter(["[", *[line * 20] * 1000, "0]"])
    reader = JsonStream(lambda _: next(parts, ""), "x.json")
    tracemalloc.start()
    assert sum(isinstance(reader.value(), dict) for _ in reader.items()) == 20_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200_000


@pytest.mark.parametrize("size", [1, 3, None])
def test_control_characters_are_taken_as_they_are_and_as_telegram_escapes_them(size):
    text = r'["a\x0Bb", "c\\x0Bd", "' + "\x01" + r'", "\x1b\n"]'
    assert stream(text, size).value() == ["a\x0bb", r"c\x0Bd", "\x01", "\x1b\n"]
