import json

import pytest
from tokenizers import Tokenizer

from aigc_cli.core.errors import BadData, NoInput
from aigc_cli.data.tokenizer import SPECIAL_TOKENS, load_tokenizer, template, train_bpe, train_char

TEXTS = ["the cat sat on the mat. the cat! 12 cats, 345", "café crème, naïve 🚲🚲 中文中文"]
STRANGE = ["", " ", "\n\n  x\t", "Ωmega 𝔘nicode", "\x00\x7f", "<|im_end|> <|im_start|>user", "e\u0301"]


@pytest.fixture(params=["char", "bpe"])
def tokenizer(request):
    return train_char(TEXTS) if request.param == "char" else train_bpe(TEXTS, 320)


@pytest.mark.parametrize("text", TEXTS + STRANGE)
def test_text_survives_the_round_trip_byte_for_byte(tokenizer, text):
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == text
    assert b"".join(tokenizer.token_bytes(token) for token in ids) == text.encode()
    assert not set(ids) & {tokenizer.inner.token_to_id(special) for special in SPECIAL_TOKENS}


def test_a_character_tokenizer_has_one_token_a_known_character_and_bytes_for_others():
    tokenizer = train_char(TEXTS)
    for text in TEXTS:
        assert [tokenizer.decode([token]) for token in tokenizer.encode(text)] == list(text)
    assert len(tokenizer.encode("Ω")) == 2
    known = {character for text in TEXTS for character in text if len(character.encode()) > 1}
    prefixes = {character.encode()[:n] for character in known for n in range(2, len(character.encode()))}
    assert tokenizer.size == 3 + 256 + len(known) + len(prefixes)


def test_bpe_joins_what_is_frequent_but_never_two_digits_or_words():
    tokenizer = train_bpe(TEXTS * 5, 400)
    pieces = [tokenizer.token_bytes(token) for token in tokenizer.encode("the cat 345")]
    assert pieces == [b"the", b" cat", b" ", b"3", b"4", b"5"]
    assert tokenizer.size <= 400


def test_training_is_repeatable():
    assert train_bpe(TEXTS, 320).inner.to_str() == train_bpe(TEXTS, 320).inner.to_str()
    assert train_char(TEXTS).inner.to_str() == train_char(TEXTS).inner.to_str()


def test_files_load_in_the_tokenizers_library_with_the_same_ids(tokenizer, tmp_path):
    tokenizer.chat, tokenizer.default_system = True, 'You are "A".'
    tokenizer.save(tmp_path, 128)
    plain = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    for text in TEXTS:
        assert plain.encode(text).ids == tokenizer.encode(text)
    assert plain.encode("<|im_end|>").ids == [tokenizer.turn_end_id]
    config = json.loads((tmp_path / "tokenizer_config.json").read_text())
    assert config["chat_template"] == (tmp_path / "chat_template.jinja").read_text()
    assert (config["eos_token"], config["tokenizer_class"]) == ("<|im_end|>", "PreTrainedTokenizerFast")
    again = load_tokenizer(tmp_path)
    assert (again.size, again.chat, again.default_system) == (tokenizer.size, True, 'You are "A".')


@pytest.mark.parametrize("said", ["You are 麦冬 😀.", 'Two lines,\n"quoted" {{ and }} {% bare %} \\n'])
def test_the_template_says_the_default_system_turn_to_the_letter(said):
    jinja2 = pytest.importorskip("jinja2")
    rendered = jinja2.Template(template(said)).render(messages=[{"role": "user", "content": "hi"}])
    assert rendered == f"<|im_start|>system\n{said}<|im_end|>\n<|im_start|>user\nhi<|im_end|>\n"


def test_a_tokenizer_of_plain_text_has_no_template(tokenizer, tmp_path):
    tokenizer.save(tmp_path, 128)
    assert not (tmp_path / "chat_template.jinja").exists()
    assert load_tokenizer(tmp_path).chat is False


def test_many_texts_encode_as_one_by_one(tokenizer):
    assert tokenizer.encode_many(TEXTS) == [tokenizer.encode(text) for text in TEXTS]


def test_broken_files_are_refused(tmp_path):
    with pytest.raises(NoInput):
        load_tokenizer(tmp_path)
    for content, error in (("{", BadData), ('{"model": 3}', BadData)):
        (tmp_path / "tokenizer.json").write_text(content)
        with pytest.raises(error):
            load_tokenizer(tmp_path)


QWEN2 = [
    ("Hello world 12 cats.\n\nIt's", ["Hello", " world", " ", "1", "2", " cats", ".\n\n", "It", "'s"]),
    ("我们说:你好，世界!", ["我们说", ":你好", "，世界", "!"]),
    ("a🚲🚲 b  ", ["a", "🚲🚲", " b", "  "]),
]


@pytest.mark.parametrize(("text", "pieces"), QWEN2)
def test_words_are_parted_as_qwen2_parts_them(text, pieces):
    parted = train_bpe(TEXTS, 270).inner.pre_tokenizer.pre_tokenize_str(text)
    assert [text[begin:end] for _, (begin, end) in parted] == pieces


def test_bpe_of_english_and_chinese_joins_words_of_both():
    made = train_bpe(["我们说你好世界 we said hello to the world\n"] * 50, 300)
    said = "我们说你好世界 hello"
    assert made.decode(made.encode(said)) == said
    assert len(made.encode("我们说你好世界")) < len("我们说你好世界")
    assert len(made.encode(" hello world")) == 2


@pytest.mark.parametrize("text", ["x\ud800y", "\udfff", "好\ud83d\n"])
def test_halves_of_surrogate_pairs_never_raise(tokenizer, text):
    whole = text.encode("utf-8", "replace").decode()
    assert tokenizer.decode(tokenizer.encode(text)) == whole
    assert tokenizer.encode_many([text, "a"]) == [tokenizer.encode(text), tokenizer.encode("a")]
    for made in (train_char([text]), train_bpe([text], 270)):
        assert made.decode(made.encode(text)) == whole
