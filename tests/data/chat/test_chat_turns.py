import random
from collections import Counter
from itertools import pairwise

import pytest

from aigc_cli.data.chat.messages import Message
from aigc_cli.data.chat.turns import (
    TurnRules,
    conversations,
    cut_into_records,
    messages_in,
    without_unanswered_end,
)

RULES = TurnRules()


class Left(Counter):
    """Counts what is in no record."""

    def __call__(self, reason, turns):
        self[reason] += messages_in(turns)


def log(*items):
    """("W", minutes, text) or ("W", minutes, "", reason)."""
    return [
        Message(sender=sender, time=None if minutes is None else 60.0 * minutes, text=text, removed="".join(reason))
        for sender, minutes, text, *reason in items
    ]


def shape(messages, rules=RULES):
    return [
        [f"{turn.sender}:{'|'.join(turn.bubbles)}" for turn in conversation]
        for conversation in conversations(messages, "W", rules, Left())
    ]


def test_messages_within_two_minutes_are_bubbles_of_one_turn():
    assert shape(log(("T", 0, "a"), ("T", 2, "b"), ("T", 4.01, "c"), ("W", 5, "d"))) == [["T:a|b", "T:c", "W:d"]]


def test_the_two_minutes_count_from_the_last_bubble():
    assert shape(log(*[("T", 1.9 * place, str(place)) for place in range(5)])) == [["T:0|1|2|3|4"]]


def test_silence_ends_a_conversation_but_a_waiting_turn_may_be_answered_for_a_day():
    assert shape(log(("T", 0, "a"), ("W", 61, "late answer"), ("T", 122, "new"))) == [
        ["T:a", "W:late answer"],
        ["T:new"],
    ]
    assert shape(log(("T", 0, "a"), ("W", 24 * 60, "in time"))) == [["T:a", "W:in time"]]
    assert shape(log(("T", 0, "a"), ("W", 24 * 60 + 1, "too late"))) == [["T:a"], ["W:too late"]]
    assert shape(log(("W", 0, "a"), ("T", 60, "b"))) == [["W:a", "T:b"]]
    assert shape(log(("T", 0, "a"), ("T", 61, "b"), ("W", 62, "c"))) == [["T:a"], ["T:b", "W:c"]]


def test_nothing_is_joined_across_what_was_removed():
    messages = log(("T", 0, "how is the cat"), ("T", 1, "", "photo"), ("T", 2, "lovely, no?"), ("W", 3, "very"))
    assert shape(messages) == [["T:how is the cat"], ["T:lovely, no?", "W:very"]]
    assert shape(log(("W", 0, "a"), ("T", 0.5, "", "photo"), ("T", 1, "b"))) == [["W:a"], ["T:b"]]


@pytest.mark.parametrize("minutes", [None, 1.5])
def test_what_the_subject_says_to_something_removed_is_no_first_word(minutes):
    def at(minute):
        return None if minutes is None else minute

    def left(*messages):
        dropped = Left()
        return [[turn.content for turn in talk] for talk in conversations(log(*messages), "W", RULES, dropped)], dropped

    photo, voice, tool = ("T", at(1), "", "photo"), ("W", at(1), "", "voice_message"), ("T", at(1), "", "tool")
    for removed in (photo, voice, tool):
        said = [("W", at(1.5), "lovely picture"), ("W", at(2), "really"), ("T", at(3), "ta"), ("W", at(4), "welcome")]
        talks, dropped = left(("T", at(0), "look"), removed, *said)
        assert talks == [["look"], ["ta", "welcome"]]
        assert dropped == {"answer_to_removed": 2}


def test_a_first_word_long_after_something_removed_or_in_a_new_conversation_is_one():
    day = 24 * 60
    for removed, late in ((("T", 0, "", "photo"), day + 1), (("W", 0, "", "photo"), 61)):
        dropped = Left()
        talk = [removed, ("W", late, "morning"), ("T", late + 1, "hi")]
        (found,) = conversations(log(*talk), "W", RULES, dropped)
        assert [turn.content for turn in found] == ["morning", "hi"]
        assert not dropped
    begun = [Message(sender="T", removed="tool"), Message(sender="W", text="hello", begins=True)]
    assert shape(begun) == [["W:hello"]]


def test_messages_without_times_keep_their_order_and_follow_closely():
    messages = log(("T", None, "b"), ("W", None, "a"), ("W", None, "c"))
    assert shape(messages) == [["T:b", "W:a|c"]]


def test_among_several_what_they_are_called_stands_before_their_turns():
    messages = log(("T", 0, "a"), ("T", 1, "b"), ("D", 2, "c"), ("W", 3, "d"))
    talks = conversations(messages, "W", RULES, Left(), {"T": "Tess", "D": "Dev"})
    assert [turn.content for talk in talks for turn in talk] == ["Tess: a\nb", "Dev: c", "d"]


def turns_of(*items):
    (conversation,) = conversations(log(*items), "W", TurnRules(merge_seconds=0), Left())
    return conversation


def test_the_unanswered_end_goes_and_an_opener_alone_answers_nothing():
    conversation = turns_of(("W", 0, "a"), ("T", 1, "b"), ("W", 2, "c"), ("T", 3, "d"), ("T", 4, "e"))
    assert [turn.content for turn in without_unanswered_end(conversation, "W")] == ["a", "b", "c"]
    assert without_unanswered_end(turns_of(("W", 0, "a"), ("T", 1, "b")), "W") == []
    assert without_unanswered_end([], "W") == []


def contents(records):
    return [[turn.content for turn in record] for record in records]


def test_long_conversations_are_cut_between_exchanges():
    conversation = turns_of(*[("TW"[place % 2], place, str(place)) for place in range(10)])
    dropped = Left()
    records = cut_into_records(conversation, "W", TurnRules(max_turns=5), dropped)
    assert contents(records) == [["0", "1", "2", "3"], ["4", "5", "6", "7"], ["8", "9"]]
    records = cut_into_records(conversation, "W", TurnRules(max_characters=6), dropped)
    assert contents(records) == [["0", "1", "2", "3", "4", "5"], ["6", "7", "8", "9"]]
    assert not +dropped


def test_an_exchange_that_is_too_large_loses_its_oldest_turns_and_is_cut_off():
    conversation = turns_of(
        ("T", 0, "a"), ("W", 1, "b"), ("T", 2, "x" * 90), ("T", 3, "q"), ("W", 4, "r"), ("T", 5, "s"), ("W", 6, "t")
    )
    dropped = Left()
    assert contents(cut_into_records(conversation, "W", TurnRules(max_characters=50), dropped)) == [
        ["a", "b"],
        ["q", "r"],
        ["s", "t"],
    ]
    assert dropped["too_long"] == 1
    too_long = turns_of(("T", 0, "a"), ("W", 1, "y" * 90), ("T", 2, "c"), ("W", 3, "d"))
    assert contents(cut_into_records(too_long, "W", TurnRules(max_characters=50), dropped)) == [["c", "d"]]
    assert dropped["too_long"] == 3


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_said_records_are_bounded_in_order_and_nothing_is_lost_or_doubled(seed):
    rng = random.Random(seed)
    minute = 0.0
    items = []
    for number in range(200):
        minute += rng.choice([0.5, 1, 3, 30, 90, 2000])
        if rng.random() < 0.1:
            items.append((rng.choice("TW"), minute, "", "photo"))
        else:
            items.append((rng.choice("TDW"), minute, f"{number} " + "x" * rng.choice([1, 10, 40])))
    rules = TurnRules(max_turns=4, max_characters=120)
    dropped = Left()
    all_bubbles = [text for _, _, text, *reason in items if not reason]
    kept_bubbles = []
    for conversation in conversations(log(*items), "W", rules, dropped):
        kept = without_unanswered_end(conversation, "W")
        dropped["unanswered"] += messages_in(conversation) - messages_in(kept)
        for record in cut_into_records(kept, "W", rules, dropped):
            assert len(record) <= 4
            assert sum(len(turn.content) for turn in record) <= 120
            senders = [turn.sender for turn in record]
            assert any(a != "W" and b == "W" for a, b in pairwise(senders))
            kept_bubbles += [bubble for turn in record for bubble in turn.bubbles]
    positions = [all_bubbles.index(bubble) for bubble in kept_bubbles]
    assert positions == sorted(set(positions))
    assert kept_bubbles
    assert len(all_bubbles) == len(kept_bubbles) + dropped.total()
