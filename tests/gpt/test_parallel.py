"""Two real processes that train one model, against one process: the same losses, and each goes on from the other.

The two run `train_as_one_of_two` below, told who they are by torchrun's variables, and write down what they computed.
"""

import json
import pickletools
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from aigc_cli import app
from aigc_cli.config.base import resolve
from aigc_cli.config.train_gpt import PRESETS, TrainGptSettings
from aigc_cli.core.disk.checkpoint import read_metadata
from aigc_cli.core.disk.rundir import RunDir
from aigc_cli.core.disk.sharded import mesh_of
from aigc_cli.core.disk.snapshots import load_snapshot, save_snapshot
from aigc_cli.core.errors import BadData, UsageProblem
from aigc_cli.core.machine.distributed import ALONE, World, joined
from aigc_cli.data.manifest import open_set
from aigc_cli.gpt.bases.hf import read_model, write_model_folder
from aigc_cli.gpt.trainer import build_trainer
from tests.gpt.models import CORPUS, harsh_model, tokenizer
from tests.gpt.test_trainer import SMALL, dialogue, write_set
from tests.two_processes import run_in_two

STEPS, SAVED_AT = 5, 3
# 5 rows do not go round two processes, and 2 layers of one shape are a round of ShardedMuon.
WAYS = {
    "muon": {"data": "plain"},
    "chat-accumulated": {"data": "chat", "accumulate": 2},
    "lora": {"data": "chat", "init": "base", "learning_rate": 0.01},
    "lora-upper": {"data": "chat", "init": "base", "lora_layers": 1, "learning_rate": 0.01},
    "fsdp-muon": {"data": "plain", "parallel": "fsdp"},
    "fsdp-adamw-tied": {"data": "plain", "parallel": "fsdp", "optimizer": "adamw", "init": "base", "finetune": "full"},
}


def trainer(folder, way, world):
    words = dict(WAYS[way])
    data = folder / words.pop("data")
    if "init" in words:
        words["init"] = str(folder / "base")
    settings = {**SMALL, "batch_size": 5, "precision": "fp32", "seed": 1, **words}
    made = resolve(TrainGptSettings, settings, presets=PRESETS)
    return build_trainer(open_set(data), made, torch.device("cpu"), world=world)


def trained(made, run, world, first=0):
    """Train from step `first` on, save on the way, and return each step's loss and norm, and the last evaluation."""
    measured = []
    for step in range(first, STEPS):
        if step == SAVED_AT and not first:
            tensors, scalars = made.state()
            save_snapshot(run, step, tensors, {"trainer": scalars}, world)
            world.wait()
        metrics = made.update(step, STEPS)
        measured += [float(metrics["loss"]), float(metrics["gradient_norm"])]
    return [*measured, *made.evaluate(STEPS).values()]


def resumed(made, run, world):
    tensors, state = load_snapshot(run, SAVED_AT, mesh_of(made.state()[0]))
    made.restore(tensors, state["trainer"])
    return trained(made, run, world, SAVED_AT)


def train_as_one_of_two(folder):
    """Train in every way, from the start and from what one process saved, and write what was measured."""
    torch.set_num_threads(1)
    results = {}
    with joined("cpu") as world:
        for way in WAYS:
            made = trainer(folder, way, world)
            results[way] = trained(made, RunDir(folder / f"{way}-by-two"), world)
            root = folder / f"{way}-root"
            if world.is_main:
                root.mkdir()
            world.wait()
            made.export(root, STEPS, {})
            made.preview(root / "previews", STEPS)
            results[f"{way} from one"] = resumed(trainer(folder, way, world), RunDir(folder / f"{way}-by-one"), world)
        (folder / f"rank-{world.rank}.json").write_text(json.dumps(results))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Sets, a model to start from, what one process saved and measured, then what two did with it."""
    folder = tmp_path_factory.mktemp("parallel")
    record = {"schema": "aigc.text/1", "text": "".join(CORPUS)}
    write_set(folder / "plain", "text", [record] * 3, [record])
    write_set(folder / "chat", "chat", [dialogue(k) for k in range(10)], [dialogue(k) for k in (20, 21, 22)])
    (folder / "base").mkdir()
    model = harsh_model("llama", std=0.1)
    write_model_folder(folder / "base", model, dict(model.state_dict()), tokenizer(), "# card", {})
    alone = {way: trained(trainer(folder, way, ALONE), RunDir(folder / f"{way}-by-one"), ALONE) for way in WAYS}
    (folder / "alone.json").write_text(json.dumps(alone))
    run_in_two(__name__, folder)
    return folder


@pytest.fixture(scope="module")
def measured(folder):
    names = ("alone", "rank-0", "rank-1")
    return {name: json.loads((folder / f"{name}.json").read_text()) for name in names}


@pytest.mark.parametrize("way", WAYS)
class TestTwoProcesses:
    def test_measure_what_one_does(self, way, measured):
        assert measured["rank-0"][way] == pytest.approx(measured["alone"][way], rel=1e-5, abs=1e-5)
        assert len(set(measured["alone"][way])) == 2 * STEPS + 2

    def test_measure_the_same_bits(self, way, measured):
        assert measured["rank-0"][way] == measured["rank-1"][way]

    def test_go_on_from_what_one_saved(self, way, measured):
        after = 2 * SAVED_AT
        assert measured["rank-0"][f"{way} from one"] == pytest.approx(measured["alone"][way][after:], rel=1e-5)

    def test_save_what_one_goes_on_from(self, way, folder, measured):
        run = RunDir(folder / f"{way}-by-two")
        assert any(run.checkpoint(SAVED_AT).glob("shard-00002*")) == way.startswith("fsdp")
        after = 2 * SAVED_AT
        assert resumed(trainer(folder, way, ALONE), run, ALONE) == pytest.approx(
            measured["alone"][way][after:], rel=1e-5
        )

    def test_leave_a_whole_model_and_no_pickle(self, way, folder, measured):
        root = folder / f"{way}-root"
        made = trainer(folder, way, ALONE)
        made.model = read_model(root).requires_grad_(False)
        made.first_block, made.states = 0, None
        made.held = trainer(folder, way.replace("-upper", ""), ALONE).held
        bits = made.evaluate(STEPS)["bits_per_byte"]
        assert bits == pytest.approx(measured["alone"][way][-1], rel=1e-4)
        files = [path for place in (root, folder / f"{way}-by-two") for path in place.rglob("*") if path.is_file()]
        assert {path.suffix for path in files} <= {".json", ".jsonl", ".safetensors", ".md", ".jinja"}
        for path in files:
            with pytest.raises(ValueError):
                list(pickletools.genops(path.read_bytes()))


def test_what_two_processes_saved_in_parts_is_labelled_and_damage_to_any_part_is_found(folder, tmp_path):
    run = RunDir(shutil.copytree(folder / "fsdp-muon-by-two", tmp_path / "run"))
    parts = sorted(run.checkpoint(SAVED_AT).glob("shard-*.safetensors"))
    assert len(parts) == 2
    assert app.run(["label", "verify", str(run.path), "-q"]) == 0
    for part in parts:
        whole = part.read_bytes()
        part.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        assert app.run(["label", "verify", str(run.path), "-q"]) == 65
        with pytest.raises(BadData, match="altered"):
            load_snapshot(run, SAVED_AT)
        part.write_bytes(whole)
    assert load_snapshot(run, SAVED_AT)[0]


def test_parts_that_an_earlier_version_saved_without_a_seal_are_read(folder, tmp_path):
    run = RunDir(shutil.copytree(folder / "fsdp-muon-by-two", tmp_path / "run"))
    before = load_snapshot(run, SAVED_AT)[0]
    for part in run.checkpoint(SAVED_AT).glob("shard-*.safetensors"):
        kept = {name: text for name, text in read_metadata(part).items() if name.startswith("DCP") or name == "format"}
        save_file(load_file(part), part, kept)
    after = load_snapshot(run, SAVED_AT)[0]
    assert before.keys() == after.keys() and all(torch.equal(before[name], after[name]) for name in before)


def test_sharding_is_for_all_weights(folder):
    settings = resolve(
        TrainGptSettings, {"init": str(folder / "base"), "parallel": "fsdp", "finetune": "lora"}, presets=PRESETS
    )
    with pytest.raises(UsageProblem, match="--parallel ddp"):
        build_trainer(open_set(folder / "chat"), settings, torch.device("cpu"), world=World(0, 2))
