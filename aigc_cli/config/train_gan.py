"""Settings of `aigc train-gan`: architecture, loss, optimisation, and how long."""

from dataclasses import dataclass, replace
from typing import Any

from aigc_cli.config.base import did_you_mean, setting
from aigc_cli.config.shared import (
    device_setting,
    dry_run_setting,
    final_lr_setting,
    keep_setting,
    lock_wait_setting,
    plateau_patience_setting,
    save_every_setting,
    schedule_setting,
    tensorboard_setting,
    threads_setting,
)
from aigc_cli.core.errors import UsageProblem
from aigc_cli.core.words.messages import tr

ARCHITECTURES = ("style", "dcgan", "mlp", "resnet", "r3")
SIZES = (16, 32, 64, 128, 256)  # of square pictures, which all but mlp make by doubling
MODULATIONS = ("weight", "adain")  # of style: demodulated weights, or adaptive instance normalisation
MLP_STEP = 4  # what divides the sizes that mlp makes
LOSSES = ("rpgan", "nonsaturating", "minimax", "lsgan", "hinge", "wgan", "wgan-gp")
AUGMENTATIONS = ("flip", "translate", "scale", "rotate", "crop", "cutout", "colour")
# Whose critics still tell pictures apart with every weight within --clip-weights: the dcgan critic normalises what goes
# through it, and the mlp critic is two layers deep. style and resnet scale their weights at run time, so that what is
# clipped is not what acts, and r3's signal dies in its depth: none of the three learned to draw two flat colours.
CLIPPED_ARCHITECTURES = ("dcgan", "mlp")
METRICS = ("random_conv", "efficientnet_lite0")

# What an architecture uses where the setting is not given. The style row's learning rates are the best of those
# tried at 32 pixels with batches of 8; the other rows are their papers' (DCGAN: Radford et al. 2015, sec. 4).
ARCHITECTURE_DEFAULTS: dict[str, dict[str, Any]] = {
    "style": {
        "loss": "rpgan",
        "gamma": 2.0,
        "lr_g": 8e-3,
        "lr_d": 8e-3,
        "beta1": 0.0,
        "beta2": 0.99,
        "z_dim": 64,
        "grow": 0.5,
    },
    "dcgan": {
        "loss": "nonsaturating",
        "gamma": 0.0,
        "lr_g": 2e-4,
        "lr_d": 2e-4,
        "beta1": 0.5,
        "beta2": 0.999,
        "z_dim": 100,
        "grow": 0.0,
    },
    "mlp": {
        "loss": "nonsaturating",
        "gamma": 0.0,
        "lr_g": 1e-4,
        "lr_d": 1e-4,
        "beta1": 0.9,
        "beta2": 0.999,
        "z_dim": 100,
        "grow": 0.0,
    },
    "resnet": {
        "loss": "hinge",
        "gamma": 0.0,
        "lr_g": 2e-4,
        "lr_d": 2e-4,
        "beta1": 0.0,
        "beta2": 0.9,
        "z_dim": 128,
        "grow": 0.0,
    },
    "r3": {
        "loss": "rpgan",
        "gamma": 2.0,
        "lr_g": 1e-3,
        "lr_d": 1e-3,
        "beta1": 0.0,
        "beta2": 0.99,
        "z_dim": 64,
        "grow": 0.0,
    },
}

PRESETS: dict[str, dict[str, Any]] = {
    "auto": {},  # until the set is known: `gan/recipes.py`
    "small": {},
    "tiny": {"width": 0.5},
    "large": {"width": 2.0, "batch_size": 32},
    "projected": {"projected": True, "penalty_every": 8, "gamma": 0.5},
    "dcgan": {"arch": "dcgan", "batch_size": 64},
    "mlp": {"arch": "mlp", "batch_size": 64},
    "wgan": {"arch": "dcgan", "loss": "wgan", "batch_size": 64, "d_steps": 5, "lr_g": 5e-5, "lr_d": 5e-5, "beta1": 0.0},
    "wgan-gp": {
        "arch": "dcgan",
        "loss": "wgan-gp",
        "batch_size": 64,
        "d_steps": 5,
        "penalty_every": 1,
        "lr_g": 1e-4,
        "lr_d": 1e-4,
        "beta1": 0.0,
        "beta2": 0.9,
    },
    "resnet": {"arch": "resnet", "batch_size": 32, "d_steps": 2, "width": 0.25},
    "r3": {"arch": "r3", "batch_size": 16, "width": 0.5},
}


@dataclass(frozen=True, kw_only=True)
class TrainGanSettings:
    """How to train a face generator. What is None takes the architecture's own value."""

    minutes: float | None = setting(30.0, "How long to train.", minimum=0.01)
    steps: int | None = setting(None, "How many steps to train; overrides --minutes.", minimum=1, maximum=1e9)
    preset: str = setting(
        "auto",
        "Named settings to start from: auto takes what measured best for pictures like these; projected needs an "
        "extra, small none, tiny is quicker, large is for GPUs; the others are textbooks' and papers', to compare and "
        "learn.",
        choices=tuple(PRESETS),
    )
    arch: str = setting("style", "Architecture of generator and critic.", choices=ARCHITECTURES, group="recipe")
    init: str | None = setting(
        None,
        "Begin with the weights of another face run, of this size or smaller; one in colour also for grey pictures.",
        metavar="FACE_RUN",
    )
    loss: str | None = setting(None, "Loss (default: the architecture's).", choices=LOSSES, group="recipe")
    batch_size: int = setting(
        8, "Real pictures in a step, and as many generated ones.", minimum=2, maximum=4096, group="recipe"
    )
    width: float = setting(1.0, "Factor on the number of channels.", minimum=0.05, maximum=16, group="recipe")
    modulation: str = setting(
        "weight",
        "How a style sets the features of --arch style: by scaling weights, or by adaptive instance normalisation, "
        "mean and deviation for each channel.",
        choices=MODULATIONS,
        group="recipe",
    )
    z_dim: int | None = setting(
        None, "Numbers in a latent (default: the architecture's).", minimum=1, maximum=4096, group="recipe"
    )
    lr_g: float | None = setting(
        None, "Generator's learning rate (default: the architecture's).", minimum=0, group="recipe"
    )
    lr_d: float | None = setting(
        None, "Critic's learning rate (default: the architecture's).", minimum=0, group="recipe"
    )
    beta1: float | None = setting(
        None, "Adam's first decay (default: the architecture's).", minimum=0, maximum=0.999, group="recipe"
    )
    beta2: float | None = setting(
        None, "Adam's second decay (default: the architecture's).", minimum=0, maximum=0.9999, group="recipe"
    )
    schedule: str = schedule_setting()
    cooldown: float = setting(
        0.3, "Last share of a wsd schedule, in which they fall.", minimum=0.01, maximum=1, group="recipe"
    )
    final_lr: float = final_lr_setting()
    plateau_patience: int = plateau_patience_setting()
    gamma: float | None = setting(
        None, "Weight of the gradient penalties R1 and R2 at 32 pixels; grows with the area.", minimum=0, group="recipe"
    )
    gp_weight: float = setting(10.0, "With --loss wgan-gp: weight of its gradient penalty.", minimum=0, group="recipe")
    clip_weights: float = setting(0.01, "With --loss wgan: largest weight of the critic.", minimum=1e-6, group="recipe")
    penalty_every: int = setting(4, "Take the gradient penalties every so many steps.", minimum=1, group="recipe")
    grow: float | None = setting(
        None,
        "Share of the training in which --arch style grows from 16 pixels to 64 or more (default: half); 0 not at all.",
        minimum=0,
        maximum=0.9,
        group="recipe",
    )
    projected: bool = setting(
        False,
        "Judge by the features of a pretrained network too: far better pictures for the minutes, on EfficientNet-Lite1 "
        "(aigc doctor names its wheel).",
        group="recipe",
    )
    d_steps: int = setting(1, "Critic updates for each update of the generator.", minimum=1, group="recipe")
    class_weight: float | None = setting(
        None,
        "Weight of the label classification terms, for sets with labels (default: 1; with --projected 0).",
        minimum=0,
        group="recipe",
    )
    labels: bool = setting(True, "Use the set's labels.", group="data")
    augment: str = setting(
        "flip",
        "Change pictures at random, real and generated alike: a comma list of flip, translate, scale, rotate, crop, "
        "cutout, colour; or none.",
        metavar="LIST",
        group="data",
    )
    augment_strength: float = setting(
        0.5, "Share of the pictures that each augmentation but flip changes.", minimum=0, maximum=1, group="data"
    )
    augment_adapt: bool = setting(
        False,
        "Let that share follow how far the critic overfits; needs held-out pictures. For few pictures.",
        group="data",
    )
    ema_images: int = setting(
        8000, "Half-life of the averaged generator, in pictures, at most.", minimum=0, group="recipe"
    )
    metric: str = setting(
        "random_conv", "Features whose Fréchet distance chooses the best weights.", choices=METRICS, group="measuring"
    )
    metric_images: int = setting(512, "Generated pictures behind each evaluation.", minimum=16, group="measuring")
    evaluations: int = setting(
        5, "How often to evaluate, keep the best and draw a preview.", minimum=1, group="measuring"
    )
    log_every_steps: int = setting(50, "Steps behind each line of metrics.jsonl.", minimum=1, group="measuring")
    save_minutes: float = setting(2.0, "Minutes between checkpoints.", minimum=0, group="saving")
    save_every: int = save_every_setting()
    keep: int = keep_setting()
    tensorboard: bool = tensorboard_setting()
    patience: int = setting(
        0, "Stop after so many evaluations without a better one; 0 never.", minimum=0, group="measuring"
    )
    sweep_minutes: float = setting(
        2.0, "With --sweep: minutes of each trial.", minimum=0.01, kept=False, group="recipe"
    )
    sweep_only: bool = setting(False, "With --sweep: stop after the trials.", kept=False, group="recipe")
    seed: int = setting(0, "Seed of every random number.", minimum=0, group="recipe")
    threads: int | None = threads_setting()
    device: str = device_setting()
    precision: str = setting(
        "fp32",
        "Of convolutions in training; bf16 is for GPUs and newer processors.",
        choices=("fp32", "bf16"),
        group="machine",
    )
    resume: str = setting(
        "auto",
        "Go on with an existing run, or restart it.",
        choices=("auto", "restart"),
        kept=False,
        acts="deletes",
        group="saving",
    )
    lock_wait: float = lock_wait_setting()
    dry_run: bool = dry_run_setting()


def augmentations(settings: TrainGanSettings) -> tuple[str, ...]:
    """Return the names in `augment`; UsageProblem for one that is not known, or where nothing could adapt."""
    names = tuple(name.strip() for name in settings.augment.split(",") if name.strip() not in ("", "none"))
    for name in names:
        if name not in AUGMENTATIONS:
            raise UsageProblem(tr("--augment {name!r} is not known", name=name), did_you_mean(name, AUGMENTATIONS))
    if settings.augment_adapt and set(names) <= {"flip"}:
        raise UsageProblem(
            tr("--augment-adapt has nothing to adapt"), tr("for example --augment flip,translate,scale,rotate,colour")
        )
    return names


def completed(settings: TrainGanSettings) -> TrainGanSettings:
    """Return the settings with the architecture's own value, or what fits the critics, wherever one was left open.

    Raises UsageProblem where another architecture than style is to grow or to normalise by a style, or the loss clips
    weights that cannot be.
    """
    if settings.grow and settings.arch != "style":
        raise UsageProblem(
            tr("--arch {arch} does not grow", arch=settings.arch), tr("leave out --grow, or use --arch style")
        )
    if settings.modulation != "weight" and settings.arch != "style":
        raise UsageProblem(
            tr("--arch {arch} has no style to modulate with", arch=settings.arch),
            tr("leave out --modulation, or use --arch style"),
        )
    if settings.loss == "wgan" and settings.arch not in CLIPPED_ARCHITECTURES:
        raise UsageProblem(
            tr("--loss wgan clips weights, which the critic of --arch {arch} does not bear", arch=settings.arch),
            tr("use --loss wgan-gp, or --preset wgan"),
        )
    own = {**ARCHITECTURE_DEFAULTS[settings.arch], "class_weight": 0.0 if settings.projected else 1.0}
    return replace(settings, **{name: value for name, value in own.items() if getattr(settings, name) is None})
