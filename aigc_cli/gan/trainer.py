"""The alternation of adversarial training, and what the loop asks of a trainer.

`update` is one step: every critic learns from real and generated pictures, then the generator from all of them as they
are now. Who learns how stands with each side: `generator`, `critics.own`, `critics.projected`. Every random number of
step k comes from streams that name k. Of several processes each computes its share of the batch; gradients and what
is logged are their means. Knows nothing of time or run folders.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from aigc_cli.config.train_gan import TrainGanSettings, completed
from aigc_cli.core.disk.checkpoint import save_tensors
from aigc_cli.core.disk.files import write_json
from aigc_cli.core.errors import BadData
from aigc_cli.core.machine.distributed import ALONE, World
from aigc_cli.core.seeding import stream
from aigc_cli.core.words.messages import tr
from aigc_cli.data.pictures.imageset import ImageSet
from aigc_cli.gan.architectures.contract import Critic, Generator
from aigc_cli.gan.architectures.networks import CONFIG_SEAL, check_size, config_digest, make_critic, make_generator
from aigc_cli.gan.architectures.style import reduced
from aigc_cli.gan.augmenter import Augmenter
from aigc_cli.gan.balance import collapse_in_words
from aigc_cli.gan.critics.objective import OBJECTIVES
from aigc_cli.gan.critics.own import OwnSide
from aigc_cli.gan.critics.projected import ProjectedSide, projected_critics
from aigc_cli.gan.expectation import expectation_in_words
from aigc_cli.gan.generator import GeneratorSide
from aigc_cli.gan.growth import Growth, growing_resolutions
from aigc_cli.gan.judge import Judge
from aigc_cli.gan.pictures import RealPictures
from aigc_cli.gan.report import critic_standing, progress_in_words, write_preview
from aigc_cli.gan.shares import Draws, check_shares
from aigc_cli.gan.sides import Computing, CriticSide, Metrics, Side, Turn
from aigc_cli.gan.transfer import Taken, begin_with
from aigc_cli.training.schedule import Schedule

WARMUP_STEPS = 20
PREVIEW_COUNT = 40
STANDING_COUNT = 256


def build_trainer(
    images: ImageSet, settings: TrainGanSettings, device: torch.device, world: World = ALONE
) -> "GanTrainer":
    """Return a trainer on a prepared image set.

    Raises UsageProblem for a size that the architecture cannot make or a batch that `world` cannot share, BadData
    where the set has fewer training pictures than a batch.
    """
    check_size(settings.arch, images.size)
    count = int((~images.is_valid).sum())
    if count < settings.batch_size:
        raise BadData(
            tr(
                "{data}: {count} training images; --batch-size {batch_size} needs {batch_size}",
                data=images.path,
                count=count,
                batch_size=settings.batch_size,
            ),
            tr("lower it or add images") if count > 1 else tr("add images: a batch takes at least 2"),
        )
    if settings.augment_adapt and int(images.is_valid.sum()) < settings.batch_size:
        raise BadData(
            tr(
                "{data}: --augment-adapt needs at least {count} held-out images",
                data=images.path,
                count=settings.batch_size,
            ),
            tr("hold out more with aigc prepare images --valid, or use --no-augment-adapt"),
        )
    return GanTrainer(images, completed(settings), device, world)


class GanTrainer:
    """A generator and its critics on one image set."""

    def __init__(self, images: ImageSet, settings: TrainGanSettings, device: torch.device, world: World) -> None:
        self.lr_scale = 1.0
        self.batch_size, self.counted = settings.batch_size, "images"
        self.schedule = Schedule(
            kind=settings.schedule, warmup_steps=WARMUP_STEPS, cooldown=settings.cooldown, final=settings.final_lr
        )
        self._widest_spread = 0.0
        self._settings, self._world = settings, world
        computing = Computing(device, settings.precision, world)
        self._real = RealPictures(images, settings, computing)
        self.config: dict[str, Any] = {
            "schema": "aigc.face/1",
            "arch": settings.arch,
            "size": images.size,
            "channels": images.channels,
            "bit_depth": 16 if images.pixels.dtype == torch.uint16 else 8,
            "label_names": list(self._real.label_names),
            "z_dim": settings.z_dim,
            "width": settings.width,
            **({"modulation": settings.modulation} if settings.arch == "style" else {}),
        }
        generator, critic = made_networks(self.config, settings, device)
        check_shares(generator, critic, settings, world)
        self._generator = GeneratorSide(generator, settings, computing)
        self._own = OwnSide(critic, settings, computing)
        self._critics: list[CriticSide] = [self._own]
        if settings.projected:
            features = projected_critics(self._real, settings, computing)
            self._critics.append(ProjectedSide(features, settings, computing))
        self._sides: list[Side] = [self._generator, *self._critics]
        self._augmenter = Augmenter(settings, computing)
        self._growth = Growth(images.size, settings.grow or 0.0)
        self._begin_at(self._growth.first)
        self._judge = Judge(images, settings.metric, settings.metric_images, settings.seed, device)
        self.objective, self._nearness = self._judge.objective, self._judge.nearness

    @property
    def average(self) -> Generator:
        """The averaged generator: what is judged, shown and kept."""
        return self._generator.average

    @property
    def pace_since(self) -> int:
        """The step from which on a step costs what it does now."""
        return self._growth.since

    def begin_with(self, run: Path) -> Taken:
        """Begin with another face run's networks, at the full size; the average begins as the generator does."""
        self._growth.finish()
        self._begin_at(self._growth.resolution)
        critics = {side.learner.name: side.learner.network for side in self._critics}
        taken = begin_with(run, self.config, self._generator.network, critics)
        self._generator.average_anew()
        return taken

    def _begin_at(self, resolution: int) -> None:
        self._generator.network.begin_at(resolution)
        self._own.critic.begin_at(resolution)
        self._generator.average_anew()

    def _work_at(self, resolution: int) -> None:
        self._generator.network.work_at(resolution)
        self._own.critic.work_at(resolution)

    def update(self, step: int, total_steps: int | None) -> Metrics:
        """Update the critics, and on every `d_steps`-th step the generator and its average; return scalars.

        All sides learn from the same generated pictures and real logits: the generator's forward pass and the
        critics' on real pictures are the same for both, and cost a fifth of a step.
        """
        if self._growth.grows(step, total_steps):
            self._work_at(self._growth.resolution)
        turn = self._turn(step, self.lr_scale * self.schedule.factor(step, total_steps))
        is_generators = (step + 1) % self._settings.d_steps == 0
        with torch.set_grad_enabled(is_generators):
            generated = self._shown(self._generator.pictures(turn), step)
            views = [critic.views(generated) for critic in self._critics]

        metrics: Metrics = {}
        for critic, seen in zip(self._critics, views, strict=True):
            metrics |= critic.update(turn, seen)
        if is_generators:
            verdicts = [critic.generator_loss(turn, seen) for critic, seen in zip(self._critics, views, strict=True)]
            metrics |= self._generator.update(turn, verdicts)

        metrics |= self._augmenter.metrics()
        if self._augmenter.due(step):
            self._augmenter.adapt(self._overfitting(turn, generated.detach()))
        rates = {"lr_g": self._generator.learner.rate, "lr_d": self._own.learner.rate}
        metrics |= {name: turn.factor * rate for name, rate in rates.items()}
        return {**metrics, "images": float(self.batch_size)}

    def _turn(self, step: int, factor: float) -> Turn:
        real, labels = self._real.batch(step)
        random = Draws(stream(self._settings.seed, "step", step), self._world)
        return Turn(step, factor, self._shown(real, step), labels, random)

    def _shown(self, pictures: Tensor, step: int) -> Tensor:
        """Return pictures as the critics see them: at the resolution that the training has come to, augmented."""
        return self._augmenter.augmented(reduced(pictures, self._growth.resolution), step)

    @torch.no_grad()
    def _overfitting(self, turn: Turn, generated: Tensor) -> Tensor:
        """Return the critic's mean logits of a turn's real pictures, of held-out ones, and of generated ones."""
        pictures, labels = self._real.held_out_batch(turn.step)
        held_out = self._shown(pictures, turn.step), labels
        return self._own.mean_logits((turn.real, turn.labels), held_out, (generated, turn.labels))

    def evaluate(self, step: int) -> dict[str, float]:
        """Return the distance of averaged samples from the real set, their spread, and how the critic stands.

        The first process measures, and the others hear of it.
        """
        main = self._world.is_main
        return dict(self._world.decided({**self._judge.scores(self.average), **self._standing()} if main else {}))

    def trouble(self, metrics: Mapping[str, float]) -> str:
        """Say that the generator has collapsed, if an evaluation shows that; else remember how far it spread."""
        words = collapse_in_words(metrics["spread"], self._widest_spread)
        if not words:
            self._widest_spread = max(self._widest_spread, metrics["spread"])
        return words

    def _standing(self) -> dict[str, float]:
        random = stream(self._settings.seed, "standing")
        trained, held_out = self._real.drawn(STANDING_COUNT, random), self._real.held_out(STANDING_COUNT)
        latents = self._generator.latents(len(trained[0]), Draws(random))
        divide = self._own.objective.divide
        return critic_standing(self._own.critic, self.average, trained, held_out, latents, divide=divide)

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return weights, average and all optimisers' tensors; the streams need no state."""
        tensors = {name: tensor for side in self._sides for name, tensor in side.state().items()}
        scalars = {"config": self.config, "widest_spread": self._widest_spread, "growth": self._growth.state()}
        if self._augmenter.adaptation:
            scalars["adaptation"] = self._augmenter.adaptation.state()
        return tensors, scalars

    def restore(self, tensors: dict[str, Tensor], scalars: dict[str, Any]) -> None:
        """Take back what `state` returned."""
        self._widest_spread = float(scalars.get("widest_spread", 0.0))
        if self._augmenter.adaptation:
            self._augmenter.adaptation.restore(scalars["adaptation"])
        for side in self._sides:
            side.restore(tensors)
        self._growth.restore(scalars["growth"])
        self._work_at(self._growth.resolution)

    def export(self, root: Path, step: int, metrics: dict[str, float]) -> None:
        """Write `generator.safetensors` (the averaged weights) and `config.json`, in the first process."""
        if not self._world.is_main:
            return
        write_json(root / "config.json", self.config)
        belongs = {CONFIG_SEAL: config_digest(self.config)}
        save_tensors(root / "generator.safetensors", self.average.state_dict(), belongs, labelled=True)

    def preview(self, folder: Path, step: int) -> str:
        """Write a grid of the averaged generator's pictures of fixed latents, a row a label; all grids are animated."""
        if not self._world.is_main:
            return ""
        latents = self._generator.latents(PREVIEW_COUNT, Draws(stream(self._settings.seed, "preview")))
        return write_preview(folder, step, self.average, self.config, latents, self._settings.seed)

    def summary(self, metrics: dict[str, float]) -> str:
        """Say the balance of the two sides, the speed, and the newest distance."""
        resolution = self._growth.resolution
        below = resolution if resolution < self.config["size"] else None
        return progress_in_words(metrics, self.objective, self._nearness, below)

    def expectation(self, total_steps: int) -> str:
        """Say what a training like this one came to, where one was measured."""
        labelled = bool(self.config["label_names"])
        return expectation_in_words(self._settings, self.config["size"], total_steps, labelled=labelled)


def made_networks(config: dict[str, Any], settings: TrainGanSettings, device: torch.device) -> tuple[Generator, Critic]:
    """Return the generator and the critic of a training with random weights, drawn from its seed."""
    entries = growing_resolutions(config["size"]) if settings.grow else ()
    mixing = OBJECTIVES[settings.loss or ""].penalty.mixing
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        generator = make_generator(config).to(device).to(memory_format=torch.channels_last)
        critic = make_critic(config, settings.batch_size, normalise=mixing, entries=entries)
        return generator, critic.to(device).to(memory_format=torch.channels_last)
