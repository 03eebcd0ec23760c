import json

import pytest

from aigc_cli.core.errors import BadData, UsageProblem
from tests.data.chat.readers.driving import read_found


def read(text, format_name="auto", encoding="utf-8"):
    data = text if isinstance(text, bytes) else text.encode()
    return read_found(data, "log", format_name, encoding)


def lines(*records):
    return "".join(json.dumps(record) + "\n" for record in records)


def spoken(log):
    return [
        (("/" if item.begins else "") + log.names[item.sender], item.text or f"-{item.removed}-")
        for item in log.messages
    ]


OPENAI = {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "one\ntwo"}]}
SHAREGPT = {"conversations": [{"from": "human", "value": "hi"}, {"from": "gpt", "value": "hello"}]}


@pytest.mark.parametrize("text", [lines(OPENAI, OPENAI), json.dumps([OPENAI, OPENAI], indent=1)])
def test_openai_records_are_conversations_with_the_assistant_as_subject(text):
    log = read(text)
    assert (log.format, log.subject, log.has_roles) == ("messages", "assistant", True)
    assert spoken(log) == [("/User", "hi"), ("Assistant", "one\ntwo")] * 2


@pytest.mark.parametrize("text", [lines(SHAREGPT), lines(SHAREGPT, SHAREGPT)[: len(lines(SHAREGPT))]])
def test_sharegpt(text):
    log = read(text)
    assert log.format == "sharegpt"
    assert spoken(log) == [("/User", "hi"), ("Assistant", "hello")]


def test_openai_system_tools_and_parts():
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    picture = [{"type": "text", "text": "see"}, {"type": "image_url", "image_url": {"url": "x"}}]
    log = read(
        lines(
            {
                "messages": [
                    {"role": "system", "content": "be nice"},
                    {"role": "user", "content": parts},
                    {"role": "assistant", "content": None, "tool_calls": [{}]},
                    {"role": "tool", "content": "42"},
                    {"role": "assistant", "content": "42"},
                    {"role": "user", "content": picture},
                ]
            }
        )
    )
    assert [text for _, text in spoken(log)] == ["a\nb", "-tool-", "-tool-", "42", "-empty-"]
    assert log.left_out == {"system_prompt": 1, "tool": 2, "empty": 1}


def test_script_with_continuation_breaks_and_full_width_colons():
    log = read("Ann: hi\n  there\nBob: yes: no\n\n小明：你好\nAnn: http://example.org is up\n---\nBob: bye\n")
    assert log.format == "script"
    assert spoken(log) == [
        ("/Ann", "hi there"),
        ("Bob", "yes: no"),
        ("/小明", "你好"),
        ("Ann", "http://example.org is up"),
        ("/Bob", "bye"),
    ]


def test_script_that_is_double_spaced_is_one_conversation():
    log = read("A: one\n\nB: two\n\nA: three\n\nB: four\n")
    assert spoken(log) == [("/A", "one"), ("B", "two"), ("A", "three"), ("B", "four")]


def test_encodings_and_byte_order_marks():
    text = "小明：你好\n小红：好\n小明：嗯\n小红：哦\n"
    expected = spoken(read(text))
    assert spoken(read(b"\xef\xbb\xbf" + text.encode())) == expected
    assert spoken(read(text.encode("utf-16"))) == expected
    assert spoken(read(text.encode("gb18030"), encoding="gb18030")) == expected
    with pytest.raises(UsageProblem, match="'klingon' is not known"):
        read(text, encoding="klingon")


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16-le"])
def test_the_encoding_that_a_log_is_in_is_proposed(encoding):
    for text in (
        "小明：你好，到家了吗？\n小红：快了\n小明：嗯\n小红：晚饭吃什么\n",
        "A: one\nB: two\nA: three\nB: four\n",
    ):
        data = text.encode(encoding)
        if encoding == "utf-16-le" or not data.isascii():
            with pytest.raises(BadData, match=f"it looks like {encoding}: --encoding {encoding}"):
                read(data)
        assert len(spoken(read(data, encoding=encoding))) == 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        ("\ufeff \n", "empty"),
        ('{\n "messages": [\n  {"id": 1, "ty', "not valid JSON at line 3, column"),
        (lines(OPENAI) + '{"messages": [{"ro', "line 2, column 16: not valid JSON"),
        (lines(OPENAI, {"x": 1}), "line 2: no list of messages"),
        (lines({"messages": [{"role": "wizard", "content": "x"}]}), "without a known 'role'"),
        ('{"a": 1}', "JSON, but not a chat log"),
        ("[]", "JSON, but not a chat log"),
        ("[" * 200000, "not a chat log|nested too deeply"),
        ('{"a":' * 200000, "nested too deeply"),
        ("Dear diary,\ntoday I went: out\nand back\n", "not a chat log"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "not utf-8 text at byte 0"),
        (b"A: hi\nB: \xff\n", "not utf-8 text at byte 9"),
        (b"A: hi\nB: \x00\n", "not a text file"),
    ],
)
def test_damaged_empty_and_foreign_files_are_bad_data_with_their_place(text, message):
    with pytest.raises(BadData, match=message):
        read(text)


def test_a_forced_format_is_not_guessed_around():
    with pytest.raises(BadData, match="not a Telegram"):
        read(lines(OPENAI), "telegram")
    with pytest.raises(BadData, match="without a known 'from'"):
        read(lines(OPENAI), "sharegpt")
    with pytest.raises(BadData, match="line 1 does not begin with a name"):
        read("hello\n", "script")
    assert spoken(read("A: alone\n", "script")) == [("/A", "alone")]


def test_full_width_colons_divide_names_from_lines_but_not_hours_from_minutes():
    text = "妈：6点回来吗？\n麦冬：晚上8：30 才下班\n妈：好\n晚上8：30 太晚了\n"
    log = read_found(text.encode(), "log.txt")
    said = [(message.sender, message.text) for message in log.messages]
    assert said == [("妈", "6点回来吗？"), ("麦冬", "晚上8：30 才下班"), ("妈", "好 晚上8：30 太晚了")]


TURNS = {
    "role": [{"role": "user", "content": "你好"}, {"role": "assistant", "content": "又见面了"}],
    "from": [{"from": "human", "value": "你好"}, {"from": "gpt", "value": "又见面了"}],
}


@pytest.mark.parametrize("key", ["messages", "conversations", None])
@pytest.mark.parametrize("kind", ["role", "from"])
@pytest.mark.parametrize("whole", [True, False])
def test_the_key_of_the_list_and_the_keys_of_the_turns_are_independent(key, kind, whole):
    record = {key: TURNS[kind]} if key else TURNS[kind]
    text = json.dumps([record, record], indent=1) if whole else lines(record, record)
    log = read(text)
    assert (log.format, log.subject) == ({"role": "messages", "from": "sharegpt"}[kind], "assistant")
    assert spoken(log) == [("/User", "你好"), ("Assistant", "又见面了")] * 2
    assert spoken(read(text, log.format)) == spoken(log)


@pytest.mark.parametrize("kind", ["role", "from"])
def test_a_file_that_is_one_list_of_turns_is_one_conversation(kind):
    assert spoken(read(json.dumps(TURNS[kind], indent=1))) == [("/User", "你好"), ("Assistant", "又见面了")]


UNLEARNED = [{"weight": 0}, {"weight": 0.0}, {"loss_weight": 0}, {"weight": "0"}, {"loss": False}, {"train": False}]


@pytest.mark.parametrize("mark", [*UNLEARNED, {"masked": True}])
@pytest.mark.parametrize("kind", ["role", "from"])
def test_a_turn_that_is_not_to_be_learned_is_context(mark, kind):
    asked, answered = TURNS[kind]
    log = read(lines({"messages": [asked, {**answered, **mark}, asked, {**answered, "weight": 1}]}))
    assert [message.sender for message in log.messages].count(log.subject) == 1
    assert [message.text for message in log.messages] == ["你好", "又见面了"] * 2
    assert log.noticed == {"not_to_be_learned": 1}


@pytest.mark.parametrize("mark", [{"weight": 0}, {"label": False}, {"kto_tag": False}])
def test_a_record_that_is_not_to_be_learned_teaches_nothing(mark):
    log = read(lines({"messages": TURNS["role"], **mark}, {"messages": TURNS["role"]}))
    assert [message.sender for message in log.messages].count(log.subject) == 1


def test_a_script_may_begin_with_a_bracket():
    text = "".join(f"[Mia]: line {n}\n{{Tom}}: yes {n}\n" for n in range(4))
    assert {name for name, _ in spoken(read(text))} == {"/[Mia]", "[Mia]", "{Tom}"}
    assert read(text[text.index("{") :]).format == "script"


def test_keys_of_json_on_lines_of_their_own_are_no_speakers():
    value = [{"Date": number, "Author": "Ann", "Content": "hi"} for number in range(5)]
    with pytest.raises(BadData, match="JSON, but not a chat log"):
        read(json.dumps(value, indent=1))
