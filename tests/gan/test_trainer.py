"""Training as a whole on 18 tiny pictures: it resumes bit-equal, does not disturb itself, and learns its labels."""

import json

import pytest
import torch

from aigc_cli.config.base import resolve
from aigc_cli.config.train_gan import AUGMENTATIONS, PRESETS, TrainGanSettings, completed
from aigc_cli.core.disk.provenance import read_png_label
from aigc_cli.core.disk.rundir import open_for_training
from aigc_cli.core.errors import BadData, UsageProblem
from aigc_cli.core.machine.signals import StopFlag
from aigc_cli.core.screen.progress import SilentProgress
from aigc_cli.data.pictures.imageset import open_image_set
from aigc_cli.gan.adaptation import MEASURED_EVERY
from aigc_cli.gan.sampler import load_generator
from aigc_cli.gan.trainer import build_trainer
from aigc_cli.training.loop import train
from aigc_cli.training.plan import Plan
from tests.gan.conftest import write_image_set

CPU = torch.device("cpu")
SMALL = {"width": 0.125, "z_dim": 8, "batch_size": 4, "metric_images": 16, "metric": "random_conv", "seed": 3}
KINDS = {
    "style": {},
    "style-augmented": {"augment": "flip,translate,scale", "d_steps": 2, "penalty_every": 2, "labels": False},
    "style-adapting": {"augment": ",".join(AUGMENTATIONS), "augment_adapt": True},
    "style-no-classes": {"class_weight": 0.0, "augment": "none"},
    "style-minimax": {"loss": "minimax"},
    "style-not-growing": {"grow": 0.0},
    "style-adain": {"modulation": "adain"},
    "projected": {"preset": "projected", "penalty_every": 2},
    "dcgan": {"arch": "dcgan"},
    "mlp": {"arch": "mlp"},
    "resnet": {"preset": "resnet", "width": 0.06},
    "r3": {"preset": "r3"},
    "wgan": {"preset": "wgan", "d_steps": 2},
    "wgan-gp": {"preset": "wgan-gp", "d_steps": 2},
}


def made(path, *, device=CPU, **changes):
    return build_trainer(open_image_set(path), resolve(TrainGanSettings, {**SMALL, **changes}, presets=PRESETS), device)


def weights(trainer):
    return {name: tensor.clone() for name, tensor in trainer.state()[0].items()}


def same(first, second):
    assert first.keys() == second.keys()
    return all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("kind", KINDS)
def test_resumed_training_is_bit_equal(image_set, kind):
    whole, cut = made(image_set, **KINDS[kind]), made(image_set, **KINDS[kind])
    for step in range(8):
        whole.update(step, 8)
    for step in range(5):
        cut.update(step, 8)
    tensors, scalars = cut.state()
    resumed = made(image_set, **KINDS[kind])
    resumed.restore({name: tensor.clone() for name, tensor in tensors.items()}, json.loads(json.dumps(scalars)))
    for step in range(5, 8):
        resumed.update(step, 8)
    assert same(weights(resumed), weights(whole))


def test_a_training_that_grows_resumes_bit_equal_before_and_after_growing(tmp_path):
    path = write_image_set(tmp_path / "large", size=64)
    settings = {"preset": "projected", "batch_size": 2, "penalty_every": 2}
    settings |= {"augment_adapt": True, "augment": "flip,translate"}
    whole = made(path, **settings)
    resolutions = []
    for step in range(8):
        whole.update(step, 8)
        resolutions.append(whole.state()[1]["growth"]["resolution"])
    assert resolutions == [16, 16, 32, 32, 32, 64, 64, 64]
    for stopped in (3, 6):
        cut, resumed = made(path, **settings), made(path, **settings)
        for step in range(stopped):
            cut.update(step, 8)
        tensors, scalars = cut.state()
        resumed.restore({name: tensor.clone() for name, tensor in tensors.items()}, json.loads(json.dumps(scalars)))
        for step in range(stopped, 8):
            resumed.update(step, 8)
        assert same(weights(resumed), weights(whole))


def test_an_adapting_strength_moves_and_resumes_in_the_middle_of_measuring(image_set):
    settings = {**KINDS["style-adapting"], "z_dim": 2}
    whole, cut = made(image_set, **settings), made(image_set, **settings)
    logged = [whole.update(step, 40)["augment_strength"] for step in range(40)]
    for step in range(20):
        cut.update(step, 40)
    resumed = made(image_set, **settings)
    tensors, scalars = cut.state()
    assert scalars["adaptation"]["count"] == 2
    resumed.restore({name: tensor.clone() for name, tensor in tensors.items()}, json.loads(json.dumps(scalars)))
    assert [resumed.update(step, 40)["augment_strength"] for step in range(20, 40)] == logged[20:]
    assert logged[0] == 0.5 != logged[-1]
    assert same(weights(resumed), weights(whole))


def test_measuring_how_the_critic_overfits_leaves_its_running_statistics_alone(image_set):
    """Held-out pictures never reach the weights or the normalisation: only the strength knows of them."""
    settings = {"arch": "dcgan", "augment": "flip,translate"}
    alone, measured = made(image_set, **settings), made(image_set, **settings, augment_adapt=True)
    for trainer in (alone, measured):
        for step in range(MEASURED_EVERY):
            trainer.update(step, 2 * MEASURED_EVERY)
    assert measured.state()[1]["adaptation"]["count"] == 1
    assert same(weights(measured), weights(alone))


def test_augmentations_that_do_not_fit_are_refused(image_set, tmp_path):
    with pytest.raises(UsageProblem, match="'colou' is not known") as problem:
        made(image_set, augment="flip,colou")
    assert "colour" in problem.value.remedy
    with pytest.raises(UsageProblem, match="nothing to adapt"):
        made(image_set, augment_adapt=True)
    few = write_image_set(tmp_path / "few", count=12)
    with pytest.raises(BadData, match="at least 4 held-out images"):
        made(few, augment="colour", augment_adapt=True)


@pytest.mark.parametrize("kind", KINDS)
def test_looking_does_not_disturb(image_set, kind, tmp_path):
    watched, alone = made(image_set, **KINDS[kind]), made(image_set, **KINDS[kind])
    for step in range(4):
        watched.update(step, 4)
        watched.evaluate(step + 1)
        watched.preview(tmp_path, step + 1)
        watched.export(tmp_path, step + 1, {})
        alone.update(step, 4)
    assert same(weights(watched), weights(alone))


def test_seeds_give_different_runs(image_set):
    first, second = made(image_set), made(image_set, seed=4)
    assert not same(weights(first), weights(second))


def test_every_number_that_is_asked_for_is_logged(image_set):
    trainer = made(image_set)
    logged = trainer.update(0, 10)
    assert {
        "loss_g",
        "loss_d",
        "mean_d_real",
        "mean_d_generated",
        "critic_accuracy",
        "gradient_norm_g",
        "gradient_norm_d",
        "r1",
        "r2",
    } <= logged.keys()
    assert all(torch.isfinite(torch.as_tensor(value)).all() for value in logged.values())
    evaluated = trainer.evaluate(1)
    assert {trainer.objective, "spread", "critic_accuracy_train", "critic_accuracy_valid"} <= evaluated.keys()
    assert "critic_accuracy_generated" in evaluated and trainer.objective == "frechet[random_conv]"


def test_penalties_are_lazy(image_set):
    trainer = made(image_set, penalty_every=3)
    assert ["r1" in trainer.update(step, 6) for step in range(6)] == [True, False, False, True, False, False]


def test_the_critic_is_trained_d_steps_times_for_each_generator(image_set):
    trainer = made(image_set, d_steps=3)
    before = weights(trainer)
    assert ["loss_g" in trainer.update(step, 6) for step in range(3)] == [False, False, True]
    after = weights(trainer)
    assert after["adam_d.0.step"].item() == 3 and after["adam_g.0.step"].item() == 1
    assert not torch.equal(before["generator.constant"], after["generator.constant"])


def test_the_generator_s_phase_leaves_no_gradient_in_the_critic(image_set):
    """The critic is frozen there: its weights want gradients again after it, and none was added."""
    with_generator, without = (made(image_set, d_steps=d_steps) for d_steps in (1, 2))
    for trainer in (with_generator, without):
        trainer.update(0, 2)
    gradients = [[p.grad for p in trainer._own.critic.parameters()] for trainer in (with_generator, without)]
    assert all(torch.equal(one, other) for one, other in zip(*gradients, strict=True) if one is not None)
    assert all(p.requires_grad for p in with_generator._own.critic.parameters())


def test_learning_rates_follow_the_schedule_and_the_loop_s_scale(image_set):
    """Without a first moment, Adam's first step moves every weight that it moves by the learning rate."""
    trainer = made(image_set, lr_g=0.01, lr_d=0.02, schedule="linear")
    trainer.lr_scale = 0.5
    before = weights(trainer)
    logged = trainer.update(120, 220)  # in the middle of what follows the warm-up
    assert (logged["lr_g"], logged["lr_d"]) == pytest.approx((0.5 * 0.01 * 0.5, 0.5 * 0.02 * 0.5))
    for part, rate in (("generator", 0.5 * 0.01 * 0.5), ("critic", 0.5 * 0.02 * 0.5)):
        moved = [(value - before[name]).abs().max() for name, value in weights(trainer).items() if part in name]
        assert float(max(moved)) == pytest.approx(rate, rel=1e-3)


def test_it_learns_brightness_as_label_under_the_loop(image_set, tmp_path):
    settings = {"lr_g": 0.01, "lr_d": 0.01, "augment": "none", "ema_images": 100}
    trainer = made(image_set, **settings)
    (tmp_path / "run").mkdir()
    run, _ = open_for_training(tmp_path / "run", "face", {}, {"path": "set", "hash": "0"}, resume="auto", private=False)
    plan = Plan(steps=250, minutes=None, evaluations=2)
    with StopFlag() as flag:
        record = train(trainer, plan, run, SilentProgress(), flag)
    assert record["status"] == "finished"
    sampler = load_generator(run.path)
    dark, light = (sampler.pictures(range(16), 0, [label] * 16).float().mean() for label in (0, 1))
    assert light - dark > 60
    previews = sorted((run.path / "previews").glob("*.png"))
    assert len(previews) >= 2
    assert read_png_label(previews[0].read_bytes())["AIGC"]["Label"] == "1"


def test_a_collapse_is_told_from_a_beginning_and_is_remembered_by_a_checkpoint(image_set):
    trainer = made(image_set)
    assert trainer.trouble({"spread": 0.02}) == ""  # nothing has spread yet
    assert trainer.trouble({"spread": 0.9}) == ""
    assert trainer.trouble({"spread": 0.4}) == ""
    resumed = made(image_set)
    resumed.restore(*trainer.state())
    for one in (trainer, resumed):
        assert "their spread fell from 0.90 to 0.02 of the real pictures'" in one.trouble({"spread": 0.02})


def test_labels_can_be_left_out(image_set):
    trainer = made(image_set, labels=False)
    assert trainer.config["label_names"] == [] and "class_loss_real" not in trainer.update(0, 2)
    assert "class_loss_real" in made(image_set).update(0, 2)


def test_sets_that_do_not_fit_are_refused(image_set, tmp_path):
    with pytest.raises(BadData, match=r"18 training images; --batch-size 32 needs 32"):
        made(image_set, batch_size=32)
    with pytest.raises(BadData, match=r"1 training images.*add images: a batch takes at least 2"):
        made(write_image_set(tmp_path / "one", count=2))
    odd = write_image_set(tmp_path / "odd", size=20)
    with pytest.raises(UsageProblem, match="20"):
        made(odd)
    assert made(odd, arch="mlp").config["size"] == 20


def test_a_summary_says_the_balance_the_speed_and_the_distance(image_set):
    trainer = made(image_set)
    line = trainer.summary(
        {"critic_accuracy": 0.7, "images_per_second": 40.0, trainer.objective: 12.34, "spread": 0.91}
    )
    assert line == "balanced (critic 70%), 40 images/s, distance 12.3, spread 0.91"
    assert trainer.summary({"augment_strength": 0.256}) == "augmentation 26%"


def test_open_settings_take_the_architecture_s_own():
    settings = completed(TrainGanSettings(arch="dcgan", lr_g=0.5))
    assert (settings.loss, settings.beta1, settings.lr_g, settings.lr_d) == ("nonsaturating", 0.5, 0.5, 2e-4)
    assert (settings.class_weight, completed(TrainGanSettings(projected=True)).class_weight) == (1.0, 0.0)
    assert completed(TrainGanSettings(projected=True, class_weight=0.3)).class_weight == 0.3


def test_only_an_architecture_with_a_style_can_normalise_by_it():
    assert completed(TrainGanSettings(modulation="adain")).modulation == "adain"
    with pytest.raises(UsageProblem, match="--arch dcgan has no style to modulate with") as problem:
        completed(TrainGanSettings(arch="dcgan", modulation="adain"))
    assert "leave out --modulation" in problem.value.remedy


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_are_valid(preset):
    assert completed(resolve(TrainGanSettings, {"preset": preset}, presets=PRESETS)).lr_g


def test_wasserstein_weights_stay_clipped(image_set):
    trainer = made(image_set, preset="wgan", clip_weights=0.005)
    for step in range(3):
        trainer.update(step, 3)
    critic = [value for name, value in weights(trainer).items() if name.startswith("critic.layers")]
    parameters = [value for value in critic if value.is_floating_point()]
    assert max(float(value.abs().max()) for value in parameters if value.dim() == 4) <= 0.005


@pytest.mark.parametrize("arch", ["style", "resnet", "r3"])
def test_critics_that_do_not_bear_clipped_weights_are_refused_with_the_remedy(arch):
    with pytest.raises(UsageProblem, match=f"the critic of --arch {arch}") as problem:
        completed(TrainGanSettings(arch=arch, loss="wgan"))
    assert "--loss wgan-gp, or --preset wgan" in problem.value.remedy


def test_only_the_interpolated_penalty_is_taken_where_the_loss_asks_for_it(image_set):
    logged = made(image_set, preset="wgan-gp").update(0, 2)
    assert "r1" not in logged
    assert 0 < logged["gradient_penalty"].item() < 1
    assert "gradient_penalty" not in made(image_set).update(0, 2)
