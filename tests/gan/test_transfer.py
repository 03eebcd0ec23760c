"""Beginning with another run's weights: all of them at its own size, and its pictures, up-sampled, at a larger one."""

import json

import pytest
import torch
import torch.nn.functional as F

from aigc_cli.config.base import resolve
from aigc_cli.config.train_gan import PRESETS, TrainGanSettings
from aigc_cli.core.disk.checkpoint import read_metadata, save_tensors
from aigc_cli.core.disk.rundir import open_for_training
from aigc_cli.core.disk.snapshots import save_snapshot
from aigc_cli.core.errors import BadConfig, BadData
from aigc_cli.data.pictures.imageset import open_image_set
from aigc_cli.gan.critics.projected import STAGES, ProjectedCritics
from aigc_cli.gan.trainer import build_trainer
from aigc_cli.gan.transfer import place_of
from tests.gan.conftest import write_image_set

CPU = torch.device("cpu")
SMALL = {"width": 0.125, "z_dim": 8, "batch_size": 4, "metric_images": 16, "arch": "style"}
SHAPES = {"style": {}, "r3": {"width": 0.25}, "resnet": {"width": 0.06}, "dcgan": {}, "mlp": {}}


def made(folder, *, seed, **changes):
    settings = resolve(TrainGanSettings, {**SMALL, **changes, "seed": seed}, presets=PRESETS)
    return build_trainer(open_image_set(folder), settings, CPU)


def stored(trainer, folder, *, critic=True):
    """Write a trainer's networks as a finished run has them, after a few steps so that average and generator differ."""
    folder.mkdir()
    run, _ = open_for_training(folder, "face", {}, {"path": "set", "hash": "0"}, resume="auto", private=False)
    for step in range(4):
        trainer.update(step, 10)
    trainer.export(folder, 4, {})
    if critic:
        tensors, scalars = trainer.state()
        save_snapshot(run, 4, tensors, {"trainer": json.loads(json.dumps(scalars))})
    return folder


def tensors_of(trainer, part):
    return {
        name.removeprefix(f"{part}."): value
        for name, value in trainer.state()[0].items()
        if name.startswith(f"{part}.")
    }


@torch.no_grad()
def pictures_of(generator):
    random = torch.Generator().manual_seed(5)
    return generator.eval()(torch.randn(8, SMALL["z_dim"], generator=random), torch.arange(8) % 2)


@pytest.mark.parametrize("arch", SHAPES)
def test_the_same_kind_of_run_gives_all_of_its_average_and_its_critic(arch, image_set, tmp_path):
    settings = {"arch": arch, **SHAPES[arch]}
    old = made(image_set, seed=1, **settings)
    run = stored(old, tmp_path / "run")
    new = made(image_set, seed=2, **settings)
    taken = new.begin_with(run)
    assert (taken.generator, taken.critics) == (taken.of_generator, taken.of_critics)
    for part, source in (("generator", "average"), ("average", "average"), ("critic", "critic")):
        theirs = tensors_of(old, source)
        assert all(torch.equal(value, theirs[name]) for name, value in tensors_of(new, part).items())


@pytest.mark.parametrize(
    ("kind", "size"), [("style", 32), ("style", 64), ("adain", 32), ("adain", 64), ("r3", 32), ("r3", 64)]
)
def test_a_grown_run_begins_with_the_pictures_of_its_base_up_sampled(kind, size, image_set, tmp_path):
    settings = {"modulation": "adain"} if kind == "adain" else {"arch": kind, **SHAPES[kind]}
    old = made(image_set, seed=1, **settings)
    run = stored(old, tmp_path / "run")
    grown = made(write_image_set(tmp_path / "large", size=size), seed=2, **settings)
    grown.begin_with(run)
    small, large = pictures_of(old.average), pictures_of(grown.average)
    doubled = small
    for _ in range(size // 32):
        doubled = F.interpolate(doubled, scale_factor=2.0, mode="bilinear", align_corners=False)
    assert small.std() > 0.1
    assert torch.allclose(large, doubled, atol=1e-4)
    shrunk = F.interpolate(large, size=16, mode="area")
    assert torch.corrcoef(torch.stack([shrunk.flatten(), small.flatten()]))[0, 1] > 0.9


@pytest.mark.parametrize("arch", ["style", "r3"])
def test_what_begins_afresh_in_a_grown_run_learns_from_its_first_steps(arch, image_set, tmp_path):
    settings = {"arch": arch, **SHAPES[arch]}
    run = stored(made(image_set, seed=1, **settings), tmp_path / "run")
    grown = made(write_image_set(tmp_path / "large", size=32), seed=2, **settings)
    grown.begin_with(run)
    before = {name: value.clone() for name, value in tensors_of(grown, "generator").items()}
    for step in range(2):
        grown.update(step, 10)
    outermost = {"style": "rgbs.2.weight", "r3": "ups.2.weight"}[arch]
    assert not torch.equal(tensors_of(grown, "generator")[outermost], before[outermost])


@pytest.mark.parametrize(("arch", "lists"), [("style", "downs"), ("r3", "stages")])
def test_a_grown_critic_takes_each_layer_at_its_resolution_and_begins_the_outermost_afresh(
    arch, lists, image_set, tmp_path
):
    settings = {"arch": arch, **SHAPES[arch]}
    old = made(image_set, seed=1, **settings)
    run = stored(old, tmp_path / "run")
    large = write_image_set(tmp_path / "large", size=32)
    fresh, grown = made(large, seed=2, **settings), made(large, seed=2, **settings)
    taken = grown.begin_with(run)
    assert 0 < taken.generator < taken.of_generator
    assert 0 < taken.critics < taken.of_critics
    theirs, ours, untouched = (tensors_of(trainer, "critic") for trainer in (old, grown, fresh))
    within = {name: value for name, value in ours.items() if name.startswith(f"{lists}.")}
    assert {name.split(".")[1] for name in within} > {"0", "1"}
    for name, value in within.items():
        head, index, *rest = name.split(".")  # the first entry halves 32 pixels, the next one 16
        inner = ".".join([head, str(int(index) - 1), *rest])
        assert torch.equal(value, untouched[name] if index == "0" else theirs[inner])


def test_labels_go_by_their_names_and_new_ones_begin_as_the_mean_of_those_that_there_were(tmp_path):
    old = made(write_image_set(tmp_path / "a", labels=("sad", "happy")), seed=1)
    new = made(write_image_set(tmp_path / "b", labels=("angry", "happy", "sad")), seed=2)
    new.begin_with(stored(old, tmp_path / "run"))
    for part, source, name in (
        ("generator", "average", "embed.weight"),
        ("critic", "critic", "embed"),
        ("critic", "critic", "classify.bias"),
    ):
        ours, (sad, happy) = tensors_of(new, part)[name], tensors_of(old, source)[name]
        assert torch.allclose(ours, torch.stack([(sad + happy) / 2, happy, sad]))


def test_a_begun_run_does_not_grow_and_its_critic_hears_all_that_was_learned(tmp_path):
    path = write_image_set(tmp_path / "set", size=64)
    old = made(path, seed=1)
    assert old.state()[1]["growth"]["resolution"] == 16
    run = stored(old, tmp_path / "run", critic=False)
    new = made(path, seed=2)
    new.begin_with(run)
    above = {name: float(value) for name, value in tensors_of(new, "critic").items() if "from_above" in name}
    assert above == {"from_above.16": 1.0, "from_above.32": 1.0}
    before = tensors_of(new, "generator")["rgbs.3.weight"].clone()
    new.update(0, 10)
    assert new.state()[1]["growth"]["resolution"] == 64
    assert not torch.equal(tensors_of(new, "generator")["rgbs.3.weight"], before)


def test_critics_on_features_judge_as_those_of_the_base_and_take_labels_by_their_names(tmp_path):
    settings = {"projected": True, "loss": "hinge", "metric": "random_conv"}
    old = made(write_image_set(tmp_path / "a", labels=("sad", "happy")), seed=1, **settings)
    grey = write_image_set(tmp_path / "b", channels=1, labels=("happy", "angry", "sad"))
    new = made(grey, seed=2, **settings)
    taken = new.begin_with(stored(old, tmp_path / "run"))
    assert (taken.generator, taken.critics) == (taken.of_generator, taken.of_critics)
    pictures = torch.rand(4, 1, 16, 16, generator=torch.Generator().manual_seed(3)) * 2 - 1
    is_happy = torch.tensor([True, False, True, True])
    with torch.no_grad():
        ours, theirs = (
            critics(critics.features(seen), labels)
            for critics, seen, labels in (
                (features_critics(new), pictures, torch.where(is_happy, 0, 2)),
                (features_critics(old), pictures.expand(-1, 3, -1, -1), torch.where(is_happy, 1, 0)),
            )
        )
    assert all(torch.allclose(mine, its, atol=1e-5) for mine, its in zip(ours, theirs, strict=True))
    for stage in range(len(STAGES)):
        ours, theirs = (tensors_of(trainer, "projected")[f"critics.{stage}.embed"] for trainer in (new, old))
        assert torch.allclose(ours[1], theirs.mean(0))


def features_critics(trainer):
    """Return critics on features as a trainer's checkpoint has them."""
    critics = ProjectedCritics(torch.zeros(2, 3, 16, 16), len(trainer.config["label_names"]), 4)
    critics.load_state_dict(tensors_of(trainer, "projected"))
    return critics.eval()


def test_a_base_without_critics_on_features_leaves_them_as_they_are(image_set, tmp_path):
    run = stored(made(image_set, seed=1), tmp_path / "run")
    settings = {"projected": True, "loss": "rpgan", "metric": "random_conv"}
    new, untouched = made(image_set, seed=2, **settings), made(image_set, seed=2, **settings)
    taken = new.begin_with(run)
    ours, its = tensors_of(new, "projected"), tensors_of(untouched, "projected")
    assert taken.of_critics - taken.critics == len(ours)
    assert all(torch.equal(value, its[name]) for name, value in ours.items())


def test_a_run_without_checkpoints_gives_its_generator_alone(image_set, tmp_path):
    run = stored(made(image_set, seed=1), tmp_path / "run", critic=False)
    taken = made(image_set, seed=2).begin_with(run)
    assert (taken.generator, taken.critics) == (taken.of_generator, 0)


def test_networks_of_another_kind_are_refused(image_set, tmp_path):
    run = stored(made(image_set, seed=1), tmp_path / "run")
    large = write_image_set(tmp_path / "large", size=32)
    for folder, changes, words in (
        (image_set, {"arch": "mlp"}, "it has --arch style, not mlp"),
        (image_set, {"width": 0.25}, "it has --width 0.125, not 0.25"),
        (image_set, {"modulation": "adain"}, "it has --modulation weight, not adain"),
    ):
        with pytest.raises(BadConfig, match=words):
            made(folder, seed=2, **changes).begin_with(run)
    clear = stored(made(write_image_set(tmp_path / "clear", channels=4), seed=1), tmp_path / "transparent")
    with pytest.raises(BadConfig, match="its pictures have 4 channels, not 3"):
        made(image_set, seed=2).begin_with(clear)
    bigger = stored(made(large, seed=1), tmp_path / "bigger")
    with pytest.raises(BadConfig, match="its pictures have 32 pixels, not 16"):
        made(image_set, seed=2).begin_with(bigger)
    for arch in ("resnet", "dcgan", "mlp"):
        settings = {"arch": arch, **SHAPES[arch]}
        other = stored(made(image_set, seed=1, **settings), tmp_path / arch)
        with pytest.raises(BadConfig, match="its pictures have 16 pixels, not 32"):
            made(large, seed=2, **settings).begin_with(other)


def test_a_base_of_before_modulation_had_a_name_is_one_by_weights(image_set, tmp_path):
    old = made(image_set, seed=1)
    del old.config["modulation"]
    run = stored(old, tmp_path / "run")
    assert "modulation" not in json.loads((run / "config.json").read_text())
    taken = made(image_set, seed=2).begin_with(run)
    assert (taken.generator, taken.critics) == (taken.of_generator, taken.of_critics)
    with pytest.raises(BadConfig, match="it has --modulation weight, not adain"):
        made(image_set, seed=2, modulation="adain").begin_with(run)


def test_weights_of_which_none_fits_are_refused(image_set, tmp_path):
    run = stored(made(image_set, seed=1), tmp_path / "run")
    path = run / "generator.safetensors"
    save_tensors(path, {"strange": torch.zeros(3)}, read_metadata(path), labelled=True)
    with pytest.raises(BadData, match="none of its tensors has a place here"):
        made(image_set, seed=2).begin_with(run)


def test_places_of_a_critic_are_named_by_resolution():
    assert place_of("downs.0.weight", "critic", 32) == place_of("downs.1.weight", "critic", 64)
    assert place_of("downs.0.weight", "critic", 32) != place_of("downs.0.weight", "critic", 64)
    assert place_of("mean_0", "projected", 32) == place_of("mean_0", "projected", 64)  # both are seen at 64
    assert place_of("mean_0", "projected", 64) != place_of("mean_0", "projected", 128)
    assert place_of("ups.1.weight", "generator", 32) == place_of("ups.1.weight", "generator", 64)
