import itertools
import random

import pytest

from aigc_cli.avatar.conversation import fit, tidy
from aigc_cli.core.errors import BadConfig, UsageProblem
from aigc_cli.core.words.plain import clean

SYSTEM = {"role": "system", "content": "You are Ada."}


def say(talk, text):
    return "".join(talk.reply(text))


def user(text):
    return {"role": "user", "content": text}


def assistant(text):
    return {"role": "assistant", "content": text}


def test_a_reply_is_kept_exactly_as_it_was_streamed(conversation):
    talk = conversation()
    said = say(talk, "how are you")
    assert said.endswith("how are you")
    assert [(turn.role, turn.content) for turn in talk.turns] == [("user", "how are you"), ("assistant", said)]


def test_seeds_decide_replies_and_retry_draws_another_that_is_repeatable(conversation):
    first, second, other = conversation(), conversation(), conversation(seed=6)
    assert say(first, "a") == say(second, "a") != say(other, "a")
    again = "".join(first.retry())
    assert again == "".join(second.retry()) != talk_text(other)
    assert len(first.turns) == 2
    assert say(first, "b") == say(second, "b")


def talk_text(talk):
    return talk.turns[-1].content


def test_undo_then_the_same_words_gives_the_same_reply(conversation):
    talk = conversation()
    say(talk, "one")
    before = say(talk, "two")
    assert [turn.content for turn in talk.undo()] == ["two", before]
    assert say(talk, "two") == before
    assert len(talk.undo()) == 2
    assert len(talk.undo()) == 2
    assert talk.undo() == []


def test_stopping_keeps_the_partial_reply(conversation):
    talk = conversation()
    pieces = []
    for piece in talk.reply("a b c d", stop=lambda: len(pieces) >= 2):
        pieces.append(piece)
    assert len(pieces) == 2
    assert talk.turns[-1].content == "".join(pieces)


def test_stopping_before_the_first_piece_takes_the_turn_back_and_a_retry_restores_the_old_reply(conversation):
    talk = conversation()
    assert list(talk.reply("hello", stop=lambda: True)) == []
    assert talk.turns == []
    said = say(talk, "hello")
    assert list(talk.retry(stop=lambda: True)) == []
    assert [turn.content for turn in talk.turns] == ["hello", said]


def test_a_reply_that_is_cut_off_from_outside_is_kept_as_far_as_it_went(conversation):
    talk = conversation()
    pieces = talk.reply("a b c d")
    said = next(pieces) + next(pieces)
    pieces.close()
    assert talk.turns[-1].content == said
    talk = conversation()
    pieces = talk.reply("a")
    next(pieces)
    with pytest.raises(KeyboardInterrupt):
        pieces.throw(KeyboardInterrupt)
    assert [turn.role for turn in talk.turns] == ["user", "assistant"]


def test_retry_without_a_reply_is_refused(conversation):
    with pytest.raises(UsageProblem, match="no reply"):
        conversation().retry()


def test_bubbles_are_the_lines_of_a_turn(conversation):
    talk = conversation()
    say(talk, "one\ntwo")
    assert talk.turns[0].bubbles == ["one", "two"]
    assert len(talk.turns[1].bubbles) == 2


def test_the_oldest_exchanges_are_dropped_whole_by_an_exhaustive_check(echo):
    draw = random.Random(0)
    for _ in range(300):
        roles = itertools.cycle(["user", "assistant"])
        history = [
            {"role": next(roles), "content": " ".join("w" * draw.randint(1, 9))}
            for _ in range(draw.choice((1, 3, 5, 9)))
        ]
        budget = draw.randint(12, 40)
        kept = fit([SYSTEM], history, echo(budget))
        fitting = [
            start for start in range(0, len(history), 2) if echo().count_tokens([SYSTEM, *history[start:]]) <= budget
        ]
        assert kept == [SYSTEM, *history[fitting[0] :]]


def test_a_prompt_never_begins_with_half_an_exchange(echo):
    history = [user("a " * 9), assistant("b"), user("c")]
    assert fit([SYSTEM], history, echo(6)) == [SYSTEM, user("c")]


def test_a_message_that_does_not_fit_is_refused_and_not_added(conversation, echo):
    talk = conversation(replier=echo(8))
    with pytest.raises(UsageProblem, match="takes 12 tokens and the model reads 8"):
        talk.reply("word " * 9)
    assert talk.turns == []


def test_control_characters_and_escape_sequences_lose_their_power():
    hostile = "a\x1b[31mred\x1b]0;title\x07\x9b2J\x7f\rb\x00\tc\nd\u0085\ud800"
    assert clean(hostile) == "a[31mred]0;title2Jb\tc\nd\ufffd"
    clean(hostile).encode("utf-8")


def test_tidy_does_not_depend_on_how_the_text_was_cut():
    text = "  \n Hi there \n\n\n  how's it \t going?\nok \x1b[2J \n \n"
    whole = "".join(tidy([text]))
    assert whole == "Hi there\nhow's it \t going?\nok [2J"
    draw = random.Random(1)
    for _ in range(200):
        cuts = sorted(draw.sample(range(len(text)), 6))
        pieces = [text[start:end] for start, end in itertools.pairwise([0, *cuts, len(text)])]
        assert "".join(tidy(pieces)) == whole


def test_answering_other_messages_leaves_the_conversation_alone(conversation):
    talk = conversation()
    reply = "".join(talk.answer_to([user("x y")], seed=12))
    assert reply == "12 x y"
    assert talk.turns == []


def test_the_expression_follows_the_reply(conversation):
    talk = conversation()
    say(talk, "this makes me furious, I hate it")
    assert (talk.turns[-1].expression, talk.expression) == ("angry", "angry")
    talk.undo()
    assert talk.expression == "smile"


def test_a_system_turn_without_room_beside_it_is_named_and_not_the_message(echo):
    persona = {"role": "system", "content": "word " * 9}
    with pytest.raises(BadConfig, match=r"the system turn takes 9 tokens and the model reads 9 .*--persona"):
        fit([persona], [user("hi")], echo(prompt_tokens=9))
    assert fit([persona], [user("hi")], echo(prompt_tokens=10)) == [persona, user("hi")]
