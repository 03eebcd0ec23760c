"""One step of adversarial training, and what the loop asks of a trainer.

The alternation is written out in `update`: critic on real and generated pictures, then generator through the frozen
critic. Every random number of step k comes from streams that name k. Of several processes each computes its share of
the batch; gradients and what is logged are their means. Knows nothing of time or run folders.
"""

import copy
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aigc_cli.config.train_gan import TrainGanSettings, augmentations, completed
from aigc_cli.core.disk.checkpoint import save_tensors
from aigc_cli.core.disk.files import write_json
from aigc_cli.core.errors import BadData
from aigc_cli.core.machine.distributed import ALONE, World
from aigc_cli.core.seeding import stream
from aigc_cli.core.words.messages import tr
from aigc_cli.data.pictures.imageset import ImageSet
from aigc_cli.gan.adaptation import Adaptation
from aigc_cli.gan.architectures.dcgan import DcganCritic
from aigc_cli.gan.architectures.layers import widened
from aigc_cli.gan.architectures.networks import CONFIG_SEAL, check_size, config_digest, make_critic, make_generator
from aigc_cli.gan.architectures.style import DEVIATION_GROUP, StyleCritic, StyleGenerator, reduced
from aigc_cli.gan.augment import augment
from aigc_cli.gan.balance import collapse_in_words, critic_accuracy
from aigc_cli.gan.critics.objective import OBJECTIVES, gradient_penalty, interpolated, unit_gradient_penalty
from aigc_cli.gan.critics.projected import FEATURE_GAMMA, NORM_COUNT, ProjectedCritics, ProjectedSide
from aigc_cli.gan.expectation import expectation_in_words
from aigc_cli.gan.growth import Growth, growing_resolutions
from aigc_cli.gan.judge import Judge
from aigc_cli.gan.pixels import from_pixels
from aigc_cli.gan.report import critic_standing, progress_in_words, write_preview
from aigc_cli.gan.shares import Draws, backward, check_shares, gradient_norm, own_rows
from aigc_cli.gan.transfer import Taken, begin_with
from aigc_cli.training.adamw import AdamW
from aigc_cli.training.schedule import Schedule

WARMUP_STEPS = 20
EMA_RAMP = 0.05  # the average's half-life is at most this share of the pictures seen so far
PREVIEW_COUNT = 40
STANDING_COUNT = 256
GRADIENT_NORM_EVERY = 10


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
    """A generator, its running average, a critic and their optimizers on one image set."""

    def __init__(self, images: ImageSet, settings: TrainGanSettings, device: torch.device, world: World) -> None:
        self.lr_scale = 1.0
        self.batch_size, self.counted = settings.batch_size, "images"
        self.schedule = Schedule(
            kind=settings.schedule, warmup_steps=WARMUP_STEPS, cooldown=settings.cooldown, final=settings.final_lr
        )
        self._widest_spread = 0.0
        self._settings, self._device, self._world = settings, device, world
        self._augmentations = augmentations(settings)
        self._adaptation = Adaptation(settings.augment_strength) if settings.augment_adapt else None
        labelled = settings.labels and images.labels is not None
        self.config: dict[str, Any] = {
            "schema": "aigc.face/1",
            "arch": settings.arch,
            "size": images.size,
            "channels": images.channels,
            "bit_depth": 16 if images.pixels.dtype == torch.uint16 else 8,
            "label_names": list(images.label_names) if labelled else [],
            "z_dim": settings.z_dim,
            "width": settings.width,
            **({"modulation": settings.modulation} if settings.arch == "style" else {}),
        }
        train = ~images.is_valid
        labels = images.labels.to(device) if labelled and images.labels is not None else None
        self._pixels, self._labels = images.pixels[train].to(device), None if labels is None else labels[train]
        self._valid_pixels = images.pixels[~train].to(device)
        self._valid_labels = None if labels is None else labels[~train]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            self._generator = make_generator(self.config).to(device).to(memory_format=torch.channels_last)
            entries = growing_resolutions(images.size) if settings.grow else ()
            self._critic = (
                make_critic(self.config, settings.batch_size, normalise=settings.loss != "wgan-gp", entries=entries)
                .to(device)
                .to(memory_format=torch.channels_last)
            )
        check_shares(self._generator, self._critic, settings, world)
        self._growth = Growth(images.size, settings.grow or 0.0)
        if self._growth.first < images.size:
            assert isinstance(self._generator, StyleGenerator) and isinstance(self._critic, StyleCritic)
            self._generator.silence_above(self._growth.first)
            self._critic.weigh_above(0.0)
        self.average = copy.deepcopy(self._generator).requires_grad_(False)
        betas = (float(settings.beta1 or 0.0), float(settings.beta2 or 0.0))
        self._adam_g, self._adam_d = (
            AdamW(_numbered(module), betas, key=f"{part}.{{name}}.{{kind}}")
            for part, module in (("adam_g", self._generator), ("adam_d", self._critic))
        )
        self._objective = OBJECTIVES[settings.loss or ""]
        self._projected = self._projected_side(betas) if settings.projected else None
        self._permutation: tuple[int, Tensor] = (-1, torch.empty(0))
        self._judge = Judge(images, settings.metric, settings.metric_images, settings.seed, device)
        self.objective, self._nearness = self._judge.objective, self._judge.nearness

    def _projected_side(self, betas: tuple[float, float]) -> ProjectedSide:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self._settings.seed)
            order = torch.randperm(len(self._pixels), generator=stream(self._settings.seed, "feature scale"))
            real = from_pixels(self._pixels[order[:NORM_COUNT].to(self._device)])
            group = math.gcd(DEVIATION_GROUP, self._settings.batch_size)
            critics = ProjectedCritics(real, len(self.config["label_names"]), group).to(self._device)
        return ProjectedSide(critics.to(memory_format=torch.channels_last), self._objective, betas, self._products)

    @property
    def pace_since(self) -> int:
        """The step from which on a step costs what it does now."""
        return self._growth.since

    @property
    def _gamma(self) -> float:
        """Weight of R1 and R2 at the resolution that is trained."""
        return (self._settings.gamma or 0.0) * (self._growth.resolution / 32) ** 2

    def _show_resolution(self) -> None:
        """Let both networks work at the resolution that the training has come to; the average is always whole."""
        if isinstance(self._generator, StyleGenerator) and isinstance(self._critic, StyleCritic):
            self._generator.resolution = self._critic.resolution = self._growth.resolution

    def begin_with(self, run: Path) -> Taken:
        """Begin with another face run's networks, at the full size; the average begins as the generator does."""
        self._growth.finish()
        self._show_resolution()
        if isinstance(self._critic, StyleCritic):
            self._critic.weigh_above(1.0)
        taken = begin_with(run, self.config, self._generator, self._critic)
        self.average.load_state_dict(self._generator.state_dict())
        return taken

    def update(self, step: int, total_steps: int | None) -> dict[str, float | Tensor]:
        """Update the critic, and on every `d_steps`-th step the generator and its average; return scalars.

        Both sides learn from the same generated pictures and real logits: the generator's forward pass and the
        critic's on real pictures are the same for both, and cost a fifth of a step.
        """
        settings = self._settings
        factor = self.lr_scale * self.schedule.factor(step, total_steps)
        rates = {"lr_g": factor * (settings.lr_g or 0.0), "lr_d": factor * (settings.lr_d or 0.0)}
        self._growth.grows(step, total_steps)
        self._show_resolution()
        random = self._draws("step", step)
        real, labels = self._batch(step)
        real = self._augment(reduced(real, self._growth.resolution), step)
        both_sides = (step + 1) % settings.d_steps == 0
        with torch.set_grad_enabled(both_sides):
            with self._products():
                generated = self._generator(self._latents(len(real), random), labels)
            generated = self._augment(widened(generated), step)
            features = self._projected.features(generated) if self._projected else []
        metrics, real_logits = self._update_critic(step, real, generated.detach(), labels, random, rates["lr_d"])
        if self._projected:
            due = step % settings.penalty_every == 0
            penalty = settings.penalty_every * FEATURE_GAMMA if due else 0.0
            metrics |= self._projected.update(real, features, labels, penalty, rates["lr_d"], self._world)
        if both_sides:
            metrics |= self._update_generator(step, generated, features, real_logits, labels, rates["lr_g"])
            self._update_average(step)
        if self._adaptation:
            metrics["augment_strength"] = self._adaptation.strength
            self._adapt(self._adaptation, step, real, generated.detach(), labels)
        return {**metrics, **rates, "images": float(settings.batch_size)}

    def _update_critic(
        self, step: int, real: Tensor, generated: Tensor, labels: Tensor | None, random: Draws, rate: float
    ) -> tuple[dict[str, float | Tensor], Tensor]:
        """Return scalars to log, and the logits of the real pictures."""
        settings = self._settings
        due = step % settings.penalty_every == 0
        penalised = self._gamma > 0 and due and not self._objective.interpolated
        both = torch.cat([real, generated]).requires_grad_(penalised)
        logits, classes = self._judge_halves(both, labels)
        real_logits, generated_logits = logits.chunk(2)
        loss = self._objective.critic(real_logits, generated_logits)
        metrics: dict[str, float | Tensor] = {
            "loss_d": loss,
            "mean_d_real": self._objective.score(real_logits).mean(),
            "mean_d_generated": self._objective.score(generated_logits).mean(),
            "critic_accuracy": critic_accuracy(real_logits, generated_logits, divide=self._objective.divide),
        }
        if classes is not None and labels is not None:
            class_loss = F.cross_entropy(classes[: len(real)], labels)
            loss = loss + (settings.class_weight or 0.0) * class_loss
            metrics["class_loss_real"] = class_loss
        if penalised:
            # R1 on the real half, R2 on the generated half; lazy, so weighted by the interval.
            penalty_B = gradient_penalty(both, logits)
            r1, r2 = (half.mean() for half in penalty_B.chunk(2))
            loss = loss + settings.penalty_every * self._gamma / 2 * (r1 + r2)
            metrics |= {"r1": r1, "r2": r2}
        if due and self._objective.interpolated:
            penalty = self._interpolated_penalty(real, generated, labels, random)
            loss = loss + settings.penalty_every * settings.gp_weight * penalty
            metrics["gradient_penalty"] = penalty
        metrics = backward(loss, self._critic, metrics, self._world)
        if step % GRADIENT_NORM_EVERY == 0:
            metrics["gradient_norm_d"] = gradient_norm(self._critic)
        self._adam_d.step(rate)
        if self._objective.clips:
            with torch.no_grad():
                torch._foreach_clamp_min_(list(self._critic.parameters()), -settings.clip_weights)
                torch._foreach_clamp_max_(list(self._critic.parameters()), settings.clip_weights)
        return metrics, real_logits.detach()

    def _interpolated_penalty(self, real: Tensor, generated: Tensor, labels: Tensor | None, random: Draws) -> Tensor:
        shares = random.uniform(len(real)).to(self._device)
        between = interpolated(real, generated, shares).requires_grad_()
        return unit_gradient_penalty(between, self._judge_pictures(between, labels)[0]).mean()

    def _update_generator(
        self,
        step: int,
        generated: Tensor,
        features: Sequence[Tensor],
        real_logits: Tensor,
        labels: Tensor | None,
        rate: float,
    ) -> dict[str, float | Tensor]:
        self._critic.requires_grad_(False)
        logits, classes = self._judge_pictures(generated, labels)
        loss = self._objective.generator(real_logits, logits)
        metrics: dict[str, float | Tensor] = {"loss_g": loss}
        if self._projected:
            loss = loss + self._projected.generator_loss(features, labels)
        if classes is not None and labels is not None:
            class_loss = F.cross_entropy(classes, labels)
            loss = loss + (self._settings.class_weight or 0.0) * class_loss
            metrics["class_loss_generated"] = class_loss
        metrics = backward(loss, self._generator, metrics, self._world)
        if step % GRADIENT_NORM_EVERY == 0:
            metrics["gradient_norm_g"] = gradient_norm(self._generator)
        self._adam_g.step(rate)
        self._critic.requires_grad_(True)
        return metrics

    @torch.no_grad()
    def _update_average(self, step: int) -> None:
        """Move the averaged generator: a half-life in pictures that grows with what has been seen."""
        batch = self._settings.batch_size
        half_life = min(float(self._settings.ema_images), EMA_RAMP * (step + 1) * batch)
        beta = 0.5 ** (batch / half_life) if half_life > 0 else 0.0
        torch._foreach_lerp_(list(self.average.parameters()), list(self._generator.parameters()), 1 - beta)
        for mine, theirs in zip(self.average.buffers(), self._generator.buffers(), strict=True):
            mine.copy_(theirs)

    def _judge_halves(self, both: Tensor, labels: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Judge real and generated pictures, one half each: together, unless normalisation would mix them."""
        if isinstance(self._critic, DcganCritic) and self._critic.mixes:
            return torch.cat([self._judge_pictures(half, labels)[0] for half in both.chunk(2)]), None
        return self._judge_pictures(both, None if labels is None else torch.cat([labels, labels]))

    def _judge_pictures(self, pictures: Tensor, labels: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Return the critic's logits (B,), and class logits (B, K) where it classifies and is asked to."""
        with self._products():
            if labels is None or not self._settings.class_weight or not isinstance(self._critic, StyleCritic):
                return widened(self._critic(pictures, labels)), None
            logits, classes = self._critic.logits_and_classes(pictures, labels)
        return widened(logits), widened(classes)

    def _products(self) -> torch.autocast:
        """Return a context in which networks convolve in the precision that was asked for."""
        return torch.autocast(self._device.type, torch.bfloat16, enabled=self._settings.precision == "bf16")

    def _draws(self, *names: str | int) -> Draws:
        return Draws(stream(self._settings.seed, *names), self._world)

    def _latents(self, count: int, random: Draws) -> Tensor:
        return random.normal(count, int(self.config["z_dim"])).to(self._device)

    def _batch(self, step: int) -> tuple[Tensor, Tensor | None]:
        """Return this process's share of the real pictures in [-1, 1], and labels.

        The batch is a pure function of (seed, step); each epoch is shuffled.
        """
        batch, count = self._settings.batch_size, len(self._pixels)
        epoch, place = divmod(step, count // batch)
        if self._permutation[0] != epoch:
            order = torch.randperm(count, generator=stream(self._settings.seed, "epoch", epoch))
            self._permutation = (epoch, order.to(self._device))
        chosen = self._permutation[1][place * batch : (place + 1) * batch][own_rows(batch, self._world)]
        real = from_pixels(self._pixels[chosen])
        return real, None if self._labels is None else self._labels[chosen]

    def _augment(self, pictures: Tensor, step: int) -> Tensor:
        """Return augmented pictures; all of a step are augmented by the same draws."""
        strength = self._adaptation.strength if self._adaptation else self._settings.augment_strength
        pictures = augment(pictures, self._augmentations, strength, self._draws("augment", step))
        return pictures.contiguous(memory_format=torch.channels_last)

    @torch.no_grad()
    def _adapt(self, adaptation: Adaptation, step: int, real: Tensor, generated: Tensor, labels: Tensor | None) -> None:
        """Measure how the critic judges held-out pictures beside the step's own, now and then."""
        if not adaptation.due(step):
            return
        random, batch = stream(self._settings.seed, "held out", step), self._settings.batch_size
        chosen = torch.randperm(len(self._valid_pixels), generator=random)[:batch][own_rows(batch, self._world)]
        chosen = chosen.to(self._device)
        held_out = reduced(from_pixels(self._valid_pixels[chosen]), self._growth.resolution)
        held_out = self._augment(held_out, step)
        held_out_labels = None if self._valid_labels is None else self._valid_labels[chosen]
        self._critic.eval()
        means = torch.stack(
            [
                self._critic(pictures, its_labels).mean()
                for pictures, its_labels in ((real, labels), (held_out, held_out_labels), (generated, labels))
            ]
        )
        self._critic.train()
        self._world.mean_([means])
        train, valid, fake = means.tolist()
        adaptation.take(train, valid, fake, batch_size=batch)

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
        train = torch.randperm(len(self._pixels), generator=random)[:STANDING_COUNT].to(self._device)
        labels = None if self._labels is None else self._labels[train]
        real = (from_pixels(self._pixels[train]), labels)
        held_out = (from_pixels(self._valid_pixels[:STANDING_COUNT]), self._valid_labels)
        latents = self._latents(len(train), Draws(random))
        return critic_standing(self._critic, self.average, real, held_out, latents, divide=self._objective.divide)

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return weights, average and both optimizers' tensors; the streams need no state."""
        parts = {"generator": self._generator, "average": self.average, "critic": self._critic}
        tensors = {
            f"{part}.{name}": value for part, module in parts.items() for name, value in module.state_dict().items()
        }
        tensors |= self._adam_g.state() | self._adam_d.state()
        if self._projected:
            tensors |= self._projected.state()
        scalars = {"config": self.config, "widest_spread": self._widest_spread, "growth": self._growth.state()}
        if self._adaptation:
            scalars["adaptation"] = self._adaptation.state()
        return tensors, scalars

    def restore(self, tensors: dict[str, Tensor], scalars: dict[str, Any]) -> None:
        """Take back what `state` returned."""
        self._widest_spread = float(scalars.get("widest_spread", 0.0))
        if self._adaptation:
            self._adaptation.restore(scalars["adaptation"])
        for part, module in (("generator", self._generator), ("average", self.average), ("critic", self._critic)):
            module.load_state_dict(
                {name.removeprefix(f"{part}."): t for name, t in tensors.items() if name.startswith(f"{part}.")}
            )
        self._adam_g.restore(tensors)
        self._adam_d.restore(tensors)
        if self._projected:
            self._projected.restore(tensors)
        self._growth.restore(scalars["growth"])
        self._show_resolution()

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
        latents = self._latents(PREVIEW_COUNT, Draws(stream(self._settings.seed, "preview")))
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


def _numbered(module: nn.Module) -> dict[str, nn.Parameter]:
    return {str(index): parameter for index, parameter in enumerate(module.parameters())}
