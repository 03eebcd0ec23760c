import json

import pytest

from aigc_cli.avatar.piped import Request, read_requests, reply_record, reply_text
from aigc_cli.core.disk.provenance import read_record_label
from aigc_cli.core.errors import BadData


def test_each_line_is_a_turn_and_blank_lines_are_none():
    requests = list(read_requests(["hi\n", "\n", "  \n", '{"prompt": "x"}\n'], as_json=False))
    assert requests == [Request(0, "hi"), Request(1, '{"prompt": "x"}')]


def test_with_json_objects_are_understood_and_other_lines_are_prompts():
    lines = ['{"prompt": "x"}', "plain", "[1, 2]", '{"messages": [{"role": "user", "content": "a\x1bb"}]}']
    requests = list(read_requests([line.replace("\x1b", "\\u001b") for line in lines], as_json=True))
    assert [request.prompt for request in requests] == ["x", "plain", "[1, 2]", None]
    assert requests[3].messages == ({"role": "user", "content": "a\x1bb"},)


def test_content_parts_of_text_are_text():
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    line = json.dumps({"messages": [{"role": "user", "content": parts}]})
    (request,) = read_requests([line], as_json=True)
    assert request.messages == ({"role": "user", "content": "a\nb"},)


@pytest.mark.parametrize(
    "line",
    [
        '{"text": "x"}',
        '{"prompt": 5}',
        '{"prompt": " "}',
        '{"messages": []}',
        '{"messages": ["x"]}',
        '{"messages": [{"role": "boss", "content": "x"}]}',
        '{"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}',
        '{"prompt": "x", "messages": [{"role": "user", "content": "x"}]}',
    ],
)
def test_what_cannot_be_understood_is_named_by_its_line(line):
    with pytest.raises(BadData, match="line 3"):
        list(read_requests(["hi", "", line], as_json=True))


def test_records_are_labelled_and_say_the_same_as_the_text(conversation):
    talk, other = conversation(run="ab"), conversation(run="ab")
    record = reply_record(talk, Request(0, "good\nmorning"))
    assert record["reply"] == "".join(reply_text(other, Request(0, "good\nmorning")))
    assert record["bubbles"] == record["reply"].split("\n")
    assert (record["schema"], record["prompt"], record["run"]) == ("aigc.reply/1", "good\nmorning", "ab")
    assert record["seed"] == talk.turns[-1].seed
    assert read_record_label(record)["AIGC"]["Label"] == "1"
    json.dumps(record)


def test_messages_of_their_own_do_not_depend_on_what_was_said_before(conversation):
    request = Request(1, messages=({"role": "user", "content": "x"},))
    fresh, used = conversation(), conversation()
    reply_record(used, Request(0, "something else"))
    assert reply_record(fresh, request) == reply_record(used, request)
    assert len(used.turns) == 2
