import dataclasses

import pytest
import torch

from aigc_cli.config.base import resolve
from aigc_cli.config.train_gpt import PRESETS, TrainGptSettings
from aigc_cli.data import textset
from aigc_cli.gpt import estimate, functions, trainer
from aigc_cli.gpt.estimate import bytes_per_token, disk_bytes, kept_bytes, memory_parts, planned, shape_of
from aigc_cli.gpt.model import GptModel
from aigc_cli.gpt.trainer import new_config


def settings(preset, **changes):
    return resolve(TrainGptSettings, {"preset": preset, **changes}, presets=PRESETS)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("tokenizer", ["char", "bpe"])
def test_the_parameters_are_those_of_the_model_that_is_built(preset, tokenizer):
    chosen = settings(preset, tokenizer=tokenizer)
    with torch.device("meta"):
        model = GptModel(new_config(chosen, shape_of(chosen).vocabulary))
    assert planned(chosen, 0)["parameters"] == sum(value.numel() for value in model.parameters())


@pytest.mark.parametrize("context", [64, 160])
@pytest.mark.parametrize("recompute", [False, True])
def test_the_activations_are_what_autograd_keeps(context, recompute):
    chosen = settings("nano", context=context, batch_size=6, accumulate=2, gradient_checkpointing=recompute)
    shape = shape_of(chosen)
    model = GptModel(new_config(chosen, shape.vocabulary))
    model.initialise(torch.Generator().manual_seed(0))
    model.recompute = recompute
    kept = {}

    def keep(tensor):
        if not isinstance(tensor, torch.nn.Parameter) and not getattr(tensor, "is_leaf", False):
            storage = tensor.untyped_storage()
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        out = model(torch.zeros(3, context, dtype=torch.long))
    assert out.requires_grad
    assert sum(kept.values()) == pytest.approx(kept_bytes(chosen, shape), rel=0.25)


def test_memory_follows_what_is_asked_for():
    def peak(**changes):
        return sum(memory_parts(settings("base", **changes), 1 << 20).values())

    assert peak() < 6e9
    assert peak(accumulate=1) > peak(accumulate=4) > peak()
    assert peak(accumulate=1, gradient_checkpointing=True) < 0.5 * peak(accumulate=1)
    parts = memory_parts(settings("base"), 1 << 20)
    assert parts["weights"] == 4 * planned(settings("base"), 0)["parameters"] == pytest.approx(4 * 113e6, rel=0.01)
    assert memory_parts(settings("base", optimizer="adamw"), 0)["optimizer"] == 2 * parts["weights"]


def test_text_and_its_shards_are_counted():
    gigabyte = 1 << 30
    nano = settings("nano", tokenizer="char")
    assert memory_parts(nano, gigabyte)["text"] < 300e6  # a large set is never in memory
    assert planned(nano, gigabyte)["training_tokens"] == gigabyte
    assert disk_bytes(nano, gigabyte) - disk_bytes(nano, 0) == 2 * gigabyte
    assert 2 < bytes_per_token(settings("nano")) < bytes_per_token(settings("base")) < 5
    more = dataclasses.replace(nano, keep=nano.keep + 2)
    model = 4 * planned(nano, 0)["parameters"]
    assert 4 * model < disk_bytes(more, 0) - disk_bytes(nano, 0) < 6 * model


def test_what_is_known_elsewhere_is_the_same_here():
    assert estimate._LOSS_CHUNK == functions.LOSS_CHUNK
    assert functions.WRITTEN_OUT_TOKENS[torch.float32] == estimate._WRITTEN_OUT_TOKENS
    assert (estimate._IN_MEMORY_BYTES, estimate._SHARD_BYTES) == (textset.IN_MEMORY_BYTES, textset.SHARD_BYTES)
    assert estimate.EVALUATION_ROWS == trainer.EVALUATION_ROWS
