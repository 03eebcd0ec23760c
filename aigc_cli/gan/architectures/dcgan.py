"""Two teaching architectures: DCGAN (Radford et al. 2015, arXiv:1511.06434), and the introductory dense GAN.

Both take labels, if there are any, as one-hot numbers beside the latent and beside the picture (Mirza & Osindero
2014, arXiv:1411.1784).
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aigc_cli.gan.architectures.contract import Critic, Generator


def _with_labels(x: Tensor, labels_B: Tensor | None, count: int) -> Tensor:
    """Append the one-hot labels to (B, N), or as constant channels to (B, C, H, W)."""
    if not count:
        return x
    assert labels_B is not None
    one_hot = F.one_hot(labels_B, count).to(x.dtype)
    if x.dim() == 4:
        one_hot = one_hot[:, :, None, None].expand(-1, -1, *x.shape[2:])
    return torch.cat([x, one_hot], 1)


def _initialise(module: nn.Module) -> None:
    """Draw weights from N(0, 0.02), normalisation gains from N(1, 0.02) (Radford et al., sec. 4)."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)


class DcganGenerator(Generator):
    """Transposed 4x4 convolutions with batch normalisation and ReLU, tanh at the end."""

    def __init__(self, *, size: int, channels: int, labels: int, z_dim: int, width: float) -> None:
        super().__init__()
        self.z_dim, self.labels = z_dim, labels
        stages = int(math.log2(size)) - 2
        here = max(8, round(64 * width)) * 2 ** (stages - 1)
        layers: list[nn.Module] = [nn.ConvTranspose2d(z_dim + labels, here, 4, bias=False), nn.BatchNorm2d(here)]
        for _ in range(stages - 1):
            layers += [nn.ReLU(True), nn.ConvTranspose2d(here, here // 2, 4, 2, 1, bias=False)]
            layers.append(nn.BatchNorm2d(here // 2))
            here //= 2
        layers += [nn.ReLU(True), nn.ConvTranspose2d(here, channels, 4, 2, 1), nn.Tanh()]
        self.layers = nn.Sequential(*layers)
        self.apply(_initialise)

    def forward(self, z_BZ: Tensor, labels_B: Tensor | None = None) -> Tensor:
        """Return pictures (B, C, size, size) in [-1, 1]."""
        pictures: Tensor = self.layers(_with_labels(z_BZ, labels_B, self.labels)[:, :, None, None])
        return pictures


class DcganCritic(Critic):
    """4x4 stride-2 convolutions with batch normalisation (not at the input) and leaky ReLU of slope 0.2.

    Without `normalise` nothing mixes the pictures of a batch, as a penalty on each picture's gradient wants it
    (Gulrajani et al. 2017, arXiv:1704.00028, sec. 4).
    """

    def __init__(self, *, size: int, channels: int, labels: int, width: float, normalise: bool = True) -> None:
        super().__init__()
        self.labels, self.mixes = labels, normalise
        here = max(8, round(64 * width))
        layers: list[nn.Module] = [nn.Conv2d(channels + labels, here, 4, 2, 1), nn.LeakyReLU(0.2, True)]
        for _ in range(int(math.log2(size)) - 3):
            layers += [
                nn.Conv2d(here, here * 2, 4, 2, 1, bias=not normalise),
                *([nn.BatchNorm2d(here * 2)] if normalise else []),
                nn.LeakyReLU(0.2, True),
            ]
            here *= 2
        layers.append(nn.Conv2d(here, 1, 4))
        self.layers = nn.Sequential(*layers)
        self.apply(_initialise)

    def forward(self, pictures_BCHW: Tensor, labels_B: Tensor | None = None) -> Tensor:
        """Return one logit a picture, shape (B,)."""
        logits: Tensor = self.layers(_with_labels(pictures_BCHW, labels_B, self.labels))
        return logits.flatten()


class MlpGenerator(Generator):
    """Dense 128 (S/4)^2 and ReLU, reshape, dense to four channels of the grid, one 7x7 convolution, tanh."""

    def __init__(self, *, size: int, channels: int, labels: int, z_dim: int, width: float) -> None:
        super().__init__()
        self.z_dim, self.labels, self.quarter = z_dim, labels, size // 4
        hidden = max(4, round(128 * width))
        self.dense = nn.Linear(z_dim + labels, hidden * self.quarter**2)
        self.to_grid = nn.Linear(hidden, 16 * 4)
        self.to_picture = nn.Conv2d(4, channels, 7, padding=3)

    def forward(self, z_BZ: Tensor, labels_B: Tensor | None = None) -> Tensor:
        """Return pictures (B, C, size, size) in [-1, 1]."""
        side = self.quarter
        x = F.relu(self.dense(_with_labels(z_BZ, labels_B, self.labels))).view(len(z_BZ), side * side, -1)
        x = self.to_grid(x).view(len(z_BZ), side, side, 4, 4, 4)
        grid = x.permute(0, 5, 1, 3, 2, 4).reshape(len(z_BZ), 4, 4 * side, 4 * side)
        return torch.tanh(self.to_picture(grid))


class MlpCritic(Critic):
    """Flatten, dense 128 with ReLU, dense 1."""

    def __init__(self, *, size: int, channels: int, labels: int, width: float) -> None:
        super().__init__()
        self.labels = labels
        hidden = max(4, round(128 * width))
        self.hidden = nn.Linear(channels * size * size + labels, hidden)
        self.logit = nn.Linear(hidden, 1)

    def forward(self, pictures_BCHW: Tensor, labels_B: Tensor | None = None) -> Tensor:
        """Return one logit a picture, shape (B,)."""
        x = F.relu(self.hidden(_with_labels(pictures_BCHW.flatten(1), labels_B, self.labels)))
        logits: Tensor = self.logit(x)
        return logits.squeeze(1)
