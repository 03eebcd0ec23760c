import pytest

from aigc_cli.data.forget.traces import Traces

LONG = "the one about lighthouses"
CHINESE = "我昨天在书店看到一本"  # ten characters, twenty columns


def said(*contents):
    roles = ("user", "assistant")
    return [{"role": "system", "content": "You are Ada, who has a long name."}] + [
        {"role": roles[place % 2], "content": content} for place, content in enumerate(contents)
    ]


@pytest.fixture
def traces():
    made = Traces()
    made.add(said(f"hm\n{LONG}", "yes", CHINESE, "no"))
    return made


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (LONG, True),
        (f"> {LONG}, she said", True),
        (LONG[:-1], False),
        ("hm", False),
        (f"他说：{CHINESE}。", True),
        (CHINESE[:-1], False),
        ("You are Ada, who has a long name.", False),
        ("", False),
    ],
)
def test_a_text_is_told_by_twenty_columns_to_the_letter(traces, text, expected):
    assert traces.in_text(text) is expected


def test_a_value_is_looked_through_to_its_bottom(traces):
    assert traces.in_value({"a": [1, None, {"b": f"…{LONG}"}]})
    assert not traces.in_value({"a": [1, True, {"b": LONG[:9]}], LONG: 2})


def test_an_exchange_counts_however_short_it_is(traces):
    assert traces.in_value([{"prompt": f"hm\n{CHINESE}"}, {"prompt": CHINESE, "reply": "no"}])
    assert traces.in_value({"prompt": CHINESE[:2], "reply": "no"}) is False
    short = Traces()
    short.add(said("you there?", "no"))
    assert short.in_value({"prompt": "you there?", "reply": "no", "contact": "x"})
    assert not short.in_value({"prompt": "you there?", "reply": "yes"})


def test_what_is_kept_elsewhere_too_is_no_trace(traces):
    traces.remove(said(LONG, "oh", CHINESE, "no"))
    assert not traces.in_text(LONG)
    assert not traces.in_value({"prompt": CHINESE, "reply": "no"})
    assert traces.in_value({"prompt": f"hm\n{LONG}", "reply": "yes"})
    assert traces and not Traces()


def test_what_follows_a_name_in_a_group_is_a_text_of_its_own():
    made = Traces()
    made.add(said(f"Bea: {LONG}\nand so on", f"Ann: {LONG} too"))
    assert made.in_text(f"12:30 - Bea - {LONG}") and not made.in_text(f"Ann: {LONG[1:]} too")
    made.remove(said(LONG))
    assert not made.in_text(LONG) and made.in_text(f"Bea: {LONG}")


def test_texts_of_one_beginning_are_told_apart():
    made = Traces()
    made.add(said(LONG + " and more", LONG + " and less"))
    made.remove(said(LONG + " and more"))
    assert made.in_text(LONG + " and less") and not made.in_text(LONG + " and more")
