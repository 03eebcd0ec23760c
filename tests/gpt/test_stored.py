"""The model in a checkpoint is the one that training would have exported at that step."""

import json

import pytest
import torch

from aigc_cli.config.base import as_json, resolve
from aigc_cli.config.train_gpt import PRESETS, TrainGptSettings
from aigc_cli.core.disk.rundir import RunDir
from aigc_cli.core.disk.snapshots import find_snapshot, save_snapshot
from aigc_cli.core.errors import BadData, NoInput, UsageProblem
from aigc_cli.data.manifest import open_set
from aigc_cli.gpt.bases.hf import read_model, write_model_folder
from aigc_cli.gpt.stored import load_checkpoint
from aigc_cli.gpt.trainer import build_trainer
from tests.gpt.models import harsh_model, tokenizer

SMALL = {"layers": 2, "width": 32, "heads": 2, "kv_heads": 1, "context": 64, "batch_size": 4, "vocab_size": 300}
TALK = {"schema": "aigc.dialogue/1"} | {
    "messages": [{"role": "user", "content": "where is it?"}, {"role": "assistant", "content": "on the mat"}]
}
WAYS = {
    "scratch": {},
    "lora": {"init": "base", "learning_rate": 0.05},
    "lora-upper": {"init": "base", "lora_layers": 1, "learning_rate": 0.05},
    "full": {"init": "base", "finetune": "full", "learning_rate": 0.003},
}


@pytest.fixture(params=WAYS)
def run(request, tmp_path):
    """A run whose root has the weights of step 1 and whose checkpoint has those of step 3, and its trainer."""
    (tmp_path / "base").mkdir()
    base = harsh_model("llama", std=0.1)
    write_model_folder(tmp_path / "base", base, dict(base.state_dict()), tokenizer(), "# card", {})
    (tmp_path / "chat").mkdir()
    for name in ("train", "valid"):
        (tmp_path / "chat" / f"{name}.jsonl").write_text((json.dumps(TALK) + "\n") * 8)
    manifest = {"schema": "aigc.manifest/1", "kind": "chat", "hash": "h", "counts": {}}
    (tmp_path / "chat" / "manifest.json").write_text(json.dumps(manifest))
    changes = dict(WAYS[request.param])
    if "init" in changes:
        changes["init"] = str(tmp_path / "base")
    settings = resolve(TrainGptSettings, {**SMALL, "precision": "fp32", **changes}, presets=PRESETS)
    trainer = build_trainer(open_set(tmp_path / "chat"), settings, torch.device("cpu"))
    made = RunDir(tmp_path / "run")
    made.checkpoints.mkdir(parents=True)
    record = {"schema": "aigc.run/1", "kind": "text", "settings": as_json(settings)}
    made.record_path.write_text(json.dumps(record))
    for step in range(3):
        trainer.update(step, None)
        if step == 0:
            trainer.export(made.path, 1, {})
    tensors, scalars = trainer.state()
    save_snapshot(made, 3, tensors, {"loop": {}, "trainer": scalars})
    return made, trainer, request.param


def test_it_is_what_training_would_export(run, tmp_path):
    made, trainer, _ = run
    stored = load_checkpoint(made.path, 3)
    (tmp_path / "exported").mkdir()
    trainer.export(tmp_path / "exported", 3, {})
    expected, best = dict(read_model(tmp_path / "exported").named_parameters()), read_model(made.path)
    loaded = dict(stored.model.named_parameters())
    assert loaded.keys() == expected.keys()
    assert all(torch.equal(loaded[name], expected[name]) for name in expected)
    assert any(not torch.equal(loaded[name], value) for name, value in best.named_parameters())


def test_without_its_base_model_or_weights_the_error_says_so(run):
    made, _, way = run
    if way.startswith("lora"):
        base = made.path.parent / "base"
        weights = base / "model.safetensors"
        whole = weights.read_bytes()
        weights.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        with pytest.raises(BadData, match="not the base model that"):
            load_checkpoint(made.path, 3)
        base.rename(base.with_name("moved"))
        with pytest.raises(NoInput, match="its checkpoints need the base model"):
            load_checkpoint(made.path, 3)
    (made.path / "config.json").unlink()
    with pytest.raises(NoInput, match="no weights yet"):
        load_checkpoint(made.path, 3)


def test_a_checkpoint_is_the_best_the_last_or_one_that_is_there(tmp_path):
    run = RunDir(tmp_path)
    with pytest.raises(NoInput, match=r"no checkpoint last \(there are: none\)"):
        find_snapshot(run, "last")
    for step in (5, 20, 100):
        (run.checkpoints / f"step-{step}").mkdir(parents=True)
    assert [find_snapshot(run, wanted) for wanted in ("best", "last", "20")] == [None, 100, 20]
    with pytest.raises(NoInput, match="there are: 5, 20, 100"):
        find_snapshot(run, "21")
    with pytest.raises(UsageProblem, match="best, last, or a step"):
        find_snapshot(run, "newest")
