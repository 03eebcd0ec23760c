import json

import torch
from safetensors.torch import load_file

from aigc_cli.gpt.bases.hf import split_weights
from aigc_cli.gpt.lora import add_lora, lora_parameters, merged_weights, write_adapter
from tests.gpt.models import harsh_model

TOKENS = torch.tensor([[5, 9, 2, 7, 1]])


def adapted(first_block=0):
    model = harsh_model("llama")
    base = {name: value.detach().clone() for name, value in model.named_parameters()}
    add_lora(model, rank=3, alpha=6.0, first_block=first_block, generator=torch.Generator().manual_seed(1))
    return model, base


def stirred(model):
    with torch.no_grad():
        for index, parameter in enumerate(lora_parameters(model).values()):
            parameter.copy_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(index)) * 0.3)


def test_training_starts_at_the_base_model():
    model, _ = adapted()
    torch.testing.assert_close(model(TOKENS), harsh_model("llama")(TOKENS))


def test_only_corrections_of_the_upper_blocks_are_trained():
    model, _ = adapted(first_block=1)
    trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert trained == set(lora_parameters(model))
    assert all(name.startswith("blocks.1.") for name in trained)
    assert len(trained) == 8


def test_merged_weights_compute_what_the_corrections_compute():
    model, base = adapted()
    stirred(model)
    merged = harsh_model("llama")
    merged.load_state_dict(merged_weights(model, base))
    assert not torch.allclose(model(TOKENS), harsh_model("llama")(TOKENS), atol=1e-2)
    torch.testing.assert_close(merged(TOKENS), model(TOKENS), atol=1e-3, rtol=1e-3)


def test_the_adapter_holds_the_same_change_layer_by_layer(tmp_path):
    model, base = adapted(first_block=1)
    stirred(model)
    write_adapter(tmp_path / "adapter", model, "smollm2", "abc")
    config = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())
    tensors = load_file(tmp_path / "adapter" / "adapter_model.safetensors")
    before, after = split_weights(model, base), split_weights(model, merged_weights(model, base))
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert len(changed) == len(tensors) // 2 == 7
    assert config["layers_to_transform"] == [1]
    for name in changed:
        key = "base_model.model." + name.removesuffix(".weight")
        delta = tensors[f"{key}.lora_B.weight"] @ tensors[f"{key}.lora_A.weight"]
        change = config["lora_alpha"] / config["r"] * delta
        torch.testing.assert_close(before[name] + change, after[name], atol=1e-5, rtol=1e-5)
