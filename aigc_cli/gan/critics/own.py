"""The side of the architecture's own critic: it judges pictures as they are, and tells their labels where it can.

Suffixes: B batch, C channels, H height, W width.
"""

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from aigc_cli.config.train_gan import TrainGanSettings
from aigc_cli.gan.architectures.contract import Critic
from aigc_cli.gan.architectures.layers import widened
from aigc_cli.gan.balance import critic_accuracy
from aigc_cli.gan.critics.objective import OBJECTIVES
from aigc_cli.gan.pictures import Labelled
from aigc_cli.gan.sides import Computing, Learner, Metrics, Turn, betas_of, numbered
from aigc_cli.training.adamw import AdamW


class OwnSide:
    """A critic of pictures, its optimiser, its penalty, and the weight of the labels that it is to tell apart."""

    def __init__(self, critic: Critic, settings: TrainGanSettings, computing: Computing) -> None:
        self.critic, self.objective, self._computing = critic, OBJECTIVES[settings.loss or ""], computing
        adam = AdamW(numbered(critic), betas_of(settings), key="adam_d.{name}.{kind}")
        self.learner = Learner("critic", critic, adam, settings.lr_d or 0.0, computing.world)
        self._penalty = self.objective.penalty.of(settings)
        self._class_weight, self._clip_weights = settings.class_weight or 0.0, settings.clip_weights
        self._real_logits = torch.empty(0)

    def views(self, pictures_BCHW: Tensor) -> list[Tensor]:
        """Return the pictures."""
        return [pictures_BCHW]

    def update(self, turn: Turn, views: Sequence[Tensor]) -> Metrics:
        """Move the critic, and return its loss, how it judges, its penalty, and now and then its gradient's norm."""
        penalty = self._penalty if self._penalty and turn.step % self._penalty.every == 0 else None
        both = torch.cat([turn.real, views[0].detach()]).requires_grad_(penalty is not None and penalty.of_inputs)
        logits, classes = self._judge_halves(both, turn.labels)
        real_logits, generated_logits = logits.chunk(2)
        loss = self.objective.critic(real_logits, generated_logits)
        metrics: Metrics = {
            "loss_d": loss,
            "mean_d_real": self.objective.score(real_logits).mean(),
            "mean_d_generated": self.objective.score(generated_logits).mean(),
            "critic_accuracy": critic_accuracy(real_logits, generated_logits, divide=self.objective.divide),
        }
        if classes is not None and turn.labels is not None:
            class_loss = F.cross_entropy(classes[: len(turn.real)], turn.labels)
            loss = loss + self._class_weight * class_loss
            metrics["class_loss_real"] = class_loss
        if penalty is not None:
            added, found = penalty(both, logits, lambda others: self._judge(others, turn.labels)[0], turn.random)
            loss = loss + added
            metrics |= found
        metrics = self.learner.learn(turn, loss, metrics, norm="gradient_norm_d")
        if self.objective.clips:
            with torch.no_grad():
                torch._foreach_clamp_min_(list(self.critic.parameters()), -self._clip_weights)
                torch._foreach_clamp_max_(list(self.critic.parameters()), self._clip_weights)
        self._real_logits = real_logits.detach()
        return metrics

    def generator_loss(self, turn: Turn, views: Sequence[Tensor]) -> tuple[Tensor, Metrics]:
        """Return the generator's loss, with that of labels that are not recognised, and both apart."""
        with self.learner.frozen():
            logits, classes = self._judge(views[0], turn.labels)
        loss = self.objective.generator(self._real_logits, logits)
        metrics: Metrics = {"loss_g": loss}
        if classes is not None and turn.labels is not None:
            class_loss = F.cross_entropy(classes, turn.labels)
            loss = loss + self._class_weight * class_loss
            metrics["class_loss_generated"] = class_loss
        return loss, metrics

    @torch.no_grad()
    def mean_logits(self, *batches: Labelled) -> Tensor:
        """Return the mean logit of each batch, and leave statistics of batches as they are."""
        self.critic.eval()
        means = torch.stack([self.critic(pictures, labels).mean() for pictures, labels in batches])
        self.critic.train()
        return means

    def state(self) -> dict[str, Tensor]:
        """Return weights and moments."""
        return self.learner.state()

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Take back what `state` returned."""
        self.learner.restore(tensors)

    def _judge_halves(self, both_BCHW: Tensor, labels_B: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Judge real and generated pictures, one half each: together, unless normalisation would mix them."""
        if self.critic.mixes:
            return torch.cat([self._judge(half, labels_B)[0] for half in both_BCHW.chunk(2)]), None
        return self._judge(both_BCHW, None if labels_B is None else torch.cat([labels_B, labels_B]))

    def _judge(self, pictures_BCHW: Tensor, labels_B: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Return logits (B,), and class logits (B, K) where the critic tells labels apart and is asked to."""
        with self._computing.products():
            if labels_B is None or not self._class_weight:
                logits, classes = self.critic(pictures_BCHW, labels_B), None
            else:
                logits, classes = self.critic.logits_and_classes(pictures_BCHW, labels_B)
        return widened(logits), None if classes is None else widened(classes)
