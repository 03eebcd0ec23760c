"""What large sets and large models need must not change what is learned."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from aigc_cli.config.base import resolve
from aigc_cli.config.train_gpt import PRESETS, TrainGptSettings
from aigc_cli.data import textset
from tests.gpt.models import CORPUS, harsh_model
from tests.gpt.test_trainer import dialogue, trainer, weights, write_set


@pytest.mark.parametrize("choice", ["char", "bpe"])
def test_a_large_set_trains_as_a_small_one(tmp_path, choice, monkeypatch):
    record = {"schema": "aigc.text/1", "text": "".join(CORPUS)}
    plain = write_set(tmp_path / "text", "text", [record] * 3, [record])
    results = []
    for bound in (1 << 20, 0, 0):
        monkeypatch.setattr(textset, "IN_MEMORY_BYTES", bound)
        monkeypatch.setattr(textset, "SHARD_BYTES", 150)
        made = trainer(plain, tokenizer=choice, context=32)
        for step in range(3):
            made.update(step, 3)
        results.append((made.evaluate(3), weights(made)))
    assert len(list((plain / "tokens").glob("*.safetensors"))) > 3
    for metrics, tensors in results[1:]:
        assert metrics == results[0][0]
        assert all(torch.equal(tensors[name], value) for name, value in results[0][1].items())


def first_gradients(made):
    batch = made.data.batch(0)
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: kept.append(tensor.nbytes) or tensor, lambda x: x):
        loss = made._summed_loss(batch, made.states) / int(batch.predicts_BT.sum())
    loss.backward()
    return float(loss.detach()), {name: value.grad for name, value in made.trainable.items()}, sum(kept)


@pytest.fixture
def chat(tmp_path):
    return write_set(tmp_path / "chat", "chat", [dialogue(k) for k in range(10)], [dialogue(20)])


@pytest.mark.parametrize("way", ["scratch", "lora", "lora-upper", "full"])
def test_computing_blocks_again_gives_the_same_loss_and_gradients_and_keeps_less(chat, base, way):
    changes = {} if way == "scratch" else {"init": str(base), "finetune": way.split("-")[0]}
    changes |= {"lora_layers": 1} if way == "lora-upper" else {}
    made = [trainer(chat, gradient_checkpointing=again, **changes) for again in (False, True)]
    if way == "scratch":  # a fresh model's blocks are the identity
        for one in made:
            harsh = harsh_model(layers=2, vocab_size=one.model.config.vocab_size)
            harsh.recompute = one.model.recompute
            one.model = harsh.requires_grad_(True)
            one.trainable = dict(one.model.named_parameters())
    (loss, gradients, kept), (again_loss, again_gradients, again_kept) = map(first_gradients, made)
    assert again_loss == pytest.approx(loss, rel=1e-6)
    assert gradients.keys() == again_gradients.keys()
    for name, gradient in gradients.items():
        torch.testing.assert_close(again_gradients[name], gradient, rtol=1e-6, atol=1e-6)
    assert any(gradient.abs().max() > 1e-3 for gradient in gradients.values())
    assert again_kept < 0.6 * kept


FORKS = """
import os, sys
from pathlib import Path
from aigc_cli.core.machine.device import set_threads
from aigc_cli.data.tokenizer import train_bpe
set_threads(int(sys.argv[1]))
before = len(list(Path("/proc/self/task").iterdir()))
made = train_bpe(["to be or not to be"] * 50, 270)
made.encode_many(["to be"] * 200)
print(len(list(Path("/proc/self/task").iterdir())) - before)
if os.fork() == 0:
    os._exit(0)
os.wait()
"""


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are counted in /proc")
@pytest.mark.parametrize("threads", [1, 3])
def test_the_tokenizer_uses_as_many_threads_as_asked_and_is_silent_where_a_process_forks(threads):
    environment = {"PATH": os.environ["PATH"]}
    command = [sys.executable, "-W", "ignore", "-c", FORKS, str(threads)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{threads}\n", "")


def test_the_shapes_of_all_presets_can_be_built():
    for name in PRESETS:
        settings = resolve(TrainGptSettings, {"preset": name}, presets=PRESETS)
        assert settings.width % settings.heads == settings.heads % settings.kv_heads == 0
        assert settings.batch_size >= settings.accumulate
