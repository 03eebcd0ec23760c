"""Two real processes that train one pair of networks, against one process: the same numbers, and one goes on from two.

The two run `train_as_one_of_two` below, told who they are by torchrun's variables, and write down what they computed.
"""

import json

import pytest
import torch

from aigc_cli.config.base import resolve
from aigc_cli.config.train_gan import AUGMENTATIONS, PRESETS, TrainGanSettings
from aigc_cli.core.disk.rundir import RunDir
from aigc_cli.core.disk.snapshots import load_snapshot, save_snapshot
from aigc_cli.core.errors import UsageProblem
from aigc_cli.core.machine.distributed import ALONE, World, joined
from aigc_cli.data.pictures.imageset import open_image_set
from aigc_cli.gan.shares import Draws
from aigc_cli.gan.trainer import build_trainer
from tests.gan.conftest import write_image_set
from tests.two_processes import run_in_two

STEPS, SAVED_AT = 9, 5
SMALL = {"width": 0.125, "z_dim": 8, "batch_size": 8, "metric_images": 16, "seed": 3, "lr_g": 1e-3, "lr_d": 1e-3}
WAYS = {
    "style": {"penalty_every": 2},
    "style-adapting": {"augment": ",".join(AUGMENTATIONS), "augment_adapt": True, "d_steps": 2, "loss": "hinge"},
    "projected": {"preset": "projected", "penalty_every": 2},
    "wgan-gp": {"arch": "mlp", "loss": "wgan-gp", "penalty_every": 2, "augment": "flip,translate"},
}


def trainer(folder, world, **changes):
    settings = resolve(TrainGanSettings, {**SMALL, **changes}, presets=PRESETS)
    return build_trainer(open_image_set(folder / "set"), settings, torch.device("cpu"), world)


@pytest.fixture(autouse=True, scope="module")
def in_float64():
    """Adam divides by the size of a gradient: where one is zero but for rounding, float32 would compare noise."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def trained(made, run, world, first=0):
    """Train from step `first` on, save on the way; return each step's scalars, an evaluation, weights and the rest."""
    logged = []
    for step in range(first, STEPS):
        if step == SAVED_AT and not first:
            tensors, scalars = made.state()
            save_snapshot(run, step, tensors, {"trainer": scalars}, world)
            world.wait()
        scalars = made.update(step, STEPS)
        logged.append({name: float(torch.as_tensor(value).detach()) for name, value in scalars.items()})
    tensors, scalars = made.state()
    weights = {
        name: tensor.flatten().tolist() for name, tensor in tensors.items() if name.startswith(("average", "critic"))
    }
    return {"logged": logged, "evaluated": made.evaluate(STEPS), "weights": weights, "scalars": scalars}


def resumed(made, run, world):
    tensors, state = load_snapshot(run, SAVED_AT)
    made.restore(tensors, state["trainer"])
    return trained(made, run, world, SAVED_AT)


def train_as_one_of_two(folder):
    """Train in every way, from the start and from what one process saved, and write what was measured."""
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    results = {}
    with joined("cpu") as world:
        for way in WAYS:
            made = trainer(folder, world, **WAYS[way])
            results[way] = trained(made, RunDir(folder / f"{way}-by-two"), world)
            own = folder / f"{way}-root-{world.rank}"
            own.mkdir()
            made.export(own, STEPS, {})
            made.preview(own / "previews", STEPS)
            results[f"{way} from one"] = resumed(
                trainer(folder, world, **WAYS[way]), RunDir(folder / f"{way}-by-one"), world
            )
        (folder / f"rank-{world.rank}.json").write_text(json.dumps(results))


@pytest.fixture(scope="module")
def folder(in_float64, tmp_path_factory):
    """A set, what one process saved and measured, then what two did with it."""
    folder = tmp_path_factory.mktemp("parallel")
    write_image_set(folder / "set", count=40)
    alone = {way: trained(trainer(folder, ALONE, **WAYS[way]), RunDir(folder / f"{way}-by-one"), ALONE) for way in WAYS}
    (folder / "alone.json").write_text(json.dumps(alone))
    run_in_two(__name__, folder)
    return folder


@pytest.fixture(scope="module")
def measured(folder):
    names = ("alone", "rank-0", "rank-1")
    return {name: json.loads((folder / f"{name}.json").read_text()) for name in names}


def agree(first, second, path=""):
    """Compare all numbers in two nested values."""
    if isinstance(first, dict):
        assert first.keys() == second.keys(), path
        for name in first:
            agree(first[name], second[name], f"{path} {name}")
    elif isinstance(first, list) and first and isinstance(first[0], dict):
        for index, (one, other) in enumerate(zip(first, second, strict=True)):
            agree(one, other, f"{path} {index}")
    elif isinstance(first, float) or (isinstance(first, list) and isinstance(first[0], float)):
        assert first == pytest.approx(second, rel=1e-9, abs=1e-9), path
    else:
        assert first == second, path


@pytest.mark.parametrize("way", WAYS)
class TestTwoProcesses:
    def test_measure_and_learn_what_one_does(self, way, measured):
        agree(measured["rank-0"][way], measured["alone"][way])
        assert len({line["loss_d"] for line in measured["alone"][way]["logged"]}) == STEPS

    def test_measure_the_same_bits(self, way, measured):
        """Else a number that is not finite in one process alone would let them part."""
        assert measured["rank-0"][way] == measured["rank-1"][way]

    def test_go_on_from_what_one_saved(self, way, measured):
        agree(measured["rank-0"][f"{way} from one"]["weights"], measured["alone"][way]["weights"])

    def test_save_what_one_goes_on_from(self, way, folder, measured):
        made = trainer(folder, ALONE, **WAYS[way])
        agree(resumed(made, RunDir(folder / f"{way}-by-two"), ALONE)["weights"], measured["alone"][way]["weights"])

    def test_write_once(self, way, folder, measured):
        assert {path.name for path in (folder / f"{way}-root-0").iterdir()} >= {"generator.safetensors", "previews"}
        assert not list((folder / f"{way}-root-1").iterdir())


def test_an_overfitting_measured_by_two_is_that_of_one(measured):
    """It was measured once in these steps; the sums of the logits are what moves the strength."""
    assert measured["alone"]["style-adapting"]["scalars"]["adaptation"]["count"] == 1


def test_the_draws_of_all_processes_are_those_of_one():
    def draws(world):
        random = Draws(torch.Generator().manual_seed(5), world)
        count = 12 // world.size
        return [random.uniform(count), random.normal(count, 3), random.integers(0, 100, count, 2)]

    whole = draws(ALONE)
    for size in (2, 3):
        shares = [draws(World(rank, size)) for rank in range(size)]
        assert all(torch.equal(torch.cat(parts), one) for one, *parts in zip(whole, *shares, strict=True))


@pytest.mark.parametrize(("batch_size", "size", "fitting"), [(8, 4, 16), (12, 2, 16), (6, 2, 8)])
def test_shares_that_would_split_the_groups_of_the_critic_are_refused(folder, batch_size, size, fitting):
    with pytest.raises(UsageProblem, match="shares of a multiple of 4 pictures") as problem:
        trainer(folder, World(0, size), batch_size=batch_size)
    assert f"--batch-size {fitting}," in problem.value.remedy
    trainer(folder, World(0, size), batch_size=fitting)


def test_shares_that_would_split_the_groups_of_projected_critics_are_refused(folder):
    with pytest.raises(UsageProblem, match="2 shares of a multiple of 4 pictures"):
        trainer(folder, World(0, 2), arch="r3", projected=True, batch_size=12)
    trainer(folder, World(0, 2), arch="r3", projected=True, batch_size=16)


def test_shares_must_be_equal_where_nothing_is_grouped(folder):
    with pytest.raises(UsageProblem, match="3 shares of a multiple of 1 pictures"):
        trainer(folder, World(0, 3), arch="r3")
    trainer(folder, World(0, 4), arch="r3")


@pytest.mark.parametrize("preset", ["dcgan", "resnet", "wgan-gp"])
def test_networks_that_normalise_over_the_batch_are_refused_in_several_processes(folder, preset):
    with pytest.raises(UsageProblem, match="normalises over a whole batch") as problem:
        trainer(folder, World(0, 2), preset=preset, batch_size=8)
    assert "without torchrun" in problem.value.remedy
