"""Training as a whole on sets of a few lines: it learns, resumes bit-equal, and leaves a model that loads."""

import json

import pytest
import torch

from aigc_cli.config.base import resolve
from aigc_cli.config.train_gpt import PRESETS, TrainGptSettings
from aigc_cli.core.disk.files import read_jsonl
from aigc_cli.core.disk.provenance import read_record_label
from aigc_cli.core.disk.rundir import open_for_training
from aigc_cli.core.errors import AigcError, BadConfig, BadData, NoInput
from aigc_cli.core.machine.signals import StopFlag
from aigc_cli.core.screen.progress import SilentProgress
from aigc_cli.data.manifest import open_set
from aigc_cli.gpt.bases.hf import read_model
from aigc_cli.gpt.decoding.decode import GenerationSettings, generate, load_text_run
from aigc_cli.gpt.trainer import build_trainer, frozen_type, model_folder
from aigc_cli.training.loop import train
from aigc_cli.training.plan import Plan
from tests.gpt.models import CORPUS

CPU = torch.device("cpu")
SMALL = {"layers": 2, "width": 32, "heads": 2, "kv_heads": 1, "context": 64, "batch_size": 4, "vocab_size": 300}


def dialogue(number):
    messages = [
        {"role": "system", "content": "You are Cat."},
        {"role": "user", "content": f"what did the cat do {number}?"},
        {"role": "assistant", "content": "it sat\non the mat 🚲"},
    ]
    return {"schema": "aigc.dialogue/1", "messages": messages}


def write_set(folder, kind, train, valid):
    folder.mkdir()
    for name, records in (("train", train), ("valid", valid)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    manifest = {"schema": "aigc.manifest/1", "kind": kind, "hash": "h", "counts": {}, "subject": "Cat"}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


@pytest.fixture
def chat(tmp_path):
    return write_set(tmp_path / "chat", "chat", [dialogue(k) for k in range(10)], [dialogue(k) for k in (20, 21)])


@pytest.fixture
def plain(tmp_path):
    record = {"schema": "aigc.text/1", "text": "".join(CORPUS)}
    return write_set(tmp_path / "text", "text", [record] * 3, [record])


def trainer(data, **changes):
    settings = resolve(TrainGptSettings, {**SMALL, "precision": "fp32", "seed": 1, **changes}, presets=PRESETS)
    return build_trainer(open_set(data), settings, CPU)


def weights(made):
    return {name: tensor.clone() for name, tensor in made.state()[0].items()}


WAYS = {
    "scratch-text-char": ("plain", {"tokenizer": "char"}),
    "scratch-text-bpe-adamw": ("plain", {"optimizer": "adamw"}),
    "scratch-chat": ("chat", {}),
    "lora": ("chat", {"init": "base", "learning_rate": 0.01}),
    "lora-upper": ("chat", {"init": "base", "lora_layers": 1, "learning_rate": 0.01}),
    "lora-bf16": ("chat", {"init": "base", "precision": "bf16", "learning_rate": 0.01}),
    "full": ("chat", {"init": "base", "finetune": "full", "learning_rate": 0.003}),
}


def made_in_way(way, request, **more):
    kind, changes = WAYS[way]
    changes = {**changes, **more}
    if "init" in changes:
        changes["init"] = str(request.getfixturevalue("base"))
    return trainer(request.getfixturevalue(kind), **changes)


@pytest.mark.parametrize("way", WAYS)
def test_training_lowers_the_held_out_loss(way, request):
    made = made_in_way(way, request)
    before = made.evaluate(0)
    for step in range(15):
        made.update(step, 15)
    after = made.evaluate(15)
    assert after["bits_per_byte"] < 0.8 * before["bits_per_byte"]
    ratio = [metrics["bits_per_byte"] / metrics["nats_per_token"] for metrics in (before, after)]
    assert ratio[0] == pytest.approx(ratio[1])


@pytest.mark.parametrize("way", WAYS)
def test_stopping_and_resuming_is_bit_equal(way, request):
    straight = made_in_way(way, request)
    for step in range(3):
        straight.update(step, 6)
    tensors, scalars = straight.state()
    saved, scalars = {name: tensor.clone() for name, tensor in tensors.items()}, json.loads(json.dumps(scalars))
    resumed = made_in_way(way, request)
    resumed.restore(saved, scalars)
    resumed.evaluate(3)
    resumed.update(99, 100)
    resumed.restore(saved, scalars)
    for step in range(3, 6):
        straight.update(step, 6)
        resumed.update(step, 6)
    one, other = weights(straight), weights(resumed)
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("way", WAYS)
def test_the_exported_folder_is_the_model_that_was_evaluated(way, request, tmp_path):
    made = made_in_way(way, request)
    for step in range(2):
        made.update(step, None)
    metrics = made.evaluate(2)
    root = tmp_path / "run"
    root.mkdir()
    made.export(root, 2, metrics)
    again = made_in_way(way, request)
    again.model = read_model(root).requires_grad_(False)
    again.first_block, again.held = 0, made_in_way(way, request, lora_layers=0).held
    tolerance = 0.02 if way == "lora-bf16" else 1e-5
    assert again.evaluate(2)["bits_per_byte"] == pytest.approx(metrics["bits_per_byte"], rel=tolerance)
    assert (root / "adapter" / "adapter_config.json").exists() == way.startswith("lora")
    assert not (root / "adapter_config.json").exists()
    assert "Cat" in (root / "README.md").read_text()
    text = load_text_run(root)
    assert text.tokenizer.chat == (WAYS[way][0] == "chat")
    (reply,) = generate(text, [[5, 6]], GenerationSettings(max_new_tokens=4), seed=0)
    assert reply.tokens


def test_accumulated_parts_weigh_every_target_alike(chat):
    one, parts = trainer(chat, accumulate=1), trainer(chat, accumulate=3)
    for made in (one, parts):
        made.optimizers = []
    gradients = []
    for made in (one, parts):
        batch = made.data.batch(0)
        assert len({int(row.sum()) for row in batch.predicts_BT}) == 1
        metrics = made.update(0, 1)
        gradients.append((float(metrics["loss"]), float(metrics["gradient_norm"])))
    assert gradients[0] == pytest.approx(gradients[1], rel=1e-5)


def test_the_loss_is_the_mean_over_the_persons_tokens(chat):
    made = trainer(chat)
    batch = made.data.batch(0)
    with torch.no_grad():
        log_p = made.model.logits(made.model(batch.inputs_BT)).double().log_softmax(-1)
    nats, count = 0.0, 0
    for row, predicts in enumerate(batch.predicts_BT.tolist()):
        for place, wanted in enumerate(predicts):
            if wanted:
                nats -= float(log_p[row, place, batch.tokens[row, place + 1]])
                count += 1
    assert float(made.update(0, 1)["loss"]) == pytest.approx(nats / count, rel=1e-5)


def test_other_peoples_words_are_never_targets(chat):
    made = trainer(chat)
    targets = made.tokenizer.decode(made.data.batch(0).targets().tolist())
    assert targets == "it sat\non the mat 🚲" * len(made.data.batch(0).rows)


def test_lora_leaves_the_base_weights_alone(chat, base):
    made = trainer(chat, init=str(base))
    before = {name: value.clone() for name, value in made.base.weights.items()}
    for step in range(3):
        made.update(step, 3)
    assert all(torch.equal(before[name], value) for name, value in made.base.weights.items())
    assert all(name.endswith(("lora_a", "lora_b")) for name in made.trainable)


def test_stored_lower_states_give_the_same_training(chat, base, monkeypatch):
    stored = trainer(chat, init=str(base), lora_layers=1)
    assert stored.states is not None
    monkeypatch.setattr("aigc_cli.gpt.trainer.MAX_TOKENS", 0)
    computed = trainer(chat, init=str(base), lora_layers=1)
    assert computed.states is None
    for step in range(2):
        one, other = stored.update(step, 2), computed.update(step, 2)
        assert float(one["loss"]) == pytest.approx(float(other["loss"]), rel=1e-4)


def test_another_base_or_tokenizer_is_refused_on_resume(chat, base):
    made = trainer(chat, init=str(base))
    tensors, scalars = made.state()
    for name in ("base_model_sha256", "tokenizer_sha256"):
        with pytest.raises(BadConfig, match="restart"):
            made.restore(tensors, {**scalars, name: "other"})


def test_the_learning_rate_follows_the_schedule_and_the_rollback_scale(chat):
    peaks = {"learning_rate": 3e-3, "matrix_learning_rate": 0.02}
    made = trainer(chat, warmup_steps=2, schedule="linear", **peaks)

    def rates(step, total):
        logged = made.update(step, total)
        return [logged[name] / peak for name, peak in peaks.items()]

    assert rates(0, 20) == pytest.approx([1 / 3] * 2)
    assert rates(0, 10) == pytest.approx([1 / 2] * 2)  # a short training warms up less
    assert rates(2, None) == pytest.approx([1, 1])
    made.lr_scale = 0.5
    assert rates(2, None) == pytest.approx([0.5, 0.5])


class Said(SilentProgress):
    """Keeps what is said."""

    def __init__(self):
        self.lines = []

    def say(self, line):
        self.lines.append(line)


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_a_learning_rate_far_too_high_is_noticed_and_gone_back_from(plain, tmp_path, optimizer):
    """A real divergence: every weight moves by about 1 in a step. A quarter of that is still too much for AdamW."""
    rates = {"learning_rate": 1.0, "matrix_learning_rate": 1.0, "warmup_steps": 0, "schedule": "constant"}
    made, said = trainer(plain, optimizer=optimizer, clip=0.0, **rates), Said()
    (tmp_path / "run").mkdir()
    run, _ = open_for_training(tmp_path / "run", "text", {}, {"path": "d", "hash": "h"}, resume="auto", private=False)
    plan = Plan(steps=40, minutes=None, log_every_steps=2, save_every_steps=2, evaluations=4)
    with StopFlag() as flag:
        if optimizer == "adamw":
            with pytest.raises(AigcError, match=r"diverged: .* at step .*lower the learning rate"):
                train(made, plan, run, said, flag)
        else:
            assert train(made, plan, run, said, flag)["status"] == "finished"
            assert made.evaluate(40)["nats_per_token"] < 2
    back = [line for line in said.lines if "back to step" in line]
    assert [line.rpartition(" x ")[2] for line in back] == ["0.5", "0.25"]
    assert all("worse than guessing" in line for line in back)


def test_the_default_system_turn_is_the_commonest_and_of_equals_the_first(tmp_path):
    records = [dialogue(number) for number in range(24)]
    for number, record in enumerate(records):
        record["messages"][0] = {"role": "system", "content": f"You are Cat {number % 12}."}
    first = trainer(write_set(tmp_path / "chat", "chat", records, records[:1]))
    assert first.tokenizer.default_system == "You are Cat 0."
    records[5]["messages"][0]["content"] = "You are Cat 7."
    other = trainer(write_set(tmp_path / "other", "chat", records, records[:1]))
    assert other.tokenizer.default_system == "You are Cat 7."


def test_previews_answer_held_out_prompts(chat, tmp_path):
    made = trainer(chat)
    line = made.preview(tmp_path / "previews", 7)
    assert "\n" not in line
    records = list(read_jsonl(tmp_path / "previews" / "step-7.jsonl"))
    assert "what did the cat do 20?" in records[0]["prompt"]
    assert all(read_record_label(record)["AIGC"]["Label"] == "1" for record in records)
    assert line == made.preview(tmp_path / "previews", 7)


def test_previews_of_running_text_go_on_from_held_out_places(tmp_path):
    held = " ".join(f"line {number} of it" for number in range(60))
    records = [{"schema": "aigc.text/1", "text": text} for text in ("".join(CORPUS) * 3, held)]
    made = trainer(write_set(tmp_path / "text", "text", records[:1], records[1:]))
    made.preview(tmp_path / "previews", 7)
    prompts = [record["prompt"] for record in read_jsonl(tmp_path / "previews" / "step-7.jsonl")]
    places = [held.index(prompt) for prompt in prompts]
    assert places[0] == 0 < places[1] < places[2]
    made.export(tmp_path, 7, {"bits_per_byte": 1.0})
    assert "as one person does in chats" not in (tmp_path / "README.md").read_text()


def test_impossible_wishes_are_refused(chat, tmp_path, base):
    with pytest.raises(BadConfig, match="width"):
        trainer(chat, width=33)
    with pytest.raises(NoInput, match="smollm2"):
        model_folder("smolm2")
    with pytest.raises(NoInput):
        model_folder(str(tmp_path))
    (chat / "valid.jsonl").write_text("")
    with pytest.raises(BadData, match="held-out"):
        trainer(chat)


def test_automatic_precision_is_bfloat16_only_for_frozen_weights_on_processors_that_have_it(monkeypatch):
    settings = resolve(TrainGptSettings, {}, presets=PRESETS)
    assert frozen_type(settings, "scratch", CPU) == frozen_type(settings, "full", CPU) == torch.float32
    for capable, expected in ((True, torch.bfloat16), (False, torch.float32)):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda capable=capable: {"avx512_bf16": capable})
        assert frozen_type(settings, "lora", CPU) == expected
