import pytest
import torch

from aigc_cli.config.sample import SampleSettings
from aigc_cli.core.errors import BadConfig
from aigc_cli.data.tokenizer import train_bpe
from aigc_cli.gpt.decoding.decode import GenerationSettings, TextModel, generate, sample_texts, stream
from aigc_cli.gpt.decoding.sampling import draw, penalised
from tests.gpt.models import harsh_model, spelt, tokenizer

FREE = GenerationSettings(max_new_tokens=12, temperature=1.0, top_p=1.0, repetition_penalty=1.0)


@pytest.fixture(scope="module")
def text():
    return TextModel(harsh_model("llama", std=0.3), tokenizer())


PROMPTS = [list(range(5, 5 + length)) for length in (1, 70, 3, 9, 64, 63, 20, 2, 130, 11)]


def test_an_item_is_the_same_whatever_is_written_beside_it(text):
    together = [reply.tokens for reply in generate(text, PROMPTS, FREE, seed=3, batch_size=4)]
    fewer = [reply.tokens for reply in generate(text, PROMPTS[:6], FREE, seed=3, batch_size=4)]
    alone = [
        next(generate(text, [prompt], FREE, seed=3, first=item, batch_size=4)).tokens
        for item, prompt in enumerate(PROMPTS)
    ]
    assert together == alone
    assert fewer == together[:6]
    assert len({tuple(tokens) for tokens in together}) > 5


def test_the_scores_of_a_row_are_bit_equal_whatever_is_beside_it(text, monkeypatch):
    seen = {}

    def record(logits_BV, uniforms, settings):
        seen.setdefault(len(seen), logits_BV.clone())
        return draw(logits_BV, uniforms, settings)

    monkeypatch.setattr("aigc_cli.gpt.decoding.decode.draw", record)
    list(generate(text, PROMPTS[:4], FREE, seed=3, batch_size=4))
    together, seen = dict(seen), {}
    list(generate(text, PROMPTS[2:3], FREE, seed=3, first=2, batch_size=4))
    assert all(torch.equal(seen[step][0], together[step][2]) for step in seen)


def test_greedy_writing_follows_the_uncached_scores(text):
    greedy = GenerationSettings(max_new_tokens=10, temperature=0, repetition_penalty=1.0, min_new_tokens=0)
    tokens = list(PROMPTS[3])
    size = text.tokenizer.size
    for _ in range(10):
        scores = text.model.logits(text.model(torch.tensor([tokens]))[0, -1])[:size]
        allowed = spelt(text.tokenizer, tokens[9:])
        tokens.append(allowed[int(scores[allowed].argmax())])
        if tokens[-1] in text.tokenizer.stop_ids:
            break
    (reply,) = generate(text, [PROMPTS[3]], greedy, seed=0)
    expected = [token for token in tokens[9:] if token not in text.tokenizer.stop_ids]
    assert reply.tokens == expected
    assert reply.finished == (tokens[-1] in text.tokenizer.stop_ids)


def test_streaming_writes_what_generating_writes_and_reuses_the_conversation(text):
    fresh = TextModel(text.model, text.tokenizer)
    turn = PROMPTS[3]
    for _ in range(3):
        (whole,) = generate(text, [turn], FREE, seed=5, batch_size=1)
        pieces, reply = drained(stream(fresh, turn, FREE, seed=5))
        assert reply == whole
        assert "".join(pieces) == whole.text
        turn = [*turn, *reply.tokens, 7, 8]
    assert fresh.seen[:9] == PROMPTS[3]


def drained(generator):
    pieces = []
    while True:
        try:
            pieces.append(next(generator))
        except StopIteration as stop:
            return pieces, stop.value


def test_an_abandoned_stream_leaves_the_cache_right(text):
    fresh = TextModel(text.model, text.tokenizer)
    abandoned = stream(fresh, PROMPTS[1], FREE, seed=1)
    next(abandoned)
    abandoned.close()
    other = [*PROMPTS[1][:40], 3, 3, 3]
    _, reply = drained(stream(fresh, other, FREE, seed=2))
    (expected,) = generate(text, [other], FREE, seed=2, batch_size=1)
    assert reply == expected


def test_characters_are_never_split(text):
    scripted = TextModel(text.model, text.tokenizer)
    letters = text.tokenizer.encode("a🚲é中") + list(text.tokenizer.stop_ids[:1])
    assert len(letters) > 6
    script = iter(letters)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("aigc_cli.gpt.decoding.decode.draw", lambda *_: [next(script)])
        pieces, reply = drained(stream(scripted, [5, 6], FREE, seed=0))
    assert pieces == ["a", "🚲", "é", "中"]
    assert (reply.text, reply.finished) == ("a🚲é中", True)


CHINESE = ["修书的人最怕虫子，猫在窗台上看雨。今天吃了吗？哈哈哈😂🫠 café\n"]


@pytest.fixture(scope="module")
def chinese():
    """A vocabulary that spells most Chinese characters byte by byte, and a model that wants any token."""
    made = train_bpe(CHINESE, 290)
    made.chat = True
    return TextModel(harsh_model("llama", std=0.3), made)


@pytest.mark.parametrize("seed", range(12))
def test_a_model_that_wants_broken_bytes_writes_whole_characters_only(chinese, seed):
    settings = GenerationSettings(max_new_tokens=23 + seed, min_new_tokens=9, temperature=3.0, top_p=1.0)
    (whole,) = generate(chinese, [[5, 6]], settings, seed=seed, batch_size=1)
    said = b"".join(map(chinese.tokenizer.token_bytes, whole.tokens))
    assert any(byte >= 0x80 for byte in said)
    assert "\ufffd" not in whole.text
    # All that was said is shown, but for the first bytes of a character that the limit cut.
    shown = whole.text.encode()
    assert said.startswith(shown)
    assert len(said) - len(shown) <= (0 if whole.finished else 3)
    pieces, reply = drained(stream(TextModel(chinese.model, chinese.tokenizer), [5, 6], settings, seed=seed))
    assert reply == whole
    assert "".join(pieces) == whole.text
    assert all(piece and "\ufffd" not in piece for piece in pieces)


def test_scores_that_insist_on_half_a_character_are_overruled(chinese):
    """The likeliest token is always a continuation byte, then the end of the turn in the middle of a character."""
    made = chinese.tokenizer
    first, second = (made.encode(letter) for letter in ("书", "雨"))
    assert min(len(first), len(second)) >= 3  # spelled byte by byte
    wanted = [[first[1], first[0]], [made.turn_end_id, first[1]], [made.turn_end_id, first[2]], [made.turn_end_id]]
    step = iter(wanted)

    def insist(logits_BV, *_):
        order = next(step)
        scores = torch.full_like(logits_BV, -1e9)
        for place, token in enumerate(order):
            scores[0, token] = 100.0 - place
        scores[torch.isinf(logits_BV)] = float("-inf")
        return scores.argmax(-1).tolist()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("aigc_cli.gpt.decoding.decode.draw", insist)
        pieces, reply = drained(stream(TextModel(chinese.model, made), [5, 6], FREE, seed=0))
    assert pieces == ["书"]
    assert (reply.tokens, reply.text, reply.finished) == (first, "书", True)


def test_half_a_character_at_the_limit_is_left_out(chinese):
    made = chinese.tokenizer
    script = iter([*made.encode("书"), *made.encode("雨")[:2]])
    settings = GenerationSettings(max_new_tokens=5, temperature=1.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("aigc_cli.gpt.decoding.decode.draw", lambda *_: [next(script)])
        pieces, reply = drained(stream(TextModel(chinese.model, made), [5, 6], settings, seed=0))
    assert (pieces, reply.text, reply.finished, len(reply.tokens)) == (["书"], "书", False, 5)


def test_a_reply_is_never_empty_and_stops_at_the_end_of_turn(text):
    model = harsh_model("llama", std=0.3)
    end = text.tokenizer.stop_ids[0]
    model.embed[end] *= 50  # so that the end of turn is nearly always the likeliest or the least likely
    settings = GenerationSettings(max_new_tokens=20, temperature=1.0)
    replies = list(generate(TextModel(model, text.tokenizer), PROMPTS, settings, seed=0))
    assert any(reply.finished for reply in replies)
    assert all(reply.tokens and end not in reply.tokens for reply in replies)


def test_a_context_is_never_overrun(text):
    long = [5] * 250
    (reply,) = generate(text, [long], GenerationSettings(max_new_tokens=50, min_new_tokens=50), seed=0)
    assert len(reply.tokens) == 6
    for prompt in ([], [5] * 256):
        with pytest.raises(BadConfig):
            next(generate(text, [prompt], FREE, seed=0))


def test_sampled_records_do_not_depend_on_how_many_are_asked_for(text):
    conversations = [[{"role": "user", "content": "the cat"}], [{"role": "user", "content": "what"}]]

    def records(count, start):
        settings = SampleSettings(count=count, start=start, batch_size=4, max_new_tokens=6)
        return list(sample_texts(text, conversations, settings))

    many = records(5, 0)
    assert [(record["index"], record["prompt"]) for record in many[:3]] == [(0, "the cat"), (1, "what"), (2, "the cat")]
    assert records(2, 0) == many[:4]
    assert records(2, 3) == many[6:]


def test_draws_follow_the_probabilities():
    logits = torch.log(torch.tensor([[0.5, 0.3, 0.15, 0.05]]))
    settings = GenerationSettings(temperature=1.0, top_p=1.0)
    counts = torch.zeros(4)
    for i in range(2000):
        counts[draw(logits, [(i + 0.5) / 2000], settings)[0]] += 1
    assert counts.tolist() == [1000, 600, 300, 100]


@pytest.mark.parametrize(
    ("changes", "allowed"),
    [
        ({"top_k": 2}, {0, 1}),
        ({"top_p": 0.7}, {0, 1}),
        ({"top_p": 0.85}, {0, 1, 2}),
        ({"min_p": 0.25}, {0, 1, 2}),
        ({"min_p": 0.35}, {0, 1}),
        ({"top_k": 3, "top_p": 0.5}, {0}),
        ({"temperature": 0.0}, {0}),
        ({"temperature": 0.01}, {0}),
    ],
)
def test_filters_keep_exactly_the_likeliest(changes, allowed):
    logits = torch.log(torch.tensor([[0.05, 0.5, 0.3, 0.15]]))
    settings = GenerationSettings(**{"temperature": 1.0, "top_p": 1.0, **changes})
    order = {1: 0, 2: 1, 3: 2, 0: 3}
    drawn = {order[draw(logits, [u / 500], settings)[0]] for u in range(500)}
    assert drawn == allowed


@pytest.mark.parametrize("changes", [{"top_p": 0.99}, {"min_p": 0.01}, {"top_k": 700}, {}])
def test_few_candidates_give_what_the_whole_vocabulary_gives(monkeypatch, changes):
    logits = torch.randn(3, 1000, generator=torch.Generator().manual_seed(0))
    settings = GenerationSettings(**{"temperature": 1.0, "top_p": 1.0, **changes})
    uniforms = [[u, 1 - u, u / 2] for u in (0.01, 0.3, 0.77, 0.999)]
    few = [draw(logits, row, settings) for row in uniforms]
    monkeypatch.setattr("aigc_cli.gpt.decoding.sampling.CANDIDATES", 1000)
    assert few == [draw(logits, row, settings) for row in uniforms]


def test_penalty_divides_positive_scores_and_multiplies_negative_ones():
    logits = torch.tensor([2.0, -2.0, 3.0])
    penalised(logits, [0, 1], 2.0)
    assert logits.tolist() == [1.0, -4.0, 3.0]
