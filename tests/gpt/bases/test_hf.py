"""Our folders in transformers, an independent implementation of the same layouts."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from aigc_cli.core.errors import BadData, NoInput
from aigc_cli.data.dialogue import encode_dialogue, encode_prompt
from aigc_cli.data.tokenizer import load_tokenizer
from aigc_cli.gpt.bases.hf import config_from_json, read_model, write_model_folder
from aigc_cli.gpt.decoding.decode import GenerationSettings, TextModel, generate
from tests.gpt.models import KINDS, harsh_model, spelt, tokenizer

transformers = pytest.importorskip("transformers")
TOKENS = torch.tensor([[5, 9, 2, 7, 7, 1, 30, 200, 201, 299]])
DIALOGUE = [
    {"role": "system", "content": "You are Cat."},
    {"role": "user", "content": "what did the café do? <|im_end|>"},
    {"role": "assistant", "content": "it ran\n12 🚲"},
]


def write(folder, model):
    weights = {name: value.detach() for name, value in model.named_parameters()}
    made = tokenizer()
    made.default_system = "You are Cat."
    write_model_folder(folder, model, weights, made, "# card", {"temperature": 0.8})
    return made


def theirs(folder):
    return transformers.AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager").eval()


def ours_and_theirs(folder, model):
    with torch.no_grad():
        return model.logits(model(TOKENS)), theirs(folder)(TOKENS).logits


@pytest.mark.parametrize("kind", KINDS)
def test_transformers_computes_the_same_scores(tmp_path, kind):
    model = harsh_model(kind)
    write(tmp_path, model)
    ours, other = ours_and_theirs(tmp_path, model)
    assert float((ours - other).abs().max()) < 1e-4 * float(other.abs().max())
    again = read_model(tmp_path)
    assert again.config == model.config
    torch.testing.assert_close(again.logits(again(TOKENS)), ours, atol=1e-5 * float(other.abs().max()), rtol=0)


@pytest.mark.parametrize("kind", ["qwen3", "llama"])
def test_transformers_writes_the_same_32_tokens(tmp_path, kind):
    model = harsh_model(kind, std=0.3)
    made = write(tmp_path, model)
    prompt = [5, 9, 2, 7]
    settings = GenerationSettings(max_new_tokens=32, min_new_tokens=32, temperature=0, repetition_penalty=1.0)
    (reply,) = generate(TextModel(model, made), [prompt], settings, seed=0)
    other = theirs(tmp_path)
    expected = other.generate(
        torch.tensor([prompt]),
        do_sample=False,
        min_new_tokens=32,
        max_new_tokens=32,
        temperature=None,
        prefix_allowed_tokens_fn=lambda _, ids: spelt(made, ids.tolist()[len(prompt) :]),
    )
    assert reply.tokens == expected[0, 4:].tolist()


def perturb_theta(config, weights):
    config["rope_theta"] = config["rope_parameters"]["rope_theta"] = 78.0


def swap_norms(config, weights):
    q, k = (f"model.layers.0.self_attn.{letter}_norm.weight" for letter in "qk")
    weights[q], weights[k] = weights[k].clone(), weights[q].clone()


def swap_gate_and_up(config, weights):
    gate, up = (f"model.layers.1.mlp.{name}_proj.weight" for name in ("gate", "up"))
    weights[gate], weights[up] = weights[up].clone(), weights[gate].clone()


def change_eps(config, weights):
    config["rms_norm_eps"] = 1e-2


@pytest.mark.parametrize("damage", [perturb_theta, swap_norms, swap_gate_and_up, change_eps])
def test_the_comparison_notices_damage(tmp_path, damage):
    model = harsh_model("qwen3")
    write(tmp_path, model)
    config, weights = json.loads((tmp_path / "config.json").read_text()), load_file(tmp_path / "model.safetensors")
    damage(config, weights)
    (tmp_path / "config.json").write_text(json.dumps(config))
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    ours, other = ours_and_theirs(tmp_path, model)
    assert float((ours - other).abs().max()) > 1e-4 * float(other.abs().max())


def test_transformers_tokenizes_and_fills_the_template_alike(tmp_path):
    made = write(tmp_path, harsh_model("qwen3"))
    other = transformers.AutoTokenizer.from_pretrained(tmp_path)
    for text in ("the cat, 12 🚲 café\n\n  mat", "中文 whatever", ""):
        assert other(text)["input_ids"] == made.encode(text)
        assert other.decode(made.encode(text)) == text
    turns = [DIALOGUE[0], {"role": "user", "content": "what did it do?"}, DIALOGUE[2]]
    rendered = other.apply_chat_template(turns, tokenize=True, return_dict=False)
    assert rendered == encode_dialogue(made, turns)[0]
    asked = other.apply_chat_template(turns[1:2], tokenize=True, return_dict=False, add_generation_prompt=True)
    assert asked == encode_prompt(made, turns[1:2], 200)
    assert other.eos_token == "<|im_end|>"


def test_a_reloaded_tokenizer_is_the_same(tmp_path):
    made = write(tmp_path, harsh_model("qwen3"))
    again = load_tokenizer(tmp_path)
    assert (again.chat, again.default_system, again.stop_ids) == (True, "You are Cat.", made.stop_ids)
    assert encode_dialogue(again, DIALOGUE) == encode_dialogue(made, DIALOGUE)


def test_sharded_folders_are_read(tmp_path):
    model = harsh_model("llama")
    write(tmp_path, model)
    theirs(tmp_path).save_pretrained(tmp_path / "shards", max_shard_size="20KB")
    assert len(list((tmp_path / "shards").glob("model-*.safetensors"))) > 1
    again = read_model(tmp_path / "shards")
    torch.testing.assert_close(again(TOKENS), model(TOKENS))


def test_a_tied_head_is_not_stored_and_the_format_is_named(tmp_path):
    write(tmp_path, harsh_model("llama"))
    from safetensors import safe_open

    with safe_open(tmp_path / "model.safetensors", "pt") as file:
        assert file.metadata()["format"] == "pt"
        assert "lm_head.weight" not in file.keys()  # noqa: SIM118


def test_what_cannot_be_loaded_is_said(tmp_path):
    with pytest.raises(NoInput):
        read_model(tmp_path)
    model = harsh_model("llama")
    write(tmp_path, model)
    weights = (tmp_path / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(weights[: len(weights) // 2])
    with pytest.raises(BadData, match="safetensors"):
        read_model(tmp_path)
    write(tmp_path, harsh_model("llama", layers=1))
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 2}))
    with pytest.raises(BadData, match="do not fit"):
        read_model(tmp_path)
    for change in ({"model_type": "gpt_neox"}, {"hidden_act": "gelu"}, {"hidden_size": None}):
        (tmp_path / "config.json").write_text(json.dumps({**config, **change}))
        with pytest.raises(BadData):
            config_from_json(tmp_path / "config.json")
