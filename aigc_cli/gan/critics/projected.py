"""Critics on the features of a frozen, pretrained network (Projected GAN: Sauer et al. 2021, arXiv:2111.01007).

EfficientNet-Lite1 sees pictures at the set's size (the next multiple of 32), and at 64 pixels at least; behind four of
its stages stands a small critic with a logit for each place. They judge beside the architecture's own critic, not
instead of it. The random mixing of channels and scales of the paper is left out. Their gradient penalties are of the
features, so that nothing is differentiated twice through the pretrained network. A distance on features of the same
family flatters such a training: see it beside another judge.

Suffixes: B batch, C channels, H height, W width.
"""

import math
from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aigc_cli.config.train_gan import TrainGanSettings
from aigc_cli.core.seeding import stream
from aigc_cli.gan.architectures.layers import EqualConv, lrelu, widened
from aigc_cli.gan.architectures.style import DEVIATION_GROUP, deviation
from aigc_cli.gan.critics.objective import OBJECTIVES
from aigc_cli.gan.critics.penalties import gradient_penalty
from aigc_cli.gan.pictures import RealPictures
from aigc_cli.gan.sides import Computing, Learner, Metrics, Turn, betas_of
from aigc_cli.measure.efficientnet import LITE1, load_efficientnet
from aigc_cli.training.adamw import AdamW

LEAST_SIZE = 64
STAGES = (1, 2, 4, 6)  # a 4th, 8th, 16th and 32nd of the side that the network sees
COARSEST = 32
WIDTH = 96
FEATURE_GAMMA = 1.0
NORM_COUNT, NORM_CHUNK = 256, 32


class FeatureCritic(nn.Module):
    """One stage's features (B, C, H, W), and labels (B,) if there are any, to logits (B, places).

    Each place has a projection head (Miyato & Koyama 2018, arXiv:1802.05637, eq. 3).
    """

    def __init__(self, channels: int, side: int, labels: int, group: int) -> None:
        super().__init__()
        self.group = group
        self.first = EqualConv(channels, WIDTH, 1)
        self.downs = nn.ModuleList()
        while side > 4:
            self.downs.append(EqualConv(WIDTH, WIDTH, 3, down=True))
            side //= 2
        self.last = EqualConv(WIDTH + 1, WIDTH, 3 if side > 2 else 1)
        self.logit = EqualConv(WIDTH, 1, 1)
        self.embed = nn.Parameter(torch.randn(labels, WIDTH)) if labels else None

    def forward(self, features_BCHW: Tensor, labels_B: Tensor | None) -> Tensor:
        """Return a logit for each place that is left."""
        x = lrelu(self.first(features_BCHW))
        for down in self.downs:
            x = lrelu(down(x))
        x = lrelu(self.last(torch.cat([x, deviation(x, self.group)], 1)))
        logits: Tensor = self.logit(x)
        if self.embed is not None:
            assert labels_B is not None
            logits = logits + (self.embed[labels_B][:, :, None, None] * x).sum(1, keepdim=True) / math.sqrt(WIDTH)
        return logits.flatten(1)


class ProjectedCritics(nn.Module):
    """The pretrained network, how its features are scaled, and a critic for each of its stages.

    `pictures` (N, C, size, size) in [-1, 1] are real ones: each channel's mean and deviation over them scale it.
    """

    def __init__(self, pictures: Tensor, labels: int, group: int) -> None:
        super().__init__()
        self._network = load_efficientnet(LITE1, pictures.device)
        self._size = seen_size(pictures.shape[-1])
        self.critics = nn.ModuleList()
        with torch.no_grad():
            chunks = [self._raw(chunk) for chunk in torch.split(pictures, NORM_CHUNK)]
            for stage, parts in enumerate(zip(*chunks, strict=True)):
                found = torch.cat(parts)
                mean, deviations = found.mean((0, 2, 3), keepdim=True), found.std((0, 2, 3), keepdim=True)
                self.register_buffer(f"mean_{stage}", mean)
                self.register_buffer(f"scale_{stage}", 1 / (deviations + 0.01 * found.std()))
                self.critics.append(FeatureCritic(found.shape[1], found.shape[2], labels, group))

    def features(self, pictures_BCHW: Tensor) -> list[Tensor]:
        """Return the scaled features of each stage."""
        return [
            (x - self.get_buffer(f"mean_{stage}")) * self.get_buffer(f"scale_{stage}")
            for stage, x in enumerate(self._raw(pictures_BCHW))
        ]

    def forward(self, features: Sequence[Tensor], labels_B: Tensor | None) -> list[Tensor]:
        """Return the logits (B, places) of each stage's critic."""
        return [critic(x, labels_B) for critic, x in zip(self.critics, features, strict=True)]

    def _raw(self, pictures_BCHW: Tensor) -> list[Tensor]:
        x = rgb(pictures_BCHW)
        if x.shape[-1] < self._size:  # as at the lower resolutions of a training that grows
            x = F.interpolate(x, size=self._size, mode="bilinear", align_corners=False)
        x = (x * 127.5 + 0.5) / 128
        return self._network.after_stages(x.contiguous(memory_format=torch.channels_last), STAGES)


def seen_size(size: int) -> int:
    """Return the side at which the network sees pictures of a set."""
    return max(LEAST_SIZE, math.ceil(size / COARSEST) * COARSEST)


def rgb(pictures_BCHW: Tensor) -> Tensor:
    """Return three channels of pictures in [-1, 1]: grey is repeated, alpha is composited over white."""
    channels = pictures_BCHW.shape[1]
    if channels == 1:
        return pictures_BCHW.expand(-1, 3, -1, -1)
    if channels == 4:
        alpha = (pictures_BCHW[:, 3:] + 1) / 2
        return pictures_BCHW[:, :3] * alpha + (1 - alpha)
    return pictures_BCHW


def projected_critics(real: RealPictures, settings: TrainGanSettings, computing: Computing) -> ProjectedCritics:
    """Return critics with random weights for a training, scaled by some of its real pictures."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        pictures, _ = real.drawn(NORM_COUNT, stream(settings.seed, "feature scale"))
        group = math.gcd(DEVIATION_GROUP, settings.batch_size)
        critics = ProjectedCritics(pictures, len(real.label_names), group)
        return critics.to(computing.device).to(memory_format=torch.channels_last)


class ProjectedSide:
    """Projected critics with what trains them."""

    def __init__(self, critics: ProjectedCritics, settings: TrainGanSettings, computing: Computing) -> None:
        self.critics, self._objective, self._computing = critics, OBJECTIVES[settings.loss or ""], computing
        adam = AdamW(dict(critics.named_parameters()), betas_of(settings), key="adam_p.{name}.{kind}")
        self.learner = Learner("projected", critics, adam, settings.lr_d or 0.0, computing.world)
        self._penalty_every = settings.penalty_every
        self._real_logits: list[Tensor] = []

    def views(self, pictures_BCHW: Tensor) -> list[Tensor]:
        """Return the features of pictures, in float32 whatever the precision of the training.

        On a CPU bfloat16 gains nothing here, and the gradients of the network's strided convolutions of single channels
        take twenty times as long in it.
        """
        with torch.autocast(self._computing.device.type, enabled=False):
            return self.critics.features(pictures_BCHW)

    def update(self, turn: Turn, views: Sequence[Tensor]) -> Metrics:
        """Move the critics, and return their loss.

        Where it is due, each stage is penalised by gamma / 2 times R1 + R2 of its features: the squared norm of the
        gradient of a picture's mean logit (Mescheder et al. 2018, arXiv:1801.04406, sec. 4.1).
        """
        penalty = self._penalty_every * FEATURE_GAMMA if turn.step % self._penalty_every == 0 else 0.0
        with torch.no_grad():
            real_views = self.views(turn.real)
        losses, self._real_logits = [], []
        twice = None if turn.labels is None else torch.cat([turn.labels, turn.labels])
        for critic, of_real, of_generated in zip(self.critics.critics, real_views, views, strict=True):
            both = torch.cat([of_real, of_generated.detach()]).requires_grad_(penalty > 0)
            with self._computing.products():
                logits = widened(critic(both, twice))
            real_logits, generated_logits = logits.chunk(2)
            loss = self._objective.critic(real_logits, generated_logits)
            if penalty > 0:
                loss = loss + penalty * gradient_penalty(both, logits.mean(1)).mean()
            losses.append(loss)
            self._real_logits.append(real_logits.detach())
        total = torch.stack(losses).sum()
        return self.learner.learn(turn, total, {"loss_projected": total})

    def generator_loss(self, turn: Turn, views: Sequence[Tensor]) -> tuple[Tensor, Metrics]:
        """Return the sum of the generator's losses against the critics as they are now."""
        with self.learner.frozen(), self._computing.products():
            judged = [widened(logits) for logits in self.critics(views, turn.labels)]
        pairs = zip(self._real_logits, judged, strict=True)
        return torch.stack([self._objective.generator(real, logits) for real, logits in pairs]).sum(), {}

    def state(self) -> dict[str, Tensor]:
        """Return the critics' weights and moments."""
        return self.learner.state()

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Take back what `state` returned."""
        self.learner.restore(tensors)
